/* SPDX-License-Identifier: Apache-2.0 */

/* decode: what is read from well-formed frames, what is called broken, and that no byte beyond the
 * captured ones is ever touched.
 */

#include "flow/decode.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include "core/flow/sample.h"
#include "flow/ipv6.h"
#include "harness/guard.h"

#define MACS "020000000002 020000000001 "
#define ETH4 MACS "0800 "
#define ETH6 MACS "86dd "
#define A4 "0a4d0001 "
#define B4 "0a4d0066 "
#define A6 "fd770000000000000000000000000001 "
#define B6 "fd770000000000000000000000000066 "

/* 10.77.0.1:1025 > 10.77.0.102:80, ACK+PSH, timestamp option, 3 bytes "GET". */
#define TCP4                                                                                       \
    "45000037 12344000 40060000 " A4 B4 "04010050 01020304 05060708 8018fffe 00000000 "            \
    "0101080a 000003e8 000007d0 474554 "
#define UDP4 "45000020 12350000 40110000 " A4 B4 "d3440035 000c0000 64617461 "
#define TCP6 "60000000 0017 0640 " A6 B6 "04010050 01020304 05060708 50180100 00000000 474554 "
#define UDP_D "d3440035 000c0000 64617461 " /* 12 bytes: a UDP datagram alone */

static struct sample s;
static struct packet p;

static enum decode decode_hex(uint16_t link, const char *hex)
{
    static struct l7_frame frame;
    enum decode result;

    sample_set(&s, hex);
    frame = sample_frame(&s, link);
    memset(&p, 0xa5, sizeof(p));
    result = decode_frame(&frame, false, &p);
    if (result == DECODE_PACKET || result == DECODE_FRAGMENT)
        cr_assert(sample_holds(&p));
    return result;
}

static enum decode decode_tunnel(const char *hex)
{
    static struct l7_frame frame;

    sample_set(&s, hex);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    return decode_frame(&frame, true, &p);
}

Test(decode, reads_a_tcp_segment)
{
    cr_assert_eq(decode_hex(L7_LINK_ETHERNET, ETH4 TCP4), DECODE_PACKET);
    cr_assert_eq(p.link_len, 14);
    cr_assert_eq(p.vlan_count, 0);
    cr_assert_not(p.defragmented);
    cr_assert(sample_is_address(&p.src, A4));
    cr_assert(sample_is_address(&p.dst, B4));
    cr_assert_eq(p.proto, 6);
    cr_assert_eq(p.sport, 1025);
    cr_assert_eq(p.dport, 80);
    cr_assert_eq(p.ip_len, 0x37);
    cr_assert_eq(p.transport - p.ip, 20);
    cr_assert_eq(p.seq, 0x01020304);
    cr_assert_eq(p.ack, 0x05060708);
    cr_assert_eq(p.flags, TCP_ACK | TCP_PSH);
    cr_assert_eq(p.window, 0xfffe);
    cr_assert(p.has_timestamp);
    cr_assert_eq(p.ts_value, 1000);
    cr_assert_eq(p.ts_echo, 2000);
    cr_assert_eq(p.payload_len, 3);
    cr_assert_eq(memcmp(p.payload, "GET", 3), 0);
    cr_assert_not(p.cut);
    cr_assert_not(p.quoted);
}

Test(decode, reads_udp_over_ipv6_and_leaves_what_its_length_excludes)
{
    cr_assert_eq(decode_hex(L7_LINK_ETHERNET, ETH6 "60000000 000e 1140 " A6 B6 UDP_D "ffff"),
                 DECODE_PACKET);
    cr_assert(sample_is_address(&p.src, A6));
    cr_assert(sample_is_address(&p.dst, B6));
    cr_assert_eq(p.sport, 0xd344);
    cr_assert_eq(p.dport, 53);
    cr_assert_eq(p.payload_len, 4);
    cr_assert_eq(memcmp(p.payload, "data", 4), 0);
    cr_assert_eq(p.ip_len, 54);
}

Test(decode, leaves_the_padding_of_short_frames_out)
{
    cr_assert_eq(decode_hex(L7_LINK_ETHERNET, ETH4 UDP4 "000000000000 0000"), DECODE_PACKET);
    cr_assert_eq(p.ip_len, 0x20);
    cr_assert_eq(p.payload_len, 4);
    cr_assert_not(p.cut);
}

Test(decode, finds_a_timestamp_among_odd_options_only_if_it_is_whole)
{
    /* MSS, SACK permitted, timestamp, NOP, window scale: as in a Linux SYN */
    cr_assert_eq(decode_hex(L7_LINK_RAW, "4500003c 00000000 40060000 " A4 B4
                                         "04010050 00000000 00000000 a002ffff 00000000 "
                                         "020405b4 0402 080a 11111111 00000000 01 030307"),
                 DECODE_PACKET);
    cr_assert(p.has_timestamp);
    cr_assert_eq(p.ts_value, 0x11111111);
    cr_assert_eq(p.flags, TCP_SYN);
    cr_assert_eq(p.payload_len, 0);
    /* an option of length 0, one longer than the header, a timestamp behind the end mark */
    static const char *const bad[] = {
        "0300 080a 11111111 0000",
        "01010101 0101 080a 11111111",
        "00 01 080a 11111111 2222 2222",
    };
    for (size_t i = 0; i < 3; i++) {
        char hex[400];

        snprintf(hex, sizeof(hex), "%s%s",
                 "45000034 00000000 40060000 " A4 B4
                 "04010050 00000000 00000000 8002ffff 00000000 ",
                 bad[i]);
        sample_set(&s, hex);
        sample_add(&s, "00000000");
        s.len = 52;
        cr_assert_eq(decode_ip(s.bytes, s.len, &p), DECODE_PACKET, "%zu", i);
        cr_assert_not(p.has_timestamp, "%zu", i);
    }
}

Test(decode, reads_every_link_type)
{
    static const struct {
        uint16_t link;
        const char *header;
        bool v6;
    } rows[] = {
        {L7_LINK_ETHERNET, ETH4, false},
        {L7_LINK_ETHERNET, ETH6, true},
        {L7_LINK_SLL, "0000 0001 0006 0200000000010000 0800", false},
        {L7_LINK_SLL, "0004 0304 0000 0000000000000000 86dd", true},
        {L7_LINK_SLL2, "0800 0000 00000002 0001 00 06 0200000000010000", false},
        {L7_LINK_SLL2, "86dd 0000 00000002 0001 00 06 0200000000010000", true},
        {L7_LINK_NULL, "02000000", false}, /* little-endian writer */
        {L7_LINK_NULL, "00000002", false}, /* big-endian writer */
        {L7_LINK_NULL, "18000000", true},  /* NetBSD, OpenBSD */
        {L7_LINK_NULL, "1c000000", true},  /* FreeBSD */
        {L7_LINK_NULL, "1e000000", true},  /* macOS */
        {L7_LINK_NULL, "00000018", true},
        {L7_LINK_NULL, "0000001c", true},
        {L7_LINK_NULL, "0000001e", true},
        {L7_LINK_LOOP, "00000002", false},
        {L7_LINK_LOOP, "00000018", true},
        {L7_LINK_RAW, "", false},
        {L7_LINK_RAW, "", true},
        {L7_LINK_IPV4, "", false},
        {L7_LINK_IPV6, "", true},
        /* PPPoE session: length 57 or 65, with and without a compressed protocol field */
        {L7_LINK_ETHERNET, MACS "8864 11000005 0039 0021", false},
        {L7_LINK_ETHERNET, MACS "8864 11000005 0041 0057", true},
        {L7_LINK_ETHERNET, MACS "8864 11000005 0038 21", false},
        {L7_LINK_SLL, "0000 0001 0006 0200000000010000 8864 11000005 0039 0021", false},
        /* LLC and SNAP: length 63 and 71 */
        {L7_LINK_ETHERNET, MACS "003f aaaa03 000000 0800", false},
        {L7_LINK_ETHERNET, MACS "0047 aaaa03 000000 86dd", true},
        {L7_LINK_SLL, "0000 0001 0006 0200000000010000 0004 aaaa03 000000 0800", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char hex[600];
        uint32_t header;

        sample_set(&s, rows[i].header);
        header = s.len;
        snprintf(hex, sizeof(hex), "%s%s", rows[i].header, rows[i].v6 ? TCP6 : TCP4);
        cr_assert_eq(decode_hex(rows[i].link, hex), DECODE_PACKET, "row %zu", i);
        cr_assert_eq(p.link_len, header, "row %zu", i);
        cr_assert_eq(p.src.family, rows[i].v6 ? 6 : 4, "row %zu", i);
        cr_assert_eq(p.dport, 80, "row %zu", i);
        cr_assert_eq(p.payload_len, 3, "row %zu", i);
    }
}

Test(decode, keeps_the_three_outermost_vlan_ids_of_any_number)
{
    cr_assert_eq(decode_hex(L7_LINK_ETHERNET, MACS "8100 a00a 0800" TCP4), DECODE_PACKET);
    cr_assert_eq(p.vlan_count, 1);
    cr_assert_eq(p.vlan[0], 10); /* priority bits are no part of the id */
    cr_assert_eq(decode_hex(L7_LINK_ETHERNET,
                            MACS "88a8 0001 9100 0002 8100 0003 8100 0004 8100 0005 0800" TCP4),
                 DECODE_PACKET);
    cr_assert_eq(p.vlan_count, 3);
    cr_assert_eq(p.vlan[0], 1);
    cr_assert_eq(p.vlan[1], 2);
    cr_assert_eq(p.vlan[2], 3);
    cr_assert_eq(p.link_len, 14 + 5 * 4);
    cr_assert_eq(decode_hex(L7_LINK_SLL, "0000 0001 0006 0200000000010000 8100 0007 0800" TCP4),
                 DECODE_PACKET);
    cr_assert_eq(p.vlan[0], 7);
}

Test(decode, refuses_more_tags_than_link_len_can_count)
{
    struct l7_frame frame;

    sample_set(&s, MACS "8100");
    while (s.len < 65600)
        sample_add(&s, "0001 8100");
    sample_add(&s, "0001 0800" TCP4);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_BROKEN);
}

Test(decode, calls_what_is_not_ip_other)
{
    static const struct {
        uint16_t link;
        const char *hex;
    } rows[] = {
        {L7_LINK_ETHERNET, MACS "0806 0001 0800 0604 0001 020000000001 0a4d0001 000000000000"},
        {L7_LINK_ETHERNET, "0180c200000e 020000000001 88cc 0207 0400"},
        {L7_LINK_ETHERNET, "0180c2000000 020000000001 0026 424203 0000000000"}, /* STP */
        {L7_LINK_ETHERNET, MACS "8100 0001 0806 0001"},
        {L7_LINK_ETHERNET, MACS "8863 11090000 0004 01010000"},      /* PPPoE discovery */
        {L7_LINK_ETHERNET, MACS "8864 11000005 0006 c021 01010004"}, /* LCP */
        {L7_LINK_ETHERNET, MACS "000a aaaa03 000000 0806 0001"},     /* ARP in SNAP */
        {L7_LINK_NULL, "07000000 0102"},
        {L7_LINK_SLL, "0004 0338 0000 0000000000000000 0002 4500"}, /* netlink */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(decode_hex(rows[i].link, rows[i].hex), DECODE_OTHER, "row %zu", i);
}

Test(decode, calls_what_cannot_be_trusted_broken)
{
    static const struct {
        const char *what;
        uint16_t link;
        const char *hex;
    } rows[] = {
        {"nothing", L7_LINK_ETHERNET, ""},
        {"half an Ethernet header", L7_LINK_ETHERNET, "020000000002 0200"},
        {"half a tag", L7_LINK_ETHERNET, MACS "8100 00"},
        {"an unknown link type", 147, TCP4},
        {"no IP behind the type", L7_LINK_ETHERNET, ETH4},
        {"no IP at all", L7_LINK_RAW, ""},
        {"version 5", L7_LINK_RAW, "55000014 00000000 40060000 " A4 B4},
        {"IPv6 under the type of IPv4", L7_LINK_ETHERNET, ETH4 TCP6},
        {"IPv4 under the type of IPv6", L7_LINK_ETHERNET, ETH6 TCP4},
        {"IPv6 under the link type of IPv4", L7_LINK_IPV4, TCP6},
        {"IPv4 header of 16 bytes", L7_LINK_RAW, "44000020 00000000 40fd0000 " A4 B4 UDP_D},
        {"IPv4 options beyond the datagram", L7_LINK_RAW, "46000014 00000000 40fd0000 " A4 B4},
        {"total length below the header", L7_LINK_RAW, "45000013 00000000 40fd0000 " A4 B4 UDP_D},
        {"total length 0", L7_LINK_RAW, "45000000 00000000 40fd0000 " A4 B4 UDP_D},
        {"total length beyond the frame", L7_LINK_RAW, "45000021 00000000 40110000 " A4 B4 UDP_D},
        {"IPv6 length beyond the frame", L7_LINK_RAW, "60000000 000d 1140 " A6 B6 UDP_D},
        {"half an IPv6 header", L7_LINK_RAW, "60000000 0000 3b40 " A6},
        {"PPPoE length beyond the frame", L7_LINK_ETHERNET, MACS "8864 11000005 003a 0021" TCP4},
        {"PPPoE length below the datagram", L7_LINK_ETHERNET, MACS "8864 11000005 0038 0021" TCP4},
        {"SNAP length beyond the frame", L7_LINK_ETHERNET, MACS "0040 aaaa03 000000 0800" TCP4},
        {"TCP of 19 bytes", L7_LINK_RAW,
         "45000027 00000000 40060000 " A4 B4 "04010050 01020304 05060708 5018fffe 000000"},
        {"TCP header of 16 bytes", L7_LINK_RAW,
         "45000028 00000000 40060000 " A4 B4 "04010050 01020304 05060708 4018fffe 00000000"},
        {"TCP options beyond the datagram", L7_LINK_RAW,
         "45000028 00000000 40060000 " A4 B4 "04010050 01020304 05060708 6018fffe 00000000"},
        {"TCP options in the padding", L7_LINK_ETHERNET,
         ETH4 "45000028 00000000 40060000 " A4 B4
              "04010050 01020304 05060708 6018fffe 00000000 01010101"},
        {"UDP of 7 bytes", L7_LINK_RAW, "4500001b 00000000 40110000 " A4 B4 "d3440035 000800"},
        {"UDP length below its header", L7_LINK_RAW,
         "45000020 00000000 40110000 " A4 B4 "d3440035 00070000 64617461"},
        {"UDP length beyond the datagram", L7_LINK_RAW,
         "45000020 00000000 40110000 " A4 B4 "d3440035 000d0000 64617461"},
        {"UDP length 0 over IPv4", L7_LINK_RAW,
         "45000020 00000000 40110000 " A4 B4 "d3440035 00000000 64617461"},
        {"ICMP of 7 bytes", L7_LINK_RAW, "4500001b 00000000 40010000 " A4 B4 "0800f7ff 000000"},
        {"SCTP of 11 bytes", L7_LINK_RAW,
         "4500001f 00000000 40840000 " A4 B4 "00010002 00000000 000000"},
        {"IPv6 TCP of nothing", L7_LINK_RAW, "60000000 0000 0640 " A6 B6},
        {"extension header beyond the datagram", L7_LINK_RAW,
         "60000000 0008 3c40 " A6 B6 "1101000000000000"},
        {"extension header of 7 bytes", L7_LINK_RAW, "60000000 0007 3c40 " A6 B6 "11000000000000"},
        {"hop-by-hop options in the middle", L7_LINK_RAW,
         "60000000 001c 3c40 " A6 B6 "0000010400000000 1100010400000000" UDP_D},
        {"a source route with a way to go", L7_LINK_RAW,
         "60000000 0024 2b40 " A6 B6 "1102000100000000" A6 UDP_D},
        {"half a fragment header", L7_LINK_RAW, "60000000 0004 2c40 " A6 B6 "11000001"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(decode_hex(rows[i].link, rows[i].hex), DECODE_BROKEN, "%s", rows[i].what);
}

Test(decode, leaves_its_output_alone_when_there_is_no_packet)
{
    struct packet before;

    memset(&before, 0xa5, sizeof(before));
    cr_assert_eq(decode_hex(L7_LINK_RAW, "45000013 00000000 40fd0000 " A4 B4), DECODE_BROKEN);
    cr_assert_eq(memcmp(&p, &before, sizeof(p)), 0);
}

Test(decode, takes_a_datagram_the_capture_cut_if_its_headers_are_whole)
{
    struct l7_frame frame;

    sample_set(&s, ETH4 TCP4);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    frame.wire_len = frame.len;
    frame.len -= 2;
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_PACKET);
    cr_assert(p.cut);
    cr_assert_eq(p.missing, 2);
    cr_assert_eq(p.payload_len, 1);
    cr_assert(sample_holds(&p));
    frame.len -= 2; /* the last byte of the TCP options is gone */
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_BROKEN);

    sample_set(&s, ETH4 UDP4);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    frame.len -= 3;
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_PACKET);
    cr_assert_eq(p.missing, 3);
    /* Cutting what is padding cuts nothing. */
    sample_set(&s, ETH4 UDP4 "0000 0000");
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    frame.len -= 3;
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_PACKET);
    cr_assert_not(p.cut);
    cr_assert_eq(p.missing, 0);
    /* No capture length excuses a datagram longer than what was on the wire. */
    sample_set(&s, ETH4 "45000030 00000000 40110000 " A4 B4 UDP_D);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    frame.wire_len = frame.len + 1;
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_BROKEN);
}

Test(decode, takes_the_length_of_kernel_super_frames_from_the_frame)
{
    static const uint8_t body[66000];
    struct l7_frame frame;

    sample_set(&s, ETH4 "45000000 00004000 40060000 " A4 B4
                        "04010050 01020304 05060708 5010ffff 00000000");
    sample_add_bytes(&s, body, sizeof(body));
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_BROKEN);
    frame.offload.gso_type = 0x81; /* TCPv4, ECN */
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_PACKET);
    cr_assert_eq(p.payload_len, sizeof(body));
    frame.offload.gso_type = 5; /* UDP has no such frames */
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_BROKEN);

    /* IPv6: payload length 0 and a jumbo payload option, RFC 2675 */
    sample_set(&s, ETH6 "60000000 0000 0040 " A6 B6 "0600 c204 000101ec"
                        "04010050 01020304 05060708 5010ffff 00000000");
    sample_add_bytes(&s, body, sizeof(body));
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_BROKEN);
    frame.offload.gso_type = 4;
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_PACKET);
    cr_assert_eq(p.proto, 6);
    cr_assert_eq(p.payload_len, sizeof(body));
}

Test(decode, names_the_place_of_a_fragment)
{
    /* first: 8 bytes, more to come */
    cr_assert_eq(decode_hex(L7_LINK_RAW, "4500001c abcd2000 40110000 " A4 B4 "d3440035 00140000"),
                 DECODE_FRAGMENT);
    cr_assert_eq(p.fragment_id, 0xabcd);
    cr_assert_eq(p.fragment_offset, 0);
    cr_assert(p.fragment_more);
    cr_assert_eq(p.payload_len, 8);
    cr_assert_eq(p.proto, 17);
    cr_assert(sample_is_address(&p.dst, B4));
    /* last: offset 1480 */
    cr_assert_eq(decode_hex(L7_LINK_RAW, "45000018 abcd00b9 40110000 " A4 B4 "01020304"),
                 DECODE_FRAGMENT);
    cr_assert_eq(p.fragment_offset, 1480);
    cr_assert_not(p.fragment_more);
    cr_assert_eq(p.payload_len, 4);
    /* IPv6: destination options, then the fragment header; offset 1448, more */
    cr_assert_eq(decode_hex(L7_LINK_RAW, "60000000 0018 3c40 " A6 B6 "2c00010400000000"
                                         "1100 05a9 deadbeef 0102030405060708"),
                 DECODE_FRAGMENT);
    cr_assert_eq(p.fragment_id, 0xdeadbeef);
    cr_assert_eq(p.fragment_offset, 1448);
    cr_assert(p.fragment_more);
    cr_assert_eq(p.proto, 17);
    cr_assert_eq(p.payload_len, 8);
}

Test(decode, takes_a_datagram_in_one_fragment_as_plain)
{
    /* "do not fragment" alone */
    cr_assert_eq(decode_hex(L7_LINK_RAW, "45000020 12354000 40110000 " A4 B4 UDP_D), DECODE_PACKET);
    /* IPv6 atomic fragment, with reserved bits set */
    cr_assert_eq(decode_hex(L7_LINK_RAW, "60000000 0014 2c40 " A6 B6 "11ff 0006 01020304" UDP_D),
                 DECODE_PACKET);
    cr_assert_eq(p.proto, 17);
    cr_assert_eq(p.dport, 53);
}

Test(decode, walks_ipv6_extension_headers)
{
    cr_assert_eq(decode_hex(L7_LINK_RAW,
                            "60000000 0054 0040 " A6 B6 "2b00 0502 0000 0100" /* router alert */
                            "3c02 0000 00000000" A6 "3300 0104 00000000"      /* routing, dest. */
                            "8704 0000 00000100 00000001"
                            "000000000000000000000000"   /* AH: 24 */
                            "1100 0000 00000000" UDP_D), /* mobility */
                 DECODE_PACKET);
    cr_assert_eq(p.proto, 17);
    cr_assert_eq(p.dport, 53);
    cr_assert_eq(memcmp(p.payload, "data", 4), 0);
    cr_assert_eq(p.transport - p.ip, 40 + 72);
}

Test(decode, knows_a_datagram_without_next_header)
{
    cr_assert_eq(decode_hex(L7_LINK_RAW, "60000000 0000 3b40 " A6 B6), DECODE_PACKET);
    cr_assert_eq(p.proto, 59);
    cr_assert_eq(p.payload_len, 0);
}

static enum decode decode_chain(unsigned count)
{
    struct l7_frame frame;

    sample_set(&s, "60000000 0000 3c40 " A6 B6);
    for (unsigned i = 0; i < count; i++)
        sample_add(&s, i + 1 < count ? "3c00010400000000" : "1100010400000000");
    sample_add(&s, UDP_D);
    sample_put16(&s, 4, s.len - 40);
    frame = sample_frame(&s, L7_LINK_RAW);
    return decode_frame(&frame, false, &p);
}

Test(decode, bounds_the_number_of_extension_headers)
{
    cr_assert_eq(decode_chain(IPV6_CHAIN_MAX), DECODE_PACKET);
    cr_assert_eq(decode_chain(IPV6_CHAIN_MAX + 1), DECODE_BROKEN);
    cr_assert_eq(decode_chain(8000), DECODE_BROKEN);
}

Test(decode, reads_the_flow_an_icmp_error_quotes)
{
    cr_assert_eq(decode_hex(L7_LINK_RAW, "45000038 00000000 40010000 " B4 A4 "030a0000 00000000"
                                         "45000037 12344000 3f060000 " A4 B4 "04010050 01020304"),
                 DECODE_PACKET);
    cr_assert_eq(p.icmp_type, 3);
    cr_assert_eq(p.icmp_code, 10);
    cr_assert(p.quoted);
    cr_assert(sample_is_address(&p.quoted_src, A4));
    cr_assert(sample_is_address(&p.quoted_dst, B4));
    cr_assert_eq(p.quoted_proto, 6);
    cr_assert_eq(p.quoted_sport, 1025);
    cr_assert_eq(p.quoted_dport, 80);
    /* ICMPv6 packet too big; the quote has an atomic fragment header and is cut behind the ports */
    cr_assert_eq(decode_hex(L7_LINK_RAW, "60000000 003c 3a40 " B6 A6 "02000000 00000500"
                                         "60000000 0100 2c40 " A6 B6 "11000000 00000001 d3440035"),
                 DECODE_PACKET);
    cr_assert(p.quoted);
    cr_assert(sample_is_address(&p.quoted_dst, B6));
    cr_assert_eq(p.quoted_proto, 17);
    cr_assert_eq(p.quoted_dport, 53);
}

Test(decode, takes_no_tuple_from_a_quote_that_has_none)
{
    static const struct {
        const char *what;
        const char *hex;
    } rows[] = {
        {"echo", "45000038 00000000 40010000 " B4 A4 "08000000 00000000"
                 "45000037 12344000 3f060000 " A4 B4 "04010050 01020304"},
        {"no quote", "4500001c 00000000 40010000 " B4 A4 "030a0000 00000000"},
        {"half a header", "45000026 00000000 40010000 " B4 A4 "030a0000 00000000"
                          "45000037 12344000 3f06"},
        {"half the ports", "45000032 00000000 40010000 " B4 A4 "030a0000 00000000"
                           "45000037 12344000 3f060000 " A4 B4 "0401"},
        {"a later fragment", "45000038 00000000 40010000 " B4 A4 "030a0000 00000000"
                             "45000037 12340010 3f060000 " A4 B4 "04010050 01020304"},
        {"the other family", "45000038 00000000 40010000 " B4 A4 "030a0000 00000000"
                             "65000037 12344000 3f060000 " A4 B4 "04010050 01020304"},
        {"ICMPv6 over IPv4", "45000038 00000000 403a0000 " B4 A4 "01040000 00000000"
                             "45000037 12344000 3f060000 " A4 B4 "04010050 01020304"},
        {"a later fragment of IPv6", "60000000 003c 3a40 " B6 A6 "01040000 00000000"
                                     "60000000 0100 2c40 " A6 B6 "11000008 00000001 d3440035"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_eq(decode_hex(L7_LINK_RAW, rows[i].hex), DECODE_PACKET, "%s", rows[i].what);
        cr_assert_not(p.quoted, "%s", rows[i].what);
    }
}

Test(decode, reads_the_ports_of_sctp)
{
    cr_assert_eq(
        decode_hex(L7_LINK_RAW, "45000020 00000000 40840000 " A4 B4 "0b590b5a 00000000 00000000"),
        DECODE_PACKET);
    cr_assert_eq(p.sport, 2905);
    cr_assert_eq(p.dport, 2906);
    cr_assert_eq(p.payload_len, 12);
}

/* Outer addresses 192.0.2.1 > 192.0.2.2; lengths are for TCP4 (55 bytes) or TCP6 (63) inside. */
#define O4 "c0000201 c0000202 "
#define O6 "20010db8000000000000000000000001 20010db8000000000000000000000002 "

Test(decode, looks_through_tunnels_when_asked)
{
    static const struct {
        const char *what;
        const char *hex;
        uint8_t family;
    } rows[] = {
        {"IP in IP", ETH4 "4500004b 00000000 40040000 " O4 TCP4, 4},
        {"6in4", ETH4 "45000053 00000000 40290000 " O4 TCP6, 6},
        {"4in6", ETH6 "60000000 0037 0440 " O6 TCP4, 4},
        {"6in6", ETH6 "60000000 003f 2940 " O6 TCP6, 6},
        {"GRE", ETH4 "4500004f 00000000 402f0000 " O4 "00000800" TCP4, 4},
        {"GRE with checksum, key and number",
         ETH4 "45000063 00000000 402f0000 " O4 "b00086dd 00000000 00000001 00000002" TCP6, 6},
        {"GRE with key, Ethernet inside",
         ETH4 "45000061 00000000 402f0000 " O4 "20006558 00000001" ETH4 TCP4, 4},
        {"VXLAN",
         ETH4 "45000069 00000000 40110000 " O4 "c00012b5 00550000"
              "08000000 00000100" ETH4 TCP4,
         4},
        {"Geneve with options",
         ETH4 "45000071 00000000 40110000 " O4 "c00017c1 005d0000"
              "02006558 00000100 0102030400000000" ETH4 TCP4,
         4},
        {"Geneve without Ethernet",
         ETH4 "45000063 00000000 40110000 " O4 "c00017c1 004f0000"
              "000086dd 00000100" TCP6,
         6},
        {"GRE in IP in IP",
         ETH4 "45000063 00000000 40040000 " O4 "4500004f 00000000 402f0000 " O4 "00000800" TCP4, 4},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_eq(decode_tunnel(rows[i].hex), DECODE_PACKET, "%s", rows[i].what);
        cr_assert(sample_holds(&p), "%s", rows[i].what);
        cr_assert_eq(p.proto, 6, "%s", rows[i].what);
        cr_assert_eq(p.dport, 80, "%s", rows[i].what);
        cr_assert_eq(p.src.family, rows[i].family, "%s", rows[i].what);
        cr_assert_eq(p.payload_len, 3, "%s", rows[i].what);
        cr_assert_eq(decode_hex(L7_LINK_ETHERNET, rows[i].hex), DECODE_PACKET, "%s", rows[i].what);
        cr_assert_neq(p.proto, 6, "%s: not asked", rows[i].what);
    }
}

Test(decode, adds_the_vlan_ids_inside_a_tunnel)
{
    cr_assert_eq(decode_tunnel(MACS "8100 0005 0800 4500006d 00000000 40110000 " O4
                                    "c00012b5 00590000 08000000 00000100" MACS
                                    "8100 0006 0800" TCP4),
                 DECODE_PACKET);
    cr_assert_eq(p.vlan_count, 2);
    cr_assert_eq(p.vlan[0], 5);
    cr_assert_eq(p.vlan[1], 6);
}

Test(decode, keeps_the_outer_packet_when_the_inner_one_is_not_readable)
{
    static const struct {
        const char *what;
        const char *hex;
        uint8_t proto;
    } rows[] = {
        {"broken inside",
         ETH4 "45000029 00000000 40040000 " O4 "45000050 00000000 40060000 " A4 B4 "00", 4},
        {"nothing inside", ETH4 "45000014 00000000 40040000 " O4, 4},
        {"ARP inside", ETH4 "4500001a 00000000 402f0000 " O4 "00000806 0001", 47},
        {"PPTP", ETH4 "4500001c 00000000 402f0000 " O4 "3001880b 00000001", 47},
        {"GRE with a source route", ETH4 "4500004f 00000000 402f0000 " O4 "40000800" TCP4, 47},
        {"half a GRE header", ETH4 "45000016 00000000 402f0000 " O4 "0000", 47},
        {"VXLAN without its flag",
         ETH4 "45000069 00000000 40110000 " O4 "c00012b5 00550000"
              "00000000 00000100" ETH4 TCP4,
         17},
        {"Geneve options beyond its end",
         ETH4 "45000024 00000000 40110000 " O4 "c00017c1 00100000 3f000800 00000100", 17},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_eq(decode_tunnel(rows[i].hex), DECODE_PACKET, "%s", rows[i].what);
        cr_assert_eq(p.proto, rows[i].proto, "%s", rows[i].what);
        cr_assert(sample_is_address(&p.src, "c0000201"), "%s", rows[i].what);
    }
}

Test(decode, bounds_the_depth_of_tunnels)
{
    struct l7_frame frame;
    uint32_t at;

    sample_set(&s, ETH4);
    for (unsigned i = 0; i < 3000; i++)
        sample_add(&s, "45000000 00000000 40040000 " O4);
    sample_add(&s, TCP4);
    for (at = 14; at + 55 < s.len; at += 20)
        sample_put16(&s, at + 2, s.len - at);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, true, &p), DECODE_PACKET);
    cr_assert_eq(p.link_len, 14 + 4 * 20);
    cr_assert_eq(p.proto, 4);
}

Test(decode, finds_a_fragment_inside_a_tunnel)
{
    cr_assert_eq(decode_tunnel(ETH4 "45000030 00000000 40040000 " O4
                                    "4500001c abcd2000 40110000 " A4 B4 "d3440035 00140000"),
                 DECODE_FRAGMENT);
    cr_assert_eq(p.fragment_id, 0xabcd);
    cr_assert(sample_is_address(&p.src, A4));
}

Test(decode, takes_a_datagram_without_a_frame)
{
    struct l7_frame frame = {0};

    sample_set(&s, UDP4);
    p.frame = &frame;
    cr_assert_eq(decode_ip(s.bytes, s.len, &p), DECODE_PACKET);
    cr_assert_eq(p.frame, &frame);
    cr_assert_eq(p.link_len, 0);
    cr_assert_eq(p.dport, 53);
    cr_assert_eq(decode_ip(s.bytes, 19, &p), DECODE_BROKEN);
}

/* Every prefix of `hex` lies against an unreadable page; once as if sent so, once as if cut. */
static void cut_everywhere(uint16_t link, const char *hex)
{
    struct l7_frame frame;
    uint32_t whole;

    sample_set(&s, hex);
    whole = s.len;
    for (uint32_t len = 0; len <= whole; len++) {
        struct guard guard = guard_copy(s.bytes, len);

        for (unsigned variant = 0; variant < 4; variant++) {
            enum decode result;

            frame = sample_frame(&s, link);
            frame.data = guard.data;
            frame.len = len;
            frame.wire_len = variant & 1 ? whole : len;
            frame.offload.gso_type = variant & 2 ? 1 : 0;
            result = decode_frame(&frame, true, &p);
            if (result == DECODE_PACKET || result == DECODE_FRAGMENT)
                cr_assert(sample_holds(&p), "%u of %u bytes", len, whole);
            else if (len == whole)
                cr_assert_fail("the whole sample is not well-formed");
        }
        guard_free(&guard);
    }
}

Test(decode, never_reads_beyond_a_cut)
{
    cut_everywhere(L7_LINK_ETHERNET, ETH4 TCP4);
    cut_everywhere(L7_LINK_ETHERNET, MACS "88a8 0001 8100 0002 0800" UDP4);
    cut_everywhere(L7_LINK_ETHERNET, MACS "8864 11000005 0041 0057" TCP6);
    cut_everywhere(L7_LINK_ETHERNET, MACS "003f aaaa03 000000 0800" TCP4);
    cut_everywhere(L7_LINK_SLL, "0000 0001 0006 0200000000010000 0800" TCP4);
    cut_everywhere(L7_LINK_SLL2, "86dd 0000 00000002 0001 00 06 0200000000010000" TCP6);
    cut_everywhere(L7_LINK_NULL, "1e000000" TCP6);
    cut_everywhere(L7_LINK_RAW, "60000000 0054 0040 " A6 B6 "2b00 0502 0000 0100"
                                "3c02 0000 00000000" A6 "3300 0104 00000000"
                                "8704 0000 00000100 00000001 000000000000000000000000"
                                "1100 0000 00000000" UDP_D);
    cut_everywhere(L7_LINK_RAW, "60000000 0018 3c40 " A6 B6 "2c00010400000000"
                                "1100 05a9 deadbeef 0102030405060708");
    cut_everywhere(L7_LINK_RAW, "45000038 00000000 40010000 " B4 A4 "030a0000 00000000"
                                "45000037 12344000 3f060000 " A4 B4 "04010050 01020304");
    cut_everywhere(L7_LINK_RAW, "60000000 003c 3a40 " B6 A6 "02000000 00000500"
                                "60000000 0100 2c40 " A6 B6 "11000000 00000001 d3440035");
    cut_everywhere(L7_LINK_ETHERNET, ETH4 "45000071 00000000 40110000 " O4 "c00017c1 005d0000"
                                          "02006558 00000100 0102030400000000" ETH4 TCP4);
    cut_everywhere(L7_LINK_ETHERNET, ETH4 "45000063 00000000 402f0000 " O4
                                          "b00086dd 00000000 00000001 00000002" TCP6);
}

/* The same with every byte of the sample set to every value. */
Test(decode, survives_any_single_byte)
{
    static const char *const samples[] = {
        ETH4 TCP4,
        ETH6 "60000000 001c 2c40 " A6 B6 "3c000000 00000001 1100010400000000" UDP_D,
        ETH4 "45000053 00000000 40290000 " O4 TCP6,
    };

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct guard guard;
        struct l7_frame frame;

        sample_set(&s, samples[i]);
        guard = guard_copy(s.bytes, s.len);
        frame = sample_frame(&s, L7_LINK_ETHERNET);
        frame.data = guard.data;
        for (uint32_t at = 0; at < s.len; at++) {
            for (unsigned value = 0; value < 256; value++) {
                enum decode result;

                guard.data[at] = (uint8_t)value;
                result = decode_frame(&frame, true, &p);
                if (result == DECODE_PACKET || result == DECODE_FRAGMENT)
                    cr_assert(sample_holds(&p), "sample %zu, byte %u = %u", i, at, value);
            }
            guard.data[at] = s.bytes[at];
        }
        guard_free(&guard);
    }
}

/* All classic captures of the corpus: recorded traffic is well-formed. */
Test(decode, finds_no_broken_frame_in_the_corpus)
{
    DIR *dir = opendir(TEST_DATA "/corpus");
    size_t files = 0, packets = 0, fragments = 0;

    cr_assert_not_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct capture_file file;
        struct l7_frame frame;
        char path[512];
        size_t number = 0;

        if (!strstr(entry->d_name, ".pcap"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", TEST_DATA "/corpus", entry->d_name);
        if (!capture_file_open(&file, path))
            continue;
        files++;
        while (capture_file_next(&file, &frame)) {
            struct guard guard = guard_copy(frame.data, frame.len);
            enum decode plain, inner;

            number++;
            frame.data = guard.data;
            plain = decode_frame(&frame, false, &p);
            cr_assert_neq(plain, DECODE_BROKEN, "%s, frame %zu", entry->d_name, number);
            if (plain != DECODE_OTHER)
                cr_assert(sample_holds(&p), "%s, frame %zu", entry->d_name, number);
            inner = decode_frame(&frame, true, &p);
            cr_assert_neq(inner, DECODE_BROKEN, "%s, frame %zu", entry->d_name, number);
            if (inner != DECODE_OTHER)
                cr_assert(sample_holds(&p), "%s, frame %zu", entry->d_name, number);
            packets += plain == DECODE_PACKET;
            fragments += plain == DECODE_FRAGMENT;
            guard_free(&guard);
        }
        free(file.bytes);
    }
    closedir(dir);
    cr_assert_geq(files, 70);
    cr_assert_geq(packets, 1000);
    cr_assert_eq(fragments, 62); /* ipv4-frag-socks-http.pcap */
}
