/* SPDX-License-Identifier: Apache-2.0 */
/* engine: what is put together runs, or says why not; a reload changes all or nothing. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "engine/engine.h"

#define INSPECTORS BUILD_DIR "/tests/inspectors/"

/* A folder with plugins, policies and logs, and a capture that is two Unix sockets. */
struct house {
    char dir[64];
    struct problems *problems;
    struct engine *engine;
    int in, out; /* what the capture receives, what it sends */
    struct sockaddr_un capture;
};

static char *at(const struct house *h, const char *name)
{
    static char path[8][256];
    static _Thread_local unsigned turn;
    char *p = path[turn++ % 8];
    snprintf(p, 256, "%s/%s", h->dir, name);
    return p;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f, "%s", path);
    fputs(text, f);
    fclose(f);
}

/* As somebody would: under another name first, so that no half of a plugin is ever seen. */
static void copy_plugin(const struct house *h, const char *from, const char *name)
{
    static char image[1 << 22];
    char path[256];
    FILE *f = fopen(from, "rb");
    cr_assert_not_null(f, "%s is not built", from);
    size_t n = fread(image, 1, sizeof(image), f);
    cr_assert_lt(n, sizeof(image));
    fclose(f);
    snprintf(path, sizeof(path), "%s/plugins/%s.new", h->dir, name);
    f = fopen(path, "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(image, 1, n, f), n);
    fclose(f);
    char *end = strdup(path);
    end[strlen(end) - 4] = '\0';
    cr_assert_eq(rename(path, end), 0);
    free(end);
}

static void house_init(struct house *h)
{
    memset(h, 0, sizeof(*h));
    strcpy(h->dir, "/tmp/l7engine-XXXXXX");
    cr_assert_not_null(mkdtemp(h->dir));
    cr_assert_eq(mkdir(at(h, "plugins"), 0755), 0);
    cr_assert_eq(mkdir(at(h, "policies"), 0755), 0);
    cr_assert_eq(mkdir(at(h, "logs"), 0755), 0);
    copy_plugin(h, BUILD_DIR "/tests/captures/tank.so", "tank.so");
    copy_plugin(h, BUILD_DIR "/plugins/eve.so", "eve.so");
    write_file(at(h, "policies/inventory.yaml"),
               "apiVersion: v1\n"
               "kind: Pod\n"
               "metadata: {name: web, namespace: default, labels: {app: web}}\n"
               "status: {podIPs: [{ip: 10.0.0.2}]}\n");
    h->problems = problems_new();
    h->in = h->out = -1;
}

static void remove_all(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (e->d_type == DT_DIR)
            remove_all(path);
        else
            unlink(path);
    }
    if (d != NULL)
        closedir(d);
    rmdir(dir);
}

static void house_fini(struct house *h)
{
    engine_close(h->engine);
    problems_free(h->problems);
    if (h->in >= 0)
        close(h->in);
    if (h->out >= 0)
        close(h->out);
    remove_all(h->dir);
}

static struct settings *settle(struct house *h, const char *more)
{
    char text[2048];
    snprintf(text, sizeof(text),
             "plugin-dir: %s/plugins\n"
             "policy-dir: %s/policies\n"
             "log-dir: %s/logs\n"
             "capture: [{tank: {socket: %s/in}}]\n%s",
             h->dir, h->dir, h->dir, h->dir, more);
    write_file(at(h, "l7guard.yaml"), text);
    struct settings *set = settings_new();
    cr_assert_not_null(set);
    int err = settings_read(set, at(h, "l7guard.yaml"), h->problems);
    if (err < 0)
        problems_print(h->problems, stderr);
    cr_assert_eq(err, 0);
    return set;
}

static int try_open(struct house *h, const char *more)
{
    return engine_open(settle(h, more), h->problems, &h->engine);
}

static void must_open(struct house *h)
{
    int err = try_open(h, "");
    if (err < 0)
        problems_print(h->problems, stderr);
    cr_assert_eq(err, 0);
}

static void must_start(struct house *h)
{
    int err = engine_start(h->engine, h->problems);
    if (err < 0)
        problems_print(h->problems, stderr);
    cr_assert_eq(err, 0);
    struct sockaddr_un out = {.sun_family = AF_UNIX};
    h->capture.sun_family = AF_UNIX;
    snprintf(h->capture.sun_path, sizeof(h->capture.sun_path), "%s/in", h->dir);
    snprintf(out.sun_path, sizeof(out.sun_path), "%s/in.out", h->dir);
    h->in = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    h->out = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(h->out, (const struct sockaddr *)&out, sizeof(out)), 0);
    struct timeval patience = {.tv_usec = 500000};
    setsockopt(h->out, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

/* How many problems mention `text`? */
static unsigned says(const struct house *h, const char *text)
{
    unsigned n = 0;
    for (size_t i = 0; i < h->problems->count; i++) {
        char line[1024];
        problem_format(&h->problems->list[i], line, sizeof(line));
        n += strstr(line, text) != NULL;
    }
    return n;
}

/* 10.0.0.1:sport > 10.0.0.2:53 UDP. True when it came out on the other side. */
static void send_datagram(const struct house *h, uint16_t sport)
{
    uint8_t frame[] = {0, /* interface */
                       0,
                       0,
                       0,
                       0,
                       0,
                       2,
                       0,
                       0,
                       0,
                       0,
                       0,
                       1,
                       8,
                       0,
                       0x45,
                       0,
                       0,
                       32,
                       0,
                       0,
                       0,
                       0,
                       64,
                       17,
                       0,
                       0,
                       10,
                       0,
                       0,
                       1,
                       10,
                       0,
                       0,
                       2,
                       (uint8_t)(sport >> 8),
                       (uint8_t)sport,
                       0,
                       53,
                       0,
                       12,
                       0,
                       0,
                       'd',
                       'a',
                       't',
                       'a'};
    cr_assert_eq(sendto(h->in, frame, sizeof(frame), 0, (const struct sockaddr *)&h->capture,
                        sizeof(h->capture)),
                 sizeof(frame));
}

static bool comes_out(const struct house *h, uint16_t sport)
{
    uint8_t frame[2048];
    send_datagram(h, sport);
    ssize_t n = recv(h->out, frame, sizeof(frame), 0);
    return n == 47 && frame[0] == 1 && frame[35] == (uint8_t)(sport >> 8) &&
           frame[36] == (uint8_t)sport;
}

#define POLICY(name, rule)                                                                         \
    "apiVersion: crd.antrea.io/v1beta1\n"                                                          \
    "kind: NetworkPolicy\n"                                                                        \
    "metadata: {name: " name ", namespace: default}\n"                                             \
    "spec:\n"                                                                                      \
    "  priority: 5\n"                                                                              \
    "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"                                    \
    "  ingress: [" rule "]\n"

static const char drop_all[] = POLICY("strict", "{name: deny, action: Drop, enableLogging: true}");
static const char bad[] = POLICY("broken", "{name: r, action: Deny}");
static const char echo[] =
    POLICY("echo", "{name: r, action: Allow, l7Protocols: [{echo: {word: \"y*\"}}]}");

Test(engine, opens_with_everything_in_place)
{
    struct house h;
    house_init(&h);
    write_file(at(&h, "policies/a.yaml"), drop_all);
    must_open(&h);
    cr_expect_eq(h.engine->generation, 1);
    cr_expect_eq(snapshot_rule_count(h.engine->snapshot), 1);
    cr_expect_eq(registry_count(h.engine->registry), 2);
    cr_expect_eq(engine_check(h.engine, h.problems), 0);
    cr_expect_neq(access(at(&h, "in"), F_OK), 0, "a check opens nothing");
    house_fini(&h);
}

Test(engine, a_refused_policy_keeps_it_from_opening)
{
    struct house h;
    house_init(&h);
    write_file(at(&h, "policies/a.yaml"), bad);
    cr_expect_lt(try_open(&h, ""), 0);
    cr_expect_null(h.engine);
    cr_expect_eq(says(&h, "policies/a.yaml:7:"), 1);
    cr_expect_eq(says(&h, "Deny"), 1);
    house_fini(&h);
}

Test(engine, a_file_that_is_no_plugin_keeps_it_from_opening)
{
    struct house h;
    house_init(&h);
    write_file(at(&h, "plugins/not.so"), "not a shared object");
    cr_expect_lt(try_open(&h, ""), 0);
    cr_expect_eq(says(&h, "plugins/not.so"), 1);
    house_fini(&h);
}

Test(engine, captures_and_logs_that_do_not_exist_are_named)
{
    struct house h;
    house_init(&h);
    cr_assert_eq(try_open(&h, "log: [{syslog: {}}]\n"), 0);
    h.engine->settings->captures[0].plugin = "ocean";
    cr_expect_lt(engine_check(h.engine, h.problems), 0);
    cr_expect_eq(says(&h, "no capture plugin of this name"), 1);
    cr_expect_eq(says(&h, "no log plugin of this name"), 1);
    cr_expect_lt(engine_start(h.engine, h.problems), 0);
    cr_expect_eq(h.engine->worker_count, 0);
    house_fini(&h);
}

Test(engine, without_a_capture_it_does_not_start)
{
    struct house h;
    house_init(&h);
    must_open(&h);
    h.engine->settings->capture_count = 0;
    cr_expect_lt(engine_start(h.engine, h.problems), 0);
    cr_expect_eq(says(&h, "nothing to capture"), 1);
    house_fini(&h);
}

Test(engine, an_option_that_is_missing_or_unknown_is_named)
{
    struct house h;
    house_init(&h);
    must_open(&h);
    h.engine->settings->captures[0].options = NULL;
    cr_expect_lt(engine_check(h.engine, h.problems), 0);
    cr_expect_eq(says(&h, "socket"), 1);
    house_fini(&h);
}

Test(engine, a_capture_that_reads_files_is_not_for_a_daemon)
{
    struct house h;
    house_init(&h);
    copy_plugin(&h, BUILD_DIR "/plugins/pcap.so", "pcap.so");
    write_file(at(&h, "l7.yaml"),
               "capture: [{pcap: {file: " SOURCE_DIR "/docs/examples/demo.pcap}}]\n");
    struct settings *set = settings_new();
    cr_assert_eq(settings_read(set, at(&h, "l7.yaml"), h.problems), 0);
    free(set->plugin_dir), free(set->policy_dir), free(set->log_dir);
    set->plugin_dir = strdup(at(&h, "plugins"));
    set->policy_dir = strdup(at(&h, "policies"));
    set->log_dir = strdup(at(&h, "logs"));
    cr_assert_eq(engine_open(set, h.problems, &h.engine), 0);
    cr_expect_lt(engine_start(h.engine, h.problems), 0);
    cr_expect_eq(says(&h, "judge a file with -r"), 1);
    house_fini(&h);
}

Test(engine, judges_a_capture_file_to_its_end)
{
    struct house h;
    struct stats st;
    size_t flows;
    house_init(&h);
    copy_plugin(&h, BUILD_DIR "/plugins/pcap.so", "pcap.so");
    must_open(&h);
    h.engine->offline = true;
    cr_assert_eq(engine_replay(h.engine, SOURCE_DIR "/docs/examples/demo.pcap", h.problems), 0);
    engine_stats(h.engine, &st, &flows);
    cr_expect_gt(st.frames_received, 10);
    cr_expect_eq(st.frames_received,
                 st.frames_forwarded + st.frames_dropped + st.frames_rejected + st.frames_held);
    house_fini(&h);
}

Test(engine, a_file_that_is_not_there_is_an_error)
{
    struct house h;
    house_init(&h);
    must_open(&h);
    cr_expect_lt(engine_replay(h.engine, "/nowhere.pcap", h.problems), 0, "no plugin reads files");
    cr_expect_eq(says(&h, "-r needs one"), 1);
    house_fini(&h);

    house_init(&h);
    copy_plugin(&h, BUILD_DIR "/plugins/pcap.so", "pcap.so");
    must_open(&h);
    cr_expect_lt(engine_replay(h.engine, "/nowhere.pcap", h.problems), 0);
    house_fini(&h);
}

Test(engine, enforces_while_it_runs_and_counts_what_it_did)
{
    struct house h;
    struct stats st;
    size_t flows;
    house_init(&h);
    must_open(&h);
    must_start(&h);
    cr_expect_eq(h.engine->worker_count, 1);
    cr_expect(comes_out(&h, 1000));
    cr_expect(comes_out(&h, 1001));
    cr_expect(engine_stats(h.engine, &st, &flows));
    cr_expect_eq(st.frames_received, 2);
    cr_expect_eq(st.frames_forwarded, 2);
    cr_expect_eq(flows, 2);
    struct l7_capture_stats capture;
    cr_expect(engine_capture_stats(h.engine, &capture));
    cr_expect_eq(capture.received, 2);
    cr_expect_eq(capture.forwarded, 2);
    cr_expect_eq(capture.lost + capture.injected + capture.send_errors, 0);
    engine_stop(h.engine);
    cr_expect_eq(h.engine->worker_count, 0);
    house_fini(&h);
}

Test(engine, a_reload_judges_live_flows_again)
{
    struct house h;
    house_init(&h);
    must_open(&h);
    must_start(&h);
    cr_expect(comes_out(&h, 1000));
    write_file(at(&h, "policies/a.yaml"), drop_all);
    cr_assert_eq(engine_reload(h.engine, h.problems), 0);
    cr_expect_eq(h.engine->generation, 2);
    cr_expect_not(comes_out(&h, 1000));
    cr_expect_not(comes_out(&h, 1001));
    cr_assert_eq(unlink(at(&h, "policies/a.yaml")), 0);
    cr_assert_eq(engine_reload(h.engine, h.problems), 0);
    cr_expect(comes_out(&h, 1000));
    cr_expect_eq(h.engine->reloads, 2);
    cr_expect_eq(h.engine->reloads_failed, 0);
    house_fini(&h);
}

Test(engine, a_bad_reload_changes_nothing)
{
    struct house h;
    house_init(&h);
    write_file(at(&h, "policies/a.yaml"), drop_all);
    must_open(&h);
    must_start(&h);
    const struct snapshot *before = h.engine->snapshot;
    uint64_t since = h.engine->reloaded_ns;
    /* The one that denies is gone, the new one is refused: neither may happen. */
    cr_assert_eq(unlink(at(&h, "policies/a.yaml")), 0);
    write_file(at(&h, "policies/b.yaml"), bad);
    cr_expect_lt(engine_reload(h.engine, h.problems), 0);
    cr_expect_eq(says(&h, "policies/b.yaml:7:"), 1);
    cr_expect_eq(h.engine->snapshot, before);
    cr_expect_eq(h.engine->generation, 1);
    cr_expect_eq(h.engine->reloaded_ns, since);
    cr_expect_eq(h.engine->reloads, 1);
    cr_expect_eq(h.engine->reloads_failed, 1);
    cr_expect_not(comes_out(&h, 1000), "the old policy is in force");
    house_fini(&h);
}

Test(engine, a_new_plugin_makes_its_keyword_valid_at_the_next_reload)
{
    struct house h;
    house_init(&h);
    must_open(&h);
    must_start(&h);
    write_file(at(&h, "policies/echo.yaml"), echo);
    cr_expect_lt(engine_reload(h.engine, h.problems), 0);
    cr_expect_eq(says(&h, "echo"), 1);
    cr_expect_eq(h.engine->generation, 1);
    cr_expect(comes_out(&h, 1000), "nothing denies yet");
    copy_plugin(&h, INSPECTORS "echo/echo.so", "echo.so");
    cr_assert_eq(engine_reload(h.engine, h.problems), 0);
    cr_expect_eq(h.engine->generation, 2);
    cr_expect_eq(registry_keyword_count(h.engine->registry), 1);
    cr_expect(snapshot_rule(h.engine->snapshot, 0)->l7);
    cr_expect_not(comes_out(&h, 1001), "datagrams cannot be judged");
    house_fini(&h);
}

Test(engine, a_bad_plugin_refuses_the_reload_and_its_policies)
{
    struct house h;
    house_init(&h);
    must_open(&h);
    must_start(&h);
    write_file(at(&h, "plugins/bad.so"), "not a shared object");
    write_file(at(&h, "policies/a.yaml"), drop_all);
    cr_expect_lt(engine_reload(h.engine, h.problems), 0);
    cr_expect_eq(says(&h, "plugins/bad.so"), 1);
    cr_expect_eq(h.engine->generation, 1);
    cr_expect(comes_out(&h, 1000));
    house_fini(&h);
}

static bool has_log(const struct house *h, const char *beginning)
{
    bool found = false;
    DIR *d = opendir(at(h, "logs"));
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        found = found || strncmp(e->d_name, beginning, strlen(beginning)) == 0;
    if (d != NULL)
        closedir(d);
    return found;
}

static void rename_logs(const struct house *h)
{
    DIR *d = opendir(at(h, "logs"));
    cr_assert_not_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char from[512], to[512];
        if (e->d_name[0] == '.')
            continue;
        snprintf(from, sizeof(from), "%s/logs/%s", h->dir, e->d_name);
        snprintf(to, sizeof(to), "%s/logs/old-%s", h->dir, e->d_name);
        rename(from, to);
    }
    closedir(d);
}

Test(engine, logs_are_opened_again_when_asked_and_by_a_reload)
{
    struct house h;
    house_init(&h);
    write_file(at(&h, "policies/a.yaml"), drop_all);
    must_open(&h);
    must_start(&h);
    for (uint16_t i = 0; i < 3; i++) {
        if (i == 1)
            engine_reopen(h.engine);
        if (i == 2)
            cr_assert_eq(engine_reload(h.engine, h.problems), 0);
        send_datagram(&h, (uint16_t)(2000 + i)); /* denied with an alert */
        for (int k = 0; k < 3000 && !has_log(&h, "eve"); k++)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        cr_expect(has_log(&h, "eve"), "round %u", i);
        rename_logs(&h);
        cr_expect_not(has_log(&h, "eve"));
    }
    house_fini(&h);
}

struct sender {
    const struct house *house;
    _Atomic bool stop;
    unsigned sent;
};

static void *send_on(void *arg)
{
    struct sender *s = arg;
    while (!atomic_load(&s->stop)) {
        send_datagram(s->house, (uint16_t)(1000 + s->sent % 500));
        s->sent++;
    }
    return NULL;
}

Test(engine, reloads_while_traffic_flows_lose_and_double_nothing)
{
    struct house h;
    struct stats st;
    size_t flows;
    pthread_t thread;
    house_init(&h);
    must_open(&h);
    must_start(&h);
    struct sender s = {.house = &h};
    cr_assert_eq(pthread_create(&thread, NULL, send_on, &s), 0);
    for (unsigned i = 0; i < 20; i++) {
        if (i == 7)
            copy_plugin(&h, INSPECTORS "echo/echo.so", "echo.so");
        if (i >= 7 || i % 3 == 0)
            write_file(at(&h, "policies/a.yaml"), i < 7 ? drop_all : i % 2 ? echo : bad);
        else
            unlink(at(&h, "policies/a.yaml"));
        int err = engine_reload(h.engine, h.problems);
        cr_expect_eq(err < 0, i >= 7 && i % 2 == 0, "reload %u", i);
        cr_expect(engine_stats(h.engine, &st, &flows));
        cr_expect_eq(st.frames_received,
                     st.frames_forwarded + st.frames_dropped + st.frames_rejected + st.frames_held);
    }
    atomic_store(&s.stop, true);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3000 && st.frames_received < s.sent; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        engine_stats(h.engine, &st, &flows);
    }
    cr_expect_eq(st.frames_received, s.sent);
    cr_expect_eq(h.engine->reloads, 20);
    cr_expect_eq(h.engine->generation + h.engine->reloads_failed, 21);
    house_fini(&h);
}

Test(engine, each_capture_has_a_worker_of_its_own)
{
    struct house h;
    struct stats st;
    size_t flows;
    pthread_t thread;
    house_init(&h);
    char text[512];
    snprintf(text, sizeof(text), "capture: [{tank: {socket: %s/in}}, {tank: {socket: %s/in2}}]\n",
             h.dir, h.dir);
    write_file(at(&h, "two.yaml"), text);
    struct settings *set = settle(&h, "");
    cr_assert_eq(settings_read(set, at(&h, "two.yaml"), h.problems), 0);
    cr_assert_eq(engine_open(set, h.problems, &h.engine), 0);
    must_start(&h);
    cr_expect_eq(h.engine->worker_count, 2);
    struct house other = h;
    snprintf(other.capture.sun_path, sizeof(other.capture.sun_path), "%s/in2", h.dir);
    struct sender s = {.house = &other};
    cr_assert_eq(pthread_create(&thread, NULL, send_on, &s), 0);
    for (unsigned i = 0; i < 5; i++) {
        if (i == 2)
            copy_plugin(&h, INSPECTORS "echo/echo.so", "echo.so");
        cr_expect_eq(engine_reload(h.engine, h.problems), 0);
        cr_expect(comes_out(&h, (uint16_t)(1000 + i)), "the other one's traffic is no hindrance");
    }
    atomic_store(&s.stop, true);
    pthread_join(thread, NULL);
    do {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        cr_assert(engine_stats(h.engine, &st, &flows));
    } while (st.frames_received < s.sent + 5);
    cr_expect_eq(st.frames_received, s.sent + 5, "the total is of both");
    house_fini(&h);
}
