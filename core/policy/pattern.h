/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* pattern: l7Protocols compiled, as match.c compares it. [L7-10] */

#include "policy/arena.h"
#include "policy/match.h"

struct pattern {
    enum pattern_shape {
        PATTERN_ANY,
        PATTERN_EXACT,
        PATTERN_PREFIX,
        PATTERN_SUFFIX,
        PATTERN_CONTAINS,
        PATTERN_GLOB,
    } shape;
    bool nocase;
    struct l7_bytes text; /* without the stars at its ends, but for PATTERN_GLOB */
};

struct matcher {
    unsigned field;
    const char *written; /* the document's text, for people */
    struct pattern head;
    bool has_tail; /* `head` is what precedes the split character, `tail` what follows */
    struct pattern tail;
    bool numeric;
    uint64_t low, high;
};

/* One item of l7Protocols; its matchers are ANDed, none matches everything. */
struct rule_item {
    unsigned keyword;
    const char *name; /* the keyword's, for people */
    size_t count;
    const struct matcher *matchers;
};

struct pattern pattern_compile(struct arena *arena, struct l7_bytes text, bool nocase, bool glob);
/* As rule_fit() answers, of one item whose keyword is the transaction's. */
enum fit item_fit(const struct rule_item *item, const struct field *fields, size_t count,
                  bool complete);
bool pattern_matches(const struct pattern *p, struct l7_bytes text);
/* Digits only, at most 20 of them. */
bool number_parse(struct l7_bytes text, uint64_t *out);
