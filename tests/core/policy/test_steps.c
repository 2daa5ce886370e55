/* SPDX-License-Identifier: Apache-2.0 */
/* steps: whatever the count, a search finds what counting finds. */

#include "policy/steps.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static uint64_t state = 11;

static uint32_t any(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static size_t counted(const uint32_t *list, size_t count, uint32_t key)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += list[i] <= key;
    return n;
}

Test(steps, finds_what_counting_finds)
{
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097, 70000};
    jmp_buf oom;
    struct arena arena;
    cr_assert_eq(setjmp(oom), 0);
    arena_init(&arena, &oom);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        uint32_t *list = malloc((counts[c] + 1) * sizeof *list);
        struct steps s;
        for (size_t i = 0; i < counts[c]; i++)
            list[i] = any() | (i == 7 ? UINT32_MAX : 0);
        qsort(list, counts[c], sizeof *list, compare);
        steps_make(&arena, list, counts[c], &s);
        for (int i = 0; i < 300; i++) {
            uint32_t key = i == 0               ? 0
                           : i == 1             ? UINT32_MAX
                           : i % 2 && counts[c] ? list[any() % counts[c]] - (uint32_t)(i % 4 == 1)
                                                : any();
            cr_assert_eq(steps_up_to(&s, key), counted(list, counts[c], key), "%zu numbers, key %u",
                         counts[c], key);
        }
        for (size_t i = 0; i < counts[c]; i += 1 + i / 7)
            cr_assert_eq(steps_at(&s, i), list[i]);
        free(list);
    }
    arena_fini(&arena);
}
