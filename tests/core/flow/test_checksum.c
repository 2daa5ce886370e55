/* SPDX-License-Identifier: Apache-2.0 */

/* checksum: the examples of the RFC, every tail, and sums that carry. */

#include "flow/checksum.h"

#include <criterion/criterion.h>
#include "core/flow/sample.h"

static struct sample s;

/* The definition, two bytes at a time with an end-around carry. */
static uint16_t plain(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | (i + 1 < len ? bytes[i + 1] : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

Test(checksum, sums_the_example_of_rfc_1071)
{
    sample_set(&s, "0001 f203 f4f5 f6f7"); /* §3: ddf2, before the complement */
    cr_assert_eq(checksum_finish(checksum_add(0, s.bytes, s.len)), 0xffff - 0xddf2);
}

Test(checksum, sums_any_length_and_alignment)
{
    for (unsigned i = 0; i < 80; i++)
        s.bytes[i] = (uint8_t)(0xff - i * 37);
    for (unsigned at = 0; at < 8; at++) {
        for (unsigned len = 0; len <= 70; len++)
            cr_assert_eq(checksum_finish(checksum_add(0, s.bytes + at, len)),
                         plain(s.bytes + at, len), "%u bytes at %u", len, at);
    }
}

Test(checksum, loses_no_carry)
{
    memset(s.bytes, 0xff, 65535);
    cr_assert_eq(checksum_finish(checksum_add(0, s.bytes, 65534)), 0);
    cr_assert_eq(checksum_finish(checksum_add(0, s.bytes, 65535)), 0x00ff);
}

Test(checksum, finds_those_of_a_recorded_datagram_right)
{
    struct l7_address src = {4, {10, 77, 0, 1}}, dst = {4, {10, 77, 0, 102}};

    /* UDP from 10.77.0.1 to 10.77.0.102, port 54084 to 9053, 6 bytes of payload */
    sample_set(&s, "45000022 2a3a4000 4011fb90 0a4d0001 0a4d0066"
                   "d344235d 000eb035 6467 7261 6d31");
    cr_assert_eq(
        checksum_finish(checksum_add(checksum_pseudo(&src, &dst, 17, 14), s.bytes + 20, 14)), 0);
    cr_assert_eq(checksum_finish(checksum_add(0, s.bytes, 20)), 0);
}
