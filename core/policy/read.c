/* SPDX-License-Identifier: Apache-2.0 */
/* read: values out of a document, and where they were written. Not: what they mean. */

#include "policy/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/suggest.h"
#include "policy/load.h"

#define DEPTH_MAX 32 /* steps of a path that is told; documents that we know need ten */
#define TEXT_MAX 700
#define SHOW_MAX 64

struct at at_root(const struct node *document)
{
    return (struct at){.node = document};
}

struct at at_key(const struct at *up, const char *key)
{
    return (struct at){.up = up, .key = key, .node = node_get(up->node, key)};
}

struct at at_item(const struct at *up, size_t index)
{
    return (struct at){.up = up, .index = index, .node = up->node->values[index]};
}

char *at_path(const struct at *at, char buf[AT_PATH_MAX])
{
    const struct at *way[DEPTH_MAX];
    size_t depth = 0;
    for (; at && at->up && depth < DEPTH_MAX; at = at->up)
        way[depth++] = at;
    size_t used = 0;
    buf[0] = '\0';
    while (depth-- && used < AT_PATH_MAX) {
        /* cppcheck-suppress uninitvar ; filled from 0 to depth above */
        int n =
            way[depth]->key
                ? snprintf(buf + used, AT_PATH_MAX - used, "%s%s", used ? "." : "", way[depth]->key)
                : snprintf(buf + used, AT_PATH_MAX - used, "[%zu]", way[depth]->index);
        used += n > 0 ? (size_t)n : 0;
    }
    return buf;
}

static void __attribute__((format(printf, 4, 0)))
read_problem(struct load *l, enum problem_level level, const struct at *at, const char *format,
             va_list args)
{
    char path[AT_PATH_MAX], text[TEXT_MAX];
    if (level == PROBLEM_WARNING && !load_may_warn(l))
        return;
    at_path(at, path);
    while (at && !at->node) /* told where it should have been */
        at = at->up;
    struct place place = at ? node_place(at->node, path) : (struct place){.field = path};
    vsnprintf(text, sizeof text, format, args);
    problem_add(l->problems, level, place, "%s", text);
}

void read_error(struct load *l, const struct at *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    read_problem(l, PROBLEM_ERROR, at, format, args);
    va_end(args);
}

void read_warning(struct load *l, const struct at *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    read_problem(l, PROBLEM_WARNING, at, format, args);
    va_end(args);
}

const char *read_show(struct load *l, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    char *out = arena_alloc(&l->scratch, SHOW_MAX * 4 + 8), *p = out;
    *p++ = '"';
    for (size_t i = 0; i < len && i < SHOW_MAX; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != 0x7f) {
            *p++ = (char)c;
        } else {
            *p++ = '\\';
            *p++ = 'x';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
        }
    }
    memcpy(p, len > SHOW_MAX ? "...\"" : "\"", len > SHOW_MAX ? 5 : 2);
    return out;
}

bool read_given(struct load *l, const struct at *at)
{
    if (!at->node)
        return false;
    if (!node_is_null(at->node))
        return true;
    if (!l->null_is_absent)
        read_error(l, at, "is null; leave it out or give it a value");
    return false;
}

bool read_map(struct load *l, const struct at *at)
{
    if (!read_given(l, at))
        return false;
    if (at->node->kind != NODE_MAP) {
        read_error(l, at, "must be a mapping");
        return false;
    }
    return true;
}

size_t read_list(struct load *l, const struct at *at)
{
    if (!read_given(l, at))
        return 0;
    if (at->node->kind != NODE_LIST) {
        read_error(l, at, "must be a list");
        return 0;
    }
    return at->node->count;
}

void read_unknown_key(struct load *l, const struct at *at, const struct node *key,
                      const char *const *known, size_t count)
{
    const char *near = suggest(key->text, known, count);
    char list[400];
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < count && used < sizeof list; i++) {
        int n = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    struct at place = {.up = at, .key = read_show(l, key->text, key->len), .node = key};
    /* A plain word needs no quotes in the path. */
    if (key->len < SHOW_MAX && strspn(key->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
                                                 "VWXYZ0123456789-_/") == key->len)
        place.key = key->text;
    if (near)
        read_error(l, &place, "unknown field; did you mean %s? known: %s", near, list);
    else if (count)
        read_error(l, &place, "unknown field; known: %s", list);
    else
        read_error(l, &place, "unknown field; none is known here");
}

bool key_is(const struct node *key, const char *word)
{
    return strlen(word) == key->len && memcmp(key->text, word, key->len) == 0;
}

const char *key_text(struct load *l, const struct node *key)
{
    return key_is(key, key->text) ? key->text : read_show(l, key->text, key->len);
}

void read_known(struct load *l, const struct at *at, const char *const *known, size_t count)
{
    for (size_t i = 0; i < at->node->count; i++) {
        const struct node *key = at->node->keys[i];
        size_t k = 0;
        while (k < count && !key_is(key, known[k]))
            k++;
        if (k == count)
            read_unknown_key(l, at, key, known, count);
    }
}

const char *read_text(struct load *l, const struct at *at)
{
    if (!read_given(l, at))
        return NULL;
    if (at->node->kind != NODE_SCALAR || !node_is_string(at->node)) {
        read_error(l, at,
                   at->node->kind == NODE_SCALAR ? "must be a string; put it in quotes"
                                                 : "must be a string");
        return NULL;
    }
    if (memchr(at->node->text, '\0', at->node->len)) {
        read_error(l, at, "contains a NUL byte");
        return NULL;
    }
    return at->node->text;
}

const char *read_needed(struct load *l, const struct at *at)
{
    if (!at->node) {
        read_error(l, at, "is required");
        return NULL;
    }
    bool null = node_is_null(at->node);
    const char *text = read_text(l, at);
    if ((null && l->null_is_absent) || (text && !*text)) {
        read_error(l, at, "is required and must not be empty");
        return NULL;
    }
    return text;
}

bool read_bool(struct load *l, const struct at *at, bool *out)
{
    if (!read_given(l, at))
        return false;
    if (at->node->kind == NODE_SCALAR && node_bool(at->node, out))
        return true;
    read_error(l, at, "must be true or false, without quotes");
    return false;
}

bool read_int(struct load *l, const struct at *at, int64_t low, int64_t high, int64_t *out)
{
    int64_t value;
    if (!read_given(l, at))
        return false;
    if (at->node->kind != NODE_SCALAR || !node_int(at->node, &value)) {
        read_error(l, at, "must be an integer from %lld to %lld, without quotes", (long long)low,
                   (long long)high);
        return false;
    }
    if (value < low || value > high) {
        read_error(l, at, "must be from %lld to %lld", (long long)low, (long long)high);
        return false;
    }
    *out = value;
    return true;
}

bool text_has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    return false;
}
