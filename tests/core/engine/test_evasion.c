/* SPDX-License-Identifier: Apache-2.0 */
/* What a client that makes its own packets tries in order to have a request served that no rule
 * allows. The server is an honest one: it takes the first copy of what it expects, discards wrong
 * checksums and believes resets with the number it expects. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness/wire.h"

#define GOOD "GET /public/a HTTP/1.1\r\nHost: web\r\n\r\n"
#define BAD "GET /admin HTTP/1.1\r\nHost: web\r\n\r\n"
/* As long as GOOD. */
#define EVIL "GET /admin/x HTTP/1.1\r\nHost: web\r\n\r\n "
#define UPGRADE                                                                                    \
    "GET /public/a HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
#define SWITCHING                                                                                  \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void counters_add_up(struct wire *w)
{
    const struct stats *st = &w->worker.stats;
    cr_expect_eq(st->frames_received,
                 st->frames_forwarded + st->frames_dropped + st->frames_rejected + st->frames_held,
                 "received %lu, forwarded %lu, dropped %lu, rejected %lu, held %lu",
                 st->frames_received, st->frames_forwarded, st->frames_dropped, st->frames_rejected,
                 st->frames_held);
}

/* The one claim of this file. */
static void admin_is_safe(struct wire *w)
{
    cr_expect(w->server.len == 0 || memmem(w->server.bytes, w->server.len, "/admin", 6) == NULL,
              "the server got %.*s", (int)w->server.len, w->server.bytes);
    counters_add_up(w);
}

static uint64_t drops(struct wire *w, const char *reason)
{
    for (size_t i = 0; i < STATS_REASONS; i++)
        if (strcmp(w->worker.stats.drops[i].reason, reason) == 0)
            return w->worker.stats.drops[i].count;
    return 0;
}

/* ---- packets in the server's name ---- */

Test(evasion, a_client_cannot_acknowledge_for_the_server)
{
    struct wire *w = wire_open(wire_allow_get_public);
    w->checksums_lie = true;
    cr_assert_eq(strlen(GOOD), strlen(EVIL));
    wire_connect(w, 40000);
    /* Judged and forwarded; the server discards it. */
    wire_send(w, &(struct wire_raw){
                     .flags = TCP_ACK, .bytes = GOOD, .len = strlen(GOOD), .bad_checksum = true});
    cr_expect_eq(w->server.discarded, 1);
    wire_send(w, &(struct wire_raw){.dir = L7_TO_CLIENT,
                                    .flags = TCP_ACK,
                                    .other_side = true,
                                    .has_ack = true,
                                    .ack = w->client_isn + 1 + (uint32_t)strlen(GOOD)});
    cr_expect_eq(drops(w, "wrong-side"), 1);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, EVIL, strlen(EVIL));
    admin_is_safe(w);
    cr_expect(w->server.killed);
    wire_close(w);
}

Test(evasion, a_client_cannot_answer_its_own_upgrade)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, UPGRADE);
    wire_send(w, &(struct wire_raw){.dir = L7_TO_CLIENT,
                                    .flags = TCP_ACK,
                                    .bytes = SWITCHING,
                                    .len = strlen(SWITCHING),
                                    .other_side = true});
    wire_client_says(w, BAD);
    admin_is_safe(w);
    wire_close(w);
}

Test(evasion, a_client_cannot_answer_its_own_handshake)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    /* Begin again in the middle of what the server reads next. */
    int64_t at = (int64_t)strlen(GOOD), later = at + (int64_t)strlen(BAD);
    wire_packet(w, L7_TO_SERVER, TCP_SYN, later, NULL, 0);
    wire_send(w, &(struct wire_raw){.dir = L7_TO_CLIENT,
                                    .flags = TCP_SYN | TCP_ACK,
                                    .offset = 1000,
                                    .other_side = true,
                                    .has_ack = true,
                                    .ack = w->client_isn + 1 + (uint32_t)later});
    wire_packet(w, L7_TO_SERVER, TCP_ACK, later, GOOD, strlen(GOOD));
    wire_packet(w, L7_TO_SERVER, TCP_ACK, at, BAD, strlen(BAD));
    admin_is_safe(w);
    wire_close(w);
}

Test(evasion, one_interface_for_both_directions_still_works)
{
    struct wire *w = wire_open(wire_allow_get_public);
    w->sport = 40000;
    w->client.isn = w->server_isn;
    w->server.isn = w->client_isn;
    wire_packet(w, L7_TO_SERVER, TCP_SYN, 0, NULL, 0);
    wire_send(
        w, &(struct wire_raw){.dir = L7_TO_CLIENT, .flags = TCP_SYN | TCP_ACK, .other_side = true});
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    cr_expect_eq(w->server.len, strlen(GOOD));
    wire_send(w, &(struct wire_raw){.dir = L7_TO_CLIENT,
                                    .flags = TCP_ACK,
                                    .bytes = REPLY,
                                    .len = strlen(REPLY),
                                    .other_side = true});
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(GOOD), BAD, strlen(BAD));
    admin_is_safe(w);
    wire_close(w);
}

/* ---- the same port and the same numbers again ---- */

static void connect_again(struct wire *w)
{
    uint32_t isn = w->client_isn, server_isn = w->server_isn;
    w->client_isn -= 0xfffffff0u; /* wire_connect() moves on by as much */
    w->server_isn -= 0x7ffffff0u;
    wire_connect(w, w->sport);
    cr_assert_eq(w->client_isn, isn);
    cr_assert_eq(w->server_isn, server_isn);
}

Test(evasion, a_connection_with_the_numbers_of_the_last_is_judged)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, 0, REPLY, strlen(REPLY));
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(GOOD), NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_RST, (int64_t)strlen(GOOD), NULL, 0);
    connect_again(w); /* SYN cookies give the same number for the same SYN */
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, EVIL, strlen(EVIL));
    admin_is_safe(w);
    wire_close(w);
}

Test(evasion, a_connection_with_the_numbers_of_an_opaque_one_is_judged)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, UPGRADE, strlen(UPGRADE));
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, 0, SWITCHING, strlen(SWITCHING));
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(UPGRADE), "chat", 4);
    cr_expect_eq(w->server.len, strlen(UPGRADE) + 4);
    wire_packet(w, L7_TO_SERVER, TCP_RST, (int64_t)strlen(UPGRADE) + 4, NULL, 0);
    connect_again(w);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, EVIL, strlen(EVIL));
    admin_is_safe(w);
    wire_close(w);
}

Test(evasion, a_handshake_repeated_on_the_way_begins_nothing_anew)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, 0, NULL, 0);
    wire_send(w, &(struct wire_raw){.dir = L7_TO_CLIENT, /* it was overtaken */
                                    .flags = TCP_SYN | TCP_ACK,
                                    .has_ack = true,
                                    .ack = w->client_isn + 1});
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(GOOD), GOOD, strlen(GOOD));
    cr_expect_eq(w->server.len, 2 * strlen(GOOD));
    cr_expect_eq(w->worker.stats.flows_opened, 1);
    counters_add_up(w);
    wire_close(w);
}

/* ---- flows whose beginning was not seen ---- */

static const char anything[] = "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
                               "metadata: {name: anything}\nspec:\n  priority: 5\n"
                               "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"
                               "  ingress:\n  - {name: all, action: Allow}\n";

Test(evasion, what_precedes_a_beginning_in_the_middle_does_not_pass)
{
    struct wire *w = wire_open(anything);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    wire_reload(w, wire_allow_get_public);
    int64_t at = (int64_t)strlen(GOOD);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, at + (int64_t)strlen(BAD), GOOD, strlen(GOOD));
    wire_packet(w, L7_TO_SERVER, TCP_ACK, at, BAD, strlen(BAD));
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, (int64_t)strlen(REPLY), NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, at, BAD, strlen(BAD));
    admin_is_safe(w);
    wire_close(w);
}

Test(evasion, a_beginning_the_server_has_already_is_none)
{
    static const char mixed[] = "GET /public/a HTTP/1.1\r\nX: " BAD;
    size_t old = strlen(mixed) - strlen(BAD);
    struct wire *w = wire_open(anything);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    wire_reload(w, wire_allow_get_public);
    /* The server takes what lies behind its edge, and that is BAD. */
    for (int i = 0; i < 3; i++) {
        wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)(strlen(GOOD) - old), mixed, strlen(mixed));
        wire_packet(w, L7_TO_CLIENT, TCP_ACK, (int64_t)strlen(REPLY), NULL, 0);
    }
    admin_is_safe(w);
    wire_close(w);
}

Test(evasion, a_flow_found_in_the_middle_goes_on_once_the_server_has_said_where)
{
    struct wire *w = wire_open(anything);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    wire_reload(w, wire_allow_get_public);
    int64_t at = (int64_t)strlen(GOOD);
    unsigned before = w->server.packets;
    wire_packet(w, L7_TO_SERVER, TCP_ACK, at, GOOD, strlen(GOOD));
    cr_expect_eq(w->server.packets, before + 1, "the server is asked");
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, (int64_t)strlen(REPLY), NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, at, GOOD, strlen(GOOD));
    cr_expect_eq(w->server.len, 2 * strlen(GOOD));
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 2 * at, BAD, strlen(BAD));
    admin_is_safe(w);
    wire_close(w);
}

Test(evasion, a_flow_found_in_the_middle_that_nobody_can_place_is_refused_in_time)
{
    struct wire *w = wire_open(anything);
    w->checksums_lie = true;
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    int64_t at = (int64_t)strlen(GOOD);
    /* Passed unjudged and lost: what comes in its place may be anything. */
    wire_send(w, &(struct wire_raw){.flags = TCP_ACK,
                                    .offset = at,
                                    .bytes = GOOD,
                                    .len = strlen(GOOD),
                                    .bad_checksum = true});
    wire_reload(w, wire_allow_get_public);
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, (int64_t)strlen(REPLY), NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, at, GOOD, strlen(GOOD));
    cr_expect_eq(w->server.len, strlen(GOOD));
    wire_pass_time(w, w->settings->decision_timeout + 1000);
    cr_expect(w->server.killed);
    counters_add_up(w);
    wire_close(w);
}

Test(evasion, a_flow_that_was_forgotten_does_not_go_on)
{
    struct wire *w = wire_open(wire_allow_get_public);
    w->checksums_lie = true;
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    /* So that the reset of the forgotten flow has a number the server does not expect. */
    wire_send(w, &(struct wire_raw){.flags = TCP_ACK,
                                    .offset = (int64_t)strlen(GOOD),
                                    .bytes = GOOD,
                                    .len = strlen(GOOD),
                                    .bad_checksum = true});
    wire_packet(w, L7_TO_SERVER, TCP_RST, 1000, NULL, 0); /* nobody believes it */
    cr_assert_not(w->server.killed);
    wire_pass_time(w, 20000);
    cr_expect(w->server.killed, "the server was not reset");
    wire_close(w);
}

Test(evasion, what_is_unknown_and_cannot_be_older_than_the_daemon_is_refused)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_pass_time(w, w->settings->tcp_timeout + 1000);
    w->sport = 40001;
    w->server.killed = false; /* it is another connection */
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, 0, NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    cr_expect_eq(w->server.len, 0);
    counters_add_up(w);
    wire_close(w);
}

/* ---- held frames ---- */

Test(evasion, a_held_frame_that_differs_is_not_let_go_with_the_others)
{
    struct wire *w = wire_open(wire_allow_get_public);
    w->checksums_lie = true;
    wire_connect(w, 40000);
    /* Both wait for the first byte. The one that is read first the server discards. */
    wire_send(w, &(struct wire_raw){.flags = TCP_ACK,
                                    .offset = 1,
                                    .bytes = &GOOD[1],
                                    .len = strlen(GOOD) - 1,
                                    .bad_checksum = true});
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 2, &EVIL[2], strlen(EVIL) - 2);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 2);
    admin_is_safe(w);
    cr_expect(w->server.killed);
    wire_close(w);
}

/* ---- fragments ---- */

Test(evasion, fragments_go_on_as_the_segment_that_was_judged)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    /* No fragment is sent on: the harness would not take it. */
    wire_send(w, &(struct wire_raw){
                     .flags = TCP_ACK, .bytes = GOOD, .len = strlen(GOOD), .fragment = 24});
    cr_expect_eq(w->server.len, strlen(GOOD));
    wire_send(w, &(struct wire_raw){.flags = TCP_ACK,
                                    .offset = (int64_t)strlen(GOOD),
                                    .bytes = BAD,
                                    .len = strlen(BAD),
                                    .fragment = 24});
    admin_is_safe(w);
    cr_expect(w->server.killed);
    cr_expect_not(w->server.bad_checksum);
    wire_close(w);
}

Test(evasion, a_segment_in_fragments_can_be_held_and_split)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_send(w, &(struct wire_raw){.flags = TCP_ACK,
                                    .offset = 5,
                                    .bytes = &(GOOD BAD)[5],
                                    .len = strlen(GOOD BAD) - 10,
                                    .fragment = 24});
    cr_expect_eq(w->server.len, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 5);
    cr_expect_eq(w->server.len, strlen(GOOD));
    cr_expect(w->server.killed, "a path that does not fit is refused at once");
    admin_is_safe(w);
    cr_expect_not(w->server.bad_checksum);
    wire_close(w);
}

Test(evasion, a_wrong_checksum_is_not_mended_by_joining_fragments)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_send(w, &(struct wire_raw){.flags = TCP_ACK,
                                    .bytes = GOOD,
                                    .len = strlen(GOOD),
                                    .fragment = 24,
                                    .bad_checksum = true});
    cr_expect_eq(w->server.len, 0);
    cr_expect_gt(drops(w, "fragment-checksum"), 0);
    counters_add_up(w);
    wire_close(w);
}

/* ---- answers behind a gap ---- */

Test(evasion, an_answer_behind_a_gap_opens_nothing)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, UPGRADE);
    /* The first segment of the answer is lost before us; a later one holds what the client once
     * put there. The client acknowledges all, so that nothing is sent again. */
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, 1000, SWITCHING, strlen(SWITCHING));
    wire_send(w, &(struct wire_raw){.flags = TCP_ACK,
                                    .offset = (int64_t)strlen(UPGRADE),
                                    .has_ack = true,
                                    .ack = w->server_isn + 2000});
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(UPGRADE), BAD, strlen(BAD));
    admin_is_safe(w);
    wire_close(w);
}

/* ---- limits ---- */

Test(evasion, handshakes_alone_do_not_fill_the_table)
{
    struct wire *w = wire_open(wire_allow_get_public);
    for (unsigned i = 0; i < 2000; i++) {
        w->sport = (uint16_t)(20000 + i);
        w->client_isn = i * 7;
        w->server_isn = 0x80000000u + i;
        wire_packet(w, L7_TO_SERVER, TCP_SYN, 0, NULL, 0);
        wire_packet(w, L7_TO_CLIENT, TCP_SYN | TCP_ACK, 0, NULL, 0);
        /* Who gave another address than its own cannot know this. */
        wire_send(w, &(struct wire_raw){.flags = TCP_ACK, .has_ack = true, .ack = i});
    }
    wire_pass_time(w, w->settings->refused_timeout + 1000);
    cr_expect_eq(table_count(w->worker.table), 0, "%zu are left", table_count(w->worker.table));
    counters_add_up(w);
    wire_close(w);
}

Test(evasion, greedy_flows_leave_memory_for_others)
{
    struct wire *w = wire_open(wire_allow_get_public);
    static char filler[30000];
    w->settings->stream_memory = 4u << 20;
    memset(filler, 'x', sizeof(filler));
    for (unsigned i = 0; i < 300; i++) {
        wire_connect(w, (uint16_t)(20000 + i));
        for (unsigned k = 0; k < 8; k++) /* out of order: never judged, never let go */
            wire_packet(w, L7_TO_SERVER, TCP_ACK, 100 + k * 30000, filler, sizeof(filler));
    }
    cr_expect_lt(w->worker.stream_memory, w->settings->stream_memory);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    cr_expect_eq(w->server.len, strlen(GOOD), "no memory for a small request");
    counters_add_up(w);
    wire_close(w);
}

Test(evasion, requests_that_nobody_answers_take_bounded_memory)
{
    struct wire *w = wire_open(wire_allow_get_public);
    w->settings->stream_memory = 4u << 20;
    wire_connect(w, 40000);
    for (unsigned i = 0; i < 9000; i++) {
        wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)(i * strlen(GOOD)), GOOD, strlen(GOOD));
        wire_packet(w, L7_TO_CLIENT, TCP_ACK, 0, NULL, 0);
        cr_assert_lt(w->worker.stream_memory, w->settings->stream_memory);
    }
    cr_expect_gt(drops(w, "retain-limit"), 0);
    /* Answers make room. */
    size_t before = w->server.len;
    wire_server_says(w, REPLY REPLY REPLY REPLY);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)before, GOOD, strlen(GOOD));
    cr_expect_geq(w->server.len, before + strlen(GOOD));
    counters_add_up(w);
    wire_close(w);
}

Test(evasion, a_server_that_answers_half_a_question_takes_bounded_memory)
{
    static const uint8_t hello[50] = {0x16, 3, 1, 1, 0, 1, 0, 0, 0xfc, 3, 3};
    static char answer[1000];
    struct wire *w = wire_open("apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
                               "metadata: {name: p}\nspec:\n  priority: 5\n"
                               "  appliedTo: [{podSelector: {}}]\n"
                               "  ingress: [{action: Allow, l7Protocols: [{tls: {}}]}]\n");
    w->settings->stream_memory = 4u << 20;
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, hello, sizeof(hello));
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, hello, sizeof(hello)); /* now it streams */
    cr_assert_eq(w->server.len, sizeof(hello));
    for (int64_t i = 0; i < 3000; i++) {
        wire_packet(w, L7_TO_CLIENT, TCP_ACK, i * 1000, answer, sizeof(answer));
        cr_assert_lt(w->worker.stream_memory, w->settings->stream_memory);
    }
    counters_add_up(w);
    wire_close(w);
}

Test(evasion, a_flow_that_is_judged_no_more_keeps_nothing)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    wire_reload(w, anything);
    for (unsigned i = 0; i < 2000; i++) {
        wire_client_says(w, GOOD);
        wire_server_says(w, REPLY);
    }
    cr_expect_lt(w->worker.stream_memory, 16 * 1024, "%zu bytes", w->worker.stream_memory);
    counters_add_up(w);
    wire_close(w);
}

/* ---- what is not TCP ---- */

static void icmp_about(struct wire *w, uint8_t to, uint16_t sport)
{
    uint8_t frame[14 + 20 + 8 + 28] = {[5] = 2, [11] = 1, [12] = 8};
    uint8_t *ip = frame + 14, *icmp = ip + 20, *quote = icmp + 8;
    ip[0] = quote[0] = 0x45;
    ip[3] = 56;
    ip[8] = quote[8] = 64;
    ip[9] = 1;
    ip[12] = ip[16] = quote[12] = quote[16] = 10;
    ip[15] = 1;
    ip[19] = to;
    icmp[0] = 3;
    icmp[1] = 1;
    quote[3] = 40;
    quote[9] = 6;
    quote[15] = 2; /* sent by the server */
    quote[19] = 1;
    quote[21] = 80;
    quote[22] = (uint8_t)(sport >> 8);
    quote[23] = (uint8_t)sport;
    wire_frame(w, 0, frame, sizeof(frame));
}

static void udp(struct wire *w, uint16_t iface, uint8_t from, uint16_t sport, uint8_t to,
                uint16_t dport)
{
    uint8_t frame[14 + 20 + 8] = {[5] = 2, [11] = 1, [12] = 8};
    uint8_t *ip = frame + 14, *udp = ip + 20;
    ip[0] = 0x45;
    ip[3] = 28;
    ip[8] = 64;
    ip[9] = 17;
    ip[12] = ip[16] = 10;
    ip[15] = from;
    ip[19] = to;
    udp[0] = (uint8_t)(sport >> 8);
    udp[1] = (uint8_t)sport;
    udp[2] = (uint8_t)(dport >> 8);
    udp[3] = (uint8_t)dport;
    udp[5] = 8;
    wire_frame(w, iface, frame, sizeof(frame));
}

Test(evasion, a_client_cannot_open_a_flow_for_the_server)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    udp(w, 0, 1, 5000, 2, 53);
    cr_assert_eq(w->other_sent, 0, "UDP under an L7 rule is dropped [L7-35]");
    udp(w, 0, 2, 53, 1, 5001); /* in the server's name */
    unsigned before = w->other_sent;
    udp(w, 0, 1, 5001, 2, 53);
    cr_expect_eq(w->other_sent, before, "its answer is none");
    udp(w, 1, 2, 53, 1, 5002);
    udp(w, 0, 1, 5002, 2, 53);
    cr_expect_eq(w->other_sent, before + 2, "what the server opens itself is answered [BYP-1]");
    counters_add_up(w);
    wire_close(w);
}

Test(evasion, an_error_goes_to_nobody_but_whom_it_concerns)
{
    static const char policy[] = "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
                                 "metadata: {name: p}\nspec:\n  priority: 5\n"
                                 "  appliedTo: [{podSelector: {matchLabels: {app: client}}}]\n"
                                 "  egress:\n"
                                 "  - {name: http, action: Allow, ports: [{port: 80}]}\n"
                                 "  - {name: nothing-else, action: Drop}\n";
    struct wire *w = wire_open(policy);
    wire_connect(w, 40000);
    icmp_about(w, 2, 40000);
    cr_expect_eq(w->other_sent, 1, "an error about an allowed connection passes [BYP-2]");
    icmp_about(w, 9, 40000);
    cr_expect_eq(w->other_sent, 1, "it went to somebody else");
    counters_add_up(w);
    wire_close(w);
}

/* ---- what honest clients do ---- */

Test(evasion, a_lost_head_is_sent_again_although_its_tail_waits)
{
    struct wire *w = wire_open(wire_allow_get_public);
    char both[512];
    size_t len = (size_t)sprintf(both, "%s%s", UPGRADE, "early data");
    w->checksums_lie = true;
    wire_connect(w, 40000);
    /* What passes of the segment is lost behind us; the client repeats the whole of it. */
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, both, len);
    memset(w->server.map, 0, 512);
    w->server.len = 0;
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, both, len);
    cr_expect_eq(w->server.len, strlen(UPGRADE), "%zu", w->server.len);
    counters_add_up(w);
    wire_close(w);
}

/* ---- anything ---- */

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static bool one_in(uint32_t n)
{
    return random_below(n) == 0;
}

static const char any_method[] = "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
                                 "metadata: {name: p}\nspec:\n  priority: 5\n"
                                 "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"
                                 "  ingress:\n"
                                 "  - {action: Allow, l7Protocols: [{http: {path: /public/*}}]}\n";

/* Requests in a row, and the same with each path the other way round: what a client may claim to
 * have sent. Both are framed alike. */
struct script {
    char bytes[2][8192];
    size_t len, count;
    struct {
        size_t path, end; /* offsets of the path, and behind the message */
        bool allowed;
    } message[8];
    size_t allowed_len; /* of the messages before the first denied one */
    size_t limit;       /* what may arrive at most: not all of that one */
};

static void script_write(struct script *s, bool denials)
{
    memset(s, 0, sizeof(*s));
    s->count = 1 + random_below(7);
    for (size_t i = 0; i < s->count; i++) {
        static const char *const paths[2] = {"/public/", "/secret/"};
        bool denied = denials && one_in(4);
        uint32_t kind = random_below(3), size = random_below(300);
        size_t at = s->len;
        s->message[i].allowed = !denied;
        s->message[i].path = at + (kind == 0 ? 4 : 5);
        for (int side = 0; side < 2; side++) {
            const char *path = paths[denied != (side == 1)];
            char *to = s->bytes[side] + at;
            size_t n;
            if (kind == 0) {
                n = (size_t)sprintf(to, "GET %sa?%u HTTP/1.1\r\nHost: web\r\n\r\n", path, size);
            } else if (kind == 1) {
                n = (size_t)sprintf(
                    to, "POST %sb HTTP/1.1\r\nHost: web\r\nContent-Length: %u\r\n\r\n", path, size);
                for (uint32_t k = 0; k < size; k++)
                    to[n++] = BAD[k % strlen(BAD)];
            } else {
                n = (size_t)sprintf(to,
                                    "POST %sc HTTP/1.1\r\nHost: web\r\n"
                                    "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                                    path, size + 1);
                for (uint32_t k = 0; k <= size; k++)
                    to[n++] = BAD[k % strlen(BAD)];
                n += (size_t)sprintf(to + n, "\r\n3\r\nGET\r\n0\r\n\r\n");
            }
            s->len = at + n;
        }
        s->message[i].end = s->len;
    }
    s->allowed_len = s->limit = s->len;
    for (size_t i = s->count; i-- > 0;) {
        if (!s->message[i].allowed) {
            s->allowed_len = i > 0 ? s->message[i - 1].end : 0;
            s->limit = s->message[i].end - 1;
        }
    }
}

/* Every message that arrived whole is one that may. */
static void script_check(const struct script *s, const struct wire *w, uint32_t seed, bool conflict)
{
    for (size_t i = 0; i < s->count && s->message[i].end <= w->server.len; i++)
        cr_assert(memcmp(w->server.bytes + s->message[i].path, "/public/", 8) == 0,
                  "seed %u: message %zu is not allowed and has arrived", seed, i);
    if (conflict)
        return;
    cr_assert_leq(w->server.len, s->limit, "seed %u", seed);
    cr_assert(memcmp(w->server.bytes, s->bytes[0], w->server.len) == 0, "seed %u: other bytes",
              seed);
}

/* One thing a client, a network or a server may do. */
static void script_step(const struct script *s, struct wire *w, bool conflict, bool lossy,
                        int64_t replied)
{
    size_t from = w->server.len > 40 ? w->server.len - 40 : 0;
    size_t at = from + random_below(one_in(3) ? 600 : 80),
           n = 1 + random_below(one_in(3) ? 400 : 25);
    uint32_t what = random_below(conflict ? 34 : 30);
    if (at > s->len)
        at = s->len;
    if (n > s->len - at)
        n = s->len - at;
    struct wire_raw raw = {.flags = TCP_ACK, .offset = (int64_t)at};
    if (what < 20 || what >= 30) {
        raw.bytes = s->bytes[conflict && one_in(6)] + at;
        raw.len = n;
        raw.bad_checksum = lossy && one_in(5);
        raw.fragment = one_in(20) ? 8 * (3 + random_below(20)) : 0;
        if (what >= 32)
            raw.flags |= one_in(2) ? TCP_URG : TCP_RST;
        else if (what >= 30)
            raw.flags |= one_in(2) ? TCP_FIN : 0;
        else if (at + n == s->len && one_in(4))
            raw.flags |= TCP_FIN;
        wire_send(w, &raw);
    } else if (what < 26) {
        wire_packet(w, L7_TO_CLIENT, TCP_ACK, replied, NULL, 0);
    } else if (what == 26) {
        raw.flags = one_in(2) ? TCP_SYN : TCP_RST;
        raw.offset = (int64_t)at + 70000;
        wire_send(w, &raw);
    } else if (what == 27) {
        raw.dir = L7_TO_CLIENT;
        raw.flags = one_in(2) ? TCP_ACK : TCP_SYN | TCP_ACK;
        raw.other_side = raw.has_ack = true;
        raw.ack = w->client_isn + 1 + (uint32_t)(at + n);
        wire_send(w, &raw);
    } else if (what == 28) {
        wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)w->server.len - 1, NULL, 0);
    } else {
        w->now_ns += random_below(1000) * 1000000ull;
    }
}

/* Without tricks all that may arrive does in the end. */
static void script_finish(const struct script *s, struct wire *w, uint32_t seed)
{
    for (int i = 0; i < 200 && w->server.len < s->len && !w->server.killed; i++) {
        size_t n = s->len - w->server.len;
        wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)w->server.len, s->bytes[0] + w->server.len,
                    n < 1400 ? n : 1400);
        wire_packet(w, L7_TO_CLIENT, TCP_ACK, 0, NULL, 0);
    }
    if (s->allowed_len == s->len) {
        cr_assert_eq(w->server.len, s->len, "seed %u: %zu of %zu", seed, w->server.len, s->len);
        cr_assert_not(w->server.killed, "seed %u: refused: %s", seed,
                      w->worker.stats.refusals[0].reason);
    } else {
        cr_assert(w->server.killed, "seed %u: not refused", seed);
    }
}

Test(evasion, whatever_comes_no_denied_message_arrives, .timeout = 60)
{
    static struct script s;
    struct wire *w = wire_open(any_method);
    w->checksums_lie = true;
    unsigned delivered = 0, refused = 0;
    for (uint32_t seed = 1; seed <= 2500; seed++) {
        random_state = seed * 2654435761u;
        bool conflict = one_in(2), lossy = one_in(2), denials = one_in(2);
        w->settings->hold = (enum hold_mode)random_below(3);
        /* Or the same again with the same port and numbers, whatever became of the last one. */
        bool again = seed > 1 && one_in(4);
        if (again) {
            connect_again(w);
        } else {
            script_write(&s, denials);
            wire_connect(w, (uint16_t)(10000 + seed));
        }
        for (int step = 0; step < 150 && !w->server.killed; step++) {
            script_step(&s, w, conflict, lossy, 0);
            script_check(&s, w, seed, conflict);
        }
        /* Strict refuses who stalls. Twice the same numbers may count as a conflict. */
        if (!conflict && !again && w->settings->hold != HOLD_STRICT)
            script_finish(&s, w, seed);
        script_check(&s, w, seed, conflict);
        delivered += w->server.len == s.len;
        refused += w->server.killed;
        const struct stats *st = &w->worker.stats;
        cr_assert_eq(st->frames_received,
                     st->frames_forwarded + st->frames_dropped + st->frames_rejected +
                         st->frames_held,
                     "seed %u", seed);
    }
    /* It was about something. */
    cr_expect_gt(delivered, 500, "%u", delivered);
    cr_expect_gt(refused, 500, "%u", refused);
    wire_close(w);
}
