/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* craft: the few packets the engine sends of its own, made from one it has seen.
 *
 * The model's link header is used again: same VLAN tags, addresses as they are when the new packet
 * goes the model's way, swapped when it goes back. Checksums are complete. No offload.
 * Models with a link type other than Ethernet or raw IP cannot be answered: 0 is returned.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "flow/packet.h"

#define CRAFT_MAX 1600 /* no crafted frame is longer */

/* A TCP reset. `back`: towards the model's sender. `flags`: TCP_RST, with or without TCP_ACK.
 * The bytes written to `buf` (CRAFT_MAX of them at most), 0 if impossible. */
size_t craft_reset(const struct packet *model, bool back, uint32_t seq, uint32_t ack, uint8_t flags,
                   uint8_t *buf);

/* ICMP 3/10 or ICMPv6 1/1 towards the model's sender, quoting the model (action Reject:
 * "Actions" in docs/policy.md). */
size_t craft_unreachable(const struct packet *model, uint8_t *buf);
