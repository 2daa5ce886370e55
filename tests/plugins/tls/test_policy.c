/* SPDX-License-Identifier: Apache-2.0 */
/* What policies and the command line may say about a server name. */

#include <criterion/criterion.h>

#include "fake.h"
#include "hello.h"

struct answer {
    enum l7_pattern verdict;
    char out[512];
    char note[256];
};

static struct answer pattern(const char *text, size_t len)
{
    struct answer answer = {0};
    struct l7_text out = {.ptr = answer.out, .cap = sizeof(answer.out) - 1};
    struct l7_text note = {.ptr = answer.note, .cap = sizeof(answer.note) - 1};
    struct guard guard = guard_copy(text, len);

    answer.verdict =
        l7_plugin.inspector->pattern(NULL, 0, (struct l7_bytes){guard.data, len}, &out, &note);
    guard_free(&guard);
    answer.out[out.len] = '\0';
    answer.note[note.len] = '\0';
    return answer;
}

static void check(const char *text, enum l7_pattern verdict, const char *out)
{
    struct answer answer = pattern(text, strlen(text));

    cr_assert_eq(answer.verdict, verdict, "%s: %d, %s", text, answer.verdict, answer.note);
    if (verdict != L7_PATTERN_REFUSE)
        cr_assert_str_eq(answer.out, out);
    cr_assert_eq(answer.note[0] != '\0', verdict != L7_PATTERN_OK, "%s", text);
}

Test(pattern, is_brought_into_the_form_of_names)
{
    check("foo.bar.com", L7_PATTERN_OK, "foo.bar.com");
    check("*.Foo.COM", L7_PATTERN_OK, "*.foo.com");
    check("foo.com.", L7_PATTERN_OK, "foo.com");
    check("foo.com..", L7_PATTERN_OK, "foo.com");
    check("*", L7_PATTERN_OK, "*");
    check("a*c.my_host-1", L7_PATTERN_OK, "a*c.my_host-1");
    check("192.0.2.1", L7_PATTERN_OK, "192.0.2.1");
}

Test(pattern, warns_when_no_name_can_fit)
{
    check("foo.com:443", L7_PATTERN_WARN, "foo.com:443");
    check("https://foo.com", L7_PATTERN_WARN, "https://foo.com");
    check("foo.com/x", L7_PATTERN_WARN, "foo.com/x");
    check("a..b", L7_PATTERN_WARN, "a..b");
    check(".foo.com", L7_PATTERN_WARN, ".foo.com");
    check("foo?.com", L7_PATTERN_WARN, "foo?.com");
    check("b\xc3\xbc.com", L7_PATTERN_WARN, "b\xc3\xbc.com");
}

/* An empty pattern would mean any name [L7-3]. */
Test(pattern, of_dots_alone_does_not_become_empty)
{
    check(".", L7_PATTERN_WARN, ".");
    check("...", L7_PATTERN_WARN, ".");
}

Test(pattern, with_control_bytes_is_refused) /* V44 */
{
    check("foo\n.com", L7_PATTERN_REFUSE, "");
    check("foo\x7f.com", L7_PATTERN_REFUSE, "");
    cr_assert_eq(pattern("foo\0.com", 8).verdict, L7_PATTERN_REFUSE);
    cr_assert_eq(pattern("foo.com\0", 8).verdict, L7_PATTERN_REFUSE);
}

Test(pattern, longer_than_the_room_is_refused)
{
    char text[600];

    memset(text, 'a', sizeof(text));
    cr_assert_eq(pattern(text, sizeof(text)).verdict, L7_PATTERN_REFUSE);
}

/* ---- names ---- */

static bool normalises(const char *name, const char *expected)
{
    struct guard guard = guard_copy(name, strlen(name));
    uint8_t out[SNI_MAX];
    size_t len = sni_normalise((struct l7_bytes){guard.data, guard.len}, out);

    guard_free(&guard);
    return expected ? len == strlen(expected) && memcmp(out, expected, len) == 0 : len == 0;
}

Test(name, has_one_form)
{
    cr_assert(normalises("Foo.BAR.com", "foo.bar.com"));
    cr_assert(normalises("foo.", "foo"));
    cr_assert(normalises("foo..", "foo"));
    cr_assert(normalises("_x-1.foo", "_x-1.foo"));
}

Test(name, that_is_no_host_name_has_none)
{
    static const char *const bad[] = {"",    ".",   "..",    ".a",   "a..b", "a b",
                                      "a/b", "a:1", "[::1]", "*.a",  "a\n",  "a\x80",
                                      "a@b", "a,b", "a\\b",  "a%2eb"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert(normalises(bad[i], NULL), "%s", bad[i]);
}

Test(name, has_limits)
{
    char name[300];

    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = i % 64 == 63 ? '.' : 'a';
    name[253] = '\0';
    cr_assert(normalises(name, name));
    name[253] = 'a';
    name[254] = '\0';
    cr_assert(normalises(name, NULL));
    memset(name, 'a', 64);
    name[63] = '\0';
    cr_assert(normalises(name, name));
    name[63] = 'a';
    name[64] = '\0';
    cr_assert(normalises(name, NULL));
}

/* ---- l7ctl explain ---- */

static int example(struct fake *fake, const char *key, const char *value, char *note)
{
    struct l7_text text = {.ptr = note, .cap = 255};
    struct l7_pair pair = {.name = key,
                           .value = {(const uint8_t *)value, value ? strlen(value) : 0}};
    int result =
        fake->inspector->example(fake->self, &pair, key ? 1 : 0, (struct l7_tx *)fake, &text);

    note[text.len] = '\0';
    return result;
}

Test(example, emits_the_name_it_is_given)
{
    static const char *const keys[] = {"", "sni"};
    char note[256];

    for (size_t i = 0; i < 2; i++) {
        struct fake fake = {0};

        fake_open(&fake);
        cr_assert_eq(example(&fake, keys[i], "Foo.Com.", note), 0);
        cr_assert_str_eq(fake.sni, "foo.com");
        cr_assert_str_eq(fake.attrs[FAKE_SNI], "Foo.Com.");
        cr_assert_eq(fake.fields, 1);
        fake_close(&fake);
    }
}

Test(example, without_a_name_emits_none)
{
    char note[256];

    for (size_t i = 0; i < 2; i++) {
        struct fake fake = {0};

        fake_open(&fake);
        cr_assert_eq(example(&fake, i ? "sni" : NULL, NULL, note), 0);
        cr_assert_eq(fake.fields, 0);
        cr_assert_str_eq(fake.attrs[FAKE_VERSION], "UNDETERMINED");
        fake_close(&fake);
    }
}

Test(example, says_what_is_wrong)
{
    struct fake fake = {0};
    char note[256];

    fake_open(&fake);
    cr_assert_lt(example(&fake, "host", "foo.com", note), 0);
    cr_assert_str_eq(note, "unknown name; known: sni");
    cr_assert_lt(example(&fake, "sni", "foo.com:443", note), 0);
    cr_assert_str_eq(note, "not a host name: such a ClientHello is malformed");
    cr_assert_lt(example(&fake, "", "", note), 0);
    cr_assert_eq(fake.fields, 0);
    fake_close(&fake);
}
