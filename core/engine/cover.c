/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/cover.h"

#include <string.h>
#include "policy/glance.h"
#include "policy/names.h"

/* ---- peers ---- */

static bool bits_cover(const struct bits *a, const struct bits *b)
{
    for (size_t i = 0; b != NULL && i < b->words; i++)
        if (b->list[i] & ~(a != NULL ? a->list[i] : 0))
            return false;
    return true;
}

static bool bits_meet(const struct bits *a, const struct bits *b)
{
    for (size_t i = 0; a != NULL && b != NULL && i < b->words; i++)
        if (a->list[i] & b->list[i])
            return true;
    return false;
}

static bool range_inside(const struct range *inner, const struct range *outer)
{
    return inner->family == outer->family && memcmp(inner->low, outer->low, 16) >= 0 &&
           memcmp(inner->high, outer->high, 16) <= 0;
}

/* Ranges of one rule are disjoint and never side by side, so each lies in one of the other's. */
static bool ranges_cover(const struct ranges *a, const struct ranges *b)
{
    size_t at = 0;
    for (size_t i = 0; i < b->count; i++) {
        while (at < a->count && !range_inside(&b->list[i], &a->list[at]))
            at++; /* both ascend */
        if (at == a->count)
            return false;
    }
    return true;
}

static bool relative_covered(const struct peer *a, const struct relative *r)
{
    if (bits_cover(a->endpoints, r->pods))
        return true;
    for (size_t i = 0; i < a->relative_count; i++)
        if (a->relatives[i].classes == r->classes && bits_cover(a->relatives[i].pods, r->pods))
            return true;
    return false;
}

static bool peer_covers(const struct peer *a, const struct peer *b)
{
    if (a->any)
        return true;
    if (b->any || b->service_count > 0 || !bits_cover(a->endpoints, b->endpoints) ||
        !ranges_cover(&a->blocks, &b->blocks))
        return false;
    for (size_t i = 0; i < b->relative_count; i++)
        if (!relative_covered(a, &b->relatives[i]))
            return false;
    return true;
}

/* Blocks hold addresses of Pods too, so only sets of Pods can be told apart. */
static bool peers_apart(const struct peer *a, const struct peer *b)
{
    bool plain = !a->any && !b->any && a->relative_count + b->relative_count == 0 &&
                 a->service_count + b->service_count == 0 && a->blocks.count + b->blocks.count == 0;
    return plain && !bits_meet(a->endpoints, b->endpoints);
}

static bool peer_matches_nothing(const struct peer *p)
{
    return !p->any && !bits_any(p->endpoints) && p->blocks.count == 0 && p->relative_count == 0 &&
           p->service_count == 0;
}

/* ---- ports ---- */

static bool port_covers(const struct port_match *a, const struct port_match *b)
{
    bool all = a->name == NAME_NONE && a->low == 0 && a->high == UINT16_MAX;
    if (a->proto != b->proto || a->source_low > b->source_low || a->source_high < b->source_high)
        return false;
    if (b->name != NAME_NONE)
        return all || a->name == b->name;
    return all || (a->name == NAME_NONE && a->low <= b->low && a->high >= b->high);
}

static bool port_covered(const struct ports *a, const struct port_match *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (port_covers(&a->list[i], b))
            return true;
    return false;
}

static bool icmp_covered(const struct ports *a, const struct icmp_match *b)
{
    for (size_t i = 0; i < a->icmp_count; i++)
        if ((a->icmp[i].type < 0 || a->icmp[i].type == b->type) &&
            (a->icmp[i].code < 0 || a->icmp[i].code == b->code))
            return true;
    return false;
}

static bool ports_cover(const struct ports *a, const struct ports *b)
{
    if (a->any)
        return true;
    if (b->any)
        return false;
    for (size_t i = 0; i < b->count; i++)
        if (!port_covered(a, &b->list[i]))
            return false;
    for (size_t i = 0; i < b->icmp_count; i++)
        if (!icmp_covered(a, &b->icmp[i]))
            return false;
    return true;
}

static bool ports_apart(const struct ports *a, const struct ports *b)
{
    if (a->any || b->any)
        return false;
    for (size_t i = 0; i < port_span_count(a); i++) {
        struct port_span x = port_span_at(a, i);
        for (size_t k = 0; k < port_span_count(b); k++) {
            struct port_span y = port_span_at(b, k);
            if (x.low <= y.high && y.low <= x.high)
                return false;
        }
    }
    return true;
}

/* ---- rules ---- */

bool rule_covers(const struct compiled *a, const struct compiled *b)
{
    return peer_covers(&a->peer, &b->peer) && ports_cover(&a->ports, &b->ports);
}

bool rule_is_empty(const struct compiled *c)
{
    return peer_matches_nothing(&c->peer);
}

bool rules_apart(const struct compiled *a, const struct compiled *b)
{
    return rule_is_empty(a) || rule_is_empty(b) || peers_apart(&a->peer, &b->peer) ||
           ports_apart(&a->ports, &b->ports);
}
