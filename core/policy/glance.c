/* SPDX-License-Identifier: Apache-2.0 */
/* glance: forty bytes of a rule. */

#include "policy/glance.h"

#include "policy/names.h"

#define PROTO_ICMP 1
#define PROTO_ICMPV6 58

uint32_t port_key(const struct tuple *t)
{
    bool icmp = t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6;
    return (uint32_t)t->proto << 16 | (icmp ? t->icmp_type : t->dport);
}

uint32_t v4_number(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

size_t port_span_count(const struct ports *p)
{
    return p->count + p->icmp_count * 2;
}

struct port_span port_span_at(const struct ports *p, size_t i)
{
    if (i < p->count) {
        const struct port_match *m = &p->list[i];
        uint32_t base = (uint32_t)m->proto << 16;
        if (m->name != NAME_NONE) /* what it stands for differs from Pod to Pod */
            return (struct port_span){base, base | 0xffff};
        return (struct port_span){base | m->low, base | m->high};
    }
    const struct icmp_match *m = &p->icmp[(i - p->count) / 2];
    uint32_t base = (uint32_t)((i - p->count) % 2 ? PROTO_ICMPV6 : PROTO_ICMP) << 16;
    if (m->type < 0)
        return (struct port_span){base, base | 0xffff};
    return (struct port_span){base | (uint32_t)m->type, base | (uint32_t)m->type};
}

static void ports_glance(const struct ports *p, struct glance *out)
{
    if (p->any) {
        out->port_high = UINT32_MAX;
        out->ports_told = true;
        return;
    }
    out->port_low = UINT32_MAX;
    for (size_t i = 0; i < port_span_count(p); i++) {
        struct port_span span = port_span_at(p, i);
        out->port_low = span.low < out->port_low ? span.low : out->port_low;
        out->port_high = span.high > out->port_high ? span.high : out->port_high;
    }
    const struct port_match *m = p->list;
    out->ports_told = p->count == 1 && !p->icmp_count && m->name == NAME_NONE && !m->source_low &&
                      m->source_high == UINT16_MAX;
}

void glance_make(const struct compiled *c, struct glance *out)
{
    const struct peer *p = &c->peer;
    const struct range *r = p->blocks.list;
    *out = (struct glance){.rule = c,
                           .endpoints = p->endpoints,
                           .v4_low = 1,
                           .action = (uint8_t)c->rule.action,
                           .anybody = p->any};
    ports_glance(&c->ports, out);
    out->peers_told = !p->relative_count && !p->service_count &&
                      (!p->blocks.count || (p->blocks.count == 1 && r->family == 4));
    if (out->peers_told && p->blocks.count) {
        out->v4_low = v4_number(r->low);
        out->v4_high = v4_number(r->high);
    }
}
