/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/session.h"

#include <stdlib.h>
#include <string.h>
#include "engine/client.h"
#include "engine/deliver.h"
#include "engine/feed.h"
#include "engine/settings.h"
#include "engine/tx.h"
#include "engine/watch.h"

#define MEMORY_SHARE 4 /* a flow may have a quarter of what no flow has */

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

void session_refuse(struct session *s, const char *reason)
{
    if (s->refuse_reason == NULL)
        s->refuse_reason = reason;
}

static size_t memory_now(const struct session *s)
{
    return s->stream[0].bytes + s->stream[1].bytes + s->hold.memory + s->ahead[0].memory +
           s->ahead[1].memory + s->tx_memory;
}

/* Bring the worker's sum up to date with what this session keeps now. */
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

/* ---- the server's packets ---- */

static enum outcome server_packet(struct session *s, const struct packet *p, const char **reason)
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
        deliver_expect(s, L7_TO_CLIENT, p->seq + 1);
    }
    if (p->payload_len > 0 && s->governed && !s->opaque && up->started && s->clear == 0) {
        session_refuse(s, "server-first"); /* [L7-25] */
        return OUTCOME_REJECT;
    }
    uint64_t done = up->done;
    if (!syn && (p->payload_len > 0 || (p->flags & TCP_FIN) != 0)) {
        watch_packet(s, L7_TO_CLIENT, p);
        deliver_expect_data(s, L7_TO_CLIENT, p->seq, p->payload_len + ((p->flags & TCP_FIN) != 0));
    }
    if (ack && !(p->flags & TCP_RST)) {
        deliver_expect(s, L7_TO_SERVER, p->ack);
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
        deliver_read(s);
        deliver_advance(s, done, false);
    }
    return s->refuse_reason != NULL ? OUTCOME_REJECT : OUTCOME_FORWARD;
}

/* ---- any packet ---- */

/* The first header that the client's frames had: resets are written with it when no packet is at
 * hand, as at a time-out. */
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
        outcome = server_packet(s, p, reason);
    } else if (s->governed) {
        outcome = client_packet(s, p, carrier, reason);
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
            watch_packet(s, L7_TO_SERVER, &data);
        }
        if (hold_first(&s->hold) != NULL)
            deliver_advance(s, up->done, false);
    }
    s->packet = NULL;
    account(s);
    return outcome;
}
