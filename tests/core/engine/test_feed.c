/* SPDX-License-Identifier: Apache-2.0 */
/* feed: an inspector that breaks the contract costs its flow, with a named reason, and nothing
 * else. The inspectors are plugins/odd.c, loaded beside the built ones. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/logger.h"
#include "harness/wire.h"

#define INSPECTORS BUILD_DIR "/tests/inspectors/"

/* Ingress of app=web under one rule with the items given. */
static const char *policy(const char *items)
{
    static char text[4096];
    snprintf(text, sizeof(text),
             "apiVersion: crd.antrea.io/v1beta1\n"
             "kind: NetworkPolicy\n"
             "metadata: {name: odd, namespace: default}\n"
             "spec:\n"
             "  priority: 5\n"
             "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"
             "  ingress:\n"
             "  - {name: odd, action: Allow, l7Protocols: [%s]}\n",
             items);
    return text;
}

static struct wire *open_with(const char *folder, const char *items)
{
    char dir[512];
    struct wire *w = wire_open("");
    struct problems *problems = problems_new();
    snprintf(dir, sizeof(dir), INSPECTORS "%s", folder);
    int err = registry_scan(w->registry, dir, NULL, problems);
    if (err < 0)
        problems_print(problems, stderr);
    problems_free(problems);
    cr_assert_eq(err, 0);
    wire_reload(w, policy(items));
    return w;
}

static void adds_up(const struct wire *w)
{
    const struct stats *st = &w->worker.stats;
    cr_expect_eq(st->frames_received,
                 st->frames_forwarded + st->frames_dropped + st->frames_rejected + st->frames_held);
}

static void refused(struct wire *w, const char *reason)
{
    wire_records(w);
    cr_assert_eq(w->alert_count, 1, "%zu alerts, not one of %s", w->alert_count, reason);
    cr_expect_str_eq(w->alerts[0].reason, reason);
    cr_expect(w->server.reset && w->client.reset);
    cr_expect_eq(w->worker.stats.frames_held, 0);
    cr_expect_eq(w->worker.stream_memory, 0);
    adds_up(w);
}

static void says(struct wire *w, const char *text)
{
    wire_say(w, L7_TO_SERVER, text, strlen(text));
}

Test(feed, answers_against_the_contract_refuse_the_flow_and_deliver_nothing)
{
    static const char *const names[] = {"over", "far", "step", "need", "unopened"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[64], items[64];
        snprintf(items, sizeof(items), "{%s: {}}", names[i]);
        struct wire *w = open_with("faulty", items);
        wire_connect(w, 40000);
        snprintf(text, sizeof(text), "(%s)yes\n", names[i]);
        says(w, text);
        says(w, "more\n");
        cr_expect_eq(w->server.len, 0, "%s delivered %zu bytes", names[i], w->server.len);
        refused(w, "plugin-failure");
        wire_close(w);
    }
}

Test(feed, the_same_answers_on_a_watched_flow_cost_its_log_only)
{
    static const char *const names[] = {"over", "far", "step", "need", "hasty", "unopened"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[64];
        struct wire *w = open_with("faulty", "{http: {}}");
        wire_reload(w, ""); /* no policy: all is allowed */
        w->settings->inspect = INSPECT_ALL;
        wire_connect(w, 40000);
        snprintf(text, sizeof(text), "(%s)yes\n", names[i]);
        says(w, text);
        cr_expect_eq(w->worker.stats.flows_governed, 0);
        wire_close(w);
    }
}

Test(feed, after_a_faulty_plugin_other_flows_go_on)
{
    struct wire *w = open_with("faulty", "{over: {}}, {http: {}}");
    wire_connect(w, 40000);
    says(w, "(over)x");
    wire_connect(w, 40001);
    says(w, "GET / HTTP/1.1\r\nHost: web\r\n\r\n");
    cr_expect_gt(w->server.len, 0);
    cr_expect_not(w->server.reset);
    wire_close(w);
}

Test(feed, an_inspector_that_never_decides_is_ended_by_the_limits)
{
    /* All of them hold what they are given; what streams then is never the whole message. */
    static const char *const names[] = {"never", "more", "wait"};
    for (size_t i = 0; i < 3; i++) {
        char items[64], text[64];
        snprintf(items, sizeof(items), "{%s: {}}", names[i]);
        snprintf(text, sizeof(text), "(%s)", names[i]);

        struct wire *w = open_with("slow", items); /* too long */
        static char block[1000];
        memset(block, 'x', sizeof(block));
        wire_connect(w, 40000);
        says(w, text);
        for (int k = 0; k < 200 && !w->server.reset; k++)
            wire_say(w, L7_TO_SERVER, block, sizeof(block));
        cr_expect_leq(w->server.len, w->settings->message_limit);
        cr_expect(i != 2 || w->server.len == 0, "nothing streams while the inspector waits");
        refused(w, "message-limit");
        wire_close(w);

        w = open_with("slow", items); /* too slow */
        wire_connect(w, 40000);
        says(w, text);
        wire_pass_time(w, w->settings->decision_timeout / 2);
        cr_expect_not(w->client.reset);
        wire_pass_time(w, w->settings->decision_timeout);
        cr_expect_eq(w->server.len, 0);
        refused(w, "decision-timeout");
        wire_close(w);

        w = open_with("slow", items); /* over before it was decided */
        wire_connect(w, 40000);
        wire_packet(w, L7_TO_SERVER, TCP_ACK | TCP_FIN, 0, text, strlen(text));
        cr_expect_eq(w->server.len, 0);
        refused(w, "incomplete");
        wire_close(w);
    }
}

Test(feed, a_strict_hold_lets_nothing_of_an_undecided_message_go)
{
    struct wire *w = open_with("slow", "{never: {}}");
    w->settings->hold = HOLD_STRICT;
    static char block[20000];
    memset(block, 'x', sizeof(block));
    wire_connect(w, 40000);
    says(w, "(never)");
    wire_say(w, L7_TO_SERVER, block, sizeof(block));
    cr_expect_eq(w->server.len, 0);
    refused(w, "hold-limit");
    wire_close(w);
}

Test(feed, transactions_without_end_reach_a_limit)
{
    struct wire *w = open_with("slow", "{flood: {}}");
    w->settings->max_transactions = 100;
    wire_connect(w, 40000);
    says(w, "(flood)yes\n");
    cr_expect_eq(w->server.len, 0);
    refused(w, "transaction-limit");
    cr_expect_eq(w->worker.stats.transactions_allowed, 0);
    wire_close(w);
}

/* What is consumed may be delivered: that word of an inspector is believed for the call in which
 * it is given, and for no later one. */
Test(feed, consuming_what_is_undecided_is_found_at_the_next_call)
{
    struct wire *w = open_with("faulty", "{hasty: {}}");
    wire_connect(w, 40000);
    says(w, "(hasty)");
    size_t before = w->server.len;
    says(w, "more\n");
    cr_expect_eq(w->server.len, before);
    refused(w, "plugin-failure");
    wire_close(w);
}

Test(feed, a_refusal_ends_the_flow_though_the_inspector_does_not_stop)
{
    struct wire *w = open_with("slow", "{deaf: {word: \"yes\"}}");
    wire_connect(w, 40000);
    says(w, "(deaf)yes\n");
    size_t before = w->server.len;
    says(w, "(deaf)yes\n");
    cr_expect_eq(w->server.len, before);
    refused(w, "no-match");
    wire_close(w);
}

Test(feed, fields_that_do_not_exist_match_nothing)
{
    struct wire *w = open_with("slow", "{badfield: {word: \"yes\"}}");
    wire_connect(w, 40000);
    says(w, "(badfield)yes\n");
    cr_expect_eq(w->server.len, 0);
    refused(w, "no-match");
    wire_close(w);
}

Test(feed, a_break_without_a_reason_has_one_all_the_same)
{
    struct wire *w = open_with("slow", "{mute: {}}");
    wire_connect(w, 40000);
    says(w, "(mute)yes\n");
    cr_expect_eq(w->server.len, 0);
    refused(w, "broken");
    wire_close(w);
}

Test(feed, a_reason_that_is_no_slug_spoils_no_counter)
{
    struct wire *w = open_with("slow", "{loud: {}}");
    wire_connect(w, 40000);
    says(w, "(loud)yes\n");
    cr_expect_eq(w->server.len, 0);
    const struct reason_count *last = &w->worker.stats.refusals[STATS_REASONS - 1];
    cr_expect_str_eq(last->reason, "other");
    cr_expect_eq(last->count, 1);
    cr_expect(w->server.reset && w->client.reset);
    adds_up(w);
    wire_close(w);
}

Test(feed, consuming_byte_by_byte_ends_with_the_bytes)
{
    struct wire *w = open_with("slow", "{nibble: {}}");
    static char block[60000];
    memset(block, 'x', sizeof(block));
    wire_connect(w, 40000);
    says(w, "(nibble)");
    wire_say(w, L7_TO_SERVER, block, sizeof(block));
    cr_expect_eq(w->server.len, 8 + sizeof(block), "an inspector's word that they may go");
    cr_expect_not(w->server.reset);
    adds_up(w);
    wire_close(w);
}

Test(feed, an_inspector_that_claims_everything_gets_only_what_no_other_claims)
{
    struct wire *w = open_with("everything", "{http: {path: \"/public/*\"}}");
    wire_connect(w, 40000);
    says(w, "GET /public/a HTTP/1.1\r\nHost: web\r\n\r\n");
    cr_expect_gt(w->server.len, 0, "plugins are asked in order of their names' loading");
    wire_packet(w, L7_TO_CLIENT, TCP_RST | TCP_ACK, 0, NULL, 0);
    wire_pass_time(w, w->settings->tcp_close_timeout + 1);
    wire_connect(w, 40001);
    says(w, "\x01something else\n");
    wire_pass_time(w, w->settings->decision_timeout * 2);
    cr_expect_eq(w->server.len, 0);
    refused(w, "decision-timeout");
    wire_close(w);
}

Test(feed, bytes_that_nobody_claims_are_refused_at_once)
{
    struct wire *w = open_with("slow", "{fair: {}}");
    wire_connect(w, 40000);
    says(w, "(nobody)");
    cr_expect_eq(w->server.len, 0);
    refused(w, "unclaimed");
    wire_close(w);
}

Test(feed, an_undecided_probe_ends_at_the_limit)
{
    /* "GE" may become a request; so may ever more letters, but not without end. */
    struct wire *w = open_with("slow", "{http: {}}");
    static char block[20000];
    memset(block, 'G', sizeof(block));
    wire_connect(w, 40000);
    wire_say(w, L7_TO_SERVER, block, sizeof(block));
    cr_expect_leq(w->server.len, w->settings->hold_limit);
    wire_records(w);
    cr_expect_eq(w->alert_count, 1);
    cr_expect(w->server.reset && w->client.reset);
    adds_up(w);
    wire_close(w);
}

Test(feed, a_fair_inspector_is_believed)
{
    struct wire *w = open_with("slow", "{fair: {word: \"y*\"}}");
    wire_connect(w, 40000);
    says(w, "(fair)yes\n");
    wire_server_says(w, "yes\n");
    says(w, "yo");
    cr_expect_eq(w->server.len, 10);
    says(w, "u\nyet\n");
    cr_expect_eq(w->server.len, 18);
    says(w, "no\n");
    cr_expect_eq(w->server.len, 18);
    cr_expect_eq(w->worker.stats.transactions_allowed, 3);
    refused(w, "no-match");
    cr_expect_eq(w->transaction_count, 3);
    cr_expect_str_eq(w->transactions[0], "fair word=yes;");
    cr_expect_str_eq(w->alerts[0].attrs, "word=no;");
    wire_close(w);
}
