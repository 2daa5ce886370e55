/* SPDX-License-Identifier: Apache-2.0 */

/* quote: which flow an ICMP error is about. Whether to believe it is the engine's. */

#include "flow/quote.h"

#include <netinet/in.h>
#include <string.h>
#include "flow/ipv6.h"
#include "flow/wire.h"

bool icmp_is_error(uint8_t family, uint8_t type)
{
    if (family == 6) /* RFC 4443 §2.1 names all below 128 errors; these exist */
        return type >= 1 && type <= 4;
    /* RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem. */
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static bool has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* Offset of the transport header of a quoted IPv4 packet, or 0. */
static uint32_t quote_skip4(const uint8_t *ip, uint32_t len, uint8_t *proto)
{
    uint32_t header;

    if (len < 20)
        return 0;
    header = (uint32_t)(ip[0] & 0x0f) * 4;
    if (header < 20 || header > len || (wire_get16(ip + 6) & 0x1fff) != 0)
        return 0;
    *proto = ip[9];
    return header;
}

static uint32_t quote_skip6(const uint8_t *ip, uint32_t len, uint8_t *proto)
{
    struct ipv6_chain chain = {.at = IPV6_HEADER_LEN, .next_at = 6};

    if (len < IPV6_HEADER_LEN)
        return 0;
    chain.proto = ip[6];
    switch (ipv6_chain_walk(ip, len, &chain)) {
    case IPV6_TRANSPORT:
        *proto = chain.proto;
        return chain.at;
    case IPV6_FRAGMENT: /* the first fragment names its ports, the others do not */
        if ((wire_get16(ip + chain.at + 2) & 0xfff8) != 0)
            return 0;
        *proto = ip[chain.at];
        return chain.at + IPV6_FRAGMENT_LEN;
    default:
        return 0;
    }
}

void quote_read(const uint8_t *ip, uint32_t len, struct packet *out)
{
    uint8_t family = out->src.family, proto = 0;
    uint32_t at;

    if (len == 0 || ip[0] >> 4 != family)
        return;
    at = family == 4 ? quote_skip4(ip, len, &proto) : quote_skip6(ip, len, &proto);
    if (at == 0 || (has_ports(proto) && len - at < 4))
        return;
    out->quoted = true;
    out->quoted_proto = proto;
    out->quoted_src.family = family;
    out->quoted_dst.family = family;
    memcpy(out->quoted_src.bytes, ip + (family == 4 ? 12 : 8), family == 4 ? 4 : 16);
    memcpy(out->quoted_dst.bytes, ip + (family == 4 ? 16 : 24), family == 4 ? 4 : 16);
    if (has_ports(proto)) {
        out->quoted_sport = wire_get16(ip + at);
        out->quoted_dport = wire_get16(ip + at + 2);
    }
}
