/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/columns.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool room(struct columns *c)
{
    if (c->lines < c->cap)
        return true;
    size_t cap = c->cap == 0 ? 32 : c->cap * 2;
    char **cells = realloc(c->cells, cap * COLUMNS_MAX * sizeof(*cells));
    if (cells == NULL)
        return false;
    memset(cells + c->cap * COLUMNS_MAX, 0, (cap - c->cap) * COLUMNS_MAX * sizeof(*cells));
    c->cells = cells;
    c->cap = cap;
    return true;
}

void columns_add(struct columns *c, const char *format, ...)
{
    va_list args;
    char *word = NULL;
    if (c->at >= COLUMNS_MAX || !room(c))
        return;
    va_start(args, format);
    if (vasprintf(&word, format, args) < 0)
        word = NULL;
    va_end(args);
    c->cells[c->lines * COLUMNS_MAX + c->at++] = word;
}

void columns_number(struct columns *c, long long n)
{
    if (c->at < COLUMNS_MAX)
        c->right[c->at] = 1;
    columns_add(c, "%lld", n);
}

void columns_end(struct columns *c)
{
    if (room(c))
        c->lines++;
    c->at = 0;
}

/* Characters of UTF-8 text; good enough for names. */
static int width(const char *word)
{
    int n = 0;
    for (; word != NULL && *word != '\0'; word++)
        n += ((unsigned char)*word & 0xc0) != 0x80;
    return n;
}

static void print_line(const struct columns *c, char **line, const int *widths, int indent,
                       FILE *to)
{
    size_t last = COLUMNS_MAX;
    while (last > 0 && (line[last - 1] == NULL || line[last - 1][0] == '\0'))
        last--;
    fprintf(to, "%*s", last > 0 ? indent : 0, "");
    for (size_t i = 0; i < last; i++) {
        const char *word = line[i] != NULL ? line[i] : "";
        int pad = widths[i] - width(word);
        fprintf(to, "%s%*s%s", i > 0 ? "  " : "", c->right[i] ? pad : 0, "", word);
        if (!c->right[i] && i + 1 < last)
            fprintf(to, "%*s", pad, "");
    }
    putc('\n', to);
}

void columns_print(struct columns *c, int indent, FILE *to)
{
    int widths[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < c->lines * COLUMNS_MAX; i++) {
        int w = width(c->cells[i]);
        if (w > widths[i % COLUMNS_MAX])
            widths[i % COLUMNS_MAX] = w;
    }
    for (size_t i = 0; i < c->lines; i++)
        print_line(c, c->cells + i * COLUMNS_MAX, widths, indent, to);
    for (size_t i = 0; i < c->cap * COLUMNS_MAX; i++)
        free(c->cells[i]);
    free(c->cells);
    *c = (struct columns){0};
}
