/* SPDX-License-Identifier: Apache-2.0 */
/* match: patterns, and whether the L7 part of a rule fits a transaction. */

#include "set.h"
#include "policy/pattern.h"

static struct l7_bytes bytes(const char *text)
{
    return (struct l7_bytes){(const uint8_t *)text, strlen(text)};
}

static const struct glob_case {
    const char *pattern, *text;
    bool nocase, fits;
} globs[] = {
    /* [L7-10] */
    {"abc", "abc", false, true},
    {"abc", "abcd", false, false},
    {"abc", "ab", false, false},
    {"abc*", "abc", false, true},
    {"abc*", "abcdef", false, true},
    {"abc*", "ab", false, false},
    {"*abc", "abc", false, true},
    {"*abc", "xxabc", false, true},
    {"*abc", "abcx", false, false},
    {"*abc*", "xabcx", false, true},
    {"*abc*", "xabx", false, false},
    {"a*c", "abbbc", false, true},
    {"a*c", "ac", false, true},
    {"a*c", "acb", false, false},
    {"*", "", false, true},
    {"*", "/any?thing", false, true},
    {"**", "", false, true},
    {"***a***", "bab", false, true},
    {"", "", false, true},
    {"", "a", false, false},
    {"/admin/*", "/admin/", false, true},
    {"/admin/*", "/admin/x/y", false, true},
    {"/admin/*", "/admin", false, false},
    {"*.foo.com", "a.b.foo.com", true, true},
    {"*.foo.com", "foo.com", true, false},
    {"*.foo.*", "www.foo.bar", true, true},
    {"*.foo.*", ".foo.", true, true},
    {"*.foo.*", "www.foo", true, false},
    {"a?c", "abc", false, false},
    {"a?c", "a?c", false, true},
    {"ABC*", "abcd", true, true},
    {"ABC*", "abcd", false, false},
    {"*B*D*", "abcde", true, true},
    {"*ab*ab*", "xabx", false, false}, /* an occurrence is used once */
    {"ab*ba", "aba", false, false},    /* front and back do not share bytes */
    {"ab*ba", "abba", false, true},
    {"a*b*c", "aXbXbXc", false, true},
    {"*aab", "aaaaab", false, true},
    {"*a*aab*b", "aaaabb", false, true},
    {"\\*", "\\x", false, true}, /* no escapes */
};

Test(match, globs)
{
    for (size_t i = 0; i < sizeof globs / sizeof *globs; i++)
        cr_expect_eq(glob_match(bytes(globs[i].pattern), bytes(globs[i].text), globs[i].nocase),
                     globs[i].fits, "%s on %s", globs[i].pattern, globs[i].text);
}

static jmp_buf no_memory;

static bool naive(const char *p, const char *t)
{
    if (!*p)
        return !*t;
    if (*p == '*')
        return naive(p + 1, t) || (*t && naive(p, t + 1));
    return *p == *t && naive(p + 1, t + 1);
}

/* Every pattern of up to five and text of up to six of a few letters, compiled and not. */
Test(match, shapes_agree_with_the_plainest_reading)
{
    static const char letters[] = "ab*";
    struct arena arena;
    cr_assert_eq(setjmp(no_memory), 0);
    arena_init(&arena, &no_memory);
    size_t fits = 0;
    for (unsigned p = 0; p < 1024; p++) {
        char pattern[6] = "", text[7] = "";
        size_t len = 0;
        for (unsigned rest = p; rest; rest /= 4)
            if (rest % 4)
                pattern[len++] = letters[rest % 4 - 1];
        struct pattern compiled = pattern_compile(&arena, bytes(pattern), false, true);
        for (unsigned t = 1; t < 128; t++) {
            size_t n = 0;
            memset(text, 0, sizeof text);
            for (unsigned rest = t; rest > 1; rest /= 2)
                text[n++] = letters[rest % 2];
            bool want = naive(pattern, text);
            fits += want;
            cr_assert_eq(glob_match(bytes(pattern), bytes(text), p & 1), want, "%s %s", pattern,
                         text);
            cr_assert_eq(pattern_matches(&compiled, bytes(text)), want, "%s %s", pattern, text);
        }
    }
    cr_assert_gt(fits, 1000);
    arena_fini(&arena);
}

/* Quadratic or worse, this would take minutes. */
Test(match, long_values_take_linear_time, .timeout = 20)
{
    enum { LEN = 200000 };
    static char text[LEN + 1], pattern[4001];
    memset(text, 'a', LEN);
    memset(pattern, 'a', 1500);
    strcpy(pattern + 1500, "b*");
    for (int nocase = 0; nocase < 2; nocase++) {
        cr_expect(!glob_match(bytes(pattern), bytes(text), nocase));
        for (int i = 0; i < 40; i++) { /* *aaaa...b* */
            pattern[0] = '*';
            cr_expect(!glob_match(bytes(pattern), bytes(text), nocase));
        }
    }
    for (size_t i = 0; i < 4000; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    cr_expect(glob_match(bytes(pattern), bytes(text), true));
    pattern[3999] = 'b';
    cr_expect(!glob_match(bytes(pattern), bytes(text), true));
    /* across the border of folded blocks */
    text[8190] = 'X';
    text[8191] = 'y';
    text[8192] = 'Z';
    cr_expect(glob_match(bytes("*xYz*"), bytes(text), true));
    cr_expect(!glob_match(bytes("*xYz*"), bytes(text), false));
}

static struct field field_of(const char *value)
{
    struct field f = {.emitted = true, .form_count = 1};
    f.forms[0] = bytes(value);
    return f;
}

#define RULE(items)                                                                                \
    ANNP("p", "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{name: r, action: Allow, "  \
              "l7Protocols: " items "}]}")

static struct set rule_set;

static const struct rule *rule_of(const char *text)
{
    rule_set = set_good(text);
    return snapshot_rule(rule_set.snapshot, 0);
}

/* [L7-2] [L7-3] */
Test(match, items_are_alternatives_and_their_fields_conditions)
{
    const struct rule *r = rule_of(RULE(
        "[{web: {path: /a*, method: GET}}, {web: {host: \"*.FOO.com\", path: \"\"}}, {seal: {}}]"));
    struct field f[3] = {{0}};
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, false), FIT_OPEN);
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_NO);
    f[WEB_METHOD] = field_of("PUT"); /* the first item is out, the second still open */
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, false), FIT_OPEN);
    f[WEB_PATH] = field_of("/a");
    f[WEB_HOST] = field_of("bar.com");
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, false), FIT_NO); /* before completion */
    f[WEB_HOST] = field_of("www.foo.COM");
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, false), FIT_YES);
    f[WEB_HOST] = (struct field){0};
    f[WEB_METHOD] = field_of("GET");
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, false), FIT_YES);
    f[WEB_METHOD] = field_of("get"); /* [L7-13] */
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_NO);
    struct field none[3] = {{0}};
    cr_expect_eq(rule_fit(r, KEYWORD_SEAL, none, 3, false), FIT_YES); /* seal: {} is any */
    cr_expect_eq(rule_fit(r, 7, none, 3, true), FIT_NO);
    set_free(&rule_set);
}

/* [L7-12]; also what is not safe to compare [L7-18] */
Test(match, what_is_absent_or_ambiguous_matches_not_even_a_star)
{
    const struct rule *r = rule_of(RULE("[{web: {host: \"*\"}}]"));
    struct field f[3] = {{0}};
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_NO);
    f[WEB_HOST] = field_of("");
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_YES);
    f[WEB_HOST].unmatchable = true;
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_NO);
    f[WEB_HOST] = (struct field){.emitted = true};
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_NO);
    set_free(&rule_set);
}

/* [L7-18] 5 and 6 */
Test(match, every_form_has_to_match_and_a_split_pattern_also_the_tail)
{
    const struct rule *r = rule_of(RULE("[{web: {path: \"/a*?x=*\"}}, {web: {path: /b*}}]"));
    struct field f[3] = {{0}};
    f[WEB_PATH] = (struct field){.emitted = true, .form_count = 2};
    f[WEB_PATH].forms[0] = bytes("/b/x");
    f[WEB_PATH].forms[1] = bytes("/c");
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_NO);
    f[WEB_PATH].forms[1] = bytes("/b");
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_YES);
    f[WEB_PATH] = field_of("/ab"); /* no query */
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_NO);
    f[WEB_PATH].has_tail = true;
    f[WEB_PATH].tail = bytes("x=1");
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_YES);
    f[WEB_PATH].tail = bytes("y=1");
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_NO);
    f[WEB_PATH].forms[0] = bytes("/b"); /* a pattern without a split leaves the tail free */
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_YES);
    set_free(&rule_set);
}

Test(match, numbers_and_exact_values)
{
    const struct rule *r =
        rule_of(RULE("[{seal: {size: 10-20}}, {seal: {size: 5, kind: \"a*\"}}]"));
    static const struct {
        const char *size, *kind;
        enum fit fit;
    } rows[] = {
        {"9", "", FIT_NO},  {"10", "", FIT_YES},  {"20", "", FIT_YES},
        {"21", "", FIT_NO}, {"5", "a*", FIT_YES}, {"5", "ab", FIT_NO},
        {"", "", FIT_NO},   {"1x", "", FIT_NO},   {"99999999999999999999999", "", FIT_NO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct field f[3] = {{0}, field_of(rows[i].size), field_of(rows[i].kind)};
        cr_expect_eq(rule_fit(r, KEYWORD_SEAL, f, 3, true), rows[i].fit, "%zu", i);
    }
    set_free(&rule_set);
}

/* The inspector's form of a pattern is what is compared; the written one is what is told. */
Test(match, patterns_are_normalised_by_their_inspector)
{
    const struct rule *r = rule_of(RULE("[{web: {host: a.b.., path: relative}}]"));
    const struct problem *p = set_problem(
        &rule_set, PROBLEM_WARNING, "spec.ingress[0].l7Protocols[0].web.path", "begins neither");
    struct field f[3] = {field_of("relative"), field_of("a.b"), {0}};
    cr_expect(p != NULL);
    cr_expect_eq(rule_fit(r, KEYWORD_WEB, f, 3, true), FIT_YES);
    set_free(&rule_set);
}

static const char *why(const struct rule *r, unsigned keyword, const struct field *f)
{
    static char buf[400];
    rule_fit_why(r, keyword, keyword == KEYWORD_WEB ? &web : &seal, f, 3, buf, sizeof buf);
    return buf;
}

Test(match, why_it_does_not_fit_is_told)
{
    const struct rule *r = rule_of(RULE("[{web: {path: /api/*, method: GET}}]"));
    struct field f[3] = {field_of("/x\n\"\xff"), {0}, field_of("GET")};
    char tiny[8];
    cr_expect_str_eq(why(r, KEYWORD_WEB, f),
                     "path \"/x\\x0a\\x22\\xff\" does not match \"/api/*\"");
    f[WEB_PATH].unmatchable = true;
    cr_expect(strstr(why(r, KEYWORD_WEB, f), "path is ambiguous"));
    f[WEB_PATH] = (struct field){0};
    cr_expect_str_eq(why(r, KEYWORD_WEB, f), "there is no path to match \"/api/*\"");
    f[WEB_PATH] = field_of("/api/1");
    f[WEB_METHOD] = field_of("POST");
    cr_expect_str_eq(why(r, KEYWORD_WEB, f), "method \"POST\" does not match \"GET\"");
    cr_expect_str_eq(why(r, KEYWORD_SEAL, f), "seal is not among web");
    rule_fit_why(r, KEYWORD_WEB, &web, f, 3, tiny, sizeof tiny);
    cr_expect_str_eq(tiny, "method ");
    set_free(&rule_set);
}
