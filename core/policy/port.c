/* SPDX-License-Identifier: Apache-2.0 */
/* port: `ports` and `protocols` of a rule. Not: comparing them with a packet (classify.c). */

#include "policy/port.h"

#include <string.h>
#include "base/address.h"
#include "policy/entry.h"

#define TEXT_ITEMS 16 /* of a list, told to people */

static const struct {
    const char *name;
    uint8_t number;
} protocols_known[] = {{"TCP", 6}, {"UDP", 17}, {"SCTP", 132}};

static const char *proto_text(uint8_t number)
{
    for (size_t i = 0; i < COUNT_OF(protocols_known); i++)
        if (protocols_known[i].number == number)
            return protocols_known[i].name;
    return "";
}

static bool proto_of(struct load *l, const struct at *at, uint8_t *out)
{
    *out = 6;
    if (!read_given(l, at))
        return !at->node || l->null_is_absent;
    const char *text = read_text(l, at);
    for (size_t i = 0; text && i < COUNT_OF(protocols_known); i++) {
        if (strcmp(text, protocols_known[i].name) == 0) {
            *out = protocols_known[i].number;
            return true;
        }
    }
    if (text)
        read_error(l, at, "%s is not known; known: TCP, UDP, SCTP",
                   read_show(l, text, strlen(text)));
    return false;
}

/* `port`: a number, or the name of a container's port. */
static bool port_of(struct load *l, const struct at *at, struct port_match *m, const char **text)
{
    if (!read_given(l, at))
        return !at->node || l->null_is_absent;
    if (at->node->kind == NODE_SCALAR && node_is_string(at->node)) {
        const char *name = read_needed(l, at);
        if (!name)
            return false;
        if (!name[strspn(name, "0123456789")])
            read_warning(l, at, "%s in quotes is a port's name, not its number",
                         read_show(l, name, strlen(name)));
        m->name = names_add(&l->words, name, NULL);
        *text = read_show(l, name, strlen(name));
        return true;
    }
    int64_t number;
    if (at->node->kind != NODE_SCALAR || !node_int(at->node, &number)) {
        read_error(l, at, "must be a port number or a port's name");
        return false;
    }
    if (!read_int(l, at, 1, 65535, &number))
        return false;
    m->low = m->high = (uint16_t)number;
    *text = arena_printf(&l->scratch, "%d", (int)number);
    return true;
}

/* endPort or sourceEndPort beside its beginning. */
static bool end_of(struct load *l, const struct at *at, const char *start, bool started,
                   uint16_t low, uint16_t *high)
{
    int64_t number;
    if (!read_given(l, at))
        return !at->node || l->null_is_absent;
    if (!started) {
        read_error(l, at, "needs %s as a number", start);
        return false;
    }
    if (!read_int(l, at, 1, 65535, &number))
        return false;
    if (number < low) {
        read_error(l, at, "is less than %s", start);
        return false;
    }
    *high = (uint16_t)number;
    return true;
}

static bool item_of(struct load *l, const struct at *at, bool kubernetes, struct port_match *m,
                    const char **text)
{
    static const char *const known[] = {"protocol", "port", "endPort", "sourcePort",
                                        "sourceEndPort"};
    struct at proto = at_key(at, "protocol"), port = at_key(at, "port");
    struct at end = at_key(at, "endPort"), source = at_key(at, "sourcePort");
    struct at source_end = at_key(at, "sourceEndPort");
    const char *word = NULL;
    int64_t number;
    *m = (struct port_match){.name = NAME_NONE, .high = 65535, .source_high = 65535};
    if (!read_map(l, at))
        return false;
    read_known(l, at, known, kubernetes ? 3 : COUNT_OF(known));
    bool good = proto_of(l, &proto, &m->proto);
    bool port_good = port_of(l, &port, m, &word);
    /* What is wrong with endPort can be told when port itself is good. */
    good = port_good && end_of(l, &end, "port", word && m->name == NAME_NONE, m->low, &m->high) &&
           good;
    *text = word ? m->high != m->low && m->name == NAME_NONE
                       ? arena_printf(&l->scratch, "%s-%u %s", word, m->high, proto_text(m->proto))
                       : arena_printf(&l->scratch, "%s %s", word, proto_text(m->proto))
                 : arena_printf(&l->scratch, "any %s", proto_text(m->proto));
    if (kubernetes)
        return good;
    bool sourced = read_int(l, &source, 1, 65535, &number);
    if (sourced)
        m->source_low = m->source_high = (uint16_t)number;
    if (source.node && !sourced)
        return false;
    good = end_of(l, &source_end, "sourcePort", sourced, m->source_low, &m->source_high) && good;
    if (sourced)
        *text = arena_printf(&l->scratch, "%s from %u-%u", *text, m->source_low, m->source_high);
    return good;
}

static void say(struct load *l, struct ports *out, size_t i, const char *text)
{
    if (i < TEXT_ITEMS)
        out->text = out->text ? arena_printf(&l->scratch, "%s, %s", out->text, text) : text;
    else if (i == TEXT_ITEMS)
        out->text = arena_printf(&l->scratch, "%s, ...", out->text);
}

static void icmp_of(struct load *l, const struct at *at, struct icmp_match *m, const char **text)
{
    static const char *const known[] = {"icmpType", "icmpCode"};
    struct at type = at_key(at, "icmpType"), code = at_key(at, "icmpCode");
    int64_t number;
    *m = (struct icmp_match){-1, -1};
    *text = "ICMP";
    if (!read_map(l, at))
        return;
    read_known(l, at, known, COUNT_OF(known));
    if (read_int(l, &type, 0, 255, &number))
        m->type = (int)number;
    if (read_int(l, &code, 0, 255, &number))
        m->code = (int)number;
    if (m->type >= 0)
        *text = arena_printf(&l->scratch, "ICMP type %d", m->type);
    if (m->code >= 0)
        *text = arena_printf(&l->scratch, "%s code %d", *text, m->code);
}

/* Checked and then never matched: it is about multicast membership, not about flows [PORT-5]. */
static void igmp_of(struct load *l, const struct at *at, enum direction direction)
{
    static const char *const known[] = {"igmpType", "groupAddress"};
    struct at type = at_key(at, "igmpType"), group = at_key(at, "groupAddress");
    struct l7_address address;
    int64_t n;
    if (!read_map(l, at))
        return;
    read_known(l, at, known, COUNT_OF(known));
    if (read_int(l, &type, 0, 255, &n)) {
        bool fits =
            direction == DIRECTION_INGRESS ? n == 0x11 : n == 0x12 || n == 0x16 || n == 0x22;
        if (!fits)
            read_error(l, &type,
                       direction == DIRECTION_INGRESS
                           ? "ingress rules take 0x11 (17) only"
                           : "egress rules take 0x12 (18), 0x16 (22) or 0x22 (34)");
    }
    const char *text = read_text(l, &group);
    if (text && *text && (!address_parse(text, &address) || !address_is_multicast(&address)))
        read_error(l, &group, "%s is no multicast address", read_show(l, text, strlen(text)));
    read_warning(l, at, "igmp rules are checked but not enforced");
}

static void protocols_of(struct load *l, const struct at *list, enum direction direction,
                         struct ports *out, struct port_kinds *kinds)
{
    static const char *const known[] = {"icmp", "igmp"};
    struct icmp_match *icmp;
    kinds->protocols = read_list(l, list);
    icmp = arena_array(&l->snapshot->arena, kinds->protocols, sizeof *icmp);
    out->icmp = icmp;
    for (size_t i = 0; i < kinds->protocols; i++) {
        struct at item = at_item(list, i), icmp_at = at_key(&item, "icmp");
        struct at igmp_at = at_key(&item, "igmp");
        const char *text = "IGMP";
        if (!read_map(l, &item))
            continue;
        read_known(l, &item, known, COUNT_OF(known));
        if (!icmp_at.node == !igmp_at.node) { /* [V34] */
            read_error(l, &item, "needs icmp or igmp, and only one of them");
            continue;
        }
        if (icmp_at.node) {
            icmp_of(l, &icmp_at, &icmp[out->icmp_count++], &text);
        } else {
            kinds->igmp++;
            igmp_of(l, &igmp_at, direction);
        }
        say(l, out, kinds->ports + i, text);
    }
}

void ports_read_all(struct load *l, const struct at *ports, const struct at *protocols,
                    enum direction direction, bool kubernetes, struct ports *out,
                    struct port_kinds *kinds)
{
    *out = (struct ports){0};
    *kinds = (struct port_kinds){.ports = read_list(l, ports)};
    struct port_match *list = arena_array(&l->snapshot->arena, kinds->ports, sizeof *list);
    out->list = list;
    for (size_t i = 0; i < kinds->ports; i++) {
        struct at item = at_item(ports, i);
        const char *text = "";
        struct port_match *m = &list[out->count];
        if (item_of(l, &item, kubernetes, m, &text))
            out->count++;
        kinds->not_tcp |= m->proto > 6;
        say(l, out, i, text);
    }
    if (protocols)
        protocols_of(l, protocols, direction, out, kinds);
    out->any = !kinds->ports && !kinds->protocols; /* [PORT-1] */
    out->text = keep(l, out->text);
}
