/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ipv6: the chain of extension headers (RFC 8200 §4), walked up to the transport header or to a
 * fragment header, whichever is first. Offsets are from the start of the bytes given.
 */

#include <stdint.h>

#define IPV6_HEADER_LEN 40
#define IPV6_FRAGMENT_LEN 8
#define IPV6_CHAIN_MAX 16 /* extension headers in one packet */

#define PROTO_HOP_BY_HOP 0
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_AH 51
#define PROTO_DESTINATION 60
#define PROTO_MOBILITY 135

enum ipv6_end {
    IPV6_TRANSPORT, /* `at` is the transport header */
    IPV6_FRAGMENT,  /* `at` is the header of a fragment that is not the whole datagram */
    IPV6_BROKEN,    /* not whole, too many, or not to be processed */
};

struct ipv6_chain {
    uint8_t proto;    /* of what is at `at` */
    uint32_t at;      /* offset of what follows the chain */
    uint32_t next_at; /* offset of the byte that names it */
};

/* Before: `at` and `proto` say where to begin, `next_at` where that was said. After, unless
 * broken: the same of the chain's end. */
enum ipv6_end ipv6_chain_walk(const uint8_t *bytes, uint32_t len, struct ipv6_chain *chain);
