/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>
#include "base/diag.h"
#include "engine/pipeline.h"
#include "engine/record.h"
#include "engine/refuse.h"
#include "engine/session.h"
#include "engine/settings.h"
#include "flow/segment.h"

#define BATCH 64
#define BATCHES_A_TURN 16 /* then the loop looks at timers and questions */
#define TICK_MS 100
#define EXPIRE_A_TICK 4096
#define ASK_TIMEOUT_NS 5000000000ull

/* A function somebody waits for. Freed by whoever is last. */
struct question {
    struct question *next;
    void (*fn)(struct worker *w, void *arg);
    void *arg;
    enum { ASKED, RUNNING, DONE, GIVEN_UP } state;
};

struct worker_thread {
    uv_thread_t thread;
    uv_loop_t loop;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_async_t async;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct question *questions; /* under lock */
    bool stop;                  /* under lock */
    bool failed;
};

/* ---- a worker without a thread ---- */

static void on_drop(void *ctx, struct flow *f)
{
    struct worker *w = ctx;
    struct judged *j = flow_extra(f);
    struct session *s = j->session;
    if (s != NULL && w->expiring && s->governed && !s->opaque && j->answered &&
        !(s->ended[L7_TO_SERVER] && s->ended[L7_TO_CLIENT]))
        refuse_forgotten(w, f);
    j->session = NULL;
    if (s != NULL)
        session_free(s);
    record_flow(w, f, w->expiring);
    snapshot_unref(j->snapshot);
    j->snapshot = NULL;
}

int worker_init(struct worker *w, struct engine *engine, const struct settings *set,
                const struct registry *registry, struct logger *logger, struct snapshot *snapshot)
{
    memset(w, 0, sizeof(*w));
    w->engine = engine;
    w->settings = set;
    w->registry = registry;
    w->logger = logger;
    list_init(&w->undecided);
    const uint64_t ms = 1000000ull;
    const uint64_t idle[FLOW_LIVES] = {
        [FLOW_TCP_OPENING] = set->tcp_handshake_timeout * ms,
        [FLOW_TCP_OPEN] = set->tcp_timeout * ms,
        [FLOW_TCP_CLOSING] = set->tcp_close_timeout * ms,
        [FLOW_OTHER_NEW] = set->udp_timeout * ms,
        [FLOW_OTHER_REPLIED] = set->udp_replied_timeout * ms,
        [FLOW_REFUSED] = set->refused_timeout * ms,
    };
    w->table = table_new(set->max_flows, sizeof(struct judged), idle, on_drop, w);
    w->defrag = defrag_new(set->max_fragments_memory, 4096, set->fragment_timeout * ms);
    w->scratch = malloc(SEGMENT_MAX);
    if (w->table == NULL || w->defrag == NULL || w->scratch == NULL) {
        worker_fini(w);
        return -ENOMEM;
    }
    worker_switch(w, snapshot);
    return 0;
}

void worker_fini(struct worker *w)
{
    w->ending = true;
    table_free(w->table);
    if (w->defrag != NULL)
        defrag_free(w->defrag);
    free(w->scratch);
    free(w->hits);
    snapshot_unref(w->snapshot);
    w->table = NULL;
    w->defrag = NULL;
    w->scratch = NULL;
    w->hits = NULL;
    w->snapshot = NULL;
}

void worker_switch(struct worker *w, struct snapshot *snapshot)
{
    size_t rules = snapshot_rule_count(snapshot);
    free(w->hits);
    w->hits = calloc(rules > 0 ? rules : 1, sizeof(*w->hits));
    snapshot_ref(snapshot);
    snapshot_unref(w->snapshot);
    w->snapshot = snapshot;
    w->keywords = (unsigned)registry_keyword_count(w->registry);
}

void worker_tick(struct worker *w, uint64_t now_ns)
{
    if (now_ns > w->now_ns)
        w->now_ns = now_ns;
    while (!list_empty(&w->undecided)) {
        struct session *s = list_item(w->undecided.next, struct session, undecided_link);
        if (!session_overdue(s, w->now_ns))
            break;
        list_remove(&s->undecided_link);
        refuse_flow(w, s->flow, L7_TO_SERVER, NULL, NULL, "decision-timeout"); /* [L7-29] */
    }
    w->expiring = true;
    table_expire(w->table, w->now_ns, EXPIRE_A_TICK);
    w->expiring = false;
    size_t gone = defrag_expire(w->defrag, w->now_ns);
    w->stats.frames_held -= gone;
    w->stats.frames_dropped += gone;
    for (size_t i = 0; i < gone; i++)
        stats_count(w->stats.drops, "fragment-timeout");
}

void worker_inject(struct worker *w, const struct l7_frame *frame)
{
    if (w->capture != NULL && w->capture->inject != NULL)
        (void)w->capture->inject(w->capture_self,
                                 frame); /* the plugin counts what it cannot send */
}

/* One batch. 1: there may be more; 0: nothing waits; negative: as receive says. */
static int turn(struct worker *w)
{
    struct l7_frame *frames[BATCH];
    int n = w->capture->receive(w->capture_self, frames, BATCH);
    for (int i = 0; i < n; i++)
        pipeline_frame(w, frames[i]);
    if (n > 0 && w->capture->flush != NULL)
        w->capture->flush(w->capture_self);
    return n > 0 ? 1 : n;
}

int worker_replay(struct worker *w)
{
    uint64_t ticked = 0;
    int err;
    while ((err = turn(w)) >= 0) {
        if (w->now_ns - ticked > TICK_MS * 1000000ull) {
            ticked = w->now_ns;
            worker_tick(w, ticked);
        }
    }
    return err == L7_RECEIVE_END ? 0 : err;
}

/* ---- the thread ---- */

static uint64_t wall_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct worker *w = poll->data;
    (void)events;
    int more = status < 0 ? status : 1;
    for (int i = 0; i < BATCHES_A_TURN && more == 1; i++)
        more = turn(w);
    if (more < 0) {
        diag(L7_ERROR, "engine", "worker %u: the capture has ended: nothing is forwarded any more",
             w->index);
        w->thread->failed = true;
        uv_poll_stop(poll);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    worker_tick(w, wall_ns());
    if (w->capture->flush != NULL)
        w->capture->flush(w->capture_self);
}

static void on_async(uv_async_t *async)
{
    struct worker *w = async->data;
    struct worker_thread *t = w->thread;
    pthread_mutex_lock(&t->lock);
    while (t->questions != NULL) {
        struct question *q = t->questions;
        t->questions = q->next;
        if (q->state == GIVEN_UP) {
            free(q);
            continue;
        }
        q->state = RUNNING;
        pthread_mutex_unlock(&t->lock);
        q->fn(w, q->arg);
        pthread_mutex_lock(&t->lock);
        q->state = DONE;
        pthread_cond_broadcast(&t->answered);
    }
    bool stop = t->stop;
    pthread_mutex_unlock(&t->lock);
    if (stop) {
        uv_close((uv_handle_t *)&t->poll, NULL);
        uv_close((uv_handle_t *)&t->timer, NULL);
        uv_close((uv_handle_t *)&t->async, NULL);
    }
}

static void run(void *arg)
{
    struct worker *w = arg;
    uv_run(&w->thread->loop, UV_RUN_DEFAULT);
    if (w->capture->flush != NULL)
        w->capture->flush(w->capture_self);
}

int worker_start(struct worker *w)
{
    struct worker_thread *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return -ENOMEM;
    w->thread = t;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->answered, &attr);
    pthread_condattr_destroy(&attr);
    int err = uv_loop_init(&t->loop);
    if (err == 0)
        err = uv_poll_init(&t->loop, &t->poll, w->capture->descriptor(w->capture_self));
    if (err == 0)
        err = uv_timer_init(&t->loop, &t->timer);
    if (err == 0)
        err = uv_async_init(&t->loop, &t->async, on_async);
    t->poll.data = t->timer.data = t->async.data = w;
    if (err == 0)
        err = uv_poll_start(&t->poll, UV_READABLE, on_readable);
    if (err == 0)
        err = uv_timer_start(&t->timer, on_timer, TICK_MS, TICK_MS);
    if (err == 0)
        err = uv_thread_create(&t->thread, run, w);
    if (err != 0) {
        /* The process is about to end: the loop's handles go with it. */
        w->thread = NULL;
        return err;
    }
    return 0;
}

void worker_stop(struct worker *w)
{
    struct worker_thread *t = w->thread;
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_mutex_unlock(&t->lock);
    uv_async_send(&t->async);
    uv_thread_join(&t->thread);
    uv_loop_close(&t->loop);
    while (t->questions != NULL) {
        struct question *q = t->questions;
        t->questions = q->next;
        free(q);
    }
    pthread_cond_destroy(&t->answered);
    pthread_mutex_destroy(&t->lock);
    free(t);
    w->thread = NULL;
}

bool worker_ask(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg)
{
    struct worker_thread *t = w->thread;
    if (t == NULL) {
        fn(w, arg);
        return true;
    }
    struct question *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return false;
    q->fn = fn;
    q->arg = arg;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ASK_TIMEOUT_NS / 1000000000ull);

    pthread_mutex_lock(&t->lock);
    struct question **at = &t->questions;
    while (*at != NULL)
        at = &(*at)->next;
    *at = q;
    uv_async_send(&t->async);
    int err = 0;
    while (q->state == ASKED && err == 0)
        err = pthread_cond_timedwait(&t->answered, &t->lock, &until);
    /* Once it runs it uses what `arg` points to: wait for its end, however long. */
    while (q->state == RUNNING)
        pthread_cond_wait(&t->answered, &t->lock);
    bool done = q->state == DONE;
    if (!done)
        q->state = GIVEN_UP;
    pthread_mutex_unlock(&t->lock);
    if (done)
        free(q);
    return done;
}
