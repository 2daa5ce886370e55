/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* entry: one item of appliedTo, from or to, as it was written. */

#include "policy/label.h"
#include "policy/load.h"
#include "policy/ranges.h"

enum entry_field {
    ENTRY_POD = 1 << 0,
    ENTRY_NAMESPACE = 1 << 1,
    ENTRY_NAMESPACES = 1 << 2,
    ENTRY_BLOCK = 1 << 3,
    ENTRY_GROUP = 1 << 4,
    ENTRY_ACCOUNT = 1 << 5,
    ENTRY_SERVICE = 1 << 6,
    ENTRY_NODE = 1 << 7,
    ENTRY_ENTITY = 1 << 8,
    ENTRY_FQDN = 1 << 9,
    ENTRY_SCOPE = 1 << 10,
};

/* Where an entry stands, which decides what it may say [APT-2] [PEER-2]. */
enum entry_where { IN_APPLIED, IN_RULE_APPLIED, IN_FROM, IN_TO };

struct entry_context {
    enum object_kind policy; /* ACNP, ANNP or KNP */
    const char *namespace_;  /* the policy's; NULL for ACNP */
    enum entry_where where;
};

struct block {
    struct cidr cidr;
    const struct cidr *except;
    size_t except_count;
    bool multicast;
};

struct reference {
    const char *namespace_, *name;
};

struct entry {
    unsigned given; /* of enum entry_field */
    struct selector pods, namespaces, nodes, entities;
    struct block block;
    struct reference account, service;
    const char *group;
    bool self;
    const uint32_t *same_labels; /* numbers of load.words */
    size_t same_label_count;
    const char *text; /* for people */
};

/* False: problems were added. */
bool entry_read(struct load *l, const struct at *at, const struct entry_context *context,
                struct entry *out);
/* {cidr, except}; also used by groups. */
bool block_read(struct load *l, const struct at *at, struct block *out, const char **text);
/* {name, namespace}; `fallback` NULL: the namespace is required [V20]. */
bool reference_read(struct load *l, const struct at *at, const char *fallback,
                    struct reference *out);
bool address_is_multicast(const struct l7_address *a);
