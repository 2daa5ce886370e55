/* SPDX-License-Identifier: Apache-2.0 */
/* metrics: what is served over a real socket is Prometheus text, every time; slow, rude and many
 * clients harm nobody. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>
#include "engine/engine.h"
#include "engine/metrics.h"

/* An engine with one worker that has no thread, and a loop that serves on its own. */
struct world {
    struct engine engine;
    struct metrics *metrics;
    struct problems *problems;
    uv_loop_t loop;
    uv_async_t stop;
    pthread_t thread;
    uint16_t port;
};

static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void on_stop(uv_async_t *async)
{
    struct world *w = async->data;
    metrics_close(w->metrics);
    uv_close((uv_handle_t *)async, NULL);
}

static void *serve(void *arg)
{
    struct world *w = arg;
    uv_run(&w->loop, UV_RUN_DEFAULT); /* ends when everything is closed */
    return NULL;
}

static void engine_init(struct world *w)
{
    struct engine *e = &w->engine;
    struct policy_source source = {.dir = "", .generation = 1};
    e->settings = settings_new();
    e->registry = registry_new(NULL, "/tmp");
    cr_assert_eq(snapshot_load(&source, w->problems, &e->snapshot), 0);
    e->generation = 7;
    e->workers = calloc(1, sizeof(struct worker *));
    e->workers[0] = calloc(1, sizeof(struct worker));
    e->worker_count = 1;
    cr_assert_eq(worker_init(e->workers[0], e, e->settings, e->registry, NULL, e->snapshot), 0);
    struct stats *st = &e->workers[0]->stats;
    st->frames_received = 10;
    st->frames_forwarded = 4;
    for (int i = 0; i < 5; i++)
        stats_count(st->drops, i < 3 ? "broken-packet" : "flow-limit");
    for (int i = 0; i < STATS_REASONS + 20; i++) {
        char name[32];
        snprintf(name, sizeof(name), "reason-%d", i);
        stats_count(st->refusals, i % 30 == 0 ? "\"}\n\\" : name);
    }
}

static void engine_fini(struct engine *e)
{
    worker_fini(e->workers[0]);
    free(e->workers[0]);
    free(e->workers);
    snapshot_unref(e->snapshot);
    registry_free(e->registry);
    settings_free(e->settings);
}

static struct world *world_open(void)
{
    struct world *w = calloc(1, sizeof(*w));
    char at[64];
    cr_assert_not_null(w);
    w->problems = problems_new();
    engine_init(w);
    w->port = free_port();
    snprintf(at, sizeof(at), "127.0.0.1:%u", w->port);
    free(w->engine.settings->metrics);
    w->engine.settings->metrics = strdup(at);
    cr_assert_eq(uv_loop_init(&w->loop), 0);
    cr_assert_eq(metrics_open(&w->loop, &w->engine, w->problems, &w->metrics), 0);
    cr_assert_not_null(w->metrics);
    cr_assert_eq(uv_async_init(&w->loop, &w->stop, on_stop), 0);
    w->stop.data = w;
    cr_assert_eq(pthread_create(&w->thread, NULL, serve, w), 0);
    return w;
}

static void world_close(struct world *w)
{
    uv_async_send(&w->stop);
    pthread_join(w->thread, NULL);
    cr_expect_eq(uv_loop_close(&w->loop), 0, "something was left open");
    engine_fini(&w->engine);
    problems_free(w->problems);
    free(w);
}

static int dial(const struct world *w)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons(w->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    cr_assert_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* All that comes until the other side closes. */
static char *hear(int fd)
{
    static char text[1 << 18];
    size_t len = 0;
    ssize_t n;
    while (len + 1 < sizeof(text) && (n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    close(fd);
    return text;
}

static char *ask(const struct world *w, const char *request)
{
    int fd = dial(w);
    say(fd, request);
    return hear(fd);
}

#define GET "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

static bool matches(const char *pattern, const char *text)
{
    regex_t re;
    cr_assert_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool yes = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

/* The value of a series as it is written in front of it; -1: not there. */
static long long value_of(const char *body, const char *series)
{
    size_t len = strlen(series);
    for (const char *line = body; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, series, len) == 0 && line[len] == ' ')
            return strtoll(line + len, NULL, 10);
    }
    return -1;
}

Test(metrics, what_is_served_is_prometheus_text)
{
    struct world *w = world_open();
    char *answer = ask(w, GET);
    cr_assert(matches("^HTTP/1\\.[01] 200 ", answer));
    cr_expect_not_null(strstr(answer, "Content-Type: text/plain; version=0.0.4\r\n"));
    char *body = strstr(answer, "\r\n\r\n");
    cr_assert_not_null(body);
    body += 4;
    size_t length = strtoul(strstr(answer, "Content-Length: ") + 16, NULL, 10);
    cr_expect_eq(length, strlen(body));
    cr_expect_eq(body[strlen(body) - 1], '\n');
    cr_expect_eq(value_of(body, "l7guard_frames_received_total"), 10);
    cr_expect_eq(value_of(body, "l7guard_frames_forwarded_total"), 4);
    cr_expect_eq(value_of(body, "l7guard_frames_dropped_total{reason=\"broken-packet\"}"), 3);
    cr_expect_eq(value_of(body, "l7guard_frames_dropped_total{reason=\"flow-limit\"}"), 2);
    cr_expect_gt(value_of(body, "l7guard_flows_refused_total{reason=\"other\"}"), 0);
    cr_expect_eq(value_of(body, "l7guard_policy_generation"), 7);

    char family[128] = "", help[128] = "", *seen[1024];
    size_t count = 0;
    for (char *save, *line = strtok_r(body, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char kind[32];
        if (sscanf(line, "# HELP %127s", help) == 1)
            continue;
        if (sscanf(line, "# TYPE %127s %31s", family, kind) == 2) {
            cr_expect_str_eq(family, help, "help and type go together");
            cr_expect_eq(strcmp(kind, "counter") == 0,
                         strlen(family) > 6 && strcmp(family + strlen(family) - 6, "_total") == 0,
                         "%s is a %s", family, kind);
            continue;
        }
        cr_assert(matches("^[a-z_][a-z0-9_]*(\\{reason=\"[a-z0-9-]+\"\\})? [0-9]+$", line), "%s",
                  line);
        cr_expect_eq(strncmp(line, family, strlen(family)), 0, "%s under %s", line, family);
        *strrchr(line, ' ') = '\0';
        for (size_t i = 0; i < count; i++)
            cr_expect_str_neq(seen[i], line, "twice");
        cr_assert_lt(count, 1024);
        seen[count++] = line;
    }
    cr_expect_gt(count, 30);
    world_close(w);
}

Test(metrics, requests_may_come_in_pieces_and_with_a_query)
{
    struct world *w = world_open();
    int fd = dial(w);
    for (const char *c = GET; *c != '\0'; c++) {
        char one[2] = {*c, '\0'};
        say(fd, one);
    }
    cr_expect(matches("^HTTP/1\\.[01] 200 ", hear(fd)));
    cr_expect(matches("^HTTP/1\\.[01] 200 ", ask(w, "GET /metrics?x=y HTTP/1.0\r\n\r\n")));
    cr_expect(matches("^HTTP/1\\.[01] 200 ", ask(w, "GET /metrics HTTP/1.0\n\n")));
    world_close(w);
}

Test(metrics, there_is_nothing_else)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\n\r\n",         "GET /metricsx HTTP/1.1\r\n\r\n",
        "POST /metrics HTTP/1.1\r\n\r\n", "\r\n\r\n",
        "\x16\x03\x01\r\n\r\n",           "GET /../metrics HTTP/1.1\r\n\r\n"};
    struct world *w = world_open();
    for (size_t i = 0; i < 6; i++)
        cr_expect(matches("^HTTP/1\\.[01] 404 ", ask(w, requests[i])), "request %zu", i);
    world_close(w);
}

Test(metrics, a_request_without_end_is_answered_at_the_limit)
{
    struct world *w = world_open();
    int fd = dial(w);
    char block[1000];
    memset(block, 'a', sizeof(block));
    for (int i = 0; i < 10; i++)
        if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
            break;
    const char *text = hear(fd); /* what came too much may have reset the connection */
    cr_expect(text[0] == '\0' || matches("^HTTP/1\\.[01] 404 ", text));
    cr_expect(matches("^HTTP/1\\.[01] 200 ", ask(w, GET)), "others are served");
    world_close(w);
}

Test(metrics, clients_that_say_nothing_are_sent_away)
{
    struct world *w = world_open();
    int fd = dial(w);
    say(fd, "GET /met");
    cr_expect_str_eq(hear(fd), "");
    world_close(w);
}

Test(metrics, many_clients_do_not_keep_others_out_for_long)
{
    struct world *w = world_open();
    int fds[40];
    for (int i = 0; i < 40; i++)
        fds[i] = dial(w); /* and nothing said */
    for (int i = 0; i < 40; i++)
        close(fds[i]);
    bool served = false;
    for (int i = 0; i < 100 && !served; i++)
        served = matches("^HTTP/1\\.[01] 200 ", ask(w, GET));
    cr_expect(served);
    world_close(w);
}

Test(metrics, closing_does_not_wait_for_clients)
{
    struct world *w = world_open();
    int fd = dial(w), other = dial(w);
    say(fd, "GET /met");
    say(other, GET); /* perhaps half answered */
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    world_close(w);
    clock_gettime(CLOCK_MONOTONIC, &after);
    cr_expect_leq(after.tv_sec - before.tv_sec, 2);
    close(fd);
    close(other);
}

Test(metrics, an_address_that_is_taken_is_a_warning_only)
{
    struct world *w = world_open();
    uv_loop_t loop;
    struct metrics *second = NULL;
    uv_loop_init(&loop);
    cr_expect_eq(metrics_open(&loop, &w->engine, w->problems, &second), 0);
    metrics_close(second);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&loop), 0);
    world_close(w);
}

Test(metrics, an_empty_setting_means_none_and_a_bad_one_is_an_error)
{
    struct world *w = calloc(1, sizeof(*w));
    w->problems = problems_new();
    engine_init(w);
    uv_loop_init(&w->loop);
    static const struct {
        const char *at;
        bool fine;
    } cases[] = {{"", true},
                 {"localhost:80", false},
                 {"127.0.0.1", false},
                 {":80", false},
                 {"[::1:80", false},
                 {"127.0.0.1:x", false},
                 {"127.0.0.1:", false},
                 {"127.0.0.1:65536", false},
                 {"127.0.0.1:80x", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        free(w->engine.settings->metrics);
        w->engine.settings->metrics = strdup(cases[i].at);
        cr_expect_eq(metrics_open(&w->loop, &w->engine, w->problems, &w->metrics) == 0,
                     cases[i].fine, "\"%s\"", cases[i].at);
        cr_expect_null(w->metrics);
    }
    cr_expect_eq(w->problems->errors, 8);
    uv_loop_close(&w->loop);
    engine_fini(&w->engine);
    problems_free(w->problems);
    free(w);
}
