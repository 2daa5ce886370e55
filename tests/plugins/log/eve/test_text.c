/* SPDX-License-Identifier: Apache-2.0 */
/* text: JSON tokens for any bytes. docs/eve.md, "Lines". */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "text.h"

static struct text text;

static void init(void)
{
    text_init(&text);
}

static void fini(void)
{
    text_fini(&text);
}

TestSuite(eve_text, .init = init, .fini = fini);

static const char *end_text(void)
{
    cr_assert_not(text.failed);
    text_bytes(&text, "", 1);
    return text.ptr;
}

static const char *string(const char *bytes, size_t len)
{
    text_clear(&text);
    text_string(&text, bytes, len);
    return end_text();
}

#define check(bytes, expected)                                                                     \
    cr_assert_str_eq(string(bytes, sizeof(bytes) - 1), "\"" expected "\"")

Test(eve_text, spells_every_single_byte)
{
    for (unsigned b = 0; b < 256; b++) {
        char byte = (char)b;
        char expected[16];
        static const char in[] = "\b\t\n\f\r\"\\", out[] = "btnfr\"\\";
        const char *letter = b ? strchr(in, (int)b) : NULL;

        if (letter) {
            snprintf(expected, sizeof(expected), "\"\\%c\"", out[letter - in]);
        } else if (b < 0x20) {
            snprintf(expected, sizeof(expected), "\"\\u%04x\"", b);
        } else if (b < 0x80) {
            snprintf(expected, sizeof(expected), "\"%c\"", (int)b);
        } else {
            snprintf(expected, sizeof(expected), "\"\\\\x%02x\"", b);
        }
        cr_assert_str_eq(string(&byte, 1), expected);
    }
}

/* The same byte at each place of a longer value: eight at a time must find what one at a time
 * finds. */
Test(eve_text, finds_a_special_byte_wherever_it_stands)
{
    for (unsigned b = 0; b < 256; b++) {
        char alone[16];

        snprintf(alone, sizeof(alone), "%s", string((const char[]){(char)b}, 1) + 1);
        alone[strlen(alone) - 1] = '\0';
        for (size_t len = 1; len < 26; len++) {
            for (size_t at = 0; at < len; at++) {
                char value[32], expected[96];

                memset(value, '~', len);
                value[at] = (char)b;
                snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"", (int)at,
                         "~~~~~~~~~~~~~~~~~~~~~~~~~~", alone, (int)(len - at - 1),
                         "~~~~~~~~~~~~~~~~~~~~~~~~~~");
                cr_assert_str_eq(string(value, len), expected);
            }
        }
    }
}

Test(eve_text, valid_utf8_is_written_as_it_is)
{
    check("caf\xc3\xa9", "caf\xc3\xa9");
    check("\xe2\x82\xac/\xf0\x9f\x98\x80 \xdf\xbf \xef\xbf\xbf",
          "\xe2\x82\xac/\xf0\x9f\x98\x80 \xdf\xbf \xef\xbf\xbf");
    check("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");
    check("\xed\x9f\xbf\xee\x80\x80\xe0\xa0\x80\xf0\x90\x80\x80\xc2\x80",
          "\xed\x9f\xbf\xee\x80\x80\xe0\xa0\x80\xf0\x90\x80\x80\xc2\x80");
    check("\xe2\x82\xac\"\x01", "\xe2\x82\xac\\\"\\u0001");
}

Test(eve_text, one_bad_byte_spoils_the_whole_value)
{
    check("/n\xff\xfe\xe9/\x01?q=\xe2\x82\xac",
          "/n\\\\xff\\\\xfe\\\\xe9/\\u0001?q=\\\\xe2\\\\x82\\\\xac");
    check("\xe2\x82\xac 0123456789 \xe2\x82", "\\\\xe2\\\\x82\\\\xac 0123456789 \\\\xe2\\\\x82");
}

Test(eve_text, what_only_looks_like_utf8_is_not)
{
    check("\x80", "\\\\x80");                                  /* no lead */
    check("\xc0\xaf", "\\\\xc0\\\\xaf");                       /* overlong "/" */
    check("\xc1\xbf", "\\\\xc1\\\\xbf");                       /* overlong */
    check("\xe0\x9f\xbf", "\\\\xe0\\\\x9f\\\\xbf");            /* overlong */
    check("\xf0\x8f\xbf\xbf", "\\\\xf0\\\\x8f\\\\xbf\\\\xbf"); /* overlong */
    check("\xed\xa0\x80", "\\\\xed\\\\xa0\\\\x80");            /* surrogate */
    check("\xf4\x90\x80\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80"); /* above U+10FFFF */
    check("\xf5\x80\x80\x80", "\\\\xf5\\\\x80\\\\x80\\\\x80");
    check("\xe2\x82", "\\\\xe2\\\\x82"); /* cut short */
    check("\xc3", "\\\\xc3");
    check("\xe2\x41\x82", "\\\\xe2"
                          "A\\\\x82");
    check("\xc3\xa9\xbf", "\\\\xc3\\\\xa9\\\\xbf"); /* one too many */
}

Test(eve_text, slashes_and_the_characters_backslash_x_are_not_mistaken)
{
    check("http://r/", "http://r/");
    check("\\xff", "\\\\xff"); /* a client may send the four characters itself */
    check("", "");
}

Test(eve_text, numbers_are_plain_decimal)
{
    static const uint64_t some[] = {0,           1,           9,          10,        99,
                                    100,         101,         999,        1000,      65535,
                                    4294967295u, 4294967296u, 1ull << 51, INT64_MAX, UINT64_MAX};
    char expected[32];

    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        text_clear(&text);
        text_unsigned(&text, some[i]);
        snprintf(expected, sizeof(expected), "%" PRIu64, some[i]);
        cr_assert_str_eq(end_text(), expected);
        text_clear(&text);
        text_signed(&text, (int64_t)(0 - some[i]));
        snprintf(expected, sizeof(expected), "%" PRId64, (int64_t)(0 - some[i]));
        cr_assert_str_eq(end_text(), expected);
    }
    for (uint64_t n = 0; n < 20000; n++) {
        text_clear(&text);
        text_unsigned(&text, n);
        snprintf(expected, sizeof(expected), "%" PRIu64, n);
        cr_assert_str_eq(end_text(), expected);
    }
}

/* RFC 4648 section 10. */
Test(eve_text, base64_is_padded)
{
    static const char *const pairs[][2] = {
        {"", "\"\""},
        {"f", "\"Zg==\""},
        {"fo", "\"Zm8=\""},
        {"foo", "\"Zm9v\""},
        {"foob", "\"Zm9vYg==\""},
        {"fooba", "\"Zm9vYmE=\""},
        {"foobar", "\"Zm9vYmFy\""},
        {"\xff\xfe\xfb", "\"//77\""},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        text_clear(&text);
        text_base64(&text, (const uint8_t *)pairs[i][0], strlen(pairs[i][0]));
        cr_assert_str_eq(end_text(), pairs[i][1]);
    }
}

Test(eve_text, a_line_beyond_every_limit_fails_and_the_next_one_does_not)
{
    static const uint8_t byte;

    text_clear(&text);
    text_literal(&text, "before");
    text_string(&text, &byte, TEXT_LIMIT); /* never read: refused by its length */
    cr_assert(text.failed);
    text_clear(&text);
    text_base64(&text, &byte, SIZE_MAX);
    cr_assert(text.failed);
    text_clear(&text);
    cr_assert_not(text_room(&text, SIZE_MAX));
    text_literal(&text, "after");
    cr_assert(text.failed);
    check("next", "next");
}

Test(eve_text, a_large_buffer_is_given_back)
{
    static char large[4 * 1024 * 1024];

    text_clear(&text);
    text_string(&text, large, sizeof(large));
    cr_assert_not(text.failed);
    cr_assert_eq(text.len, 6 * sizeof(large) + 2);
    text_clear(&text);
    cr_assert_eq(text.cap, 0);
    check("next", "next");
}
