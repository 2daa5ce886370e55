/* SPDX-License-Identifier: Apache-2.0 */
/* hold: copies of frames, in stream order, whose memory is counted. */
#include <criterion/criterion.h>
#include <string.h>
#include "flow/hold.h"

static struct held *put(struct hold *h, const char *bytes, uint64_t start, uint64_t end)
{
    struct l7_frame frame = {.size = sizeof(frame),
                             .iface = 3,
                             .data = (const uint8_t *)bytes,
                             .len = (uint32_t)strlen(bytes),
                             .time_ns = 99,
                             .owner = h};
    frame.offload.gso_size = 1448;
    struct held *item = hold_put(h, &frame, 1, start, end);
    cr_assert_not_null(item);
    return item;
}

Test(hold, frames_are_in_stream_order_however_they_come)
{
    static const uint64_t starts[] = {50, 10, 30, 20, 40, 0, 60, 30};
    struct hold h;
    hold_init(&h);
    cr_expect_null(hold_first(&h));
    for (size_t i = 0; i < 8; i++)
        put(&h, "x", starts[i], starts[i] + 10);
    uint64_t last = 0;
    size_t n = 0;
    for (struct held *item = hold_first(&h); item != NULL; item = hold_next(&h, item), n++) {
        cr_expect_geq(item->start, last);
        last = item->start;
    }
    cr_expect_eq(n, 8);
    cr_expect_eq(h.count, 8);
    hold_fini(&h);
}

Test(hold, frames_of_one_place_stay_in_order_of_arrival)
{
    struct hold h;
    hold_init(&h);
    struct held *first = put(&h, "first", 5, 9), *second = put(&h, "second", 5, 7);
    cr_expect_eq(hold_first(&h), first);
    cr_expect_eq(hold_next(&h, first), second);
    cr_expect_null(hold_next(&h, second));
    hold_fini(&h);
}

Test(hold, a_frame_is_a_copy)
{
    struct hold h;
    char bytes[] = "what came";
    hold_init(&h);
    struct held *item = put(&h, bytes, 0, 4);
    memset(bytes, 'x', sizeof(bytes) - 1);
    cr_expect_eq(memcmp(item->frames[0].data, "what came", 9), 0);
    cr_expect_eq(item->frames[0].len, 9);
    cr_expect_eq(item->frames[0].iface, 3);
    cr_expect_eq(item->frames[0].time_ns, 99);
    cr_expect_eq(item->frames[0].offload.gso_size, 1448);
    cr_expect_null(item->frames[0].owner, "the plugin's own thing stays with the plugin");
    cr_expect(item->counted);
    cr_expect_not(item->read || item->fin);
    hold_fini(&h);
}

Test(hold, the_fragments_of_a_datagram_stay_together)
{
    struct hold h;
    struct l7_frame parts[3];
    hold_init(&h);
    for (int i = 0; i < 3; i++)
        parts[i] = (struct l7_frame){.size = sizeof(parts[i]),
                                     .data = (const uint8_t *)"abcdefghi" + 3 * i,
                                     .len = (uint32_t)(i + 1)};
    struct held *item = hold_put(&h, parts, 3, 0, 9);
    cr_assert_not_null(item);
    cr_expect_eq(item->frame_count, 3);
    cr_expect_eq(h.count, 1);
    cr_expect_eq(memcmp(item->frames[0].data, "a", 1), 0);
    cr_expect_eq(memcmp(item->frames[1].data, "de", 2), 0);
    cr_expect_eq(memcmp(item->frames[2].data, "ghi", 3), 0);
    hold_fini(&h);
}

Test(hold, knows_which_ranges_it_has)
{
    struct hold h;
    hold_init(&h);
    put(&h, "x", 10, 20);
    put(&h, "x", 30, 30); /* a FIN alone */
    cr_expect(hold_has(&h, 10, 20));
    cr_expect(hold_has(&h, 30, 30));
    cr_expect_not(hold_has(&h, 10, 19));
    cr_expect_not(hold_has(&h, 11, 20));
    cr_expect_not(hold_has(&h, 20, 30));
    hold_fini(&h);
    cr_expect_not(hold_has(&h, 10, 20));
}

Test(hold, memory_and_count_return_to_nothing)
{
    struct hold h;
    hold_init(&h);
    struct held *a = put(&h, "0123456789", 0, 10), *b = put(&h, "01234", 10, 15);
    cr_expect_geq(a->memory, 10 + sizeof(struct held) + sizeof(struct l7_frame));
    cr_expect_eq(a->memory - b->memory, 5);
    cr_expect_eq(h.memory, a->memory + b->memory);
    hold_take(&h, a);
    cr_expect_eq(h.memory, b->memory);
    cr_expect_eq(hold_first(&h), b);
    held_free(a);
    held_free(NULL);
    hold_fini(&h);
    cr_expect_eq(h.memory, 0);
    cr_expect_eq(h.count, 0);
    cr_expect_null(hold_first(&h));
}
