/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* text: one line under construction, and how values are spelt in JSON.
 *
 * In    literals, numbers, and bytes of any value
 * Out   JSON tokens appended to a growing buffer; strings are valid UTF-8 whatever came in
 * Not   which keys there are and in which order (line.h)
 * Life  init (clear | append)* fini
 *
 * Lines are put together by hand instead of by a JSON library's tree: the writer has to keep up
 * with all workers, and a tree costs an allocation for every key.
 *
 * Failure is sticky: when memory ends or a line passes TEXT_LIMIT, `failed` is set, later appends
 * stay in bounds, and the line is not to be used. One question at the end replaces fifty.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* No line is longer: far above what one record in the queue can become. */
#define TEXT_LIMIT ((size_t)64 * 1024 * 1024)

struct text {
    char *ptr;
    size_t len;
    size_t cap;
    bool failed;
};

void text_init(struct text *t);
void text_fini(struct text *t);
/* Begin a new line. Memory beyond what usual lines need is given back. */
void text_clear(struct text *t);
/* Make room for `more` bytes. False: `failed` is set and there is no room. */
bool text_grow(struct text *t, size_t more);

static inline bool text_room(struct text *t, size_t more)
{
    return t->cap - t->len >= more || text_grow(t, more);
}

static inline void text_bytes(struct text *t, const char *bytes, size_t len)
{
    if (text_room(t, len)) {
        memcpy(t->ptr + t->len, bytes, len);
        t->len += len;
    }
}

#define text_literal(t, literal) text_bytes((t), "" literal, sizeof(literal) - 1)

void text_unsigned(struct text *t, uint64_t value);
void text_signed(struct text *t, int64_t value);

/* The inside of a JSON string. Valid UTF-8 is written as it is; if any part of the value is not,
 * every byte from 0x80 up becomes \xhh, whose backslash JSON doubles: the line has \\xhh. */
void text_escaped(struct text *t, const void *bytes, size_t len);

/* The same with its quotes. */
void text_string(struct text *t, const void *bytes, size_t len);

/* Quoted base64, standard alphabet, padded. */
void text_base64(struct text *t, const uint8_t *bytes, size_t len);

/* Two lower-case hexadecimal digits. */
char *text_hex(char *to, uint8_t byte);
