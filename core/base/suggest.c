/* SPDX-License-Identifier: Apache-2.0 */
/* suggest: edit distance with swaps (optimal string alignment), bounded: longer words than LEN_MAX
 * are nobody's slip of the finger. */

#include "base/suggest.h"

#include <string.h>

#define LEN_MAX 48

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Three rows of the usual table are enough: a swap looks back two. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][LEN_MAX + 1];
    unsigned *two_back = rows[0], *back = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        back[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned cost = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
            unsigned best = smaller(back[j] + 1, row[j - 1] + 1);
            best = smaller(best, back[j - 1] + cost);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                best = smaller(best, two_back[j - 2] + 1);
            row[j] = best;
        }
        unsigned *free_row = two_back;
        two_back = back;
        back = row;
        row = free_row;
    }
    return back[b_len];
}

const char *suggest(const char *word, const char *const *list, size_t n)
{
    size_t len = strnlen(word, LEN_MAX + 1);
    const char *best = NULL;
    unsigned best_distance = 4;

    if (len == 0 || len > LEN_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!list[i])
            continue;
        size_t other = strnlen(list[i], LEN_MAX + 1);
        if (other == 0 || other > LEN_MAX)
            continue;
        size_t longer = other > len ? other : len;
        unsigned d = distance(word, len, list[i], other);
        if (d < best_distance && d * 3 <= longer) {
            best = list[i];
            best_distance = d;
        } else if (!best && longer <= 3 && d == 1 && longer > 1) {
            best = list[i]; /* one slip in a word as short as "ip" */
            best_distance = 1;
        }
    }
    return best;
}
