/* SPDX-License-Identifier: Apache-2.0 */
/* record_copy: the copy lives by itself, inside its block. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "engine/record_copy.h"

static bool is_inside(const void *ptr, const char *block, size_t size)
{
    const char *at = ptr;

    return at >= block && at < block + size;
}

Test(record_copy, shares_nothing_with_its_original)
{
    char iface[] = "eth0", name[] = "url", value[] = "/a\0b", rule[] = "allow-get";
    uint8_t frame[] = {1, 2, 3, 4, 5};
    struct l7_record_attr attrs[] = {
        {.name = name, .value = {.type = L7_TYPE_STRING, .string = {(uint8_t *)value, 4}}},
        {.name = "status", .value = {.type = L7_TYPE_NUMBER, .number = -7}},
        {.name = "empty", .value = {.type = L7_TYPE_STRING}},
    };
    struct l7_record record = {
        .size = sizeof(record),
        .type = L7_RECORD_ALERT,
        .in_iface = iface,
        .attrs = attrs,
        .attr_count = 3,
        .policy = {.rule = rule, .enable_logging = true},
        .packet = {frame, sizeof(frame)},
        .tx_id = -1,
    };
    size_t size = record_copy_size(&record);
    char *block = aligned_alloc(RECORD_COPY_ALIGN, size);
    const struct l7_record *copy = (const struct l7_record *)block;

    cr_assert_eq(size % RECORD_COPY_ALIGN, 0);
    record_copy(block, &record);
    memset(iface, 'x', sizeof(iface));
    memset(name, 'x', sizeof(name));
    memset(value, 'x', sizeof(value));
    memset(rule, 'x', sizeof(rule));
    memset(frame, 'x', sizeof(frame));
    memset(attrs, 0xff, sizeof(attrs));

    cr_assert_str_eq(copy->in_iface, "eth0");
    cr_assert_str_eq(copy->policy.rule, "allow-get");
    cr_assert(copy->policy.enable_logging);
    cr_assert_null(copy->policy.name);
    cr_assert_null(copy->keyword);
    cr_assert_eq(copy->tx_id, -1);
    cr_assert_eq(copy->attr_count, 3);
    cr_assert_str_eq(copy->attrs[0].name, "url");
    cr_assert_eq(copy->attrs[0].value.string.len, 4);
    cr_assert_arr_eq(copy->attrs[0].value.string.ptr, "/a\0b", 4);
    cr_assert_eq(copy->attrs[1].value.number, -7);
    cr_assert_str_eq(copy->attrs[2].name, "empty");
    cr_assert_eq(copy->attrs[2].value.string.len, 0);
    cr_assert_eq(copy->packet.len, 5);
    cr_assert_arr_eq(copy->packet.ptr, "\1\2\3\4\5", 5);
    cr_assert(is_inside(copy->attrs, block, size));
    cr_assert(is_inside(copy->attrs[1].name, block, size));
    cr_assert(is_inside(copy->packet.ptr, block, size));
    free(block);
}

Test(record_copy, ignores_the_string_of_a_number)
{
    struct l7_record_attr attr = {
        .name = "n",
        .value = {.type = L7_TYPE_NUMBER, .number = 1, .string = {(const uint8_t *)1, SIZE_MAX}},
    };
    struct l7_record record = {.attrs = &attr, .attr_count = 1};
    size_t size = record_copy_size(&record);
    char *block = aligned_alloc(RECORD_COPY_ALIGN, size);

    cr_assert_lt(size, 1024);
    record_copy(block, &record);
    cr_assert_null(((const struct l7_record *)block)->attrs[0].value.string.ptr);
    free(block);
}

Test(record_copy, size_does_not_wrap_around)
{
    struct l7_record_attr attr = {
        .name = "n", .value = {.type = L7_TYPE_STRING, .string = {(const uint8_t *)1, SIZE_MAX}}};
    struct l7_record record = {.attrs = &attr, .attr_count = 1};

    cr_assert_eq(record_copy_size(&record), SIZE_MAX);
    attr.value.string.len = 0;
    record.packet.len = SIZE_MAX - 64;
    cr_assert_eq(record_copy_size(&record), SIZE_MAX);
    record.packet.len = 0;
    record.attr_count = SIZE_MAX / 2;
    cr_assert_eq(record_copy_size(&record), SIZE_MAX);
}
