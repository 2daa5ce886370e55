/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* lint: what in a policy set is surely not what its author meant, although it is valid.
 *
 * In    a snapshot
 * Out   [{"kind", "message", "file", "line", ...}]: "shadowed" and "unreachable" rules never decide
 *       anything; "tie": two rules with the same tier, priority and index of which the order of
 *       names decides [ORD-8]; "selects-nothing": an entry of appliedTo, from or to; "pattern":
 *       one that the inspector has a word about, as a rule that nothing can match it. Of rules
 *       also "policy", "namespace", "rule", "direction", and in "by" those of the other rule
 * Not   mistakes for which a set is refused (snapshot_load())
 *
 * A rule counts as shadowed when at every endpoint it applies to one earlier rule takes all of
 * its traffic. That several rules together do so is not found, nor is anything that would depend
 * on more inventory; what is told is so.
 */

#include <jansson.h>
#include <stdio.h>
#include "policy/policy.h"

#define LINT_FINDINGS_MAX 1000
#define LINT_PAIRS_MAX 100000000u /* rules compared; enough for lists of 10,000 */

/* NULL: no memory. A last finding of kind "more" tells when a limit was reached. */
json_t *lint(const struct snapshot *s);
/* One line a finding. */
void lint_render(const json_t *findings, FILE *to);
