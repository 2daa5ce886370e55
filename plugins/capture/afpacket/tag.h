/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tag: a VLAN tag the kernel took out of a frame, put back where it was on the wire.
 *
 * In    a frame without the tag, and the tag from PACKET_AUXDATA
 * Out   the frame as it was sent, and its offload fields for the new offsets
 */
#include <stdint.h>

#include "l7guard/capture.h"

#define TAG_SIZE 4u

/* Move the addresses of the Ethernet frame at `data` (at least 12 bytes) to make room for the tag.
 * TAG_SIZE bytes before `data` must be ours. The frame's new first byte. */
uint8_t *tag_insert(uint8_t *data, uint16_t tpid, uint16_t tci, struct l7_offload *offload);
