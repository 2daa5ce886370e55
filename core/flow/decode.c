/* SPDX-License-Identifier: Apache-2.0 */

/* decode: what a frame's IP datagram says, without ever reading past what was captured.
 *
 * Lengths in headers are compared with what was sent (`wire`); contents are read only up to what
 * is there (`len`). Link headers are link.c's, extension headers ipv6.c's, tunnels tunnel.c's,
 * quoted packets quote.c's. A fragment's `transport` is its fragment header (IPv6) or its payload
 * (IPv4).
 */

#include "flow/decode.h"

#include <netinet/in.h>
#include <string.h>
#include "flow/ipv6.h"
#include "flow/link.h"
#include "flow/quote.h"
#include "flow/tunnel.h"
#include "flow/wire.h"

#define IPV4_HEADER_LEN 20
#define TCP_HEADER_LEN 20
#define UDP_HEADER_LEN 8
#define ICMP_HEADER_LEN 8
#define SCTP_HEADER_LEN 12

#define TCP_OPTION_END 0
#define TCP_OPTION_NOP 1
#define TCP_OPTION_TIMESTAMP 8
#define TCP_OPTION_TIMESTAMP_LEN 10

#define GSO_TCPV4 1
#define GSO_TCPV6 4
#define GSO_ECN 0x80

static void address_set(struct l7_address *address, uint8_t family, const uint8_t *bytes)
{
    address->family = family;
    memcpy(address->bytes, bytes, family == 4 ? 4 : 16);
}

/* The payload begins `header` bytes into `body` and ends where `body` does. */
static enum decode payload_set(struct packet *out, struct rest body, uint32_t header,
                               enum decode result)
{
    if (!rest_skip(&body, header))
        return DECODE_BROKEN;
    out->payload = body.data;
    out->payload_len = body.len;
    out->missing = body.wire - body.len;
    out->cut = out->missing > 0;
    return result;
}

/* RFC 7323 §3.2. An option that does not fit ends the reading, as it does in receivers. */
static void timestamp_read(const uint8_t *options, uint32_t len, struct packet *out)
{
    for (uint32_t i = 0; i < len && options[i] != TCP_OPTION_END;) {
        if (options[i] == TCP_OPTION_NOP) {
            i++;
            continue;
        }
        if (len - i < 2 || options[i + 1] < 2 || options[i + 1] > len - i)
            return;
        if (options[i] == TCP_OPTION_TIMESTAMP && options[i + 1] == TCP_OPTION_TIMESTAMP_LEN) {
            out->has_timestamp = true;
            out->ts_value = wire_get32(options + i + 2);
            out->ts_echo = wire_get32(options + i + 6);
            return;
        }
        i += options[i + 1];
    }
}

static enum decode tcp_decode(struct rest body, struct packet *out)
{
    const uint8_t *tcp = body.data;
    uint32_t header;

    if (body.len < TCP_HEADER_LEN)
        return DECODE_BROKEN;
    header = (uint32_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER_LEN || header > body.len)
        return DECODE_BROKEN;
    out->sport = wire_get16(tcp);
    out->dport = wire_get16(tcp + 2);
    out->seq = wire_get32(tcp + 4);
    out->ack = wire_get32(tcp + 8);
    out->flags = tcp[13];
    out->window = wire_get16(tcp + 14);
    timestamp_read(tcp + TCP_HEADER_LEN, header - TCP_HEADER_LEN, out);
    return payload_set(out, body, header, DECODE_PACKET);
}

static enum decode udp_decode(struct rest body, struct packet *out)
{
    const uint8_t *udp = body.data;
    uint32_t length;

    if (body.len < UDP_HEADER_LEN)
        return DECODE_BROKEN;
    length = wire_get16(udp + 4);
    if (length == 0 && out->src.family == 6) /* RFC 2675 §4; receivers take all there is */
        length = body.wire;
    if (length < UDP_HEADER_LEN || !rest_limit(&body, length))
        return DECODE_BROKEN;
    out->sport = wire_get16(udp);
    out->dport = wire_get16(udp + 2);
    return payload_set(out, body, UDP_HEADER_LEN, DECODE_PACKET);
}

static enum decode icmp_decode(struct rest body, struct packet *out)
{
    if (body.len < ICMP_HEADER_LEN)
        return DECODE_BROKEN;
    out->icmp_type = body.data[0];
    out->icmp_code = body.data[1];
    if (icmp_is_error(out->src.family, out->icmp_type))
        quote_read(body.data + ICMP_HEADER_LEN, body.len - ICMP_HEADER_LEN, out);
    return payload_set(out, body, 0, DECODE_PACKET);
}

/* `body` is what follows the IP headers. */
static enum decode transport_decode(struct rest body, struct packet *out)
{
    out->transport = body.data;
    switch (out->proto) {
    case IPPROTO_TCP:
        return tcp_decode(body, out);
    case IPPROTO_UDP:
        return udp_decode(body, out);
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
        if (out->proto == (out->src.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
            return icmp_decode(body, out);
        break;
    case IPPROTO_SCTP:
        if (body.len < SCTP_HEADER_LEN)
            return DECODE_BROKEN;
        out->sport = wire_get16(body.data);
        out->dport = wire_get16(body.data + 2);
        break;
    default:
        break;
    }
    return payload_set(out, body, 0, DECODE_PACKET);
}

/* RFC 791 §3.1. */
/* RFC 791 §3.1: is there a source route that still has somewhere to go, or an option that is none?
 * Judging the destination would be judging a stopover. */
static bool ipv4_options_mislead(const uint8_t *options, uint32_t len)
{
    enum { END = 0, NOP = 1, LOOSE_ROUTE = 131, STRICT_ROUTE = 137 };
    uint32_t i = 0;

    while (i < len && options[i] != END) {
        if (options[i] == NOP) {
            i++;
            continue;
        }
        if (len - i < 2 || options[i + 1] < 2 || options[i + 1] > len - i)
            return true;
        if ((options[i] == LOOSE_ROUTE || options[i] == STRICT_ROUTE) &&
            (options[i + 1] < 3 || options[i + 2] <= options[i + 1]))
            return true;
        i += options[i + 1];
    }
    return false;
}

static enum decode ipv4_decode(struct rest rest, bool gso, struct packet *out)
{
    const uint8_t *ip = rest.data;
    uint32_t header, total, fragment;

    if (rest.len < IPV4_HEADER_LEN)
        return DECODE_BROKEN;
    header = (uint32_t)(ip[0] & 0x0f) * 4;
    total = wire_get16(ip + 2);
    if (total == 0 && gso)
        total = rest.wire;
    if (header < IPV4_HEADER_LEN || total < header || !rest_limit(&rest, total))
        return DECODE_BROKEN;
    out->ip = ip;
    out->ip_len = rest.len;
    if (!rest_skip(&rest, header) ||
        ipv4_options_mislead(ip + IPV4_HEADER_LEN, header - IPV4_HEADER_LEN))
        return DECODE_BROKEN;
    address_set(&out->src, 4, ip + 12);
    address_set(&out->dst, 4, ip + 16);
    out->proto = ip[9];
    fragment = wire_get16(ip + 6);
    if ((fragment & 0x3fff) == 0)
        return transport_decode(rest, out);
    out->transport = rest.data;
    out->fragment_id = wire_get16(ip + 4);
    out->fragment_offset = (uint16_t)((fragment & 0x1fff) * 8);
    out->fragment_more = (fragment & 0x2000) != 0;
    return payload_set(out, rest, 0, DECODE_FRAGMENT);
}

/* RFC 8200 §3, §4.5. */
static enum decode ipv6_decode(struct rest rest, bool gso, struct packet *out)
{
    const uint8_t *ip = rest.data;
    struct ipv6_chain chain = {.at = IPV6_HEADER_LEN, .next_at = 6};
    enum ipv6_end end;
    uint32_t total;

    if (rest.len < IPV6_HEADER_LEN)
        return DECODE_BROKEN;
    total = IPV6_HEADER_LEN + (uint32_t)wire_get16(ip + 4);
    if (total == IPV6_HEADER_LEN && gso)
        total = rest.wire;
    if (!rest_limit(&rest, total))
        return DECODE_BROKEN;
    chain.proto = ip[6];
    end = ipv6_chain_walk(ip, rest.len, &chain);
    if (end == IPV6_BROKEN)
        return DECODE_BROKEN;
    out->ip = ip;
    out->ip_len = rest.len;
    address_set(&out->src, 6, ip + 8);
    address_set(&out->dst, 6, ip + 24);
    out->proto = chain.proto;
    if (!rest_skip(&rest, chain.at))
        return DECODE_BROKEN;
    if (end == IPV6_TRANSPORT)
        return transport_decode(rest, out);
    out->transport = rest.data;
    out->proto = rest.data[0];
    out->fragment_offset = wire_get16(rest.data + 2) & 0xfff8;
    out->fragment_more = (rest.data[3] & 1) != 0;
    out->fragment_id = wire_get32(rest.data + 4);
    return payload_set(out, rest, IPV6_FRAGMENT_LEN, DECODE_FRAGMENT);
}

/* `family` 0: whatever the version field says. `gso`: a super-frame of the kernel's. Above 64 KiB
 * its length fields are 0, and the frame's length is the only one there is. */
static enum decode datagram_decode(struct rest rest, uint8_t family, bool gso, struct packet *out)
{
    uint8_t version;

    if (rest.len == 0)
        return DECODE_BROKEN;
    version = rest.data[0] >> 4;
    if (family != 0 && version != family)
        return DECODE_BROKEN;
    if (version == 4)
        return ipv4_decode(rest, gso, out);
    return version == 6 ? ipv6_decode(rest, gso, out) : DECODE_BROKEN;
}

static bool is_tcp_gso(const struct l7_offload *offload)
{
    uint8_t type = offload->gso_type & (uint8_t)~GSO_ECN;

    return type == GSO_TCPV4 || type == GSO_TCPV6;
}

/* False: the headers before IP are longer than any real ones. */
static bool link_len_set(struct packet *out)
{
    size_t len = (size_t)(out->ip - out->frame->data);

    out->link_len = (uint16_t)len;
    return len <= UINT16_MAX;
}

/* The innermost packet that can be read replaces `out`. */
static enum decode tunnels_decode(struct packet *out)
{
    for (unsigned depth = 0; depth < TUNNEL_DEPTH_MAX; depth++) {
        struct rest rest = {out->payload, out->payload_len, out->payload_len + out->missing};
        struct packet inner = {.frame = out->frame, .vlan_count = out->vlan_count};
        enum decode result;
        uint8_t family;

        memcpy(inner.vlan, out->vlan, sizeof(inner.vlan));
        if (tunnel_skip(out, &rest, &inner, &family) != DECODE_PACKET)
            break;
        result = datagram_decode(rest, family, false, &inner);
        if ((result != DECODE_PACKET && result != DECODE_FRAGMENT) || !link_len_set(&inner))
            break;
        *out = inner;
        if (result == DECODE_FRAGMENT)
            return result;
    }
    return DECODE_PACKET;
}

enum decode decode_frame(const struct l7_frame *frame, bool tunnels, struct packet *out)
{
    struct packet packet = {.frame = frame};
    struct rest rest = {frame->data, frame->len,
                        frame->wire_len > frame->len ? frame->wire_len : frame->len};
    enum decode result;
    uint8_t family;

    result = link_skip(frame->link, &rest, &packet, &family);
    if (result != DECODE_PACKET)
        return result;
    result = datagram_decode(rest, family, is_tcp_gso(&frame->offload), &packet);
    if (result != DECODE_PACKET && result != DECODE_FRAGMENT)
        return result;
    if (!link_len_set(&packet))
        return DECODE_BROKEN;
    if (tunnels && result == DECODE_PACKET)
        result = tunnels_decode(&packet);
    *out = packet;
    return result;
}

enum decode decode_ip(const uint8_t *ip, uint32_t len, struct packet *out)
{
    struct packet packet = {.frame = out->frame};
    enum decode result = datagram_decode((struct rest){ip, len, len}, 0, false, &packet);

    if (result == DECODE_PACKET || result == DECODE_FRAGMENT)
        *out = packet;
    return result;
}
