/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/session.h"

#include <stdlib.h>
#include <string.h>
#include "engine/feed.h"
#include "engine/settings.h"
#include "engine/tx.h"
#include "flow/decode.h"
#include "flow/segment.h"

#define ALL_CLEAR (UINT64_MAX / 2)
#define HOLD_COST 16            /* most that a held byte may take: frames are not that small */
#define MEMORY_SHARE 4          /* a flow may have a quarter of what no flow has */
#define MEMORY_SPARE 4096       /* for what is remembered of a request, beside its bytes */
#define WINDOW_MAX (1ull << 30) /* no receiver's window is larger (RFC 7323 2.3) */

struct session *session_new(struct worker *w, struct flow *f, struct judged *j, bool governed)
{
    struct session *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->worker = w;
    s->flow = f;
    s->judged = j;
    s->governed = governed;
    s->midstream = j->midstream;
    s->streaming = w->settings->hold == HOLD_OFF;
    s->reading[0] = s->reading[1] = true;
    hold_init(&s->hold);
    hold_init(&s->ahead[0]);
    hold_init(&s->ahead[1]);
    list_init(&s->txs);
    list_init(&s->tx_open);
    list_init(&s->undecided_link);
    return s;
}

void session_free(struct session *s)
{
    struct stats *stats = &s->worker->stats;
    s->packet = NULL;
    for (struct held *h = hold_first(&s->hold); h != NULL; h = hold_next(&s->hold, h)) {
        if (h->counted) {
            stats->frames_held -= h->frame_count;
            stats->frames_rejected += h->frame_count;
        }
    }
    feed_close(s);
    hold_fini(&s->hold);
    hold_fini(&s->ahead[0]);
    hold_fini(&s->ahead[1]);
    stream_fini(&s->stream[0]);
    stream_fini(&s->stream[1]);
    list_remove(&s->undecided_link);
    s->worker->stream_memory -= s->memory;
    free(s);
}

void session_regovern(struct session *s, bool governed)
{
    struct stream *up = &s->stream[L7_TO_SERVER];
    if (s->governed == governed)
        return;
    s->governed = governed;
    up->retain = governed;
    if (!governed) {
        stream_acked(up, up->done); /* nothing is compared any more */
        return;                     /* what waits is released with the next packet */
    }

    s->clear = up->read; /* delivered before the rule came */
    s->streaming = s->streaming || stream_pending(up).len > 0;
}

bool session_is_in_step(struct session *s)
{
    struct stream *up = &s->stream[L7_TO_SERVER];
    if (s->claim == NULL || s->opaque || !up->started ||
        hold_first(&s->ahead[L7_TO_SERVER]) != NULL)
        return false;
    /* What was read here and is not acknowledged the server may never have got. */
    int64_t front = (int64_t)(up->read < up->high ? up->read : up->high);
    int64_t acked = s->has_acked ? stream_offset(up, s->acked) : -1;
    return acked == front || acked == front + 1; /* its FIN */
}

void session_begin(struct session *s, uint32_t syn)
{
    s->judged->syn = syn;
    stream_start(&s->stream[L7_TO_SERVER], syn + 1, s->governed);
}

bool session_overdue(const struct session *s, uint64_t now_ns)
{
    uint64_t limit = s->worker->settings->decision_timeout * 1000000ull;
    return s->undecided_since != 0 && now_ns > s->undecided_since &&
           now_ns - s->undecided_since > limit;
}

/* What the receiver of `dir` expects next has moved to `seq`, if that is forward. */
static void expect(struct session *s, enum l7_dir dir, uint32_t seq)
{
    if (!s->has_next[dir] || (int32_t)(seq - s->next_seq[dir]) > 0)
        s->next_seq[dir] = seq;
    s->has_next[dir] = true;
}

/* Data went on to the receiver; what lies beyond a hole does not move what it expects. */
static void expect_data(struct session *s, enum l7_dir dir, uint32_t seq, uint32_t len)
{
    if (!s->has_next[dir] || (int32_t)(seq - s->next_seq[dir]) <= 0)
        expect(s, dir, seq + len);
}

static void refuse(struct session *s, const char *reason)
{
    if (s->refuse_reason == NULL)
        s->refuse_reason = reason;
}

static size_t memory_now(const struct session *s)
{
    return s->stream[0].bytes + s->stream[1].bytes + s->hold.memory + s->ahead[0].memory +
           s->ahead[1].memory + s->tx_memory;
}

static void account(struct session *s)
{
    size_t now = memory_now(s);
    s->worker->stream_memory += now - s->memory;
    s->memory = now;
}

/* Dynamic thresholds (Choudhury and Hahne, 1998): however many flows are greedy, something is left
 * for one that is not. */
bool session_memory_left(const struct session *s, size_t n)
{
    size_t limit = s->worker->settings->stream_memory, own = memory_now(s);
    size_t used = s->worker->stream_memory - s->memory + own;
    return used < limit && own + n < (limit - used) / MEMORY_SHARE;
}

/* ---- the client's frames: held, split, let go ---- */

static struct held *hold_packet(struct session *s, const struct packet *p, const struct carrier *c,
                                uint64_t start, uint64_t end)
{
    struct held *h = hold_put(&s->hold, c->frames, c->count, start, end);
    if (h == NULL)
        return NULL;
    h->fin = (p->flags & TCP_FIN) != 0;
    if (c->count == 1)
        h->payload_at = (size_t)(p->payload - p->frame->data);
    s->worker->stats.frames_held += h->frame_count;
    return h;
}

static void let_go(struct session *s, struct held *h)
{
    struct stats *stats = &s->worker->stats;
    hold_take(&s->hold, h);
    for (size_t i = 0; i < h->frame_count; i++) {
        struct l7_frame frame = h->frames[i];
        frame.iface ^= 1;
        worker_inject(s->worker, &frame);
    }
    if (h->counted) {
        stats->frames_held -= h->frame_count;
        stats->frames_forwarded += h->frame_count;
    }
    expect(s, L7_TO_SERVER, stream_seq(&s->stream[L7_TO_SERVER], h->end) + (h->fin ? 1 : 0));
    held_free(h);
}

/* Send [from, to) of a held frame as a segment of its own. */
static bool send_part(struct session *s, const struct packet *p, uint64_t start, uint64_t from,
                      uint64_t to)
{
    struct worker *w = s->worker;
    struct l7_offload offload;
    struct l7_bytes part = {p->payload + (from - start), (size_t)(to - from)};
    uint8_t flags = (uint8_t)(p->flags & ~(TCP_FIN | TCP_PSH));
    uint32_t seq = stream_seq(&s->stream[L7_TO_SERVER], from);
    size_t n = segment_make(p, seq, part, flags, w->scratch, SEGMENT_MAX, &offload);
    if (n == 0)
        return false;
    struct l7_frame frame = *p->frame;
    frame.iface = (uint16_t)(p->frame->iface ^ 1u);
    frame.data = w->scratch;
    frame.len = frame.wire_len = (uint32_t)n;
    frame.offload = offload;
    worker_inject(w, &frame);
    expect(s, L7_TO_SERVER, seq + (uint32_t)part.len);
    return true;
}

/* The head of a held frame may pass, its tail not yet: send one, keep the other. Fragments of a
 * datagram stay together. */
static bool split(struct session *s, struct held *h)
{
    struct worker *w = s->worker;
    struct packet p;
    if (h->frame_count != 1 || decode_frame(&h->frames[0], w->offline, &p) != DECODE_PACKET ||
        p.payload_len < h->end - h->start || !send_part(s, &p, h->start, h->start, s->clear))
        return false;
    struct l7_bytes tail = {p.payload + (s->clear - h->start), (size_t)(h->end - s->clear)};
    struct l7_offload offload;
    size_t n = segment_make(&p, stream_seq(&s->stream[L7_TO_SERVER], s->clear), tail, p.flags,
                            w->scratch, SEGMENT_MAX, &offload);
    struct l7_frame frame = h->frames[0];
    frame.data = w->scratch;
    frame.len = frame.wire_len = (uint32_t)n;
    frame.offload = offload;
    struct held *rest = n > 0 ? hold_put(&s->hold, &frame, 1, s->clear, h->end) : NULL;
    if (rest != NULL) {
        rest->read = h->read;
        rest->fin = h->fin;
        rest->counted = h->counted;
        rest->payload_at = h->payload_at;
    } else if (h->counted) {
        w->stats.frames_held--;
        w->stats.frames_dropped++;
        stats_count(w->stats.drops, "no-memory");
    }
    hold_take(&s->hold, h);
    held_free(h);
    return true;
}

static void release(struct session *s)
{
    struct held *h;
    while ((h = hold_first(&s->hold)) != NULL) {
        bool known = h->read || s->clear == ALL_CLEAR;
        if (known && h->end <= s->clear)
            let_go(s, h);
        else if (!known || h->start >= s->clear || !split(s, h))
            break;
    }
}

/* ---- after reading: how far may the client's bytes go ---- */

static void undecided(struct session *s, bool waiting, bool moved)
{
    if (!waiting || moved) {
        list_remove(&s->undecided_link);
        s->undecided_since = 0;
    }
    if (waiting && s->undecided_since == 0) {
        s->undecided_since = s->worker->now_ns;
        list_insert(&s->worker->undecided, &s->undecided_link);
    }
}

static void advance(struct session *s, uint64_t done_before, bool stalled)
{
    const struct settings *set = s->worker->settings;
    struct stream *up = &s->stream[L7_TO_SERVER];
    if (s->opaque || !s->governed) {
        if (s->refuse_reason == NULL)
            s->clear = ALL_CLEAR;
    } else if (up->started) {
        bool moved = up->done > done_before;
        if (up->done > s->clear)
            s->clear = up->done;
        /* The message that had to stream was decided: the next one is held again. */
        if (moved)
            s->streaming = set->hold == HOLD_OFF;
        uint64_t pending = up->read > up->done ? up->read - up->done : 0;
        uint64_t unclear = up->read > s->clear ? up->read - s->clear : 0;
        undecided(s, pending > 0 && s->refuse_reason == NULL, moved);
        if (s->refuse_reason == NULL && pending > set->message_limit)
            refuse(s, "message-limit");
        if (s->refuse_reason == NULL && !s->streaming && !s->waiting && unclear > 0 &&
            (stalled || unclear > set->hold_limit)) {
            if (set->hold == HOLD_STRICT) {
                refuse(s, stalled ? "hold-stall" : "hold-limit");
            } else {
                s->streaming = true;
                s->worker->stats.streamed++;
            }
        }
        if (s->refuse_reason == NULL && s->streaming && !s->waiting && up->read > s->clear)
            s->clear = up->read;
    }
    if (s->clear == ALL_CLEAR)
        undecided(s, false, true);
    release(s);
}

/* Those that were read come before those that were not; a client may send many small ones: not all
 * are to be looked at again for each. */
static struct held *first_unread(struct session *s)
{
    struct held *found = NULL;
    for (struct list *l = s->hold.frames.prev; l != &s->hold.frames; l = l->prev) {
        struct held *h = list_item(l, struct held, link);
        if (h->read && h->start < s->stream[L7_TO_SERVER].read)
            break;
        if (!h->read)
            found = h;
    }
    return found;
}

/* Held frames whose turn has come: the hole before them is filled. */
static void read_held(struct session *s)
{
    struct stream *up = &s->stream[L7_TO_SERVER];
    struct held *next;
    if (s->opaque)
        return;
    for (struct held *h = first_unread(s); h != NULL && s->refuse_reason == NULL; h = next) {
        next = hold_next(&s->hold, h);
        if (h->read)
            continue;
        if (s->opaque || h->start > up->read)
            break;
        struct l7_bytes all = {h->frames[0].data + h->payload_at, (size_t)(h->end - h->start)};
        if (!stream_matches(up, h->start, all)) {
            refuse(s, "overlap-conflict");
            return;
        }
        h->read = true; /* only now: what is refused with the flow must not be let go before */
        if (h->end > up->read) {
            size_t from = (size_t)(up->read - h->start);
            feed_bytes(s, L7_TO_SERVER, (struct l7_bytes){all.ptr + from, all.len - from});
        }
        if (h->fin && h->end == up->read && s->refuse_reason == NULL) {
            feed_end(s, L7_TO_SERVER);
            if (stream_pending(up).len > 0 && !s->opaque)
                refuse(s, "incomplete");
        }
    }
}

/* ---- watched directions: everything passes, copies are read ---- */

static void watch_ahead(struct session *s, enum l7_dir dir)
{
    struct stream *st = &s->stream[dir];
    struct hold *ahead = &s->ahead[dir];
    struct held *h;
    while ((h = hold_first(ahead)) != NULL && h->start <= st->read) {
        if (h->end > st->read) {
            size_t from = (size_t)(st->read - h->start);
            feed_bytes(s, dir,
                       (struct l7_bytes){h->frames[0].data + h->payload_at + from,
                                         (size_t)(h->end - h->start) - from});
        }
        bool fin = h->fin && h->end == st->read;
        hold_take(ahead, h);
        held_free(h);
        if (fin)
            feed_end(s, dir);
    }
}

/* Bytes are missing for good: say so and go on behind them. */
static void watch_gap(struct session *s, enum l7_dir dir)
{
    struct stream *st = &s->stream[dir];
    struct held *h = hold_first(&s->ahead[dir]);
    if (h == NULL)
        return;
    if (h->start > st->read)
        feed_gap(s, dir, h->start - st->read);
    watch_ahead(s, dir);
}

static void watch(struct session *s, enum l7_dir dir, const struct packet *p)
{
    struct stream *st = &s->stream[dir];
    if (!feed_wanted(s, dir))
        return;
    if (!st->started)
        stream_start(st, p->seq, false);
    bool fin = (p->flags & TCP_FIN) != 0;
    int64_t at = stream_offset(st, p->seq);
    if (at < 0) {
        if (at + (int64_t)p->payload_len <= 0)
            return;
    } else if ((uint64_t)at > st->read) {
        if ((uint64_t)at - st->read > WINDOW_MAX || (p->payload_len == 0 && !fin))
            return;
        struct held *h = NULL;
        if (s->ahead[dir].memory < s->worker->settings->reorder_limit &&
            session_memory_left(s, p->frame->len))
            h = hold_put(&s->ahead[dir], p->frame, 1, (uint64_t)at, (uint64_t)at + p->payload_len);
        if (h != NULL) {
            h->payload_at = (size_t)(p->payload - p->frame->data);
            h->fin = fin;
        } else {
            watch_gap(s, dir);
        }
        return;
    }
    uint64_t end = (uint64_t)(at + (int64_t)p->payload_len);
    if (end > st->high)
        st->high = end;
    if (end > st->read) {
        size_t from = (size_t)((int64_t)st->read - at);
        feed_bytes(s, dir, (struct l7_bytes){p->payload + from, p->payload_len - from});
        if (p->cut && p->missing > 0)
            feed_gap(s, dir, p->missing);
        if (stream_pending(st).len > 0 && !session_memory_left(s, 0))
            feed_give_up(s, dir);
    }
    if (fin && end >= st->read && feed_wanted(s, dir))
        feed_end(s, dir);
    watch_ahead(s, dir);
}

/* The other side acknowledged bytes that were never seen here: they are gone. */
static void watch_ack(struct session *s, enum l7_dir dir, uint32_t ack)
{
    struct stream *st = &s->stream[dir];
    if (!st->started || s->opaque)
        return;
    int64_t at = stream_offset(st, ack);
    struct held *h = hold_first(&s->ahead[dir]);
    if (h != NULL && at > (int64_t)h->start)
        watch_gap(s, dir);
}

/* ---- the server's packets ---- */

static enum outcome down_packet(struct session *s, const struct packet *p, const char **reason)
{
    struct judged *j = s->judged;
    struct stream *up = &s->stream[L7_TO_SERVER], *down = &s->stream[L7_TO_CLIENT];
    bool syn = (p->flags & TCP_SYN) != 0, ack = (p->flags & TCP_ACK) != 0;

    if (syn && !ack && s->governed && !s->opaque) {
        *reason = "simultaneous-open";
        return OUTCOME_DROP;
    }
    if (syn && ack) {
        if (!j->answered && p->ack != j->syn + 1) {
            *reason = "wrong-answer"; /* to a SYN that was not seen */
            return OUTCOME_DROP;
        }
        j->answered = true;
        j->server_syn = p->seq;
        if (!down->started)
            stream_start(down, p->seq + 1, false);
        expect(s, L7_TO_CLIENT, p->seq + 1);
    }
    if (p->payload_len > 0 && s->governed && !s->opaque && up->started && s->clear == 0) {
        refuse(s, "server-first"); /* [L7-25] */
        return OUTCOME_REJECT;
    }
    uint64_t done = up->done;
    if (!syn && (p->payload_len > 0 || (p->flags & TCP_FIN) != 0)) {
        watch(s, L7_TO_CLIENT, p);
        expect_data(s, L7_TO_CLIENT, p->seq, p->payload_len + ((p->flags & TCP_FIN) != 0));
    }
    if (ack && !(p->flags & TCP_RST)) {
        expect(s, L7_TO_SERVER, p->ack);
        if (!s->has_acked || (int32_t)(p->ack - s->acked) > 0)
            s->acked = p->ack;
        s->has_acked = true;
        if (s->governed && up->started) {
            int64_t at = stream_offset(up, p->ack);
            if (at > 0)
                stream_acked(up, (uint64_t)at < s->clear ? (uint64_t)at : s->clear);
        } else {
            watch_ack(s, L7_TO_SERVER, p->ack);
        }
    }
    if (up->started && (s->governed || hold_first(&s->hold) != NULL)) {
        read_held(s);
        advance(s, done, false);
    }
    return s->refuse_reason != NULL ? OUTCOME_REJECT : OUTCOME_FORWARD;
}

/* ---- the client's packets under L7 rules ---- */

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

static enum outcome client_payload(struct session *s, const struct packet *p,
                                   const struct carrier *c, const char **reason)
{
    const struct settings *set = s->worker->settings;
    struct stream *up = &s->stream[L7_TO_SERVER];
    struct l7_bytes bytes = {p->payload, p->payload_len};
    bool fin = (p->flags & TCP_FIN) != 0;
    int64_t at = stream_offset(up, p->seq);
    if (at < 0) {
        /* From before the first byte: nothing the receiver does not have, if it says so itself
         * where nobody has seen the beginning. */
        if (at + (int64_t)bytes.len <= 0 && !fin &&
            (!s->midstream || (s->has_acked && (int32_t)(p->seq + p->payload_len - s->acked) <= 0)))
            return OUTCOME_FORWARD;
        *reason = "out-of-window";
        return OUTCOME_DROP;
    }
    uint64_t start = (uint64_t)at, end = start + bytes.len;
    uint64_t done = up->done;

    if (end <= s->clear && start + bytes.len <= up->read && !(fin && end == up->read)) {
        if (!stream_matches(up, start, bytes)) {
            refuse(s, "overlap-conflict"); /* [L7-30] */
            return OUTCOME_REJECT;
        }
        if (end > up->high)
            up->high = end;
        expect_data(s, L7_TO_SERVER, p->seq, p->payload_len + (fin ? 1 : 0));
        return OUTCOME_FORWARD;
    }
    if (start > up->read) {
        if (start - up->read > WINDOW_MAX) {
            *reason = "out-of-window";
            return OUTCOME_DROP;
        }
        if (is_held(s, start, end)) {
            *reason = "repeat-of-held";
            return OUTCOME_DROP;
        }
        if (s->hold.memory >= set->reorder_limit || !session_memory_left(s, p->frame->len) ||
            c->count != 1) {
            *reason = "reorder-limit"; /* the sender will send it again */
            return OUTCOME_DROP;
        }
        *reason = "no-memory";
        return hold_packet(s, p, c, start, end) != NULL ? OUTCOME_HELD : OUTCOME_DROP;
    }
    struct l7_bytes known = {bytes.ptr, (size_t)((up->read < end ? up->read : end) - start)};
    if (!stream_matches(up, start, known)) {
        refuse(s, "overlap-conflict");
        return OUTCOME_REJECT;
    }
    bool stalled = start < up->read && end > s->clear && start >= s->clear && bytes.len > 0;
    if (end <= up->read && !(fin && end == up->read)) {
        /* A repeat of what is held: the sender makes no progress [L7-28]. */
        uint64_t cleared = s->clear;
        advance(s, done, true);
        if (s->refuse_reason != NULL)
            return OUTCOME_REJECT;
        /* What may pass of it may have been lost behind us: then the answer that frees the rest
         * waits for this. */
        if (start < cleared && send_part(s, p, start, start, cleared)) {
            s->worker->stats.frames_forwarded += c->count;
            return OUTCOME_REPLACED;
        }
        *reason = "repeat-of-held";
        return OUTCOME_DROP;
    }
    if (!session_memory_left(s, 2 * p->payload_len + MEMORY_SPARE) ||
        up->bytes > set->retain_limit + set->message_limit ||
        s->hold.memory > set->reorder_limit + HOLD_COST * set->message_limit) {
        *reason = "retain-limit"; /* the sender will send it again */
        return OUTCOME_DROP;
    }
    if (end > up->read)
        feed_bytes(s, L7_TO_SERVER,
                   (struct l7_bytes){bytes.ptr + known.len, bytes.len - known.len});
    if (fin && s->refuse_reason == NULL && end >= up->read && !s->opaque) {
        feed_end(s, L7_TO_SERVER);
        if (stream_pending(up).len > 0)
            refuse(s, "incomplete");
    }
    uint64_t judged_end = up->done < end ? up->done : end;
    bool some_clear = s->opaque || judged_end > start || s->clear > start;
    if (s->refuse_reason != NULL && !some_clear)
        return OUTCOME_REJECT;

    /* Earlier frames first; then this one, as far as it may go. */
    struct held *h = NULL;
    bool all_clear = s->refuse_reason == NULL &&
                     (s->opaque || !s->governed || up->done >= end || end <= s->clear);
    if (!all_clear) {
        h = hold_packet(s, p, c, start, end);
        if (h == NULL) {
            refuse(s, "no-memory");
            return OUTCOME_REJECT;
        }
        h->read = true;
    }
    advance(s, done, stalled);
    if (all_clear) {
        expect_data(s, L7_TO_SERVER, p->seq, p->payload_len + (fin ? 1 : 0));
        done = up->done;
        read_held(s);
        if (s->refuse_reason == NULL && hold_first(&s->hold) == NULL)
            return OUTCOME_FORWARD;
        /* Frames behind this one may go on now: they must not overtake it. */
        struct l7_frame copy;
        for (size_t i = 0; i < c->count; i++) {
            copy = c->frames[i];
            copy.iface ^= 1;
            worker_inject(s->worker, &copy);
        }
        s->worker->stats.frames_forwarded += c->count;
        advance(s, done, false);
        return OUTCOME_REPLACED;
    }
    done = up->done;
    read_held(s);
    advance(s, done, false);
    return OUTCOME_HELD;
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

static enum outcome up_packet(struct session *s, const struct packet *p, const struct carrier *c,
                              const char **reason)
{
    struct stream *up = &s->stream[L7_TO_SERVER], *down = &s->stream[L7_TO_CLIENT];
    bool ack = (p->flags & TCP_ACK) != 0;
    if (s->opaque)
        return OUTCOME_FORWARD;
    if ((p->flags & TCP_SYN) != 0)
        return client_syn(s, p, c, reason);
    if (ack && (p->flags & TCP_RST) == 0) {
        expect(s, L7_TO_CLIENT, p->ack);
        watch_ack(s, L7_TO_CLIENT, p->ack);
        if (!down->started && s->midstream)
            stream_start(down, p->ack, false);
    }
    if ((p->flags & TCP_URG) != 0) {
        /* The receiver takes the byte that is pointed at, here or later, out of the stream, or
         * not: two readings. */
        refuse(s, "urgent-data");
        return OUTCOME_REJECT;
    }
    if ((p->flags & TCP_RST) != 0 && p->payload_len > 0) {
        *reason = "data-on-reset";
        return OUTCOME_DROP;
    }
    if (p->payload_len == 0 && (p->flags & TCP_FIN) == 0)
        return OUTCOME_FORWARD; /* [L7-27] */
    if (p->cut) {
        refuse(s, "cut-by-capture");
        return OUTCOME_REJECT;
    }
    if (!up->started) {
        if (p->payload_len == 0)
            return OUTCOME_FORWARD;
        struct l7_bytes bytes = {p->payload, p->payload_len};
        if (s->midstream && !is_next(s, p)) {
            ask_next(s, p);
            undecided(s, true, false);
            *reason = "not-in-step"; /* the sender will send it again */
            return OUTCOME_DROP;
        }
        if (!s->midstream || !feed_recognises(s, L7_TO_SERVER, bytes)) {
            refuse(s, "midstream");
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

/* ---- any packet ---- */

static void remember_link(struct session *s, const struct packet *p)
{
    if (s->link_len > 0 || p->link_len > sizeof(s->link))
        return;
    memcpy(s->link, p->frame->data, p->link_len);
    s->link_len = p->link_len;
    s->link_type = p->frame->link;
    s->iface = p->frame->iface;
    memcpy(s->vlan, p->vlan, sizeof(s->vlan));
    s->vlan_count = p->vlan_count;
}

enum outcome session_packet(struct session *s, enum l7_dir dir, const struct packet *p,
                            const struct carrier *carrier, const char **reason)
{
    enum outcome outcome = OUTCOME_FORWARD;
    s->packet = p;
    if (dir == L7_TO_SERVER)
        remember_link(s, p);
    if (dir == L7_TO_CLIENT) {
        outcome = down_packet(s, p, reason);
    } else if (s->governed) {
        outcome = up_packet(s, p, carrier, reason);
    } else {
        struct stream *up = &s->stream[L7_TO_SERVER];
        bool syn = (p->flags & TCP_SYN) != 0;
        if (syn && !up->started)
            session_begin(s, p->seq);
        if ((p->flags & TCP_ACK) != 0)
            watch_ack(s, L7_TO_CLIENT, p->ack);
        if (p->payload_len > 0 || (p->flags & TCP_FIN) != 0) {
            struct packet data = *p;
            data.seq += syn ? 1 : 0;
            watch(s, L7_TO_SERVER, &data);
        }
        if (hold_first(&s->hold) != NULL)
            advance(s, up->done, false);
    }
    s->packet = NULL;
    account(s);
    return outcome;
}
