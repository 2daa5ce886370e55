/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/client.h"

#include "engine/deliver.h"
#include "engine/feed.h"
#include "engine/settings.h"
#include "engine/watch.h"
#include "flow/segment.h"

#define HOLD_COST 16      /* most that a held byte may take: frames are not that small */
#define MEMORY_SPARE 4096 /* for what is remembered of a request, beside its bytes */

void session_strip_syn(struct worker *w, const struct packet *p, size_t frames)
{
    struct l7_offload offload;
    size_t n = segment_make(p, p->seq, (struct l7_bytes){p->payload, 0}, p->flags, w->scratch,
                            SEGMENT_MAX, &offload);
    if (n > 0) {
        struct l7_frame frame = *p->frame;
        frame.iface = (uint16_t)(p->frame->iface ^ 1u);
        frame.data = w->scratch;
        frame.len = frame.wire_len = (uint32_t)n;
        frame.offload = offload;
        worker_inject(w, &frame);
    }
    w->stats.frames_forwarded += frames;
}

static enum outcome client_syn(struct session *s, const struct packet *p, const struct carrier *c,
                               const char **reason)
{
    if ((p->flags & TCP_ACK) != 0) {
        *reason = "simultaneous-open";
        return OUTCOME_DROP;
    }
    /* A later SYN with other numbers is believed when the server answers it (pipeline.c); until
     * then the connection goes on as it was. */
    if (!s->judged->answered && !s->midstream)
        session_begin(s, p->seq);
    if (p->payload_len == 0)
        return OUTCOME_FORWARD;
    session_strip_syn(s->worker, p, c->count);
    return OUTCOME_REPLACED;
}

static bool is_held(const struct session *s, uint64_t start, uint64_t end)
{
    for (struct list *l = s->hold.frames.prev; l != &s->hold.frames; l = l->prev) {
        const struct held *h = list_item(l, struct held, link);
        if (h->start < start)
            return false;
        if (h->start == start && h->end == end)
            return true;
    }
    return false;
}

/* Bytes that may pass already: a repeat, or a part of what needs no looking at. */
static enum outcome client_cleared(struct session *s, const struct packet *p, uint64_t start)
{
    struct stream *up = &s->stream[L7_TO_SERVER];
    uint64_t end = start + p->payload_len;
    if (!stream_matches(up, start, (struct l7_bytes){p->payload, p->payload_len})) {
        session_refuse(s, "overlap-conflict"); /* [L7-30] */
        return OUTCOME_REJECT;
    }
    if (end > up->high)
        up->high = end;
    deliver_expect_data(s, L7_TO_SERVER, p->seq,
                        p->payload_len + ((p->flags & TCP_FIN) != 0 ? 1 : 0));
    return OUTCOME_FORWARD;
}

/* Bytes behind a hole wait until it is filled. */
static enum outcome client_ahead(struct session *s, const struct packet *p, const struct carrier *c,
                                 uint64_t start, const char **reason)
{
    uint64_t end = start + p->payload_len;
    if (start - s->stream[L7_TO_SERVER].read > WINDOW_MAX) {
        *reason = "out-of-window";
        return OUTCOME_DROP;
    }
    if (is_held(s, start, end)) {
        *reason = "repeat-of-held";
        return OUTCOME_DROP;
    }
    if (s->hold.memory >= s->worker->settings->reorder_limit ||
        !session_memory_left(s, p->frame->len) || c->count != 1) {
        *reason = "reorder-limit"; /* the sender will send it again */
        return OUTCOME_DROP;
    }
    *reason = "no-memory";
    return deliver_hold(s, p, c, start, end) != NULL ? OUTCOME_HELD : OUTCOME_DROP;
}

/* A repeat of what is held: the sender makes no progress [L7-28]. */
static enum outcome client_stalled(struct session *s, const struct packet *p,
                                   const struct carrier *c, uint64_t start, const char **reason)
{
    uint64_t cleared = s->clear;
    deliver_advance(s, s->stream[L7_TO_SERVER].done, true);
    if (s->refuse_reason != NULL)
        return OUTCOME_REJECT;
    /* What may pass of it may have been lost behind us: then the answer that frees the rest waits
     * for this. */
    if (start < cleared && deliver_part(s, p, start, start, cleared)) {
        s->worker->stats.frames_forwarded += c->count;
        return OUTCOME_REPLACED;
    }
    *reason = "repeat-of-held";
    return OUTCOME_DROP;
}

/* The packet may pass whole; frames that waited for it follow, and must not overtake it. */
static enum outcome client_passes(struct session *s, const struct packet *p,
                                  const struct carrier *c)
{
    uint64_t done = s->stream[L7_TO_SERVER].done;
    deliver_expect_data(s, L7_TO_SERVER, p->seq,
                        p->payload_len + ((p->flags & TCP_FIN) != 0 ? 1 : 0));
    deliver_read(s);
    if (s->refuse_reason == NULL && hold_first(&s->hold) == NULL)
        return OUTCOME_FORWARD;
    for (size_t i = 0; i < c->count; i++) {
        struct l7_frame copy = c->frames[i];
        copy.iface ^= 1;
        worker_inject(s->worker, &copy);
    }
    s->worker->stats.frames_forwarded += c->count;
    deliver_advance(s, done, false);
    return OUTCOME_REPLACED;
}

/* Bytes that follow what was read, perhaps behind a repeat of `known` of them. */
static enum outcome client_next(struct session *s, const struct packet *p, const struct carrier *c,
                                uint64_t start, size_t known)
{
    struct stream *up = &s->stream[L7_TO_SERVER];
    uint64_t end = start + p->payload_len, done = up->done;
    bool fin = (p->flags & TCP_FIN) != 0;
    bool stalled = start < up->read && end > s->clear && start >= s->clear && p->payload_len > 0;
    if (end > up->read)
        feed_bytes(s, L7_TO_SERVER, (struct l7_bytes){p->payload + known, p->payload_len - known});
    if (fin && s->refuse_reason == NULL && end >= up->read && !s->opaque) {
        feed_end(s, L7_TO_SERVER);
        if (stream_pending(up).len > 0)
            session_refuse(s, "incomplete");
    }
    uint64_t judged_end = up->done < end ? up->done : end;
    bool some_clear = s->opaque || judged_end > start || s->clear > start;
    if (s->refuse_reason != NULL && !some_clear)
        return OUTCOME_REJECT;
    if (s->refuse_reason == NULL &&
        (s->opaque || !s->governed || up->done >= end || end <= s->clear)) {
        deliver_advance(s, done, stalled); /* earlier frames first */
        return client_passes(s, p, c);
    }
    /* As far as it may go. */
    struct held *h = deliver_hold(s, p, c, start, end);
    if (h == NULL) {
        session_refuse(s, "no-memory");
        return OUTCOME_REJECT;
    }
    h->read = true;
    deliver_advance(s, done, stalled);
    done = up->done;
    deliver_read(s);
    deliver_advance(s, done, false);
    return OUTCOME_HELD;
}

static enum outcome client_payload(struct session *s, const struct packet *p,
                                   const struct carrier *c, const char **reason)
{
    const struct settings *set = s->worker->settings;
    struct stream *up = &s->stream[L7_TO_SERVER];
    bool fin = (p->flags & TCP_FIN) != 0;
    int64_t at = stream_offset(up, p->seq);
    if (at < 0) {
        /* From before the first byte: nothing the receiver does not have, if it says so itself
         * where nobody has seen the beginning. */
        if (at + (int64_t)p->payload_len <= 0 && !fin &&
            (!s->midstream || (s->has_acked && (int32_t)(p->seq + p->payload_len - s->acked) <= 0)))
            return OUTCOME_FORWARD;
        *reason = "out-of-window";
        return OUTCOME_DROP;
    }
    uint64_t start = (uint64_t)at, end = start + p->payload_len;
    bool ends_here = fin && end == up->read;
    if (end <= s->clear && end <= up->read && !ends_here)
        return client_cleared(s, p, start);
    if (start > up->read)
        return client_ahead(s, p, c, start, reason);
    size_t known = (size_t)((up->read < end ? up->read : end) - start);
    if (!stream_matches(up, start, (struct l7_bytes){p->payload, known})) {
        session_refuse(s, "overlap-conflict");
        return OUTCOME_REJECT;
    }
    if (end <= up->read && !ends_here)
        return client_stalled(s, p, c, start, reason);
    if (!session_memory_left(s, 2 * p->payload_len + MEMORY_SPARE) ||
        up->bytes > set->retain_limit + set->message_limit ||
        s->hold.memory > set->reorder_limit + HOLD_COST * set->message_limit) {
        *reason = "retain-limit"; /* the sender will send it again */
        return OUTCOME_DROP;
    }
    return client_next(s, p, c, start, known);
}

/* Where the beginning was not seen the server says where it is: what it has already, or does not
 * expect yet, must not be taken for a beginning. */
static bool is_next(const struct session *s, const struct packet *p)
{
    const struct judged *j = s->judged;
    if (s->worker->offline)
        return true;
    return s->has_acked && p->seq == s->acked &&
           (!j->passed_any || (int32_t)(s->acked - j->passed) >= 0);
}

/* Have the server say it: an empty segment one byte back must be answered (RFC 9293 3.8.4). */
static void ask_next(struct session *s, const struct packet *p)
{
    struct l7_offload offload;
    size_t n = segment_make(p, p->seq - 1, (struct l7_bytes){p->payload, 0}, TCP_ACK,
                            s->worker->scratch, SEGMENT_MAX, &offload);
    if (n == 0)
        return;
    struct l7_frame frame = *p->frame;
    frame.iface ^= 1;
    frame.data = s->worker->scratch;
    frame.len = frame.wire_len = (uint32_t)n;
    frame.offload = offload;
    worker_inject(s->worker, &frame);
}

enum outcome client_packet(struct session *s, const struct packet *p, const struct carrier *c,
                           const char **reason)
{
    struct stream *up = &s->stream[L7_TO_SERVER], *down = &s->stream[L7_TO_CLIENT];
    bool ack = (p->flags & TCP_ACK) != 0;
    if (s->opaque)
        return OUTCOME_FORWARD;
    if ((p->flags & TCP_SYN) != 0)
        return client_syn(s, p, c, reason);
    if (ack && (p->flags & TCP_RST) == 0) {
        deliver_expect(s, L7_TO_CLIENT, p->ack);
        watch_ack(s, L7_TO_CLIENT, p->ack);
        if (!down->started && s->midstream)
            stream_start(down, p->ack, false);
    }
    if ((p->flags & TCP_URG) != 0) {
        /* The receiver takes the byte that is pointed at, here or later, out of the stream, or
         * not: two readings. */
        session_refuse(s, "urgent-data");
        return OUTCOME_REJECT;
    }
    if ((p->flags & TCP_RST) != 0 && p->payload_len > 0) {
        *reason = "data-on-reset";
        return OUTCOME_DROP;
    }
    if (p->payload_len == 0 && (p->flags & TCP_FIN) == 0)
        return OUTCOME_FORWARD; /* [L7-27] */
    if (p->cut) {
        session_refuse(s, "cut-by-capture");
        return OUTCOME_REJECT;
    }
    if (!up->started) {
        if (p->payload_len == 0)
            return OUTCOME_FORWARD;
        struct l7_bytes bytes = {p->payload, p->payload_len};
        if (s->midstream && !is_next(s, p)) {
            ask_next(s, p);
            deliver_undecided(s, true, false);
            *reason = "not-in-step"; /* the sender will send it again */
            return OUTCOME_DROP;
        }
        if (!s->midstream || !feed_recognises(s, L7_TO_SERVER, bytes)) {
            session_refuse(s, "midstream");
            return OUTCOME_REJECT;
        }
        stream_start(up, p->seq, true);
        s->judged->answered = true;
    }
    if (!s->judged->answered) {
        *reason = "no-handshake"; /* the server has not agreed to the sequence numbers */
        return OUTCOME_DROP;
    }
    return client_payload(s, p, c, reason);
}
