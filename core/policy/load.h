/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* load: one reading of a policy directory, from files to a snapshot.
 *
 * Order  files (object.c) -> inventory -> tiers -> groups -> policies -> order -> compile
 * Life   everything in `scratch` dies with the load; what the snapshot needs is in its own arena.
 */

#include <dirent.h>
#include "policy/arena.h"
#include "policy/inventory.h"
#include "policy/names.h"
#include "policy/policy.h"
#include "policy/read.h"
#include "policy/snapshot.h"

/* An object that is read once the inventory is complete. */
struct object {
    const struct node *document;
    enum object_kind {
        OBJECT_ACNP, /* crd.antrea.io ClusterNetworkPolicy */
        OBJECT_ANNP, /* crd.antrea.io NetworkPolicy */
        OBJECT_KNP,  /* networking.k8s.io NetworkPolicy */
        OBJECT_TIER,
        OBJECT_CLUSTER_GROUP,
        OBJECT_GROUP,
    } kind;
    const char *name;
    const char *namespace_; /* NULL when cluster-scoped */
};

#define TIER_BASELINE 253 /* [TIER-7] */

struct tier {
    const char *name;
    int priority;
    const struct object *object; /* NULL: built in */
    bool used;
};

struct load {
    const struct policy_source *source;
    struct problems *problems;
    size_t warnings; /* told so far */
    struct snapshot *snapshot;
    jmp_buf oom;
    struct arena scratch;
    bool null_is_absent; /* see read_given() */
    DIR *open_dir;       /* while files.c reads it */

    struct yaml_file **files;
    size_t file_count, file_cap;

    struct names identities; /* "group|kind|namespace|name" [OBJ-1] */
    struct names skipped;    /* kinds that were told not to be read */
    struct names words;      /* label keys and values, port and account names */
    size_t long_selectors;

    struct object *objects;
    size_t object_count, object_cap;
    struct inventory inventory;

    struct tier *tiers;
    size_t tier_count;

    struct names group_names; /* "name" or "namespace/name" */
    struct group **groups;    /* by number in group_names */

    struct names classes; /* what peer.c has made for `namespaces` already */
    const uint32_t **class_list;
    size_t class_cap;

    struct names sets; /* what peer.c has resolved already */
    struct bits **set_list;
    size_t set_cap;

    struct compiled **rules; /* of all policies, in no order yet */
    size_t rule_count, rule_cap;
    size_t policy_count;
    struct bits *isolated[2]; /* by direction: endpoints that a KNP covers */

    bool l7_refused; /* featureGates.L7NetworkPolicy: false [OBJ-3] */
};

/* Steps of a load, each in its own file; problems are added to load.problems. */
void files_read(struct load *l);                                /* files.c */
void objects_read(struct load *l);                              /* object.c */
void tiers_read(struct load *l);                                /* tier.c */
const struct tier *tier_find(struct load *l, const char *name); /* NULL: not in the set */
const char *tier_suggest(struct load *l, const char *name);
void tiers_keep(struct load *l);                               /* after the policies were read */
void groups_read(struct load *l);                              /* group.c */
void antrea_read(struct load *l, const struct object *object); /* antrea.c */
void knp_read(struct load *l, const struct object *object);    /* knp.c */
void rules_order(struct load *l);                              /* order.c */
void snapshot_compile(struct load *l);                         /* compile.c */

/* May one more warning be told? They are limited so that they never crowd out errors. */
bool load_may_warn(struct load *l);

/* Note something for lint; `text` is copied. */
void load_remark(struct load *l, enum remark_kind kind, const struct at *at, const char *text);

/* Text that the snapshot keeps; NULL stays NULL. */
const char *keep(struct load *l, const char *text);
