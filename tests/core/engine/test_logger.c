/* SPDX-License-Identifier: Apache-2.0 */
/* logger: every record is written once, in order, or counted as lost. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "engine/logger.h"

#define WORKERS 4

/* A log that remembers what came. flow_id is the worker, tx_id its counter. */
struct sink {
    _Atomic uint64_t written;
    _Atomic unsigned ticks, reopens, closes;
    int answer;
    int64_t next[WORKERS];      /* lowest counter that may come */
    unsigned out_of_order;      /* written by the writer; read after stop */
    unsigned spoilt;            /* contents that are not what was put */
    uint64_t written_at_reopen; /* records written before the reopening */
    uint64_t last_tick_ns;
    char last_url[64];
};

/* Text that a record of this worker and counter carries; its length varies a lot. */
static size_t fill(char *to, size_t cap, uint64_t worker, int64_t counter)
{
    size_t len = (size_t)((uint64_t)counter * 2654435761u % cap);

    for (size_t i = 0; i < len; i++)
        to[i] = (char)(worker * 31 + (uint64_t)counter + i);
    return len;
}

static int sink_write(void *self, const struct l7_record *record)
{
    struct sink *s = self;
    char expected[200];
    size_t len = fill(expected, sizeof(expected), record->flow_id, record->tx_id);

    if (record->attr_count == 1) {
        const struct l7_bytes *value = &record->attrs[0].value.string;

        if (value->len != len || memcmp(value->ptr, expected, len) != 0 ||
            strcmp(record->keyword, "http") != 0 || record->policy.tier)
            s->spoilt++;
    }
    if (record->tx_id < s->next[record->flow_id])
        s->out_of_order++;
    s->next[record->flow_id] = record->tx_id + 1;
    atomic_fetch_add(&s->written, 1);
    return s->answer;
}

static void sink_tick(void *self, uint64_t now_ns)
{
    struct sink *s = self;

    s->last_tick_ns = now_ns;
    atomic_fetch_add(&s->ticks, 1);
}

static void sink_reopen(void *self)
{
    struct sink *s = self;

    s->written_at_reopen = atomic_load(&s->written);
    atomic_fetch_add(&s->reopens, 1);
}

static void sink_close(void *self)
{
    struct sink *s = self;

    atomic_fetch_add(&s->closes, 1);
}

static const struct l7_log sink_ops = {
    .size = sizeof(sink_ops),
    .write = sink_write,
    .tick = sink_tick,
    .reopen = sink_reopen,
    .close = sink_close,
};

static bool put(struct logger *l, uint64_t worker, int64_t counter)
{
    char bytes[200];
    struct l7_record_attr attr = {.name = "url", .value = {.type = L7_TYPE_STRING}};
    struct l7_record record = {
        .size = sizeof(record),
        .type = L7_RECORD_TRANSACTION,
        .flow_id = worker,
        .tx_id = counter,
        .keyword = "http",
        .attrs = &attr,
        .attr_count = 1,
    };
    bool taken;

    attr.value.string.ptr = (const uint8_t *)bytes;
    attr.value.string.len = fill(bytes, sizeof(bytes), worker, counter);
    taken = logger_put(l, &record);
    memset(bytes, 0xee, sizeof(bytes)); /* what was borrowed is gone */
    return taken;
}

static void nap(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

/* Wait until `*value` is at least `least`; ten seconds are for machines that are very busy. */
static bool reaches(const _Atomic uint64_t *value, uint64_t least)
{
    for (unsigned i = 0; i < 10000 && atomic_load(value) < least; i++)
        nap(1);
    return atomic_load(value) >= least;
}

Test(logger, writes_what_was_put_in_order)
{
    struct sink s = {0};
    struct logger *l = logger_new(1 << 20);
    struct logger_stats stats;

    cr_assert_eq(logger_add(l, &sink_ops, &s), 0);
    cr_assert_eq(logger_start(l), 0);
    for (int i = 0; i < 1000; i++)
        cr_assert(put(l, 0, i));
    logger_stop(l);
    cr_assert_eq(atomic_load(&s.written), 1000);
    cr_assert_eq(s.out_of_order, 0);
    cr_assert_eq(s.spoilt, 0);
    logger_stats(l, &stats);
    cr_assert_eq(stats.put, 1000);
    cr_assert_eq(stats.lost, 0);
    cr_assert_eq(stats.queued_bytes, 0);
    logger_free(l);
}

Test(logger, wakes_a_writer_that_sleeps)
{
    struct sink s = {0};
    struct logger *l = logger_new(1 << 16);

    logger_add(l, &sink_ops, &s);
    logger_start(l);
    for (uint64_t i = 1; i <= 15; i++) {
        nap(10);
        cr_assert(put(l, 0, (int64_t)i));
        cr_assert(reaches(&s.written, i));
    }
    /* A writer that nobody wakes would have waited for its tick each time. */
    cr_assert_lt(atomic_load(&s.ticks), 10);
    logger_free(l);
}

Test(logger, counts_what_the_full_queue_cannot_take)
{
    struct sink s = {0};
    struct logger *l = logger_new(16 * 1024);
    struct logger_stats stats;
    uint64_t taken = 0;

    logger_add(l, &sink_ops, &s);
    /* The writer does not run yet: the queue fills. */
    for (int i = 0; i < 200; i++)
        taken += put(l, 0, i);
    cr_assert_lt(taken, 200);
    cr_assert_gt(taken, 10);
    logger_stats(l, &stats);
    cr_assert_eq(stats.put, taken);
    cr_assert_eq(stats.lost, 200 - taken);
    cr_assert_leq(stats.queued_bytes, 16 * 1024);
    cr_assert_gt(stats.queued_bytes, 12 * 1024);

    logger_start(l);
    cr_assert(reaches(&s.written, taken));
    cr_assert(put(l, 0, 1000)); /* there is room again */
    logger_stop(l);
    cr_assert_eq(atomic_load(&s.written), taken + 1);
    cr_assert_eq(s.spoilt, 0);
    logger_free(l);
}

Test(logger, loses_a_record_larger_than_the_queue_and_goes_on)
{
    static uint8_t frame[8192];
    struct sink s = {0};
    struct logger *l = logger_new(8192);
    struct l7_record record = {.size = sizeof(record), .packet = {frame, sizeof(frame)}};
    struct logger_stats stats;

    logger_add(l, &sink_ops, &s);
    logger_start(l);
    cr_assert_not(logger_put(l, &record));
    record.packet.len = SIZE_MAX - 8;
    cr_assert_not(logger_put(l, &record));
    cr_assert(put(l, 1, 1));
    logger_stop(l);
    logger_stats(l, &stats);
    cr_assert_eq(stats.lost, 2);
    cr_assert_eq(atomic_load(&s.written), 1);
    logger_free(l);
}

/* The largest record that is taken at all is taken wherever the ring stands. */
Test(logger, has_room_for_half_a_queue_at_any_position)
{
    static uint8_t frame[4096];
    struct sink s = {0};
    struct logger *l = logger_new(8192);
    struct l7_record record = {.size = sizeof(record), .packet = {frame, 3300}};
    uint64_t count = 0;

    logger_add(l, &sink_ops, &s);
    logger_start(l);
    for (int i = 0; i < 300; i++) {
        cr_assert(put(l, 1, i));
        cr_assert(reaches(&s.written, ++count));
        nap(0);
        for (unsigned turn = 0; turn < 10000; turn++) {
            struct logger_stats stats;

            logger_stats(l, &stats);
            if (stats.queued_bytes == 0)
                break;
            nap(1);
        }
        cr_assert(logger_put(l, &record), "record %d was lost", i);
        cr_assert(reaches(&s.written, ++count));
        record.tx_id++;
    }
    logger_free(l);
}

Test(logger, counts_writes_that_fail)
{
    struct sink good = {0}, bad = {.answer = -ENOSPC};
    struct logger *l = logger_new(1 << 16);
    struct logger_stats stats;

    logger_add(l, &sink_ops, &good);
    logger_add(l, &sink_ops, &bad);
    logger_start(l);
    for (int i = 0; i < 7; i++)
        put(l, 0, i);
    logger_stop(l);
    logger_stats(l, &stats);
    cr_assert_eq(stats.put, 7);
    cr_assert_eq(stats.failed, 7);
    cr_assert_eq(atomic_load(&good.written), 7);
    cr_assert_eq(atomic_load(&bad.written), 7);
    logger_free(l);
}

Test(logger, takes_nothing_after_stop_and_closes_each_log_once)
{
    struct sink a = {0}, b = {0};
    struct logger *l = logger_new(1 << 16);
    struct logger_stats stats;

    logger_add(l, &sink_ops, &a);
    logger_add(l, &sink_ops, &b);
    logger_start(l);
    put(l, 0, 1);
    logger_stop(l);
    logger_stop(l);
    cr_assert_not(put(l, 0, 2));
    logger_stats(l, &stats);
    cr_assert_eq(stats.put, 1);
    cr_assert_eq(stats.lost, 1);
    cr_assert_eq(atomic_load(&a.closes), 0);
    logger_free(l);
    cr_assert_eq(atomic_load(&a.closes), 1);
    cr_assert_eq(atomic_load(&b.closes), 1);
    cr_assert_eq(atomic_load(&b.written), 1);
}

Test(logger, stop_writes_what_is_queued_even_if_never_started)
{
    struct sink s = {0};
    struct logger *l = logger_new(1 << 16);

    logger_add(l, &sink_ops, &s);
    put(l, 0, 1);
    put(l, 0, 2);
    logger_stop(l);
    cr_assert_eq(atomic_load(&s.written), 2);
    cr_assert_eq(logger_start(l), -EBUSY);
    logger_free(l);
}

Test(logger, refuses_a_log_that_cannot_write_or_comes_late)
{
    struct sink s = {0};
    struct l7_log mute = {.size = sizeof(mute)};
    struct logger *l = logger_new(1 << 16);

    cr_assert_eq(logger_add(l, &mute, NULL), -EINVAL);
    logger_start(l);
    cr_assert_eq(logger_add(l, &sink_ops, &s), -EBUSY);
    logger_free(l);
}

Test(logger, without_logs_nothing_is_lost)
{
    struct logger *l = logger_new(1024);
    struct logger_stats stats;

    logger_start(l);
    for (int i = 0; i < 1000; i++)
        cr_assert(put(l, 0, i));
    logger_stats(l, &stats);
    cr_assert_eq(stats.put, 1000);
    cr_assert_eq(stats.queued_bytes, 0);
    logger_free(l);
}

Test(logger, reopens_before_the_next_record)
{
    struct sink s = {0};
    struct logger *l = logger_new(1 << 16);

    logger_add(l, &sink_ops, &s);
    logger_start(l);
    put(l, 0, 1);
    cr_assert(reaches(&s.written, 1));
    logger_reopen(l);
    put(l, 0, 2);
    logger_stop(l);
    cr_assert_eq(atomic_load(&s.reopens), 1);
    cr_assert_eq(s.written_at_reopen, 1);
    logger_free(l);
}

Test(logger, reopens_without_a_record)
{
    struct sink s = {0};
    struct logger *l = logger_new(1 << 16);

    logger_add(l, &sink_ops, &s);
    logger_start(l);
    nap(20);
    logger_reopen(l);
    for (unsigned i = 0; i < 10000 && !atomic_load(&s.reopens); i++)
        nap(1);
    cr_assert_eq(atomic_load(&s.reopens), 1);
    logger_free(l);
}

Test(logger, ticks_with_the_wall_clock)
{
    struct sink s = {0};
    struct logger *l = logger_new(1 << 16);
    time_t begin = time(NULL);

    logger_add(l, &sink_ops, &s);
    logger_start(l);
    for (unsigned i = 0; i < 10000 && atomic_load(&s.ticks) < 2; i++)
        nap(1);
    logger_stop(l);
    cr_assert_geq(atomic_load(&s.ticks), 2);
    cr_assert_geq(s.last_tick_ns / 1000000000, (uint64_t)begin);
    cr_assert_leq(s.last_tick_ns / 1000000000, (uint64_t)time(NULL));
    logger_free(l);
}

struct worker {
    struct logger *logger;
    uint64_t number;
    int64_t records;
    uint64_t taken;
    bool insist; /* put again what was lost */
};

static void *worker_run(void *arg)
{
    struct worker *w = arg;

    for (int64_t i = 0; i < w->records; i++) {
        bool taken = put(w->logger, w->number, i);

        while (!taken && w->insist) {
            nap(0);
            taken = put(w->logger, w->number, i);
        }
        w->taken += taken;
    }
    return NULL;
}

static void run_workers(size_t queue, int64_t records, bool insist)
{
    struct sink s = {0};
    struct logger *l = logger_new(queue);
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    struct logger_stats stats;
    uint64_t taken = 0;

    logger_add(l, &sink_ops, &s);
    logger_start(l);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] =
            (struct worker){.logger = l, .number = i, .records = records, .insist = insist};
        cr_assert_eq(pthread_create(&threads[i], NULL, worker_run, &workers[i]), 0);
    }
    for (unsigned i = 0; i < 20; i++)
        logger_reopen(l);
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        taken += workers[i].taken;
    }
    logger_stop(l);
    logger_stats(l, &stats);
    cr_assert_eq(stats.put, taken);
    cr_assert_eq(atomic_load(&s.written), taken);
    if (insist)
        cr_assert_eq(taken, (uint64_t)records * WORKERS);
    else
        cr_assert_eq(taken + stats.lost, (uint64_t)records * WORKERS);
    cr_assert_eq(s.out_of_order, 0);
    cr_assert_eq(s.spoilt, 0);
    logger_free(l);
}

Test(logger, several_workers_lose_nothing_uncounted_in_a_small_queue)
{
    run_workers(4096, 20000, false);
}

Test(logger, several_workers_keep_their_order_and_bytes)
{
    run_workers(64 * 1024, 20000, true);
}

struct stopper {
    struct logger *logger;
    _Atomic bool end;
    uint64_t taken, refused;
};

static void *put_until_end(void *arg)
{
    struct stopper *s = arg;

    for (int64_t i = 0; !atomic_load(&s->end); i++) {
        if (put(s->logger, 0, i))
            s->taken++;
        else
            s->refused++;
    }
    return NULL;
}

Test(logger, a_record_put_while_stopping_is_written_or_counted)
{
    for (int round = 0; round < 50; round++) {
        struct sink s = {0};
        struct logger *l = logger_new(1 << 16);
        struct stopper stopper = {.logger = l};
        struct logger_stats stats;
        pthread_t thread;

        logger_add(l, &sink_ops, &s);
        logger_start(l);
        cr_assert_eq(pthread_create(&thread, NULL, put_until_end, &stopper), 0);
        cr_assert(reaches(&s.written, 10));
        logger_stop(l);
        atomic_store(&stopper.end, true);
        pthread_join(thread, NULL);
        logger_stats(l, &stats);
        cr_assert_eq(atomic_load(&s.written), stopper.taken);
        cr_assert_eq(stats.lost, stopper.refused);
        logger_free(l);
    }
}
