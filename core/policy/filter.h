/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* filter: which rules of a long list can concern a peer at all.
 *
 * In    the list; then a peer: its endpoint's number, if it has one, and its address
 * Out   the candidates in list order: every rule whose from or to holds the peer, and some others
 * Not   whether a candidate matches (classify.c asks it in full, so a filter cannot change an
 *       answer by having too many)
 * Life  new (open seek next*)*; it lives in the snapshot's arena
 */

#include "policy/snapshot.h"

#define FILTER_FROM 32 /* rules; shorter lists are walked */

struct filter;

/* The merged candidates of one peer. */
struct filter_walk {
    const uint32_t *at[3], *end[3];
};

struct filter *filter_new(struct arena *arena, struct arena *scratch, const struct rule_list *list);
void filter_open(const struct filter *f, uint32_t endpoint, const struct l7_address *address,
                 struct filter_walk *out);
/* Pass over candidates before `index`. */
void filter_seek(struct filter_walk *w, size_t index);
bool filter_next(struct filter_walk *w, size_t *index);
