/* SPDX-License-Identifier: Apache-2.0 */

/* ipv6: where the extension headers end. What follows them is decode.c's and defrag.c's. */

#include "flow/ipv6.h"

#include <stdbool.h>
#include "flow/wire.h"

static bool is_extension(uint8_t proto)
{
    return proto == PROTO_HOP_BY_HOP || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
           proto == PROTO_AH || proto == PROTO_DESTINATION || proto == PROTO_MOBILITY;
}

static uint32_t extension_len(uint8_t proto, const uint8_t *header)
{
    if (proto == PROTO_FRAGMENT)
        return IPV6_FRAGMENT_LEN;
    if (proto == PROTO_AH) /* RFC 4302 §2.2: 4-byte units, minus 2 */
        return (header[1] + 2u) * 4;
    return (header[1] + 1u) * 8;
}

enum ipv6_end ipv6_chain_walk(const uint8_t *bytes, uint32_t len, struct ipv6_chain *chain)
{
    struct ipv6_chain c = *chain;

    for (unsigned count = 0; is_extension(c.proto); count++) {
        const uint8_t *header = bytes + c.at;
        uint32_t left = c.at <= len ? len - c.at : 0, size;

        if (count == IPV6_CHAIN_MAX || left < 8)
            return IPV6_BROKEN;
        size = extension_len(c.proto, header);
        if (size > left)
            return IPV6_BROKEN;
        /* RFC 8200 §4.1: hop-by-hop options come first or not at all. */
        if (c.proto == PROTO_HOP_BY_HOP && c.at != IPV6_HEADER_LEN)
            return IPV6_BROKEN;
        /* A routing header of any type that still has somewhere to go: judging the destination
         * would be judging a stopover (RFC 5095 §3 for type 0). */
        if (c.proto == PROTO_ROUTING && header[3] != 0)
            return IPV6_BROKEN;
        /* Offset and M bit all zero: an atomic fragment, a plain packet (RFC 6946). */
        if (c.proto == PROTO_FRAGMENT && (wire_get16(header + 2) & 0xfff9) != 0)
            break;
        c.next_at = c.at;
        c.proto = header[0];
        c.at += size;
    }
    *chain = c;
    return c.proto == PROTO_FRAGMENT ? IPV6_FRAGMENT : IPV6_TRANSPORT;
}
