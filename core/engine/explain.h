/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* explain: what the policies answer to one connection and what is said on it, and why.
 *
 * In    a snapshot, the plugins, one question
 * Out   {"verdict", "policy", "namespace", "rule", "tier", "direction", "reason", "steps"} of
 *       the rule that denied, or of that which reports an allow (judged_rule() in judged.h);
 *       policy and rule are null when no rule decided
 * Not   how questions are written (explain_json.c), how answers look to people (render.c)
 * Life  new (explain | explain_json)* free; one thread
 *
 * What somebody says is given in words, as fields of an inspector's transaction, or as raw bytes.
 * Bytes go through the very code that judges live traffic: a worker without a thread.
 */

#include <jansson.h>
#include "engine/settings.h"
#include "l7guard/inspector.h"
#include "plugin/registry.h"
#include "policy/policy.h"

#define EXPLAIN_PAIRS_MAX 64
#define EXPLAIN_ERROR_MAX 512

enum explain_said {
    EXPLAIN_NOTHING, /* a bare handshake, or a datagram of any content */
    EXPLAIN_WORDS,   /* a request described to `inspector` in pairs */
    EXPLAIN_OTHER,   /* bytes no inspector knows */
    EXPLAIN_RAW,     /* what the client sends first on a TCP connection; nothing comes after it */
};

struct explain_question {
    struct tuple tuple;
    enum explain_said said;
    const struct plugin *inspector;
    const struct l7_pair *pairs;
    size_t pair_count;
    struct l7_bytes raw;
};

struct explainer;

/* References the snapshot; borrows the others. `steps`: tell of each rule that was looked at; else
 * only of those that decided. NULL: no memory. */
struct explainer *explain_new(const struct registry *registry, struct snapshot *snapshot,
                              const struct settings *settings, bool steps);
void explain_free(struct explainer *x);

/* NULL: the question makes no sense; `error` (EXPLAIN_ERROR_MAX bytes) says why. */
json_t *explain(struct explainer *x, const struct explain_question *q, char *error);

/* The same, with the question as an object: "src", "sport", "dst", "dport", "proto", "icmp", and at
 * most one of a loaded keyword, "other", "raw" (base64), "l7" ({KEYWORD: {FIELD: VALUE}}). Always
 * an answer: {"error": ...} if it makes no sense. */
json_t *explain_json(struct explainer *x, const json_t *question);

/* One question a line from `in`, one answer a line to `out`, in order. 0, or negative errno when
 * `out` could not be written. */
int explain_batch(struct explainer *x, FILE *in, FILE *out);
