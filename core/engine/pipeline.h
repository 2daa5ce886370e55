/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* pipeline: the path of one frame, from the capture plugin and back.
 *
 * Knows the order of the steps (docs/architecture.md), and decides what lies between them: who
 * opened a flow whose beginning was not seen, when a flow gives way to a new one with its addresses
 * and ports, how far a TCP connection has come, that fragments of TCP go on joined.
 *
 * Not   what rules say (policy/), what bytes say (session.h), how a refusal looks (refuse.h)
 */

#include "engine/worker.h"

/* What became of a packet. */
enum outcome {
    OUTCOME_FORWARD,
    OUTCOME_DROP,     /* counted under `reason` */
    OUTCOME_REJECT,   /* refused with its flow, or by a rule */
    OUTCOME_HELD,     /* copied: the copy will be forwarded, or refused */
    OUTCOME_REPLACED, /* what may pass of it was sent in its place */
};

/* What carries a packet, and shares its fate: the frame it came in, the fragments it was put
 * together from, or the one frame that is made of them when they carry TCP. */
struct carrier {
    const struct l7_frame *frames;
    size_t count;
};

void pipeline_frame(struct worker *w, struct l7_frame *frame);
