/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* decode: frame to packet. A function of bytes: no state, no allocation.
 *
 * Link types: Ethernet (802.1Q, 802.1ad, any depth; PPPoE session), SLL, SLL2, NULL/LOOP, RAW,
 * IPV4, IPV6. IPv4 with options; IPv6 with hop-by-hop, routing, destination, mobility,
 * authentication and fragment headers. Checksums are not checked here (offload: [VLAN-8]).
 * Lengths are never believed beyond the frame's end.
 */

#include "flow/packet.h"

enum decode {
    DECODE_PACKET,   /* `out` is filled */
    DECODE_FRAGMENT, /* IP fragment: addresses and fragment fields are filled; see defrag.h */
    DECODE_OTHER,    /* not IP (ARP, LLDP, ...), passed unjudged [BYP-7] */
    DECODE_BROKEN,   /* pretends to be IP and is not well-formed: never passed */
};

/* `tunnels`: also look through IP-in-IP, GRE, VXLAN (UDP 4789) and Geneve (UDP 6081) to the
 * innermost packet; for reading captures, not for judging a node's traffic. */
enum decode decode_frame(const struct l7_frame *frame, bool tunnels, struct packet *out);
/* A datagram without its link header (reassembled, or for tests): `out->frame` must be set by
 * the caller before or after. Same results. */
enum decode decode_ip(const uint8_t *ip, uint32_t len, struct packet *out);
