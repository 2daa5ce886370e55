/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* deliver: how far a governed session's client bytes may go, and the frames that carry them.
 *
 * In    how far the streams were read and judged (feed.c)
 * Out   frames let go to the server, whole or split; hold, stream or refuse by the modes of [L7-28]
 * Not   what a packet means (client.c), what bytes mean (feed.c)
 */

#include "engine/session.h"

#define ALL_CLEAR (UINT64_MAX / 2) /* session.clear: nothing is held any more */

/* What the receiver of `dir` expects next has moved to `seq`, if that is forward. */
void deliver_expect(struct session *s, enum l7_dir dir, uint32_t seq);
/* Data went on to it; what lies beyond a hole does not move what it expects. */
void deliver_expect_data(struct session *s, enum l7_dir dir, uint32_t seq, uint32_t len);

/* Keep a copy of the client's packet, bytes [start, end), until they may pass. NULL: no memory. */
struct held *deliver_hold(struct session *s, const struct packet *p, const struct carrier *c,
                          uint64_t start, uint64_t end);
/* Send [from, to) of a packet whose payload begins at `start` as a segment of its own. */
bool deliver_part(struct session *s, const struct packet *p, uint64_t start, uint64_t from,
                  uint64_t to);

/* Read held frames whose turn has come: the hole before them is filled. */
void deliver_read(struct session *s);
/* After reading: move `clear`, let go what lies below it. `done_before`: the stream's `done` before
 * the reading; `stalled`: the client repeats what is held. */
void deliver_advance(struct session *s, uint64_t done_before, bool stalled);
/* Something waits for a decision, or no more; `moved`: a message was decided meanwhile. */
void deliver_undecided(struct session *s, bool waiting, bool moved);
