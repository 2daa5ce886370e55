/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/deliver.h"

#include <stdlib.h>
#include <string.h>
#include "engine/feed.h"
#include "engine/settings.h"
#include "flow/decode.h"
#include "flow/segment.h"

/* What the receiver of `dir` expects next has moved to `seq`, if that is forward. */
void deliver_expect(struct session *s, enum l7_dir dir, uint32_t seq)
{
    if (!s->has_next[dir] || (int32_t)(seq - s->next_seq[dir]) > 0)
        s->next_seq[dir] = seq;
    s->has_next[dir] = true;
}

/* Data went on to the receiver; what lies beyond a hole does not move what it expects. */
void deliver_expect_data(struct session *s, enum l7_dir dir, uint32_t seq, uint32_t len)
{
    if (!s->has_next[dir] || (int32_t)(seq - s->next_seq[dir]) <= 0)
        deliver_expect(s, dir, seq + len);
}

/* ---- the client's frames: held, split, let go ---- */

struct held *deliver_hold(struct session *s, const struct packet *p, const struct carrier *c,
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

/* All of it may pass: send its frames as they came, and forget it. */
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
    deliver_expect(s, L7_TO_SERVER,
                   stream_seq(&s->stream[L7_TO_SERVER], h->end) + (h->fin ? 1 : 0));
    held_free(h);
}

/* Send [from, to) of a held frame as a segment of its own. */
bool deliver_part(struct session *s, const struct packet *p, uint64_t start, uint64_t from,
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
    deliver_expect(s, L7_TO_SERVER, seq + (uint32_t)part.len);
    return true;
}

/* The head of a held frame may pass, its tail not yet: send one, keep the other. Fragments of a
 * datagram stay together. */
static bool split(struct session *s, struct held *h)
{
    struct worker *w = s->worker;
    struct packet p;
    if (h->frame_count != 1 || decode_frame(&h->frames[0], w->offline, &p) != DECODE_PACKET ||
        p.payload_len < h->end - h->start || !deliver_part(s, &p, h->start, h->start, s->clear))
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

/* Send what lies below `clear`, in order: whole frames, then the head of the one it ends in. */
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

void deliver_undecided(struct session *s, bool waiting, bool moved)
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

void deliver_advance(struct session *s, uint64_t done_before, bool stalled)
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
        deliver_undecided(s, pending > 0 && s->refuse_reason == NULL, moved);
        if (s->refuse_reason == NULL && pending > set->message_limit)
            session_refuse(s, "message-limit");
        if (s->refuse_reason == NULL && !s->streaming && !s->waiting && unclear > 0 &&
            (stalled || unclear > set->hold_limit)) {
            if (set->hold == HOLD_STRICT) {
                session_refuse(s, stalled ? "hold-stall" : "hold-limit");
            } else {
                s->streaming = true;
                s->worker->stats.streamed++;
            }
        }
        if (s->refuse_reason == NULL && s->streaming && !s->waiting && up->read > s->clear)
            s->clear = up->read;
    }
    if (s->clear == ALL_CLEAR)
        deliver_undecided(s, false, true);
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
void deliver_read(struct session *s)
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
            session_refuse(s, "overlap-conflict");
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
                session_refuse(s, "incomplete");
        }
    }
}
