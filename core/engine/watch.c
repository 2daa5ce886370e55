/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/watch.h"

#include "engine/feed.h"
#include "engine/settings.h"

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

void watch_packet(struct session *s, enum l7_dir dir, const struct packet *p)
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
void watch_ack(struct session *s, enum l7_dir dir, uint32_t ack)
{
    struct stream *st = &s->stream[dir];
    if (!st->started || s->opaque)
        return;
    int64_t at = stream_offset(st, ack);
    struct held *h = hold_first(&s->ahead[dir]);
    if (h != NULL && at > (int64_t)h->start)
        watch_gap(s, dir);
}
