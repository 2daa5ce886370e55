/* SPDX-License-Identifier: Apache-2.0 */
/* worker: a thread that judges, answers questions between batches, and ends when it is told to. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "engine/logger.h"
#include "engine/settings.h"
#include "engine/tx.h"
#include "engine/worker.h"
#include "l7guard/plugin.h"

/* ---- a capture fed by the test ---- */

#define POND_MAX 64

struct pond {
    int fd; /* eventfd: readable when there is something */
    pthread_mutex_t lock;
    struct l7_frame frames[POND_MAX];
    size_t put, taken; /* under lock */
    _Atomic unsigned forwarded, dropped, flushed;
    _Atomic bool ended; /* receive says so */
    _Atomic unsigned slow_ms;
    _Atomic bool in_receive;
};

/* 10.0.0.1:1000 > 10.0.0.2:53 UDP, 4 bytes */
static const uint8_t datagram[] = {
    0,    0,   0, 0,  0, 2,  0, 0, 0,   0,   0,   1,   8,  0,                    /* Ethernet */
    0x45, 0,   0, 32, 0, 0,  0, 0, 64,  17,  0,   0,   10, 0, 0, 1, 10, 0, 0, 2, /* IPv4 */
    3,    232, 0, 53, 0, 12, 0, 0, 'd', 'a', 't', 'a',                           /* UDP */
};

static void nap(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static uint64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int pond_descriptor(void *self)
{
    return ((struct pond *)self)->fd;
}

static int pond_receive(void *self, struct l7_frame **frames, size_t max)
{
    struct pond *p = self;
    uint64_t ignored;
    int n = 0;
    if (read(p->fd, &ignored, sizeof(ignored)) < 0 && !atomic_load(&p->ended))
        return 0;
    if (atomic_load(&p->slow_ms) > 0) {
        atomic_store(&p->in_receive, true);
        nap(atomic_exchange(&p->slow_ms, 0));
        atomic_store(&p->in_receive, false);
    }
    if (atomic_load(&p->ended))
        return L7_RECEIVE_END;
    pthread_mutex_lock(&p->lock);
    while (p->taken < p->put && (size_t)n < max)
        frames[n++] = &p->frames[p->taken++ % POND_MAX];
    pthread_mutex_unlock(&p->lock);
    return n;
}

static void pond_finalise(void *self, struct l7_frame *frame, enum l7_verdict verdict)
{
    struct pond *p = self;
    (void)frame;
    atomic_fetch_add(verdict == L7_FORWARD ? &p->forwarded : &p->dropped, 1);
}

static void pond_flush(void *self)
{
    atomic_fetch_add(&((struct pond *)self)->flushed, 1);
}

static const char *pond_name(void *self, unsigned iface)
{
    (void)self;
    return iface < 2 ? "pond" : NULL;
}

static const struct l7_capture pond_ops = {
    .size = sizeof(pond_ops),
    .descriptor = pond_descriptor,
    .receive = pond_receive,
    .finalise = pond_finalise,
    .flush = pond_flush,
    .iface_name = pond_name,
};

static void pond_wake(struct pond *p)
{
    uint64_t one = 1;
    cr_assert_eq(write(p->fd, &one, sizeof(one)), sizeof(one));
}

static void pond_put(struct pond *p)
{
    pthread_mutex_lock(&p->lock);
    struct l7_frame *f = &p->frames[p->put++ % POND_MAX];
    *f = (struct l7_frame){.size = sizeof(*f),
                           .link = L7_LINK_ETHERNET,
                           .data = datagram,
                           .len = sizeof(datagram),
                           .wire_len = sizeof(datagram),
                           .time_ns = wall_ns()};
    pthread_mutex_unlock(&p->lock);
    pond_wake(p);
}

/* ---- a worker on it ---- */

struct world {
    struct pond pond;
    struct settings *settings;
    struct registry *registry;
    struct snapshot *snapshot;
    struct worker worker;
};

static struct snapshot *no_policies(uint64_t generation)
{
    struct policy_source source = {.dir = "", .generation = generation};
    struct problems *problems = problems_new();
    struct snapshot *s = NULL;
    cr_assert_eq(snapshot_load(&source, problems, &s), 0);
    problems_free(problems);
    return s;
}

static struct world *world_open(void)
{
    struct world *w = calloc(1, sizeof(*w));
    cr_assert_not_null(w);
    w->pond.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    cr_assert_geq(w->pond.fd, 0);
    pthread_mutex_init(&w->pond.lock, NULL);
    w->settings = settings_new();
    w->registry = registry_new(tx_services(), "/tmp");
    w->snapshot = no_policies(1);
    cr_assert_eq(worker_init(&w->worker, NULL, w->settings, w->registry, NULL, w->snapshot), 0);
    w->worker.capture = &pond_ops;
    w->worker.capture_self = &w->pond;
    return w;
}

static void world_close(struct world *w)
{
    worker_stop(&w->worker);
    worker_fini(&w->worker);
    snapshot_unref(w->snapshot);
    registry_free(w->registry);
    settings_free(w->settings);
    pthread_mutex_destroy(&w->pond.lock);
    close(w->pond.fd);
    free(w);
}

static bool reaches(_Atomic unsigned *value, unsigned least)
{
    for (int i = 0; i < 10000 && atomic_load(value) < least; i++)
        nap(1);
    return atomic_load(value) >= least;
}

struct answer_ {
    pthread_t thread;
    unsigned count;
    size_t flows;
    uint64_t forwarded;
};

static void look(struct worker *w, void *arg)
{
    struct answer_ *a = arg;
    a->thread = pthread_self();
    a->count++;
    a->flows = table_count(w->table);
    a->forwarded = w->stats.frames_forwarded;
}

Test(worker, judges_what_the_capture_brings)
{
    struct world *w = world_open();
    cr_assert_eq(worker_start(&w->worker), 0);
    for (int i = 0; i < 50; i++)
        pond_put(&w->pond);
    cr_expect(reaches(&w->pond.forwarded, 50));
    cr_expect(reaches(&w->pond.flushed, 1), "a batch ends with a flush");
    worker_stop(&w->worker);
    cr_expect_eq(w->worker.stats.frames_forwarded, 50);
    cr_expect_eq(w->worker.stats.frames_received, 50);
    world_close(w);
}

Test(worker, a_question_is_answered_on_the_workers_own_thread)
{
    struct world *w = world_open();
    struct answer_ a = {.count = 0};
    cr_expect(worker_ask(&w->worker, look, &a), "without a thread at once, here");
    cr_expect(pthread_equal(a.thread, pthread_self()));
    cr_assert_eq(worker_start(&w->worker), 0);
    pond_put(&w->pond);
    cr_assert(reaches(&w->pond.forwarded, 1));
    cr_expect(worker_ask(&w->worker, look, &a));
    cr_expect_not(pthread_equal(a.thread, pthread_self()));
    cr_expect_eq(a.count, 2);
    cr_expect_eq(a.flows, 1);
    cr_expect_eq(a.forwarded, 1);
    world_close(w);
}

Test(worker, answers_while_traffic_does_not_stop)
{
    struct world *w = world_open();
    cr_assert_eq(worker_start(&w->worker), 0);
    struct answer_ a = {.count = 0};
    for (unsigned i = 1; i <= 500; i++) {
        if (i <= POND_MAX / 2 || i % 2 == 0)
            pond_put(&w->pond);
        cr_assert(worker_ask(&w->worker, look, &a));
        cr_assert_eq(a.count, i);
    }
    world_close(w);
}

Test(worker, a_question_that_waited_too_long_is_never_asked)
{
    struct world *w = world_open();
    cr_assert_eq(worker_start(&w->worker), 0);
    atomic_store(&w->pond.slow_ms, 6500); /* longer than anybody waits */
    pond_wake(&w->pond);
    while (!atomic_load(&w->pond.in_receive))
        nap(1);
    struct answer_ a = {.count = 0}, b = {.count = 0};
    cr_expect_not(worker_ask(&w->worker, look, &a));
    cr_expect(worker_ask(&w->worker, look, &b), "the next one may wait until it is over");
    cr_expect_eq(b.count, 1);
    cr_expect_eq(a.count, 0);
    world_close(w);
}

Test(worker, stops_though_somebody_still_asks)
{
    struct world *w = world_open();
    cr_assert_eq(worker_start(&w->worker), 0);
    atomic_store(&w->pond.slow_ms, 5500);
    pond_wake(&w->pond);
    while (!atomic_load(&w->pond.in_receive))
        nap(1);
    struct answer_ a = {.count = 0};
    cr_expect_not(worker_ask(&w->worker, look, &a));
    worker_stop(&w->worker); /* finishes the batch first */
    cr_expect_not(atomic_load(&w->pond.in_receive));
    cr_expect_eq(a.count, 0);
    world_close(w);
}

Test(worker, stopping_twice_is_stopping)
{
    struct world *w = world_open();
    worker_stop(&w->worker);
    cr_assert_eq(worker_start(&w->worker), 0);
    worker_stop(&w->worker);
    worker_stop(&w->worker);
    world_close(w);
}

Test(worker, a_capture_that_ends_leaves_a_worker_that_answers_and_stops)
{
    struct world *w = world_open();
    cr_assert_eq(worker_start(&w->worker), 0);
    atomic_store(&w->pond.ended, true);
    pond_wake(&w->pond);
    nap(50);
    struct answer_ a = {.count = 0};
    cr_expect(worker_ask(&w->worker, look, &a));
    pond_put(&w->pond);
    nap(50);
    cr_expect_eq(atomic_load(&w->pond.forwarded), 0);
    world_close(w);
}

Test(worker, a_tick_expires_what_is_idle)
{
    struct world *w = world_open();
    cr_assert_eq(worker_start(&w->worker), 0);
    pond_put(&w->pond);
    cr_assert(reaches(&w->pond.forwarded, 1));
    worker_stop(&w->worker);
    cr_expect_eq(table_count(w->worker.table), 1);
    uint64_t now = w->worker.now_ns, idle = w->settings->udp_timeout * 1000000ull;
    worker_tick(&w->worker, now + idle - 1);
    cr_expect_eq(table_count(w->worker.table), 1);
    worker_tick(&w->worker, now + idle);
    cr_expect_eq(table_count(w->worker.table), 0);
    worker_tick(&w->worker, 1);
    cr_expect_eq(w->worker.now_ns, now + idle, "time does not go back");
    world_close(w);
}

Test(worker, idle_flows_end_though_nothing_comes)
{
    struct world *w = world_open();
    worker_fini(&w->worker);
    w->settings->udp_timeout = 50;
    cr_assert_eq(worker_init(&w->worker, NULL, w->settings, w->registry, NULL, w->snapshot), 0);
    w->worker.capture = &pond_ops;
    w->worker.capture_self = &w->pond;
    cr_assert_eq(worker_start(&w->worker), 0);
    pond_put(&w->pond);
    cr_assert(reaches(&w->pond.forwarded, 1));
    struct answer_ a = {.flows = 1};
    for (int i = 0; i < 100 && a.flows > 0; i++) {
        nap(50);
        cr_assert(worker_ask(&w->worker, look, &a));
    }
    cr_expect_eq(a.flows, 0);
    world_close(w);
}

static void switch_to(struct worker *w, void *arg)
{
    worker_switch(w, arg);
}

Test(worker, holds_on_to_one_snapshot_at_a_time)
{
    struct world *w = world_open();
    cr_assert_eq(worker_start(&w->worker), 0);
    for (uint64_t generation = 2; generation < 20; generation++) {
        struct snapshot *next = no_policies(generation);
        pond_put(&w->pond);
        cr_assert(worker_ask(&w->worker, switch_to, next));
        snapshot_unref(w->snapshot); /* a leak or a use after free would show */
        w->snapshot = next;
    }
    world_close(w);
}
