/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* columns: lines of words, written so that words of one column begin at the same place.
 *
 * Life  {0} (add... end)* print, which frees
 */

#include <stddef.h>
#include <stdio.h>

#define COLUMNS_MAX 12

struct columns {
    char **cells; /* COLUMNS_MAX for each line, NULL: nothing there */
    size_t lines, cap;
    size_t at;                 /* in the line being made */
    size_t right[COLUMNS_MAX]; /* not 0: numbers, which end at the same place */
};

/* The next word of the line; NULL or "" leaves its place empty. */
void columns_add(struct columns *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void columns_number(struct columns *c, long long n);
void columns_end(struct columns *c);
/* Each line after `indent` spaces. */
void columns_print(struct columns *c, int indent, FILE *to);
