/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* snapshot: what one load leaves behind, as classify.c walks it.
 *
 * Endpoints are the Pods and ExternalEntities that own an address, numbered from 0; sets of them
 * are bit sets. A classifier of another kind may replace rule lists behind policy.h: it finds
 * here, per rule, the resolved sets of both ends and the ports.
 */

#include <stdatomic.h>
#include "policy/arena.h"
#include "policy/policy.h"
#include "policy/ranges.h"

struct bits {
    size_t words;
    uint64_t list[];
};

struct bits *bits_new(struct arena *arena, size_t count);
void bits_add(struct bits *to, const struct bits *from);
bool bits_any(const struct bits *b);
static inline void bits_set(struct bits *b, size_t i)
{
    b->list[i / 64] |= (uint64_t)1 << (i % 64);
}
static inline bool bits_test(const struct bits *b, size_t i)
{
    return b && b->list[i / 64] >> (i % 64) & 1;
}

struct named_port {
    uint32_t name;
    uint8_t proto;
    uint16_t port;
};

/* One item of `ports`; names are resolved on the destination [PORT-4]. */
struct port_match {
    uint8_t proto;
    uint32_t name;      /* NAME_NONE: numbers */
    uint16_t low, high; /* 0..65535: any */
    uint16_t source_low, source_high;
};

struct icmp_match {
    int type, code; /* -1: any */
};

/* Pods in Namespaces like that of the Pod under evaluation [PEER-4] [PEER-5]: alike are those of
 * the same class; class 0 is like none. */
struct relative {
    const struct bits *pods;
    const uint32_t *classes; /* by Namespace number */
};

struct service_match {
    struct l7_address address;
    uint8_t proto;
    uint16_t port;
};

/* The union of a rule's from, to or toServices. */
struct peer {
    bool any;
    const struct bits *endpoints; /* NULL: none */
    struct ranges blocks;
    const struct relative *relatives;
    size_t relative_count;
    const struct service_match *services;
    size_t service_count;
    const char *text; /* for people */
};

struct ports {
    bool any; /* neither ports nor protocols */
    const struct port_match *list;
    size_t count;
    const struct icmp_match *icmp;
    size_t icmp_count;
    const char *text;
};

enum layer { LAYER_ANTREA, LAYER_KUBERNETES, LAYER_BASELINE }; /* [ORD-2] */

struct compiled {
    struct rule rule; /* first: a struct rule of ours is one of these */
    enum layer layer;
    bool cluster; /* ACNP */
    struct peer peer;
    struct ports ports;
    uint64_t content[2]; /* hash of policy, direction and what was written [VLAN-1] */

    /* While loading. */
    const struct bits *applied;        /* the endpoints it is enforced at */
    const struct service_match *nodes; /* appliedTo.service: Node address and nodePort */
    size_t node_count;
};

/* Lists that an endpoint has beside its own. */
#define SHARED_MAX 8

/* The rules of one direction that apply to an endpoint, in order; shared by all endpoints with
 * the same list. Rules that apply to many are in lists of their own, which are asked beside it. */
struct rule_list {
    const struct compiled **rules;
    const struct glance *glances; /* of each rule */
    size_t count;
    size_t kubernetes, baseline; /* where these layers begin */
    bool isolated;               /* [ORD-2] layer 3 */
    const struct filter *filter; /* NULL: the list is short */
    const struct rule_list *shared[SHARED_MAX];
    unsigned shared_count;
    struct rule_list *next;
};

struct endpoint {
    uint32_t namespace_;
    uint32_t machine; /* its Node's number; UINT32_MAX: not known */
    bool local;       /* [INV-3] */
    const struct named_port *ports;
    size_t port_count;
    const struct rule_list *lists[2]; /* by enum direction; NULL: not enforced here */
};

/* Who has an address. */
struct owner {
    struct l7_address address; /* family 0: free */
    uint32_t endpoint;         /* UINT32_MAX: none */
    uint32_t machine;          /* UINT32_MAX: none */
};

/* A nodePort that rules are applied to [APT-8]. */
struct node_port {
    struct service_match match; /* first: searched by it */
    const struct rule_list *list;
};

struct l7_slot {
    uint64_t content[2];
    uint32_t id;
};

/* What was noticed while loading and is of use to who writes policies (engine/lint.h). */
struct remark {
    enum remark_kind { REMARK_EMPTY, REMARK_PATTERN } kind;
    const char *file;
    int line, column;
    const char *field, *text;
};
#define REMARKS_MAX 1000 /* more are only counted */

struct snapshot {
    atomic_uint refs;
    uint64_t generation;
    struct arena arena;
    struct snapshot_counts counts;
    bool disable_tx_checksum;
    struct compiled **rules; /* in evaluation order */
    size_t rule_count;
    struct endpoint *endpoints;
    size_t endpoint_count;
    struct owner *owners; /* open addressing; owner_slots is a power of two or 0 */
    size_t owner_slots;
    struct node_port *node_ports; /* sorted by match */
    size_t node_port_count;
    struct l7_slot *l7; /* sorted by content */
    size_t l7_count;
    uint32_t l7_last; /* the id given last; counting goes on from here [VLAN-2] */
    const char **tier_names;
    int *tier_priorities;
    size_t tier_count;
    struct remark *remarks;
    size_t remark_count, remark_cap;
    size_t remarks_unkept;
};

int service_match_compare(const void *a, const void *b);

/* NULL: external [INV-5]. */
const struct owner *snapshot_owner(const struct snapshot *s, const struct l7_address *address);
/* The entry of `address`, made if it is not there; room was made by snapshot_reserve(). */
struct owner *snapshot_own(struct snapshot *s, const struct l7_address *address);
void snapshot_reserve(struct snapshot *s, size_t addresses);
