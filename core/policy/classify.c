/* SPDX-License-Identifier: Apache-2.0 */
/* classify: the two questions of a connection [ORD-1], each put to the rules of one endpoint.
 * Not: which rules those are (compile.c), what becomes of the answers (engine). */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/address.h"
#include "policy/filter.h"
#include "policy/names.h"
#include "policy/snapshot.h"

#define WHY_MAX 900
#define PROTO_ICMP 1
#define PROTO_ICMPV6 58

/* One question. */
struct question {
    const struct snapshot *s;
    const struct tuple *t;
    enum direction direction;
    const struct rule_list *list;
    const struct endpoint *self; /* NULL: a nodePort */
    const struct l7_address *other;
    const struct endpoint *peer; /* NULL: external */
    uint32_t peer_number;
    struct glance_at at;
    const struct endpoint *target; /* the destination's: names of ports are its own [PORT-4] */
    policy_step *step;
    void *ctx;
};

static bool relatives_hold(const struct question *q, const struct peer *p)
{
    for (size_t i = 0; i < p->relative_count && q->self && q->peer; i++) {
        const struct relative *r = &p->relatives[i];
        uint32_t here = r->classes[q->self->namespace_];
        if (here && here == r->classes[q->peer->namespace_] && bits_test(r->pods, q->peer_number))
            return true;
    }
    return false;
}

static bool services_hold(const struct question *q, const struct peer *p)
{
    for (size_t i = 0; i < p->service_count; i++)
        if (p->services[i].proto == q->t->proto && p->services[i].port == q->t->dport &&
            address_equal(&p->services[i].address, q->other))
            return true;
    return false;
}

static bool peer_holds(const struct question *q, const struct peer *p)
{
    return p->any || (q->peer && bits_test(p->endpoints, q->peer_number)) || relatives_hold(q, p) ||
           ranges_hold(&p->blocks, q->other) || services_hold(q, p);
}

/* The first port of that name and protocol wins [INV-2]. */
static bool named_port_is(const struct endpoint *e, const struct port_match *m, uint16_t port)
{
    for (size_t i = 0; e && i < e->port_count; i++)
        if (e->ports[i].name == m->name && e->ports[i].proto == m->proto)
            return e->ports[i].port == port;
    return false;
}

static bool port_holds(const struct question *q, const struct port_match *m)
{
    const struct tuple *t = q->t;
    if (m->proto != t->proto || t->sport < m->source_low || t->sport > m->source_high)
        return false;
    if (m->name != NAME_NONE)
        return named_port_is(q->target, m, t->dport);
    return t->dport >= m->low && t->dport <= m->high;
}

static bool icmp_holds(const struct tuple *t, const struct icmp_match *m)
{
    uint8_t proto = t->dst.family == 6 ? PROTO_ICMPV6 : PROTO_ICMP; /* [PORT-5] */
    return t->proto == proto && (m->type < 0 || m->type == t->icmp_type) &&
           (m->code < 0 || m->code == t->icmp_code);
}

/* ports and protocols are a union [PORT-2]. */
static bool ports_hold(const struct question *q, const struct ports *p)
{
    if (p->any)
        return true;
    for (size_t i = 0; i < p->count; i++)
        if (port_holds(q, &p->list[i]))
            return true;
    for (size_t i = 0; i < p->icmp_count; i++)
        if (icmp_holds(q->t, &p->icmp[i]))
            return true;
    return false;
}

static const char *proto_text(const struct tuple *t, char buf[16])
{
    switch (t->proto) {
    case 1:
        return "ICMP";
    case 6:
        return "TCP";
    case 17:
        return "UDP";
    case 58:
        return "ICMPv6";
    case 132:
        return "SCTP";
    default:
        snprintf(buf, 16, "protocol %u", t->proto);
        return buf;
    }
}

static void __attribute__((format(printf, 4, 5)))
tell(const struct question *q, const struct rule *rule, bool matched, const char *format, ...)
{
    char why[WHY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    q->step(q->ctx, q->direction, rule, matched, why);
}

static void tell_peer(const struct question *q, const struct compiled *c)
{
    char text[ADDRESS_TEXT_MAX];
    bool ingress = q->direction == DIRECTION_INGRESS;
    tell(q, &c->rule, false, "%s %s is not in %s (%s)", ingress ? "source" : "destination",
         address_text(q->other, text), ingress ? "from" : "to", c->peer.text);
}

static void tell_ports(const struct question *q, const struct compiled *c)
{
    char buf[16];
    const struct tuple *t = q->t;
    const char *wanted = c->ports.text ? c->ports.text : "any port";
    const char *proto = proto_text(t, buf);
    if (t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6)
        tell(q, &c->rule, false, "%s type %u code %u is not %s", proto, t->icmp_type, t->icmp_code,
             wanted);
    else if (t->proto == 6 || t->proto == 17 || t->proto == 132)
        tell(q, &c->rule, false, "port %u %s is not %s", t->dport, proto, wanted);
    else
        tell(q, &c->rule, false, "%s is not %s", proto, wanted);
}

static bool rule_holds(const struct question *q, const struct compiled *c)
{
    if (!peer_holds(q, &c->peer)) {
        if (q->step)
            tell_peer(q, c);
        return false;
    }
    if (!ports_hold(q, &c->ports)) {
        if (q->step)
            tell_ports(q, c);
        return false;
    }
    if (q->step)
        tell(q, &c->rule, true, "matched");
    return true;
}

/* The part of a list that one layer has: [from, to). */
struct stretch {
    size_t from, to;
};

static struct stretch stretch_of(const struct rule_list *list, enum layer layer)
{
    switch (layer) {
    case LAYER_ANTREA:
        return (struct stretch){0, list->kubernetes};
    case LAYER_KUBERNETES:
        return (struct stretch){list->kubernetes, list->baseline};
    default:
        return (struct stretch){list->baseline, list->count};
    }
}

static bool rule_matches(const struct question *q, const struct glance *g)
{
    enum glance_answer answer = glance(g, &q->at);
    return answer == GLANCE_YES || (answer == GLANCE_ASK && rule_holds(q, g->rule));
}

/* The first rule of one list that holds. */
static const struct glance *list_walk(const struct question *q, const struct rule_list *list,
                                      enum layer layer)
{
    struct stretch s = stretch_of(list, layer);
    struct filter_walk walk;
    if (s.from == s.to)
        return NULL;
    if (!list->filter) {
        for (size_t i = s.from; i < s.to; i++)
            if (rule_matches(q, &list->glances[i]))
                return &list->glances[i];
        return NULL;
    }
    filter_open(list->filter, q->peer ? q->peer_number : UINT32_MAX, q->other, q->at.port, &walk);
    if (s.from)
        filter_seek(&walk, s.from);
    for (size_t i; filter_next(&walk, &i) && i < s.to;)
        if (rule_matches(q, &list->glances[i]))
            return &list->glances[i];
    return NULL;
}

/* Who asks for steps wants to hear of every rule, in order. */
static const struct glance *rules_trace(const struct question *q, enum layer layer)
{
    const struct rule_list *lists[SHARED_MAX + 1] = {q->list};
    struct stretch stretches[SHARED_MAX + 1];
    unsigned count = 1 + q->list->shared_count;
    for (unsigned i = 0; i < count; i++) {
        lists[i] = i ? q->list->shared[i - 1] : q->list;
        stretches[i] = stretch_of(lists[i], layer);
    }
    for (;;) {
        const struct glance *next = NULL;
        unsigned from = 0;
        for (unsigned i = 0; i < count; i++) {
            const struct glance *g = &lists[i]->glances[stretches[i].from];
            if (stretches[i].from < stretches[i].to &&
                (!next || g->rule->rule.number < next->rule->rule.number)) {
                next = g;
                from = i;
            }
        }
        if (!next || rule_holds(q, next->rule))
            return next;
        stretches[from].from++;
    }
}

/* The first rule of a layer that holds. */
static const struct glance *rules_walk(const struct question *q, enum layer layer)
{
    if (q->step)
        return rules_trace(q, layer);
    const struct glance *first = list_walk(q, q->list, layer);
    for (unsigned i = 0; i < q->list->shared_count; i++) {
        const struct glance *g = list_walk(q, q->list->shared[i], layer);
        if (g && (!first || g->rule->rule.number < first->rule->rule.number))
            first = g;
    }
    return first;
}

static void decide(struct answer *out, const struct glance *g)
{
    out->action = (enum action)g->action;
    out->rule = &g->rule->rule;
}

/* The layers of [ORD-2]. */
static void question_ask(struct question *q, struct answer *out)
{
    const struct rule_list *list = q->list;
    bool is_v4 = q->other->family == 4;
    q->at = (struct glance_at){port_key(q->t), is_v4, is_v4 ? v4_number(q->other->bytes) : 0,
                               q->peer != NULL, q->peer_number};
    *out = (struct answer){.asked = true};
    const struct glance *g = rules_walk(q, LAYER_ANTREA);
    if (g && g->action != ACTION_PASS) { /* a Pass leaves the whole layer [ORD-5] */
        decide(out, g);
        return;
    }
    g = rules_walk(q, LAYER_KUBERNETES);
    if (g) {
        decide(out, g);
        return;
    }
    if (list->isolated) {
        out->action = ACTION_DROP;
        return;
    }
    g = rules_walk(q, LAYER_BASELINE);
    if (g)
        decide(out, g);
}

static const struct rule_list *node_port_list(const struct snapshot *s, const struct tuple *t)
{
    struct node_port key = {.match = {t->dst, t->proto, t->dport}};
    const struct node_port *hit = NULL;
    if (s->node_port_count)
        hit = bsearch(&key, s->node_ports, s->node_port_count, sizeof key, service_match_compare);
    return hit ? hit->list : NULL;
}

/* Neighbour discovery is never put to the question [BYP-7]. */
static bool is_link_control(const struct tuple *t)
{
    return t->proto == PROTO_ICMPV6 && t->icmp_type >= 133 && t->icmp_type <= 137;
}

static const struct endpoint *endpoint_of(const struct snapshot *s, const struct owner *o)
{
    return o && o->endpoint != UINT32_MAX ? &s->endpoints[o->endpoint] : NULL;
}

static void questions_ask(const struct snapshot *s, const struct tuple *t, struct decision *out,
                          policy_step *step, void *ctx)
{
    *out = (struct decision){0};
    if (is_link_control(t))
        return;
    const struct owner *src = snapshot_owner(s, &t->src), *dst = snapshot_owner(s, &t->dst);
    const struct endpoint *from = endpoint_of(s, src), *to = endpoint_of(s, dst);
    struct question q = {.s = s, .t = t, .target = to, .step = step, .ctx = ctx};

    q.list = from ? from->lists[DIRECTION_EGRESS] : NULL;
    if (q.list) {
        q.direction = DIRECTION_EGRESS;
        q.self = from;
        q.other = &t->dst;
        q.peer = to;
        q.peer_number = to ? dst->endpoint : 0;
        question_ask(&q, &out->egress);
    }

    bool hairpin = to && to == from; /* [BYP-4] */
    bool own_node = to && src && src->machine != UINT32_MAX && src->endpoint == UINT32_MAX &&
                    src->machine == to->machine; /* [BYP-3] */
    if (hairpin || own_node)
        return;
    q.list = to ? to->lists[DIRECTION_INGRESS] : node_port_list(s, t);
    if (q.list) {
        q.direction = DIRECTION_INGRESS;
        q.self = to;
        q.other = &t->src;
        q.peer = from;
        q.peer_number = from ? src->endpoint : 0;
        question_ask(&q, &out->ingress);
    }
}

void policy_classify(const struct snapshot *s, const struct tuple *t, struct decision *out)
{
    questions_ask(s, t, out, NULL, NULL);
}

/* The answer is the one that traffic gets; the steps are walked beside it. */
void policy_trace(const struct snapshot *s, const struct tuple *t, struct decision *out,
                  policy_step *step, void *ctx)
{
    struct decision walked;
    questions_ask(s, t, &walked, step, ctx);
    questions_ask(s, t, out, NULL, NULL);
}
