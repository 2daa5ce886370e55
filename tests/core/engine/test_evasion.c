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
    wire_packet(w, L7_TO_SERVER, TCP_SYN, (int64_t)strlen(GOOD) + 7, NULL, 0);
    wire_send(w, &(struct wire_raw){.dir = L7_TO_CLIENT,
                                    .flags = TCP_SYN | TCP_ACK,
                                    .offset = 1000,
                                    .other_side = true,
                                    .has_ack = true,
                                    .ack = w->client_isn + 8 + (uint32_t)strlen(GOOD)});
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(GOOD) + 7, GOOD, strlen(GOOD));
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(GOOD), BAD, strlen(BAD));
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
    static const char mixed[] = "GET /public/a HTTP/1.1\r\nHost: web\r\nX: " BAD;
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
    wire_packet(w, L7_TO_CLIENT, TCP_ACK, 0, NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    cr_expect_eq(w->server.len, 0);
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
        wire_packet(w, L7_TO_SERVER, TCP_SYN, 0, NULL, 0);
        wire_packet(w, L7_TO_CLIENT, TCP_SYN | TCP_ACK, 0, NULL, 0);
        wire_send(w, &(struct wire_raw){.flags = TCP_ACK, .bytes = "x", .len = 1, .has_ack = true});
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
