/* SPDX-License-Identifier: Apache-2.0 */
/* path: [L7-18] in steps. Every step writes no more than it reads, so each form is made in place
 * in one buffer; every step is linear.
 */

#include "path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "token.h"

#define DECODE_ROUNDS 3 /* [L7-18].4 */

/* The octet an escape at `at` stands for, or -1. */
static int escaped(struct l7_bytes text, size_t at)
{
    if (text.ptr[at] != '%' || text.len - at < 3)
        return -1;
    int high = token_hex(text.ptr[at + 1]), low = token_hex(text.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_control(int c)
{
    return c < 0x20 || c == 0x7f;
}

size_t path_decode_once(struct l7_bytes text, uint8_t *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = escaped(text, i);
        if (c < 0) {
            out[len++] = text.ptr[i];
            continue;
        }
        if (is_control(c) || strchr("/\\%?#", c)) {
            out[len++] = '%';
            out[len++] = (uint8_t)digits[c >> 4];
            out[len++] = (uint8_t)digits[c & 15];
        } else {
            out[len++] = (uint8_t)c;
        }
        i += 2;
    }
    return len;
}

/* One round of form B; true: something was decoded. */
static bool decode_all(uint8_t *text, size_t *len)
{
    struct l7_bytes in = {text, *len};
    size_t to = 0;
    bool changed = false;
    for (size_t i = 0; i < in.len; i++) {
        int c = escaped(in, i);
        changed = changed || c >= 0;
        text[to++] = c >= 0 ? (uint8_t)c : text[i];
        i += c >= 0 ? 2 : 0;
    }
    *len = to;
    return changed;
}

/* RFC 3986 §5.2.4, in place, for a path that begins with a slash. Each byte is written once and
 * taken back at most once. *parent: there was a "..". */
static size_t remove_dots(uint8_t *text, size_t len, bool *parent)
{
    size_t to = 0, at = 0;
    if (len == 0 || text[0] != '/')
        return len;
    while (at < len) { /* text[at] is the slash before a segment */
        size_t end = at + 1;
        while (end < len && text[end] != '/')
            end++;
        size_t segment = end - at - 1;
        bool one = segment == 1 && text[at + 1] == '.';
        bool two = segment == 2 && text[at + 1] == '.' && text[at + 2] == '.';
        if (two) {
            *parent = true;
            while (to > 0 && text[--to] != '/')
                ;
        }
        if (!one && !two) {
            memmove(text + to, text + at, segment + 1);
            to += segment + 1;
        } else if (end == len) {
            text[to++] = '/';
        }
        at = end;
    }
    return to;
}

/* "\" becomes "/", ";..." is cut off each segment, runs of slashes become one. */
static size_t flatten(uint8_t *text, size_t len)
{
    size_t to = 0;
    bool parameter = false;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text[i] == '\\' ? '/' : text[i];
        parameter = c != '/' && (parameter || c == ';');
        if (parameter || (c == '/' && to > 0 && text[to - 1] == '/'))
            continue;
        text[to++] = c;
    }
    return to;
}

/* UTF-8 longer than need be: lenient decoders turn it into dots and slashes (RFC 3629 §10). */
static bool has_overlong(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t next = i + 1 < len ? text[i + 1] : 0;
        if (text[i] == 0xc0 || text[i] == 0xc1 ||
            (text[i] == 0xe0 && next >= 0x80 && next < 0xa0) ||
            (text[i] == 0xf0 && next >= 0x80 && next < 0x90))
            return true;
    }
    return false;
}

static bool has_control(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_control(text[i]))
            return true;
    }
    return false;
}

/* Most paths are their own normal forms. */
static bool is_plain(struct l7_bytes text)
{
    uint8_t before = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%' || c == ';' || c == '\\' || c == '#' || is_control(c) || c >= 0x80 ||
            (before == '/' && (c == '.' || c == '/')))
            return false;
        before = c;
    }
    return true;
}

/* [L7-18].2 */
static void check_raw(struct path *p, struct l7_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '#' && (text.ptr[i] != '%' || escaped(text, i) >= 0))
            continue;
        p->unmatchable = true;
        p->refusal = text.ptr[i] == '#' ? "target-fragment" : "target-escape";
        return;
    }
}

static void make_forms(struct path *p, struct l7_bytes text, uint8_t *a, uint8_t *b)
{
    bool parent = false;
    size_t len_a = path_decode_once(text, a), len_b = text.len;
    len_a = remove_dots(a, len_a, &parent);

    memcpy(b, text.ptr, text.len);
    bool changed = true;
    for (int round = 0; round <= DECODE_ROUNDS && changed; round++)
        changed = decode_all(b, &len_b);
    const char *refusal = changed ? "path-encoding" : NULL;
    p->unmatchable = p->unmatchable || changed;
    if (!refusal && has_control(b, len_b))
        refusal = "path-control";
    if (!refusal && has_overlong(b, len_b))
        refusal = "path-overlong";
    len_b = flatten(b, len_b);
    len_b = remove_dots(b, len_b, &parent);

    p->a = (struct l7_bytes){a, len_a};
    p->b = (struct l7_bytes){b, len_b};
    /* A parent, whoever sees it: some servers remove it, others choose who answers by the segments
     * before it (docs/http.md), and above the root they clip, keep or refuse. */
    if (!refusal && parent)
        refusal = "path-ambiguous";
    if (!p->refusal)
        p->refusal = refusal;
}

int path_init(struct path *p, struct l7_bytes text)
{
    p->a = p->b = text;
    p->unmatchable = false;
    p->refusal = NULL;
    p->own = NULL;
    if (is_plain(text))
        return 0;
    uint8_t *buffer = p->small;
    if (2 * text.len > sizeof(p->small))
        buffer = p->own = malloc(2 * text.len);
    if (!buffer)
        return -ENOMEM;
    check_raw(p, text);
    make_forms(p, text, buffer, buffer + text.len);
    return 0;
}

void path_fini(struct path *p)
{
    free(p->own);
    p->own = NULL;
}
