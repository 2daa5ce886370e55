/* SPDX-License-Identifier: Apache-2.0 */
/* tag: the frame is as it was on the wire, and its offload fields point where they pointed. */
#include <criterion/criterion.h>
#include <string.h>

#include "tag.h"

static const uint8_t untagged[18] = {1,    2,    3,    4,    5,    6,    0x11, 0x12, 0x13,
                                     0x14, 0x15, 0x16, 0x08, 0x00, 0x45, 0xaa, 0xbb, 0xcc};

Test(tag, goes_between_the_addresses_and_the_type)
{
    uint8_t memory[TAG_SIZE + sizeof(untagged)];
    struct l7_offload offload = {.flags = 0};
    memcpy(memory + TAG_SIZE, untagged, sizeof(untagged));
    uint8_t *frame = tag_insert(memory + TAG_SIZE, 0x88a8, 0xe123, &offload);
    cr_assert_eq(frame, memory);
    cr_expect_arr_eq(frame, untagged, 12);
    const uint8_t tag[] = {0x88, 0xa8, 0xe1, 0x23};
    cr_expect_arr_eq(frame + 12, tag, sizeof(tag));
    cr_expect_arr_eq(frame + 16, untagged + 12, sizeof(untagged) - 12);
}

Test(tag, moves_the_offsets_that_count_from_the_first_byte)
{
    uint8_t memory[TAG_SIZE + sizeof(untagged)] = {0};
    struct l7_offload offload = {
        .flags = L7_OFFLOAD_NEEDS_CSUM,
        .gso_type = 1,
        .hdr_len = 66,
        .gso_size = 1448,
        .csum_start = 34,
        .csum_offset = 16,
    };
    tag_insert(memory + TAG_SIZE, 0x8100, 7, &offload);
    cr_expect_eq(offload.csum_start, 38);
    cr_expect_eq(offload.hdr_len, 70);
    cr_expect_eq(offload.csum_offset, 16, "it counts from csum_start");
    cr_expect_eq(offload.gso_size, 1448, "it counts payload");
    cr_expect_eq(offload.gso_type, 1);
}

Test(tag, leaves_offsets_alone_that_are_not_given)
{
    uint8_t memory[TAG_SIZE + sizeof(untagged)] = {0};
    struct l7_offload offload = {.flags = L7_OFFLOAD_DATA_VALID};
    tag_insert(memory + TAG_SIZE, 0x8100, 7, &offload);
    cr_expect_eq(offload.csum_start, 0);
    cr_expect_eq(offload.hdr_len, 0);
}

Test(tag, does_not_wrap_an_offset_around)
{
    uint8_t memory[TAG_SIZE + sizeof(untagged)] = {0};
    struct l7_offload offload = {
        .flags = L7_OFFLOAD_NEEDS_CSUM, .hdr_len = 65534, .csum_start = 65533};
    tag_insert(memory + TAG_SIZE, 0x8100, 7, &offload);
    cr_expect_eq(offload.hdr_len, 65535);
    cr_expect_eq(offload.csum_start, 65535);
}
