/* SPDX-License-Identifier: Apache-2.0 */
/* target: which of the four forms a target has, and which bytes it may consist of. */

#include "target.h"

#include <arpa/inet.h>
#include <string.h>

#include "token.h"

static void split_query(struct target *t, struct l7_bytes text)
{
    const uint8_t *mark = text.len ? memchr(text.ptr, '?', text.len) : NULL;
    size_t at = mark ? (size_t)(mark - text.ptr) : text.len;
    t->path = token_slice(text, 0, at);
    t->has_query = mark != NULL;
    if (mark)
        t->query = token_slice(text, at + 1, text.len);
}

/* The length of "scheme" when the text goes on with "://", else 0. */
static size_t scheme_length(struct l7_bytes text)
{
    size_t at = 0;
    while (at < text.len && at < 32) {
        uint8_t c = text.ptr[at], lower = token_lower(c);
        bool letter = lower >= 'a' && lower <= 'z';
        if (!letter && (at == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            break;
        at++;
    }
    return text.len - at >= 3 && memcmp(text.ptr + at, "://", 3) == 0 ? at : 0;
}

static void read_absolute(struct target *t, struct l7_bytes text, size_t scheme)
{
    static const uint8_t root[] = "/";
    size_t at = scheme + 3;
    while (at < text.len && text.ptr[at] != '/' && text.ptr[at] != '?' && text.ptr[at] != '#')
        at++;
    t->form = TARGET_ABSOLUTE;
    t->scheme = token_slice(text, 0, scheme);
    t->authority = token_slice(text, scheme + 3, at);
    split_query(t, token_slice(text, at, text.len));
    if (t->path.len == 0)
        t->path = (struct l7_bytes){root, 1};
}

const char *target_read(struct l7_bytes text, struct l7_bytes method, struct target *out)
{
    memset(out, 0, sizeof(*out));
    if (text.len == 0)
        return "target-empty";
    if (token_equal(method, "CONNECT")) {
        out->form = TARGET_AUTHORITY;
        out->authority = text;
        return NULL;
    }
    if (text.ptr[0] == '/') {
        out->form = TARGET_ORIGIN;
        split_query(out, text);
        return NULL;
    }
    if (token_equal(text, "*")) {
        out->form = TARGET_ASTERISK;
        out->path = text;
        return NULL;
    }
    size_t scheme = scheme_length(text);
    if (scheme == 0)
        return "target-form";
    read_absolute(out, text, scheme);
    return NULL;
}

/* "*" is for OPTIONS; extensions such as M-SEARCH borrow it, the other methods of RFC 9110 §9
 * have no use for it. */
static bool may_be_asterisk(struct l7_bytes method)
{
    static const char *const never[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "PATCH"};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (token_equal(method, never[i]))
            return false;
    }
    return true;
}

const char *target_refusal(const struct target *t, struct l7_bytes method)
{
    if (t->form == TARGET_AUTHORITY)
        return NULL; /* authority_read() looks at every byte */
    if (t->form == TARGET_ASTERISK)
        return may_be_asterisk(method) ? NULL : "target-form";
    /* What travels in clear is http; a fragment never travels (RFC 9110 §4.2.5). */
    if (t->form == TARGET_ABSOLUTE && !token_equal_nocase(t->scheme, "http"))
        return "target-scheme";
    /* Without a path it is "*" (RFC 9112 §3.2.4), and "/" to those who think of GET only. */
    if (t->form == TARGET_ABSOLUTE && token_equal(method, "OPTIONS") && !t->has_query &&
        t->path.ptr != t->authority.ptr + t->authority.len)
        return "target-form";
    for (size_t i = 0; i < t->path.len; i++) {
        uint8_t c = t->path.ptr[i];
        if (c == '#')
            return "target-fragment";
        if (c != '%' && !token_is_path(c))
            return "target-byte";
    }
    for (size_t i = 0; i < t->query.len; i++) {
        if (!token_is_query(t->query.ptr[i]))
            return t->query.ptr[i] == '#' ? "target-fragment" : "target-byte";
    }
    /* Some read a host behind two slashes (RFC 3986 §4.2). */
    if (t->path.len > 1 && t->path.ptr[1] == '/')
        return "path-double-slash";
    return NULL;
}

static const char *read_port(struct l7_bytes text, struct authority *out)
{
    if (text.len == 0)
        return NULL;
    if (text.ptr[0] != ':')
        return "host-byte";
    for (size_t i = 1; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c < '0' || c > '9')
            return "port";
        uint32_t port = out->port * 10 + (uint32_t)(c - '0');
        out->port = port > 65535 ? 65536 : port;
        out->has_port = true;
    }
    return NULL;
}

/* "[" IPv6address "]"; other literals name nothing that is in use. */
static size_t bracket_length(struct l7_bytes text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr binary;
    const uint8_t *end = memchr(text.ptr, ']', text.len);
    if (!end)
        return 0;
    size_t len = (size_t)(end - text.ptr) - 1;
    if (len == 0 || len >= sizeof(address))
        return 0;
    memcpy(address, text.ptr + 1, len);
    address[len] = '\0';
    if (strlen(address) != len || inet_pton(AF_INET6, address, &binary) != 1)
        return 0;
    return len + 2;
}

const char *authority_read(struct l7_bytes text, struct authority *out)
{
    memset(out, 0, sizeof(*out));
    if (text.len == 0)
        return "host-empty";
    if (memchr(text.ptr, '@', text.len))
        return "userinfo";
    size_t at = 0;
    if (text.ptr[0] == '[') {
        at = bracket_length(text);
        if (at == 0)
            return "host-brackets";
        out->name = token_slice(text, 1, at - 1);
    } else {
        while (at < text.len && text.ptr[at] != ':') {
            if (!token_is_host(text.ptr[at]))
                return "host-byte";
            at++;
        }
        out->name = token_slice(text, 0, at);
        while (out->name.len > 0 && out->name.ptr[out->name.len - 1] == '.')
            out->name.len--;
    }
    if (out->name.len == 0)
        return "host-empty";
    if (at > HOST_MAX)
        return "host-too-long";
    out->host = token_slice(text, 0, at);
    return read_port(token_slice(text, at, text.len), out);
}

const char *authority_differs(const struct target *t, const struct authority *target,
                              const struct authority *host)
{
    if (!token_same_nocase(target->name, host->name))
        return "host-differs";
    /* Clients leave the port out of CONNECT's Host; for http its default is 80. */
    if (t->form == TARGET_AUTHORITY)
        return host->has_port && host->port != target->port ? "port-differs" : NULL;
    uint32_t a = target->has_port ? target->port : 80, b = host->has_port ? host->port : 80;
    return a == b ? NULL : "port-differs";
}
