/* SPDX-License-Identifier: Apache-2.0 */
/* problem: the list, and how one problem reads as a line. It does not decide what is wrong. */

#include "base/problem.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 1000
#define TEXT_MAX 2048 /* of a sentence, which may quote a document */
#define FIELD_MAX 512
#define LINE_MAX_LEN (TEXT_MAX + FIELD_MAX + 4096 + 64)

struct problems *problems_new(void)
{
    return calloc(1, sizeof(struct problems));
}

static void problem_fini(struct problem *p)
{
    free(p->file);
    free(p->field);
    free(p->text);
}

void problems_free(struct problems *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        problem_fini(&list->list[i]);
    free(list->list);
    free(list);
}

/* Words out of documents are quoted in sentences: they must not break lines or drive terminals. */
static void blank_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

/* A copy of at most `max` bytes, not cut inside a UTF-8 sequence. NULL: no memory. */
static char *copy_line(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);
    bool cut = len > max;

    if (cut) {
        len = max;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    char *copy = malloc(len + 4);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    memcpy(copy + len, cut ? "..." : "", cut ? 4 : 1);
    blank_controls(copy);
    return copy;
}

/* A free entry, or NULL. When the list is full, errors take the places of warnings: as long as
 * fewer than LIST_MAX errors were counted, one of the entries is a warning. */
static struct problem *entry_new(struct problems *list, enum problem_level level)
{
    if (list->count == LIST_MAX) {
        if (level != PROBLEM_ERROR || list->errors >= LIST_MAX)
            return NULL;
        for (size_t i = LIST_MAX; i-- > 0;) {
            if (list->list[i].level == PROBLEM_WARNING) {
                problem_fini(&list->list[i]);
                memmove(&list->list[i], &list->list[i + 1],
                        (LIST_MAX - 1 - i) * sizeof(struct problem));
                list->count--;
                break;
            }
        }
        if (list->count == LIST_MAX)
            return NULL;
    }
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        struct problem *grown = realloc(list->list, cap * sizeof(*grown));
        if (!grown)
            return NULL;
        list->list = grown;
        list->cap = cap;
    }
    return &list->list[list->count];
}

void problem_add(struct problems *list, enum problem_level level, struct place place,
                 const char *format, ...)
{
    char text[TEXT_MAX + 8];
    va_list args;

    if (!list)
        return;
    struct problem *p = entry_new(list, level);
    if (level == PROBLEM_ERROR)
        list->errors++;
    if (!p)
        return;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    struct problem made = {.level = level, .line = place.line, .column = place.column};
    made.text = copy_line(text, TEXT_MAX);
    if (place.file)
        made.file = copy_line(place.file, 4096);
    if (place.field && place.field[0])
        made.field = copy_line(place.field, FIELD_MAX);
    if (!made.text || (place.file && !made.file) ||
        (place.field && place.field[0] && !made.field)) {
        /* No memory: one more error without text. */
        problem_fini(&made);
        if (level != PROBLEM_ERROR)
            list->errors++;
        return;
    }
    *p = made;
    list->count++;
}

int problem_format(const struct problem *p, char *buf, size_t cap)
{
    char line[16] = "", column[16] = "";

    if (p->line > 0)
        snprintf(line, sizeof(line), ":%d", p->line);
    if (p->line > 0 && p->column > 0)
        snprintf(column, sizeof(column), ":%d", p->column);
    return snprintf(buf, cap, "%s%s%s%s%s%s%s%s", p->file ? p->file : "", p->file ? line : "",
                    p->file ? column : "", p->file ? ": " : "", p->field ? p->field : "",
                    p->field ? ": " : "", p->level == PROBLEM_WARNING ? "warning: " : "", p->text);
}

void problems_print(const struct problems *list, FILE *to)
{
    char line[LINE_MAX_LEN];
    size_t errors = 0;

    for (size_t i = 0; i < list->count; i++) {
        problem_format(&list->list[i], line, sizeof(line));
        fprintf(to, "%s\n", line);
        errors += list->list[i].level == PROBLEM_ERROR;
    }
    if (list->errors > errors)
        fprintf(to, "and %zu more error%s\n", list->errors - errors,
                list->errors - errors == 1 ? "" : "s");
}
