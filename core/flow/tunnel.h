/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tunnel: from a packet that carries another one to the inner IP header. */

#include "flow/decode.h"
#include "flow/wire.h"

#define TUNNEL_DEPTH_MAX 4

/* `rest`: the payload of `outer`. VLAN ids found on the way are added to `inner`. DECODE_PACKET:
 * an IP header should be at `rest`; anything else: `outer` carries nothing that is looked into. */
enum decode tunnel_skip(const struct packet *outer, struct rest *rest, struct packet *inner,
                        uint8_t *family);
