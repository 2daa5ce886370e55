/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* defrag: IP fragments, kept until their datagram is whole, then judged and forwarded as they came.
 *
 * In    packets decoded as DECODE_FRAGMENT
 * Out   a whole packet together with copies of the frames it came in
 * Not   the verdict: the caller injects the copies or frees them
 * Life  new (put | expire)* free
 *
 * Overlapping fragments, also equal ones beyond an exact repeat, spoil their datagram: all of it
 * is refused and further fragments of the id are refused until the timeout (RFC 5722).
 */

#include <stddef.h>
#include "flow/packet.h"

struct defrag;

enum defrag_put {
    DEFRAG_HELD,    /* copied; the frame itself is not to be forwarded */
    DEFRAG_WHOLE,   /* `out` is filled */
    DEFRAG_REFUSED, /* overlap, bad offset, limit: drop the frame; `*reason` says which */
};

/* A datagram that is whole. Owned by the caller until defrag_whole_fini(). */
struct defrag_whole {
    struct packet packet;   /* points into `frame`: link header of the first fragment + datagram */
    struct l7_frame frame;  /* the datagram as one frame, for records */
    uint8_t *bytes;         /* what frame.data points at */
    struct l7_frame *parts; /* copies of the fragments' frames in order of arrival */
    size_t part_count;
};

struct defrag *defrag_new(size_t max_bytes, size_t max_datagrams, uint64_t timeout_ns);
void defrag_free(struct defrag *d);
enum defrag_put defrag_put(struct defrag *d, const struct packet *fragment, uint64_t now_ns,
                           struct defrag_whole *out, const char **reason);
void defrag_whole_fini(struct defrag_whole *whole);
/* Forget datagrams older than the timeout; returns the number of frames given up. */
size_t defrag_expire(struct defrag *d, uint64_t now_ns);
size_t defrag_bytes(const struct defrag *d);
