/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* peer: whom entries select, resolved against the inventory. */

#include "policy/entry.h"

/* The union of several entries, while it grows. */
struct reach {
    const struct bits *endpoints; /* NULL: none */
    struct bits *own;             /* `endpoints` when it is not a shared set */
    struct ranges blocks;
    struct relative *relatives;
    size_t relative_count, relative_cap;
    struct service_match *services; /* appliedTo.service: Node address and nodePort [APT-8] */
    size_t service_count, service_cap;
    const char *text;
    size_t entries;
};

/* What a list of peers is made of, for the checks that look at a whole rule [V16] [V36]. */
struct peer_kinds {
    size_t entries, blocks, multicast;
};

/* Endpoints of one kind. `namespace_` NULL: of all Namespaces, unless a selector of Namespaces is
 * given. The set is shared; it is not to be changed. */
const struct bits *pods_select(struct load *l, enum workload_kind kind, const char *namespace_,
                               const struct selector *pods, const struct selector *namespaces);
/* Pods of a Service's selector [GRP-3]; none when it is missing. */
const struct bits *pods_of_service(struct load *l, const struct reference *service);
/* Node addresses that a nodeSelector means [PEER-9]. */
void nodes_select(struct load *l, const struct selector *nodes, struct ranges *out);

void reach_add(struct load *l, struct reach *r, const struct bits *endpoints);
void reach_entry(struct load *l, const struct at *at, const struct entry_context *context,
                 const struct entry *entry, struct reach *out);

/* from or to; absent and empty: everything [PEER-1]. */
void peers_read(struct load *l, const struct at *list, const struct entry_context *context,
                struct peer *out, struct peer_kinds *kinds);
