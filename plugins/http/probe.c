/* SPDX-License-Identifier: Apache-2.0 */
/* probe: is this HTTP/1 [L7-23]. Claims early, because a request line may be longer than what a
 * host shows to a probe: with a registered method, the first byte of its target is enough, and
 * what turns out not to be HTTP after all is refused by request.c as "not-http". A method that
 * nobody registered may be a command of another protocol, so its version has to be seen. The
 * preface of HTTP/2 is none of it.
 */

#include <string.h>

#include "line.h"
#include "session.h"
#include "token.h"

#define PROBE_LINE_MAX 1024 /* an unknown method has to end its line within */

/* What the target of each form begins with. */
static enum l7_probe probe_target(struct l7_bytes method, struct l7_bytes target)
{
    static const char scheme[] = "http://";
    if (target.len == 0)
        return L7_PROBE_MORE;
    uint8_t c = target.ptr[0];
    if (token_equal(method, "CONNECT"))
        return token_is_host(c) || c == '[' ? L7_PROBE_YES : L7_PROBE_NO;
    if (c == '/')
        return L7_PROBE_YES;
    if (c == '*')
        return target.len == 1 ? L7_PROBE_MORE : target.ptr[1] == ' ' ? L7_PROBE_YES : L7_PROBE_NO;
    for (size_t i = 0; i < sizeof(scheme) - 1; i++) {
        if (i == target.len)
            return L7_PROBE_MORE;
        if (token_lower(target.ptr[i]) != (uint8_t)scheme[i])
            return L7_PROBE_NO;
    }
    return L7_PROBE_YES;
}

/* A method nobody registered may be another protocol's command: the version has to be seen. */
static enum l7_probe probe_line(struct l7_bytes line)
{
    size_t max = line.len < PROBE_LINE_MAX ? line.len : PROBE_LINE_MAX;
    const uint8_t *lf = max > 0 ? memchr(line.ptr, '\n', max) : NULL;
    if (!lf)
        return line.len < PROBE_LINE_MAX ? L7_PROBE_MORE : L7_PROBE_YES;
    size_t len = (size_t)(lf - line.ptr);
    if (len < 11 || lf[-1] != '\r' || memcmp(lf - 10, " HTTP/1.", 8) != 0)
        return L7_PROBE_NO;
    return lf[-2] >= '0' && lf[-2] <= '9' ? L7_PROBE_YES : L7_PROBE_NO;
}

enum l7_probe request_probe(struct l7_bytes seen)
{
    /* One empty line may come first (RFC 9112 §2.2). */
    if (seen.len > 0 && seen.ptr[0] == '\r') {
        if (seen.len > 1 && seen.ptr[1] != '\n')
            return L7_PROBE_NO;
        seen = token_slice(seen, seen.len > 1 ? 2 : 1, seen.len);
    }
    size_t at = 0;
    while (at < seen.len && at <= LINE_METHOD_MAX && token_is_tchar(seen.ptr[at]))
        at++;
    if (at == seen.len && at <= LINE_METHOD_MAX)
        return L7_PROBE_MORE;
    struct l7_bytes method = token_slice(seen, 0, at);
    if (at == 0 || at > LINE_METHOD_MAX || seen.ptr[at] != ' ' || token_equal(method, "PRI"))
        return L7_PROBE_NO;
    enum l7_probe probe = probe_target(method, token_slice(seen, at + 1, seen.len));
    if (probe != L7_PROBE_YES || method_is_known(method))
        return probe;
    return probe_line(token_slice(seen, at + 1, seen.len));
}

enum l7_probe response_probe(struct l7_bytes seen)
{
    static const char start[] = "HTTP/1.";
    for (size_t i = 0; i < sizeof(start) - 1; i++) {
        if (i == seen.len)
            return L7_PROBE_MORE;
        if (seen.ptr[i] != (uint8_t)start[i])
            return L7_PROBE_NO;
    }
    return L7_PROBE_YES;
}
