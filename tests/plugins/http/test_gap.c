/* SPDX-License-Identifier: Apache-2.0 */
/* gap: what is still read where bytes are missing. Only flows that no rule governs get here. */

#include <criterion/criterion.h>
#include <string.h>

#include "fake.h"

#define GET_LINE(path) "GET " path " HTTP/1.1\r\nHost: a.example\r\n\r\n"

Test(gap, in_the_requests_is_followed_by_the_next_request)
{
    struct fake *f = fake_new();
    fake_client(f, GET_LINE("/1") "GET /lost HT");
    fake_gap(f, L7_TO_SERVER, 100);
    fake_client(f, "tail of something\r\n\r\n");
    cr_expect_eq(f->sides[0].len, 0, "it is passed over");
    fake_client(f, "GE");
    fake_client(f, "T /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(f->tx_count, 2);
    cr_expect(fake_is(&f->txs[1]->text[ATTR_URL], "/3"));
    cr_expect(f->txs[1]->allowed);
    fake_free(f);
}

Test(gap, inside_a_body_of_known_length_changes_nothing)
{
    struct fake *f = fake_new();
    fake_client(f, GET_LINE("/1") GET_LINE("/2"));
    fake_server(f, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab");
    fake_gap(f, L7_TO_CLIENT, 1);
    cr_expect(f->txs[0]->closed);
    fake_server(f, "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n");
    cr_expect_eq(f->txs[0]->number[ATTR_LENGTH], 3);
    cr_expect_eq(f->txs[1]->number[ATTR_STATUS], 404);
    fake_free(f);
}

Test(gap, beyond_a_body_ends_it_and_the_next_reply_counts)
{
    struct fake *f = fake_new();
    fake_client(f, GET_LINE("/1") GET_LINE("/2"));
    fake_server(f, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab");
    fake_gap(f, L7_TO_CLIENT, 50);
    fake_server(f, "rest of a body");
    fake_server(f, "HTTP/1.");
    fake_server(f, "1 404 x\r\nContent-Length: 0\r\n\r\n");
    cr_expect(f->txs[0]->closed);
    cr_expect_eq(f->txs[1]->number[ATTR_STATUS], 404);
    cr_expect_null(f->reply_reason);
    fake_free(f);
}

Test(gap, in_a_body_without_length_is_counted)
{
    struct fake *f = fake_new();
    fake_client(f, GET_LINE("/1"));
    fake_server(f, "HTTP/1.0 200 OK\r\n\r\nab");
    fake_gap(f, L7_TO_CLIENT, 50);
    fake_server(f, "c");
    fake_end(f, L7_TO_CLIENT);
    cr_expect(f->txs[0]->closed);
    cr_expect_geq(f->txs[0]->number[ATTR_LENGTH], 52);
    fake_free(f);
}
