/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* segment: a TCP segment like another one, with a part of its payload, or with other payload.
 *
 * Used where a frame carries bytes that may pass and bytes that may not (yet). All headers of the
 * model are kept, options included. What is longer than one packet keeps the model's segmentation
 * offload; everything else gets complete checksums.
 */

#include <stddef.h>
#include <stdint.h>
#include "flow/packet.h"

#define SEGMENT_MAX (65535 + 256)

/* The frame's bytes go to `buf`; its length is returned, 0 when it does not fit in `cap` or the
 * model is no TCP packet. `offload` is what must go with the frame. */
size_t segment_make(const struct packet *model, uint32_t seq, struct l7_bytes payload,
                    uint8_t flags, uint8_t *buf, size_t cap, struct l7_offload *offload);
