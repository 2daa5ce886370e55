/* SPDX-License-Identifier: Apache-2.0 */
/* response: the server's half. Pairs replies with requests in order, completes their records, and
 * sees where a flow becomes another protocol.
 *
 * Nothing is refused here: replies were let through with the request they answer [L7-33]. A reply
 * that cannot be read ends the reading; requests go on being judged, but what hangs on an answer
 * (a tunnel, an upgrade) is not let through then.
 */

#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "token.h"

static enum l7_step unreadable(struct session *s, struct l7_progress *progress, const char *reason)
{
    s->reply_unreadable = true;
    s->response = SIDE_IGNORE;
    return session_break(progress, reason);
}

static void next_reply(struct session *s)
{
    memset(&s->response_head, 0, sizeof(s->response_head));
    s->response_head.manner = HEAD_REPLY;
    s->response = SIDE_HEAD;
    s->reply.tx = NULL;
}

static void close_reply(const struct http *http, struct session *s)
{
    if (s->reply.tx) {
        attr_number(http, s->reply.tx, ATTR_LENGTH, s->response_body.counted);
        http->host->tx_close(s->reply.tx);
    }
    next_reply(s);
}

static bool is_utf8(struct l7_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || text.len - i <= more)
            return false;
        uint8_t second = more ? text.ptr[i + 1] : 0;
        if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
            (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
            return false;
        for (size_t k = 1; k <= more; k++) {
            if ((text.ptr[i + k] & 0xc0) != 0x80)
                return false;
        }
        i += more;
    }
    return true;
}

static void set_content_type(const struct http *http, struct l7_tx *tx, const struct head *h,
                             struct l7_bytes in)
{
    struct l7_bytes value;
    uint8_t *copy = NULL;
    if (head_value(h, in, HEADER_CONTENT_TYPE, &value, &copy) && is_utf8(value)) {
        const uint8_t *end = value.len ? memchr(value.ptr, ';', value.len) : NULL;
        attr_text(http, tx, ATTR_CONTENT_TYPE,
                  token_slice(value, 0, end ? (size_t)(end - value.ptr) : value.len));
    }
    free(copy);
}

/* Digits from *at on; false: none, or too many. */
static bool read_digits(struct l7_bytes text, size_t *at, uint64_t *number)
{
    size_t from = *at;
    *number = 0;
    while (*at < text.len && *at - from < 18 && text.ptr[*at] >= '0' && text.ptr[*at] <= '9')
        *number = *number * 10 + (uint64_t)(text.ptr[(*at)++] - '0');
    return *at > from && !(*at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9');
}

/* "bytes" SP ( first "-" last / "*" ) "/" ( size / "*" ), RFC 9110 §14.4 */
static void set_content_range(const struct http *http, struct l7_tx *tx, const struct head *h,
                              struct l7_bytes in)
{
    struct l7_bytes value;
    uint8_t *copy = NULL;
    if (head_value(h, in, HEADER_CONTENT_RANGE, &value, &copy) && value.len > 0) {
        uint64_t start = 0, end = 0, size = 0;
        size_t at = 6;
        bool range = false;
        attr_text(http, tx, ATTR_RANGE_RAW, value);
        if (value.len > 6 && token_equal_nocase(token_slice(value, 0, 6), "bytes ")) {
            range = read_digits(value, &at, &start) && at < value.len && value.ptr[at++] == '-' &&
                    read_digits(value, &at, &end);
            if (!range && value.ptr[6] == '*')
                at = 7;
        }
        if (range) {
            attr_number(http, tx, ATTR_RANGE_START, start);
            attr_number(http, tx, ATTR_RANGE_END, end);
        }
        if (at < value.len && value.ptr[at++] == '/' && read_digits(value, &at, &size))
            attr_number(http, tx, ATTR_RANGE_SIZE, size);
    }
    free(copy);
}

static void set_attrs(const struct http *http, struct l7_tx *tx, const struct head *h,
                      struct l7_bytes in, int64_t status)
{
    if (!tx)
        return;
    attr_number(http, tx, ATTR_STATUS, (uint64_t)status);
    set_content_type(http, tx, h, in);
    set_content_range(http, tx, h, in);
    attr_header(http, tx, ATTR_REDIRECT, h, in, HEADER_LOCATION);
}

/* 101: the record is written when the flow ends, the rest is the other protocol's [L7-32]. */
static enum l7_step switch_protocol(struct session *s, const struct pending_entry *entry,
                                    struct l7_progress *progress)
{
    const struct head *h = &s->response_head;
    if (entry->kind != REPLY_UPGRADE && entry->kind != REPLY_H2C)
        return unreadable(s, progress, "unexpected-101");
    progress->consumed = h->length;
    s->response = SIDE_IGNORE;
    if (h->upgrade ? !h->h2c : entry->kind != REPLY_H2C)
        return L7_STEP_RELEASE;
    /* HTTP/2 goes on being judged, and there is nobody here who could. */
    s->h2c = true;
    progress->skip = L7_SKIP_ALL;
    return L7_STEP_OK;
}

static enum l7_step open_tunnel(const struct http *http, struct session *s,
                                const struct pending_entry *entry, struct l7_progress *progress)
{
    progress->consumed = s->response_head.length;
    s->response = SIDE_IGNORE;
    if (entry->tx)
        http->host->tx_close(entry->tx);
    return L7_STEP_HANDOFF;
}

/* RFC 9112 §6.3 */
static enum body_kind framing(const struct head *h, const struct pending_entry *entry,
                              const struct status_line *line)
{
    if (entry->bodiless || line->status == 204 || line->status == 304)
        return BODY_NONE;
    if (h->has_transfer)
        return h->chunked && line->minor ? BODY_CHUNKED : BODY_CLOSE;
    if (h->has_length)
        return h->content_length > 0 ? BODY_LENGTH : BODY_NONE;
    return BODY_CLOSE;
}

static enum l7_step read_body(const struct http *http, struct session *s, struct l7_bytes in,
                              size_t before, struct l7_progress *progress)
{
    struct body_progress p;
    struct l7_bytes rest = token_slice(in, before, in.len);
    /* The last byte is wanted: the record is written when the reply ends, not when the next one
     * begins. */
    enum body_step step = body_read(&s->response_body, rest, 1, &p);
    if (step == BODY_BAD)
        return unreadable(s, progress, p.reason);
    progress->consumed = before + p.used;
    progress->skip = p.skip;
    if (step == BODY_DONE)
        close_reply(http, s);
    return L7_STEP_OK;
}

static enum l7_step finish_head(const struct http *http, struct session *s, struct l7_bytes in,
                                const struct status_line *line, struct l7_progress *progress)
{
    const struct head *h = &s->response_head;
    struct pending_entry entry = {NULL, REPLY_NORMAL, false};
    if (line->status < 200 && line->status != 101) {
        progress->consumed = h->length; /* interim: the reply is still to come */
        next_reply(s);
        return L7_STEP_OK;
    }
    /* A server may speak before it closes (408), or the flow was joined in its middle. Without
     * its request a reply's frame cannot be known once others were answered. */
    if (!pending_pop(&s->pending, &entry) && s->requests > 0) {
        progress->consumed = h->length;
        progress->skip = L7_SKIP_ALL;
        s->reply_unreadable = true;
        s->response = SIDE_IGNORE;
        return L7_STEP_OK;
    }
    set_attrs(http, entry.tx, h, in, line->status);
    if (line->status == 101)
        return switch_protocol(s, &entry, progress);
    if (entry.kind == REPLY_CONNECT && line->status < 300 && !h->has_length && !h->has_transfer)
        return open_tunnel(http, s, &entry, progress);
    /* A tunnel has no frame (RFC 9110 §9.3.6), yet a server that answers CONNECT like any request
     * sends one and reads requests on. Two readings: what the client says next goes to neither. */
    if (entry.kind == REPLY_CONNECT && line->status < 300)
        s->broken = "connect-answer";
    s->reply = entry;
    s->response = SIDE_BODY;
    body_init(&s->response_body, framing(h, &entry, line), h->content_length, false);
    return read_body(http, s, in, h->length, progress);
}

static enum l7_step read_head(const struct http *http, struct session *s, struct l7_bytes in,
                              struct l7_progress *progress)
{
    struct head *h = &s->response_head;
    struct status_line line;
    const char *reason;
    h->manner = HEAD_REPLY;
    enum head_step step = head_read(h, in, http->max_head, &reason);
    if (step == HEAD_MORE && !h->has_first)
        return L7_STEP_OK;
    const char *line_reason = NULL;
    if (h->has_first)
        line_reason = status_line_read(token_slice(in, h->first.from, h->first.to), &line);
    if (line_reason && s->pending.count > 0 && line.status > 0) {
        /* The record shows what the server claimed; it is written when the flow ends. */
        struct pending_entry entry;
        pending_pop(&s->pending, &entry);
        attr_number(http, entry.tx, ATTR_STATUS, (uint64_t)line.status);
    }
    if (line_reason)
        return unreadable(s, progress, line_reason);
    if (step == HEAD_BAD)
        return unreadable(s, progress, reason);
    if (step == HEAD_MORE)
        return L7_STEP_OK;
    return finish_head(http, s, in, &line, progress);
}

enum l7_step response_feed(const struct http *http, struct session *s, struct l7_bytes in,
                           struct l7_progress *progress)
{
    if (s->response == SIDE_IGNORE) {
        progress->consumed = in.len;
        progress->skip = L7_SKIP_ALL;
        return L7_STEP_OK;
    }
    if (s->response == SIDE_LOST) {
        enum l7_probe probe = response_probe(in);
        if (probe == L7_PROBE_NO)
            progress->consumed = in.len;
        if (probe != L7_PROBE_YES)
            return L7_STEP_OK;
        next_reply(s);
    }
    if (in.len == 0)
        return L7_STEP_OK;
    if (s->response == SIDE_BODY)
        return read_body(http, s, in, 0, progress);
    return read_head(http, s, in, progress);
}

void response_gap(const struct http *http, struct session *s, uint64_t len)
{
    if (s->response == SIDE_IGNORE)
        return;
    if (s->response == SIDE_BODY) {
        bool whole = body_gap(&s->response_body, len);
        struct body *b = &s->response_body;
        if (whole && (b->kind != BODY_LENGTH || b->left > 0))
            return;
        close_reply(http, s);
        if (whole)
            return;
    }
    next_reply(s);
    s->response = SIDE_LOST;
}

void response_end(const struct http *http, struct session *s, uint64_t skipped)
{
    s->reply_unreadable = true; /* nothing will answer what is still waiting */
    if (s->response != SIDE_BODY)
        return;
    struct body *b = &s->response_body;
    b->skipping = 0;
    b->counted += skipped;
    if (b->kind == BODY_CLOSE) {
        close_reply(http, s);
        return;
    }
    /* Cut short: the record says what came, and is written with the flow's end. */
    if (s->reply.tx)
        attr_number(http, s->reply.tx, ATTR_LENGTH, b->counted);
}
