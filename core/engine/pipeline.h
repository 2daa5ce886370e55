/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* pipeline: the path of one frame, from the capture plugin and back.
 *
 * Knows the order of the steps, and nothing about them: see docs/architecture.md.
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

/* How a packet came, and goes: one frame, or the fragments of a datagram. */
struct carrier {
    const struct l7_frame *frames;
    size_t count;
};

void pipeline_frame(struct worker *w, struct l7_frame *frame);
