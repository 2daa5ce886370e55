/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: what becomes of a policy's patterns, and what is said about those that cannot match. */

#include <criterion/criterion.h>
#include <string.h>

#include "fake.h"
#include "pattern.h"

struct row {
    unsigned field;
    const char *text, *out;
    enum l7_pattern answer;
};

static const struct row rows[] = {
    {FIELD_HOST, "Foo.Example", "foo.example", L7_PATTERN_OK},
    {FIELD_HOST, "foo.example.", "foo.example", L7_PATTERN_OK},
    {FIELD_HOST, "*.Foo.com..", "*.foo.com", L7_PATTERN_OK},
    {FIELD_HOST, "[2001:DB8::1]", "2001:db8::1", L7_PATTERN_OK},
    {FIELD_HOST, "2001:db8::1", "2001:db8::1", L7_PATTERN_OK},
    {FIELD_HOST, "*", "*", L7_PATTERN_OK},
    {FIELD_HOST, "foo.com:8080", "foo.com:8080", L7_PATTERN_WARN},
    {FIELD_HOST, "*:80", "*:80", L7_PATTERN_WARN},
    {FIELD_HOST, "[::1]:80", "[::1]:80", L7_PATTERN_WARN},
    {FIELD_HOST, ".", NULL, L7_PATTERN_REFUSE},
    {FIELD_HOST, "foo\tbar", NULL, L7_PATTERN_REFUSE},
    {FIELD_METHOD, "GET", "GET", L7_PATTERN_OK},
    {FIELD_PATH, "/api/v2/*", "/api/v2/*", L7_PATTERN_OK},
    {FIELD_PATH, "*", "*", L7_PATTERN_OK},
    {FIELD_PATH, "/%61dmin", "/admin", L7_PATTERN_OK},
    {FIELD_PATH, "/caf%c3%a9", "/caf\xc3\xa9", L7_PATTERN_OK},
    {FIELD_PATH, "/a?x=%20*", "/a?x=%20*", L7_PATTERN_OK},
    {FIELD_PATH, "/%61?x=%61", "/a?x=%61", L7_PATTERN_OK},
    {FIELD_PATH, "/Case", "/Case", L7_PATTERN_OK},
    {FIELD_PATH, "*.html", "*.html", L7_PATTERN_OK},
    {FIELD_PATH, "/a\";|:b", "/a\";|:b", L7_PATTERN_WARN},
    {FIELD_PATH, "api", "api", L7_PATTERN_WARN},
    {FIELD_PATH, "/a//b", "/a//b", L7_PATTERN_WARN},
    {FIELD_PATH, "/a/./b", "/a/./b", L7_PATTERN_WARN},
    {FIELD_PATH, "/a/../b", "/a/../b", L7_PATTERN_WARN},
    {FIELD_PATH, "/a/%2e%2e/b", "/a/../b", L7_PATTERN_WARN},
    {FIELD_PATH, "/a/..", "/a/..", L7_PATTERN_WARN},
    {FIELD_PATH, "/a%2fb", "/a%2Fb", L7_PATTERN_WARN},
    {FIELD_PATH, "/100%", "/100%", L7_PATTERN_WARN},
    {FIELD_PATH, "/a?b//c", "/a?b//c", L7_PATTERN_OK},
    {FIELD_PATH, "/a%2Ab", NULL, L7_PATTERN_REFUSE},
    {FIELD_PATH, "/a\nb", NULL, L7_PATTERN_REFUSE},
    {FIELD_PATH, "/a\x7f", NULL, L7_PATTERN_REFUSE},
};

Test(pattern, is_brought_into_the_form_of_the_values)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        char out[64], note[200];
        struct l7_text to = {out, sizeof(out), 0}, why = {note, sizeof(note), 0};
        struct l7_bytes text = fake_at_edge((const uint8_t *)row->text, strlen(row->text));
        enum l7_pattern answer = l7_plugin.inspector->pattern(NULL, row->field, text, &to, &why);
        cr_expect_eq(answer, row->answer, "%s", row->text);
        cr_expect_eq(why.len > 0, answer != L7_PATTERN_OK, "%s: a note when one is due", row->text);
        if (row->out)
            cr_expect(to.len == strlen(row->out) && memcmp(out, row->out, to.len) == 0,
                      "%s: became %.*s", row->text, (int)to.len, out);
    }
}

Test(pattern, with_a_nul_is_refused)
{
    char out[8], note[100];
    struct l7_text to = {out, sizeof(out), 0}, why = {note, sizeof(note), 0};
    struct l7_bytes text = {(const uint8_t *)"/a\0b", 4};
    cr_assert_eq(l7_plugin.inspector->pattern(NULL, FIELD_PATH, text, &to, &why),
                 L7_PATTERN_REFUSE);
}

Test(pattern, longer_than_the_room_for_it_is_refused)
{
    char out[4], note[4];
    struct l7_text to = {out, sizeof(out), 0}, why = {note, sizeof(note), 0};
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        struct l7_bytes text = {(const uint8_t *)"/abcdef", 7};
        cr_expect_eq(l7_plugin.inspector->pattern(NULL, field, text, &to, &why), L7_PATTERN_REFUSE);
        cr_expect_eq(why.len, 4);
    }
}
