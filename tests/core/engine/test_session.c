/* SPDX-License-Identifier: Apache-2.0 */
/* What a governed connection delivers, and when it is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "harness/wire.h"

#define GOOD "GET /public/a HTTP/1.1\r\nHost: web\r\n\r\n"
#define BAD "GET /admin HTTP/1.1\r\nHost: web\r\n\r\n"
#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void counters_add_up(struct wire *w)
{
    const struct stats *st = &w->worker.stats;
    cr_expect_eq(st->frames_received,
                 st->frames_forwarded + st->frames_dropped + st->frames_rejected + st->frames_held,
                 "received %lu, forwarded %lu, dropped %lu, rejected %lu, held %lu",
                 st->frames_received, st->frames_forwarded, st->frames_dropped, st->frames_rejected,
                 st->frames_held);
    cr_expect_not(w->server.bad_checksum);
    cr_expect_not(w->client.bad_checksum);
}

static void delivered_is(struct wire *w, const char *text)
{
    cr_expect_eq(w->server.len, strlen(text), "delivered %zu bytes, not %zu", w->server.len,
                 strlen(text));
    cr_expect(strlen(text) == 0 || memcmp(w->server.bytes, text, strlen(text)) == 0);
}

static void refused_with(struct wire *w, const char *reason)
{
    wire_records(w);
    cr_expect_eq(w->alert_count, 1, "%zu alerts", w->alert_count);
    cr_expect_str_eq(w->alerts[0].reason, reason);
    cr_expect(w->server.reset, "the server got no reset");
    cr_expect(w->client.reset, "the client got no reset");
    counters_add_up(w);
}

Test(session, delivers_an_allowed_request_and_its_answer)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    delivered_is(w, GOOD);
    cr_expect_eq(w->client.len, strlen(REPLY));
    wire_records(w);
    cr_expect_eq(w->alert_count, 0);
    cr_expect_eq(w->transaction_count, 1);
    cr_expect(strstr(w->transactions[0], "url=/public/a;") != NULL, "%s", w->transactions[0]);
    cr_expect(strstr(w->transactions[0], "status=200;") != NULL);
    counters_add_up(w);
    wire_close(w);
}

Test(session, a_denied_request_never_arrives_and_both_ends_are_reset)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct wire *w = wire_open(wire_allow_get_public);
        w->v6 = v6 == 1;
        wire_connect(w, 40000);
        wire_client_says(w, BAD);
        delivered_is(w, "");
        refused_with(w, "no-match");
        cr_expect_eq(w->server.reset_seq, (uint32_t)(w->client_isn + 1));
        cr_expect_eq(w->client.reset_seq, (uint32_t)(w->server_isn + 1));
        cr_expect_str_eq(w->alerts[0].rule, "get-public");
        cr_expect_str_eq(w->alerts[0].app_proto, "http");
        cr_expect(strstr(w->alerts[0].attrs, "hostname=web;url=/admin;") != NULL, "%s",
                  w->alerts[0].attrs);
        cr_expect(memmem(w->alerts[0].packet, w->alerts[0].packet_len, "GET /admin", 10) != NULL);
        wire_close(w);
    }
}

Test(session, judges_every_request_of_a_connection)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    wire_client_says(w, BAD);
    delivered_is(w, GOOD);
    refused_with(w, "no-match");
    cr_expect_eq(w->server.reset_seq, (uint32_t)(w->client_isn + 1 + strlen(GOOD)));
    cr_expect_eq(w->client.reset_seq, (uint32_t)(w->server_isn + 1 + strlen(REPLY)));
    wire_close(w);
}

Test(session, delivers_what_was_allowed_before_a_denied_request_in_the_same_segment)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD GOOD BAD);
    delivered_is(w, GOOD GOOD);
    refused_with(w, "no-match");
    cr_expect_eq(w->server.reset_seq, (uint32_t)(w->client_isn + 1 + 2 * strlen(GOOD)));
    wire_close(w);
}

Test(session, delivers_the_first_request_while_the_second_is_incomplete)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD "GET /publ");
    delivered_is(w, GOOD);
    wire_server_says(w, REPLY);
    wire_client_says(w, "ic/b HTTP/1.1\r\nHost: web\r\n\r\n");
    delivered_is(w, GOOD "GET /public/b HTTP/1.1\r\nHost: web\r\n\r\n");
    wire_records(w);
    cr_expect_eq(w->alert_count, 0);
    counters_add_up(w);
    wire_close(w);
}

Test(session, one_byte_at_a_time_changes_nothing)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    for (size_t i = 0; i < strlen(GOOD); i++)
        wire_say(w, L7_TO_SERVER, &GOOD[i], 1);
    delivered_is(w, GOOD);
    for (size_t i = 0; i < strlen(BAD) && !w->server.reset; i++)
        wire_say(w, L7_TO_SERVER, &BAD[i], 1);
    delivered_is(w, GOOD);
    refused_with(w, "no-match");
    wire_close(w);
}

Test(session, out_of_order_segments_wait_for_the_hole)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 10, &GOOD[10], strlen(GOOD) - 10);
    delivered_is(w, "");
    cr_expect_eq(w->worker.stats.frames_held, 1);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 10);
    delivered_is(w, GOOD);
    cr_expect_eq(w->worker.stats.frames_held, 0);
    counters_add_up(w);
    wire_close(w);
}

Test(session, a_repeat_with_other_bytes_is_refused)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD)); /* not acknowledged */
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, "GET /secret/a", 13);
    cr_expect_eq(w->server.len, strlen(GOOD));
    refused_with(w, "overlap-conflict");
    wire_close(w);
}

Test(session, a_faithful_repeat_passes)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    unsigned before = w->server.payload_packets;
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    cr_expect_eq(w->server.payload_packets, before + 1);
    counters_add_up(w);
    wire_close(w);
}

Test(session, undecided_bytes_are_held_until_the_sender_stalls)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 20);
    delivered_is(w, "");
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 20); /* sent again: it waits for us */
    cr_expect_eq(w->server.len, 20);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 20, &GOOD[20], strlen(GOOD) - 20);
    delivered_is(w, GOOD);
    cr_expect_eq(w->worker.stats.streamed, 1);
    wire_client_says(w, "");
    counters_add_up(w);
    wire_close(w);
}

Test(session, a_streamed_message_that_is_refused_is_never_complete)
{
    const char *head = "GET /public/a HTTP/1.1\r\nX: y\r\n";
    const char *tail = "Host: a\r\nHost: b\r\n\r\n"; /* two hosts */
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, head, strlen(head));
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, head, strlen(head));
    delivered_is(w, head);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(head), tail, strlen(tail));
    delivered_is(w, head);
    wire_records(w);
    cr_expect_eq(w->alert_count, 1);
    cr_expect(w->server.reset && w->client.reset);
    cr_expect_eq(w->server.reset_seq, (uint32_t)(w->client_isn + 1 + strlen(head)));
    cr_expect(memmem(w->alerts[0].packet, w->alerts[0].packet_len, "GET /public/a", 13) != NULL,
              "the alert shows where the message began");
    counters_add_up(w);
    wire_close(w);
}

Test(session, strict_refuses_a_stall)
{
    struct wire *w = wire_open(wire_allow_get_public);
    w->settings->hold = HOLD_STRICT;
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 20);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 20);
    delivered_is(w, "");
    refused_with(w, "hold-stall");
    wire_close(w);
}

Test(session, heads_larger_than_the_hold_limit_pass)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    char *head = malloc(64 * 1024);
    cr_assert_not_null(head);
    int n = sprintf(head, "GET /public/a HTTP/1.1\r\nCookie: c=");
    memset(head + n, 'x', 20000);
    n += 20000;
    n += sprintf(head + n, "\r\nHost: web\r\n\r\n");
    wire_say(w, L7_TO_SERVER, head, (size_t)n);
    cr_expect_eq(w->server.len, (size_t)n);
    cr_expect(memcmp(w->server.bytes, head, (size_t)n) == 0);
    cr_expect_eq(w->worker.stats.flows_refused, 0);
    counters_add_up(w);
    free(head);
    wire_close(w);
}

Test(session, a_server_that_speaks_first_is_refused)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_server_says(w, "220 mail ready\r\n");
    cr_expect_eq(w->client.len, 0);
    refused_with(w, "server-first");
    wire_close(w);
}

Test(session, what_nobody_understands_is_refused)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, "\x01\x02 nobody's bytes");
    delivered_is(w, "");
    wire_records(w);
    cr_expect_str_eq(w->alerts[0].app_proto, "failed");
    refused_with(w, "unclaimed");
    wire_close(w);
}

Test(session, another_protocol_than_the_rule_names_is_refused_by_its_name)
{
    static const uint8_t hello[] = {0x16, 3, 1, 0, 50, 1, 0, 0, 46, 3, 3, 1, 2, 3};
    uint8_t whole[55] = {0};
    memcpy(whole, hello, sizeof(hello));
    whole[43] = 0; /* session id */
    whole[45] = 2; /* cipher suites */
    whole[46] = 0x13;
    whole[47] = 1;
    whole[48] = 1; /* compression */
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    /* cut to what the lengths say: 5 + 50 bytes, extensions empty */
    wire_say(w, L7_TO_SERVER, whole, sizeof(whole));
    delivered_is(w, "");
    wire_records(w);
    cr_expect_eq(w->alert_count, 1);
    cr_expect_str_eq(w->alerts[0].app_proto, "tls");
    counters_add_up(w);
    wire_close(w);
}

Test(session, an_end_inside_a_message_is_refused)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 20);
    wire_packet(w, L7_TO_SERVER, TCP_ACK | TCP_FIN, 20, NULL, 0);
    delivered_is(w, "");
    refused_with(w, "incomplete");
    wire_close(w);
}

Test(session, a_half_closed_client_still_gets_its_answer)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_packet(w, L7_TO_SERVER, TCP_ACK | TCP_FIN, (int64_t)strlen(GOOD), NULL, 0);
    cr_expect(w->server.fin);
    wire_server_says(w, REPLY);
    cr_expect_eq(w->client.len, strlen(REPLY));
    wire_records(w);
    cr_expect_eq(w->alert_count, 0);
    cr_expect_eq(w->transaction_count, 1);
    counters_add_up(w);
    wire_close(w);
}

Test(session, a_message_that_takes_too_long_is_refused)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, 20);
    wire_pass_time(w, 29000);
    cr_expect_not(w->server.reset);
    wire_pass_time(w, 2000);
    delivered_is(w, "");
    refused_with(w, "decision-timeout");
    wire_close(w);
}

Test(session, data_on_a_syn_is_not_forwarded)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    w->sport = 40001;
    wire_packet(w, L7_TO_SERVER, TCP_SYN, 0, BAD, strlen(BAD));
    delivered_is(w, "");
    counters_add_up(w);
    wire_close(w);
}

Test(session, payload_before_the_server_has_answered_is_dropped)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    w->sport = 40001;
    wire_packet(w, L7_TO_SERVER, TCP_SYN, 0, NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    delivered_is(w, "");
    counters_add_up(w);
    wire_close(w);
}

Test(session, a_second_syn_does_not_move_what_is_judged)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    /* Pretend to begin anew 8 bytes earlier, so that the filter would read other bytes than the
     * server, which ignores the SYN. */
    wire_packet(w, L7_TO_SERVER, TCP_SYN, (int64_t)strlen(GOOD) - 8, NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)strlen(GOOD), BAD, strlen(BAD));
    delivered_is(w, GOOD);
    refused_with(w, "no-match");
    wire_close(w);
}

Test(session, urgent_data_is_refused)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK | TCP_URG, 0, GOOD, strlen(GOOD));
    delivered_is(w, "");
    refused_with(w, "urgent-data");
    wire_close(w);
}

Test(session, a_port_used_again_after_a_refusal_works)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, BAD);
    cr_expect(w->server.reset);
    wire_client_says(w, "more");
    delivered_is(w, "");
    wire_connect(w, 40000);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, GOOD, strlen(GOOD));
    delivered_is(w, GOOD);
    counters_add_up(w);
    wire_close(w);
}

Test(session, bodies_pass_unread_and_the_next_request_is_judged)
{
    static const char policy[] =
        "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
        "metadata: {name: p}\nspec:\n  priority: 5\n"
        "  appliedTo: [{podSelector: {}}]\n  ingress:\n"
        "  - {action: Allow, l7Protocols: [{http: {path: \"/public/*\"}}]}\n";
    struct wire *w = wire_open(policy);
    wire_connect(w, 40000);
    size_t len = 300000;
    char *body = malloc(len);
    memset(body, 'b', len);
    memcpy(body + 150000, BAD, strlen(BAD)); /* data that looks like a request */
    wire_client_says(w, "POST /public/up HTTP/1.1\r\nHost: web\r\nContent-Length: 300000\r\n\r\n");
    size_t head = w->server.len;
    wire_say(w, L7_TO_SERVER, body, len);
    cr_expect_eq(w->server.len, head + len);
    cr_expect(memcmp(w->server.bytes + head, body, len) == 0);
    wire_client_says(w, BAD);
    cr_expect_eq(w->server.len, head + len);
    refused_with(w, "no-match");
    free(body);
    wire_close(w);
}

Test(session, a_reload_judges_the_next_request_anew)
{
    static const char other[] = "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
                                "metadata: {name: other}\nspec:\n  priority: 5\n"
                                "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"
                                "  ingress:\n"
                                "  - {name: elsewhere, action: Allow, l7Protocols: [{http: "
                                "{path: \"/elsewhere\"}}]}\n";
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    wire_reload(w, other);
    wire_client_says(w, GOOD);
    delivered_is(w, GOOD);
    refused_with(w, "no-match");
    cr_expect_str_eq(w->alerts[0].rule, "elsewhere");
    wire_close(w);
}

Test(session, a_reload_that_denies_resets_live_flows)
{
    static const char deny[] = "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
                               "metadata: {name: deny}\nspec:\n  priority: 5\n"
                               "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"
                               "  ingress:\n  - {name: nothing, action: Drop}\n";
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    wire_reload(w, deny);
    wire_client_says(w, GOOD);
    delivered_is(w, GOOD);
    refused_with(w, "policy-change");
    wire_close(w);
}

Test(session, a_flow_that_is_forgotten_is_told)
{
    struct wire *w = wire_open(wire_allow_get_public);
    wire_connect(w, 40000);
    wire_client_says(w, GOOD);
    wire_server_says(w, REPLY);
    wire_connect(w, 40001);
    wire_client_says(w, BAD);
    wire_pass_time(w, 3601 * 1000);
    cr_expect_eq(table_count(w->worker.table), 0);
    wire_records(w);
    cr_assert_eq(w->flow_count, 2);
    cr_expect_str_eq(w->flows[0], "state=established;reason=timeout;alerted=0;action=pass;");
    cr_expect_str_eq(w->flows[1], "state=closed;reason=timeout;alerted=1;action=drop;");
    wire_close(w);
}

/* ---- any segmentation ---- */

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* Send `text` in random pieces, in random order within a window, with faithful repeats. */
static void send_shuffled(struct wire *w, const char *text)
{
    size_t len = strlen(text), at = 0;
    struct {
        size_t at, len;
    } piece[64];
    while (at < len && !w->server.reset) {
        size_t n = 0, from = at;
        while (n < 6 && from < len) {
            size_t take = 1 + random_below(12);
            if (take > len - from)
                take = len - from;
            piece[n].at = from;
            piece[n].len = take;
            from += take;
            n++;
        }
        for (size_t i = 0; i < n; i++) {
            size_t j = random_below((uint32_t)n);
            size_t a = piece[i].at, l = piece[i].len;
            piece[i] = piece[j];
            piece[j].at = a;
            piece[j].len = l;
        }
        for (size_t i = 0; i < n; i++) {
            wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)piece[i].at, text + piece[i].at,
                        piece[i].len);
            if (random_below(4) == 0)
                wire_packet(w, L7_TO_SERVER, TCP_ACK, (int64_t)piece[i].at, text + piece[i].at,
                            piece[i].len);
            if (random_below(3) == 0)
                wire_packet(w, L7_TO_CLIENT, TCP_ACK, 0, NULL, 0);
        }
        at = from;
    }
}

Test(session, any_segmentation_delivers_the_allowed_requests_and_no_other)
{
    static const char text[] = GOOD
        "GET /public/b?x=1 HTTP/1.1\r\nHost: web\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n" GOOD
            BAD GOOD;
    static const char allowed[] = GOOD
        "GET /public/b?x=1 HTTP/1.1\r\nHost: web\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n" GOOD;
    struct wire *w = wire_open(wire_allow_get_public);
    for (uint32_t seed = 1; seed <= 400; seed++) {
        random_state = seed;
        wire_connect(w, (uint16_t)(30000 + seed));
        send_shuffled(w, text);
        cr_assert(w->server.reset, "seed %u: not refused", seed);
        /* A stall may let the beginning of the denied request out, never its end. */
        cr_assert_geq(w->server.len, strlen(allowed), "seed %u: %zu bytes", seed, w->server.len);
        cr_assert_lt(w->server.len, strlen(allowed) + strlen(BAD), "seed %u", seed);
        cr_assert(memcmp(w->server.bytes, text, w->server.len) == 0, "seed %u", seed);
        counters_add_up(w);
    }
    cr_expect_eq(w->worker.stats.flows_refused, 400);
    wire_close(w);
}
