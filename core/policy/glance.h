/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* glance: what can be told of a rule from forty bytes that stand side by side with those of its
 * neighbours in the list. Most rules are told whole; of the others, whether they are worth asking.
 *
 * Not   the rule's own words (snapshot.h), which classify.c asks when a glance does not tell
 */

#include "policy/snapshot.h"

enum glance_answer { GLANCE_NO, GLANCE_YES, GLANCE_ASK };

struct glance {
    const struct compiled *rule;
    const struct bits *endpoints;
    uint32_t port_low, port_high; /* port keys: all that match lie between */
    uint32_t v4_low, v4_high;     /* likewise of blocks; low above high: none */
    uint8_t action;               /* the rule's */
    bool anybody;                 /* no from or to */
    bool ports_told;              /* all between port_low and port_high match */
    bool peers_told;              /* the same of v4_low and v4_high, and there are no other peers */
};

/* Who asks. */
struct glance_at {
    uint32_t port; /* port_key() */
    bool is_v4;
    uint32_t v4;
    bool is_endpoint;
    uint32_t endpoint;
};

/* Protocol and port, or protocol and ICMP type, as one number. */
uint32_t port_key(const struct tuple *t);
uint32_t v4_number(const uint8_t bytes[4]);

/* The port keys one item of `ports` or `protocols` can match, both inside; numbered from 0. */
struct port_span {
    uint32_t low, high;
};
size_t port_span_count(const struct ports *p);
struct port_span port_span_at(const struct ports *p, size_t i);

void glance_make(const struct compiled *c, struct glance *out);

static inline enum glance_answer glance(const struct glance *g, const struct glance_at *at)
{
    if (at->port < g->port_low || at->port > g->port_high)
        return GLANCE_NO;
    if (g->anybody || (at->is_endpoint && bits_test(g->endpoints, at->endpoint)) ||
        (g->peers_told && at->is_v4 && at->v4 >= g->v4_low && at->v4 <= g->v4_high))
        return g->ports_told ? GLANCE_YES : GLANCE_ASK;
    return g->peers_told ? GLANCE_NO : GLANCE_ASK;
}
