/* SPDX-License-Identifier: Apache-2.0 */
/* line: request line and status line, byte by byte as the grammar has them. */

#include "line.h"

#include <string.h>

#include "token.h"

/* `like_http`: it has the shape of a version, if not of one that is spoken here. */
static const char *check_version(struct l7_bytes version, bool *minor, bool *like_http)
{
    *like_http = version.len == 8 && memcmp(version.ptr, "HTTP/", 5) == 0;
    *minor = token_equal(version, "HTTP/1.1");
    if (*minor || token_equal(version, "HTTP/1.0"))
        return NULL;
    return *like_http ? "http-version" : "not-http";
}

const char *request_line_read(struct l7_bytes line, struct request_line *out)
{
    memset(out, 0, sizeof(*out));
    const uint8_t *first = memchr(line.ptr, ' ', line.len);
    const uint8_t *last = memrchr(line.ptr, ' ', line.len);
    if (!first)
        return "not-http";
    struct l7_bytes method = token_slice(line, 0, (size_t)(first - line.ptr));
    struct l7_bytes version = token_slice(line, (size_t)(last - line.ptr) + 1, line.len);
    if (!token_is_valid(method) || token_equal(method, "PRI"))
        return "not-http"; /* PRI is reserved for the preface of HTTP/2 (RFC 9113 §3.4) */
    bool like_http;
    const char *reason = check_version(version, &out->minor, &like_http);
    if (!like_http)
        return reason;
    out->method = method;
    out->version = version;
    const uint8_t *second = first == last ? last : memchr(first + 1, ' ', (size_t)(last - first));
    if (second > first)
        out->target = token_slice(line, method.len + 1, (size_t)(second - line.ptr));
    if (reason)
        return reason;
    if (method.len > LINE_METHOD_MAX)
        return "method-too-long";
    if (second != last)
        return "target-byte";
    return out->target.len > 0 ? NULL : "target-empty";
}

bool method_is_known(struct l7_bytes method)
{
    static const char *const known[] = {
        "GET",       "HEAD",   "POST",     "PUT",       "DELETE",     "CONNECT", "OPTIONS",
        "TRACE",     "PATCH",  "PROPFIND", "PROPPATCH", "MKCOL",      "COPY",    "MOVE",
        "LOCK",      "UNLOCK", "REPORT",   "SEARCH",    "MERGE",      "BIND",    "REBIND",
        "UNBIND",    "ACL",    "CHECKOUT", "CHECKIN",   "MKCALENDAR", "QUERY",   "PURGE",
        "SUBSCRIBE", "NOTIFY", "M-SEARCH", "LINK",      "UNLINK",
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (token_equal(method, known[i]))
            return true;
    }
    return false;
}

/* HTTP-version SP 3DIGIT [ SP reason ]; the last blank is often left out, and tolerated. */
const char *status_line_read(struct l7_bytes line, struct status_line *out)
{
    memset(out, 0, sizeof(*out));
    if (line.len < 9 || memcmp(line.ptr, "HTTP/1.", 7) != 0 || line.ptr[8] != ' ' ||
        line.ptr[7] < '0' || line.ptr[7] > '9')
        return "status-line";
    out->minor = line.ptr[7] != '0';
    size_t at = 9;
    while (at < line.len && at < 9 + 9 && line.ptr[at] >= '0' && line.ptr[at] <= '9')
        out->status = out->status * 10 + (line.ptr[at++] - '0');
    if (at != 12 || out->status < 100 || (at < line.len && line.ptr[at] != ' '))
        return "status-line";
    return NULL;
}
