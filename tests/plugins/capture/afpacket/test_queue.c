/* SPDX-License-Identifier: Apache-2.0 */
/* queue: order and counts, through a datagram socket pair in place of an interface. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "queue.h"

static struct {
    unsigned count;
    int err;
    uint32_t len;
} failures;

static void failed(void *owner, int err, uint32_t len)
{
    cr_assert_eq(owner, (void *)&failures);
    failures.count++;
    failures.err = err;
    failures.len = len;
}

static struct queue queue;
static int ends[2];

static void setup(void)
{
    queue_init(&queue);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
}

static void teardown(void)
{
    close(ends[0]);
    close(ends[1]);
}

TestSuite(queue, .init = setup, .fini = teardown);

static struct l7_frame frame_of(const uint8_t *bytes, uint32_t len)
{
    return (struct l7_frame){.size = sizeof(struct l7_frame), .data = bytes, .len = len};
}

static void flush(void)
{
    queue_flush(&queue, ends[0], failed, &failures);
}

/* The next datagram's first byte after the virtio-net header; -1: there is none. */
static int next_byte(struct virtio_net_hdr *header)
{
    uint8_t got[256];
    ssize_t len = recv(ends[1], got, sizeof(got), MSG_DONTWAIT);
    if (len < 0)
        return -1;
    cr_assert_gt(len, (ssize_t)sizeof(*header));
    memcpy(header, got, sizeof(*header));
    return got[sizeof(*header)];
}

Test(queue, keeps_the_order_of_forwarded_and_injected_frames)
{
    uint8_t bytes[9];
    struct virtio_net_hdr header;
    for (uint8_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = i;
        struct l7_frame frame = frame_of(&bytes[i], 1);
        cr_assert(queue_add(&queue, &frame, i % 3 == 0));
    }
    cr_expect_eq(next_byte(&header), -1, "nothing is sent before the flush");
    flush();
    for (int i = 0; i < (int)sizeof(bytes); i++)
        cr_expect_eq(next_byte(&header), i);
    cr_expect_eq(next_byte(&header), -1);
    cr_expect_eq(queue.injected, 3);
    cr_expect_eq(queue.forwarded, 6);
    cr_expect_eq(failures.count, 0);
}

Test(queue, sends_the_offload_as_the_kernel_reads_it)
{
    struct virtio_net_hdr header;
    struct l7_frame frame = frame_of((const uint8_t *)"x", 1);
    frame.offload = (struct l7_offload){
        .flags = 1,
        .gso_type = 0x81,
        .hdr_len = 66,
        .gso_size = 1448,
        .csum_start = 34,
        .csum_offset = 16,
    };
    cr_assert(queue_add(&queue, &frame, false));
    flush();
    cr_expect_eq(next_byte(&header), 'x');
    cr_expect_eq(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    cr_expect_eq(header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
    cr_expect_eq(header.hdr_len, 66);
    cr_expect_eq(header.gso_size, 1448);
    cr_expect_eq(header.csum_start, 34);
    cr_expect_eq(header.csum_offset, 16);
}

Test(queue, says_when_it_is_full_and_is_empty_after_a_flush)
{
    struct l7_frame frame = frame_of((const uint8_t *)"x", 1);
    for (unsigned i = 0; i < QUEUE_MAX; i++)
        cr_assert(queue_add(&queue, &frame, false));
    cr_expect_not(queue_add(&queue, &frame, false));
    flush();
    cr_expect_eq(queue.count, 0);
    cr_expect(queue_add(&queue, &frame, false));
}

Test(queue, sends_what_stands_behind_a_frame_that_cannot_be_sent)
{
    static uint8_t large[4 * 1024 * 1024];
    struct virtio_net_hdr header;
    struct l7_frame first = frame_of((const uint8_t *)"1", 1);
    struct l7_frame middle = frame_of(large, sizeof(large));
    struct l7_frame last = frame_of((const uint8_t *)"3", 1);
    cr_assert(queue_add(&queue, &first, false));
    cr_assert(queue_add(&queue, &middle, false));
    cr_assert(queue_add(&queue, &last, false));
    flush();
    cr_expect_eq(next_byte(&header), '1');
    cr_expect_eq(next_byte(&header), '3');
    cr_expect_eq(failures.count, 1);
    cr_expect_eq(failures.err, EMSGSIZE);
    cr_expect_eq(failures.len, sizeof(large));
    cr_expect_eq(queue.forwarded, 2);
}

Test(queue, waits_for_room_but_not_for_ever)
{
    struct l7_frame frame = frame_of((const uint8_t *)"x", 1);
    struct timespec before, after;
    unsigned rounds = 0;
    clock_gettime(CLOCK_MONOTONIC, &before);
    /* Nobody reads: the socket's queue is full after some frames. */
    while (failures.count < 2 * QUEUE_MAX && rounds++ < 1000) {
        for (unsigned i = 0; i < QUEUE_MAX; i++)
            cr_assert(queue_add(&queue, &frame, false));
        flush();
    }
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    cr_expect_geq(failures.count, 2 * QUEUE_MAX);
    cr_expect_eq(failures.err, EAGAIN);
    cr_expect_eq(queue.forwarded + failures.count, (uint64_t)rounds * QUEUE_MAX);
    cr_expect_lt(ms, 2000, "%ld ms", (long)ms);
}
