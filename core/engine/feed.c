/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/feed.h"

#include <stdlib.h>
#include <string.h>
#include "engine/settings.h"
#include "engine/tx.h"

/* An inspector's answer that breaks the contract refuses the flow: never trusted, never fatal. */
static void fault(struct session *s, const char *reason)
{
    if (s->refuse_reason == NULL)
        s->refuse_reason = reason;
    s->reading[0] = s->reading[1] = false;
}

static struct l7_flow *handle(struct session *s)
{
    return (struct l7_flow *)(void *)s;
}

bool feed_wanted(const struct session *s, enum l7_dir dir)
{
    return !s->opaque && s->reading[dir];
}

/* Nothing more of the flow is looked at. If it is not refused, all of it passes from now on. */
static void go_opaque(struct session *s)
{
    s->opaque = true;
    s->waiting = false;
    s->reading[0] = s->reading[1] = false;
}

/* Nobody understands the direction: under an L7 rule that is a refusal [L7-24], for the log it is
 * the end of interest. */
static void unclaimed(struct session *s, const char *reason)
{
    if (s->governed) {
        if (s->refuse_reason == NULL)
            s->refuse_reason = reason;
        s->reading[0] = s->reading[1] = false;
    } else {
        go_opaque(s);
    }
}

static enum l7_probe probe_all(struct session *s, enum l7_dir dir, struct l7_bytes in,
                               const struct plugin **found)
{
    const struct registry *r = s->worker->registry;
    bool more = false;
    for (unsigned id = 0; id < s->worker->keywords; id++) {
        uint64_t bit = 1ull << id;
        if ((s->no_mask & bit) != 0)
            continue;
        const struct plugin *p = registry_keyword(r, id);
        switch (p->inspector->probe(p->self, dir, in)) {
        case L7_PROBE_YES:
            *found = p;
            return L7_PROBE_YES;
        case L7_PROBE_MORE:
            more = true;
            break;
        case L7_PROBE_NO:
        default:
            /* Final for what the client says; a server's answer may still be preceded by it. */
            if (dir == L7_TO_SERVER)
                s->no_mask |= bit;
            break;
        }
    }
    return more ? L7_PROBE_MORE : L7_PROBE_NO;
}

bool feed_recognises(struct session *s, enum l7_dir dir, struct l7_bytes bytes)
{
    const struct plugin *found;
    uint64_t mask = s->no_mask;
    enum l7_probe answer = probe_all(s, dir, bytes, &found);
    s->no_mask = mask;
    return answer == L7_PROBE_YES;
}

/* Give the flow to an inspector that said yes. False: it, or the memory for it, is not there; the
 * flow is refused. */
static bool claim(struct session *s, const struct plugin *p)
{
    const struct l7_inspector *in = p->inspector;
    void *state = calloc(1, in->state_size > 0 ? in->state_size : 1);
    if (state == NULL) {
        fault(s, "no-memory");
        return false;
    }
    s->claim = p;
    s->judged->claim = p;
    s->state = state;
    if (in->open != NULL && in->open(p->self, state, handle(s)) < 0) {
        s->claim = NULL;
        s->state = NULL;
        free(state);
        fault(s, "plugin-failure");
        return false;
    }
    s->opened = true;
    return true;
}

/* True when an inspector has the flow. */
static bool find_claim(struct session *s, enum l7_dir dir, struct l7_bytes in)
{
    if (s->claim != NULL)
        return true;
    /* Governed flows are claimed by what the client says and nothing else. */
    if (dir == L7_TO_CLIENT && s->governed)
        return false;
    const struct plugin *found = NULL;
    size_t limit = s->worker->settings->probe_limit;
    struct l7_bytes seen = {in.ptr, in.len < limit ? in.len : limit};
    switch (probe_all(s, dir, seen, &found)) {
    case L7_PROBE_YES:
        return claim(s, found);
    case L7_PROBE_MORE:
        if (in.len >= limit)
            unclaimed(s, "unclaimed");
        return false;
    case L7_PROBE_NO:
    default:
        /* The server may speak first in protocols the client's bytes will name. */
        if (dir == L7_TO_SERVER)
            unclaimed(s, "unclaimed");
        else if (in.len >= limit)
            go_opaque(s);
        return false;
    }
}

/* L7_STEP_HANDOFF: another protocol begins here. What was judged is allowed; what follows is of
 * interest to the log only. */
static void hand_off(struct session *s)
{
    feed_close(s);
    s->waiting = false;
    s->no_mask = 0;
    s->needed[0] = s->needed[1] = 0;
    s->skip[0] = s->skip[1] = 0;
    if (s->worker->settings->inspect == INSPECT_ALL) {
        s->governed = false;
        s->opaque = false;
        s->reading[0] = s->reading[1] = true;
    } else {
        go_opaque(s);
    }
}

/* L7_STEP_BREAK: the inspector cannot read on in this direction. Under an L7
 * rule that refuses what the client says; of the server's bytes only those matter without which the
 * client's next ones cannot be read. */
static void end_by_break(struct session *s, enum l7_dir dir, const char *reason)
{
    if (dir == L7_TO_CLIENT) {
        s->reading[L7_TO_CLIENT] = false;
        if (s->governed && s->waiting && s->refuse_reason == NULL)
            s->refuse_reason = "reply-unreadable";
        return;
    }
    if (s->governed) {
        if (s->refuse_reason == NULL)
            s->refuse_reason = reason != NULL ? reason : "broken";
        s->reading[0] = s->reading[1] = false;
    } else {
        /* Not this protocol, or no longer: nothing more to log, but what the other side still
         * says may complete what was begun. */
        s->reading[L7_TO_SERVER] = false;
        if (list_empty(&s->txs))
            go_opaque(s);
    }
}

/* One call. `*used` bytes of `in` are done with, `*skip` more behind them. Returns false when
 * feeding is over for now. */
static bool step(struct session *s, enum l7_dir dir, struct l7_bytes in, size_t *used,
                 uint64_t *skip)
{
    *used = 0;
    *skip = 0;
    if (in.len == 0 || in.len < s->needed[dir])
        return false;
    const struct l7_inspector *ops = s->claim->inspector;
    const struct tx *oldest = s->governed ? tx_undecided(s) : NULL;
    struct l7_progress progress = {0};
    s->busy = true;
    enum l7_step answer = ops->feed(s->claim->self, s->state, handle(s), dir, in, &progress);
    s->busy = false;
    if (s->refuse_reason != NULL && s->governed && dir == L7_TO_SERVER) {
        s->reading[0] = s->reading[1] = false;
        /* What came before the refused message may pass. */
        *used = progress.consumed <= in.len && (oldest == NULL || s->refuse_tx != oldest)
                    ? progress.consumed
                    : 0;
        return false;
    }
    if (progress.consumed > in.len || progress.needed > (1u << 24) ||
        (oldest != NULL && progress.consumed > 0 && dir == L7_TO_SERVER &&
         tx_undecided(s) == oldest)) {
        fault(s, "plugin-failure");
        return false;
    }
    *used = progress.consumed;
    *skip = progress.skip;
    s->needed[dir] = progress.needed;
    s->skip[dir] = progress.skip;
    if (dir == L7_TO_SERVER)
        s->waiting = answer == L7_STEP_WAIT;
    /* Behind a gap anything may look like an answer, for instance a part of one that the client put
     * there before: good enough for the log, not to let a flow go. */
    if (s->governed && s->gapped && dir == L7_TO_CLIENT &&
        (answer == L7_STEP_RELEASE || answer == L7_STEP_HANDOFF)) {
        end_by_break(s, dir, "gap");
        return false;
    }
    switch (answer) {
    case L7_STEP_OK:
    case L7_STEP_WAIT:
        if (answer == L7_STEP_WAIT && dir == L7_TO_SERVER && s->governed &&
            !s->reading[L7_TO_CLIENT] && s->refuse_reason == NULL)
            s->refuse_reason = "reply-unreadable"; /* what it waits for is not read any more */
        return answer == L7_STEP_OK && (progress.consumed > 0 || progress.skip > 0);
    case L7_STEP_RELEASE:
        go_opaque(s);
        return false;
    case L7_STEP_HANDOFF:
        hand_off(s);
        return !s->opaque;
    case L7_STEP_BREAK:
        end_by_break(s, dir, progress.reason);
        return false;
    default:
        fault(s, "plugin-failure");
        return false;
    }
}

void feed_pending(struct session *s, enum l7_dir dir)
{
    struct stream *st = &s->stream[dir];
    while (feed_wanted(s, dir)) {
        struct l7_bytes in = stream_pending(st);
        if (in.len == 0 || !find_claim(s, dir, in))
            return;
        size_t used;
        uint64_t skip;
        bool more = step(s, dir, in, &used, &skip);
        stream_consume(st, used);
        if (skip > 0)
            stream_skip(st, skip);
        if (!more)
            return;
    }
}

void feed_bytes(struct session *s, enum l7_dir dir, struct l7_bytes bytes)
{
    struct stream *st = &s->stream[dir];
    if (!feed_wanted(s, dir))
        return;
    if (dir == L7_TO_CLIENT && s->governed && s->claim == NULL) {
        /* Answers to what was asked before we looked: nobody can read them. */
        if (stream_append(st, bytes, bytes.len) < 0)
            fault(s, "no-memory");
        return;
    }
    if (stream_pending(st).len > 0) {
        if (stream_append(st, bytes, 0) < 0)
            fault(s, "no-memory");
        else
            feed_pending(s, dir);
    } else {
        /* Straight from the frame: only what is left over is copied. */
        size_t done = 0;
        uint64_t beyond = 0;
        while (done < bytes.len && beyond == 0 && feed_wanted(s, dir)) {
            struct l7_bytes in = {bytes.ptr + done, bytes.len - done};
            if (!find_claim(s, dir, in))
                break;
            size_t used;
            uint64_t skip;
            bool more = step(s, dir, in, &used, &skip);
            done += used;
            size_t here = skip < bytes.len - done ? (size_t)skip : bytes.len - done;
            done += here;
            beyond = skip == L7_SKIP_ALL ? L7_SKIP_ALL : skip - here;
            if (!more)
                break;
        }
        if (stream_append(st, bytes, done) < 0)
            fault(s, "no-memory");
        else if (beyond > 0)
            stream_skip(st, beyond);
    }
    /* A direction that waited for this one may be able to go on. */
    if (dir == L7_TO_CLIENT && (s->waiting || s->claim == NULL) && feed_wanted(s, L7_TO_SERVER))
        feed_pending(s, L7_TO_SERVER);
    else if (dir == L7_TO_SERVER && feed_wanted(s, L7_TO_CLIENT) && s->claim != NULL &&
             stream_pending(&s->stream[L7_TO_CLIENT]).len > 0)
        feed_pending(s, L7_TO_CLIENT);
}

void feed_gap(struct session *s, enum l7_dir dir, uint64_t len)
{
    struct stream *st = &s->stream[dir];
    uint64_t after = st->read + len;
    if (!feed_wanted(s, dir))
        return;
    s->needed[dir] = 0;
    s->skip[dir] = 0;
    s->gapped = s->gapped || dir == L7_TO_CLIENT;
    if (s->claim == NULL) {
        stream_jump(st, after);
        return;
    }
    const struct l7_inspector *ops = s->claim->inspector;
    enum l7_step answer = L7_STEP_BREAK;
    if (ops->gap != NULL) {
        s->busy = true;
        answer = ops->gap(s->claim->self, s->state, handle(s), dir, len + stream_pending(st).len);
        s->busy = false;
    }
    stream_jump(st, after);
    if (answer == L7_STEP_RELEASE)
        go_opaque(s);
    else if (answer != L7_STEP_OK)
        end_by_break(s, dir, "gap");
}

void feed_give_up(struct session *s, enum l7_dir dir)
{
    stream_jump(&s->stream[dir], s->stream[dir].read);
    if (s->claim != NULL)
        end_by_break(s, dir, "no-memory");
    else
        unclaimed(s, "no-memory");
}

void feed_end(struct session *s, enum l7_dir dir)
{
    if (s->ended[dir])
        return;
    s->ended[dir] = true;
    if (s->claim == NULL || !s->opened || s->claim->inspector->end == NULL)
        return;
    const struct stream *st = &s->stream[dir];
    uint64_t skipped = 0, unskipped = 0;
    if (s->skip[dir] == L7_SKIP_ALL) {
        skipped = st->high > st->skip_from ? st->high - st->skip_from : 0;
    } else if (s->skip[dir] > 0) {
        unskipped = st->done > st->high ? st->done - st->high : 0;
        skipped = s->skip[dir] - unskipped;
    }
    s->busy = true;
    s->claim->inspector->end(s->claim->self, s->state, handle(s), dir, skipped, unskipped);
    s->busy = false;
}

void feed_close(struct session *s)
{
    if (s->claim != NULL && s->opened) {
        feed_end(s, L7_TO_SERVER);
        feed_end(s, L7_TO_CLIENT);
    }
    tx_close_all(s);
    if (s->claim != NULL) {
        if (s->opened && s->claim->inspector->close != NULL)
            s->claim->inspector->close(s->claim->self, s->state);
        free(s->state);
    }
    s->claim = NULL;
    s->state = NULL;
    s->opened = false;
    s->ended[0] = s->ended[1] = false;
}
