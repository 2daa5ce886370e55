/* SPDX-License-Identifier: Apache-2.0 */
/* main: the daemon's command line, signals and exit status. Decides nothing about traffic.
 *
 * Exit status: 0 done, 1 a problem that the message names, 2 usage.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include "base/diag.h"
#include "engine/control.h"
#include "engine/engine.h"
#include "engine/metrics.h"
#include "engine/where.h"

#define DEFAULT_CONFIG "/etc/l7guard/l7guard.yaml"

struct options {
    const char *config, *capture, *policies, *plugins, *logs;
    bool test;
    bool no_config; /* none was given, none is needed */
};

static void print_line(void *ctx, const char *text)
{
    fprintf(ctx, "  %s\n", text);
}

static void help(void)
{
    puts("l7guard: layer-7 network policy, inline on a node's traffic\n"
         "\n"
         "usage: l7guard [-c FILE] [-p POLICY_DIR] [-P PLUGIN_DIR] [-l LOG_DIR] [-T]\n"
         "       l7guard -r CAPTURE [-p POLICY_DIR] [-P PLUGIN_DIR] [-l LOG_DIR]\n"
         "\n"
         "  -c FILE        configuration (default " DEFAULT_CONFIG "; with -r none is needed)\n"
         "  -r CAPTURE     judge a capture file (pcap, pcapng; - is standard input), then exit\n"
         "  -p POLICY_DIR  policies, Pods and Namespaces as YAML or JSON\n"
         "  -P PLUGIN_DIR  where plugins are\n"
         "  -l LOG_DIR     where records go\n"
         "  -T, --test     test configuration, plugins and policies; print every problem\n"
         "                 (with -p and without a configuration: plugins and policies)\n"
         "  -V, --version\n"
         "  -h, --help     this; --help-config lists the configuration's keys and defaults\n"
         "\n"
         "signals: HUP reloads policies and new plugins and reopens logs, USR1 reopens logs,\n"
         "         TERM and INT finish and exit 0\n"
         "exit status: 0 done, 1 a problem that the message names, 2 usage\n"
         "\n"
         "examples:\n"
         "  l7guard -r traffic.pcap -p policies -l .    what would these policies have done?\n"
         "  l7guard -T -c /etc/l7guard/l7guard.yaml     is everything well written?");
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"config", required_argument, NULL, 'c'},   {"read", required_argument, NULL, 'r'},
        {"policies", required_argument, NULL, 'p'}, {"plugins", required_argument, NULL, 'P'},
        {"logs", required_argument, NULL, 'l'},     {"test", no_argument, NULL, 'T'},
        {"version", no_argument, NULL, 'V'},        {"help", no_argument, NULL, 'h'},
        {"help-config", no_argument, NULL, 'H'},    {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "c:r:p:P:l:TVh", names, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'r':
            o->capture = optarg;
            break;
        case 'p':
            o->policies = optarg;
            break;
        case 'P':
            o->plugins = optarg;
            break;
        case 'l':
            o->logs = optarg;
            break;
        case 'T':
            o->test = true;
            break;
        case 'V':
            printf("l7guard %s (SDK %d.%d)\n", L7_VERSION, L7_SDK_MAJOR, L7_SDK_MINOR);
            exit(0);
        case 'h':
            help();
            exit(0);
        case 'H':
            settings_describe(print_line, stdout);
            exit(0);
        default:
            fputs("l7guard: try l7guard --help\n", stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "l7guard: unexpected argument \"%s\"; try l7guard --help\n", argv[optind]);
        return 2;
    }
    return 0;
}

static void replace(char **setting, const char *value)
{
    if (value == NULL)
        return;
    free(*setting);
    *setting = strdup(value);
}

/* Defaults, then the file, then the command line. NULL after telling what is wrong. */
static struct settings *settle(struct options *o, struct problems *problems)
{
    struct settings *set = settings_new();
    if (set == NULL)
        return NULL;
    bool installed = strcmp(set->plugin_dir, L7_PLUGIN_DIR) == 0;
    /* Policies can be tested where there is no daemon yet. */
    o->no_config = o->config == NULL && (o->capture != NULL || (o->test && o->policies != NULL &&
                                                                access(DEFAULT_CONFIG, F_OK) != 0));
    if (!o->no_config) {
        const char *file = o->config != NULL ? o->config : DEFAULT_CONFIG;
        /* A test goes on, to find what else is wrong. */
        if (settings_read(set, file, problems) < 0 && !o->test) {
            settings_free(set);
            return NULL;
        }
    }
    /* Started from a build tree, the plugins beside the program are the ones that are meant. */
    if (installed && strcmp(set->plugin_dir, L7_PLUGIN_DIR) == 0) {
        free(set->plugin_dir);
        set->plugin_dir = where_plugins();
    }
    if (o->capture != NULL) {
        if (!set->inspect_given)
            set->inspect = INSPECT_ALL;
        if (o->logs == NULL && o->config == NULL)
            replace(&set->log_dir, ".");
        if (o->policies == NULL && o->config == NULL && access(set->policy_dir, F_OK) != 0)
            replace(&set->policy_dir, "");
    }
    replace(&set->policy_dir, o->policies);
    replace(&set->plugin_dir, o->plugins);
    replace(&set->log_dir, o->logs);
    return set;
}

/* ---- a capture file ---- */

static int judge_file(struct engine *e, const char *file, struct problems *problems)
{
    int err = engine_replay(e, file, problems);
    problems_print(problems, stderr);
    struct stats st;
    engine_stats(e, &st, NULL);
    engine_stop(e);
    if (st.frames_received == 0 && err < 0)
        return 1;
    fprintf(stdout,
            "l7guard: %s: %llu frames, %llu flows (%llu governed, %llu refused, %llu denied), "
            "%llu transactions allowed, %llu refused\n",
            file, (unsigned long long)st.frames_received, (unsigned long long)st.flows_opened,
            (unsigned long long)st.flows_governed, (unsigned long long)st.flows_refused,
            (unsigned long long)st.flows_denied, (unsigned long long)st.transactions_allowed,
            (unsigned long long)st.transactions_refused);
    return err < 0 ? 1 : 0;
}

/* ---- the daemon ---- */

struct daemon {
    struct engine *engine;
    uv_loop_t *loop;
    uv_signal_t signals[4];
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;
    if (number == SIGTERM || number == SIGINT) {
        uv_stop(d->loop);
    } else if (number == SIGUSR1) {
        engine_reopen(d->engine);
    } else {
        struct problems *problems = problems_new();
        if (problems == NULL)
            return;
        int err = engine_reload(d->engine, problems);
        problems_print(problems, stderr);
        if (err < 0)
            diag(L7_ERROR, "engine", "reload refused: the old policies stay in force");
        else
            diag(L7_NOTICE, "engine", "reloaded: generation %llu, %zu rules",
                 (unsigned long long)d->engine->generation,
                 snapshot_rule_count(d->engine->snapshot));
        problems_free(problems);
    }
}

/* Who asks for a reload or for new log files while policies are still being read must not end the
 * daemon by it: it is done when there are handlers. */
static void mask_early(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(how, &set, NULL);
}

static void close_all(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static int run_daemon(struct engine *e, struct problems *problems)
{
    static const int numbers[] = {SIGHUP, SIGUSR1, SIGTERM, SIGINT};
    uv_loop_t loop;
    struct daemon d = {.engine = e, .loop = &loop};
    struct control *control = NULL;
    struct metrics *metrics = NULL;
    if (uv_loop_init(&loop) != 0)
        return 1;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(&loop, &d.signals[i]);
        d.signals[i].data = &d;
        uv_signal_start(&d.signals[i], on_signal, numbers[i]);
    }
    mask_early(SIG_UNBLOCK);
    int err = control_open(&loop, e, problems, &control);
    if (err == 0)
        err = metrics_open(&loop, e, problems, &metrics);
    if (err == 0)
        err = engine_start(e, problems);
    problems_print(problems, stderr);
    if (err == 0) {
        diag(L7_NOTICE, "engine", "ready: %zu rules, %zu plugins, %zu workers",
             snapshot_rule_count(e->snapshot), registry_count(e->registry), e->worker_count);
        uv_run(&loop, UV_RUN_DEFAULT);
        diag(L7_NOTICE, "engine", "stopping");
    }
    engine_stop(e);
    control_close(control);
    metrics_close(metrics);
    uv_walk(&loop, close_all, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return err < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    int status = parse(argc, argv, &o);
    if (status != 0)
        return status;
    signal(SIGPIPE, SIG_IGN);
    if (o.capture == NULL && !o.test)
        mask_early(SIG_BLOCK);
    struct problems *problems = problems_new();
    struct engine *e = NULL;
    struct settings *set = problems != NULL ? settle(&o, problems) : NULL;
    if (set == NULL || engine_open(set, problems, &e) < 0) {
        if (problems != NULL)
            problems_print(problems, stderr);
        problems_free(problems);
        return 1;
    }
    if (o.test) {
        int err = o.no_config ? 0 : engine_check(e, problems);
        problems_print(problems, stderr);
        struct snapshot_counts n = snapshot_counts(e->snapshot);
        if (err == 0 && problems->errors == 0)
            printf("ok: %zu policies, %zu rules, %zu Pods, %zu plugins\n", n.policies, n.rules,
                   n.pods, registry_count(e->registry));
        else
            status = 1;
    } else if (o.capture != NULL) {
        e->offline = true;
        status = judge_file(e, o.capture, problems);
    } else {
        status = run_daemon(e, problems);
    }
    engine_close(e);
    problems_free(problems);
    return status;
}
