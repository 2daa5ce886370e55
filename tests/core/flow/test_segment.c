/* SPDX-License-Identifier: Apache-2.0 */
/* segment: a part of a segment is a segment with the same headers, right lengths and checksums. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "core/flow/sample.h"
#include "flow/checksum.h"
#include "flow/decode.h"
#include "flow/segment.h"

#define OPTIONS "0101080a 000003e8 000007d0 "
#define TCP "04010050 01020304 05060708 8018fffe 00000000 " OPTIONS

static struct sample in;
static struct l7_frame frame;
static struct packet model;
static uint8_t out[SEGMENT_MAX];
static struct l7_offload offload;

/* A TCP segment of `len` bytes of payload behind these headers. */
static void make_model(const char *link, bool v6, size_t len)
{
    static uint8_t payload[60000];
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 13 + 5);
    sample_set(&in, link);
    uint32_t ip_at = in.len;
    /* The IPv4 header has an option of its own: 4 bytes of no-operation. */
    sample_add(&in,
               v6 ? "60000000 0000 0640 " A6 B6 : "46000000 12344000 40060000 " A4 B4 "01010100 ");
    uint32_t tcp_at = in.len;
    sample_add(&in, TCP);
    sample_add_bytes(&in, payload, (uint32_t)len);
    if (v6)
        sample_put16(&in, ip_at + 4, in.len - tcp_at);
    else
        sample_put16(&in, ip_at + 2, in.len - ip_at);
    frame = sample_frame(&in, L7_LINK_ETHERNET);
    cr_assert_eq(decode_frame(&frame, false, &model), DECODE_PACKET);
    cr_assert_eq(model.payload_len, len);
}

static struct packet remade(size_t n, struct l7_frame *f)
{
    struct packet p;
    *f = (struct l7_frame){
        .size = sizeof(*f), .link = L7_LINK_ETHERNET, .data = out, .len = (uint32_t)n};
    f->wire_len = f->len;
    cr_assert_eq(decode_frame(f, false, &p), DECODE_PACKET);
    return p;
}

static uint32_t tcp_len(const struct packet *p)
{
    return (uint32_t)(p->ip + p->ip_len - p->transport);
}

static bool tcp_sum_ok(const struct packet *p)
{
    uint64_t sum = checksum_pseudo(&p->src, &p->dst, 6, tcp_len(p));
    return checksum_finish(checksum_add(sum, p->transport, tcp_len(p))) == 0;
}

static bool ip_sum_ok(const struct packet *p)
{
    return p->src.family == 6 ||
           checksum_finish(checksum_add(0, p->ip, (size_t)(p->ip[0] & 15) * 4)) == 0;
}

static const char *const links[] = {
    MACS "0800 ",
    MACS "86dd ",
    MACS "8100 0007 0800 ",
    MACS "8100 0007 86dd ",
    MACS "88a8 0009 8100 0007 0800 ",
};

static bool is_v6(size_t link)
{
    return link == 1 || link == 3;
}

Test(segment, every_part_is_whole_in_itself)
{
    static const size_t cuts[][2] = {{0, 1}, {0, 999}, {1, 2}, {500, 501}, {3, 1000}, {999, 1000}};
    for (size_t k = 0; k < 5; k++) {
        make_model(links[k], is_v6(k), 1000);
        for (size_t c = 0; c < 6; c++) {
            size_t from = cuts[c][0], len = cuts[c][1] - from;
            struct l7_bytes part = {model.payload + from, len};
            size_t n = segment_make(&model, model.seq + (uint32_t)from, part, TCP_ACK, out,
                                    sizeof(out), &offload);
            cr_assert_gt(n, 0);
            struct l7_frame f;
            struct packet p = remade(n, &f);
            cr_expect_eq(p.payload_len, len);
            cr_expect_eq(memcmp(p.payload, model.payload + from, len), 0);
            cr_expect_eq(p.seq, model.seq + from);
            cr_expect_eq(p.ack, model.ack);
            cr_expect_eq(p.flags, TCP_ACK);
            cr_expect_eq(p.window, model.window);
            cr_expect_eq(p.sport, model.sport);
            cr_expect_eq(p.vlan_count, model.vlan_count);
            cr_expect_eq(memcmp(p.vlan, model.vlan, sizeof(p.vlan)), 0);
            cr_expect(tcp_sum_ok(&p), "link %zu, cut %zu", k, c);
            cr_expect(ip_sum_ok(&p));
            cr_expect_eq(offload.flags, 0);
            cr_expect_eq(offload.gso_type, 0);
        }
    }
}

Test(segment, keeps_options_of_both_headers)
{
    make_model(links[0], false, 10);
    size_t n = segment_make(&model, 1, (struct l7_bytes){model.payload, 4}, TCP_ACK, out,
                            sizeof(out), &offload);
    struct l7_frame f;
    struct packet p = remade(n, &f);
    cr_expect(p.has_timestamp);
    cr_expect_eq(p.ts_value, 1000);
    cr_expect_eq(p.ts_echo, 2000);
    cr_expect_eq(p.transport - p.ip, 24);
    cr_expect_eq(memcmp(p.ip + 20, model.ip + 20, 4), 0);
}

Test(segment, a_segment_without_payload_can_be_made)
{
    make_model(links[1], true, 100); /* data on a SYN is taken off it */
    size_t n = segment_make(&model, model.seq, (struct l7_bytes){model.payload, 0}, TCP_SYN, out,
                            sizeof(out), &offload);
    struct l7_frame f;
    struct packet p = remade(n, &f);
    cr_expect_eq(p.payload_len, 0);
    cr_expect_eq(p.flags, TCP_SYN);
    cr_expect(tcp_sum_ok(&p));
    cr_expect_eq(n, frame.len - 100);
}

Test(segment, what_is_longer_than_a_packet_is_still_cut_up_below)
{
    for (size_t k = 0; k < 4; k++) {
        make_model(links[k], is_v6(k), 40000);
        frame.offload = (struct l7_offload){.flags = L7_OFFLOAD_NEEDS_CSUM | L7_OFFLOAD_DATA_VALID,
                                            .gso_type = is_v6(k) ? 4 : 1,
                                            .gso_size = 1448,
                                            .hdr_len = 66};
        struct l7_bytes part = {model.payload + 7, 20000};
        size_t n = segment_make(&model, model.seq + 7, part, TCP_ACK, out, sizeof(out), &offload);
        cr_assert_gt(n, 0);
        struct l7_frame f;
        struct packet p = remade(n, &f);
        cr_expect_eq(offload.gso_type, is_v6(k) ? 4 : 1);
        cr_expect_eq(offload.gso_size, 1448);
        cr_expect_eq(offload.flags, L7_OFFLOAD_NEEDS_CSUM);
        cr_expect_eq(offload.csum_start, p.transport - out);
        cr_expect_eq(offload.csum_offset, 16);
        cr_expect_eq(offload.hdr_len, p.payload - out);
        cr_expect(ip_sum_ok(&p));
        /* Whoever completes it sums from csum_start, with what stands in the field, and is right.
         */
        cr_expect_not(tcp_sum_ok(&p));
        uint8_t *at = out + offload.csum_start + offload.csum_offset;
        uint16_t sum = checksum_finish(checksum_add(0, p.transport, tcp_len(&p)));
        at[0] = (uint8_t)(sum >> 8);
        at[1] = (uint8_t)sum;
        cr_expect(tcp_sum_ok(&p), "link %zu", k);
    }
}

Test(segment, what_fits_one_packet_needs_no_work_below)
{
    make_model(links[0], false, 40000);
    frame.offload = (struct l7_offload){
        .flags = L7_OFFLOAD_NEEDS_CSUM, .gso_type = 1, .gso_size = 1448, .csum_offset = 16};
    static const size_t sizes[] = {1, 1448};
    for (size_t i = 0; i < 2; i++) {
        struct l7_bytes part = {model.payload, sizes[i]};
        size_t n = segment_make(&model, model.seq, part, TCP_ACK, out, sizeof(out), &offload);
        struct l7_frame f;
        struct packet p = remade(n, &f);
        cr_expect_eq(offload.gso_type, 0);
        cr_expect_eq(offload.flags, 0);
        cr_expect(tcp_sum_ok(&p));
    }
}

Test(segment, a_waiting_checksum_is_completed)
{
    make_model(links[1], true, 100);
    frame.offload = (struct l7_offload){.flags = L7_OFFLOAD_NEEDS_CSUM, .csum_offset = 16};
    size_t n = segment_make(&model, model.seq, (struct l7_bytes){model.payload, 50}, TCP_ACK, out,
                            sizeof(out), &offload);
    struct l7_frame f;
    struct packet p = remade(n, &f);
    cr_expect_eq(offload.flags, 0);
    cr_expect(tcp_sum_ok(&p));
}

Test(segment, makes_nothing_that_does_not_fit)
{
    make_model(links[0], false, 1000);
    struct l7_bytes all = {model.payload, 1000};
    size_t n = segment_make(&model, 1, all, TCP_ACK, out, sizeof(out), &offload);
    cr_expect_eq(segment_make(&model, 1, all, TCP_ACK, out, n, &offload), n);
    cr_expect_eq(segment_make(&model, 1, all, TCP_ACK, out, n - 1, &offload), 0);
    uint8_t *large = calloc(1, 70000);
    cr_expect_eq(segment_make(&model, 1, (struct l7_bytes){large, 65536}, TCP_ACK, out, sizeof(out),
                              &offload),
                 0, "no datagram is as long");
    free(large);
    model.proto = 17;
    cr_expect_eq(segment_make(&model, 1, all, TCP_ACK, out, sizeof(out), &offload), 0);
}
