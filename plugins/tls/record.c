/* SPDX-License-Identifier: Apache-2.0 */
/* record: see record.h. */

#include "record.h"

#include <string.h>

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum record_read record_head(struct l7_bytes in, struct record *record, const char **reason)
{
    size_t len;

    if (in.len >= 1 &&
        (in.ptr[0] < RECORD_CHANGE_CIPHER_SPEC || in.ptr[0] > RECORD_APPLICATION_DATA)) {
        *reason = "bad-record-type";
        return RECORD_BAD;
    }
    /* RFC 8446 5.1: the version of a record is to be ignored. Servers take any 3.x; 3.4 is the
     * highest that anybody could have meant. */
    if ((in.len >= 2 && in.ptr[1] != 3) || (in.len >= 3 && in.ptr[2] > 4)) {
        *reason = "bad-record-version";
        return RECORD_BAD;
    }
    if (in.len < RECORD_HEAD)
        return RECORD_MORE;
    len = (size_t)in.ptr[3] << 8 | in.ptr[4];
    if (len > (in.ptr[0] == RECORD_APPLICATION_DATA ? RECORD_CIPHER_MAX : RECORD_PLAIN_MAX)) {
        *reason = "record-too-long";
        return RECORD_BAD;
    }
    /* RFC 8446 5.1: no empty fragments, application data excepted. */
    if (len == 0 && in.ptr[0] != RECORD_APPLICATION_DATA) {
        *reason = "empty-record";
        return RECORD_BAD;
    }
    record->type = in.ptr[0];
    record->len = len;
    return RECORD_WHOLE;
}

/* Step over the body bytes at hand, as far as they belong to the message. */
static void handshake_take(struct handshake *h, struct l7_bytes in)
{
    size_t size = handshake_size(h);
    size_t want = (size > 0 ? size : sizeof(h->head)) - h->have;
    size_t n = min_size(min_size(h->left, want), in.len - h->wire);

    if (size == 0 && n > 0)
        memcpy(h->head + h->have, in.ptr + h->wire, n);
    h->wire += n;
    h->left -= n;
    h->have += (uint32_t)n;
}

/* Read the head of the next record, which must go on with the message or come between two. */
static enum handshake_walk handshake_head(struct handshake *h, struct l7_bytes in,
                                          struct record *record, const char **reason)
{
    struct l7_bytes rest = {in.ptr + h->wire, in.len - h->wire};
    struct record next = {0};

    switch (record_head(rest, &next, reason)) {
    case RECORD_BAD:
        return HANDSHAKE_BAD;
    case RECORD_MORE:
        return HANDSHAKE_PART;
    case RECORD_WHOLE:
        break;
    }
    if (next.type != RECORD_HANDSHAKE && h->have > 0) {
        *reason = "interleaved-record"; /* RFC 8446 5.1 */
        return HANDSHAKE_BAD;
    }
    if (next.type != RECORD_HANDSHAKE) {
        *record = next;
        return HANDSHAKE_OTHER;
    }
    h->wire += RECORD_HEAD;
    h->left = next.len;
    return HANDSHAKE_PART;
}

static bool handshake_is_whole(const struct handshake *h)
{
    return handshake_size(h) > 0 && h->have == handshake_size(h);
}

enum handshake_walk handshake_walk(struct handshake *h, struct l7_bytes in, struct record *record,
                                   const char **reason)
{
    size_t before = h->wire;
    enum handshake_walk walk = HANDSHAKE_PART;

    if (handshake_is_whole(h))
        return HANDSHAKE_WHOLE;
    if (h->left == 0 && h->wire < in.len)
        walk = handshake_head(h, in, record, reason);
    if (walk != HANDSHAKE_PART)
        return walk;
    if (h->left > 0 && h->wire < in.len)
        handshake_take(h, in);
    if (handshake_is_whole(h))
        return HANDSHAKE_WHOLE;
    return h->wire > before ? HANDSHAKE_STEP : HANDSHAKE_PART;
}

size_t handshake_size(const struct handshake *h)
{
    if (h->have < sizeof(h->head))
        return 0;
    return sizeof(h->head) + ((size_t)h->head[1] << 16 | (size_t)h->head[2] << 8 | h->head[3]);
}

size_t handshake_needed(const struct handshake *h)
{
    size_t size = handshake_size(h);

    /* The bytes of a record's head and a message's type can each be wrong. */
    if (h->left == 0)
        return 0;
    if (h->have == 0)
        return h->wire + 1;
    return h->wire + min_size(h->left, (size > 0 ? size : sizeof(h->head)) - h->have);
}

size_t handshake_consume(struct handshake *h)
{
    size_t wire = h->wire;

    if (handshake_is_whole(h))
        h->have = 0;
    h->wire = 0;
    h->first = h->left;
    return wire;
}

bool handshake_is_contiguous(const struct handshake *h)
{
    size_t before = h->first > 0 ? 0 : RECORD_HEAD;

    return h->wire == before + handshake_size(h);
}

struct l7_bytes handshake_body(const struct handshake *h, struct l7_bytes in, uint8_t *room)
{
    size_t size = handshake_size(h);
    size_t left = h->first;
    size_t at = 0;
    size_t copied = 0;

    if (handshake_is_contiguous(h)) {
        at = h->wire - size + sizeof(h->head);
        return (struct l7_bytes){in.ptr + at, size - sizeof(h->head)};
    }
    while (copied < size) {
        size_t n;

        if (left == 0) {
            left = (size_t)in.ptr[at + 3] << 8 | in.ptr[at + 4];
            at += RECORD_HEAD;
        }
        n = min_size(left, size - copied);
        memcpy(room + copied, in.ptr + at, n);
        copied += n;
        at += n;
        left -= n;
    }
    return (struct l7_bytes){room + sizeof(h->head), size - sizeof(h->head)};
}
