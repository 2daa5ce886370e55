/* SPDX-License-Identifier: Apache-2.0 */
/* head: finds lines, checks each once, and remembers offsets only, because the bytes may lie
 * elsewhere when they are presented again.
 */

#include "head.h"

#include <stdlib.h>
#include <string.h>

#include "token.h"

static const struct {
    const char *name;
    size_t len;
} names[HEADER_COUNT] = {
#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    [HEADER_HOST] = NAME("host"),
    [HEADER_CONTENT_LENGTH] = NAME("content-length"),
    [HEADER_TRANSFER_ENCODING] = NAME("transfer-encoding"),
    [HEADER_CONNECTION] = NAME("connection"),
    [HEADER_UPGRADE] = NAME("upgrade"),
    [HEADER_USER_AGENT] = NAME("user-agent"),
    [HEADER_REFERER] = NAME("referer"),
    [HEADER_FORWARDED_FOR] = NAME("x-forwarded-for"),
    [HEADER_CONTENT_TYPE] = NAME("content-type"),
    [HEADER_CONTENT_RANGE] = NAME("content-range"),
    [HEADER_LOCATION] = NAME("location"),
#undef NAME
};

enum header head_name(struct l7_bytes name)
{
    for (unsigned id = 0; id < HEADER_COUNT; id++) {
        if (names[id].len == name.len && token_equal_nocase(name, names[id].name))
            return (enum header)id;
    }
    return HEADER_COUNT;
}

const char *head_line(struct l7_bytes line, struct l7_bytes *name, struct l7_bytes *value)
{
    const uint8_t *colon = memchr(line.ptr, ':', line.len);
    if (!colon)
        return "header-without-colon";
    size_t at = (size_t)(colon - line.ptr);
    *name = token_slice(line, 0, at);
    *value = token_trim(token_slice(line, at + 1, line.len));
    if (at > 0 && (colon[-1] == ' ' || colon[-1] == '\t'))
        return "space-before-colon";
    if (!token_is_valid(*name))
        return "header-name";
    for (size_t i = at + 1; i < line.len; i++) {
        uint8_t c = line.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "header-value";
    }
    return NULL;
}

/* Content-Length = 1*DIGIT (RFC 9110 §8.6); 2^63 and more is nobody's body. */
static const char *read_number(struct l7_bytes text, uint64_t *number)
{
    uint64_t n = 0;
    if (text.len == 0)
        return "content-length";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c < '0' || c > '9')
            return "content-length";
        if (n > (INT64_MAX - 9) / 10)
            return "content-length";
        n = n * 10 + (c - '0');
    }
    *number = n;
    return NULL;
}

static const char *read_length(struct head *h, struct l7_bytes value)
{
    struct l7_bytes member = value;
    uint64_t number = 0;
    bool more = true;
    /* Lists and repetitions of one number are tolerated from servers only (RFC 9112 §6.3). */
    if (h->manner == HEAD_STRICT && h->has_length)
        return "content-length-repeated";
    while (h->manner == HEAD_STRICT || token_next_member(&value, &more, &member)) {
        const char *reason = read_number(member, &number);
        if (reason)
            return reason;
        if (h->has_length && h->content_length != number)
            return "content-lengths-differ";
        h->content_length = number;
        h->has_length = true;
        if (h->manner == HEAD_STRICT)
            break;
    }
    return NULL;
}

/* Codings other than chunked only wrap the body: its frame is chunked's. Those not registered
 * say nothing about the frame (RFC 9112 §6.1, §7). */
static bool is_wrapping(struct l7_bytes coding)
{
    static const char *const known[] = {"gzip", "deflate", "compress", "x-gzip", "x-compress"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (token_equal_nocase(coding, known[i]))
            return true;
    }
    return false;
}

static const char *read_transfer(struct head *h, struct l7_bytes value)
{
    struct l7_bytes coding;
    bool more = true;
    if (h->has_transfer && h->manner == HEAD_STRICT)
        return "transfer-encoding-repeated";
    h->has_transfer = true;
    while (token_next_member(&value, &more, &coding)) {
        bool chunked = token_equal_nocase(coding, "chunked");
        /* From a server an unknown coding only means: up to the end of the connection. */
        if (h->manner == HEAD_STRICT && (h->chunked || (!chunked && !is_wrapping(coding))))
            return "transfer-encoding";
        if (coding.len > 0)
            h->chunked = chunked;
    }
    return h->manner == HEAD_REPLY || h->chunked ? NULL : "transfer-encoding";
}

static const char *note_header(struct head *h, enum header id, struct l7_bytes value)
{
    switch (id) {
    case HEADER_HOST:
        return h->manner == HEAD_STRICT && h->seen[id] > 1 ? "two-hosts" : NULL;
    case HEADER_CONTENT_LENGTH:
        return read_length(h, value);
    case HEADER_TRANSFER_ENCODING:
        return read_transfer(h, value);
    case HEADER_CONNECTION:
        h->close = h->close || token_list_has(value, "close");
        return NULL;
    case HEADER_UPGRADE:
        h->upgrade = true;
        h->h2c = h->h2c || token_list_has(value, "h2c");
        return NULL;
    default:
        return NULL;
    }
}

static bool is_framing(enum header id)
{
    return id == HEADER_CONTENT_LENGTH || id == HEADER_TRANSFER_ENCODING;
}

/* A line that begins with a blank continues the one before it (obs-fold, RFC 9112 §5.2). */
static const char *read_fold(struct head *h)
{
    if (h->manner == HEAD_STRICT)
        return h->lines == 0 ? "space-before-header" : "folded-header";
    if (h->manner == HEAD_REPLY && is_framing(h->last))
        return "folded-header";
    if (h->last != HEADER_COUNT)
        h->pieces[h->last] = true;
    return NULL;
}

static const char *read_header(struct head *h, struct l7_bytes in, size_t from, size_t to)
{
    struct l7_bytes name = {NULL, 0}, value = {NULL, 0};
    struct l7_bytes line = token_slice(in, from, to);
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return read_fold(h);
    if (++h->lines > HEAD_LINES_MAX)
        return "too-many-headers";
    const char *reason = head_line(line, &name, &value);
    enum header id = head_name(token_trim(name));
    if (reason && (h->manner == HEAD_STRICT || (h->manner == HEAD_REPLY && is_framing(id))))
        return reason;
    h->last = reason ? HEADER_COUNT : id;
    if (reason || id == HEADER_COUNT)
        return NULL;
    if (h->seen[id]++ == 0) {
        h->value[id].from = (uint32_t)(value.ptr - in.ptr);
        h->value[id].to = h->value[id].from + (uint32_t)value.len;
    } else {
        h->pieces[id] = true;
    }
    return h->manner == HEAD_LOOSE ? NULL : note_header(h, id, value);
}

/* The line from h->line to `to`, complete. True: it was the last. */
static bool take_line(struct head *h, struct l7_bytes in, size_t to, size_t next,
                      const char **reason)
{
    bool done = false;
    if (to == h->line) {
        /* One empty line before a message is to be ignored (RFC 9112 §2.2); more are a way to
         * make readers disagree. */
        if (!h->has_first && h->blank && h->manner != HEAD_LOOSE)
            *reason = "blank-lines";
        done = h->has_first;
        h->blank = true;
    } else if (!h->has_first) {
        h->has_first = true;
        h->first = (struct head_slice){(uint32_t)h->line, (uint32_t)to};
        h->last = HEADER_COUNT;
    } else {
        *reason = read_header(h, in, h->line, to);
    }
    h->line = h->scan = next;
    if (done)
        h->length = next;
    return done;
}

enum head_step head_read(struct head *h, struct l7_bytes in, size_t max, const char **reason)
{
    size_t cap = in.len < max ? in.len : max; /* what lies beyond must not matter */
    *reason = NULL;
    while (h->scan < cap) {
        const uint8_t *lf = memchr(in.ptr + h->scan, '\n', cap - h->scan);
        size_t to = lf ? (size_t)(lf - in.ptr) : cap;
        const uint8_t *cr = memchr(in.ptr + h->scan, '\r', to - h->scan);
        bool cr_at_end = cr && cr == in.ptr + to - 1;
        if (h->manner == HEAD_STRICT && cr && !cr_at_end)
            *reason = "bare-cr";
        else if (h->manner == HEAD_STRICT && lf && !cr)
            *reason = "bare-lf";
        if (*reason)
            return HEAD_BAD;
        if (!lf) {
            h->scan = to - (cr_at_end ? 1 : 0);
            break;
        }
        size_t end = to > h->line && in.ptr[to - 1] == '\r' ? to - 1 : to;
        bool done = take_line(h, in, end, to + 1, reason);
        if (*reason)
            return HEAD_BAD;
        if (done)
            return HEAD_DONE;
    }
    if (in.len < max)
        return HEAD_MORE;
    *reason = "head-too-large";
    return HEAD_BAD;
}

/* Put the pieces of a value together: a rare second walk over a head known to be whole. */
static size_t join(const struct head *h, struct l7_bytes in, enum header id, uint8_t *out)
{
    size_t at = h->first.to, len = 0;
    bool wanted = false;
    while (at < h->length) {
        const uint8_t *lf = memchr(in.ptr + at, '\n', h->length - at);
        if (!lf)
            break;
        struct l7_bytes line = token_slice(in, at, (size_t)(lf - in.ptr)), name, value;
        at = (size_t)(lf - in.ptr) + 1;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0)
            continue;
        bool fold = line.ptr[0] == ' ' || line.ptr[0] == '\t';
        if (fold)
            value = token_trim(line);
        else
            wanted = !head_line(line, &name, &value) && head_name(name) == id;
        if (!wanted)
            continue;
        if (len > 0 && !fold)
            out[len++] = ',';
        if (len > 0)
            out[len++] = ' ';
        if (value.len > 0)
            memcpy(out + len, value.ptr, value.len);
        len += value.len;
    }
    return len;
}

bool head_value(const struct head *h, struct l7_bytes in, enum header id, struct l7_bytes *value,
                uint8_t **copy)
{
    if (h->seen[id] == 0)
        return false;
    if (!h->pieces[id]) {
        *value = token_slice(in, h->value[id].from, h->value[id].to);
        return true;
    }
    uint8_t *out = malloc(h->length); /* each piece lost a name or a line end: it fits */
    if (!out)
        return false;
    *value = (struct l7_bytes){out, join(h, in, id, out)};
    *copy = out;
    return true;
}
