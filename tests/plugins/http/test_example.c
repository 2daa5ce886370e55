/* SPDX-License-Identifier: Apache-2.0 */
/* example: requests described in words give the fields the rules mean [L7-14] to [L7-18]. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "fake.h"

struct words {
    const char *alone, *method, *target, *path, *host;
};

struct row {
    struct words words;
    int err;
    const char *method, *host, *a, *b, *tail;
    bool host_unsure, path_unsure, remark;
};

static const struct row rows[] = {
    {.words = {.alone = "GET http://foo.bar.com/api/v2/x"},
     .err = 0,
     .method = "GET",
     .host = "foo.bar.com",
     .a = "/api/v2/x"},
    {.words = {.alone = "http://Foo.Bar.com."},
     .err = 0,
     .method = "GET",
     .host = "foo.bar.com",
     .a = "/"},
    {.words = {.alone = "GET /x"}, .err = 0, .method = "GET", .host = NULL, .a = "/x"},
    {.words = {.alone = "/x?y=1"},
     .err = 0,
     .method = "GET",
     .host = NULL,
     .a = "/x",
     .tail = "y=1"},
    {.words = {.alone = "OPTIONS *"}, .err = 0, .method = "OPTIONS", .host = NULL, .a = "*"},
    {.words = {.alone = "CONNECT foo.bar:443"},
     .err = 0,
     .method = "CONNECT",
     .host = "foo.bar",
     .a = ""},
    {.words = {.alone = "POST  http://[::1]:8080/v6 "},
     .err = 0,
     .method = "POST",
     .host = "::1",
     .a = "/v6"},
    {.words = {.alone = "GET /x", .host = "a.example"},
     .err = 0,
     .method = "GET",
     .host = "a.example",
     .a = "/x"},
    {.words = {.method = "GET", .target = "/x?a?b", .host = "A.example:80"},
     .err = 0,
     .method = "GET",
     .host = "a.example",
     .a = "/x",
     .tail = "a?b"},
    {.words = {.method = "GET", .path = "/x", .host = ""},
     .err = 0,
     .method = "GET",
     .host = NULL,
     .a = "/x"},
    {.words = {.method = "FORGET", .target = "/x"},
     .err = 0,
     .method = "FORGET",
     .host = NULL,
     .a = "/x"},
    {.words = {.method = "GET", .target = "http://a.example?q"},
     .err = 0,
     .method = "GET",
     .host = "a.example",
     .a = "/",
     .tail = "q"},
    {.words = {.method = "GET", .target = "http://a.example/x", .host = "A.EXAMPLE."},
     .err = 0,
     .method = "GET",
     .host = "a.example",
     .a = "/x"},
    /* the wire would refuse these; the rules say what they mean */
    {.words = {.method = "GET", .target = "http://a.example/x", .host = "b.example"},
     .err = 0,
     .method = "GET",
     .host = "",
     .a = "/x",
     .host_unsure = true,
     .remark = true},
    {.words = {.method = "GET", .target = "/public/..%2fadmin"},
     .err = 0,
     .method = "GET",
     .host = NULL,
     .a = "/public/..%2Fadmin",
     .b = "/admin",
     .remark = true},
    {.words = {.method = "GET", .target = "//public/x"},
     .err = 0,
     .method = "GET",
     .host = NULL,
     .a = "//public/x",
     .b = "/public/x",
     .remark = true},
    {.words = {.method = "GET", .target = "/a#b"},
     .err = 0,
     .method = "GET",
     .host = NULL,
     .a = "/a#b",
     .path_unsure = true,
     .remark = true},
    {.words = {.method = "GET", .target = "/%zz"},
     .err = 0,
     .method = "GET",
     .host = NULL,
     .a = "/%zz",
     .path_unsure = true,
     .remark = true},
    {.words = {.method = "GET", .target = "/a%00"},
     .err = 0,
     .method = "GET",
     .host = NULL,
     .a = NULL,
     .remark = true},
    {.words = {.method = "GET", .target = "ftp://a.example/x"},
     .err = 0,
     .method = "GET",
     .host = "a.example",
     .a = "/x",
     .remark = true},
    {.words = {.method = "GET", .target = "/a\\b"},
     .err = 0,
     .method = "GET",
     .host = NULL,
     .a = "/a\\b",
     .b = "/a/b",
     .remark = true},
    {.words = {.method = "CONNECT", .target = "a.example"},
     .err = 0,
     .method = "CONNECT",
     .host = "a.example",
     .a = "",
     .remark = true},
    /* malformed [L7-24] */
    {.words = {.method = "GE(T", .target = "/x"}, .err = -EBADMSG},
    {.words = {.method = "GET", .target = "/a b"}, .err = -EBADMSG},
    {.words = {.method = "GET", .target = "x/y"}, .err = -EBADMSG},
    {.words = {.method = "GET", .target = "/x", .host = "user@a.example"}, .err = -EBADMSG},
    {.words = {.method = "GET", .target = "/x", .host = "a b"}, .err = -EBADMSG},
    {.words = {.method = "GET", .target = "/x", .host = "a.example,b.example"}, .err = -EBADMSG},
    {.words = {.method = "GET", .target = "http://u@a.example/"}, .err = -EBADMSG},
    {.words = {.method = "GET", .target = "http:///x"}, .err = -EBADMSG},
    {.words = {.method = "CONNECT", .target = "/x"}, .err = -EBADMSG},
    /* no request at all */
    {.words = {.alone = ""}, .err = -EINVAL},
    {.words = {.alone = "GET"}, .err = -EINVAL},
    {.words = {.alone = "GET https://a.example/"}, .err = -EINVAL},
    {.words = {.method = "GET"}, .err = -EINVAL},
    {.words = {.target = "/x"}, .err = -EINVAL},
    {.words = {.method = "GET", .target = "/x", .path = "/y"}, .err = -EINVAL},
};

static void add(struct l7_pair *pairs, size_t *count, const char *name, const char *value)
{
    if (value)
        pairs[(*count)++] = (struct l7_pair){name, {(const uint8_t *)value, strlen(value)}};
}

static void check(const struct row *row)
{
    struct fake *f = fake_new();
    fake_load(f);
    struct l7_pair pairs[5];
    size_t count = 0;
    char note[200];
    struct l7_text why = {note, sizeof(note), 0};
    const struct words *w = &row->words;
    const char *name = w->alone ? w->alone : w->target ? w->target : "-";
    add(pairs, &count, "", w->alone);
    add(pairs, &count, "method", w->method);
    add(pairs, &count, "target", w->target);
    add(pairs, &count, "path", w->path);
    add(pairs, &count, "host", w->host);
    struct l7_tx *handle = fake_tx_open((struct l7_flow *)(void *)f);
    int err = f->inspector->example(f->self, pairs, count, handle, &why);
    cr_expect_eq(err, row->err, "%s: %d %.*s", name, err, (int)why.len, note);
    cr_expect_eq(why.len > 0, row->err || row->remark, "%s: %.*s", name, (int)why.len, note);
    const struct fake_field *fields = f->txs[0]->fields;
    if (err == 0) {
        cr_expect(fake_is(&fields[FIELD_METHOD].forms[0], row->method), "%s: method", name);
        cr_expect_eq(fields[FIELD_HOST].unmatchable, row->host_unsure, "%s", name);
        cr_expect(fake_is(&fields[FIELD_HOST].forms[0], row->host), "%s: host", name);
        cr_expect_eq(fields[FIELD_PATH].unmatchable, row->path_unsure, "%s", name);
        if (row->a)
            cr_expect(fake_is(&fields[FIELD_PATH].forms[0], row->a), "%s: form A", name);
        if (row->b)
            cr_expect(fake_is(&fields[FIELD_PATH].forms[1], row->b), "%s: form B", name);
        cr_expect_eq(fields[FIELD_PATH].has_tail, row->tail != NULL, "%s: query", name);
        cr_expect(fake_is(&fields[FIELD_PATH].tail, row->tail ? row->tail : ""), "%s: query", name);
    }
    fake_free(f);
}

Test(example, emits_what_the_rules_mean)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i]);
}

Test(example, takes_an_explicitly_absent_host)
{
    struct fake *f = fake_new();
    fake_load(f);
    const struct l7_pair pairs[] = {
        {"method", {(const uint8_t *)"GET", 3}},
        {"target", {(const uint8_t *)"/x", 2}},
        {"host", {NULL, 0}},
    };
    char note[100];
    struct l7_text why = {note, sizeof(note), 0};
    struct l7_tx *handle = fake_tx_open((struct l7_flow *)(void *)f);
    cr_assert_eq(f->inspector->example(f->self, pairs, 3, handle, &why), 0);
    cr_assert_not(f->txs[0]->fields[FIELD_HOST].set);
    fake_free(f);
}

Test(example, names_what_it_does_not_know)
{
    struct fake *f = fake_new();
    fake_load(f);
    const struct l7_pair pair = {"hots", {(const uint8_t *)"x", 1}};
    char note[100];
    struct l7_text why = {note, sizeof(note), 0};
    struct l7_tx *handle = fake_tx_open((struct l7_flow *)(void *)f);
    cr_assert_eq(f->inspector->example(f->self, &pair, 1, handle, &why), -EINVAL);
    cr_assert_not_null(memmem(note, why.len, "known: method", 13));
    fake_free(f);
}
