/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* link: from a frame's first byte to its IP header. Link headers, VLAN tags, PPPoE, LLC/SNAP.
 *
 * Results are those of decode.h; DECODE_PACKET here means: an IP header should be at `rest`.
 */

#include "flow/decode.h"
#include "flow/wire.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_PPPOE 0x8864
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_QINQ_OLD 0x9100

/* Step over the link header of type `link`. VLAN ids are added to those `out` has; `family` is 4,
 * 6, or 0: the first nibble says. */
enum decode link_skip(uint16_t link, struct rest *rest, struct packet *out, uint8_t *family);
/* The same behind an Ethernet type: tags and what follows them. */
enum decode link_skip_type(uint16_t type, struct rest *rest, struct packet *out, uint8_t *family);

static inline bool link_is_tag(uint16_t type)
{
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD;
}
