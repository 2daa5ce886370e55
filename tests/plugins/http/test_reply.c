/* SPDX-License-Identifier: Apache-2.0 */
/* reply: pairing, the record's facts, and flows that become another protocol. */

#include <criterion/criterion.h>
#include <string.h>

#include "fake.h"

#define GET_LINE(path) "GET " path " HTTP/1.1\r\nHost: a.example\r\n\r\n"

static struct fake *asked(const char *request)
{
    struct fake *f = fake_new();
    fake_client(f, request);
    cr_assert_eq(f->tx_count, 1);
    cr_assert(f->txs[0]->allowed);
    return f;
}

Test(reply, completes_the_record_at_its_last_byte)
{
    struct fake *f = asked(GET_LINE("/"));
    fake_server(f, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\nContent-Length: 5\r\n"
                   "\r\nhel");
    cr_expect_not(f->txs[0]->closed);
    fake_server(f, "l");
    cr_expect_not(f->txs[0]->closed);
    fake_server(f, "o");
    cr_assert(f->txs[0]->closed);
    cr_expect_eq(f->txs[0]->number[ATTR_STATUS], 200);
    cr_expect_eq(f->txs[0]->number[ATTR_LENGTH], 5);
    cr_expect(fake_is(&f->txs[0]->text[ATTR_CONTENT_TYPE], "text/html"));
    cr_expect_eq(f->sides[1].len, 0);
    fake_free(f);
}

struct length {
    const char *request, *reply;
    int64_t length;
    bool at_end; /* complete only when the server closes */
};

#define HEAD_LINE "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct length lengths[] = {
    {GET_LINE("/"), CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", 24, false},
    {GET_LINE("/"), CHUNKED "1\r\nx\r\n0\r\nA: b\r\n\r\n", 15, false},
    {GET_LINE("/"), CHUNKED "5  \r\nhello\r\n0\r\n\r\n", 15, false},
    {GET_LINE("/"), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, false},
    {GET_LINE("/"), "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc", 3, false},
    {GET_LINE("/"), "HTTP/1.1 200 OK\r\n\r\nabc", 3, true},
    {GET_LINE("/"), "HTTP/1.0 200\r\n\r\n", 0, true},
    {GET_LINE("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabcd", 4, true},
    {GET_LINE("/"), "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 3, false},
    {GET_LINE("/"), "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", 0, false},
    {GET_LINE("/"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 0, false},
    {HEAD_LINE, "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n", 0, false},
    {HEAD_LINE, CHUNKED, 0, false},
    {GET_LINE("/"), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 1,
     false},
    {GET_LINE("/"),
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n"
     "0\r\n\r\n",
     3, false},
};

static void check_length(const struct length *row, size_t piece)
{
    struct fake *f = asked(row->request);
    size_t len = strlen(row->reply);
    for (size_t at = 0; at < len; at += piece)
        fake_push(f, L7_TO_CLIENT, row->reply + at, piece < len - at ? piece : len - at);
    cr_expect_eq(f->txs[0]->closed, !row->at_end, "%s", row->reply);
    fake_end(f, L7_TO_CLIENT);
    cr_expect(f->txs[0]->closed, "%s", row->reply);
    cr_expect_eq(f->txs[0]->number[ATTR_LENGTH], row->length, "%s: %d", row->reply,
                 (int)f->txs[0]->number[ATTR_LENGTH]);
    cr_expect_eq(f->sides[1].delivered, len, "%s", row->reply);
    cr_expect_null(f->reply_reason, "%s: %s", row->reply, f->reply_reason);
    fake_free(f);
}

Test(reply, counts_the_bytes_of_its_body_on_the_wire_however_they_come)
{
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t piece = 1; piece < 100; piece += piece < 4 ? 1 : 31)
            check_length(&lengths[i], piece);
    }
}

Test(reply, cut_short_counts_what_came)
{
    struct fake *f = asked(GET_LINE("/"));
    fake_server(f, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
    fake_server(f, "defg");
    fake_end(f, L7_TO_CLIENT);
    cr_expect_eq(f->txs[0]->number[ATTR_LENGTH], 7);
    cr_expect_not(f->txs[0]->closed, "the host closes it with the flow");
    fake_free(f);
}

Test(reply, sets_redirect_and_range)
{
    struct fake *f = asked(GET_LINE("/"));
    fake_server(f, "HTTP/1.1 206 x\r\nLocation: /there\r\nContent-Range: bytes 10-14/100\r\n"
                   "Content-Type:\r\nContent-Length: 0\r\n\r\n");
    const struct fake_tx *tx = f->txs[0];
    cr_expect(fake_is(&tx->text[ATTR_REDIRECT], "/there"));
    cr_expect(fake_is(&tx->text[ATTR_RANGE_RAW], "bytes 10-14/100"));
    cr_expect_eq(tx->number[ATTR_RANGE_START], 10);
    cr_expect_eq(tx->number[ATTR_RANGE_END], 14);
    cr_expect_eq(tx->number[ATTR_RANGE_SIZE], 100);
    cr_expect(fake_is(&tx->text[ATTR_CONTENT_TYPE], ""));
    fake_free(f);
}

Test(reply, leaves_out_what_a_range_does_not_say)
{
    struct fake *f = asked(GET_LINE("/"));
    fake_server(f, "HTTP/1.1 206 x\r\nContent-Range: bytes 0-4/*\r\nContent-Length: 0\r\n"
                   "Content-Type: \xff\r\n\r\n");
    cr_expect(f->txs[0]->has_number[ATTR_RANGE_START]);
    cr_expect_not(f->txs[0]->has_number[ATTR_RANGE_SIZE]);
    cr_expect_not(f->txs[0]->text[ATTR_CONTENT_TYPE].set, "not UTF-8");
    fake_free(f);
}

Test(reply, may_fold_and_repeat_headers)
{
    struct fake *f = asked(GET_LINE("/"));
    fake_server(f, "HTTP/1.1 301 x\r\nLocation: /a\r\n  b\r\nnonsense\r\nLocation: /c\r\n"
                   "Content-Length: 0\r\n\r\n");
    cr_expect(fake_is(&f->txs[0]->text[ATTR_REDIRECT], "/a b, /c"));
    fake_free(f);
}

struct unreadable {
    const char *reply, *reason;
};

static const struct unreadable unreadables[] = {
    {"HTTP/2.0 200 OK\r\n", "status-line"},
    {"hello\r\n", "status-line"},
    {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n", "content-length"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n", "content-lengths-differ"},
    {"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n", "space-before-colon"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n", "folded-header"},
    {CHUNKED "x\r\n", "chunk-size"},
    {CHUNKED "1\r\nab\r\n", "chunk-end"},
    {"HTTP/1.1 101 Switching\r\n\r\n", "unexpected-101"},
};

Test(reply, that_cannot_be_read_ends_the_reading_but_not_the_judging)
{
    for (size_t i = 0; i < sizeof(unreadables) / sizeof(unreadables[0]); i++) {
        struct fake *f = asked(GET_LINE("/1"));
        fake_server(f, unreadables[i].reply);
        cr_expect_str_eq(f->reply_reason ? f->reply_reason : "", unreadables[i].reason, "%s",
                         unreadables[i].reply);
        cr_expect_not(f->txs[0]->closed, "%s", unreadables[i].reply);
        fake_client(f, GET_LINE("/2"));
        cr_expect_eq(f->tx_count, 2);
        cr_expect(f->txs[1]->allowed);
        fake_free(f);
    }
}

Test(reply, with_a_status_of_one_digit_is_on_record)
{
    struct fake *f = asked(GET_LINE("/"));
    fake_server(f, "HTTP/1.1 2xx OK\r\n\r\n");
    cr_expect_str_eq(f->reply_reason, "status-line");
    cr_expect_eq(f->txs[0]->number[ATTR_STATUS], 2);
    fake_free(f);
}

Test(reply, of_a_tunnel_hands_the_flow_over)
{
    struct fake *f = asked("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
    uint64_t head = f->sides[0].delivered;
    fake_client(f, "\x16\x03\x01");
    cr_expect(f->waiting);
    cr_expect_not(f->refused);
    cr_expect_eq(f->sides[0].delivered, head, "what a tunnel carries waits for it");
    fake_server(f, "HTTP/1.1 100 Continue\r\n\r\n");
    cr_expect_not(f->tunnel);
    fake_server(f, "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nhello");
    cr_assert(f->tunnel);
    cr_expect(f->txs[0]->closed);
    cr_expect_eq(f->txs[0]->number[ATTR_LENGTH], 0);
    cr_expect_eq(f->sides[1].len, 5, "what follows the head is the tunnel's");
    fake_free(f);
}

Test(reply, that_is_both_a_tunnel_and_an_ordinary_answer_opens_neither)
{
    static const char *const frames[] = {"Content-Length: 2", "Content-Length: 0",
                                         "Transfer-Encoding: chunked"};
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        char reply[128];
        struct fake *f = asked("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
        snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\n%s\r\n\r\n", frames[i]);
        fake_server(f, reply);
        cr_expect_not(f->tunnel);
        fake_client(f, GET_LINE("/admin"));
        cr_expect(f->refused, "%s", frames[i]);
        cr_expect_str_eq(f->reason, "connect-answer");
        fake_free(f);
    }
}

Test(reply, that_declines_a_tunnel_lets_requests_go_on)
{
    struct fake *f = asked("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n");
    f->only_path = "/public";
    fake_client(f, GET_LINE("/public") GET_LINE("/admin"));
    cr_expect_eq(f->tx_count, 1);
    fake_server(f, "HTTP/1.1 405 x\r\nContent-Length: 2\r\n\r\nno");
    cr_expect_eq(f->tx_count, 3);
    cr_expect(f->txs[1]->allowed);
    cr_expect(f->refused, "what was behind is judged as any request");
    fake_free(f);
}

#define WEBSOCKET "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define H2C "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

Test(reply, of_an_upgrade_releases_the_flow)
{
    struct fake *f = asked(WEBSOCKET);
    fake_client(f, "frames");
    cr_expect(f->waiting);
    fake_server(f, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nframes");
    cr_assert(f->released);
    cr_expect_eq(f->txs[0]->number[ATTR_STATUS], 101);
    cr_expect_eq(f->txs[0]->number[ATTR_LENGTH], 0);
    cr_expect_not(f->txs[0]->closed, "written when the flow ends");
    fake_free(f);
}

Test(reply, that_declines_an_upgrade_lets_requests_go_on)
{
    struct fake *f = asked(H2C);
    fake_client(f, GET_LINE("/2"));
    cr_expect_eq(f->tx_count, 1);
    fake_server(f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    cr_expect_eq(f->tx_count, 2);
    cr_expect(f->txs[1]->allowed);
    cr_expect_not(f->refused);
    fake_free(f);
}

Test(reply, to_head_has_no_body_even_when_an_upgrade_was_offered)
{
    struct fake *f = asked("HEAD / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n");
    fake_server(f, "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n");
    cr_expect(f->txs[0]->closed);
    fake_client(f, GET_LINE("/2"));
    fake_server(f, "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n");
    cr_expect_eq(f->txs[1]->number[ATTR_STATUS], 404);
    fake_free(f);
}

Test(reply, that_goes_on_in_http2_is_the_end_of_what_may_pass)
{
    const char *const replies[] = {"HTTP/1.1 101 x\r\n\r\n",
                                   "HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct fake *f = asked(H2C);
        fake_server(f, replies[i]);
        cr_expect_not(f->released);
        fake_server(f, "\0\0\0\4");
        fake_client(f, "PRI * HTTP/2.0\r\n");
        cr_expect(f->refused);
        cr_expect_str_eq(f->reason, "h2c-not-supported");
        fake_free(f);
    }
}

Test(reply, that_cannot_be_read_refuses_what_waits_for_it)
{
    struct fake *f = asked(WEBSOCKET);
    fake_client(f, "frames");
    cr_expect(f->waiting);
    fake_server(f, "hello\r\n");
    cr_expect(f->refused);
    cr_expect_str_eq(f->reason, "reply-unreadable");
    fake_free(f);
}

Test(reply, that_never_comes_refuses_what_waits_for_it)
{
    struct fake *f = asked(WEBSOCKET);
    fake_end(f, L7_TO_CLIENT);
    fake_client(f, "frames");
    cr_expect(f->refused);
    fake_free(f);
}

Test(reply, nobody_asked_for_does_no_harm)
{
    struct fake *f = asked(GET_LINE("/1"));
    fake_server(f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                   "HTTP/1.1 408 Timeout\r\nConnection: close\r\n\r\nbye");
    cr_expect_null(f->reply_reason);
    cr_expect_eq(f->sides[1].len, 0);
    fake_client(f, GET_LINE("/2"));
    cr_expect(f->txs[1]->allowed);
    cr_expect_not(f->txs[1]->has_number[ATTR_STATUS]);
    fake_client(f, WEBSOCKET "frames");
    cr_expect(f->refused, "its answer will not be read");
    fake_free(f);
}

/* A flow joined in its middle may begin with a reply. */
Test(reply, seen_before_any_request_is_passed_over)
{
    struct fake *f = fake_new();
    fake_load(f);
    f->state = calloc(1, f->inspector->state_size);
    f->claimed = true;
    fake_server(f, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    fake_client(f, GET_LINE("/1"));
    fake_server(f, "HTTP/1.1 201 x\r\nContent-Length: 0\r\n\r\n");
    cr_assert_eq(f->tx_count, 1);
    cr_expect_eq(f->txs[0]->number[ATTR_STATUS], 201);
    cr_expect(f->txs[0]->closed);
    fake_free(f);
}

Test(reply, may_come_while_the_request_is_still_being_sent)
{
    struct fake *f = asked("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
    fake_server(f, "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n");
    cr_expect(f->txs[0]->closed);
    fake_client(f, "67890" GET_LINE("/2"));
    cr_expect_eq(f->tx_count, 2);
    cr_expect(f->txs[1]->allowed);
    fake_free(f);
}

/* Whoever only watches goes on after what would have been refused. */
Test(reply, to_a_broken_request_completes_its_record)
{
    struct fake *f = fake_new();
    fake_client(f, "GET /a b HTTP/1.1\r\nHost: A.example\r\nUser-Agent: x\r\n\r\n");
    cr_assert(f->refused);
    f->refused = false;
    fake_server(f, "HTTP/1.1 400 x\r\nContent-Length: 0\r\n\r\n");
    cr_expect(fake_is(&f->txs[0]->text[ATTR_URL], "/a"));
    cr_expect(fake_is(&f->txs[0]->text[ATTR_HOSTNAME], "a.example"));
    cr_expect(fake_is(&f->txs[0]->text[ATTR_USER_AGENT], "x"));
    cr_expect_eq(f->txs[0]->number[ATTR_STATUS], 400);
    cr_expect(f->txs[0]->closed);
    fake_free(f);
}
