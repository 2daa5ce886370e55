/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* engine: everything put together: settings, plugins, policies, logs, workers.
 *
 * In    settings
 * Out   a running daemon, or every problem that keeps it from running
 * Not   the command line (main.c), how answers to l7ctl look (report.c), the control socket
 *       (control.c)
 * Life  open (start (reload | reopen)* stop)? close
 *
 * Threads: the main thread only. Workers are reached by worker_ask().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/problem.h"
#include "engine/logger.h"
#include "engine/settings.h"
#include "engine/worker.h"
#include "plugin/registry.h"
#include "policy/policy.h"

struct engine {
    struct settings *settings; /* owned */
    struct registry *registry;
    struct snapshot *snapshot;  /* current; one reference */
    struct logger *logger;      /* NULL until start */
    struct l7_config **configs; /* of the instances that are open, which borrow from them */
    size_t config_count;
    struct worker **workers;
    size_t worker_count;
    uint64_t generation; /* of the current snapshot */
    uint64_t started_ns; /* wall clock */
    uint64_t reloads, reloads_failed;
    uint64_t reloaded_ns; /* when the current snapshot came in force */
    bool offline;
};

/* Load plugins and policies. Takes `settings`. 0, or negative errno with errors in `problems`
 * (warnings may be there in both cases). */
int engine_open(struct settings *settings, struct problems *problems, struct engine **out);
void engine_close(struct engine *e);

/* Would captures and logs open? For -T. */
int engine_check(struct engine *e, struct problems *problems);

/* Open logs and captures, start workers. */
int engine_start(struct engine *e, struct problems *problems);
/* Let workers finish what they hold, write all records. */
void engine_stop(struct engine *e);

/* Judge a capture file from beginning to end, on this thread. */
int engine_replay(struct engine *e, const char *file, struct problems *problems);

/* New plugins, the whole policy directory again. All or nothing. */
int engine_reload(struct engine *e, struct problems *problems);
void engine_reopen(struct engine *e);

/* Totals over workers. False: a worker did not answer. */
bool engine_stats(struct engine *e, struct stats *total, size_t *flows);
/* The same of what captures count themselves. */
bool engine_capture_stats(struct engine *e, struct l7_capture_stats *total);
