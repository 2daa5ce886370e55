/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* explain_own: what the files of explain share, and nobody else needs. */

#include "engine/explain.h"

/* How it ended. */
struct explain_end {
    const char *verdict;
    const struct rule *rule; /* NULL: none */
    const char *direction;   /* of the question, when a denial has no rule; else NULL */
    char reason[128];
};

const struct registry *explain_registry(const struct explainer *x);

/* Bytes on a connection that one or two L7 rules govern. */
struct raw;
struct raw *raw_new(const struct registry *registry, struct snapshot *snapshot,
                    const struct settings *settings);
void raw_free(struct raw *r);
/* False: no memory. On success `end` is set, its rule among the two given, and `note` (cap bytes)
 * says how far the bytes got. `allowed` is the rule to report for an allow. */
bool raw_judge(struct raw *r, const struct tuple *t, struct l7_bytes bytes,
               const struct rule *egress, const struct rule *ingress, const struct rule *allowed,
               struct explain_end *end, char *note, size_t cap);
