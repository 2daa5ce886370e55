/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket between a real loop, on a thread of its own, and clients that behave and that
 * do not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "engine/ask.h"
#include "engine/control.h"

static const char policy[] = "apiVersion: crd.antrea.io/v1beta1\n"
                             "kind: NetworkPolicy\n"
                             "metadata: {name: p, namespace: default}\n"
                             "spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [\n"
                             "  {name: r, action: Drop, ports: [{port: 23}]}]}\n"
                             "---\n"
                             "apiVersion: v1\n"
                             "kind: Pod\n"
                             "metadata: {name: web, namespace: default}\n"
                             "status: {podIPs: [{ip: 10.0.0.2}]}\n";

struct place_of {
    char dir[64], policies[80], socket[128];
};

struct daemon {
    struct place_of at;
    struct engine *engine;
    struct control *control;
    uv_loop_t loop;
    uv_async_t stop;
    uv_thread_t thread;
};

static void write_policy(const struct place_of *at, const char *text)
{
    FILE *f = fopen(at->policies, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static struct engine *open_engine(struct place_of *at)
{
    strcpy(at->dir, "/tmp/l7control-XXXXXX");
    cr_assert_not_null(mkdtemp(at->dir));
    snprintf(at->policies, sizeof(at->policies), "%s/p.yaml", at->dir);
    /* The socket's directory is not there yet. */
    snprintf(at->socket, sizeof(at->socket), "%s/run/control.sock", at->dir);
    write_policy(at, policy);
    struct settings *set = settings_new();
    free(set->plugin_dir);
    free(set->policy_dir);
    free(set->control_socket);
    set->plugin_dir = strdup(BUILD_DIR "/plugins");
    set->policy_dir = strdup(at->dir);
    set->control_socket = strdup(at->socket);
    struct problems *problems = problems_new();
    struct engine *e = NULL;
    cr_assert_eq(engine_open(set, problems, &e), 0);
    problems_free(problems);
    return e;
}

static void clean(const struct place_of *at)
{
    char run[80];
    snprintf(run, sizeof(run), "%s/run", at->dir);
    unlink(at->policies);
    unlink(at->socket);
    rmdir(run);
    rmdir(at->dir);
}

static void on_stop(uv_async_t *async)
{
    struct daemon *d = async->data;
    control_close(d->control);
    uv_close((uv_handle_t *)async, NULL);
}

static void run(void *arg)
{
    struct daemon *d = arg;
    uv_run(&d->loop, UV_RUN_DEFAULT);
}

static struct daemon *start(void)
{
    struct daemon *d = calloc(1, sizeof(*d));
    struct problems *problems = problems_new();
    d->engine = open_engine(&d->at);
    cr_assert_eq(uv_loop_init(&d->loop), 0);
    cr_assert_eq(control_open(&d->loop, d->engine, problems, &d->control), 0);
    problems_free(problems);
    uv_async_init(&d->loop, &d->stop, on_stop);
    d->stop.data = d;
    cr_assert_eq(uv_thread_create(&d->thread, run, d), 0);
    return d;
}

/* The loop ends by itself when the last handle is closed: nothing may be left open. */
static void stop(struct daemon *d)
{
    uv_async_send(&d->stop);
    uv_thread_join(&d->thread);
    cr_expect_eq(uv_loop_close(&d->loop), 0, "handles are left open");
    cr_expect_neq(access(d->at.socket, F_OK), 0, "the socket is left behind");
    engine_close(d->engine);
    clean(&d->at);
    free(d);
}

static int dial(const struct daemon *d)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%.107s", d->at.socket);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

/* Everything up to the daemon's hanging up. */
static char *all_of(int fd)
{
    size_t cap = 1 << 20, len = 0;
    char *all = calloc(1, cap);
    ssize_t n;
    while (len < cap - 1 && (n = recv(fd, all + len, cap - 1 - len, 0)) > 0)
        len += (size_t)n;
    return all;
}

static json_t *ask_for(const struct daemon *d, const char *question)
{
    char error[256] = "";
    json_t *q = json_loads(question, 0, NULL);
    json_t *reply = ask(d->at.socket, q, error, sizeof(error));
    json_decref(q);
    cr_assert_not_null(reply, "%s: %s", question, error);
    return reply;
}

static void expect_ok(const struct daemon *d, const char *question)
{
    json_t *reply = ask_for(d, question);
    cr_expect(json_is_true(json_object_get(reply, "ok")), "%s", question);
    json_decref(reply);
}

Test(control, tells_its_status)
{
    struct daemon *d = start();
    json_t *reply = ask_for(d, "{\"command\": \"status\"}");
    json_t *s = json_object_get(reply, "result");
    cr_expect(json_is_true(json_object_get(reply, "ok")));
    cr_expect_eq(json_integer_value(json_object_get(s, "pid")), getpid());
    cr_expect_eq(json_integer_value(json_object_get(s, "generation")), 1);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(s, "policies"), "rules")), 1);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(s, "frames"), "received")), 0);
    json_decref(reply);
    stop(d);
}

#define QUESTION                                                                                   \
    "{\"command\": \"explain\", \"question\": {\"src\": \"10.0.0.1\", \"dst\": \"10.0.0.2\", "     \
    "\"dport\": 23}}"

Test(control, knows_its_commands_and_no_others)
{
    static const char *const good[] = {
        "{\"command\": \"plugins\"}",
        "{\"command\": \"policies\"}",
        "{\"command\": \"flows\"}",
        "{\"command\": \"flows\", \"limit\": 5}",
        QUESTION,
    };
    static const char *const bad[] = {
        "{\"command\": \"stop\"}",
        "{\"command\": 7}",
        "{}",
        "[]",
        "{\"command\": \"explain\"}",
        "{\"command\": \"flows\", \"limit\": 0}",
        "{\"command\": \"flows\", \"limit\": \"x\"}",
        "{\"command\": \"explain\", \"question\": {\"src\": \"10.0.0.1\"}}"};
    struct daemon *d = start();
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        expect_ok(d, good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *reply = ask_for(d, bad[i]);
        cr_expect(json_is_false(json_object_get(reply, "ok")), "%s", bad[i]);
        cr_expect(json_is_string(json_object_get(reply, "error")), "%s", bad[i]);
        json_decref(reply);
    }
    stop(d);
}

Test(control, explains_with_the_policies_in_force)
{
    struct daemon *d = start();
    json_t *reply = ask_for(d, QUESTION);
    json_t *a = json_object_get(reply, "result");
    cr_expect_str_eq(json_string_value(json_object_get(a, "verdict")), "drop");
    cr_expect_str_eq(json_string_value(json_object_get(a, "rule")), "r");
    json_decref(reply);
    stop(d);
}

Test(control, answers_many_questions_of_one_client_in_order)
{
    static const char questions[] = "garbage\n{\"command\":\"status\"}\n\n{\"command\":\"x\"}\n"
                                    "{\"command\":\"policies\"}\nan end without newline";
    static const char *const wanted[] = {"not JSON", "\"ok\":true", "not JSON", "unknown command",
                                         "\"ok\":true"};
    struct daemon *d = start();
    int fd = dial(d);
    for (size_t i = 0; i < sizeof(questions) - 1; i++) /* in pieces of one byte */
        cr_assert_eq(send(fd, questions + i, 1, MSG_NOSIGNAL), 1);
    shutdown(fd, SHUT_WR);
    char *all = all_of(fd), *line = all;
    for (size_t i = 0; i < 5; i++) {
        char *end = strchr(line, '\n');
        cr_assert_not_null(end, "answer %zu is missing", i);
        *end = '\0';
        cr_expect(strstr(line, wanted[i]) != NULL, "answer %zu: %s", i, line);
        line = end + 1;
    }
    cr_expect_str_eq(line, "", "what is no line gets no answer");
    free(all);
    close(fd);
    stop(d);
}

Test(control, refuses_a_line_without_end_and_goes_on_with_others)
{
    struct daemon *d = start();
    int fd = dial(d);
    size_t len = 3u << 20, sent = 0;
    char *much = malloc(len);
    memset(much, 'x', len);
    while (sent < len) {
        ssize_t n = send(fd, much + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break; /* it has hung up */
        sent += (size_t)n;
    }
    cr_expect_lt(sent, len, "3 MiB of one line were taken");
    free(much);
    char *all = all_of(fd);
    cr_expect(all[0] == '\0' || strstr(all, "at most 1048576 bytes") != NULL, "%s", all);
    free(all);
    close(fd);
    expect_ok(d, "{\"command\": \"status\"}");
    stop(d);
}

Test(control, serves_a_bounded_number_of_clients)
{
    struct daemon *d = start();
    int fds[32];
    for (size_t i = 0; i < 32; i++)
        fds[i] = dial(d);
    int one_more = dial(d);
    char *all = all_of(one_more);
    cr_expect(strstr(all, "too many clients") != NULL, "%s", all);
    free(all);
    close(one_more);
    for (size_t i = 0; i < 32; i++)
        close(fds[i]);
    /* There is room again as soon as they are gone. */
    bool served = false;
    for (int tries = 0; tries < 100 && !served; tries++) {
        char error[256];
        json_t *q = json_pack("{s:s}", "command", "status");
        json_t *reply = ask(d->at.socket, q, error, sizeof(error));
        served = reply != NULL && json_is_true(json_object_get(reply, "ok"));
        json_decref(reply);
        json_decref(q);
        usleep(10000);
    }
    cr_expect(served);
    stop(d);
}

Test(control, closes_while_clients_are_connected)
{
    struct daemon *d = start();
    int idle = dial(d), half = dial(d), unread = dial(d);
    static const char question[] = "{\"command\":\"status\"}\n";
    cr_assert_eq(send(half, question, 5, MSG_NOSIGNAL), 5);
    for (int i = 0; i < 2000; i++) /* more than the socket holds of answers */
        if (send(unread, question, sizeof(question) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) <= 0)
            break;
    expect_ok(d, question);
    stop(d);
    close(idle);
    close(half);
    close(unread);
}

Test(control, reloads_all_or_nothing)
{
    struct daemon *d = start();
    write_policy(&d->at, "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
                         "metadata: {name: p}\nspec: {priorty: 1}\n");
    json_t *reply = ask_for(d, "{\"command\": \"reload\"}");
    cr_expect(json_is_false(json_object_get(reply, "ok")));
    json_t *first = json_array_get(json_object_get(reply, "problems"), 0);
    cr_expect_eq(json_integer_value(json_object_get(first, "line")), 4);
    cr_expect(strstr(json_string_value(json_object_get(first, "message")), "p.yaml:4:") != NULL);
    json_decref(reply);
    cr_expect_eq(d->engine->generation, 1);
    write_policy(&d->at, policy);
    expect_ok(d, "{\"command\": \"reload\"}");
    cr_expect_eq(d->engine->generation, 2);
    stop(d);
}

Test(control, lets_only_its_own_user_in)
{
    struct daemon *d = start();
    struct stat st;
    cr_assert_eq(stat(d->at.socket, &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0600);
    stop(d);
}

/* ---- the place ---- */

/* What becomes of opening at the engine's socket now; closes again. */
static int try_open(struct engine *e, struct problems *problems)
{
    uv_loop_t loop;
    struct control *c = NULL;
    uv_loop_init(&loop);
    int err = control_open(&loop, e, problems, &c);
    control_close(c);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&loop), 0);
    return err;
}

static int bound(const char *path, bool listening)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%.107s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    if (listening)
        cr_assert_eq(listen(fd, 1), 0);
    return fd;
}

Test(control, replaces_what_a_dead_daemon_left_and_nothing_else)
{
    struct place_of at;
    struct engine *e = open_engine(&at);
    struct problems *problems = problems_new();
    cr_expect_eq(try_open(e, problems), 0); /* makes the directory */

    close(bound(at.socket, true));
    cr_expect_eq(try_open(e, problems), 0, "left over");
    cr_expect_eq(problems->count, 0);

    int fd = bound(at.socket, true);
    cr_expect_eq(try_open(e, problems), -EADDRINUSE, "somebody answers");
    close(fd);
    unlink(at.socket);

    FILE *f = fopen(at.socket, "w");
    fclose(f);
    cr_expect_eq(try_open(e, problems), -EEXIST, "a file is no socket");
    cr_expect_eq(access(at.socket, F_OK), 0, "it is left alone");
    cr_expect_eq(problems->errors, 2);

    free(e->settings->control_socket);
    e->settings->control_socket = strdup("/proc/nowhere/control.sock");
    cr_expect_lt(try_open(e, problems), 0);
    char longest[200];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "/tmp/", 5);
    longest[sizeof(longest) - 1] = '\0';
    free(e->settings->control_socket);
    e->settings->control_socket = strdup(longest);
    cr_expect_eq(try_open(e, problems), -ENAMETOOLONG);
    cr_expect_eq(problems->errors, 4);
    free(e->settings->control_socket);
    e->settings->control_socket = strdup("");
    cr_expect_eq(try_open(e, problems), 0, "none is wanted");
    problems_free(problems);
    engine_close(e);
    clean(&at);
}

Test(control, asking_nobody_is_a_named_problem)
{
    char error[256];
    json_t *q = json_pack("{s:s}", "command", "status");
    cr_expect_null(ask("/tmp/l7control-nobody.sock", q, error, sizeof(error)));
    cr_expect(strstr(error, "/tmp/l7control-nobody.sock") != NULL, "%s", error);
    char longest[200];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    cr_expect_null(ask(longest, q, error, sizeof(error)));
    cr_expect(strstr(error, "too long") != NULL, "%s", error);
    json_decref(q);
}
