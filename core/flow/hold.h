/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* hold: frames that wait for a verdict on the bytes they carry, as copies, in stream order.
 *
 * Life  init (put | first | take)* fini
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/list.h"
#include "l7guard/capture.h"

/* One copied frame, or the fragments of one datagram. Payload bytes [start, end) of the stream. */
struct held {
    struct list link;
    uint64_t start, end;
    bool read;    /* the reader has had its bytes */
    bool fin;     /* the stream ends after it */
    bool counted; /* was received whole; false for the rest of a frame whose head was forwarded */
    size_t payload_at; /* offset of the payload in frames[0] */
    size_t frame_count;
    size_t memory;
    struct l7_frame *frames; /* their data follows in the same allocation */
};

struct hold {
    struct list frames; /* by start */
    size_t count;
    size_t memory;
};

void hold_init(struct hold *h);
void hold_fini(struct hold *h);

/* Copy `frames`. NULL: no memory. */
struct held *hold_put(struct hold *h, const struct l7_frame *frames, size_t frame_count,
                      uint64_t start, uint64_t end);
/* The first in stream order; NULL: none. */
struct held *hold_first(struct hold *h);
struct held *hold_next(struct hold *h, struct held *at);
/* Is a frame with just this range here? */
bool hold_has(struct hold *h, uint64_t start, uint64_t end);
/* Take out of the list; the caller frees it with held_free(). */
void hold_take(struct hold *h, struct held *item);
void held_free(struct held *item);
