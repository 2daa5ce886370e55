/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* names: texts as small numbers, counted up from 0 in the order they were first seen.
 *
 * Texts are borrowed: they must live as long as the table (both live as long as the load).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "policy/arena.h"

#define NAME_NONE UINT32_MAX

struct names {
    struct arena *arena;
    const char **list; /* by number */
    uint64_t *hashes;
    size_t count, cap, hash_cap;
    uint32_t *slots; /* number + 1; 0: free */
    size_t slot_count;
};

void names_init(struct names *n, struct arena *arena);
/* The number of `text`, new or known; *fresh (may be NULL) tells which. */
uint32_t names_add(struct names *n, const char *text, bool *fresh);
/* NAME_NONE when it was never added. */
uint32_t names_find(const struct names *n, const char *text);
