/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* packet: one IP datagram of a frame, as offsets and numbers. Filled by decode.c and defrag.c. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "l7guard/capture.h"
#include "l7guard/log.h"

enum tcp_flag {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
};

static inline bool proto_has_ports(uint8_t proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* Borrowed from the frame it was decoded from: dies with it. Numbers in host byte order. */
struct packet {
    const struct l7_frame *frame;
    uint16_t
        link_len; /* bytes before the (innermost judged) IP header: link header, tags, tunnels */
    uint16_t vlan[3];   /* ids, outermost first */
    uint8_t vlan_count; /* at most 3 are kept */
    bool defragmented;  /* put together from fragments */
    struct l7_address src, dst;
    uint8_t proto; /* of the transport header, after IPv6 extension headers */
    uint16_t sport, dport;
    uint8_t icmp_type, icmp_code;
    const uint8_t *ip; /* IP header */
    uint32_t ip_len;   /* IP header to the end of the datagram, trailing link padding excluded */
    const uint8_t *transport; /* transport header */
    uint32_t payload_len;     /* bytes at `payload`: of TCP, UDP; else after the IP headers */
    const uint8_t *payload;
    bool cut;         /* the capture cut the datagram: payload is not all of it */
    uint32_t missing; /* payload bytes the capture cut off */
    /* ICMP errors: the tuple inside, as the quoted packet was sent. */
    bool quoted;
    struct l7_address quoted_src, quoted_dst;
    uint8_t quoted_proto;
    uint16_t quoted_sport, quoted_dport;
    /* TCP */
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags;
    bool has_timestamp;
    uint32_t ts_value, ts_echo;
    /* fragments: DECODE_FRAGMENT only */
    uint32_t fragment_id;
    uint16_t fragment_offset; /* bytes */
    bool fragment_more;
};
