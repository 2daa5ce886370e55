/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/diag.h"
#include "engine/tx.h"

static uint64_t wall_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static struct place where(const struct instance *instance)
{
    if (instance->where != NULL)
        return node_place(instance->where, instance->plugin);
    return (struct place){.field = instance->plugin};
}

/* ---- policies ---- */

static int load_policies(struct engine *e, struct problems *problems, struct snapshot **out)
{
    struct policy_keyword keywords[REGISTRY_KEYWORDS_MAX];
    size_t count = registry_keyword_count(e->registry);
    for (size_t i = 0; i < count; i++) {
        const struct plugin *p = registry_keyword(e->registry, (unsigned)i);
        keywords[i] = (struct policy_keyword){p->inspector, p->self};
    }
    struct policy_source source = {
        .dir = e->settings->policy_dir,
        .node_name = e->settings->node_name,
        .keywords = keywords,
        .keyword_count = count,
        .previous = e->snapshot,
        .generation = e->generation + 1,
    };
    return snapshot_load(&source, problems, out);
}

int engine_open(struct settings *settings, struct problems *problems, struct engine **out)
{
    struct engine *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        settings_free(settings);
        return -ENOMEM;
    }
    e->settings = settings;
    e->started_ns = e->reloaded_ns = wall_ns();
    e->registry = registry_new(tx_services(), settings->log_dir);
    int err = e->registry == NULL ? -ENOMEM : 0;
    if (err == 0)
        err = registry_scan(e->registry, settings->plugin_dir, settings->plugins, problems);
    if (err == 0)
        err = load_policies(e, problems, &e->snapshot);
    if (err != 0) {
        engine_close(e);
        return err;
    }
    e->generation++;
    *out = e;
    return 0;
}

void engine_close(struct engine *e)
{
    if (e == NULL)
        return;
    engine_stop(e);
    snapshot_unref(e->snapshot);
    if (e->registry != NULL)
        registry_free(e->registry);
    settings_free(e->settings);
    free(e);
}

/* ---- captures and logs ---- */

static const struct plugin *find(struct engine *e, enum l7_kind kind, const struct instance *i,
                                 struct problems *problems)
{
    const struct plugin *p = registry_find(e->registry, kind, i->plugin);
    if (p == NULL)
        problem_add(problems, PROBLEM_ERROR, where(i), "no %s plugin of this name in %s",
                    kind == L7_KIND_CAPTURE ? "capture" : "log", e->settings->plugin_dir);
    return p;
}

static struct worker *add_worker(struct engine *e)
{
    struct worker **list = realloc(e->workers, (e->worker_count + 1) * sizeof(*list));
    if (list == NULL)
        return NULL;
    e->workers = list;
    struct worker *w = calloc(1, sizeof(*w));
    if (w == NULL || worker_init(w, e, e->settings, e->registry, e->logger, e->snapshot) < 0) {
        free(w);
        return NULL;
    }
    w->index = (unsigned)e->worker_count;
    e->workers[e->worker_count++] = w;
    return w;
}

/* Instances borrow the text of their settings for as long as they live. */
static bool keep_config(struct engine *e, struct l7_config *config)
{
    struct l7_config **list = realloc(e->configs, (e->config_count + 1) * sizeof(*list));
    if (list == NULL) {
        config_free(config);
        return false;
    }
    e->configs = list;
    e->configs[e->config_count++] = config;
    return true;
}

/* Open one capture for a worker of its own. With `check` nothing stays open. */
static int open_capture(struct engine *e, const struct plugin *p, struct l7_config *config,
                        bool check)
{
    void *self = NULL;
    int err = p->capture->open(p->host, config, check, &self);
    if (err < 0)
        return err; /* the plugin has said why */
    if (check)
        return 0;
    struct worker *w = add_worker(e);
    if (w == NULL) {
        p->capture->close(self);
        return -ENOMEM;
    }
    w->capture = p->capture;
    w->capture_self = self;
    w->offline = (p->capture->flags & L7_CAPTURE_OFFLINE) != 0;
    if (snapshot_disable_tx_checksum(e->snapshot) && p->capture->disable_tx_checksum != NULL)
        (void)p->capture->disable_tx_checksum(self); /* asked for, never needed [OBJ-3] */
    return 0;
}

static int open_captures(struct engine *e, bool check, struct problems *problems)
{
    int result = 0;
    if (e->settings->capture_count == 0) {
        problem_add(
            problems, PROBLEM_ERROR, (struct place){.field = "capture"},
            "nothing to capture: name a plugin and its interfaces, or judge a file with -r");
        return -EINVAL;
    }
    for (size_t i = 0; i < e->settings->capture_count; i++) {
        const struct instance *in = &e->settings->captures[i];
        const struct plugin *p = find(e, L7_KIND_CAPTURE, in, problems);
        struct l7_config *config = p != NULL ? config_new(p, in->options, problems) : NULL;
        int err = -EINVAL;
        if (config != NULL && keep_config(e, config))
            err = open_capture(e, p, config, check);
        if (err < 0)
            result = err;
    }
    return result;
}

static int open_log(struct engine *e, const struct plugin *p, const struct node *options,
                    bool check, struct problems *problems)
{
    struct l7_config *config = config_new(p, options, problems);
    if (config == NULL || !keep_config(e, config))
        return -EINVAL;
    void *self = NULL;
    int err = p->log->open(p->host, config, check, &self); /* which says why, if not */
    if (err == 0 && !check)
        err = logger_add(e->logger, p->log, self);
    return err;
}

/* Without a `log:` setting every log plugin is used as it comes. */
static int open_logs(struct engine *e, bool check, struct problems *problems)
{
    int result = 0;
    for (size_t i = 0; i < e->settings->log_count; i++) {
        const struct instance *in = &e->settings->logs[i];
        const struct plugin *p = find(e, L7_KIND_LOG, in, problems);
        int err = p != NULL ? open_log(e, p, in->options, check, problems) : -EINVAL;
        if (err < 0)
            result = err;
    }
    if (e->settings->log_count > 0)
        return result;
    for (size_t i = 0; i < registry_count(e->registry); i++) {
        const struct plugin *p = registry_at(e->registry, i);
        if (p->log == NULL)
            continue;
        int err = open_log(e, p, NULL, check, problems);
        if (err < 0)
            result = err;
    }
    return result;
}

int engine_check(struct engine *e, struct problems *problems)
{
    int captures = open_captures(e, true, problems);
    int logs = open_logs(e, true, problems);
    return captures < 0 ? captures : logs;
}

/* ---- running ---- */

static int start_logger(struct engine *e, struct problems *problems)
{
    e->logger = logger_new(e->settings->log_queue);
    if (e->logger == NULL)
        return -ENOMEM;
    int err = open_logs(e, false, problems);
    return err < 0 ? err : logger_start(e->logger);
}

int engine_start(struct engine *e, struct problems *problems)
{
    int err = start_logger(e, problems);
    if (err == 0)
        err = open_captures(e, false, problems);
    if (err == 0 && e->settings->workers > e->worker_count)
        diag(L7_NOTICE, "engine",
             "%u workers are wanted; each capture runs on one, so there are %zu",
             e->settings->workers, e->worker_count);
    for (size_t i = 0; err == 0 && i < e->worker_count; i++) {
        struct worker *w = e->workers[i];
        if (w->offline) {
            problem_add(problems, PROBLEM_ERROR, where(&e->settings->captures[i]),
                        "reads files only: judge a file with -r");
            err = -EINVAL;
        } else {
            err = worker_start(w);
        }
    }
    if (err != 0)
        engine_stop(e);
    return err;
}

void engine_stop(struct engine *e)
{
    for (size_t i = 0; i < e->worker_count; i++) {
        struct worker *w = e->workers[i];
        worker_stop(w);
        worker_fini(w); /* writes the records of unfinished exchanges */
        if (w->capture_self != NULL && w->capture->close != NULL)
            w->capture->close(w->capture_self);
        free(w);
    }
    free(e->workers);
    e->workers = NULL;
    e->worker_count = 0;
    if (e->logger != NULL) {
        logger_stop(e->logger);
        logger_free(e->logger);
    }
    e->logger = NULL;
    for (size_t i = 0; i < e->config_count; i++)
        config_free(e->configs[i]);
    free(e->configs);
    e->configs = NULL;
    e->config_count = 0;
}

int engine_replay(struct engine *e, const char *file, struct problems *problems)
{
    const struct plugin *p = registry_offline(e->registry);
    if (p == NULL) {
        problem_add(problems, PROBLEM_ERROR, (struct place){.file = e->settings->plugin_dir},
                    "no capture plugin here reads files: -r needs one");
        return -ENOENT;
    }
    char pair[4096];
    snprintf(pair, sizeof(pair), "file=%s", file);
    const char *pairs[] = {pair};
    struct l7_config *config = config_new_pairs(p, pairs, 1, problems);
    if (config == NULL || !keep_config(e, config))
        return -EINVAL;
    int err = start_logger(e, problems);
    if (err == 0)
        err = open_capture(e, p, config, false);
    if (err < 0)
        return err;
    return worker_replay(e->workers[0]);
}

static void switch_snapshot(struct worker *w, void *arg)
{
    worker_switch(w, arg);
}

int engine_reload(struct engine *e, struct problems *problems)
{
    struct snapshot *next = NULL;
    e->reloads++;
    /* Workers may go on: they see a plugin when it is complete (registry.c). */
    int err = registry_scan(e->registry, e->settings->plugin_dir, e->settings->plugins, problems);
    if (err == 0)
        err = load_policies(e, problems, &next);
    if (err != 0) {
        e->reloads_failed++;
        return err;
    }
    e->generation++;
    e->reloaded_ns = wall_ns();
    snapshot_unref(e->snapshot);
    e->snapshot = next;
    for (size_t i = 0; i < e->worker_count; i++)
        if (!worker_ask(e->workers[i], switch_snapshot, next))
            problem_add(problems, PROBLEM_WARNING, (struct place){.field = "workers"},
                        "worker %zu does not answer: it keeps the old policies; reload again", i);
    if (e->logger != NULL)
        logger_reopen(e->logger);
    return 0;
}

void engine_reopen(struct engine *e)
{
    if (e->logger != NULL)
        logger_reopen(e->logger);
}

struct totals {
    struct stats *stats;
    size_t flows;
};

static void add_stats(struct worker *w, void *arg)
{
    struct totals *t = arg;
    stats_add(t->stats, &w->stats);
    t->flows += table_count(w->table);
}

bool engine_stats(struct engine *e, struct stats *total, size_t *flows)
{
    struct totals t = {total, 0};
    memset(total, 0, sizeof(*total));
    bool all = true;
    for (size_t i = 0; i < e->worker_count; i++)
        all = worker_ask(e->workers[i], add_stats, &t) && all;
    if (flows != NULL)
        *flows = t.flows;
    return all;
}

static void add_capture_stats(struct worker *w, void *arg)
{
    struct l7_capture_stats *total = arg, one = {.size = sizeof(one)};
    if (w->capture == NULL || w->capture->stats == NULL)
        return;
    w->capture->stats(w->capture_self, &one);
    total->received += one.received;
    total->lost += one.lost;
    total->forwarded += one.forwarded;
    total->injected += one.injected;
    total->send_errors += one.send_errors;
}

bool engine_capture_stats(struct engine *e, struct l7_capture_stats *total)
{
    *total = (struct l7_capture_stats){.size = sizeof(*total)};
    bool all = true;
    for (size_t i = 0; i < e->worker_count; i++)
        all = worker_ask(e->workers[i], add_capture_stats, total) && all;
    return all;
}
