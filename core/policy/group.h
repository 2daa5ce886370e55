/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* group: ClusterGroups and Groups, resolved once. [GRP-1..5] */

#include "policy/entry.h"

struct group {
    const struct object *object;
    const struct bits *endpoints; /* NULL: none */
    struct ranges blocks;         /* not sealed */
    bool nodes;                   /* has a nodeSelector */
    bool foreign;                 /* its definition reaches other Namespaces [APT-5] */
    const char *foreign_by;       /* the field that does */
    const char **children;
    size_t child_count;
};

/* `namespace_` NULL: a ClusterGroup. NULL: not in the set. */
const struct group *group_find(const struct load *l, const char *namespace_, const char *name);
