/* SPDX-License-Identifier: Apache-2.0 */
/* address: text and back, and which network holds which address. */

#include <criterion/criterion.h>
#include <string.h>
#include "base/address.h"

static struct l7_address make(const char *text)
{
    struct l7_address a;
    cr_assert(address_parse(text, &a), "%s", text);
    return a;
}

static bool in(const char *text, const char *cidr)
{
    struct l7_address a = make(text), net;
    unsigned prefix;
    cr_assert(address_parse_cidr(cidr, &net, &prefix), "%s", cidr);
    return address_in(&a, &net, prefix);
}

Test(address, reads_and_writes_the_short_form)
{
    static const char *const forms[][2] = {{"10.1.2.3", "10.1.2.3"},
                                           {"fd77:0:0::1", "fd77::1"},
                                           {"::", "::"},
                                           {"::ffff:1.2.3.4", "::ffff:1.2.3.4"}};
    char buf[ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct l7_address a = make(forms[i][0]);
        cr_assert_str_eq(address_text(&a, buf), forms[i][1]);
    }
}

Test(address, refuses_what_readers_could_take_differently)
{
    static const char *const bad[] = {"",       "10.1", "010.1.1.1", "10.1.1.256",   "10.1.1.1 ",
                                      "0x7f.1", "fd77", "1::2::3",   "fe80::1%eth0", "10.0.0.0/8",
                                      "[::1]"};
    struct l7_address a = {.family = 9};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_not(address_parse(bad[i], &a), "%s", bad[i]);
    cr_assert_not(address_parse(NULL, &a));
    cr_assert_eq(a.family, 9);
}

Test(address, unused_bytes_are_zero)
{
    struct l7_address a;
    memset(&a, 0xff, sizeof(a));
    cr_assert(address_parse("1.2.3.4", &a));
    static const uint8_t zero[12];
    cr_assert_eq(memcmp(a.bytes + 4, zero, 12), 0);
}

Test(address, families_are_never_equal)
{
    struct l7_address four = make("0.0.0.0"), six = make("::");
    cr_assert_not(address_equal(&four, &six));
    cr_assert(address_equal(&four, &four));
    struct l7_address other = make("0.0.0.1");
    cr_assert_not(address_equal(&four, &other));
}

Test(address, networks_hold_their_addresses)
{
    cr_assert(in("10.255.0.1", "10.0.0.0/8"));
    cr_assert_not(in("11.0.0.1", "10.0.0.0/8"));
    cr_assert(in("10.1.2.3", "0.0.0.0/0"));
    cr_assert_not(in("fd00::1", "0.0.0.0/0"));
    cr_assert_not(in("10.0.0.1", "::/0"));
    cr_assert(in("10.0.0.129", "10.0.0.128/25"));
    cr_assert_not(in("10.0.0.127", "10.0.0.128/25"));
    cr_assert(in("10.0.0.1", "10.0.0.1/32"));
    cr_assert_not(in("10.0.0.2", "10.0.0.1/32"));
    cr_assert(in("fd77:8000::1", "fd77:8000::/17"));
    cr_assert_not(in("fd77:7fff::1", "fd77:8000::/17"));
}

Test(address, an_impossible_prefix_holds_nothing)
{
    struct l7_address a = make("10.0.0.1");
    cr_assert_not(address_in(&a, &a, 33));
}

Test(address, clears_the_host_bits_of_a_network)
{
    struct l7_address net;
    unsigned prefix;
    char buf[ADDRESS_TEXT_MAX];
    cr_assert(address_parse_cidr("10.1.2.3/12", &net, &prefix));
    cr_assert_str_eq(address_text(&net, buf), "10.0.0.0");
    cr_assert_eq(prefix, 12);
    cr_assert(address_parse_cidr("fd77::ff/121", &net, &prefix));
    cr_assert_str_eq(address_text(&net, buf), "fd77::80");
}

Test(address, refuses_odd_networks)
{
    static const char *const bad[] = {"10.0.0.0",    "10.0.0.0/",   "10.0.0.0/33", "10.0.0.0/08",
                                      "10.0.0.0/-1", "10.0.0.0/+8", "::/129",      "::/ 0",
                                      "10.0.0/8",    "/8",          "10.0.0.0/8 ", "::/4294967296"};
    struct l7_address net;
    unsigned prefix;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_not(address_parse_cidr(bad[i], &net, &prefix), "%s", bad[i]);
    cr_assert_not(address_parse_cidr(NULL, &net, &prefix));
}
