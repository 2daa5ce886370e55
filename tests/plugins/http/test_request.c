/* SPDX-License-Identifier: Apache-2.0 */
/* request: what is asked of the rules, when, and what passes meanwhile. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "fake.h"

#define HOST_LINE "Host: a.example\r\n"

static size_t allowed(const struct fake *f)
{
    size_t count = 0;
    while (count < f->tx_count && f->txs[count]->allowed)
        count++;
    return count;
}

Test(request, sets_every_attribute_of_its_head)
{
    struct fake *f = fake_new();
    fake_client(f, "GET /./b?c=%20d HTTP/1.1\r\nhost:  A.Example.:8080 \r\nUser-Agent: one\r\n"
                   "X-Forwarded-For: 192.0.2.1\r\nuser-agent: two\r\nReferer: http://r/\r\n\r\n");
    cr_assert_eq(f->tx_count, 1);
    const struct fake_tx *tx = f->txs[0];
    cr_expect(fake_is(&tx->text[ATTR_HOSTNAME], "a.example."));
    cr_expect_eq(tx->number[ATTR_PORT], 8080);
    cr_expect(fake_is(&tx->text[ATTR_URL], "/./b?c=%20d"));
    cr_expect(fake_is(&tx->text[ATTR_USER_AGENT], "one, two"));
    cr_expect(fake_is(&tx->text[ATTR_XFF], "192.0.2.1"));
    cr_expect(fake_is(&tx->text[ATTR_REFERER], "http://r/"));
    cr_expect(fake_is(&tx->text[ATTR_METHOD], "GET"));
    cr_expect(fake_is(&tx->text[ATTR_PROTOCOL], "HTTP/1.1"));
    cr_expect(tx->has_number[ATTR_LENGTH] && tx->number[ATTR_LENGTH] == 0);
    cr_expect_not(tx->has_number[ATTR_STATUS]);
    cr_expect(fake_is(&tx->fields[FIELD_HOST].forms[0], "a.example"));
    cr_expect(fake_is(&tx->fields[FIELD_PATH].forms[0], "/b"));
    cr_expect(fake_is(&tx->fields[FIELD_PATH].tail, "c=%20d"));
    fake_free(f);
}

Test(request, leaves_out_what_is_empty_or_impossible)
{
    struct fake *f = fake_new();
    fake_client(f, "GET / HTTP/1.1\r\nHost: a.example:99999\r\nUser-Agent:\r\n\r\n");
    cr_assert_eq(allowed(f), 1);
    cr_expect_not(f->txs[0]->has_number[ATTR_PORT]);
    cr_expect_not(f->txs[0]->text[ATTR_USER_AGENT].set);
    cr_expect_not(f->txs[0]->fields[FIELD_PATH].has_tail);
    fake_free(f);
}

Test(request, keeps_the_brackets_of_an_address_in_the_record_only)
{
    struct fake *f = fake_new();
    fake_client(f, "GET http://[2001:DB8::1]:80/ HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n");
    cr_assert_eq(allowed(f), 1);
    cr_expect(fake_is(&f->txs[0]->text[ATTR_HOSTNAME], "[2001:db8::1]"));
    cr_expect(fake_is(&f->txs[0]->fields[FIELD_HOST].forms[0], "2001:db8::1"));
    cr_expect(fake_is(&f->txs[0]->text[ATTR_URL], "http://[2001:DB8::1]:80/"));
    fake_free(f);
}

Test(request, is_refused_by_its_method_before_its_head_is_complete)
{
    struct fake *f = fake_new();
    f->only_method = "GET";
    fake_client(f, "POST /x HTTP/1.1\r");
    cr_assert_not(f->refused);
    fake_client(f, "\n");
    cr_assert(f->refused);
    cr_expect(fake_is(&f->txs[0]->text[ATTR_URL], "/x"));
    cr_expect_eq(f->sides[0].delivered, 0);
    fake_free(f);
}

Test(request, is_refused_by_its_path_before_its_head_is_complete)
{
    struct fake *f = fake_new();
    f->only_path = "/public";
    fake_client(f, "GET /admin HTTP/1.1\r\n");
    cr_assert(f->refused);
    cr_expect_eq(f->sides[0].delivered, 0);
    fake_free(f);
}

Test(request, refused_whole_shows_all_that_was_read)
{
    struct fake *f = fake_new();
    f->only_path = "/public";
    fake_client(f, "GET /admin HTTP/1.1\r\n" HOST_LINE "User-Agent: x\r\n\r\n");
    cr_assert(f->refused);
    cr_expect(fake_is(&f->txs[0]->text[ATTR_HOSTNAME], "a.example"));
    cr_expect(fake_is(&f->txs[0]->text[ATTR_USER_AGENT], "x"));
    fake_free(f);
}

Test(request, refused_for_its_form_shows_what_can_be_read)
{
    static const struct {
        const char *text, *host, *url;
    } rows[] = {
        {"GET /a HTTP/1.1\nHost: a\n\n", "a", "/a"},
        {"GET /a HTTP/1.1\r\nHost: A\r\nhost: b\r\n\r\n", "a, b", "/a"},
        {"GET http://u@h/a HTTP/1.1\r\nHost: h\r\n\r\n", "h", "http://u@h/a"},
        {"CONNECT A:25 / HTTP/1.0\r\n\r\n", "a", "A:25"},
        {"POST /a HTTP/1.1\r\nContent-Length: x\r\nHost: a\r\n\r\n", "a", "/a"},
        {"GET /a HTTP/1.1\r\nnonsense\r\nHost: a\r\n\r\n", "a", "/a"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake *f = fake_new();
        fake_client(f, rows[i].text);
        cr_assert(f->refused, "%s", rows[i].text);
        cr_assert_eq(f->tx_count, 1, "%s", rows[i].text);
        cr_expect_not(f->txs[0]->decided, "%s", rows[i].text);
        cr_expect(fake_is(&f->txs[0]->text[ATTR_HOSTNAME], rows[i].host), "%s", rows[i].text);
        cr_expect(fake_is(&f->txs[0]->text[ATTR_URL], rows[i].url), "%s", rows[i].text);
        fake_free(f);
    }
}

Test(request, without_a_host_does_not_fit_a_rule_with_one)
{
    struct fake *f = fake_new();
    f->only_host = "a.example";
    fake_client(f, "GET /x HTTP/1.0\r\n\r\n");
    cr_assert(f->refused);
    cr_expect_eq(f->sides[0].delivered, 0);
    fake_free(f);
}

Test(request, behind_an_allowed_one_is_refused_alone)
{
    struct fake *f = fake_new();
    f->only_path = "/public";
    static const char good[] = "POST /public HTTP/1.1\r\n" HOST_LINE "Content-Length: 3\r\n\r\nabc";
    fake_client(f, good);
    fake_client(f, "GET /admin HTTP/1.1\r\n" HOST_LINE "\r\n");
    cr_assert(f->refused);
    cr_expect_eq(allowed(f), 1);
    cr_expect_eq(f->sides[0].delivered, sizeof(good) - 1);
    fake_free(f);
}

Test(request, whose_frame_breaks_in_the_same_bytes_does_not_pass_at_all)
{
    struct fake *f = fake_new();
    fake_client(f, "POST /x HTTP/1.1\r\n" HOST_LINE
                   "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0x1\r\na\r\n0\r\n\r\n");
    cr_assert(f->refused);
    cr_expect_str_eq(f->reason, "chunk-size");
    cr_expect_eq(f->sides[0].delivered, 0);
    fake_free(f);
}

struct bad {
    const char *text, *reason;
};

static const struct bad bads[] = {
    {"GET /x ICE/1.0\r\n", "not-http"},
    {"GET /x\r\n", "not-http"},
    {"GET /x HTTP/1.2\r\n", "http-version"},
    {"GET /x HTTP/2.0\r\n", "http-version"},
    {"GET /x y HTTP/1.1\r\n", "target-byte"},
    {"GET /\x01 HTTP/1.1\r\n", "target-byte"},
    {"GET /a?\x80 HTTP/1.1\r\n", "target-byte"},
    {"GET /a#b HTTP/1.1\r\n", "target-fragment"},
    {"GET /a?b#c HTTP/1.1\r\n", "target-fragment"},
    {"GET /%zz HTTP/1.1\r\n", "target-escape"},
    {"GET /..%2fx HTTP/1.1\r\n", "path-ambiguous"},
    {"GET /admin/../public HTTP/1.1\r\n", "path-ambiguous"},
    {"GET http://a/admin/%2E./public HTTP/1.1\r\n", "path-ambiguous"},
    {"GET //x HTTP/1.1\r\n", "path-double-slash"},
    {"GET * HTTP/1.1\r\n", "target-form"},
    {"OPTIONS http://a HTTP/1.1\r\n", "target-form"},
    {"GET http://u@h/ HTTP/1.1\r\n", "userinfo"},
    {"GET http://h:x/ HTTP/1.1\r\n", "port"},
    {"GET http://[::g]/ HTTP/1.1\r\n", "host-brackets"},
    {"CONNECT a.example HTTP/1.1\r\n", "connect-port"},
    {"GET / HTTP/1.1\n", "bare-lf"},
    {"GET / HTTP/1.1\rX", "bare-cr"},
    {"\r\n\r\n", "unclaimed"},
    {"GET / HTTP/1.1\r\n x: y\r\n", "space-before-header"},
    {"GET / HTTP/1.1\r\nx: y\r\n z\r\n", "folded-header"},
    {"GET / HTTP/1.1\r\nx : y\r\n", "space-before-colon"},
    {"GET / HTTP/1.1\r\nx y\r\n", "header-without-colon"},
    {"GET / HTTP/1.1\r\nx: \x01\r\n", "header-value"},
    {"GET / HTTP/1.1\r\n(: y\r\n", "header-name"},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "two-hosts"},
    {"GET / HTTP/1.1\r\n\r\n", "host-missing"},
    {"GET http://a/ HTTP/1.0\r\n\r\n", "host-missing"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "host-empty"},
    {"GET / HTTP/1.1\r\nHost: .\r\n\r\n", "host-empty"},
    {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "host-byte"},
    {"GET / HTTP/1.1\r\nHost: a%41\r\n\r\n", "host-byte"},
    {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "host-differs"},
    {"GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", "port-differs"},
    {"CONNECT a:443 HTTP/1.1\r\nHost: a:444\r\n\r\n", "port-differs"},
    {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", "connect-with-body"},
    {"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n", "content-length-repeated"},
    {"GET / HTTP/1.1\r\nContent-Length: 1,1\r\n", "content-length"},
    {"GET / HTTP/1.1\r\nContent-Length: 9223372036854775808\r\n", "content-length"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: identity\r\n", "transfer-encoding"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n", "transfer-encoding"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked;a=b\r\n", "transfer-encoding"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
     "transfer-encoding"},
    {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
     "transfer-encoding-repeated"},
    {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
     "content-length-with-transfer-encoding"},
    {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding-in-http10"},
};

Test(request, that_readers_could_take_in_two_ways_is_refused_with_its_reason)
{
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct fake *f = fake_new();
        fake_client(f, bads[i].text);
        cr_expect(f->refused, "%s", bads[i].text);
        cr_expect_str_eq(f->reason ? f->reason : "", bads[i].reason, "%s: %s", bads[i].text,
                         f->reason);
        cr_expect_eq(f->sides[0].delivered, 0, "%s", bads[i].text);
        fake_free(f);
    }
}

static const struct bad chunks[] = {
    {"5;a=\"b\r\n", "chunk-extension"},
    {"5;=b\r\n", "chunk-extension"},
    {"5 ;a\r\n", "chunk-size"},
    {"\r\n", "chunk-size"},
    {"-1\r\n", "chunk-size"},
    {"8000000000000000\r\n", "chunk-size"},
    {"80000000\r\n", "chunk-size"},
    {"100000003\r\n", "chunk-size"},
    {"00000000000000001\r\n", "chunk-size"},
    {"1\nX", "bare-lf"},
    {"1\rX", "bare-cr"},
    {"1\r\nabc", "chunk-end"},
    {"1\r\na\nb", "bare-lf"},
    {"0\r\nHost: b\r\n", "forbidden-trailer"},
    {"0\r\nContent-Length: 5\r\n", "forbidden-trailer"},
    {"0\r\nx\r\n", "header-without-colon"},
    {"0\r\n x: y\r\n", "folded-trailer"},
};

Test(request, with_a_doubtful_chunk_is_refused_with_its_reason)
{
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        struct fake *f = fake_new();
        fake_client(f, "POST / HTTP/1.1\r\n" HOST_LINE "Transfer-Encoding: chunked\r\n\r\n");
        uint64_t head = f->sides[0].delivered;
        cr_assert_gt(head, 0);
        fake_client(f, chunks[i].text);
        cr_expect(f->refused, "%s", chunks[i].text);
        cr_expect_str_eq(f->reason ? f->reason : "", chunks[i].reason, "%s: %s", chunks[i].text,
                         f->reason);
        fake_free(f);
    }
}

Test(request, may_have_extensions_and_trailers)
{
    struct fake *f = fake_new();
    fake_client(f, "POST / HTTP/1.1\r\n" HOST_LINE "Transfer-Encoding: chunked\r\n\r\n"
                   "1;a;b=c;d=\"e\\\"f;\"\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n"
                   "GET /next HTTP/1.1\r\n" HOST_LINE "\r\n");
    cr_assert_not(f->refused, "%s", f->reason);
    cr_assert_eq(allowed(f), 2);
    cr_expect(fake_is(&f->txs[1]->text[ATTR_URL], "/next"));
    fake_free(f);
}

/* The largest chunk that every server counts alike. */
Test(request, may_announce_a_large_chunk)
{
    struct fake *f = fake_new();
    fake_client(f,
                "PUT / HTTP/1.1\r\n" HOST_LINE "Transfer-Encoding: chunked\r\n\r\n7FFFFFFF\r\nabc");
    cr_assert_eq(allowed(f), 1);
    cr_expect_not(f->refused);
    cr_expect_eq(f->sides[0].skip, 0x7fffffffu - 3);
    fake_free(f);
}

Test(request, for_options_has_a_path_or_an_asterisk)
{
    static const char *const targets[] = {"http://a.example/", "http://a.example?x", "*"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        char text[100];
        struct fake *f = fake_new();
        snprintf(text, sizeof(text), "OPTIONS %s HTTP/1.1\r\n" HOST_LINE "\r\n", targets[i]);
        fake_client(f, text);
        cr_expect_eq(allowed(f), 1, "%s: %s", targets[i], f->reason ? f->reason : "");
        fake_free(f);
    }
}

/* A body of 2^62 bytes is skipped, not buffered, and does not wrap. */
Test(request, may_announce_an_enormous_body)
{
    struct fake *f = fake_new();
    fake_client(f, "PUT / HTTP/1.1\r\n" HOST_LINE "Content-Length: 4611686018427387904\r\n\r\nabc");
    cr_assert_eq(allowed(f), 1);
    cr_expect_eq(f->sides[0].skip, 4611686018427387904u - 3);
    cr_expect_eq(f->sides[0].len, 0);
    fake_free(f);
}

Test(request, may_be_preceded_by_the_line_end_of_an_old_client)
{
    struct fake *f = fake_new();
    static const char post[] = "POST / HTTP/1.1\r\n" HOST_LINE "Content-Length: 1\r\n\r\nx\r\n";
    fake_client(f, post);
    cr_expect_eq(f->sides[0].delivered, sizeof(post) - 1, "nothing is left undecided");
    fake_client(f, "GET / HTTP/1.1\r\n" HOST_LINE "\r\n");
    cr_assert_not(f->refused, "%s", f->reason);
    cr_expect_eq(allowed(f), 2);
    fake_client(f, "\r\n\r\n");
    cr_expect(f->refused);
    cr_expect_str_eq(f->reason, "blank-lines");
    fake_free(f);
}

Test(request, that_is_the_last_may_be_followed_by_a_line_end_only)
{
    struct fake *f = fake_new();
    fake_client(f, "POST / HTTP/1.1\r\n" HOST_LINE
                   "Connection: x, Close\r\nContent-Length: 1\r\n\r\nx\r");
    cr_expect_not(f->refused);
    fake_client(f, "\n");
    cr_expect_not(f->refused);
    cr_expect_eq(f->sides[0].len, 0);
    fake_client(f, "GET / HTTP/1.1\r\n" HOST_LINE "\r\n");
    cr_expect_not(f->refused);
    cr_expect_eq(allowed(f), 1, "what stands behind the last request is none");
    cr_expect_gt(f->sides[0].len, 0, "and is not delivered");
    fake_free(f);
}

Test(request, longer_than_the_limit_is_refused_whole_or_in_pieces)
{
    for (size_t piece = 1; piece <= 1000; piece += 999) {
        struct fake *f = fake_new();
        f->max_head = 100;
        char head[200];
        memset(head, 'a', sizeof(head));
        memcpy(head, "GET /", 5);
        for (size_t at = 0; at < sizeof(head) && !f->refused; at += piece)
            fake_push(f, L7_TO_SERVER, head + at,
                      piece < sizeof(head) - at ? piece : sizeof(head) - at);
        cr_expect(f->refused);
        cr_expect_str_eq(f->reason, "head-too-large");
        fake_free(f);
    }
}

Test(request, of_exactly_the_limit_is_taken)
{
    static const char text[] = "GET / HTTP/1.1\r\n" HOST_LINE "\r\n";
    for (int less = 0; less < 2; less++) {
        struct fake *f = fake_new();
        f->max_head = (int64_t)sizeof(text) - 1 - less;
        fake_client(f, text);
        cr_expect_eq(f->refused, less == 1);
        fake_free(f);
    }
}

Test(request, with_more_headers_than_the_limit_is_refused)
{
    struct fake *f = fake_new();
    fake_client(f, "GET / HTTP/1.1\r\n" HOST_LINE);
    for (int i = 0; i < HEAD_LINES_MAX; i++)
        fake_client(f, "a: b\r\n");
    cr_assert(f->refused);
    cr_expect_str_eq(f->reason, "too-many-headers");
    fake_free(f);
}

Test(request, beyond_what_the_host_takes_is_refused)
{
    struct fake *f = fake_new();
    f->max_tx = 1;
    fake_client(f, "GET /1 HTTP/1.1\r\n" HOST_LINE "\r\nGET /2 HTTP/1.1\r\n" HOST_LINE "\r\n");
    cr_assert(f->refused);
    cr_expect_str_eq(f->reason, "transaction-limit");
    cr_expect_eq(allowed(f), 1);
    fake_free(f);
}

Test(request, beyond_the_pipeline_limit_is_refused)
{
    struct fake *f = fake_new();
    f->max_pipelined = 3;
    for (int i = 0; i < 3; i++)
        fake_client(f, "GET / HTTP/1.1\r\n" HOST_LINE "\r\n");
    cr_assert_not(f->refused);
    uint64_t before = f->sides[0].delivered;
    fake_client(f, "GET / HTTP/1.1\r\n" HOST_LINE "\r\n");
    cr_assert(f->refused);
    cr_expect_str_eq(f->reason, "pipeline-limit");
    cr_expect_eq(f->sides[0].delivered, before);
    fake_free(f);
}

static double cpu(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

Test(request, pipelined_five_thousand_times_is_answered_in_order)
{
    struct fake *f = fake_new();
    char text[64];
    double before = cpu();
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "GET /%d HTTP/1.1\r\n" HOST_LINE "\r\n", i);
        fake_client(f, text);
    }
    cr_assert_eq(allowed(f), 5000);
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof(text), "HTTP/1.1 %d x\r\nContent-Length: 1\r\n\r\nx", 400 + i % 90);
        fake_server(f, text);
    }
    for (int i = 0; i < 5000; i++) {
        const struct fake_tx *tx = f->txs[i];
        snprintf(text, sizeof(text), "/%d", i);
        cr_assert(fake_is(&tx->text[ATTR_URL], text));
        cr_assert_eq(tx->number[ATTR_STATUS], 400 + i % 90);
        cr_assert_eq(tx->closed_as, (unsigned)i + 1);
    }
    cr_expect_lt(cpu() - before, 20.0);
    fake_free(f);
}

/* Looked at again from the start for each byte, 60 kB would be 1.8 GB of work; the fake's own copy
 * is left out by feeding the inspector directly. */
Test(request, in_single_bytes_takes_linear_time)
{
    struct fake *f = fake_new();
    fake_load(f);
    size_t len = 1u << 20;
    f->inspector->unload(f->self);
    f->self = NULL;
    f->max_head = (int64_t)len * 2;
    fake_load(f);
    void *state = calloc(1, f->inspector->state_size);
    uint8_t *head = malloc(len);
    memset(head, 'a', len);
    memcpy(head, "GET / HTTP/1.1\r\nx: ", 19);
    double before = cpu();
    for (size_t i = 1; i <= len; i++) {
        struct l7_progress progress = {0};
        struct l7_bytes in = {head, i};
        cr_assert_eq(f->inspector->feed(f->self, state, (struct l7_flow *)(void *)f, L7_TO_SERVER,
                                        in, &progress),
                     L7_STEP_OK);
        cr_assert_eq(progress.consumed, 0);
    }
    cr_expect_lt(cpu() - before, 20.0);
    f->inspector->close(f->self, state);
    free(state);
    free(head);
    fake_free(f);
}
