/* SPDX-License-Identifier: Apache-2.0 */

/* defrag: datagrams come out as they were before someone cut them, in whatever order the pieces
 * arrive; what could be read in two ways does not come out at all; memory stays within its caps
 * and every frame is accounted for.
 */

#include "flow/defrag.h"

#include <criterion/criterion.h>
#include "core/flow/sample.h"
#include "flow/decode.h"

#define SECOND 1000000000ull
#define TIMEOUT (30 * SECOND)

static struct defrag *defrag;
static struct defrag_whole whole;
static const char *reason;
static uint64_t now;

static void start(void)
{
    now = 1000 * SECOND;
    defrag = defrag_new(1 << 20, 64, TIMEOUT);
    cr_assert_not_null(defrag);
}

static void stop(void)
{
    defrag_free(defrag);
}

TestSuite(defrag, .init = start, .fini = stop);

/* The datagram that is cut up: a header and a payload that tells each place from every other. */
struct plan {
    const char *link;   /* link header */
    const char *header; /* IP header, extension headers included, of the unfragmented datagram */
    uint32_t next_at;   /* IPv6: where in it the type of what follows the chain stands */
    const char *transport;
    uint32_t body; /* bytes after the transport header */
};

static const struct plan tcp4 = {
    MACS "8100 000a 0800",
    "45000000 00000000 40060000 " A4 B4,
    0,
    "04010050 01020304 05060708 5018fffe 00000000",
    100,
};
static const struct plan udp4 = {
    MACS "0800", "45000000 00000000 40110000 " A4 B4, 0, "d3440035 00700000", 104,
};
static const struct plan udp6 = {
    MACS "86dd", "60000000 0000 1140 " A6 B6, 6, "d3440035 00700000", 104,
};
static const struct plan tcp6 = {
    /* destination options before the fragment header stay before it */
    MACS "86dd", "60000000 0000 3c40 " A6 B6 "0600010400000000",
    40,          "04010050 01020304 05060708 5018fffe 00000000",
    100,
};

static bool is_v6(const struct plan *plan)
{
    return plan->next_at != 0;
}

/* The payload of the plan's IP datagram. */
static void payload_make(const struct plan *plan, struct sample *s)
{
    sample_set(s, plan->transport);
    for (uint32_t i = 0; i < plan->body; i++) {
        uint8_t byte = (uint8_t)(i * 7 + 1);

        sample_add_bytes(s, &byte, 1);
    }
}

/* A frame with bytes [from, to) of the payload in `data`, as a fragment with this id. */
static void piece_make(const struct plan *plan, const struct sample *data, uint32_t id,
                       uint32_t from, uint32_t to, bool more, struct sample *s)
{
    uint32_t ip;

    sample_set(s, plan->link);
    ip = s->len;
    sample_add(s, plan->header);
    if (is_v6(plan)) {
        uint8_t fragment[8] = {s->bytes[ip + plan->next_at]};

        s->bytes[ip + plan->next_at] = 44;
        fragment[2] = (uint8_t)(from >> 8);
        fragment[3] = (uint8_t)((from & 0xf8) | more);
        for (unsigned i = 0; i < 4; i++)
            fragment[4 + i] = (uint8_t)(id >> (24 - 8 * i));
        sample_add_bytes(s, fragment, 8);
        sample_put16(s, ip + 4, s->len - ip - 40 + to - from);
    } else {
        sample_put16(s, ip + 2, s->len - ip + to - from);
        sample_put16(s, ip + 4, id);
        sample_put16(s, ip + 6, (more ? 0x2000 : 0) | from / 8);
        sample_put16(s, ip + 10, 0xbeef); /* a checksum, and not that of the whole */
    }
    sample_add_bytes(s, data->bytes + from, to - from);
}

static enum defrag_put put_frame(const struct l7_frame *frame)
{
    struct packet packet;

    cr_assert_eq(decode_frame(frame, false, &packet), DECODE_FRAGMENT);
    reason = NULL;
    return defrag_put(defrag, &packet, now, &whole, &reason);
}

static enum defrag_put put(const struct plan *plan, const struct sample *data, uint32_t id,
                           uint32_t from, uint32_t to, bool more)
{
    static struct sample s;
    struct l7_frame frame;

    piece_make(plan, data, id, from, to, more, &s);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    frame.iface = 3;
    frame.time_ns = now;
    frame.offload.flags = L7_OFFLOAD_DATA_VALID;
    frame.owner = &s;
    return put_frame(&frame);
}

static bool refused(enum defrag_put result, const char *why)
{
    return result == DEFRAG_REFUSED && reason && strcmp(reason, why) == 0;
}

/* The whole datagram must be what was cut up. */
static void whole_check(const struct plan *plan, const struct sample *data)
{
    static struct sample s;
    const struct packet *p = &whole.packet;
    uint32_t ip;

    sample_set(&s, plan->link);
    ip = s.len;
    sample_add(&s, plan->header);
    if (is_v6(plan))
        sample_put16(&s, ip + 4, s.len - ip - 40 + data->len);
    else
        sample_put16(&s, ip + 2, s.len - ip + data->len);
    sample_add_bytes(&s, data->bytes, data->len);

    cr_assert_eq(p->frame, &whole.frame);
    cr_assert_eq(whole.frame.data, whole.bytes);
    cr_assert_eq(whole.frame.len, s.len);
    cr_assert_eq(whole.frame.wire_len, s.len);
    cr_assert_eq(whole.frame.link, L7_LINK_ETHERNET);
    cr_assert_eq(whole.frame.offload.flags, 0);
    cr_assert(p->defragmented);
    cr_assert(sample_holds(p));
    if (!is_v6(plan)) { /* the checksum, and the id, which the plan lacks */
        uint32_t sum = 0;

        for (unsigned i = 0; i < 20; i += 2)
            sum += (uint32_t)p->ip[i] << 8 | p->ip[i + 1];
        cr_assert_eq((sum & 0xffff) + (sum >> 16), 0xffff);
        memcpy(s.bytes + ip + 4, p->ip + 4, 2);
        memcpy(s.bytes + ip + 10, p->ip + 10, 2);
    }
    cr_assert_eq(memcmp(whole.bytes, s.bytes, s.len), 0);
}

/* All orders of `count` pieces, by counting in the factorial number system. */
static void try_all_orders(const struct plan *plan, const uint32_t *edges, unsigned count)
{
    static struct sample data;
    static uint32_t id = 500; /* none is used twice */
    unsigned orders = 1;

    payload_make(plan, &data);
    for (unsigned i = 2; i <= count; i++)
        orders *= i;
    for (unsigned order = 0; order < orders; order++, id++) {
        unsigned left[8], rest = order;

        for (unsigned i = 0; i < count; i++)
            left[i] = i;
        for (unsigned n = count; n > 0; n--) {
            unsigned pick = rest % n, piece = left[pick];
            enum defrag_put result;

            rest /= n;
            memmove(left + pick, left + pick + 1, (n - pick - 1) * sizeof(left[0]));
            now += 1000;
            result = put(plan, &data, id, edges[piece], edges[piece + 1], piece + 1 < count);
            cr_assert_eq(result, n > 1 ? DEFRAG_HELD : DEFRAG_WHOLE, "order %u, %u left: %s", order,
                         n, reason ? reason : "");
        }
        whole_check(plan, &data);
        cr_assert_eq(whole.part_count, count);
        cr_assert_eq(whole.frame.time_ns, now);
        for (unsigned i = 0; i < count; i++) {
            cr_assert_eq(whole.parts[i].time_ns, now - 1000 * (count - 1 - i));
            cr_assert_eq(whole.parts[i].iface, 3);
            cr_assert_eq(whole.parts[i].offload.flags, L7_OFFLOAD_DATA_VALID);
            cr_assert_null(whole.parts[i].owner);
        }
        defrag_whole_fini(&whole);
        cr_assert_null(whole.parts);
    }
    cr_assert_eq(defrag_expire(defrag, now), 0, "no frame was given up");
}

Test(defrag, puts_three_pieces_together_in_every_order)
{
    static const uint32_t edges[] = {0, 24, 96, 112};
    static const uint32_t tcp_edges[] = {0, 24, 96, 120};

    try_all_orders(&udp4, edges, 3);
    try_all_orders(&udp6, edges, 3);
    try_all_orders(&tcp4, tcp_edges, 3);
    try_all_orders(&tcp6, tcp_edges, 3);
}

Test(defrag, puts_four_pieces_together_in_every_order)
{
    static const uint32_t edges[] = {0, 24, 32, 96, 112};
    static const uint32_t tcp_edges[] = {0, 24, 32, 96, 120};

    try_all_orders(&udp4, edges, 4);
    try_all_orders(&udp6, edges, 4);
    try_all_orders(&tcp4, tcp_edges, 4);
    try_all_orders(&tcp6, tcp_edges, 4);
}

Test(defrag, reads_the_whole_packet)
{
    static struct sample data;

    payload_make(&tcp4, &data);
    cr_assert_eq(put(&tcp4, &data, 1, 40, 120, false), DEFRAG_HELD);
    cr_assert_eq(put(&tcp4, &data, 1, 0, 40, true), DEFRAG_WHOLE);
    cr_assert_eq(whole.packet.proto, 6);
    cr_assert_eq(whole.packet.dport, 80);
    cr_assert_eq(whole.packet.seq, 0x01020304);
    cr_assert_eq(whole.packet.payload_len, 100);
    cr_assert_eq(whole.packet.vlan_count, 1);
    cr_assert_eq(whole.packet.vlan[0], 10);
    cr_assert_eq(whole.packet.link_len, 18);
    defrag_whole_fini(&whole);
}

Test(defrag, gives_the_frames_back_as_they_came)
{
    static struct sample data, frames[2];
    struct l7_frame frame;

    payload_make(&udp4, &data);
    piece_make(&udp4, &data, 1, 8, 112, false, &frames[0]);
    sample_add(&frames[0], "0000000000"); /* padding is forwarded with the rest */
    piece_make(&udp4, &data, 1, 0, 8, true, &frames[1]);
    frame = sample_frame(&frames[0], L7_LINK_ETHERNET);
    cr_assert_eq(put_frame(&frame), DEFRAG_HELD);
    frame = sample_frame(&frames[1], L7_LINK_ETHERNET);
    cr_assert_eq(put_frame(&frame), DEFRAG_WHOLE);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(whole.parts[i].len, frames[i].len);
        cr_assert_neq(whole.parts[i].data, frames[i].bytes);
        cr_assert_eq(memcmp(whole.parts[i].data, frames[i].bytes, frames[i].len), 0);
    }
    whole_check(&udp4, &data);
    defrag_whole_fini(&whole);
}

Test(defrag, keeps_datagrams_apart)
{
    static struct sample data;
    struct plan other_vlan = udp4, other_proto = udp4, other_host = udp4;

    payload_make(&udp4, &data);
    other_vlan.link = MACS "8100 0001 0800";
    other_proto.header = "45000000 00000000 40fd0000 " A4 B4;
    other_host.header = "45000000 00000000 40110000 " A4 "0a4d0067";
    cr_assert_eq(put(&udp4, &data, 1, 0, 56, true), DEFRAG_HELD);
    cr_assert_eq(put(&udp4, &data, 2, 56, 112, false), DEFRAG_HELD);
    cr_assert_eq(put(&other_vlan, &data, 1, 56, 112, false), DEFRAG_HELD);
    cr_assert_eq(put(&other_proto, &data, 1, 56, 112, false), DEFRAG_HELD);
    cr_assert_eq(put(&other_host, &data, 1, 56, 112, false), DEFRAG_HELD);
    cr_assert_eq(put(&udp4, &data, 1, 56, 112, false), DEFRAG_WHOLE);
    whole_check(&udp4, &data);
    defrag_whole_fini(&whole);
}

Test(defrag, drops_an_exact_repeat_and_keeps_the_datagram)
{
    static struct sample data;

    payload_make(&udp4, &data);
    cr_assert_eq(put(&udp4, &data, 1, 0, 56, true), DEFRAG_HELD);
    cr_assert(refused(put(&udp4, &data, 1, 0, 56, true), "fragment-repeat"));
    cr_assert_eq(put(&udp4, &data, 1, 56, 112, false), DEFRAG_WHOLE);
    cr_assert_eq(whole.part_count, 2);
    defrag_whole_fini(&whole);
}

Test(defrag, spoils_a_datagram_whose_pieces_overlap)
{
    static const struct {
        const char *what;
        uint32_t from, to;
        bool more;
        unsigned change; /* of the byte at `from` */
    } rows[] = {
        {"other bytes at the same place", 32, 64, true, 1},
        {"the same bytes, but said to be the last", 32, 64, false, 0},
        {"within", 40, 48, true, 0},
        {"around", 24, 72, true, 0},
        {"over the front", 24, 40, true, 0},
        {"over the end", 56, 72, true, 0},
        {"over the end, last", 56, 112, false, 0},
        {"the same start, shorter", 32, 40, true, 0},
        {"the same end", 48, 64, true, 0},
    };
    static struct sample data;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        payload_make(&udp6, &data);
        cr_assert_eq(put(&udp6, &data, i, 32, 64, true), DEFRAG_HELD);
        data.bytes[rows[i].from] ^= (uint8_t)rows[i].change;
        cr_assert(refused(put(&udp6, &data, i, rows[i].from, rows[i].to, rows[i].more),
                          "fragment-overlap"),
                  "%s", rows[i].what);
        payload_make(&udp6, &data);
        cr_assert(refused(put(&udp6, &data, i, 0, 32, true), "fragment-spoiled"), "%s",
                  rows[i].what);
        cr_assert_eq(defrag_expire(defrag, now), 1, "%s: the one that was held", rows[i].what);
    }
    now += TIMEOUT + 1;
    cr_assert_eq(put(&udp6, &data, 0, 0, 32, true), DEFRAG_HELD, "the id may be used again");
}

Test(defrag, spoils_a_datagram_with_two_ends)
{
    static struct sample data;

    payload_make(&udp4, &data);
    /* a last piece behind which there is more */
    cr_assert_eq(put(&udp4, &data, 1, 64, 72, true), DEFRAG_HELD);
    cr_assert(refused(put(&udp4, &data, 1, 32, 40, false), "fragment-end"));
    /* more behind the last piece */
    cr_assert_eq(put(&udp4, &data, 2, 32, 40, false), DEFRAG_HELD);
    cr_assert(refused(put(&udp4, &data, 2, 64, 72, true), "fragment-end"));
    /* two last pieces */
    cr_assert_eq(put(&udp4, &data, 3, 32, 40, false), DEFRAG_HELD);
    cr_assert(refused(put(&udp4, &data, 3, 64, 72, false), "fragment-end"));
    cr_assert(refused(put(&udp4, &data, 3, 0, 32, true), "fragment-spoiled"));
}

Test(defrag, refuses_pieces_that_cannot_be_of_a_datagram)
{
    static struct sample data;

    payload_make(&udp4, &data);
    cr_assert(refused(put(&udp4, &data, 1, 8, 15, true), "fragment-length"), "7 bytes, then more");
    cr_assert(refused(put(&udp4, &data, 1, 8, 8, true), "fragment-length"), "nothing");
    cr_assert(refused(put(&udp6, &data, 1, 8, 8, false), "fragment-length"), "nothing");
    cr_assert_eq(defrag_bytes(defrag), 0, "they leave nothing behind");
    cr_assert_eq(put(&udp4, &data, 1, 0, 56, true), DEFRAG_HELD);
    cr_assert(refused(put(&udp4, &data, 1, 56, 63, true), "fragment-length"));
    cr_assert_eq(put(&udp4, &data, 1, 56, 112, false), DEFRAG_WHOLE, "nor do they spoil it");
    defrag_whole_fini(&whole);
}

Test(defrag, refuses_a_piece_that_the_capture_cut)
{
    static struct sample data, s;
    struct l7_frame frame;

    payload_make(&udp4, &data);
    piece_make(&udp4, &data, 1, 8, 112, false, &s);
    frame = sample_frame(&s, L7_LINK_ETHERNET);
    frame.len -= 1;
    cr_assert(refused(put_frame(&frame), "fragment-cut"));
}

Test(defrag, refuses_more_than_a_datagram_can_hold)
{
    static struct sample data;
    struct plan options = udp4;

    sample_set(&data, "d3440035 ffff0000");
    data.len = 65600;
    cr_assert(refused(put(&udp4, &data, 1, 65512, 65520, false), "fragment-too-large"), "20+65520");
    cr_assert_eq(put(&udp4, &data, 2, 65512, 65515, false), DEFRAG_HELD, "20+65515");
    cr_assert(refused(put(&udp6, &data, 1, 65528, 65536, false), "fragment-too-large"));
    cr_assert_eq(put(&udp6, &data, 2, 65528, 65535, false), DEFRAG_HELD);
    /* The first piece's header is longer than the last one's: it counts, RFC 791. */
    options.header = "46000000 00000000 40110000 " A4 B4 "01010101";
    cr_assert_eq(put(&udp4, &data, 3, 32768, 65515, false), DEFRAG_HELD);
    cr_assert(refused(put(&options, &data, 3, 0, 32768, true), "fragment-too-large"));
    cr_assert(refused(put(&udp4, &data, 3, 0, 32768, true), "fragment-spoiled"));
    cr_assert_eq(defrag_expire(defrag, now), 1);
}

Test(defrag, puts_the_largest_datagram_together)
{
    static struct sample data;
    struct plan plan = udp4;

    plan.transport = "d3440035 ffeb0000";
    plan.body = 65507;
    payload_make(&plan, &data);
    cr_assert_eq(put(&plan, &data, 3, 32768, 65515, false), DEFRAG_HELD);
    cr_assert_eq(put(&plan, &data, 3, 0, 32768, true), DEFRAG_WHOLE);
    whole_check(&plan, &data);
    cr_assert_eq(whole.packet.ip_len, 65535);
    defrag_whole_fini(&whole);
}

Test(defrag, refuses_a_head_without_all_of_its_headers)
{
    static struct sample data;
    struct plan options = tcp4, sctp = udp4, chain = udp6, nested = udp6;

    payload_make(&tcp4, &data);
    cr_assert(refused(put(&tcp4, &data, 1, 0, 16, true), "fragment-tiny-head"), "TCP");
    cr_assert(refused(put(&tcp6, &data, 1, 0, 16, true), "fragment-tiny-head"), "TCP over IPv6");
    cr_assert_eq(put(&tcp4, &data, 1, 0, 24, true), DEFRAG_HELD);

    options.transport = "04010050 01020304 05060708 8018fffe 00000000";
    payload_make(&options, &data);
    cr_assert(refused(put(&options, &data, 2, 0, 24, true), "fragment-tiny-head"), "TCP options");
    cr_assert_eq(put(&options, &data, 2, 0, 32, true), DEFRAG_HELD);

    sctp.header = "45000000 00000000 40840000 " A4 B4;
    payload_make(&sctp, &data);
    cr_assert(refused(put(&sctp, &data, 3, 0, 8, true), "fragment-tiny-head"), "SCTP");

    /* destination options behind the fragment header, longer than the first piece */
    chain.header = "60000000 0000 3c40 " A6 B6;
    chain.transport = "1102000000000000 0000000000000000 0000000000000000 d3440035 00700000";
    payload_make(&chain, &data);
    cr_assert(refused(put(&chain, &data, 4, 0, 16, true), "fragment-tiny-head"), "options");
    cr_assert(refused(put(&chain, &data, 4, 0, 24, true), "fragment-tiny-head"), "no UDP");
    cr_assert_eq(put(&chain, &data, 4, 0, 32, true), DEFRAG_HELD);

    nested.header = "60000000 0000 2c40 " A6 B6;
    nested.transport = "1100000100000001 d3440035 00700000";
    payload_make(&nested, &data);
    cr_assert(refused(put(&nested, &data, 5, 0, 64, true), "fragment-nested"));
}

Test(defrag, refuses_a_datagram_that_is_not_well_formed_when_whole)
{
    static struct sample data;
    struct plan plan = udp4;

    plan.transport = "d3440035 00710000"; /* one byte more than there is */
    payload_make(&plan, &data);
    cr_assert_eq(put(&plan, &data, 1, 0, 56, true), DEFRAG_HELD);
    cr_assert(refused(put(&plan, &data, 1, 56, 112, false), "fragment-broken"));
    cr_assert(refused(put(&plan, &data, 1, 56, 112, false), "fragment-spoiled"));
    cr_assert_eq(defrag_expire(defrag, now), 1, "the refused one is not counted twice");
}

/* Of the datagram's parts one may be lost behind us. What comes in its place later would be put
 * together with the others there, and judged here with others still. */
Test(defrag, refuses_late_pieces_of_a_finished_datagram)
{
    const struct plan *const plans[] = {&tcp4, &tcp6, &udp6};
    static struct sample data;

    for (unsigned i = 0; i < 3; i++) {
        payload_make(plans[i], &data);
        cr_assert_eq(put(plans[i], &data, i, 0, 56, true), DEFRAG_HELD);
        cr_assert_eq(put(plans[i], &data, i, 56, data.len, false), DEFRAG_WHOLE);
        defrag_whole_fini(&whole);
        now += TIMEOUT;
        cr_assert(refused(put(plans[i], &data, i, 56, data.len, false), "fragment-late"));
        now++;
        cr_assert_eq(put(plans[i], &data, i, 56, data.len, false), DEFRAG_HELD);
    }
    /* IPv4 ids are few, and of UDP nothing behind the first piece is judged. */
    payload_make(&udp4, &data);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(put(&udp4, &data, 1, 0, 56, true), DEFRAG_HELD);
        cr_assert_eq(put(&udp4, &data, 1, 56, 112, false), DEFRAG_WHOLE);
        defrag_whole_fini(&whole);
    }
}

Test(defrag, forgets_what_is_never_finished)
{
    static struct sample data;

    payload_make(&udp4, &data);
    cr_assert_eq(put(&udp4, &data, 1, 0, 56, true), DEFRAG_HELD);
    cr_assert_eq(put(&udp4, &data, 1, 64, 72, true), DEFRAG_HELD);
    now += SECOND;
    cr_assert_eq(put(&udp4, &data, 2, 0, 56, true), DEFRAG_HELD);
    cr_assert_gt(defrag_bytes(defrag), 3 * 42);
    now += TIMEOUT - SECOND;
    cr_assert_eq(defrag_expire(defrag, now), 0);
    now++;
    cr_assert_eq(defrag_expire(defrag, now), 2);
    cr_assert_eq(put(&udp4, &data, 2, 56, 112, false), DEFRAG_WHOLE, "the younger one is kept");
    defrag_whole_fini(&whole);
    cr_assert_eq(defrag_bytes(defrag), 0);
}

Test(defrag, does_not_finish_a_datagram_after_its_time)
{
    static struct sample data;

    payload_make(&udp4, &data);
    cr_assert_eq(put(&udp4, &data, 1, 0, 56, true), DEFRAG_HELD);
    now += TIMEOUT + 1;
    cr_assert_eq(put(&udp4, &data, 1, 56, 112, false), DEFRAG_HELD);
    cr_assert_eq(defrag_expire(defrag, now), 1);
}

Test(defrag, bears_a_clock_that_runs_backwards)
{
    static struct sample data;

    payload_make(&udp4, &data);
    cr_assert_eq(put(&udp4, &data, 1, 0, 56, true), DEFRAG_HELD);
    now -= 500 * SECOND;
    cr_assert_eq(defrag_expire(defrag, now), 0);
    cr_assert_eq(put(&udp4, &data, 1, 56, 112, false), DEFRAG_WHOLE);
    defrag_whole_fini(&whole);
}

Test(defrag, gives_up_the_oldest_datagram_when_there_are_too_many)
{
    static struct sample data;

    payload_make(&udp4, &data);
    for (unsigned i = 0; i < 64 + 5; i++)
        cr_assert_eq(put(&udp4, &data, i, 0, 56, true), DEFRAG_HELD);
    cr_assert_eq(defrag_expire(defrag, now), 5);
    cr_assert_eq(put(&udp4, &data, 5, 56, 112, false), DEFRAG_WHOLE, "the oldest that is left");
    defrag_whole_fini(&whole);
    cr_assert_eq(put(&udp4, &data, 4, 56, 112, false), DEFRAG_HELD, "its head is gone");
}

Test(defrag, finds_each_of_many_datagrams_again)
{
    static struct sample data;

    defrag_free(NULL);
    defrag_free(defrag);
    defrag = defrag_new(8 << 20, 5000, TIMEOUT);
    cr_assert_not_null(defrag);
    payload_make(&udp4, &data);
    for (unsigned i = 0; i < 5000; i++)
        cr_assert_eq(put(&udp4, &data, i, 0, 56, true), DEFRAG_HELD);
    for (unsigned i = 0; i < 5000; i++) {
        cr_assert_eq(put(&udp4, &data, (i * 7) % 5000, 56, 112, false), DEFRAG_WHOLE);
        defrag_whole_fini(&whole);
    }
    cr_assert_eq(defrag_bytes(defrag), 0);
}

Test(defrag, stays_within_its_memory)
{
    static struct sample data;
    size_t given_up = 0;

    payload_make(&udp4, &data);
    data.len = 60000;
    for (unsigned i = 0; i < 1000; i++) {
        now++;
        cr_assert_eq(put(&udp4, &data, i % 50, 8 + (i / 50) * 1000, 8 + (i / 50 + 1) * 1000, true),
                     DEFRAG_HELD);
        cr_assert_leq(defrag_bytes(defrag), 1 << 20);
        given_up += defrag_expire(defrag, now);
    }
    cr_assert_gt(given_up, 0);
    now += TIMEOUT + 1;
    given_up += defrag_expire(defrag, now);
    cr_assert_eq(given_up, 1000, "each frame is counted once");
    cr_assert_eq(defrag_bytes(defrag), 0);
}

Test(defrag, never_gives_up_a_datagram_for_its_own_piece)
{
    struct defrag *small = defrag_new(2000, 64, TIMEOUT);
    static struct sample data, s;
    struct l7_frame frame;
    struct packet packet;

    cr_assert_not_null(small);
    payload_make(&udp4, &data);
    data.len = 4000;
    for (unsigned i = 0; i < 2; i++) {
        piece_make(&udp4, &data, 1, i * 1000, (i + 1) * 1000, true, &s);
        frame = sample_frame(&s, L7_LINK_ETHERNET);
        cr_assert_eq(decode_frame(&frame, false, &packet), DECODE_FRAGMENT);
        cr_assert_eq(defrag_put(small, &packet, now, &whole, &reason),
                     i == 0 ? DEFRAG_HELD : DEFRAG_REFUSED);
    }
    cr_assert_str_eq(reason, "fragment-memory");
    cr_assert_eq(defrag_expire(small, now), 0, "the first one is still held");
    defrag_free(small);
    small = defrag_new(100, 64, TIMEOUT);
    cr_assert_eq(defrag_put(small, &packet, now, &whole, &reason), DEFRAG_REFUSED);
    cr_assert_eq(defrag_bytes(small), 0);
    defrag_free(small);
}

Test(defrag, bounds_the_number_of_pieces)
{
    static struct sample data;

    payload_make(&udp4, &data);
    data.len = 4096;
    for (unsigned i = 0; i < 256; i++)
        cr_assert_eq(put(&udp4, &data, 1, 8 + i * 8, 16 + i * 8, true), DEFRAG_HELD, "%u", i);
    cr_assert(refused(put(&udp4, &data, 1, 0, 8, true), "fragment-too-many"));
    cr_assert_eq(defrag_expire(defrag, now), 256);
}

/* Segments somebody cut into pieces of 24 bytes. */
Test(defrag, reads_a_recorded_fragmented_conversation)
{
    struct capture_file file;
    struct l7_frame frame;
    struct packet packet;
    size_t datagrams = 0, held = 0, parts = 0;
    bool found = false;

    cr_assert(capture_file_open(&file, TEST_DATA "/corpus/ipv4-frag-socks-http.pcap"));
    while (capture_file_next(&file, &frame)) {
        if (decode_frame(&frame, false, &packet) != DECODE_FRAGMENT)
            continue;
        switch (put_frame(&frame)) {
        case DEFRAG_HELD:
            held++;
            break;
        case DEFRAG_WHOLE:
            datagrams++;
            parts += whole.part_count;
            cr_assert_eq(whole.packet.proto, 6);
            found =
                found || memmem(whole.packet.payload, whole.packet.payload_len, "GET / HTTP", 10);
            defrag_whole_fini(&whole);
            break;
        default:
            cr_assert_fail("%s", reason);
        }
    }
    cr_assert_eq(parts, 62);
    cr_assert_eq(held + datagrams, 62);
    cr_assert(found);
    free(file.bytes);
}
