/* SPDX-License-Identifier: Apache-2.0 */
/* body: the framing machine.
 *
 *     LENGTH   left bytes, done
 *     CHUNKED  SIZE -> DATA -> DATA_END -> SIZE ... SIZE(0) -> TRAILER* -> done
 *     CLOSE    everything
 */

#include "body.h"

#include <string.h>

#include "head.h"
#include "token.h"

void body_init(struct body *b, enum body_kind kind, uint64_t length, bool strict)
{
    memset(b, 0, sizeof(*b));
    b->kind = kind;
    b->left = length;
    b->strict = strict;
    b->part = BODY_SIZE;
}

/* A quoted-string from `at` on (RFC 9110 §5.6.4); where it ends, or 0. */
static size_t quoted_end(struct l7_bytes line, size_t at)
{
    for (size_t i = at + 1; i < line.len; i++) {
        uint8_t c = line.ptr[i];
        if (c == '"')
            return i + 1;
        if (c == '\\' && ++i == line.len)
            return 0;
        if ((line.ptr[i] < 0x20 && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
            return 0;
    }
    return 0;
}

static size_t token_end(struct l7_bytes line, size_t at)
{
    while (at < line.len && token_is_tchar(line.ptr[at]))
        at++;
    return at;
}

/* *( ";" name [ "=" ( token / quoted-string ) ] ); blanks, which the grammar calls bad, are not
 * taken (RFC 9112 §7.1.1). */
static bool extensions_are_clean(struct l7_bytes line, size_t at)
{
    while (at < line.len) {
        if (line.ptr[at] != ';')
            return false;
        size_t name = at + 1;
        at = token_end(line, name);
        if (at == name)
            return false;
        if (at == line.len || line.ptr[at] != '=')
            continue;
        size_t value = at + 1;
        at = value < line.len && line.ptr[value] == '"' ? quoted_end(line, value)
                                                        : token_end(line, value);
        if (at <= value)
            return false;
    }
    return true;
}

static const char *read_size(struct l7_bytes line, bool strict, uint64_t *size)
{
    uint64_t n = 0;
    size_t at = 0;
    while (at < line.len && token_hex(line.ptr[at]) >= 0) {
        /* Sixteen digits are all of 64 bits; half of them is already more than anyone sends. */
        if (at == 16 || n > (uint64_t)INT64_MAX >> 4)
            return "chunk-size";
        n = n << 4 | (uint64_t)token_hex(line.ptr[at++]);
    }
    if (at == 0)
        return "chunk-size";
    *size = n;
    /* Some servers count in 32 bits: a chunk of 2^32 + 3 bytes has 3 for them, and what follows is
     * a request (docs/http.md). */
    if (strict && n > INT32_MAX)
        return "chunk-size";
    if (strict)
        return at == line.len || line.ptr[at] == ';'
                   ? (extensions_are_clean(line, at) ? NULL : "chunk-extension")
                   : "chunk-size";
    bool ends =
        at == line.len || line.ptr[at] == ';' || line.ptr[at] == ' ' || line.ptr[at] == '\t';
    return ends ? NULL : "chunk-size";
}

static const char *read_trailer(struct l7_bytes line)
{
    struct l7_bytes name, value;
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return "folded-trailer";
    const char *reason = head_line(line, &name, &value);
    if (reason)
        return reason;
    /* What frames or routes a message must not come after it (RFC 9110 §6.5.1). */
    enum header id = head_name(name);
    return id == HEADER_HOST || id == HEADER_CONTENT_LENGTH || id == HEADER_TRANSFER_ENCODING
               ? "forbidden-trailer"
               : NULL;
}

/* One line from `in`, without its end; false: not complete, or *reason. */
static bool take_line(struct body *b, struct l7_bytes in, struct l7_bytes *line, size_t *next,
                      const char **reason)
{
    size_t cap = in.len < BODY_LINE_MAX ? in.len : BODY_LINE_MAX;
    const uint8_t *lf = b->scan < cap ? memchr(in.ptr + b->scan, '\n', cap - b->scan) : NULL;
    size_t to = lf ? (size_t)(lf - in.ptr) : cap;
    const uint8_t *cr = b->scan < to ? memchr(in.ptr + b->scan, '\r', to - b->scan) : NULL;
    bool cr_at_end = cr && cr == in.ptr + to - 1;
    if (b->strict && cr && !cr_at_end)
        *reason = "bare-cr";
    else if (b->strict && lf && !cr)
        *reason = "bare-lf";
    else if (!lf && cap == BODY_LINE_MAX)
        *reason = "chunk-line-too-long";
    if (*reason)
        return false;
    if (!lf) {
        b->scan = to - (cr_at_end ? 1 : 0);
        return false;
    }
    b->scan = 0;
    *next = to + 1;
    *line = token_slice(in, 0, to > 0 && in.ptr[to - 1] == '\r' ? to - 1 : to);
    return true;
}

/* A whole line of a chunked body. True: it was the last. */
static bool use_line(struct body *b, struct l7_bytes line, size_t bytes, const char **reason)
{
    if (b->part == BODY_DATA_END) {
        *reason = line.len > 0 ? "chunk-end" : NULL;
        b->part = BODY_SIZE;
    } else if (b->part == BODY_SIZE) {
        *reason = read_size(line, b->strict, &b->left);
        b->part = b->left > 0 ? BODY_DATA : BODY_TRAILER;
    } else if (line.len == 0) {
        return true;
    } else {
        b->trailers += bytes;
        if (b->trailers > BODY_TRAILER_MAX)
            *reason = "trailers-too-large";
        else if (b->strict)
            *reason = read_trailer(line);
    }
    b->counted += bytes;
    return false;
}

static size_t take_data(struct body *b, size_t available)
{
    size_t n = b->left < available ? (size_t)b->left : available;
    b->left -= n;
    b->counted += n;
    return n;
}

static void skip_data(struct body *b, uint64_t n, struct body_progress *p)
{
    p->skip = n;
    b->skipping = n;
    b->left -= n;
}

static enum body_step read_chunked(struct body *b, struct l7_bytes in, struct body_progress *p)
{
    struct l7_bytes line;
    size_t next;
    while (true) {
        struct l7_bytes rest = token_slice(in, p->used, in.len);
        if (b->part == BODY_DATA) {
            p->used += take_data(b, rest.len);
            bool over = b->left > 0;
            if (over)
                skip_data(b, b->left, p);
            b->part = BODY_DATA_END;
            b->scan = 0;
            if (over)
                return BODY_MORE;
            continue;
        }
        /* Data longer than its size shows in the byte behind it. */
        if (b->part == BODY_DATA_END && rest.len > 0 && rest.ptr[0] != '\r' && rest.ptr[0] != '\n')
            p->reason = "chunk-end";
        if (p->reason || !take_line(b, rest, &line, &next, &p->reason))
            return p->reason ? BODY_BAD : BODY_MORE;
        bool done = use_line(b, line, next, &p->reason);
        if (p->reason)
            return BODY_BAD;
        p->used += next;
        if (done)
            return BODY_DONE;
    }
}

enum body_step body_read(struct body *b, struct l7_bytes in, uint64_t keep, struct body_progress *p)
{
    memset(p, 0, sizeof(*p));
    b->counted += b->skipping;
    b->skipping = 0;
    switch (b->kind) {
    case BODY_NONE:
        return BODY_DONE;
    case BODY_LENGTH:
        p->used = take_data(b, in.len);
        if (b->left > keep)
            skip_data(b, b->left - keep, p);
        return b->left > 0 ? BODY_MORE : BODY_DONE;
    case BODY_CHUNKED:
        return read_chunked(b, in, p);
    case BODY_CLOSE:
        break;
    }
    p->used = in.len;
    b->counted += in.len;
    p->skip = UINT64_MAX;
    return BODY_MORE;
}

bool body_gap(struct body *b, uint64_t len)
{
    b->counted += b->skipping;
    b->skipping = 0;
    bool data = b->kind == BODY_LENGTH || (b->kind == BODY_CHUNKED && b->part == BODY_DATA);
    if (b->kind != BODY_CLOSE && (!data || len > b->left))
        return false;
    if (data)
        b->left -= len;
    b->counted += len;
    return true;
}
