/* SPDX-License-Identifier: Apache-2.0 */
/* logger: see logger.h. Decides how records cross from workers to the writer thread.
 *
 * The queue is one ring of bytes, written by many, read by one. `head` and `tail` only rise; a
 * position modulo the size is a place in the ring.
 *
 *     tail                                   head
 *      | slot | slot | slot (being filled) | ... free: all zero ... |
 *
 * A worker takes its room by moving `head` (compare and swap), fills the slot, and publishes it by
 * storing the slot's length in its first word. The writer hands the record out where it lies,
 * zeroes the slot and moves `tail`. Since free room is all zero, a first word of zero always means
 * "not yet published", whatever bytes traffic put there before. A slot is never cut in two: where
 * it would not fit before the ring's end, the worker publishes the rest as padding.
 *
 * No lock and no system call on the worker's side, with one exception: when the writer is asleep,
 * one worker wakes it. A writer that has just run dry naps for a millisecond first, so under
 * steady traffic it fetches records in batches and nobody has to wake it.
 */
#include "engine/logger.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engine/record_copy.h"

#define QUEUE_MIN 1024
#define NAP_NS 1000000u
#define TICK_NS 1000000000u

/* In `head`: nobody may take room any more. */
#define HEAD_CLOSED (1ull << 63)
/* In a slot's first word: padding up to the ring's end. */
#define SLOT_PAD (1ull << 63)

struct slot {
    _Atomic uint64_t state; /* 0, or the slot's bytes, header included */
    uint64_t reserved;      /* keeps the record behind it aligned */
};

_Static_assert(sizeof(struct slot) == RECORD_COPY_ALIGN, "slots and records share one alignment");

struct sink {
    const struct l7_log *ops;
    void *self;
    uint32_t wants; /* by L7_RECORD_BIT */
};

struct logger {
    /* Lines of their own: workers write the first, the writer the second. */
    _Alignas(64) _Atomic uint64_t head;
    _Atomic uint64_t put;
    _Atomic uint64_t lost;
    _Alignas(64) _Atomic uint64_t tail;
    _Atomic uint64_t failed;
    _Atomic bool asleep;
    _Atomic bool reopen;
    _Atomic bool stop;

    _Alignas(64) char *ring;
    size_t size;
    struct sink *sinks;
    size_t sink_count;
    uint32_t wants; /* of any sink; set before start */

    pthread_mutex_t lock; /* for sleeping only */
    pthread_cond_t wake;
    pthread_t thread;
    bool started;
    bool stopped;
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct slot *slot_at(const struct logger *l, uint64_t position)
{
    return (struct slot *)(void *)(l->ring + position % l->size);
}

struct logger *logger_new(size_t queue_bytes)
{
    struct logger *l;
    pthread_condattr_t attr;

    if (queue_bytes < QUEUE_MIN)
        queue_bytes = QUEUE_MIN;
    queue_bytes &= ~(size_t)(RECORD_COPY_ALIGN - 1);
    l = aligned_alloc(64, sizeof(*l));
    if (!l)
        return NULL;
    memset(l, 0, sizeof(*l));
    l->size = queue_bytes;
    l->ring = calloc(1, queue_bytes);
    if (!l->ring) {
        free(l);
        return NULL;
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &attr);
    pthread_condattr_destroy(&attr);
    return l;
}

int logger_add(struct logger *l, const struct l7_log *ops, void *self)
{
    struct sink *grown;

    if (l->started || l->stopped)
        return -EBUSY;
    if (!ops || !ops->write)
        return -EINVAL;
    grown = realloc(l->sinks, (l->sink_count + 1) * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    l->sinks = grown;
    l->sinks[l->sink_count++] = (struct sink){
        .ops = ops,
        .self = self,
        .wants = ops->wants ? ops->wants(self) : ~L7_RECORD_BIT(L7_RECORD_FLOW),
    };
    l->wants |= l->sinks[l->sink_count - 1].wants;
    return 0;
}

bool logger_wants(const struct logger *l, enum l7_record_type type)
{
    return (l->wants & L7_RECORD_BIT(type)) != 0;
}

/* Room for `need` bytes in one piece, or NULL. No record takes more than half of the ring, so
 * padding and slot together always fit an empty one. */
static struct slot *take_room(struct logger *l, uint64_t need)
{
    uint64_t tail, head, rest, pad;

    if (need > l->size / 2)
        return NULL;
    do {
        /* In this order, so that `tail` is never ahead of `head`. */
        tail = atomic_load_explicit(&l->tail, memory_order_acquire);
        head = atomic_load_explicit(&l->head, memory_order_acquire);
        if (head & HEAD_CLOSED)
            return NULL;
        rest = l->size - head % l->size;
        pad = rest < need ? rest : 0;
        if (head + pad + need - tail > l->size)
            return NULL;
    } while (!atomic_compare_exchange_weak_explicit(&l->head, &head, head + pad + need,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if (pad)
        atomic_store_explicit(&slot_at(l, head)->state, pad | SLOT_PAD, memory_order_release);
    return slot_at(l, head + pad);
}

static void signal_writer(struct logger *l)
{
    pthread_mutex_lock(&l->lock);
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
}

bool logger_put(struct logger *l, const struct l7_record *record)
{
    size_t size;
    struct slot *slot = NULL;

    if (l->sink_count == 0) {
        atomic_fetch_add_explicit(&l->put, 1, memory_order_relaxed);
        return true;
    }
    size = record_copy_size(record);
    if (size <= l->size)
        slot = take_room(l, size + sizeof(*slot));
    if (!slot) {
        atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
        return false;
    }
    record_copy(slot + 1, record);
    atomic_fetch_add_explicit(&l->put, 1, memory_order_relaxed);
    /* One order for all: either the writer, about to sleep, sees this slot, or its being asleep
     * is seen here. */
    atomic_store(&slot->state, size + sizeof(*slot));
    if (atomic_load(&l->asleep) && atomic_exchange(&l->asleep, false))
        signal_writer(l);
    return true;
}

static void deliver(struct logger *l, const struct l7_record *record)
{
    for (size_t i = 0; i < l->sink_count; i++) {
        if ((l->sinks[i].wants & L7_RECORD_BIT(record->type)) != 0 &&
            l->sinks[i].ops->write(l->sinks[i].self, record) < 0)
            atomic_fetch_add_explicit(&l->failed, 1, memory_order_relaxed);
    }
}

/* Write the oldest record. False: there is none, or it is still being filled. */
static bool write_next(struct logger *l)
{
    uint64_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);
    struct slot *slot = slot_at(l, tail);
    uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
    bool pad = state & SLOT_PAD;
    uint64_t size = state & ~SLOT_PAD;

    if (state == 0)
        return false;
    if (!pad)
        deliver(l, (const struct l7_record *)(slot + 1));
    /* Of padding only the first word was written. */
    memset((void *)slot, 0, pad ? sizeof(*slot) : size);
    atomic_store_explicit(&l->tail, tail + size, memory_order_release);
    return true;
}

static bool has_next(const struct logger *l)
{
    return atomic_load(&slot_at(l, atomic_load_explicit(&l->tail, memory_order_relaxed))->state);
}

static void reopen_if_asked(struct logger *l)
{
    if (!atomic_load_explicit(&l->reopen, memory_order_relaxed) ||
        !atomic_exchange(&l->reopen, false))
        return;
    for (size_t i = 0; i < l->sink_count; i++) {
        if (l->sinks[i].ops->reopen)
            l->sinks[i].ops->reopen(l->sinks[i].self);
    }
}

static void tick_if_due(struct logger *l, uint64_t *due)
{
    uint64_t now = clock_ns(CLOCK_MONOTONIC_COARSE);

    if (now < *due)
        return;
    *due = now + TICK_NS;
    now = clock_ns(CLOCK_REALTIME);
    for (size_t i = 0; i < l->sink_count; i++) {
        if (l->sinks[i].ops->tick)
            l->sinks[i].ops->tick(l->sinks[i].self, now);
    }
}

/* Sleep until there is something to do, at most until `until`. A nap is not announced, so workers
 * do not cut it short. */
static void writer_rest(struct logger *l, uint64_t until, bool nap)
{
    struct timespec when;

    if (nap) {
        uint64_t soon = clock_ns(CLOCK_MONOTONIC) + NAP_NS;

        until = soon < until ? soon : until;
    }
    when.tv_sec = (time_t)(until / 1000000000);
    when.tv_nsec = (long)(until % 1000000000);
    pthread_mutex_lock(&l->lock);
    if (!nap)
        atomic_store(&l->asleep, true);
    if (!has_next(l) && !atomic_load(&l->reopen) && !atomic_load(&l->stop))
        pthread_cond_timedwait(&l->wake, &l->lock, &when);
    atomic_store(&l->asleep, false);
    pthread_mutex_unlock(&l->lock);
}

static bool is_drained(const struct logger *l)
{
    return (atomic_load(&l->head) & ~HEAD_CLOSED) == atomic_load(&l->tail);
}

static void *writer_run(void *arg)
{
    struct logger *l = arg;
    uint64_t due = clock_ns(CLOCK_MONOTONIC_COARSE) + TICK_NS;
    bool nap = true;

    for (;;) {
        reopen_if_asked(l);
        tick_if_due(l, &due);
        if (write_next(l)) {
            nap = true;
        } else if (!atomic_load(&l->stop)) {
            writer_rest(l, due, nap);
            nap = false;
        } else if (is_drained(l)) {
            return NULL;
        } else {
            sched_yield(); /* the last worker is still filling its slot */
        }
    }
}

int logger_start(struct logger *l)
{
    sigset_t all, before;
    int err;

    if (l->started || l->stopped)
        return -EBUSY;
    /* Signals are the main thread's; a file size limit must not end the program here either. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    err = pthread_create(&l->thread, NULL, writer_run, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err)
        return -err;
    pthread_setname_np(l->thread, "l7-writer");
    l->started = true;
    return 0;
}

void logger_reopen(struct logger *l)
{
    atomic_store(&l->reopen, true);
    signal_writer(l);
}

void logger_stop(struct logger *l)
{
    if (l->stopped)
        return;
    l->stopped = true;
    atomic_fetch_or(&l->head, HEAD_CLOSED);
    atomic_store(&l->stop, true);
    if (l->started) {
        signal_writer(l);
        pthread_join(l->thread, NULL);
    } else {
        writer_run(l);
    }
}

void logger_free(struct logger *l)
{
    if (!l)
        return;
    logger_stop(l);
    for (size_t i = 0; i < l->sink_count; i++) {
        if (l->sinks[i].ops->close)
            l->sinks[i].ops->close(l->sinks[i].self);
    }
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    free(l->sinks);
    free(l->ring);
    free(l);
}

void logger_stats(const struct logger *l, struct logger_stats *out)
{
    uint64_t tail = atomic_load(&l->tail);
    uint64_t head = atomic_load(&l->head) & ~HEAD_CLOSED;

    out->put = atomic_load(&l->put);
    out->lost = atomic_load(&l->lost);
    out->failed = atomic_load(&l->failed);
    out->queued_bytes = head - tail;
}
