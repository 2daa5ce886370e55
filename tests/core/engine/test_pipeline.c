/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline: what becomes of one frame, of any kind, and that each is counted once. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/pipeline.h"
#include "flow/checksum.h"
#include "flow/decode.h"
#include "harness/wire.h"

/* ---- a capture that keeps what is sent ---- */

#define SENT_MAX 512

struct sent {
    uint16_t iface; /* where it went out */
    bool made;      /* injected, not forwarded */
    uint32_t len;
    uint8_t bytes[2048];
};

struct yard {
    struct wire *wire;
    struct sent sent[SENT_MAX];
    size_t count;
    unsigned finalised;
};

static void keep(struct yard *y, const struct l7_frame *frame, uint16_t iface, bool made)
{
    cr_assert_lt(y->count, SENT_MAX);
    cr_assert_leq(frame->len, sizeof(y->sent[0].bytes));
    struct sent *s = &y->sent[y->count++];
    s->iface = iface;
    s->made = made;
    s->len = frame->len;
    memcpy(s->bytes, frame->data, frame->len);
}

static void yard_finalise(void *self, struct l7_frame *frame, enum l7_verdict verdict)
{
    struct yard *y = self;
    y->finalised++;
    if (verdict == L7_FORWARD)
        keep(y, frame, frame->iface ^ 1, false);
}

static int yard_inject(void *self, const struct l7_frame *frame)
{
    keep(self, frame, frame->iface, true);
    return 0;
}

static const char *yard_name(void *self, unsigned iface)
{
    (void)self;
    return iface == 0 ? "left" : iface == 1 ? "right" : NULL;
}

static const struct l7_capture yard_capture = {
    .size = sizeof(yard_capture),
    .finalise = yard_finalise,
    .inject = yard_inject,
    .iface_name = yard_name,
};

static struct yard *yard_open(const char *policies)
{
    struct yard *y = calloc(1, sizeof(*y));
    cr_assert_not_null(y);
    y->wire = wire_open(policies);
    y->wire->worker.capture = &yard_capture;
    y->wire->worker.capture_self = y;
    return y;
}

static const struct stats *stats(const struct yard *y)
{
    return &y->wire->worker.stats;
}

static uint64_t drops(const struct yard *y, const char *reason)
{
    for (size_t i = 0; i < STATS_REASONS; i++)
        if (strcmp(stats(y)->drops[i].reason, reason) == 0)
            return stats(y)->drops[i].count;
    return 0;
}

/* Each frame once, under one heading; every drop with a reason. */
static void adds_up(const struct yard *y)
{
    const struct stats *st = stats(y);
    uint64_t reasons = 0;
    for (size_t i = 0; i < STATS_REASONS; i++)
        reasons += st->drops[i].count;
    cr_expect_eq(st->frames_received, y->finalised, "each frame is given back once");
    cr_expect_eq(st->frames_received,
                 st->frames_forwarded + st->frames_dropped + st->frames_rejected + st->frames_held);
    cr_expect_eq(reasons, st->frames_dropped);
}

static void yard_close(struct yard *y)
{
    adds_up(y);
    wire_close(y->wire);
    free(y);
}

/* ---- frames ---- */

struct frame {
    uint8_t bytes[2048];
    uint32_t len;
};

static void put16(uint8_t *at, unsigned v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v & 0xffff);
}

/* Between 10.0.0.1 (fd00::1), the client's side, and 10.0.0.2 (fd00::2), the server's. */
static struct frame ip_frame(bool v6, bool up, uint8_t proto, const void *transport, size_t len)
{
    struct frame f = {.len = 0};
    uint8_t *ip = f.bytes + 14;
    f.bytes[5] = up ? 2 : 1;
    f.bytes[11] = up ? 1 : 2;
    put16(f.bytes + 12, v6 ? 0x86dd : 0x0800);
    size_t header = v6 ? 40 : 20;
    if (v6) {
        ip[0] = 0x60;
        put16(ip + 4, (unsigned)len);
        ip[6] = proto;
        ip[7] = 64;
        ip[8] = ip[24] = 0xfd;
        ip[23] = up ? 1 : 2;
        ip[39] = up ? 2 : 1;
    } else {
        ip[0] = 0x45;
        put16(ip + 2, (unsigned)(20 + len));
        ip[8] = 64;
        ip[9] = proto;
        ip[12] = ip[16] = 10;
        ip[15] = up ? 1 : 2;
        ip[19] = up ? 2 : 1;
        put16(ip + 10, checksum_finish(checksum_add(0, ip, 20)));
    }
    if (len > 0)
        memcpy(ip + header, transport, len);
    f.len = (uint32_t)(14 + header + len);
    return f;
}

static struct frame udp_frame(bool v6, bool up, uint16_t sport, uint16_t dport, const char *text)
{
    uint8_t udp[512];
    size_t n = strlen(text);
    put16(udp, sport);
    put16(udp + 2, dport);
    put16(udp + 4, (unsigned)(8 + n));
    put16(udp + 6, 0);
    memcpy(udp + 8, text, n);
    return ip_frame(v6, up, 17, udp, 8 + n);
}

static struct frame tcp_frame(bool v6, bool up, uint16_t sport, uint16_t dport, uint8_t flags,
                              uint32_t seq, uint32_t ack, const char *text)
{
    uint8_t tcp[1024] = {0};
    size_t n = strlen(text);
    put16(tcp, sport);
    put16(tcp + 2, dport);
    put32(tcp + 4, seq);
    put32(tcp + 8, ack);
    tcp[12] = 0x50;
    tcp[13] = flags;
    put16(tcp + 14, 0xffff);
    memcpy(tcp + 20, text, n);
    struct frame f = ip_frame(v6, up, 6, tcp, 20 + n);
    struct l7_frame frame = {.size = sizeof(frame), .link = L7_LINK_ETHERNET, .data = f.bytes};
    struct packet p;
    frame.len = frame.wire_len = f.len;
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_PACKET);
    uint64_t sum = checksum_pseudo(&p.src, &p.dst, 6, (uint32_t)(20 + n));
    put16(f.bytes + (v6 ? 54 : 34) + 16, checksum_finish(checksum_add(sum, p.transport, 20 + n)));
    return f;
}

static struct frame icmp_frame(bool v6, bool up, uint8_t type, uint8_t code, uint16_t id)
{
    uint8_t icmp[16] = {type, code};
    put16(icmp + 4, id);
    return ip_frame(v6, up, v6 ? 58 : 1, icmp, sizeof(icmp));
}

/* Feed a frame that came in by the client's or the server's side. Returns how many went out. */
static size_t feed(struct yard *y, bool up, const struct frame *f)
{
    size_t before = y->count;
    y->wire->now_ns += 1000;
    struct l7_frame frame = {.size = sizeof(frame),
                             .iface = up ? 0 : 1,
                             .link = L7_LINK_ETHERNET,
                             .data = f->bytes,
                             .len = f->len,
                             .wire_len = f->len,
                             .time_ns = y->wire->now_ns};
    pipeline_frame(&y->wire->worker, &frame);
    return y->count - before;
}

static const struct sent *last(const struct yard *y)
{
    cr_assert_gt(y->count, 0);
    return &y->sent[y->count - 1];
}

static bool unchanged(const struct sent *s, const struct frame *f)
{
    return s->len == f->len && memcmp(s->bytes, f->bytes, f->len) == 0;
}

static struct packet decoded(const struct sent *s, struct l7_frame *frame)
{
    struct packet p;
    *frame = (struct l7_frame){.size = sizeof(*frame),
                               .link = L7_LINK_ETHERNET,
                               .data = s->bytes,
                               .len = s->len,
                               .wire_len = s->len};
    cr_assert_eq(decode_frame(frame, false, &p), DECODE_PACKET);
    return p;
}

/* ---- policies ---- */

#define POLICY(name, rules)                                                                        \
    "apiVersion: crd.antrea.io/v1beta1\n"                                                          \
    "kind: NetworkPolicy\n"                                                                        \
    "metadata: {name: " name ", namespace: default}\n"                                             \
    "spec:\n"                                                                                      \
    "  priority: 5\n"                                                                              \
    "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"                                    \
    "  ingress:\n" rules

static const char reject_all[] = POLICY("strict", "  - {name: deny, action: Reject}\n");
static const char drop_all[] =
    POLICY("strict", "  - {name: deny, action: Drop, enableLogging: true}\n");
static const char isolated[] = "apiVersion: networking.k8s.io/v1\n"
                               "kind: NetworkPolicy\n"
                               "metadata: {name: isolated, namespace: default}\n"
                               "spec: {podSelector: {matchLabels: {app: web}}}\n";
static const char pass_then_isolated[] =
    POLICY("lenient",
           "  - {name: pass, action: Pass, ports: [{protocol: UDP, port: 53}]}\n"
           "  - {name: rest, action: Allow}\n") "---\n"
                                                "apiVersion: networking.k8s.io/v1\n"
                                                "kind: NetworkPolicy\n"
                                                "metadata: {name: isolated, namespace: default}\n"
                                                "spec: {podSelector: {matchLabels: {app: web}}}\n";

/* ---- what is not put to the question ---- */

Test(pipeline, what_is_not_ip_passes_whatever_the_policies)
{
    struct yard *y = yard_open(drop_all);
    struct frame arp = {.len = 42};
    put16(arp.bytes + 12, 0x0806);
    put16(arp.bytes + 14, 1);
    struct frame lldp = {.len = 60};
    put16(lldp.bytes + 12, 0x88cc);
    for (int up = 0; up < 2; up++) {
        cr_expect_eq(feed(y, up, &arp), 1);
        cr_expect(unchanged(last(y), &arp));
        cr_expect_eq(last(y)->iface, up ? 1 : 0, "out of the partner");
        cr_expect_eq(feed(y, up, &lldp), 1);
    }
    cr_expect_eq(stats(y)->flows_opened, 0);
    yard_close(y);
}

Test(pipeline, neighbour_discovery_passes_and_other_icmpv6_is_judged)
{
    struct yard *y = yard_open(drop_all);
    for (uint8_t type = 128; type <= 140; type++) {
        struct frame f = icmp_frame(true, true, type, 0, 1);
        bool discovery = type >= 133 && type <= 137;
        cr_expect_eq(feed(y, true, &f), discovery ? 1 : 0, "type %u", type);
    }
    yard_close(y);
}

Test(pipeline, broken_packets_are_dropped_and_counted)
{
    struct yard *y = yard_open("");
    struct frame good = udp_frame(false, true, 1000, 53, "x");
    cr_expect_eq(feed(y, true, &good), 1, "there is no policy");
    struct frame f = good;
    f.len = 14 + 10; /* half an IP header */
    cr_expect_eq(feed(y, true, &f), 0);
    f = good, f.bytes[14] = 0x42; /* a header of 8 bytes */
    cr_expect_eq(feed(y, true, &f), 0);
    f = good, put16(f.bytes + 16, 10); /* a datagram shorter than its header */
    cr_expect_eq(feed(y, true, &f), 0);
    struct frame tcp = tcp_frame(false, true, 1000, 80, TCP_SYN, 1, 0, "");
    tcp.bytes[14 + 20 + 12] = 0x20; /* a TCP header of 8 bytes */
    cr_expect_eq(feed(y, true, &tcp), 0);
    cr_expect_eq(drops(y, "broken-packet"), 4);
    yard_close(y);
}

/* ---- L3 and L4 decisions ---- */

Test(pipeline, drop_sends_nothing_and_is_logged_if_the_rule_says_so)
{
    struct yard *y = yard_open(drop_all);
    for (int i = 0; i < 3; i++) { /* at once: one line a second is enough */
        struct frame f = udp_frame(false, true, 1000, 53, "x");
        cr_expect_eq(feed(y, true, &f), 0);
    }
    struct frame f = tcp_frame(false, true, 1000, 80, TCP_SYN, 1, 0, "");
    cr_expect_eq(feed(y, true, &f), 0);
    cr_expect_eq(stats(y)->flows_denied, 2);
    cr_expect_eq(drops(y, "policy"), 4);
    wire_records(y->wire);
    cr_expect_eq(y->wire->alert_count, 2);
    cr_expect_str_eq(y->wire->alerts[0].reason, "rule");
    cr_expect_str_eq(y->wire->alerts[0].rule, "deny");
    yard_close(y);
}

Test(pipeline, reject_answers_tcp_with_a_reset)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct yard *y = yard_open(reject_all);
        struct frame f = tcp_frame(v6, true, 1000, 80, TCP_SYN, 77, 0, "");
        cr_expect_eq(feed(y, true, &f), 1);
        struct l7_frame frame;
        struct packet p = decoded(last(y), &frame);
        cr_expect_eq(last(y)->iface, 0, "back to the client");
        cr_expect(last(y)->made);
        cr_expect_eq(p.flags, TCP_RST | TCP_ACK);
        cr_expect_eq(p.seq, 0);
        cr_expect_eq(p.ack, 78);
        cr_expect_eq(p.sport, 80);
        cr_expect_eq(p.dport, 1000);
        cr_expect_eq(stats(y)->resets_sent, 1);
        cr_expect_eq(stats(y)->frames_rejected, 1);
        struct frame rst = tcp_frame(v6, true, 1000, 80, TCP_RST, 78, 0, "");
        cr_expect_eq(feed(y, true, &rst), 0, "a reset is never answered");
        yard_close(y);
    }
}

Test(pipeline, reject_answers_the_rest_with_an_unreachable)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct yard *y = yard_open(reject_all);
        struct frame f = udp_frame(v6, true, 1000, 53, "question");
        cr_expect_eq(feed(y, true, &f), 1);
        struct l7_frame frame;
        struct packet p = decoded(last(y), &frame);
        cr_expect_eq(last(y)->iface, 0);
        cr_expect_eq(p.proto, v6 ? 58 : 1);
        cr_expect_eq(p.icmp_type, v6 ? 1 : 3);
        cr_expect_eq(p.icmp_code, v6 ? 1 : 10);
        cr_expect(p.quoted);
        cr_expect_eq(p.quoted_sport, 1000);
        cr_expect_eq(p.quoted_dport, 53);
        cr_expect_eq(stats(y)->unreachables_sent, 1);
        yard_close(y);
    }
}

Test(pipeline, pass_leaves_the_decision_to_the_next_layer)
{
    struct yard *y = yard_open(pass_then_isolated);
    struct frame dns = udp_frame(false, true, 1000, 53, "x");
    struct frame ntp = udp_frame(false, true, 1000, 123, "x");
    cr_expect_eq(feed(y, true, &dns), 0, "passed on to a policy that isolates");
    cr_expect_eq(feed(y, true, &ntp), 1, "allowed before that policy is asked");
    yard_close(y);
}

Test(pipeline, isolation_denies_without_a_rule)
{
    struct yard *y = yard_open(isolated);
    struct frame f = tcp_frame(false, true, 1000, 80, TCP_SYN, 1, 0, "");
    cr_expect_eq(feed(y, true, &f), 0);
    f = tcp_frame(false, false, 1000, 80, TCP_SYN, 1, 0, "");
    cr_expect_eq(feed(y, false, &f), 1, "what the workload opens is not asked about");
    f = tcp_frame(false, true, 80, 1000, TCP_SYN | TCP_ACK, 1, 2, "");
    cr_expect_eq(feed(y, true, &f), 1, "and is answered");
    yard_close(y);
}

Test(pipeline, replies_pass_and_the_other_side_may_not_begin)
{
    static const char egress_only[] = POLICY("in", "  - {name: deny, action: Drop}\n");
    struct yard *y = yard_open(egress_only);
    struct frame q = udp_frame(false, false, 5000, 53, "question");
    cr_expect_eq(feed(y, false, &q), 1);
    struct frame a = udp_frame(false, true, 53, 5000, "answer");
    cr_expect_eq(feed(y, true, &a), 1);
    struct frame other = udp_frame(false, true, 53, 5001, "answer");
    cr_expect_eq(feed(y, true, &other), 0, "nobody asked from there");
    struct frame ping = icmp_frame(false, false, 8, 0, 0x8008);
    cr_expect_eq(feed(y, false, &ping), 1);
    struct frame pong = icmp_frame(false, true, 0, 0, 0x8008);
    cr_expect_eq(feed(y, true, &pong), 1);
    for (unsigned id = 0x8000; id < 0x8010; id++) {
        struct frame back = icmp_frame(false, true, 8, 0, (uint16_t)id);
        cr_expect_eq(feed(y, true, &back), 0, "an echo of its own, identifier %#x", id);
    }
    yard_close(y);
}

Test(pipeline, datagrams_under_an_l7_rule_are_dropped_with_one_alert)
{
    struct yard *y = yard_open(wire_allow_get_public);
    for (int i = 0; i < 10; i++) {
        struct frame f = udp_frame(false, true, 1000, 443, "QUIC?");
        cr_expect_eq(feed(y, true, &f), 0);
        y->wire->now_ns += 2000000000; /* slower than one line a second */
    }
    wire_records(y->wire);
    cr_expect_eq(y->wire->alert_count, 1, "%zu alerts", y->wire->alert_count);
    cr_expect_str_eq(y->wire->alerts[0].reason, "not-tcp");
    cr_expect_str_eq(y->wire->alerts[0].rule, "get-public");
    cr_expect_eq(stats(y)->frames_dropped, 10);
    yard_close(y);
}

Test(pipeline, an_icmp_error_passes_for_a_flow_that_may_pass_and_its_sender_only)
{
    struct yard *y = yard_open(drop_all);
    struct frame q = udp_frame(false, false, 5000, 53, "question");
    cr_expect_eq(feed(y, false, &q), 1);
    uint8_t error[8 + 28] = {3, 3};
    memcpy(error + 8, q.bytes + 14, 28);
    struct frame e = ip_frame(false, true, 1, error, sizeof(error));
    cr_expect_eq(feed(y, true, &e), 1, "it is about what the workload sent");
    put16(error + 8 + 20, 5001);
    e = ip_frame(false, true, 1, error, sizeof(error));
    cr_expect_eq(feed(y, true, &e), 0, "about nothing");
    put16(error + 8 + 20, 5000);
    error[8 + 15] = 9; /* as if another had sent it */
    e = ip_frame(false, true, 1, error, sizeof(error));
    cr_expect_eq(feed(y, true, &e), 0);
    yard_close(y);
}

Test(pipeline, an_icmp_error_about_an_allowed_echo_passes)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct yard *y = yard_open(drop_all);
        size_t header = v6 ? 40 : 20;
        struct frame ping = icmp_frame(v6, false, v6 ? 128 : 8, 0, 77);
        cr_expect_eq(feed(y, false, &ping), 1);
        uint8_t error[8 + 40 + 16] = {v6 ? 3 : 11}; /* time exceeded */
        memcpy(error + 8, ping.bytes + 14, header + 16);
        struct frame e = ip_frame(v6, true, v6 ? 58 : 1, error, 8 + header + 16);
        cr_expect_eq(feed(y, true, &e), 1);
        error[8 + header + 5]++; /* an echo nobody sent */
        e = ip_frame(v6, true, v6 ? 58 : 1, error, 8 + header + 16);
        cr_expect_eq(feed(y, true, &e), 0);
        yard_close(y);
    }
}

Test(pipeline, a_bystander_is_told_of_no_flow)
{
    /* 10.0.0.3 opens a flow to 10.0.0.1; an error that quotes it, sent to the workload. */
    struct yard *y = yard_open(drop_all);
    struct frame q = udp_frame(false, false, 5000, 53, "question");
    q.bytes[14 + 15] = 3;
    cr_expect_eq(feed(y, false, &q), 1);
    uint8_t error[8 + 28] = {3, 3};
    memcpy(error + 8, q.bytes + 14, 28);
    struct frame e = ip_frame(false, true, 1, error, sizeof(error));
    cr_expect_eq(feed(y, true, &e), 0);
    yard_close(y);
}

/* ---- fragments ---- */

/* Cut the IPv4 datagram of `f` into fragments of `step` bytes and feed them. */
static size_t feed_fragments(struct yard *y, bool up, const struct frame *f, unsigned step,
                             uint16_t id)
{
    unsigned total = f->len - 34;
    size_t out = 0;
    for (unsigned at = 0; at < total; at += step) {
        unsigned n = total - at < step ? total - at : step;
        struct frame part = *f;
        uint8_t *ip = part.bytes + 14;
        memmove(ip + 20, f->bytes + 34 + at, n);
        part.len = 34 + n;
        put16(ip + 2, 20 + n);
        put16(ip + 4, id);
        put16(ip + 6, at / 8 | (at + n < total ? 0x2000 : 0));
        put16(ip + 10, 0);
        put16(ip + 10, checksum_finish(checksum_add(0, ip, 20)));
        out += feed(y, up, &part);
    }
    return out;
}

static void dial(struct yard *y, uint16_t sport)
{
    struct frame syn = tcp_frame(false, true, sport, 80, TCP_SYN, 1000, 0, "");
    struct frame ack = tcp_frame(false, false, 80, sport, TCP_SYN | TCP_ACK, 5000, 1001, "");
    struct frame fin = tcp_frame(false, true, sport, 80, TCP_ACK, 1001, 5001, "");
    cr_assert_eq(feed(y, true, &syn), 1);
    cr_assert_eq(feed(y, false, &ack), 1);
    cr_assert_eq(feed(y, true, &fin), 1);
}

/* The IP payload of what went out by `iface` since `from`, in fragments or whole. */
static size_t arrived(const struct yard *y, size_t from, uint16_t iface, uint8_t *to)
{
    size_t end = 0;
    for (size_t i = from; i < y->count; i++) {
        const struct sent *s = &y->sent[i];
        size_t at = (size_t)((s->bytes[20] & 0x1f) << 8 | s->bytes[21]) * 8;
        if (s->iface != iface)
            continue;
        memcpy(to + at, s->bytes + 34, s->len - 34);
        end = at + s->len - 34 > end ? at + s->len - 34 : end;
    }
    return end;
}

Test(pipeline, fragments_of_an_allowed_request_arrive_when_they_are_complete)
{
    struct yard *y = yard_open(wire_allow_get_public);
    uint8_t bytes[2048];
    dial(y, 1000);
    struct frame f = tcp_frame(false, true, 1000, 80, TCP_ACK | TCP_PSH, 1001, 5001,
                               "GET /public/a HTTP/1.1\r\nHost: web\r\n\r\n");
    size_t before = y->count;
    struct frame part = f; /* the first alone */
    part.len = 34 + 24;
    put16(part.bytes + 16, 44);
    put16(part.bytes + 18, 7);
    put16(part.bytes + 20, 0x2000);
    cr_expect_eq(feed(y, true, &part), 0);
    cr_expect_eq(stats(y)->frames_held, 1);
    cr_expect_gt(feed_fragments(y, true, &f, 24, 7), 0);
    cr_expect_eq(stats(y)->frames_held, 0);
    cr_expect_eq(stats(y)->transactions_allowed, 1);
    cr_expect_eq(arrived(y, before, 1, bytes), f.len - 34);
    memcpy(bytes + 16, f.bytes + 34 + 16, 2); /* the checksum may be left to whoever sends */
    cr_expect_eq(memcmp(bytes, f.bytes + 34, f.len - 34), 0);
    yard_close(y);
}

Test(pipeline, fragments_of_a_datagram_go_on_as_they_came)
{
    struct yard *y = yard_open("");
    struct frame f = udp_frame(false, true, 1000, 53, "a question that is cut into pieces");
    size_t before = y->count;
    cr_expect_eq(feed_fragments(y, true, &f, 24, 7), 2);
    cr_expect_eq(y->sent[before].bytes[20] & 0x20, 0x20, "still a fragment");
    cr_expect_eq(y->sent[before + 1].bytes[20] & 0x20, 0);
    cr_expect_eq(stats(y)->frames_forwarded, 2);
    yard_close(y);
}

Test(pipeline, fragments_of_a_denied_request_do_not_arrive)
{
    struct yard *y = yard_open(wire_allow_get_public);
    dial(y, 1000);
    struct frame f = tcp_frame(false, true, 1000, 80, TCP_ACK | TCP_PSH, 1001, 5001,
                               "GET /admin HTTP/1.1\r\nHost: web\r\n\r\n");
    size_t before = y->count;
    cr_expect_eq(feed_fragments(y, true, &f, 24, 7), 2, "two resets");
    struct l7_frame frame;
    for (size_t i = before; i < y->count; i++)
        cr_expect_neq(decoded(&y->sent[i], &frame).flags & TCP_RST, 0);
    cr_expect_gt(stats(y)->frames_rejected, 0);
    cr_expect_eq(stats(y)->frames_held, 0);
    yard_close(y);
}

Test(pipeline, fragments_that_never_become_whole_are_dropped_in_the_end)
{
    struct yard *y = yard_open("");
    struct frame f = udp_frame(false, true, 1000, 53, "a question that is cut into pieces");
    f.len -= 8; /* the last piece never comes */
    uint8_t *ip = f.bytes + 14;
    put16(ip + 2, f.len - 14);
    put16(ip + 6, 0x2000);
    f.len -= (f.len - 34) % 8;
    put16(ip + 2, f.len - 14);
    cr_expect_eq(feed(y, true, &f), 0);
    cr_expect_eq(stats(y)->frames_held, 1);
    wire_pass_time(y->wire, y->wire->settings->fragment_timeout + 1);
    cr_expect_eq(stats(y)->frames_held, 0);
    cr_expect_eq(drops(y, "fragment-timeout"), 1);
    yard_close(y);
}

/* ---- limits ---- */

Test(pipeline, a_full_table_drops_what_is_new_and_keeps_what_is_established)
{
    struct yard *y = yard_open(wire_allow_get_public);
    worker_fini(&y->wire->worker);
    y->wire->settings->max_flows = 4;
    cr_assert_eq(worker_init(&y->wire->worker, NULL, y->wire->settings, y->wire->registry,
                             y->wire->logger, y->wire->snapshot),
                 0);
    y->wire->worker.capture = &yard_capture;
    y->wire->worker.capture_self = y;
    for (uint16_t port = 1000; port < 1004; port++)
        dial(y, port);
    for (uint16_t port = 2000; port < 2050; port++) { /* a flood */
        struct frame syn = tcp_frame(false, true, port, 80, TCP_SYN, 1, 0, "");
        cr_expect_eq(feed(y, true, &syn), 0);
    }
    cr_expect_eq(drops(y, "flow-limit"), 50);
    struct frame f = tcp_frame(false, true, 1000, 80, TCP_ACK, 1001, 5001,
                               "GET /public/a HTTP/1.1\r\nHost: web\r\n\r\n");
    cr_expect_eq(feed(y, true, &f), 1);
    yard_close(y);
}

Test(pipeline, half_open_flows_give_way_to_new_ones)
{
    struct yard *y = yard_open("");
    worker_fini(&y->wire->worker);
    y->wire->settings->max_flows = 4;
    cr_assert_eq(worker_init(&y->wire->worker, NULL, y->wire->settings, y->wire->registry,
                             y->wire->logger, y->wire->snapshot),
                 0);
    y->wire->worker.capture = &yard_capture;
    y->wire->worker.capture_self = y;
    for (uint16_t port = 2000; port < 2050; port++) {
        struct frame syn = tcp_frame(false, true, port, 80, TCP_SYN, 1, 0, "");
        cr_expect_eq(feed(y, true, &syn), 1);
    }
    cr_expect_eq(drops(y, "flow-limit"), 0);
    cr_expect_eq(table_count(y->wire->worker.table), 4);
    yard_close(y);
}

Test(pipeline, memory_for_all_flows_together_has_a_limit)
{
    static char part[900];
    struct yard *y = yard_open(wire_allow_get_public);
    memset(part, 'a', sizeof(part) - 1);
    memcpy(part, "GET /public/", 12);
    y->wire->settings->stream_memory = 1 << 16;
    for (uint16_t i = 0; i < 200; i++) { /* each begins a request and goes away */
        dial(y, (uint16_t)(1000 + i));
        struct frame f =
            tcp_frame(false, true, (uint16_t)(1000 + i), 80, TCP_ACK, 1001, 5001, part);
        cr_expect_eq(feed(y, true, &f), 0);
        cr_expect_leq(y->wire->worker.stream_memory, (1 << 16) + 4096);
        y->count = 0;
    }
    cr_expect_gt(drops(y, "retain-limit"), 100);
    cr_expect_gt(stats(y)->frames_held, 10);
    wire_pass_time(y->wire, y->wire->settings->decision_timeout + 1);
    cr_expect_eq(y->wire->worker.stream_memory, 0, "and all of it comes back");
    cr_expect_eq(stats(y)->frames_held, 0);
    yard_close(y);
}

/* ---- anything at all ---- */

static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33);
}

Test(pipeline, whatever_comes_is_counted_once)
{
    static const char *const policies[] = {wire_allow_get_public, reject_all, drop_all, isolated,
                                           ""};
    static const char *const texts[] = {"GET /public/a HTTP/1.1\r\nHost: web\r\n\r\n",
                                        "GET /admin HTTP/1.1\r\n\r\n", "GET /pub", "",
                                        "\x16\x03\x01"};
    for (size_t k = 0; k < 5; k++) {
        struct yard *y = yard_open(policies[k]);
        uint64_t seed = 12345 + k;
        for (int i = 0; i < 4000; i++) {
            struct frame f;
            bool up = next(&seed) % 2, v6 = next(&seed) % 4 == 0;
            uint16_t port = (uint16_t)(1000 + next(&seed) % 4);
            switch (next(&seed) % 8) {
            case 0:
                f = udp_frame(v6, up, up ? port : 80, up ? 80 : port, "x");
                break;
            case 1:
                f = icmp_frame(v6, up, (uint8_t)next(&seed), 0, port);
                break;
            default:
                f = tcp_frame(v6, up, up ? port : 80, up ? 80 : port,
                              (uint8_t)(next(&seed) % 3 ? TCP_ACK : next(&seed) % 64),
                              next(&seed) % 100, next(&seed) % 100, texts[next(&seed) % 5]);
                break;
            }
            if (next(&seed) % 10 == 0) /* broken somewhere */
                f.bytes[12 + next(&seed) % (f.len - 12)] ^= (uint8_t)(1u << next(&seed) % 8);
            if (next(&seed) % 50 == 0)
                wire_pass_time(y->wire, next(&seed) % 40000);
            if (y->count > SENT_MAX / 2)
                y->count = 0;
            feed(y, up, &f);
            if (i % 100 == 0)
                adds_up(y);
        }
        cr_expect_eq(stats(y)->frames_received, 4000);
        yard_close(y);
    }
}
