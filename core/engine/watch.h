/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* watch: a direction whose packets pass whatever they say: copies of its bytes are read, in order
 * where that can be had, with gaps where bytes are gone.
 *
 * The server's direction of every session, and both of a session that no rule governs.
 */

#include "engine/session.h"

/* Read a packet's payload. */
void watch_packet(struct session *s, enum l7_dir dir, const struct packet *p);
/* The receiver of `dir` acknowledged bytes up to `ack`: what was never seen of them is gone. */
void watch_ack(struct session *s, enum l7_dir dir, uint32_t ack);
