/* SPDX-License-Identifier: Apache-2.0 */
/* token: one table says what each byte may be; the rest looks it up. */

#include "token.h"

#include <string.h>

enum {
    TCHAR = 1, /* RFC 9110 §5.6.2 */
    PATH = 2,  /* RFC 3986 pchar and '/'; also "|[]", which browsers send raw and no server turns
                  into anything else */
    HOST = 4,  /* unreserved of RFC 3986; sub-delims and escapes occur in attacks only [L7-14] */
};

static const uint8_t classes[256] = {
    ['0' ... '9'] = TCHAR | PATH | HOST,
    ['A' ... 'Z'] = TCHAR | PATH | HOST,
    ['a' ... 'z'] = TCHAR | PATH | HOST,
    ['-'] = TCHAR | PATH | HOST,
    ['.'] = TCHAR | PATH | HOST,
    ['_'] = TCHAR | PATH | HOST,
    ['~'] = TCHAR | PATH | HOST,
    ['!'] = TCHAR | PATH,
    ['$'] = TCHAR | PATH,
    ['&'] = TCHAR | PATH,
    ['\''] = TCHAR | PATH,
    ['*'] = TCHAR | PATH,
    ['+'] = TCHAR | PATH,
    ['|'] = TCHAR | PATH,
    ['#'] = TCHAR,
    ['%'] = TCHAR,
    ['^'] = TCHAR,
    ['`'] = TCHAR,
    ['('] = PATH,
    [')'] = PATH,
    [','] = PATH,
    ['/'] = PATH,
    [':'] = PATH,
    [';'] = PATH,
    ['='] = PATH,
    ['@'] = PATH,
    ['['] = PATH,
    [']'] = PATH,
};

bool token_is_tchar(uint8_t c)
{
    return classes[c] & TCHAR;
}

bool token_is_path(uint8_t c)
{
    return classes[c] & PATH;
}

bool token_is_query(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '#';
}

bool token_is_host(uint8_t c)
{
    return classes[c] & HOST;
}

bool token_is_valid(struct l7_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!token_is_tchar(text.ptr[i]))
            return false;
    }
    return text.len > 0;
}

uint8_t token_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

int token_hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = token_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool token_equal(struct l7_bytes a, const char *b)
{
    size_t len = strlen(b);
    return a.len == len && (len == 0 || memcmp(a.ptr, b, len) == 0);
}

bool token_same_nocase(struct l7_bytes a, struct l7_bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (token_lower(a.ptr[i]) != token_lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool token_equal_nocase(struct l7_bytes a, const char *lower)
{
    struct l7_bytes b = {(const uint8_t *)lower, strlen(lower)};
    return token_same_nocase(a, b);
}

struct l7_bytes token_slice(struct l7_bytes text, size_t from, size_t to)
{
    struct l7_bytes part = {text.ptr ? text.ptr + from : NULL, to - from};
    return part;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct l7_bytes token_trim(struct l7_bytes text)
{
    size_t from = 0, to = text.len;
    while (from < to && is_blank(text.ptr[from]))
        from++;
    while (to > from && is_blank(text.ptr[to - 1]))
        to--;
    return token_slice(text, from, to);
}

bool token_next_member(struct l7_bytes *rest, bool *more, struct l7_bytes *member)
{
    if (!*more)
        return false;
    const uint8_t *comma = rest->len ? memchr(rest->ptr, ',', rest->len) : NULL;
    size_t len = comma ? (size_t)(comma - rest->ptr) : rest->len;
    *member = token_trim(token_slice(*rest, 0, len));
    *more = comma != NULL;
    *rest = token_slice(*rest, comma ? len + 1 : len, rest->len);
    return true;
}

bool token_list_has(struct l7_bytes list, const char *lower)
{
    struct l7_bytes member;
    bool more = true;
    while (token_next_member(&list, &more, &member)) {
        if (token_equal_nocase(member, lower))
            return true;
    }
    return false;
}
