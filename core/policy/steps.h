/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* steps: ascending numbers, and which of them is the last not above a given one.
 *
 * Sixteen numbers are one line of the processor's cache. Above the list stands a list of every
 * sixteenth, and so on up to one line, so that a search touches one line a level, most of which
 * are warm. Life: make find*; in the arena.
 */

#include <stddef.h>
#include <stdint.h>
#include "policy/arena.h"

struct steps {
    const uint32_t *lines;
    size_t count;
    unsigned top;
};

/* `list` is copied. */
void steps_make(struct arena *arena, const uint32_t *list, size_t count, struct steps *out);
/* How many are at or below `key`. */
size_t steps_up_to(const struct steps *s, uint32_t key);
uint32_t steps_at(const struct steps *s, size_t i);
