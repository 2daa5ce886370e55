/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* policy: what the rest of the program knows of policies.
 *
 * In    a directory of Kubernetes objects and the inspectors' field tables; then, per flow, a
 *       5-tuple; then, per transaction, fields
 * Out   a snapshot; the deciding rule of each question; whether its L7 part fits
 * Not   frames, flows, plugins, verdicts on the wire
 * Life  load (classify | match | trace)* unref
 *
 * A snapshot never changes after load. It is shared by all threads and freed by its last unref.
 * Rule ids such as [ORD-2] are those of docs/policy.md.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/problem.h"
#include "l7guard/host.h"
#include "l7guard/inspector.h"
#include "l7guard/log.h"

struct snapshot;

/* A keyword that l7Protocols may use; its index in the list given to snapshot_load() is its id
 * and stays the same for the process's life (the list only grows). `inspector` outlives the
 * snapshots. */
struct policy_keyword {
    const struct l7_inspector *inspector;
    const void *self; /* handed to inspector->pattern */
};

struct policy_source {
    const char *dir;       /* every *.yaml, *.yml, *.json below it, in name order; NULL or "": no
                              policies */
    const char *node_name; /* [INV-3]; NULL: every Pod is local */
    const struct policy_keyword *keywords;
    size_t keyword_count;
    const struct snapshot *previous; /* for rule ids that stay [VLAN-1]; may be NULL */
    uint64_t generation;             /* the new snapshot's number, from 1 */
};

/* 0 and a snapshot with one reference; or negative errno after adding errors to `problems`, and
 * *out untouched. Warnings may be added in both cases. */
int snapshot_load(const struct policy_source *source, struct problems *problems,
                  struct snapshot **out);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* NULL is fine; any thread */
uint64_t snapshot_generation(const struct snapshot *s);

/* Of the antrea-config ConfigMap [OBJ-3]. */
bool snapshot_disable_tx_checksum(const struct snapshot *s);

enum action { ACTION_NONE, ACTION_ALLOW, ACTION_DROP, ACTION_REJECT, ACTION_PASS };
const char *action_name(enum action a); /* "Allow", ...; "" for none */
enum direction { DIRECTION_INGRESS, DIRECTION_EGRESS };
const char *direction_name(enum direction d); /* "Ingress", "Egress" */

/* A rule as the others may see it; owned by its snapshot. */
struct rule {
    const char *policy_ref;  /* [NAME-3] */
    const char *policy_kind; /* "NetworkPolicy" or "ClusterNetworkPolicy" */
    const char *namespace_;  /* NULL for cluster-scoped */
    const char *policy;      /* metadata.name */
    const char *name;        /* given or generated [NAME-2] */
    const char *tier;
    const char *log_label; /* NULL: none */
    const char *file;      /* where it was written */
    int line;
    int tier_priority;
    double priority;
    unsigned index; /* in its list */
    enum direction direction;
    enum action action;
    bool enable_logging;
    bool l7;        /* has l7Protocols */
    uint32_t l7_id; /* 1..4094 when l7 [VLAN-2], else 0 */
    size_t number;  /* 0-based; < snapshot_rule_count(); hit counters use it */
    size_t item_count;
    const struct rule_item *items; /* match.h */
    const struct sieve *sieve;     /* of many items; NULL: they are walked */
};

/* All rules in evaluation order: egress list, then ingress list. */
size_t snapshot_rule_count(const struct snapshot *s);
const struct rule *snapshot_rule(const struct snapshot *s, size_t i);
/* For status: how many policies, Pods, ... as "policies=3 rules=7 pods=5". */
struct snapshot_counts {
    size_t policies, rules, tiers, pods, namespaces;
};
struct snapshot_counts snapshot_counts(const struct snapshot *s);

/* The first packet of a connection, client to server. */
struct tuple {
    struct l7_address src, dst;
    uint16_t sport, dport; /* 0 when the protocol has none */
    uint8_t proto;         /* IP protocol number */
    uint8_t icmp_type, icmp_code;
};

/* The answer to one question [ORD-1]. `action` NONE: not asked, or nothing matched (allowed).
 * `rule` NULL with a deny: K8s isolation. */
struct answer {
    bool asked;
    enum action action; /* NONE, ALLOW, DROP or REJECT */
    const struct rule *rule;
};

struct decision {
    struct answer egress, ingress;
};

/* Reads only; any thread. Time does not grow with the number of rules that do not concern the
 * two ends. */
void policy_classify(const struct snapshot *s, const struct tuple *t, struct decision *out);

/* The same answer, telling `step` for each rule that was looked at, in order, why it did not
 * match or that it did. `why` is one sentence naming field, value and pattern. */
typedef void policy_step(void *ctx, enum direction direction, const struct rule *rule, bool matched,
                         const char *why);
void policy_trace(const struct snapshot *s, const struct tuple *t, struct decision *out,
                  policy_step *step, void *ctx);
