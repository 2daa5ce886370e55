/* SPDX-License-Identifier: Apache-2.0 */

/* decode: what is read from well-formed frames, what is called broken, and that no byte beyond the
 * captured ones is ever touched.
 */

#include "flow/decode.h"

#include <dirent.h>
#include "core/flow/decoded.h"
#include "harness/guard.h"

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
        {"half a PPPoE header", L7_LINK_ETHERNET, MACS "8864 110000"},
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

#define IP4_OPTIONS "4700 0028 0000 0000 4011 0000 " A4 B4

Test(decode, refuses_source_routes_with_a_stopover_left)
{
    cr_assert_eq(decode_hex(L7_LINK_RAW, IP4_OPTIONS "83 07 08 0a000107 00" UDP_D), DECODE_PACKET);
    cr_assert_eq(p.dport, 53);
    /* loose and strict, before the last address; a pointer is missing; lengths that are none */
    cr_assert_eq(decode_hex(L7_LINK_RAW, IP4_OPTIONS "83 07 04 0a000107 00" UDP_D), DECODE_BROKEN);
    cr_assert_eq(decode_hex(L7_LINK_RAW, IP4_OPTIONS "01 89 07 04 0a000107" UDP_D), DECODE_BROKEN);
    cr_assert_eq(decode_hex(L7_LINK_RAW, IP4_OPTIONS "01010101 01 01 83 02" UDP_D), DECODE_BROKEN);
    cr_assert_eq(decode_hex(L7_LINK_RAW, IP4_OPTIONS "94 09 0000 00000000" UDP_D), DECODE_BROKEN);
    cr_assert_eq(decode_hex(L7_LINK_RAW, IP4_OPTIONS "94 01 0000 00000000" UDP_D), DECODE_BROKEN);
    cr_assert_eq(decode_hex(L7_LINK_RAW, IP4_OPTIONS "01010101 010101 94" UDP_D), DECODE_BROKEN);
    /* behind the end of the list nothing counts */
    cr_assert_eq(decode_hex(L7_LINK_RAW, IP4_OPTIONS "00 83 07 04 0a000107" UDP_D), DECODE_PACKET);
    cr_assert_eq(decode_hex(L7_LINK_RAW, "60000000 0024 2b40 " A6 B6 "1102 0401 00000000" A6 UDP_D),
                 DECODE_BROKEN);
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

Test(decode, reads_the_ports_of_sctp)
{
    cr_assert_eq(
        decode_hex(L7_LINK_RAW, "45000020 00000000 40840000 " A4 B4 "0b590b5a 00000000 00000000"),
        DECODE_PACKET);
    cr_assert_eq(p.sport, 2905);
    cr_assert_eq(p.dport, 2906);
    cr_assert_eq(p.payload_len, 12);
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
    cut_everywhere(L7_LINK_IPV4, "48000028 00000000 40110000 " A4 B4 "07070400 00000000 01010100"
                                 "d3440035 00080000");
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
