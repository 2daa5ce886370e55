/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cursor: reads big-endian numbers and length-prefixed vectors from borrowed bytes.
 *
 * A read that does not fit yields zero or nothing and marks the cursor bad for good, so a caller
 * may read a whole structure and ask once. No byte outside the given ones is ever touched.
 */

#include "l7guard/types.h"

struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static inline struct cursor cursor_init(struct l7_bytes bytes)
{
    return (struct cursor){.at = bytes.ptr, .left = bytes.len};
}

/* The next `len` bytes. */
static inline struct l7_bytes cursor_bytes(struct cursor *c, size_t len)
{
    struct l7_bytes bytes = {.ptr = c->at, .len = len};

    if (c->bad || len > c->left) {
        c->bad = true;
        return (struct l7_bytes){0};
    }
    if (len > 0) {
        c->at += len;
        c->left -= len;
    }
    return bytes;
}

/* A number of `width` bytes, at most four. */
static inline uint32_t cursor_number(struct cursor *c, size_t width)
{
    struct l7_bytes bytes = cursor_bytes(c, width);
    uint32_t number = 0;

    for (size_t i = 0; i < bytes.len; i++)
        number = number << 8 | bytes.ptr[i];
    return number;
}

/* A vector as in RFC 8446 3.4: its length in `width` bytes, then that many bytes. */
static inline struct l7_bytes cursor_vector(struct cursor *c, size_t width)
{
    return cursor_bytes(c, cursor_number(c, width));
}

/* Everything was read, and all of it fitted. */
static inline bool cursor_done(const struct cursor *c)
{
    return !c->bad && c->left == 0;
}
