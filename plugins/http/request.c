/* SPDX-License-Identifier: Apache-2.0 */
/* request: the client's half. Reads a request, has it judged, and only then consumes it.
 *
 * The request line is judged as soon as it is complete, because a method or path that no rule
 * allows is not mended by later bytes [L7-28]; the host and the final answer need the whole head.
 * What could be read is set as attributes before anything is asked, so that the record of a
 * refusal shows it.
 */

#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "path.h"
#include "target.h"
#include "token.h"

/* Everything read from one head, valid as long as `in` is. */
struct request {
    struct l7_bytes in;
    struct request_line line;
    struct target target;
    struct authority from_target, from_host;
    bool has_target_host, has_host;
};

/* The effective host, or NULL. */
static const struct authority *request_host(const struct request *r)
{
    if (r->has_target_host)
        return &r->from_target;
    return r->has_host ? &r->from_host : NULL;
}

/* Request line and target. NULL, or why they are bad. */
static const char *read_first(const struct head *h, struct request *r)
{
    struct l7_bytes first = token_slice(r->in, h->first.from, h->first.to);
    const char *reason = request_line_read(first, &r->line);
    if (!reason)
        reason = target_read(r->line.target, r->line.method, &r->target);
    if (!reason)
        reason = target_refusal(&r->target, r->line.method);
    if (reason || r->target.form == TARGET_ORIGIN || r->target.form == TARGET_ASTERISK)
        return reason;
    reason = authority_read(r->target.authority, &r->from_target);
    r->has_target_host = !reason;
    if (!reason && r->target.form == TARGET_AUTHORITY && !r->from_target.has_port)
        reason = "connect-port"; /* RFC 9110 §9.3.6 */
    return reason;
}

/* What the headers say of the host [L7-14], [L7-15]. */
static const char *read_host(const struct head *h, struct request *r)
{
    /* RFC 9112 §3.2; and beside a URL in HTTP/1.0, where servers that look at Host only would see
     * no host, and others that of the URL. */
    if (h->seen[HEADER_HOST] == 0)
        return r->line.minor || r->target.form == TARGET_ABSOLUTE ? "host-missing" : NULL;
    struct head_slice at = h->value[HEADER_HOST];
    const char *reason = authority_read(token_slice(r->in, at.from, at.to), &r->from_host);
    if (reason)
        return reason;
    r->has_host = true;
    /* The target would win, but many servers look at Host only: refused rather than guessed. */
    return r->has_target_host ? authority_differs(&r->target, &r->from_target, &r->from_host)
                              : NULL;
}

/* How the body is framed, RFC 9112 §6.1 to §6.3. */
static const char *read_framing(const struct head *h, const struct request *r, enum body_kind *kind)
{
    if (h->has_transfer && h->has_length)
        return "content-length-with-transfer-encoding";
    if (h->has_transfer && !r->line.minor)
        return "transfer-encoding-in-http10";
    *kind = h->has_transfer                          ? BODY_CHUNKED
            : h->has_length && h->content_length > 0 ? BODY_LENGTH
                                                     : BODY_NONE;
    if (*kind != BODY_NONE && r->target.form == TARGET_AUTHORITY)
        return "connect-with-body";
    return NULL;
}

static void set_first_attrs(const struct http *http, struct l7_tx *tx, const struct request *r)
{
    attr_number(http, tx, ATTR_LENGTH, 0);
    if (r->line.target.len > 0)
        attr_text(http, tx, ATTR_URL, r->line.target);
    attr_text(http, tx, ATTR_METHOD, r->line.method);
    attr_text(http, tx, ATTR_PROTOCOL, r->line.version);
    if (r->has_target_host)
        attr_host(http, tx, &r->from_target);
}

static void set_head_attrs(const struct http *http, struct l7_tx *tx, const struct head *h,
                           const struct request *r)
{
    if (!r->has_target_host && r->has_host)
        attr_host(http, tx, &r->from_host);
    attr_header(http, tx, ATTR_USER_AGENT, h, r->in, HEADER_USER_AGENT);
    attr_header(http, tx, ATTR_XFF, h, r->in, HEADER_FORWARDED_FOR);
    attr_header(http, tx, ATTR_REFERER, h, r->in, HEADER_REFERER);
}

/* Method and path, as soon as they are there. NULL, or why the path is bad; *judgement is set. */
static const char *announce(const struct http *http, struct session *s, const struct request *r,
                            enum l7_judgement *judgement)
{
    struct path path;
    if (path_init(&path, r->target.path))
        return "no-memory";
    const char *reason = path.refusal;
    if (!reason) {
        s->announced = true;
        *judgement = field_emit(http, s->tx, FIELD_METHOD, &r->line.method, 1);
        if (*judgement != L7_JUDGEMENT_REFUSE)
            *judgement = field_emit_path(http, s->tx, &r->target, &path);
    }
    path_fini(&path);
    return reason;
}

/* The request as its reply will need it. */
static struct pending_entry reply_of(struct l7_tx *tx, const struct head *h,
                                     const struct request *r)
{
    enum reply_kind kind = REPLY_NORMAL;
    if (r->target.form == TARGET_AUTHORITY)
        kind = REPLY_CONNECT;
    else if (h->upgrade)
        kind = h->h2c ? REPLY_H2C : REPLY_UPGRADE;
    return (struct pending_entry){tx, kind, token_equal(r->line.method, "HEAD")};
}

static void next_request(struct session *s)
{
    memset(&s->request_head, 0, sizeof(s->request_head));
    s->request = SIDE_HEAD;
    s->tx = NULL;
    s->announced = false;
}

/* The body of a request that was let through. */
static enum l7_step read_body(struct session *s, struct l7_bytes in, size_t before,
                              struct l7_progress *progress)
{
    struct body_progress p;
    struct l7_bytes rest = token_slice(in, before, in.len);
    enum body_step step = body_read(&s->request_body, rest, 0, &p);
    /* A frame that breaks in the bytes that came with the head takes the head with it. */
    if (step == BODY_BAD)
        return session_break(progress, p.reason);
    progress->consumed = before + p.used;
    progress->skip = p.skip;
    if (step == BODY_DONE)
        next_request(s);
    return L7_STEP_OK;
}

static enum l7_step refuse(struct session *s)
{
    s->refused = true;
    return L7_STEP_OK;
}

/* The Host of a head that is not read strictly; several are shown as they came. */
static void set_loose_host(const struct http *http, struct l7_tx *tx, const struct head *h,
                           struct l7_bytes in)
{
    struct l7_bytes value;
    struct authority host;
    uint8_t *copy = NULL;
    if (head_value(h, in, HEADER_HOST, &value, &copy) && value.len > 0) {
        if (authority_read(value, &host))
            host = (struct authority){.host = value};
        attr_host(http, tx, &host);
    }
    free(copy);
}

/* Put on record what can be read of a request that is refused for its form. Whoever only watches
 * goes on, and sees it answered. */
static enum l7_step break_head(const struct http *http, struct session *s, struct l7_flow *flow,
                               struct l7_bytes in, struct l7_progress *progress, const char *reason)
{
    struct head loose = {.manner = HEAD_LOOSE};
    struct request r = {.in = in};
    const char *ignored;
    head_read(&loose, in, http->max_head, &ignored);
    loose.length = loose.line;
    if (loose.has_first)
        read_first(&loose, &r);
    if (!r.has_target_host && !target_read(r.line.target, r.line.method, &r.target))
        r.has_target_host = !authority_read(r.target.authority, &r.from_target);
    if (!s->tx && r.line.method.len > 0) {
        s->tx = http->host->tx_open(flow);
        if (s->tx)
            set_first_attrs(http, s->tx, &r);
    }
    if (!s->tx)
        return session_break(progress, reason);
    if (r.has_target_host)
        attr_host(http, s->tx, &r.from_target);
    else
        set_loose_host(http, s->tx, &loose, in);
    set_head_attrs(http, s->tx, &loose, &r);
    struct pending_entry entry = reply_of(s->tx, &s->request_head, &r);
    if (pending_push(&s->pending, http->max_pipelined, entry) == 0)
        s->tx = NULL;
    return session_break(progress, reason);
}

/* A whole head: host, framing, decision. */
static enum l7_step finish_head(const struct http *http, struct session *s, struct l7_flow *flow,
                                struct request *r, struct l7_progress *progress)
{
    const struct head *h = &s->request_head;
    enum l7_judgement judgement = L7_JUDGEMENT_OPEN;
    enum body_kind kind = BODY_NONE;
    const char *reason = read_host(h, r);
    if (!reason)
        reason = read_framing(h, r, &kind);
    set_head_attrs(http, s->tx, h, r);
    /* First what stands first: the answer is the same when the lines come one by one. */
    const char *early = s->announced ? NULL : announce(http, s, r, &judgement);
    if (judgement == L7_JUDGEMENT_REFUSE)
        return refuse(s);
    if (early || reason)
        return break_head(http, s, flow, r->in, progress, early ? early : reason);
    const struct authority *host = request_host(r);
    if (host)
        judgement = field_emit_host(http, s->tx, host);
    if (judgement != L7_JUDGEMENT_REFUSE)
        judgement = http->host->tx_decide(s->tx);
    if (judgement != L7_JUDGEMENT_ALLOW)
        return refuse(s);
    int err = pending_push(&s->pending, http->max_pipelined, reply_of(s->tx, h, r));
    if (err)
        return session_break(progress, err == -ENOSPC ? "pipeline-limit" : "no-memory");
    s->requests++;
    s->close = h->close;
    s->request = SIDE_BODY;
    body_init(&s->request_body, kind, h->content_length, true);
    return read_body(s, r->in, h->length, progress);
}

static enum l7_step read_head(const struct http *http, struct session *s, struct l7_flow *flow,
                              struct l7_bytes in, struct l7_progress *progress)
{
    struct head *h = &s->request_head;
    struct request r = {.in = in};
    const char *head_reason;
    enum head_step step = head_read(h, in, http->max_head, &head_reason);
    if (!h->has_first && step == HEAD_BAD)
        return break_head(http, s, flow, in, progress, head_reason);
    if (!h->has_first)
        return L7_STEP_OK;
    if (step == HEAD_MORE && s->announced)
        return L7_STEP_OK;
    const char *reason = read_first(h, &r);
    if (!s->tx && r.line.method.len > 0) {
        s->tx = http->host->tx_open(flow);
        if (!s->tx)
            return session_break(progress, "transaction-limit");
        set_first_attrs(http, s->tx, &r);
    }
    if (!reason && step == HEAD_DONE)
        return finish_head(http, s, flow, &r, progress);
    enum l7_judgement judgement = L7_JUDGEMENT_OPEN;
    if (!reason && !s->announced)
        reason = announce(http, s, &r, &judgement);
    if (judgement == L7_JUDGEMENT_REFUSE)
        return refuse(s);
    if (!reason)
        reason = head_reason;
    return reason ? break_head(http, s, flow, in, progress, reason) : L7_STEP_OK;
}

/* Between messages: who may speak at all. */
static enum l7_step start_head(const struct http *http, struct session *s, struct l7_flow *flow,
                               struct l7_bytes in, struct l7_progress *progress)
{
    if (pending_blocks(&s->pending))
        return s->reply_unreadable ? session_break(progress, "reply-unreadable") : L7_STEP_WAIT;
    /* Old clients end a body with one CRLF too many. Waiting for what follows it would keep a
     * finished request undecided, so it goes by alone. */
    struct head *h = &s->request_head;
    if (s->requests > 0 && !h->blank && h->scan == 0 && in.ptr[0] == '\r') {
        if (in.len == 1)
            return L7_STEP_OK;
        if (in.ptr[1] == '\n') {
            h->blank = true;
            progress->consumed = 2;
            return L7_STEP_OK;
        }
    }
    /* What stands behind the last request is none (RFC 9112 §9.6): it does not pass, and the answer
     * to the request is not cut short for it. */
    if (s->close)
        return L7_STEP_WAIT;
    return read_head(http, s, flow, in, progress);
}

static enum l7_step feed(const struct http *http, struct session *s, struct l7_flow *flow,
                         struct l7_bytes in, struct l7_progress *progress)
{
    if (s->h2c)
        return session_break(progress, "h2c-not-supported");
    if (s->request == SIDE_LOST) {
        enum l7_probe probe = request_probe(in);
        if (probe == L7_PROBE_NO)
            progress->consumed = in.len;
        if (probe != L7_PROBE_YES)
            return L7_STEP_OK;
        next_request(s);
    }
    if (s->request == SIDE_BODY)
        return read_body(s, in, 0, progress);
    return start_head(http, s, flow, in, progress);
}

enum l7_step request_feed(const struct http *http, struct session *s, struct l7_flow *flow,
                          struct l7_bytes in, struct l7_progress *progress)
{
    if (s->refused || in.len == 0)
        return L7_STEP_OK;
    if (s->broken)
        return session_break(progress, s->broken);
    enum l7_step step = feed(http, s, flow, in, progress);
    if (step == L7_STEP_BREAK)
        s->broken = progress->reason;
    return step;
}

void request_gap(struct session *s, uint64_t len)
{
    s->broken = NULL; /* whoever goes on after a gap only watches */
    if (s->request == SIDE_BODY && body_gap(&s->request_body, len))
        return;
    next_request(s);
    s->request = SIDE_LOST;
}
