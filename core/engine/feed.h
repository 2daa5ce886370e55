/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* feed: give a session's bytes to inspectors: probe until one claims the flow, then feed it.
 *
 * In    bytes that follow in order, in one direction
 * Out   how far they were read (the session's streams), what the inspector wants next
 * Not   sequence numbers (client.c, watch.c), frames and what is delivered (deliver.c)
 */

#include "engine/session.h"

/* `bytes` follow at the stream's `read`. They are not copied unless somebody must see them again.
 * A refusal is left in s->refuse_reason. */
void feed_bytes(struct session *s, enum l7_dir dir, struct l7_bytes bytes);

/* Try again with what is pending: the other direction has moved. */
void feed_pending(struct session *s, enum l7_dir dir);

/* `len` bytes will not come. For watched directions. */
void feed_gap(struct session *s, enum l7_dir dir, uint64_t len);

/* There is no memory to wait for what would make sense of a watched direction. */
void feed_give_up(struct session *s, enum l7_dir dir);

/* The direction has ended. Once per direction. */
void feed_end(struct session *s, enum l7_dir dir);

/* End the inspector's part. */
void feed_close(struct session *s);

/* Is anything of this direction given to anybody? */
bool feed_wanted(const struct session *s, enum l7_dir dir);

/* Would some inspector take these for the beginning of a message of the client's? */
bool feed_recognises(struct session *s, enum l7_dir dir, struct l7_bytes bytes);
