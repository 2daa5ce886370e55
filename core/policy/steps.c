/* SPDX-License-Identifier: Apache-2.0 */
/* steps: search in ascending numbers, one cache line a level. The highest level comes first; level
 * k has ((count - 1) >> 4k) + 1 numbers, and every level ends in a full line. */

#include "policy/steps.h"

#define LINE 16 /* numbers; 4 bits */
#define LINE_BITS 4

static size_t level_count(size_t count, unsigned level)
{
    return ((count - 1) >> (LINE_BITS * level)) + 1;
}

static size_t level_room(size_t count, unsigned level)
{
    return level_count(count, level + 1) * LINE;
}

void steps_make(struct arena *arena, const uint32_t *list, size_t count, struct steps *out)
{
    size_t total = LINE; /* to begin where a line begins */
    *out = (struct steps){.count = count};
    if (!count)
        return;
    while (level_count(count, out->top) > LINE)
        out->top++;
    for (unsigned level = 0; level <= out->top; level++)
        total += level_room(count, level);
    uint32_t *to = arena_array(arena, total, sizeof *to);
    while ((uintptr_t)to % (LINE * sizeof *to) != 0)
        to++;
    out->lines = to;
    for (unsigned level = out->top + 1; level-- > 0;) {
        size_t n = level_count(count, level), room = level_room(count, level);
        for (size_t i = 0; i < room; i++)
            to[i] = i < n ? list[i << (LINE_BITS * level)] : UINT32_MAX;
        to += room;
    }
}

size_t steps_up_to(const struct steps *s, uint32_t key)
{
    const uint32_t *level = s->lines;
    size_t block = 0;
    if (!s->count || key == UINT32_MAX) /* what fills up lines is not to be counted */
        return s->count;
    for (unsigned k = s->top;; k--) {
        const uint32_t *line = level + block * LINE;
        uint32_t below = 0;
        for (unsigned i = 0; i < LINE; i++)
            below += line[i] <= key;
        size_t found = block * LINE + below;
        if (k == 0 || found == 0)
            return found;
        block = found - 1;
        level += level_room(s->count, k);
    }
}

uint32_t steps_at(const struct steps *s, size_t i)
{
    const uint32_t *level = s->lines;
    for (unsigned k = s->top; k > 0; k--)
        level += level_room(s->count, k);
    return level[i];
}
