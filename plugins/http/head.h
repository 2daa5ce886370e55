/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* head: the lines of a message up to and including the empty one.
 *
 * In    the unconsumed bytes of a direction; the same ones come again, with more behind them
 * Out   where the start line and the headers that matter are, as offsets; what they say of framing
 * Not   what the start line says (line.h), whether the message may pass (request.c)
 * Life  zeroed (read)*; zeroed again for the next message
 *
 * Requests are read strictly: whatever two readers could take in two ways is bad (RFC 9112 §2.2,
 * §5, §11). Replies are read as clients read them, except for what frames their body.
 * A line is judged when it is complete, a stray CR or LF when it is seen, so that no prefix of a
 * bad head looks like a good one to a lenient server. Work is linear however the bytes are cut.
 */

#include "l7guard/types.h"

#define HEAD_LINES_MAX 1024 /* header lines in one head */

enum header {
    HEADER_HOST,
    HEADER_CONTENT_LENGTH,
    HEADER_TRANSFER_ENCODING,
    HEADER_CONNECTION,
    HEADER_UPGRADE,
    HEADER_USER_AGENT,
    HEADER_REFERER,
    HEADER_FORWARDED_FOR, /* X-Forwarded-For */
    HEADER_CONTENT_TYPE,
    HEADER_CONTENT_RANGE,
    HEADER_LOCATION,
    HEADER_COUNT, /* also: any other */
};

enum head_manner {
    HEAD_STRICT, /* a request that is to be judged */
    HEAD_REPLY,
    HEAD_LOOSE, /* a request that is refused, for the record: any line will do */
};

struct head_slice {
    uint32_t from, to; /* offsets into the bytes that were read */
};

struct head {
    size_t line;             /* where the line that is not complete begins */
    size_t scan;             /* looked at up to here */
    size_t length;           /* when done: all of it, with the empty line */
    enum head_manner manner; /* set by the caller before the first byte */
    bool blank;              /* the one empty line allowed before a message has been */
    bool has_first;
    struct head_slice first; /* the start line, without its end */
    unsigned lines;
    enum header last;                      /* the header a folded line would continue */
    unsigned seen[HEADER_COUNT];           /* how often */
    bool pieces[HEADER_COUNT];             /* its value is to be put together: head_value() */
    struct head_slice value[HEADER_COUNT]; /* of the first one, trimmed */
    uint64_t content_length;
    bool has_length;   /* Content-Length */
    bool has_transfer; /* Transfer-Encoding */
    bool chunked;      /* and its last coding is chunked */
    bool close;        /* Connection: close */
    bool upgrade;      /* an Upgrade header */
    bool h2c;          /* ... that offers or selects h2c */
};

enum head_step {
    HEAD_MORE,
    HEAD_DONE, /* `length` is set */
    HEAD_BAD,  /* *reason is set */
};

enum head_step head_read(struct head *h, struct l7_bytes in, size_t max, const char **reason);

/* The value of a header in a finished head; several are joined with ", ", a folded one with one
 * blank. Points into `in`, or into *copy, which the caller frees. False: not there, or no memory.
 */
bool head_value(const struct head *h, struct l7_bytes in, enum header id, struct l7_bytes *value,
                uint8_t **copy);

/* Cut a header or trailer line. NULL, or why it is bad. */
const char *head_line(struct l7_bytes line, struct l7_bytes *name, struct l7_bytes *value);
enum header head_name(struct l7_bytes name);
