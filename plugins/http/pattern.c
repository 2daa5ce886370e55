/* SPDX-License-Identifier: Apache-2.0 */
/* pattern: normal forms for patterns, and a word to the author of one that can never match. */

#include "pattern.h"

#include <string.h>

#include "path.h"
#include "session.h"
#include "token.h"

void note_write(struct l7_text *note, const char *text)
{
    size_t len = strlen(text);
    if (!note)
        return;
    note->len = len < note->cap ? len : note->cap;
    if (note->len > 0)
        memcpy(note->ptr, text, note->len);
}

static enum l7_pattern refuse(struct l7_text *note, const char *text)
{
    note_write(note, text);
    return L7_PATTERN_REFUSE;
}

static enum l7_pattern warn(struct l7_text *note, const char *text)
{
    note_write(note, text);
    return L7_PATTERN_WARN;
}

static bool contains(struct l7_bytes text, const char *what)
{
    return text.len > 0 && memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

static bool ends_with(struct l7_bytes text, const char *what)
{
    size_t len = strlen(what);
    return text.len >= len && memcmp(text.ptr + text.len - len, what, len) == 0;
}

/* Why no normalised path looks like this [L7-18].7; NULL: some do. */
static const char *path_never(struct l7_bytes path)
{
    if (path.len == 0)
        return "can never match: no path is empty but that of CONNECT";
    if (path.ptr[0] != '/' && path.ptr[0] != '*')
        return "can never match: a path begins with \"/\"";
    if (contains(path, "//"))
        return "can never match: runs of slashes are merged before comparing";
    if (contains(path, "/./") || contains(path, "/../") || ends_with(path, "/.") ||
        ends_with(path, "/.."))
        return "can never match: dot segments are removed before comparing";
    if (contains(path, ";"))
        return "can never match: path parameters are also left out before comparing";
    if (contains(path, "\\") || contains(path, "%"))
        return "can never match: some servers decode this character, so it is compared both ways";
    return NULL;
}

/* Only the path is decoded: the query is compared as it was sent [L7-18].6. */
static enum l7_pattern path_pattern(struct l7_bytes text, struct l7_text *out, struct l7_text *note)
{
    const uint8_t *mark = text.len ? memchr(text.ptr, '?', text.len) : NULL;
    size_t path_len = mark ? (size_t)(mark - text.ptr) : text.len;
    struct l7_bytes path = token_slice(text, 0, path_len);
    if (text.len > out->cap)
        return refuse(note, "is too long");
    /* Decoded, it would be a wildcard, which is more than was written. */
    if (contains(path, "%2A") || contains(path, "%2a"))
        return refuse(note, "has %2A, but no pattern can ask for a literal \"*\"");
    size_t len = path_decode_once(path, (uint8_t *)out->ptr);
    struct l7_bytes decoded = {(const uint8_t *)out->ptr, len};
    const char *never = path_never(decoded);
    if (mark)
        memcpy(out->ptr + len, mark, text.len - path_len);
    out->len = len + (text.len - path_len);
    return never ? warn(note, never) : L7_PATTERN_OK;
}

/* "host:80"; an IPv6 address has more colons. */
static bool has_port(struct l7_bytes host)
{
    const uint8_t *colon = host.len ? memrchr(host.ptr, ':', host.len) : NULL;
    size_t at = colon ? (size_t)(colon - host.ptr) : host.len;
    if (at + 1 >= host.len || host.ptr[at + 1] < '0' || host.ptr[at + 1] > '9')
        return false;
    return !memchr(host.ptr, ':', at) || contains(host, "]:");
}

static enum l7_pattern host_pattern(struct l7_bytes text, struct l7_text *out, struct l7_text *note)
{
    size_t given = text.len;
    while (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    /* Hosts are compared without brackets. */
    if (text.len > 1 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = token_slice(text, 1, text.len - 1);
    if (text.len == 0 && given > 0)
        return refuse(note, "is no host");
    if (text.len > out->cap)
        return refuse(note, "is too long");
    for (size_t i = 0; i < text.len; i++)
        out->ptr[i] = (char)token_lower(text.ptr[i]);
    out->len = text.len;
    if (has_port(text))
        return warn(note, "can never match: hosts are compared without their port");
    return L7_PATTERN_OK;
}

static enum l7_pattern plain_pattern(struct l7_bytes text, struct l7_text *out,
                                     struct l7_text *note)
{
    if (text.len > out->cap)
        return refuse(note, "is too long");
    if (text.len > 0)
        memcpy(out->ptr, text.ptr, text.len);
    out->len = text.len;
    return L7_PATTERN_OK;
}

enum l7_pattern http_pattern(const void *self, unsigned field, struct l7_bytes text,
                             struct l7_text *out, struct l7_text *note)
{
    (void)self;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return refuse(note, "has a control character");
    }
    if (field == FIELD_PATH)
        return path_pattern(text, out, note);
    if (field == FIELD_HOST)
        return host_pattern(text, out, note);
    return plain_pattern(text, out, note);
}
