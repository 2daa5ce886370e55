/* SPDX-License-Identifier: Apache-2.0 */

/* tunnel: the innermost packet that can be read is the one that is read, if that was asked for. */

#include "flow/tunnel.h"

#include "core/flow/decoded.h"

Test(tunnel, looks_through_tunnels_when_asked)
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

Test(tunnel, adds_the_vlan_ids_inside_a_tunnel)
{
    cr_assert_eq(decode_tunnel(MACS "8100 0005 0800 4500006d 00000000 40110000 " O4
                                    "c00012b5 00590000 08000000 00000100" MACS
                                    "8100 0006 0800" TCP4),
                 DECODE_PACKET);
    cr_assert_eq(p.vlan_count, 2);
    cr_assert_eq(p.vlan[0], 5);
    cr_assert_eq(p.vlan[1], 6);
}

Test(tunnel, keeps_the_outer_packet_when_the_inner_one_is_not_readable)
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

Test(tunnel, bounds_the_depth_of_tunnels)
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
    cr_assert_eq(p.link_len, 14 + TUNNEL_DEPTH_MAX * 20);
    cr_assert_eq(p.proto, 4);
}

Test(tunnel, finds_a_fragment_inside_a_tunnel)
{
    cr_assert_eq(decode_tunnel(ETH4 "45000030 00000000 40040000 " O4
                                    "4500001c abcd2000 40110000 " A4 B4 "d3440035 00140000"),
                 DECODE_FRAGMENT);
    cr_assert_eq(p.fragment_id, 0xabcd);
    cr_assert(sample_is_address(&p.src, A4));
}
