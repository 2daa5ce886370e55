/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* sieve: which of a rule's many items can fit a transaction at all.
 *
 * In    the items of one rule; then fields
 * Out   what rule_fit() answers
 * Not   whether an item fits: item_fit() is asked for each that is left, so a sieve cannot change
 *       an answer by leaving too many
 * Life  new fit*; in the snapshot's arena
 */

#include "policy/pattern.h"

#define SIEVE_FROM 16 /* items; fewer are walked */

struct sieve *sieve_new(struct arena *arena, struct arena *scratch, const struct rule *rule);
enum fit sieve_fit(const struct sieve *s, const struct rule *rule, unsigned keyword,
                   const struct field *fields, size_t field_count, bool complete);
