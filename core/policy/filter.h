/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* filter: which rules of a long list can concern a peer and a port at all.
 *
 * In    the list; then a peer: its endpoint's number, if it has one, its address, and the port
 * Out   the candidates in list order: every rule that matches, and some others
 * Not   whether a candidate matches (classify.c asks it in full, so a filter cannot change an
 *       answer by having too many)
 * Life  new (open seek next*)*; it lives in the snapshot's arena
 */

#include "policy/shelf.h"

#define FILTER_FROM 32 /* rules; shorter lists are walked */

struct filter;

#define FILTER_RUNS 6

/* The merged candidates of one question. */
struct filter_walk {
    struct run runs[FILTER_RUNS]; /* none of the first `count` is empty */
    unsigned count;
};

/* Working memory for making many filters; in `scratch`. */
struct filter_room;
struct filter_room *filter_room_new(struct arena *scratch);
struct filter *filter_new(struct arena *arena, struct filter_room *room, size_t endpoint_count,
                          const struct rule_list *list);
/* `endpoint`: UINT32_MAX when the peer is none. `port`: of port_key(). */
void filter_open(const struct filter *f, uint32_t endpoint, const struct l7_address *address,
                 uint32_t port, struct filter_walk *out);
/* Pass over candidates before `index`. */
void filter_seek(struct filter_walk *w, size_t index);
bool filter_next(struct filter_walk *w, size_t *index);
