/* SPDX-License-Identifier: Apache-2.0 */

/* quote: an ICMP error names a flow, or none. */

#include "flow/quote.h"

#include "core/flow/decoded.h"

Test(quote, reads_the_flow_an_icmp_error_quotes)
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
    /* the first of several fragments */
    cr_assert_eq(decode_hex(L7_LINK_RAW, "60000000 003c 3a40 " B6 A6 "01010000 00000000"
                                         "60000000 0100 2c40 " A6 B6 "06000001 00000001 04010050"),
                 DECODE_PACKET);
    cr_assert(p.quoted);
    cr_assert_eq(p.quoted_proto, 6);
    cr_assert_eq(p.quoted_sport, 1025);
}

Test(quote, takes_no_tuple_from_a_quote_that_has_none)
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
