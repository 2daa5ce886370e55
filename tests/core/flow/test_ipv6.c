/* SPDX-License-Identifier: Apache-2.0 */

/* ipv6: the transport header is found behind extension headers, as many as are allowed. */

#include "flow/ipv6.h"

#include "core/flow/decoded.h"

Test(ipv6, walks_ipv6_extension_headers)
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

Test(ipv6, knows_a_datagram_without_next_header)
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

Test(ipv6, bounds_the_number_of_extension_headers)
{
    cr_assert_eq(decode_chain(IPV6_CHAIN_MAX), DECODE_PACKET);
    cr_assert_eq(decode_chain(IPV6_CHAIN_MAX + 1), DECODE_BROKEN);
    cr_assert_eq(decode_chain(8000), DECODE_BROKEN);
}
