/* SPDX-License-Identifier: Apache-2.0 */
/* control: the daemon's ear. Decides who is listened to, for how long, and that a question is one
 * line; what the answers say is report.c's and explain.c's.
 *
 * A client may ask any number of questions, one at a time: the next line is looked at when the
 * answer to the one before has been written. All of it happens on the main thread's loop.
 */
#include "engine/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/diag.h"
#include "base/list.h"
#include "engine/explain.h"
#include "engine/report.h"

#define LINE_MAX_BYTES (1u << 20)
#define CLIENTS_MAX 32
#define CLIENT_TIMEOUT_MS 10000 /* for a question to be complete, and for its answer to be read */

struct control {
    struct engine *engine;
    uv_loop_t *loop;
    uv_pipe_t server;
    struct list clients;
    size_t open; /* handles whose close callback has not run: the server's and the clients' */
};

struct client {
    struct list link;
    struct control *control;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    unsigned open_handles;
    bool answering;
    bool last;  /* hang up when the answer is written */
    bool ended; /* it will ask nothing more */
    char *in;   /* what was read and not answered */
    size_t len, cap;
    char *out;
};

/* ---- the commands ---- */

struct reply {
    json_t *result;   /* NULL: it failed */
    json_t *problems; /* may be NULL */
    char error[512];
};

static void do_status(struct engine *e, const json_t *request, struct reply *reply)
{
    (void)request;
    reply->result = report_status(e);
}

static void do_plugins(struct engine *e, const json_t *request, struct reply *reply)
{
    (void)request;
    reply->result = report_plugins(e->registry);
}

static void do_policies(struct engine *e, const json_t *request, struct reply *reply)
{
    (void)request;
    reply->result = report_policies(e);
}

static void do_flows(struct engine *e, const json_t *request, struct reply *reply)
{
    const json_t *limit = json_object_get(request, "limit");
    json_int_t n = limit != NULL ? json_integer_value(limit) : REPORT_FLOWS_DEFAULT;
    if (n < 1 || n > REPORT_FLOWS_MAX)
        snprintf(reply->error, sizeof(reply->error), "limit: not a number from 1 to %d",
                 REPORT_FLOWS_MAX);
    else
        reply->result = report_flows(e, (size_t)n);
}

/* With the policies in force. */
static void do_explain(struct engine *e, const json_t *request, struct reply *reply)
{
    struct explainer *x = explain_new(e->registry, e->snapshot, e->settings, true);
    if (x == NULL)
        return;
    json_t *answer = explain_json(x, json_object_get(request, "question"));
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (error != NULL) {
        snprintf(reply->error, sizeof(reply->error), "%s", error);
        json_decref(answer);
    } else {
        reply->result = answer;
    }
    explain_free(x);
}

static void do_reload(struct engine *e, const json_t *request, struct reply *reply)
{
    (void)request;
    struct problems *problems = problems_new();
    if (problems == NULL)
        return;
    int err = engine_reload(e, problems);
    problems_print(problems, stderr);
    reply->problems = report_problems(problems);
    problems_free(problems);
    if (err < 0) {
        diag(L7_ERROR, "engine", "reload refused: the old policies stay in force");
        snprintf(reply->error, sizeof(reply->error),
                 "reload refused: the old policies stay in force");
        return;
    }
    diag(L7_NOTICE, "engine", "reloaded: generation %llu, %zu rules",
         (unsigned long long)e->generation, snapshot_rule_count(e->snapshot));
    reply->result = json_pack("{s:I,s:I}", "generation", (json_int_t)e->generation, "rules",
                              (json_int_t)snapshot_rule_count(e->snapshot));
}

static const struct {
    const char *name;
    void (*run)(struct engine *e, const json_t *request, struct reply *reply);
} commands[] = {
    {"status", do_status}, {"plugins", do_plugins}, {"policies", do_policies},
    {"flows", do_flows},   {"reload", do_reload},   {"explain", do_explain},
};

static void run(struct engine *e, const char *line, size_t len, struct reply *reply)
{
    json_error_t at;
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &at);
    const char *name = json_string_value(json_object_get(request, "command"));
    size_t i = 0;
    if (request == NULL)
        snprintf(reply->error, sizeof(reply->error), "not JSON: %s (column %d)", at.text,
                 at.column);
    else if (name == NULL)
        snprintf(reply->error, sizeof(reply->error),
                 "not a question: {\"command\": NAME, ...} is one");
    while (name != NULL && i < sizeof(commands) / sizeof(commands[0]) &&
           strcmp(commands[i].name, name) != 0)
        i++;
    if (name != NULL && i == sizeof(commands) / sizeof(commands[0]))
        snprintf(reply->error, sizeof(reply->error), "unknown command \"%.40s\"", name);
    else if (name != NULL)
        commands[i].run(e, request, reply);
    json_decref(request);
}

/* One line of text with its newline; NULL: no memory. */
static char *reply_text(struct reply *reply, size_t *len)
{
    json_t *all = json_object();
    json_object_set_new(all, "ok", json_boolean(reply->result != NULL));
    if (reply->result != NULL)
        json_object_set_new(all, "result", reply->result);
    else
        json_object_set_new(all, "error",
                            json_string(reply->error[0] != '\0' ? reply->error : "out of memory"));
    if (reply->problems != NULL)
        json_object_set_new(all, "problems", reply->problems);
    size_t n = json_dumpb(all, NULL, 0, JSON_COMPACT);
    char *out = n > 0 ? malloc(n + 1) : NULL;
    if (out != NULL && json_dumpb(all, out, n, JSON_COMPACT) == n) {
        out[n] = '\n';
        *len = n + 1;
    }
    json_decref(all);
    return out;
}

/* ---- one client ---- */

static void closed(struct control *c)
{
    if (--c->open == 0)
        free(c);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    if (--c->open_handles > 0)
        return;
    list_remove(&c->link);
    closed(c->control);
    free(c->in);
    free(c->out);
    free(c);
}

static void hang_up(struct client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->pipe)) {
        uv_close((uv_handle_t *)&c->pipe, on_client_closed);
        uv_close((uv_handle_t *)&c->timer, on_client_closed);
    }
}

static void on_timeout(uv_timer_t *timer)
{
    hang_up(timer->data);
}

static void look(struct client *c);

static void on_written(uv_write_t *write, int status)
{
    struct client *c = write->data;
    free(c->out);
    c->out = NULL;
    c->answering = false;
    if (status != 0 || c->last) {
        hang_up(c);
        return;
    }
    uv_timer_start(&c->timer, on_timeout, CLIENT_TIMEOUT_MS, 0);
    look(c);
}

static void say(struct client *c, struct reply *reply)
{
    size_t len = 0;
    c->out = reply_text(reply, &len);
    uv_buf_t buf = uv_buf_init(c->out, (unsigned)len);
    c->write.data = c;
    uv_timer_start(&c->timer, on_timeout, CLIENT_TIMEOUT_MS, 0);
    if (c->out == NULL || len == 0 ||
        uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written) != 0)
        hang_up(c);
    else
        c->answering = true;
}

/* Answer the first whole line, if there is one and none is being answered. */
static void look(struct client *c)
{
    if (c->answering || uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    char *end = c->len > 0 ? memchr(c->in, '\n', c->len) : NULL;
    struct reply reply = {0};
    if (end == NULL && c->len >= LINE_MAX_BYTES) {
        snprintf(reply.error, sizeof(reply.error), "a question has at most %u bytes",
                 LINE_MAX_BYTES);
        c->last = true;
        uv_read_stop((uv_stream_t *)&c->pipe);
    } else if (end == NULL) {
        if (c->ended)
            hang_up(c);
        return;
    } else {
        size_t len = (size_t)(end - c->in);
        run(c->control->engine, c->in, len, &reply);
        c->len -= len + 1;
        memmove(c->in, end + 1, c->len);
    }
    say(c, &reply);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct client *c = handle->data;
    (void)suggested;
    if (c->len == c->cap && c->cap < LINE_MAX_BYTES) {
        size_t cap = c->cap == 0 ? 4096 : c->cap * 4 < LINE_MAX_BYTES ? c->cap * 4 : LINE_MAX_BYTES;
        char *in = realloc(c->in, cap);
        if (in != NULL) {
            c->in = in;
            c->cap = cap;
        }
    }
    /* Without room the read ends with UV_ENOBUFS, which hangs up: only a client that sends more
     * questions than it reads answers gets there. */
    *buf = uv_buf_init(c->in + c->len, (unsigned)(c->cap - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = stream->data;
    (void)buf;
    if (n < 0) {
        c->ended = n == UV_EOF;
        if (!c->answering || !c->ended)
            hang_up(c); /* else it may still read what it asked for */
        return;
    }
    c->len += (size_t)n;
    look(c);
}

static void on_connection(uv_stream_t *server, int status)
{
    static const char full[] = "{\"ok\":false,\"error\":\"too many clients\"}\n";
    struct control *control = server->data;
    struct client *c = status == 0 ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL)
        return;
    size_t others = 0;
    for (struct list *l = control->clients.next; l != &control->clients; l = l->next)
        others++;
    c->control = control;
    c->pipe.data = c->timer.data = c;
    c->open_handles = 2;
    control->open++;
    list_insert(&control->clients, &c->link);
    uv_pipe_init(control->loop, &c->pipe, 0);
    uv_timer_init(control->loop, &c->timer);
    int err = uv_accept(server, (uv_stream_t *)&c->pipe);
    if (err == 0 && others >= CLIENTS_MAX) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)full, sizeof(full) - 1);
        (void)uv_try_write((uv_stream_t *)&c->pipe, &buf, 1);
        err = UV_EBUSY;
    }
    if (err != 0 || uv_timer_start(&c->timer, on_timeout, CLIENT_TIMEOUT_MS, 0) != 0 ||
        uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
        hang_up(c);
}

/* ---- the listener ---- */

static void on_server_closed(uv_handle_t *handle)
{
    closed(handle->data);
}

static int refuse_socket(struct problems *problems, int err, const char *path, const char *why)
{
    problem_add(problems, PROBLEM_ERROR, (struct place){.field = "control-socket"}, "%s: %s", path,
                why);
    return err;
}

/* Does anybody answer at `path`? */
static bool answers(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    int err = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ? 0 : errno;
    close(fd);
    return err != ECONNREFUSED && err != ENOENT;
}

/* Make the place for the socket free: its directory is there, a dead daemon's socket is not. */
static int clear_place(const char *path, struct problems *problems)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat st;
    char dir[sizeof(at.sun_path)];
    if (strlen(path) >= sizeof(at.sun_path))
        return refuse_socket(problems, -ENAMETOOLONG, path,
                             "too long: the path of a socket has at most 107 bytes");
    strcpy(at.sun_path, path);
    strcpy(dir, path);
    char *slash = strrchr(dir, '/');
    if (slash != NULL && slash != dir) {
        *slash = '\0';
        if (mkdir(dir, 0755) != 0 && errno != EEXIST)
            return refuse_socket(problems, -errno, dir, strerror(errno));
    }
    if (lstat(path, &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return refuse_socket(problems, -EEXIST, path, "is there, and is no socket");
    if (answers(&at))
        return refuse_socket(problems, -EADDRINUSE, path, "another daemon answers there");
    if (unlink(path) != 0)
        return refuse_socket(problems, -errno, path, strerror(errno));
    return 0;
}

int control_open(uv_loop_t *loop, struct engine *e, struct problems *problems, struct control **out)
{
    const char *path = e->settings->control_socket;
    if (path == NULL || path[0] == '\0')
        return 0;
    int err = clear_place(path, problems);
    if (err < 0)
        return err;
    struct control *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return -ENOMEM;
    c->engine = e;
    c->loop = loop;
    c->open = 1;
    list_init(&c->clients);
    uv_pipe_init(loop, &c->server, 0);
    c->server.data = c;
    /* Whoever may write to it may change what is enforced: the daemon's own user only. */
    mode_t before = umask(0177);
    err = uv_pipe_bind(&c->server, path);
    umask(before);
    if (err == 0)
        err = uv_listen((uv_stream_t *)&c->server, CLIENTS_MAX, on_connection);
    if (err != 0) {
        uv_close((uv_handle_t *)&c->server, on_server_closed);
        return refuse_socket(problems, err, path, uv_strerror(err));
    }
    *out = c;
    return 0;
}

void control_close(struct control *c)
{
    if (c == NULL)
        return;
    for (struct list *l = c->clients.next; l != &c->clients; l = l->next)
        hang_up(list_item(l, struct client, link));
    uv_close((uv_handle_t *)&c->server, on_server_closed);
}
