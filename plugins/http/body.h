/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* body: where a message's body ends (RFC 9112 §6, §7), for both directions.
 *
 * In    the bytes behind the head
 * Out   how many are done with, how many of the next need no looking at, and the end
 * Life  body_init (read | gap)*
 *
 * Chunk-size lines and trailers are taken whole and, to the server, strictly: a line that two
 * readers could end in two places hides a request (RFC 9112 §11.2).
 */

#include "l7guard/types.h"

#define BODY_LINE_MAX 4096     /* a chunk-size line with its extensions, or one trailer */
#define BODY_TRAILER_MAX 16384 /* all trailers */

enum body_kind {
    BODY_NONE,
    BODY_LENGTH,
    BODY_CHUNKED,
    BODY_CLOSE, /* up to the end of the stream */
};

enum body_part { BODY_SIZE, BODY_DATA, BODY_DATA_END, BODY_TRAILER };

struct body {
    enum body_kind kind;
    enum body_part part; /* of a chunked one */
    bool strict;         /* to the server */
    uint64_t left;       /* of the body or chunk */
    uint64_t counted;    /* bytes on the wire so far, all framing but the last line's end */
    uint64_t skipping;   /* asked for as skip; counted once they have gone by */
    size_t scan;         /* how far an incomplete line was looked at */
    size_t trailers;     /* bytes of trailers */
};

void body_init(struct body *b, enum body_kind kind, uint64_t length, bool strict);

enum body_step {
    BODY_DONE, /* the body ends after `used` and `skip` */
    BODY_MORE,
    BODY_BAD, /* `reason` is set */
};

struct body_progress {
    size_t used;
    uint64_t skip;
    const char *reason;
};

/* `keep`: that many bytes before the end of a body of known length are not skipped but wanted
 * back, so that its end is seen when it happens. */
enum body_step body_read(struct body *b, struct l7_bytes in, uint64_t keep,
                         struct body_progress *progress);

/* `len` bytes are lost. True: they were all data, and the frame still holds. */
bool body_gap(struct body *b, uint64_t len);
