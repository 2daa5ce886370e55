/* SPDX-License-Identifier: Apache-2.0 */
/* table: which packets are one flow, which way they go, and which flows are forgotten first. */
#include <criterion/criterion.h>
#include <string.h>
#include "flow/table.h"

#define SECOND 1000000000ull

/* What happened to flows; also the extra bytes of each flow hold a mark, to see they are its own.
 */
struct world {
    struct table *table;
    unsigned dropped;
    uint64_t dropped_ids[64];
    unsigned marks; /* sum of the marks of dropped flows */
};

static void on_drop(void *ctx, struct flow *f)
{
    struct world *w = ctx;
    w->dropped_ids[w->dropped++ % 64] = f->id;
    w->marks += *(unsigned *)flow_extra(f);
}

static void world_init(struct world *w, size_t max)
{
    static const uint64_t idle[FLOW_LIVES] = {
        [FLOW_TCP_OPENING] = 1 * SECOND,   [FLOW_TCP_OPEN] = 100 * SECOND,
        [FLOW_TCP_CLOSING] = 2 * SECOND,   [FLOW_OTHER_NEW] = 3 * SECOND,
        [FLOW_OTHER_REPLIED] = 4 * SECOND, [FLOW_REFUSED] = 5 * SECOND,
    };
    memset(w, 0, sizeof(*w));
    w->table = table_new(max, sizeof(unsigned), idle, on_drop, w);
    cr_assert_not_null(w->table);
}

static void address(struct l7_address *a, uint32_t v4)
{
    memset(a, 0, sizeof(*a));
    a->family = 4;
    for (int i = 0; i < 4; i++)
        a->bytes[i] = (uint8_t)(v4 >> (24 - 8 * i));
}

static struct packet tcp(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
    struct packet p = {.proto = 6, .sport = sport, .dport = dport};
    address(&p.src, src);
    address(&p.dst, dst);
    return p;
}

/* An ICMP message of 8 bytes; `bytes` must live as long as the packet. */
static struct packet icmp(uint8_t bytes[8], uint32_t src, uint32_t dst, uint8_t type, uint16_t id)
{
    struct packet p = {.proto = 1, .icmp_type = type};
    memset(bytes, 0, 8);
    bytes[0] = type;
    bytes[4] = (uint8_t)(id >> 8);
    bytes[5] = (uint8_t)id;
    p.ip = p.transport = bytes;
    p.ip_len = 8;
    address(&p.src, src);
    address(&p.dst, dst);
    return p;
}

static struct flow *find(struct world *w, struct packet p, enum l7_dir *dir)
{
    *dir = (enum l7_dir)9;
    return table_find(w->table, &p, dir);
}

Test(table, both_directions_find_one_flow)
{
    struct world w;
    enum l7_dir dir;
    world_init(&w, 10);
    /* Whichever address is the larger one. */
    uint32_t ends[2][2] = {{0x0a000001, 0x0a000002}, {0x0a000009, 0x0a000003}};
    for (int i = 0; i < 2; i++) {
        struct packet p = tcp(ends[i][0], 4000, ends[i][1], 80);
        cr_expect_null(find(&w, p, &dir));
        struct flow *f = table_open(w.table, &p, false, 1);
        cr_assert_not_null(f);
        cr_expect_eq(find(&w, p, &dir), f);
        cr_expect_eq(dir, L7_TO_SERVER);
        cr_expect_eq(find(&w, tcp(ends[i][1], 80, ends[i][0], 4000), &dir), f);
        cr_expect_eq(dir, L7_TO_CLIENT);
        cr_expect_eq(flow_client_port(f), 4000);
        cr_expect_eq(flow_server_port(f), 80);
        cr_expect_eq(flow_client(f)->bytes[3], ends[i][0] & 255);
        cr_expect_eq(flow_server(f)->bytes[3], ends[i][1] & 255);
    }
    cr_expect_eq(table_count(w.table), 2);
    table_free(w.table);
}

Test(table, an_answer_seen_first_opens_a_flow_of_its_receiver)
{
    struct world w;
    enum l7_dir dir;
    world_init(&w, 10);
    struct packet p = tcp(0x0a000002, 80, 0x0a000001, 4000);
    struct flow *f = table_open(w.table, &p, true, 1);
    cr_expect_eq(flow_client_port(f), 4000);
    cr_expect_eq(find(&w, p, &dir), f);
    cr_expect_eq(dir, L7_TO_CLIENT);
    table_free(w.table);
}

Test(table, a_flow_of_an_address_with_itself_has_two_ends)
{
    struct world w;
    enum l7_dir dir;
    world_init(&w, 10);
    struct packet p = tcp(0x7f000001, 4000, 0x7f000001, 80);
    struct flow *f = table_open(w.table, &p, false, 1);
    cr_expect_eq(find(&w, tcp(0x7f000001, 80, 0x7f000001, 4000), &dir), f);
    cr_expect_eq(dir, L7_TO_CLIENT);
    table_free(w.table);
}

Test(table, ports_protocols_families_and_vlans_separate_flows)
{
    struct world w;
    enum l7_dir dir;
    world_init(&w, 10);
    struct packet p = tcp(0x0a000001, 4000, 0x0a000002, 80), q;
    cr_assert_not_null(table_open(w.table, &p, false, 1));
    q = p, q.sport = 4001;
    cr_expect_null(find(&w, q, &dir));
    q = p, q.proto = 17;
    cr_expect_null(find(&w, q, &dir));
    q = p, q.vlan_count = 1, q.vlan[0] = 7;
    cr_expect_null(find(&w, q, &dir));
    struct flow *f = table_open(w.table, &q, false, 1);
    q.vlan_count = 2, q.vlan[1] = 8;
    cr_expect_null(find(&w, q, &dir));
    q.vlan_count = 1;
    cr_expect_eq(find(&w, q, &dir), f);
    /* The same first four bytes in another family. */
    q = p, q.src.family = q.dst.family = 6;
    cr_expect_null(find(&w, q, &dir));
    table_free(w.table);
}

Test(table, an_echo_and_its_reply_are_one_flow)
{
    struct world w;
    enum l7_dir dir;
    uint8_t b[8];
    world_init(&w, 10);
    for (int i = 0; i < 2; i++) { /* either address the larger one */
        uint32_t from = i == 0 ? 0x0a000001 : 0x0a000005, to = 0x0a000003;
        struct packet p = icmp(b, from, to, 8, 77);
        struct flow *f = table_open(w.table, &p, false, 1);
        cr_expect_eq(find(&w, p, &dir), f);
        cr_expect_eq(dir, L7_TO_SERVER);
        cr_expect_eq(find(&w, icmp(b, to, from, 0, 77), &dir), f);
        cr_expect_eq(dir, L7_TO_CLIENT);
        cr_expect_null(find(&w, icmp(b, from, to, 8, 78), &dir), "another identifier");
        cr_expect_null(find(&w, icmp(b, to, from, 8, 77), &dir), "asked by the other side");
        cr_expect_null(find(&w, icmp(b, from, to, 0, 77), &dir), "a reply by the one who asked");
        cr_expect_null(find(&w, icmp(b, from, to, 13, 77), &dir), "another kind");
    }
    table_free(w.table);
}

Test(table, a_reply_nobody_asked_for_is_a_flow_of_its_own)
{
    struct world w;
    enum l7_dir dir;
    uint8_t b[8];
    world_init(&w, 10);
    struct packet p = icmp(b, 0x0a000002, 0x0a000001, 0, 77);
    cr_expect_null(find(&w, p, &dir));
    struct flow *f = table_open(w.table, &p, false, 1);
    cr_expect_eq(find(&w, p, &dir), f);
    cr_expect_eq(dir, L7_TO_SERVER, "its sender opened it");
    cr_expect_null(find(&w, icmp(b, 0x0a000001, 0x0a000002, 8, 77), &dir),
                   "it is no part of an echo that comes later");
    table_free(w.table);
}

Test(table, no_identifier_makes_an_echo_look_like_an_answer)
{
    /* The key of an echo holds identifier and type where others have ports. Identifiers are chosen
     * by the sender, so each of them is tried against an echo the other way. */
    struct world w;
    enum l7_dir dir;
    uint8_t b[8], c[8];
    static const uint16_t ids[] = {0x8008, 0x8000, 8, 0, 0xffff};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        world_init(&w, 10);
        struct packet allowed = icmp(b, 0x0a000001, 0x0a000002, 8, ids[i]);
        cr_assert_not_null(table_open(w.table, &allowed, false, 1));
        for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
            cr_expect_null(find(&w, icmp(c, 0x0a000002, 0x0a000001, 8, ids[k]), &dir),
                           "echo %#x found the flow of echo %#x", ids[k], ids[i]);
        table_free(w.table);
    }
}

Test(table, a_cut_echo_has_no_identifier)
{
    struct world w;
    uint8_t b[8];
    world_init(&w, 10);
    struct packet p = icmp(b, 0x0a000001, 0x0a000002, 8, 77);
    p.ip_len = 4;
    struct flow *f = table_open(w.table, &p, false, 1);
    cr_expect_eq(f->key.a_port, 0);
    table_free(w.table);
}

static struct packet unreachable(uint32_t from, uint32_t to, const struct packet *about)
{
    struct packet p = {.proto = 1, .icmp_type = 3, .quoted = true};
    address(&p.src, from);
    address(&p.dst, to);
    p.quoted_src = about->src;
    p.quoted_dst = about->dst;
    p.quoted_sport = about->sport;
    p.quoted_dport = about->dport;
    p.quoted_proto = about->proto;
    p.vlan_count = about->vlan_count;
    memcpy(p.vlan, about->vlan, sizeof(p.vlan));
    return p;
}

Test(table, an_error_belongs_to_the_flow_it_quotes)
{
    struct world w;
    world_init(&w, 10);
    struct packet p = tcp(0x0a000001, 4000, 0x0a000002, 80);
    struct packet q = tcp(0x0a000002, 80, 0x0a000001, 4000);
    struct packet r = tcp(0x0a000001, 4001, 0x0a000002, 80);
    struct flow *f = table_open(w.table, &p, false, 1);
    struct packet e = unreachable(0x0a000063, 0x0a000001, &p);
    cr_expect_eq(table_find_quoted(w.table, &e), f);
    e = unreachable(0x0a000063, 0x0a000002, &q);
    cr_expect_eq(table_find_quoted(w.table, &e), f);
    e = unreachable(0x0a000063, 0x0a000001, &r);
    cr_expect_null(table_find_quoted(w.table, &e));
    e = unreachable(0x0a000063, 0x0a000001, &p);
    e.quoted = false;
    cr_expect_null(table_find_quoted(w.table, &e));
    table_free(w.table);
}

Test(table, an_error_about_an_echo_belongs_to_it)
{
    struct world w;
    uint8_t b[8], error[8 + 20 + 8] = {3, 1}, *inner = error + 28;
    world_init(&w, 10);
    struct packet echo = icmp(b, 0x0a000001, 0x0a000002, 8, 77);
    struct flow *f = table_open(w.table, &echo, false, 1);
    struct packet e = unreachable(0x0a000063, 0x0a000001, &echo);
    error[8] = 0x45;
    memcpy(inner, b, 8);
    e.ip = e.transport = error;
    e.ip_len = sizeof(error);
    cr_expect_eq(table_find_quoted(w.table, &e), f);
    inner[5] = 78;
    cr_expect_null(table_find_quoted(w.table, &e), "another echo");
    inner[5] = 77;
    inner[0] = 13;
    cr_expect_null(table_find_quoted(w.table, &e), "another kind");
    inner[0] = 8;
    for (uint32_t len = 0; len < sizeof(error); len++) {
        e.ip_len = len;
        cr_expect_eq(table_find_quoted(w.table, &e) != NULL, len >= 34, "%u bytes", len);
    }
    e.ip_len = sizeof(error);
    error[8] = 0x4f; /* a header longer than what is there */
    cr_expect_null(table_find_quoted(w.table, &e));
    table_free(w.table);
}

Test(table, an_error_told_to_somebody_else_belongs_to_no_flow)
{
    struct world w;
    world_init(&w, 10);
    struct packet p = tcp(0x0a000001, 4000, 0x0a000002, 80);
    cr_assert_not_null(table_open(w.table, &p, false, 1));
    struct packet e = unreachable(0x0a000063, 0x0a000007, &p);
    cr_expect_null(table_find_quoted(w.table, &e), "a bystander");
    e = unreachable(0x0a000063, 0x0a000002, &p);
    cr_expect_null(table_find_quoted(w.table, &e), "the receiver of what is quoted");
    table_free(w.table);
}

Test(table, each_kind_of_life_has_its_idle_time)
{
    static const struct {
        enum flow_life life;
        uint64_t seconds;
    } lives[] = {{FLOW_TCP_OPENING, 1},   {FLOW_TCP_CLOSING, 2}, {FLOW_OTHER_NEW, 3},
                 {FLOW_OTHER_REPLIED, 4}, {FLOW_REFUSED, 5},     {FLOW_TCP_OPEN, 100}};
    struct world w;
    world_init(&w, 100);
    for (size_t i = 0; i < 6; i++) {
        struct packet p = tcp(0x0a000001, (uint16_t)(i + 1), 0x0a000002, 80);
        struct flow *f = table_open(w.table, &p, false, 10 * SECOND);
        table_set_life(w.table, f, lives[i].life);
    }
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(table_expire(w.table, (10 + lives[i].seconds) * SECOND - 1, 100), 0);
        cr_expect_eq(table_expire(w.table, (10 + lives[i].seconds) * SECOND, 100), 1);
    }
    cr_expect_eq(table_count(w.table), 0);
    cr_expect_eq(w.dropped, 6);
    table_free(w.table);
}

Test(table, a_packet_starts_the_idle_time_again)
{
    struct world w;
    world_init(&w, 10);
    struct packet p = tcp(0x0a000001, 1, 0x0a000002, 80), q = tcp(0x0a000001, 2, 0x0a000002, 80);
    struct flow *f = table_open(w.table, &p, false, 0), *g = table_open(w.table, &q, false, 0);
    uint64_t last = g->id;
    table_touch(w.table, f, SECOND / 2);
    cr_expect_eq(table_expire(w.table, SECOND, 10), 1);
    cr_expect_eq(w.dropped_ids[0], last, "the other one goes, though it was opened later");
    cr_expect_eq(table_expire(w.table, SECOND * 3 / 2, 10), 1);
    table_free(w.table);
}

Test(table, expires_no_more_than_it_is_asked_to)
{
    struct world w;
    world_init(&w, 100);
    for (uint16_t i = 1; i <= 10; i++) {
        struct packet p = tcp(0x0a000001, i, 0x0a000002, 80);
        cr_assert_not_null(table_open(w.table, &p, false, 0));
    }
    cr_expect_eq(table_expire(w.table, 50 * SECOND, 4), 4);
    cr_expect_eq(table_count(w.table), 6);
    cr_expect_eq(table_expire(w.table, 50 * SECOND, 100), 6);
    table_free(w.table);
}

Test(table, time_that_goes_backwards_expires_nothing)
{
    struct world w;
    world_init(&w, 10);
    struct packet p = tcp(0x0a000001, 1, 0x0a000002, 80);
    cr_assert_not_null(table_open(w.table, &p, false, 50 * SECOND));
    cr_expect_eq(table_expire(w.table, 0, 10), 0);
    table_free(w.table);
}

/* A full table of one flow of each life, oldest first as given; then new flows, and who went. */
Test(table, a_full_table_forgets_half_open_flows_first_and_established_ones_never)
{
    static const enum flow_life lives[] = {FLOW_TCP_OPEN,   FLOW_OTHER_REPLIED, FLOW_TCP_CLOSING,
                                           FLOW_REFUSED,    FLOW_OTHER_NEW,     FLOW_TCP_OPENING,
                                           FLOW_TCP_OPENING};
    struct world w;
    uint64_t ids[7];
    world_init(&w, 7);
    for (size_t i = 0; i < 7; i++) {
        struct packet p = tcp(0x0a000001, (uint16_t)(i + 1), 0x0a000002, 80);
        struct flow *f = table_open(w.table, &p, false, i);
        table_set_life(w.table, f, lives[i]);
        ids[i] = f->id;
    }
    static const size_t order[] = {5, 6, 4, 3, 2}; /* index of the flow that gives way */
    for (size_t i = 0; i < 5; i++) {
        struct packet p = tcp(0x0a000001, (uint16_t)(100 + i), 0x0a000002, 80);
        struct flow *f = table_open(w.table, &p, false, 100);
        cr_assert_not_null(f);
        table_set_life(w.table, f, FLOW_TCP_OPEN);
        cr_expect_eq(w.dropped, i + 1);
        cr_expect_eq(w.dropped_ids[i], ids[order[i]], "flow %zu should have gone", order[i]);
        cr_expect_eq(table_count(w.table), 7);
    }
    struct packet p = tcp(0x0a000001, 999, 0x0a000002, 80);
    cr_expect_null(table_open(w.table, &p, false, 100), "only established flows are left");
    cr_expect_eq(w.dropped, 5);
    cr_expect_eq(table_evicted(w.table), 5);
    table_free(w.table);
    cr_expect_eq(w.dropped, 12);
}

Test(table, every_flow_is_dropped_once_whoever_ends_it)
{
    struct world w;
    world_init(&w, 3);
    for (uint16_t i = 1; i <= 5; i++) { /* two of them give way */
        struct packet p = tcp(0x0a000001, i, 0x0a000002, 80);
        struct flow *f = table_open(w.table, &p, false, 0);
        *(unsigned *)flow_extra(f) = 1u << (4 * (i - 1)); /* twice would show */
        if (i == 5)
            table_remove(w.table, f);
    }
    cr_expect_eq(table_expire(w.table, 90 * SECOND, 1), 1);
    table_free(w.table);
    cr_expect_eq(w.dropped, 5);
    cr_expect_eq(w.marks, 0x11111u);
}

Test(table, what_comes_with_a_flow_is_zeroed)
{
    struct world w;
    static const uint8_t zero[64];
    uint64_t idle[FLOW_LIVES] = {0};
    struct table *t = table_new(10, 61, idle, NULL, NULL);
    struct packet p = tcp(0x0a000001, 1, 0x0a000002, 80);
    struct flow *f = table_open(t, &p, false, 0);
    cr_expect_eq(memcmp(flow_extra(f), zero, 61), 0);
    cr_expect_eq((uintptr_t)flow_extra(f) % _Alignof(void *), 0);
    table_free(t);
    (void)w;
}

Test(table, two_tables_hash_alike_by_accident_only)
{
    struct world v, w;
    world_init(&v, 10);
    world_init(&w, 10);
    unsigned alike = 0;
    for (uint16_t i = 1; i <= 8; i++) {
        struct packet p = tcp(0x0a000001, i, 0x0a000002, 80);
        struct flow *f = table_open(v.table, &p, false, 0), *g = table_open(w.table, &p, false, 0);
        alike += f->hash == g->hash;
    }
    cr_expect_eq(alike, 0, "nobody may foresee which flows share a bucket");
    table_free(v.table);
    table_free(w.table);
}

Test(table, flow_ids_fit_a_double_and_differ)
{
    struct world w;
    uint64_t seen[500];
    world_init(&w, 1000);
    for (uint16_t i = 0; i < 500; i++) {
        struct packet p = tcp(0x0a000001, i, 0x0a000002, 80);
        seen[i] = table_open(w.table, &p, false, 0)->id;
        cr_assert(seen[i] > 0 && seen[i] < (1ull << 51));
        for (uint16_t k = 0; k < i; k++)
            cr_assert_neq(seen[i], seen[k]);
    }
    table_free(w.table);
}

static bool count_two(void *ctx, struct flow *f)
{
    unsigned *n = ctx;
    cr_assert_not_null(f);
    return ++*n < 2;
}

static bool count_all(void *ctx, struct flow *f)
{
    *(uint64_t *)ctx += f->id;
    return true;
}

Test(table, a_visit_sees_every_flow_and_stops_when_told)
{
    struct world w;
    unsigned two = 0;
    uint64_t sum = 0, visited = 0;
    world_init(&w, 10);
    for (uint16_t i = 0; i < 5; i++) {
        struct packet p = tcp(0x0a000001, i, 0x0a000002, 80);
        struct flow *f = table_open(w.table, &p, false, 0);
        table_set_life(w.table, f, i % 2 == 0 ? FLOW_TCP_OPEN : FLOW_REFUSED);
        sum += f->id;
    }
    table_visit(w.table, count_two, &two);
    cr_expect_eq(two, 2);
    table_visit(w.table, count_all, &visited);
    cr_expect_eq(visited, sum);
    table_free(w.table);
}

Test(table, finds_each_of_many_flows_in_shared_buckets)
{
    struct world w;
    enum l7_dir dir;
    world_init(&w, 1); /* the fewest buckets */
    table_free(w.table);
    uint64_t idle[FLOW_LIVES] = {0};
    struct table *t = table_new(20000, 0, idle, NULL, NULL);
    for (uint32_t i = 0; i < 20000; i++) {
        struct packet p = tcp(0x0a000000 + i / 100, (uint16_t)(i % 100), 0x0b000001, 80);
        cr_assert_not_null(table_open(t, &p, false, 0));
    }
    for (uint32_t i = 0; i < 20000; i += 2) {
        struct packet p = tcp(0x0a000000 + i / 100, (uint16_t)(i % 100), 0x0b000001, 80);
        table_remove(t, table_find(t, &p, &dir));
    }
    for (uint32_t i = 0; i < 20000; i++) {
        struct packet p = tcp(0x0a000000 + i / 100, (uint16_t)(i % 100), 0x0b000001, 80);
        cr_assert_eq(table_find(t, &p, &dir) != NULL, i % 2 == 1);
    }
    cr_expect_eq(table_count(t), 10000);
    table_free(t);
}
