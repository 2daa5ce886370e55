/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/metrics.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/diag.h"
#include "base/list.h"

#define REQUEST_MAX 4096
#define CLIENTS_MAX 16
#define CLIENT_TIMEOUT_MS 5000

struct metrics {
    struct engine *engine;
    uv_loop_t *loop;
    uv_tcp_t server;
    struct list clients;
    size_t open; /* handles not closed yet: the server's, and one for each client */
};

struct client {
    struct list link;
    struct metrics *metrics;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    unsigned open_handles;
    char request[REQUEST_MAX];
    size_t len;
    char *answer;
};

/* ---- the text ---- */

struct text {
    char *data;
    size_t len, cap;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
    va_list args;
    for (;;) {
        va_start(args, format);
        int n = vsnprintf(t->data != NULL ? t->data + t->len : NULL, t->cap - t->len, format, args);
        va_end(args);
        if (n < 0)
            return;
        if (t->len + (size_t)n < t->cap) {
            t->len += (size_t)n;
            return;
        }
        size_t cap = (t->len + (size_t)n + 1) * 2;
        char *data = realloc(t->data, cap);
        if (data == NULL)
            return;
        t->data = data;
        t->cap = cap;
    }
}

static void number(struct text *t, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    add(t, "# HELP l7guard_%s %s\n# TYPE l7guard_%s %s\nl7guard_%s %llu\n", name, help, name, type,
        name, (unsigned long long)value);
}

static void reasons(struct text *t, const char *name, const char *help,
                    const struct reason_count *list)
{
    add(t, "# HELP l7guard_%s %s\n# TYPE l7guard_%s counter\n", name, help, name);
    for (size_t i = 0; i < STATS_REASONS; i++) {
        if (list[i].reason[0] == '\0' || strpbrk(list[i].reason, "\"\\\n") != NULL)
            continue;
        add(t, "l7guard_%s{reason=\"%s\"} %llu\n", name, list[i].reason,
            (unsigned long long)list[i].count);
    }
}

static void describe(struct engine *e, struct text *t)
{
    struct stats st;
    struct logger_stats log = {0};
    size_t flows = 0;
    struct l7_capture_stats capture;
    engine_stats(e, &st, &flows);
    engine_capture_stats(e, &capture);
    if (e->logger != NULL)
        logger_stats(e->logger, &log);
    number(t, "frames_received_total", "counter", "frames taken from captures", st.frames_received);
    number(t, "frames_forwarded_total", "counter", "frames sent on", st.frames_forwarded);
    number(t, "frames_rejected_total", "counter", "frames refused by a rule or with their flow",
           st.frames_rejected);
    number(t, "frames_held", "gauge", "frames that wait for a decision", st.frames_held);
    reasons(t, "frames_dropped_total", "frames dropped, by reason", st.drops);
    number(t, "received_bytes_total", "counter", "bytes taken from captures", st.bytes_received);
    number(t, "capture_lost_total", "counter", "frames the kernel could not hand over",
           capture.lost);
    number(t, "capture_injected_total", "counter", "frames made or held here and sent",
           capture.injected);
    number(t, "capture_send_errors_total", "counter", "frames the kernel would not send",
           capture.send_errors);
    number(t, "resets_sent_total", "counter", "TCP resets sent", st.resets_sent);
    number(t, "unreachables_sent_total", "counter", "ICMP unreachables sent", st.unreachables_sent);
    number(t, "flows", "gauge", "flows in the tables", flows);
    number(t, "flows_opened_total", "counter", "flows seen", st.flows_opened);
    number(t, "flows_governed_total", "counter", "flows that came under an L7 rule",
           st.flows_governed);
    number(t, "flows_denied_total", "counter", "flows denied by address and port", st.flows_denied);
    reasons(t, "flows_refused_total", "flows refused after they began, by reason", st.refusals);
    number(t, "transactions_allowed_total", "counter", "transactions that may pass",
           st.transactions_allowed);
    number(t, "transactions_refused_total", "counter", "transactions that no rule item fits",
           st.transactions_refused);
    number(t, "messages_streamed_total", "counter", "messages that had to stream undecided",
           st.streamed);
    number(t, "records_total", "counter", "records queued for log plugins", log.put);
    number(t, "records_lost_total", "counter", "records a full queue could not take", log.lost);
    number(t, "records_failed_total", "counter", "records a log plugin could not write",
           log.failed);
    number(t, "start_time_seconds", "gauge", "when the daemon started, since 1970",
           e->started_ns / 1000000000ull);
    number(t, "reload_time_seconds", "gauge", "when the policy set came in force, since 1970",
           e->reloaded_ns / 1000000000ull);
    number(t, "policy_generation", "gauge", "number of the policy set in force", e->generation);
    number(t, "reloads_total", "counter", "reloads asked for", e->reloads);
    number(t, "reloads_failed_total", "counter", "reloads refused", e->reloads_failed);
}

/* ---- one client ---- */

static void closed(struct metrics *m)
{
    if (--m->open == 0)
        free(m);
}

static void on_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    if (--c->open_handles > 0)
        return;
    list_remove(&c->link);
    closed(c->metrics);
    free(c->answer);
    free(c);
}

static void hang_up(struct client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp)) {
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        uv_close((uv_handle_t *)&c->timer, on_closed);
    }
}

static void on_timeout(uv_timer_t *timer)
{
    hang_up(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    hang_up(write->data);
}

static void answer(struct client *c)
{
    struct text body = {0}, all = {0};
    const char *status = "404 Not Found";
    if (strncmp(c->request, "GET /metrics ", 13) == 0 ||
        strncmp(c->request, "GET /metrics?", 13) == 0) {
        status = "200 OK";
        describe(c->metrics->engine, &body);
    } else {
        add(&body, "there is only /metrics here\n");
    }
    add(&all,
        "HTTP/1.0 %s\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %zu\r\n"
        "Connection: close\r\n\r\n%s",
        status, body.len, body.data != NULL ? body.data : "");
    free(body.data);
    c->answer = all.data;
    c->write.data = c;
    uv_buf_t buf = uv_buf_init(all.data, (unsigned)all.len);
    if (all.data == NULL || uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) != 0)
        hang_up(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct client *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->request + c->len, (unsigned)(REQUEST_MAX - 1 - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = stream->data;
    (void)buf;
    if (n == 0)
        return;
    if (n < 0) {
        hang_up(c);
        return;
    }
    c->len += (size_t)n;
    c->request[c->len] = '\0';
    if (strstr(c->request, "\r\n\r\n") != NULL || strstr(c->request, "\n\n") != NULL ||
        c->len >= REQUEST_MAX - 1) {
        uv_read_stop(stream);
        answer(c);
    }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct metrics *m = server->data;
    struct client *c = status == 0 ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL)
        return;
    c->metrics = m;
    c->tcp.data = c->timer.data = c;
    c->open_handles = 2;
    list_insert(&m->clients, &c->link);
    m->open++;
    uv_tcp_init(m->loop, &c->tcp);
    uv_timer_init(m->loop, &c->timer);
    if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0 || m->open > CLIENTS_MAX + 1 ||
        uv_timer_start(&c->timer, on_timeout, CLIENT_TIMEOUT_MS, 0) != 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0)
        hang_up(c);
}

/* ---- the listener ---- */

static bool endpoint(const char *text, struct sockaddr_storage *out)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return false;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']')
        snprintf(host, sizeof(host), "%.*s", (int)(len - 2), text + 1);
    else
        snprintf(host, sizeof(host), "%.*s", (int)len, text);
    char *end;
    unsigned long port_read = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port_read > 65535)
        return false;
    int port = (int)port_read;
    return uv_ip4_addr(host, port, (struct sockaddr_in *)(void *)out) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)(void *)out) == 0;
}

int metrics_open(uv_loop_t *loop, struct engine *e, struct problems *problems, struct metrics **out)
{
    const char *at = e->settings->metrics;
    if (at == NULL || at[0] == '\0')
        return 0;
    struct sockaddr_storage address;
    if (!endpoint(at, &address)) {
        problem_add(problems, PROBLEM_ERROR, (struct place){.field = "metrics"},
                    "\"%s\" is not ADDRESS:PORT", at);
        return -EINVAL;
    }
    struct metrics *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return -ENOMEM;
    m->engine = e;
    m->loop = loop;
    m->open = 1;
    list_init(&m->clients);
    uv_tcp_init(loop, &m->server);
    m->server.data = m;
    int err = uv_tcp_bind(&m->server, (const struct sockaddr *)&address, 0);
    if (err == 0)
        err = uv_listen((uv_stream_t *)&m->server, 16, on_connection);
    if (err != 0)
        /* Enforcement does not depend on being watched. */
        diag(L7_WARNING, "metrics", "cannot listen on %s: %s; going on without metrics", at,
             uv_strerror(err));
    *out = m;
    return 0;
}

static void on_server_closed(uv_handle_t *handle)
{
    closed(handle->data);
}

void metrics_close(struct metrics *m)
{
    if (m == NULL)
        return;
    for (struct list *l = m->clients.next; l != &m->clients; l = l->next)
        hang_up(list_item(l, struct client, link));
    uv_close((uv_handle_t *)&m->server, on_server_closed);
}
