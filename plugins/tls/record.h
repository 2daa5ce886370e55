/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* record: one direction's TLS records, and the handshake messages inside them.
 *
 * In    the unconsumed bytes of the direction, the same ones again with more behind them
 * Out   where handshake messages begin and end, however records and segments cut them
 * Not   what a message says (hello.h, cert.h), what may come when (tls.c)
 *
 * Nothing is copied while walking: a message stays in the caller's buffer, between record headers,
 * until it is whole. Every byte is looked at once, however often the buffer is presented.
 */

#include "l7guard/types.h"

enum record_type {
    RECORD_CHANGE_CIPHER_SPEC = 20,
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_APPLICATION_DATA = 23,
};

#define RECORD_HEAD 5
#define RECORD_PLAIN_MAX 16384           /* RFC 8446 5.1 */
#define RECORD_CIPHER_MAX (16384 + 2048) /* RFC 5246 6.2.3; RFC 8446 5.2 allows less */

struct record {
    uint8_t type; /* enum record_type */
    size_t len;   /* bytes after the head */
};

enum record_read {
    RECORD_WHOLE, /* the head is there and sound */
    RECORD_MORE,  /* sound as far as it goes */
    RECORD_BAD,   /* cannot be a record: *reason is set */
};

/* Read the head of the record that begins at `in`. Says BAD at the first byte that contradicts. */
enum record_read record_head(struct l7_bytes in, struct record *record, const char **reason);

/* Where a direction's reader stands. All zero: at a record head, no message begun. */
struct handshake {
    size_t wire;     /* of the unconsumed bytes, how many were walked */
    size_t left;     /* body bytes of the open record that follow them */
    size_t first;    /* `left`, as it was at the first unconsumed byte */
    uint32_t have;   /* bytes of the message walked, its head of 4 included */
    uint8_t head[4]; /* type and length, as far as `have` goes */
};

enum handshake_walk {
    HANDSHAKE_STEP,  /* went on; the message is not whole yet, `have` may still be 0 */
    HANDSHAKE_PART,  /* cannot go on without more bytes */
    HANDSHAKE_WHOLE, /* it is; it ends at `wire` */
    HANDSHAKE_OTHER, /* between messages: *record, not a handshake record, begins at `in` */
    HANDSHAKE_BAD,   /* not records, or a record of another type inside a message: *reason */
};

/* Take one step through `in`, which begins at the first unconsumed byte: to the end of what is at
 * hand of the message's head, of the open record, or of the message. So the caller can judge each
 * step before the next, and how bytes are cut does not change what is found first. Asked again
 * after WHOLE, says WHOLE again. */
enum handshake_walk handshake_walk(struct handshake *h, struct l7_bytes in, struct record *record,
                                   const char **reason);

/* Size of the message, head included; 0 while its head is not whole. */
size_t handshake_size(const struct handshake *h);

/* After PART: unconsumed bytes before which walking on is pointless; 0: any byte may tell. */
size_t handshake_needed(const struct handshake *h);

/* Everything walked is done with: returns how many bytes that were. A whole message is
 * forgotten, the head of an unfinished one is kept. */
size_t handshake_consume(struct handshake *h);

/* The body of the whole message that was walked in `in`: a part of `in` if one record holds it,
 * else it is put together in `room`, which has space for handshake_size() bytes. */
bool handshake_is_contiguous(const struct handshake *h);
struct l7_bytes handshake_body(const struct handshake *h, struct l7_bytes in, uint8_t *room);
