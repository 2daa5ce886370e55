/* SPDX-License-Identifier: Apache-2.0 */

/* link: the IP header is found behind every link header, and what is not IP is told from what
 * cannot be trusted.
 */

#include "flow/link.h"

#include "core/flow/decoded.h"

Test(link, reads_every_link_type)
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

Test(link, keeps_the_three_outermost_vlan_ids_of_any_number)
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

Test(link, refuses_more_tags_than_link_len_can_count)
{
    struct l7_frame frame;

    sample_set(&s, MACS "8100");
    while (s.len < 65600)
        sample_add(&s, "0001 8100");
    sample_add(&s, "0001 0800" TCP4);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_BROKEN);
}

Test(link, calls_what_is_not_ip_other)
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
