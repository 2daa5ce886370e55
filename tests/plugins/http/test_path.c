/* SPDX-License-Identifier: Apache-2.0 */
/* path: the normal forms of [L7-18] and what the wire refuses. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"
#include "path.h"

struct row {
    const char *raw, *a, *b, *refusal;
    bool unmatchable;
};

static const struct row rows[] = {
    {"/", "/", "/", NULL, false},
    {"/public/x", "/public/x", "/public/x", NULL, false},
    {"*", "*", "*", NULL, false},
    {"", "", "", NULL, false},
    {"/public/./x", "/public/x", "/public/x", NULL, false},
    {"/%70ublic/x", "/public/x", "/public/x", NULL, false},
    {"/a/b/.", "/a/b/", "/a/b/", NULL, false},
    {"/.", "/", "/", NULL, false},
    {"/.../x", "/.../x", "/.../x", NULL, false},
    {"/.well-known/x", "/.well-known/x", "/.well-known/x", NULL, false},
    {"/caf%c3%a9", "/caf\xc3\xa9", "/caf\xc3\xa9", NULL, false},
    {"/a%20b", "/a b", "/a b", NULL, false},
    {"/a//b", "/a//b", "/a/b", NULL, false},
    {"/a///", "/a///", "/a/", NULL, false},
    {"//public/x", "//public/x", "/public/x", NULL, false},
    {"/app;id=1/list", "/app;id=1/list", "/app/list", NULL, false},
    {"/;x/b", "/;x/b", "/b", NULL, false},
    {"/files/a%2fb", "/files/a%2Fb", "/files/a/b", NULL, false},
    {"/a%5cb", "/a%5Cb", "/a/b", NULL, false},
    {"/a\\b", "/a\\b", "/a/b", NULL, false},
    {"/100%25", "/100%25", "/100%", NULL, false},
    {"/a%3fb%23", "/a%3Fb%23", "/a?b#", NULL, false},
    {"/a%252fb", "/a%252fb", "/a/b", NULL, false},
    {"/Risti%C4%87%80.txt", "/Risti\xc4\x87\x80.txt", "/Risti\xc4\x87\x80.txt", NULL, false},
    /* parents: removed by some servers, kept by others */
    {"/public/../admin", "/admin", "/admin", "path-ambiguous", false},
    {"/public/%2e%2e/admin", "/admin", "/admin", "path-ambiguous", false},
    {"/public/.%2E/admin", "/admin", "/admin", "path-ambiguous", false},
    {"/public;/../admin", "/admin", "/admin", "path-ambiguous", false},
    {"/a/b/..", "/a/", "/a/", "path-ambiguous", false},
    {"/..", "/", "/", "path-ambiguous", false},
    /* parents that only some readers see */
    {"/public/..%2fadmin", "/public/..%2Fadmin", "/admin", "path-ambiguous", false},
    {"/public%2f..%2fadmin", "/public%2F..%2Fadmin", "/admin", "path-ambiguous", false},
    {"/public/..;/admin", "/public/..;/admin", "/admin", "path-ambiguous", false},
    {"/public/%252e%252e/admin", "/public/%252e%252e/admin", "/admin", "path-ambiguous", false},
    {"/public\\..\\admin", "/public\\..\\admin", "/admin", "path-ambiguous", false},
    {"/public//../admin", "/public/admin", "/admin", "path-ambiguous", false},
    {"/../../etc/passwd", "/etc/passwd", "/etc/passwd", "path-ambiguous", false},
    {"/a/../../b", "/b", "/b", "path-ambiguous", false},
    /* bytes no reader should meet */
    {"/x%00.html", "/x%00.html", NULL, "path-control", false},
    {"/x%0d%0aSet-Cookie", "/x%0D%0ASet-Cookie", NULL, "path-control", false},
    {"/x%2500", "/x%2500", NULL, "path-control", false},
    {"/%c0%ae%c0%ae/admin", NULL, NULL, "path-overlong", false},
    {"/%e0%80%a6.txt", NULL, NULL, "path-overlong", false},
    {"/%f0%80%80%ae/x", NULL, NULL, "path-overlong", false},
    {"/%25c0%25ae/x", NULL, NULL, "path-overlong", false},
    /* no item with a path matches */
    {"/a%zz", "/a%zz", NULL, "target-escape", true},
    {"/a%", "/a%", NULL, "target-escape", true},
    {"/a%4", "/a%4", NULL, "target-escape", true},
    {"/a#b", "/a#b", NULL, "target-fragment", true},
    {"/%25252e", "/%25252e", "/", NULL, false},
    {"/%2525252e", "/%2525252e", NULL, "path-encoding", true},
};

static bool is(struct l7_bytes text, const char *expected)
{
    return !expected || (text.len == strlen(expected) &&
                         (text.len == 0 || memcmp(text.ptr, expected, text.len) == 0));
}

Test(path, has_the_two_forms_of_the_rules)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct path p;
        struct l7_bytes raw = fake_at_edge((const uint8_t *)row->raw, strlen(row->raw));
        cr_assert_eq(path_init(&p, raw), 0);
        cr_expect(is(p.a, row->a), "%s: form A is %.*s", row->raw, (int)p.a.len, p.a.ptr);
        cr_expect(is(p.b, row->b), "%s: form B is %.*s", row->raw, (int)p.b.len, p.b.ptr);
        cr_expect_eq(p.unmatchable, row->unmatchable, "%s", row->raw);
        if (row->refusal)
            cr_expect_str_eq(p.refusal, row->refusal, "%s", row->raw);
        else
            cr_expect_null(p.refusal, "%s: %s", row->raw, p.refusal);
        path_fini(&p);
    }
}

/* A long path lies in memory of its own, and gives the same. */
Test(path, has_the_same_forms_when_it_is_long)
{
    size_t len = 60000;
    char *raw = malloc(len);
    memset(raw, 'x', len);
    memcpy(raw, "/a/%2e%2e/", 10);
    struct path p;
    cr_assert_eq(path_init(&p, (struct l7_bytes){(uint8_t *)raw, len}), 0);
    cr_assert_eq(p.a.len, len - 9);
    cr_assert_eq(p.b.len, len - 9);
    cr_assert_eq(memcmp(p.a.ptr, "/xxx", 4), 0);
    path_fini(&p);
    free(raw);
}

static double cpu(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Sixteen megabytes of segments that come and go: quadratic work would take hours. */
Test(path, takes_time_in_proportion_to_its_length)
{
    size_t len = 16u << 20;
    char *raw = malloc(len);
    for (size_t i = 0; i < len; i++)
        raw[i] = i < len / 4 ? "/a"[i % 2] : "/.."[(i - len / 4) % 3];
    double before = cpu();
    struct path p;
    cr_assert_eq(path_init(&p, (struct l7_bytes){(uint8_t *)raw, len}), 0);
    path_fini(&p);
    cr_assert_lt(cpu() - before, 20.0);
    free(raw);
}
