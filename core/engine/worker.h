/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* worker: one thread's world: a capture instance, a flow table and everything below it.
 *
 * Nothing here is shared. The main thread reaches it in two ways: it replaces the snapshot that
 * workers look at between batches, and it asks for a function to be run here (worker_ask).
 */

#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"
#include "engine/judged.h"
#include "engine/stats.h"
#include "flow/defrag.h"
#include "flow/table.h"
#include "l7guard/capture.h"
#include "plugin/registry.h"
#include "policy/policy.h"

struct engine;
struct logger;
struct settings;

struct worker {
    struct engine *engine;
    const struct settings *settings;
    const struct registry *registry; /* grows between batches only */
    struct logger *logger;
    unsigned index;

    const struct l7_capture *capture;
    void *capture_self;
    bool offline;

    struct table *table;
    struct defrag *defrag;
    struct snapshot *snapshot; /* one reference */
    unsigned keywords;         /* inspectors that came with it or before; later ones wait */
    uint64_t now_ns;           /* the newest frame's time, or the wall clock */
    struct stats stats;
    uint64_t *hits;        /* per rule number of `snapshot` */
    size_t stream_memory;  /* bytes kept by all sessions */
    struct list undecided; /* sessions that wait for a decision, longest first */
    uint64_t first_ns;     /* of the first frame: flows from before it are not known; 0: none yet */
    uint64_t two_armed;    /* bit per interface pair, modulo 64: answers come in at the other end */
    bool ending;           /* all flows are being forgotten: the worker ends */
    bool expiring;         /* flows are being forgotten because they are idle, or in the way */
    uint8_t *scratch;      /* SEGMENT_MAX bytes for frames we make */

    struct worker_thread *thread; /* worker.c's own */
};

/* Everything but capture is ready after init; tests drive a worker without a thread. */
int worker_init(struct worker *w, struct engine *engine, const struct settings *settings,
                const struct registry *registry, struct logger *logger, struct snapshot *snapshot);
void worker_fini(struct worker *w);

/* Use another snapshot from the next packet on. Takes no reference of the caller's. */
void worker_switch(struct worker *w, struct snapshot *snapshot);

/* Time passes: end idle flows, give up on undecided messages. */
void worker_tick(struct worker *w, uint64_t now_ns);

/* Run the capture on a thread of its own. 0 or negative errno. */
int worker_start(struct worker *w);
/* Finish the batch in hand, end the thread. */
void worker_stop(struct worker *w);
/* Run `fn` between two batches and wait for it, at most five seconds: false if that was not
 * enough. Main thread only. */
bool worker_ask(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg);

/* Read an offline capture to its end, here. 0, or negative errno when it failed. */
int worker_replay(struct worker *w);

/* Send a frame made here, or a copy that was held. */
void worker_inject(struct worker *w, const struct l7_frame *frame);
