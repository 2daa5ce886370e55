/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* match: does a rule's L7 part fit the fields of a transaction.
 *
 * Not   what a field means (inspectors), which rule is asked (policy.h)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "l7guard/host.h"
#include "policy/policy.h"

/* One field of a transaction as emitted so far. Bytes are owned by the caller. */
struct field {
    bool emitted;
    bool unmatchable;
    bool has_tail;
    uint8_t form_count;
    struct l7_bytes forms[L7_FORMS_MAX];
    struct l7_bytes tail;
};

enum fit {
    FIT_NO,   /* no item fits, and none can any more */
    FIT_OPEN, /* depends on fields that are not there yet */
    FIT_YES,
};

/* `keyword` is the id of the claiming inspector; `fields` are indexed as in its table. `complete`:
 * fields not emitted are absent, and absent never matches a pattern [L7-12]; the answer is not
 * OPEN. Items are ORed, fields of an item ANDed [L7-2]. */
enum fit rule_fit(const struct rule *rule, unsigned keyword, const struct field *fields,
                  size_t field_count, bool complete);

/* Why it does not fit, for people: "path \"/x\" does not match \"/api/ *\"". Into buf. */
void rule_fit_why(const struct rule *rule, unsigned keyword, const struct l7_inspector *inspector,
                  const struct field *fields, size_t field_count, char *buf, size_t cap);

/* "*" is any run of bytes, everything else literal; linear in text times stars at worst, no
 * recursion. `nocase`: ASCII letters alike. [L7-10] */
bool glob_match(struct l7_bytes pattern, struct l7_bytes text, bool nocase);
