/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* path: the two normal forms of [L7-18], and whether a path is too odd for the wire.
 *
 * Form A is what a careful server sees: escapes decoded once, dot segments removed. Form B is
 * what the most obliging one makes of it: everything decoded, backslashes and parameters gone,
 * slashes merged. A rule has to fit both.
 */

#include "l7guard/types.h"

struct path {
    struct l7_bytes a, b; /* into the text given, or into `own` */
    bool unmatchable;     /* [L7-18].2 and .4: bytes no rule can be sure of */
    const char *refusal;  /* NULL, or why the wire should not carry it */
    uint8_t *own;
    uint8_t small[1024];
};

/* 0, or -ENOMEM. path_fini() in any case. `text` must outlive the result. */
int path_init(struct path *p, struct l7_bytes text);
void path_fini(struct path *p);

/* Decode as step 3 of [L7-18] does: valid escapes, except of / \ % ? #, NUL and control bytes,
 * whose hex digits are put in upper case. Writes at most text.len bytes; returns how many. */
size_t path_decode_once(struct l7_bytes text, uint8_t *out);
