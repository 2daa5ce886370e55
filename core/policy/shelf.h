/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* shelf: rules of one list that can concern the same peers, told apart by destination port.
 *
 * In    ascending indices of rules in a list; then a port
 * Out   two ascending runs: the rules of the interval the port lies in, and those so wide that
 *       writing them down in every interval would cost more than asking them
 * Not   whether a rule matches; runs may hold rules that do not
 */

#include "policy/glance.h"
#include "policy/steps.h"

/* A run of rule indices, ascending. */
struct run {
    const uint32_t *at, *end;
};

struct shelf {
    struct run always;
    struct port_shelf *ports; /* NULL: all are in `always` */
};

/* Working memory that one shelf after the other is made in. */
struct shelf_room {
    struct arena *scratch;
    uint32_t *edges, *next;
    struct shelf_span *spans;
    bool *wide;
    size_t edge_cap, next_cap, span_cap, wide_cap;
};

/* `rules`, which is in `arena`, is borrowed. */
void shelf_make(struct arena *arena, struct shelf_room *room, const struct rule_list *list,
                const uint32_t *rules, size_t count, struct shelf *out);
struct run shelf_run(const struct shelf *s, uint32_t key);
