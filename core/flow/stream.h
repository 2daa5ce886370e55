/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* stream: one direction of a TCP flow as bytes in order, without repeats.
 *
 * In    segments at their sequence numbers, and how far the reader got
 * Out   where a segment lies; the bytes the reader has not finished with, in one piece; whether a
 *       repeat says the same as the first time
 * Not   who reads (engine/feed.c), the frames that carry the bytes (hold.h)
 * Life  start (place | matches | append | consume | skip | acked)* fini; a zeroed struct may be
 * fini'd
 *
 * Positions are offsets from the first byte of the direction, 64 bits wide, so that sequence
 * numbers may wrap.
 *
 *      acked          done            read
 *   -----|--- retained --|---- pending --|--- not here yet ---
 *
 * `read`: bytes below were handed in, or need no looking at (`done` and `read` jump over a skip).
 * `done`: the reader has finished with the bytes below. Retained bytes are kept, when asked to,
 * until the receiver has acknowledged them, because until then the sender could send others in
 * their place.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "l7guard/types.h"

struct run;

struct stream {
    bool started;
    bool retain;     /* keep what was read until it is acknowledged */
    uint32_t origin; /* sequence number of offset 0 */
    uint64_t done, read, acked;
    uint64_t high;      /* end of the furthest byte seen */
    uint64_t skip_from; /* where the last skip began */
    struct run *runs;   /* oldest first; bytes in one run are contiguous */
    struct run *last;
    size_t bytes; /* memory held in runs */
};

/* Offset 0 is the byte with sequence number `seq`. */
void stream_start(struct stream *st, uint32_t seq, bool retain);
void stream_fini(struct stream *st);

/* The offset of a sequence number near the stream's front. Negative: before its beginning. */
int64_t stream_offset(const struct stream *st, uint32_t seq);
uint32_t stream_seq(const struct stream *st, uint64_t offset);

/* Do the bytes at `offset` say the same as those kept for that range? Bytes that are not kept
 * (skipped, acknowledged) agree with anything. */
bool stream_matches(const struct stream *st, uint64_t offset, struct l7_bytes bytes);

/* The pending bytes in one piece; borrowed until the stream changes. */
struct l7_bytes stream_pending(const struct stream *st);

/* `bytes` follow at `read`. They are copied: all with `retain`, else what `consumed` leaves over.
 * `consumed` of them are done with already (only when nothing was pending). 0 or -ENOMEM. */
int stream_append(struct stream *st, struct l7_bytes bytes, size_t consumed);

/* The reader has finished with `n` more of the pending bytes. */
void stream_consume(struct stream *st, size_t n);
/* The next `n` bytes from `done` on need no looking at; UINT64_MAX: all that will ever come. */
void stream_skip(struct stream *st, uint64_t n);
/* Forget what is pending and go on reading at `offset` (after a gap). */
void stream_jump(struct stream *st, uint64_t offset);

/* The receiver has acknowledged all bytes below `offset`: forget them. */
void stream_acked(struct stream *st, uint64_t offset);
