/* SPDX-License-Identifier: Apache-2.0 */
/* stream: offsets that survive wrap-around, bytes in one piece, repeats compared, memory bounded.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "flow/stream.h"

static struct l7_bytes text(const char *s)
{
    return (struct l7_bytes){(const uint8_t *)s, strlen(s)};
}

static bool pending_is(const struct stream *st, const char *s)
{
    struct l7_bytes p = stream_pending(st);
    return p.len == strlen(s) && (p.len == 0 || memcmp(p.ptr, s, p.len) == 0);
}

Test(stream, offsets_go_on_when_sequence_numbers_wrap)
{
    struct stream st = {0};
    stream_start(&st, 0xfffffff0u, false);
    cr_expect_eq(stream_offset(&st, 0xfffffff0u), 0);
    cr_expect_eq(stream_offset(&st, 0xffffffffu), 15);
    cr_expect_eq(stream_offset(&st, 5), 21);
    cr_expect_eq(stream_offset(&st, 0xffffffefu), -1, "before the beginning");
    cr_expect_eq(stream_seq(&st, 16), 0);
    /* Twice round. */
    static uint8_t block[1 << 16];
    uint64_t at = 0;
    for (unsigned i = 0; i < (2u << 16) + 3; i++) {
        cr_assert_eq(stream_append(&st, (struct l7_bytes){block, sizeof(block)}, sizeof(block)), 0);
        at += sizeof(block);
        if (i % 5000 == 0) {
            cr_assert_eq(stream_offset(&st, 0xfffffff0u + (uint32_t)at), (int64_t)at);
            cr_assert_eq(stream_offset(&st, 0xfffffff0u + (uint32_t)at - 7), (int64_t)at - 7);
        }
    }
    cr_expect_eq(st.read, at);
    cr_expect_gt(at, UINT32_MAX);
    cr_expect_eq(stream_seq(&st, at), (uint32_t)(0xfffffff0u + at));
    stream_fini(&st);
}

Test(stream, pending_bytes_are_one_piece_over_many_appends)
{
    struct stream st = {0};
    char all[5001] = "";
    stream_start(&st, 1, false);
    for (int i = 0; i < 500; i++) {
        char part[11];
        snprintf(part, sizeof(part), "%09d,", i);
        memcpy(all + 10 * i, part, 11);
        cr_assert_eq(stream_append(&st, text(part), 0), 0);
        cr_assert(pending_is(&st, all));
    }
    stream_consume(&st, 4321);
    cr_expect(pending_is(&st, all + 4321));
    stream_consume(&st, 679);
    cr_expect(pending_is(&st, ""));
    cr_expect_eq(st.done, 5000);
    stream_fini(&st);
}

Test(stream, keeps_only_what_is_left_over)
{
    struct stream st = {0};
    stream_start(&st, 1, false);
    cr_assert_eq(stream_append(&st, text("whole"), 5), 0);
    cr_expect_eq(st.bytes, 0, "nothing had to be copied");
    cr_assert_eq(stream_append(&st, text("head and tail"), 9), 0);
    cr_expect(pending_is(&st, "tail"));
    cr_expect_eq(st.done, 14);
    cr_expect_eq(st.read, 18);
    stream_fini(&st);
}

Test(stream, retained_bytes_are_compared_until_they_are_acknowledged)
{
    struct stream st = {0};
    stream_start(&st, 1, true);
    cr_assert_eq(stream_append(&st, text("GET /a"), 6), 0);
    cr_expect(stream_matches(&st, 0, text("GET /a")));
    cr_expect_not(stream_matches(&st, 0, text("GET /b")));
    stream_acked(&st, 4);
    cr_expect(stream_matches(&st, 0, text("PUT /a")), "the receiver has those bytes");
    cr_expect_not(stream_matches(&st, 0, text("GET xa")));
    stream_acked(&st, 6);
    cr_expect(stream_matches(&st, 0, text("PUT xb")));
    stream_fini(&st);
}

Test(stream, pending_bytes_stay_though_acknowledged)
{
    struct stream st = {0};
    stream_start(&st, 1, true);
    cr_assert_eq(stream_append(&st, text("readnot yet"), 4), 0);
    stream_acked(&st, 11);
    cr_expect_eq(st.acked, 4);
    cr_expect(pending_is(&st, "not yet"));
    stream_acked(&st, 1); /* late */
    cr_expect_eq(st.acked, 4);
    stream_fini(&st);
}

Test(stream, each_differing_byte_is_found)
{
    struct stream st = {0};
    uint8_t bytes[300], other[300];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    stream_start(&st, 77, true);
    cr_assert_eq(stream_append(&st, (struct l7_bytes){bytes, 100}, 100), 0);
    stream_skip(&st, 10); /* not kept; what follows is in another run */
    cr_assert_eq(stream_append(&st, (struct l7_bytes){bytes + 110, 190}, 50), 0);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        memcpy(other, bytes, sizeof(other));
        other[i] ^= 1;
        bool skipped = i >= 100 && i < 110;
        cr_expect_eq(stream_matches(&st, 0, (struct l7_bytes){other, 300}), skipped, "byte %zu", i);
        cr_expect_eq(stream_matches(&st, i, (struct l7_bytes){other + i, 1}), skipped, "%zu", i);
        cr_expect(stream_matches(&st, i, (struct l7_bytes){bytes + i, 300 - i}));
        /* Next to it, not on it. */
        cr_expect(i == 0 || stream_matches(&st, i - 1, (struct l7_bytes){other + i - 1, 1}));
    }
    cr_expect(stream_matches(&st, 300, (struct l7_bytes){other, 300}), "not here yet");
    cr_expect(stream_matches(&st, 5, (struct l7_bytes){NULL, 0}));
    stream_fini(&st);
}

Test(stream, a_skip_inside_what_is_pending_leaves_the_rest)
{
    struct stream st = {0};
    stream_start(&st, 1, false);
    cr_assert_eq(stream_append(&st, text("headbodynext"), 4), 0);
    stream_skip(&st, 4);
    cr_expect_eq(st.skip_from, 4);
    cr_expect(pending_is(&st, "next"));
    cr_expect_eq(st.read, 12);
    stream_fini(&st);
}

Test(stream, a_skip_over_what_is_here_goes_on_behind_it)
{
    struct stream st = {0};
    stream_start(&st, 1, true);
    cr_assert_eq(stream_append(&st, text("headbo"), 4), 0);
    stream_skip(&st, 4);
    cr_expect_eq(st.done, 8);
    cr_expect_eq(st.read, 8);
    cr_expect_eq(st.high, 6, "seen only so far");
    cr_expect(pending_is(&st, ""));
    cr_assert_eq(stream_append(&st, text("next"), 0), 0);
    cr_expect(pending_is(&st, "next"));
    cr_expect_eq(stream_offset(&st, 1 + 12), 12);
    stream_fini(&st);
}

Test(stream, a_skip_of_everything_keeps_offsets_near_what_was_seen)
{
    struct stream st = {0};
    stream_start(&st, 0xfffffff0u, false);
    cr_assert_eq(stream_append(&st, text("head"), 4), 0);
    stream_skip(&st, UINT64_MAX);
    cr_expect_gt(st.read, 1ull << 60);
    cr_expect_eq(stream_offset(&st, 100), 116);
    st.high = 5000000000ull; /* as the session notes what went by */
    cr_expect_eq(stream_offset(&st, (uint32_t)(0xfffffff0u + 5000000123ull)), 5000000123);
    stream_skip(&st, UINT64_MAX); /* again: no overflow */
    stream_skip(&st, 1ull << 62);
    cr_expect_geq(st.done, 1ull << 60);
    cr_expect_eq(st.done, st.read);
    stream_fini(&st);
}

Test(stream, a_jump_forgets_what_is_pending)
{
    struct stream st = {0};
    stream_start(&st, 1, true);
    cr_assert_eq(stream_append(&st, text("abcdef"), 3), 0);
    stream_jump(&st, 100);
    cr_expect(pending_is(&st, ""));
    cr_expect_eq(st.bytes, 0);
    cr_assert_eq(stream_append(&st, text("xyz"), 1), 0);
    cr_expect(pending_is(&st, "yz"));
    cr_expect_eq(st.read, 103);
    cr_expect_not(stream_matches(&st, 100, text("abc")));
    cr_expect(stream_matches(&st, 0, text("anything")));
    stream_fini(&st);
}

Test(stream, memory_returns_to_nothing)
{
    struct stream st = {0};
    static uint8_t block[40000];
    stream_start(&st, 1, true);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(stream_append(&st, (struct l7_bytes){block, sizeof(block)}, sizeof(block)), 0);
        stream_skip(&st, 100); /* a run of its own for each */
    }
    cr_expect_geq(st.bytes, 5 * sizeof(block));
    stream_acked(&st, st.done);
    cr_expect_eq(st.bytes, 0);
    cr_assert_eq(stream_append(&st, text("small"), 5), 0);
    stream_acked(&st, st.done);
    cr_expect_leq(st.bytes, 2048, "a small buffer may stay for the next message");
    stream_fini(&st);
    cr_expect_eq(st.bytes, 0);
    stream_fini(&st);
    stream_start(&st, 1, false);
    cr_assert_eq(stream_append(&st, text("again"), 0), 0);
    stream_start(&st, 9, false); /* begins anew: what was kept goes */
    cr_expect_eq(st.bytes, 0);
    cr_expect(pending_is(&st, ""));
    stream_fini(&st);
}

Test(stream, acknowledged_bytes_make_room_again)
{
    /* A window of 8 KiB that moves byte by byte over 1 MiB. */
    struct stream st = {0};
    uint8_t byte = 0;
    stream_start(&st, 1, true);
    size_t most = 0;
    for (uint64_t i = 0; i < 1 << 20; i++) {
        byte = (uint8_t)i;
        cr_assert_eq(stream_append(&st, (struct l7_bytes){&byte, 1}, 1), 0);
        if (i >= 8192)
            stream_acked(&st, i - 8192);
        if (st.bytes > most)
            most = st.bytes;
    }
    cr_expect_leq(most, 4 * 8192, "%zu bytes for 8192", most);
    stream_fini(&st);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* `total` bytes one at a time through a window that is acknowledged byte by byte. */
static double slide(size_t total, size_t window)
{
    struct stream st = {0};
    uint8_t byte = 1;
    double before = seconds();
    stream_start(&st, 1, true);
    for (size_t i = 0; i < total; i++) {
        cr_assert_eq(stream_append(&st, (struct l7_bytes){&byte, 1}, 1), 0);
        if (i >= window)
            stream_acked(&st, i - window);
    }
    stream_fini(&st);
    return seconds() - before;
}

Test(stream, one_byte_at_a_time_costs_the_same_for_each)
{
    /* The wide window fills its buffer to the last byte: a move for each would cost a thousand
     * times more. */
    double narrow = slide(1 << 19, 64), wide = slide(1 << 19, 65534);
    cr_expect_lt(wide, 8 * narrow + 0.05, "%.4f s, %.4f s", wide, narrow);

    struct stream st = {0};
    stream_start(&st, 1, false);
    for (size_t i = 0; i < 65536; i++) {
        uint8_t byte = (uint8_t)(i * 31);
        cr_assert_eq(stream_append(&st, (struct l7_bytes){&byte, 1}, 0), 0);
    }
    struct l7_bytes p = stream_pending(&st);
    cr_assert_eq(p.len, 65536);
    for (size_t i = 0; i < p.len; i++)
        cr_assert_eq(p.ptr[i], (uint8_t)(i * 31));
    stream_fini(&st);
}

/* Any order of operations gives the bytes a plain array gives. */
Test(stream, agrees_with_a_plain_array)
{
    static uint8_t all[1 << 16];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)(i * 2654435761u >> 11);
    for (unsigned seed = 1; seed < 40; seed++) {
        struct stream st = {0};
        uint64_t acked = 0;
        srand(seed);
        stream_start(&st, (uint32_t)seed * 123456789u, seed % 2 == 0);
        while (st.read + 700 < sizeof(all)) {
            size_t n = (size_t)rand() % 600;
            struct l7_bytes in = {all + st.read, n};
            size_t used = stream_pending(&st).len == 0 && n > 0 ? (size_t)rand() % (n + 1) : 0;
            cr_assert_eq(stream_append(&st, in, used), 0);
            struct l7_bytes p = stream_pending(&st);
            cr_assert_eq(p.len, st.read - st.done);
            cr_assert(p.len == 0 || memcmp(p.ptr, all + st.done, p.len) == 0, "seed %u", seed);
            if (rand() % 3 == 0 && p.len > 0)
                stream_consume(&st, (size_t)rand() % (p.len + 1));
            if (rand() % 11 == 0)
                stream_skip(&st, (uint64_t)(rand() % 90));
            if (rand() % 4 == 0) {
                acked += (uint64_t)rand() % 900;
                acked = acked > st.read ? st.read : acked;
                stream_acked(&st, acked);
            }
            size_t from = st.read > 500 ? (size_t)st.read - 500 : 0;
            cr_assert(stream_matches(&st, from, (struct l7_bytes){all + from, 600}));
        }
        stream_fini(&st);
        cr_assert_eq(st.bytes, 0);
    }
}
