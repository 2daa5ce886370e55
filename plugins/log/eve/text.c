/* SPDX-License-Identifier: Apache-2.0 */
/* text: see text.h. Eight bytes are looked at in one step as long as none of them needs care,
 * which is nearly always: names, paths and user agents are plain ASCII. */
#include "text.h"

#include <stdlib.h>

#define TEXT_START 4096
#define TEXT_KEEP ((size_t)1024 * 1024) /* a buffer larger than this is not kept between lines */

#define EACH_BYTE(b) (0x0101010101010101ull * (b))

static const char hex_digits[] = "0123456789abcdef";

void text_init(struct text *t)
{
    *t = (struct text){0};
}

void text_fini(struct text *t)
{
    free(t->ptr);
    text_init(t);
}

void text_clear(struct text *t)
{
    if (t->cap > TEXT_KEEP)
        text_fini(t);
    t->len = 0;
    t->failed = false;
}

bool text_grow(struct text *t, size_t more)
{
    size_t cap = t->cap ? t->cap : TEXT_START;
    char *grown = NULL;

    if (more <= TEXT_LIMIT - t->len) {
        while (cap - t->len < more)
            cap *= 2;
        grown = realloc(t->ptr, cap);
    }
    if (!grown) {
        t->failed = true;
        t->len = 0; /* what follows overwrites a line that is lost anyway */
        return false;
    }
    t->ptr = grown;
    t->cap = cap;
    return true;
}

void text_unsigned(struct text *t, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313"
                                "23334353637383940414243444546474849505152535455565758596061626364"
                                "65666768697071727374757677787980818283848586878889909192939495969"
                                "79899";
    char digits[20];
    char *at = digits + sizeof(digits);

    while (value >= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(at, pairs + 2 * value, 2);
    } else {
        *--at = (char)('0' + value);
    }
    text_bytes(t, at, (size_t)(digits + sizeof(digits) - at));
}

void text_signed(struct text *t, int64_t value)
{
    if (value < 0) {
        text_literal(t, "-");
        text_unsigned(t, 0 - (uint64_t)value);
    } else {
        text_unsigned(t, (uint64_t)value);
    }
}

char *text_hex(char *to, uint8_t byte)
{
    *to++ = hex_digits[byte >> 4];
    *to++ = hex_digits[byte & 15];
    return to;
}

/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
static bool utf8_is_valid(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        uint8_t lead = *at++;
        uint8_t low = 0x80, high = 0xbf;
        int more;

        if (lead < 0x80)
            continue;
        if (lead >= 0xc2 && lead <= 0xdf)
            more = 1;
        else if (lead >= 0xe0 && lead <= 0xef)
            more = 2;
        else if (lead >= 0xf0 && lead <= 0xf4)
            more = 3;
        else
            return false;
        if (lead == 0xe0)
            low = 0xa0;
        else if (lead == 0xed)
            high = 0x9f;
        else if (lead == 0xf0)
            low = 0x90;
        else if (lead == 0xf4)
            high = 0x8f;
        if (end - at < more)
            return false;
        for (; more > 0; more--, low = 0x80, high = 0xbf) {
            if (*at < low || *at > high)
                return false;
            at++;
        }
    }
    return true;
}

/* What to do with a byte: 0: as it is; 'u': \u00xx; 'x': see the value's other bytes; else the
 * letter after the backslash. DEL is not a control character to JSON. */
static const char cares[256] = {
    [0x00 ... 0x07] = 'u', ['\b'] = 'b',  ['\t'] = 't',          ['\n'] = 'n',
    [0x0b] = 'u',          ['\f'] = 'f',  ['\r'] = 'r',          [0x0e ... 0x1f] = 'u',
    ['"'] = '"',           ['\\'] = '\\', [0x80 ... 0xff] = 'x',
};

/* Whether any byte of the word needs care; `high` says which high bits count. */
static inline bool word_needs_care(uint64_t word, uint64_t high)
{
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');
    uint64_t control = (word - EACH_BYTE(0x20)) & ~word;

    quote = (quote - EACH_BYTE(1)) & ~quote;
    backslash = (backslash - EACH_BYTE(1)) & ~backslash;
    return ((quote | backslash | control) & EACH_BYTE(0x80)) | (word & high);
}

static char *put_careful(char *to, uint8_t byte, bool raw)
{
    char care = cares[byte];

    if (!care || (care == 'x' && raw)) {
        *to++ = (char)byte;
        return to;
    }
    *to++ = '\\';
    if (care == 'x') {
        *to++ = '\\';
        *to++ = 'x';
        return text_hex(to, byte);
    }
    *to++ = care;
    if (care == 'u') {
        *to++ = '0';
        *to++ = '0';
        to = text_hex(to, byte);
    }
    return to;
}

void text_escaped(struct text *t, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    const uint8_t *end;
    uint64_t high = EACH_BYTE(0x80);
    bool judged = false, raw = false;
    char *to;

    if (len == 0)
        return;
    /* The longest spelling of a byte has six characters. */
    if (len > TEXT_LIMIT / 6) {
        t->failed = true;
        return;
    }
    if (!text_room(t, 6 * len))
        return;
    to = t->ptr + t->len;
    end = at + len;
    while (at < end) {
        uint64_t word;
        const uint8_t *stop = end - at < 8 ? end : at + 8;

        if (stop - at == 8) {
            memcpy(&word, at, 8);
            if (!word_needs_care(word, high)) {
                memcpy(to, at, 8);
                at += 8;
                to += 8;
                continue;
            }
        }
        for (; at < stop; at++) {
            if (*at >= 0x80 && !judged) {
                /* All before was ASCII: the rest decides for the whole value. */
                raw = utf8_is_valid(at, end);
                high = raw ? 0 : high;
                judged = true;
            }
            to = put_careful(to, *at, raw);
        }
    }
    t->len = (size_t)(to - t->ptr);
}

void text_string(struct text *t, const void *bytes, size_t len)
{
    text_literal(t, "\"");
    text_escaped(t, bytes, len);
    text_literal(t, "\"");
}

void text_base64(struct text *t, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *to;

    if (len > TEXT_LIMIT / 2) {
        t->failed = true;
        return;
    }
    if (!text_room(t, (len + 2) / 3 * 4 + 2))
        return;
    to = t->ptr + t->len;
    *to++ = '"';
    for (; len >= 3; bytes += 3, len -= 3) {
        uint32_t three = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

        *to++ = digits[three >> 18];
        *to++ = digits[three >> 12 & 63];
        *to++ = digits[three >> 6 & 63];
        *to++ = digits[three & 63];
    }
    if (len) {
        uint32_t rest = (uint32_t)bytes[0] << 16 | (len == 2 ? (uint32_t)bytes[1] << 8 : 0);

        *to++ = digits[rest >> 18];
        *to++ = digits[rest >> 12 & 63];
        *to++ = len == 2 ? digits[rest >> 6 & 63] : '=';
        *to++ = '=';
    }
    *to++ = '"';
    t->len = (size_t)(to - t->ptr);
}
