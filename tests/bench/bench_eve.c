/* SPDX-License-Identifier: Apache-2.0 */
/* bench_eve: how many events a second the eve plugin writes, and the queue carries.
 *
 * Not a test: it asserts nothing about time. From the top of the tree:
 *
 *     gcc -std=gnu11 -O2 -D_GNU_SOURCE -Isdk/include -Icore -Iplugins/log/eve -o /tmp/bench_eve \
 *         tests/bench/bench_eve.c plugins/log/eve/[a-z]*.c core/engine/logger.c \
 *         core/engine/record_copy.c -lpthread
 *     /tmp/bench_eve [EVENTS [WORKERS]]
 *
 * "lines" makes lines in memory only; "file" also writes them, as the daemon does; "queue" is the
 * way from workers through the queue to the file, with the processor time of both sides.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engine/logger.h"
#include "l7guard/plugin.h"
#include "line.h"

extern const struct l7_plugin l7_plugin;

static char dir[] = "/tmp/l7-bench-eve-XXXXXX";

static const char *text_of(const struct l7_config *config, const char *key)
{
    (void)config;
    for (size_t i = 0; i < l7_plugin.option_count; i++) {
        if (strcmp(l7_plugin.options[i].key, key) == 0)
            return l7_plugin.options[i].fallback;
    }
    return "";
}

static int64_t number_of(const struct l7_config *config, const char *key)
{
    (void)config;
    (void)key;
    return 64 * 1024;
}

static bool bool_of(const struct l7_config *config, const char *key)
{
    return strcmp(text_of(config, key), "yes") == 0;
}

static size_t count_of(const struct l7_config *config, const char *key)
{
    (void)config;
    (void)key;
    return 0;
}

static const char *dir_of(const struct l7_host *host)
{
    (void)host;
    return dir;
}

L7_PRINTF(3, 4)
static void say(const struct l7_host *host, enum l7_level level, const char *format, ...)
{
    va_list args;

    (void)host;
    (void)level;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static const struct l7_host host = {
    .sdk_major = L7_SDK_MAJOR,
    .sdk_minor = L7_SDK_MINOR,
    .size = sizeof(host),
    .diag = say,
    .config_text = text_of,
    .config_number = number_of,
    .config_bool = bool_of,
    .config_count = count_of,
    .log_dir = dir_of,
};

#define STRING(key, text)                                                                          \
    {                                                                                              \
        .name = (key), .value = {                                                                  \
            .type = L7_TYPE_STRING,                                                                \
            .string = {(const uint8_t *)("" text), sizeof(text) - 1}                               \
        }                                                                                          \
    }
#define NUMBER(key, value_)                                                                        \
    {                                                                                              \
        .name = (key), .value = {.type = L7_TYPE_NUMBER, .number = (value_) }                      \
    }

static const struct l7_record_attr attrs[] = {
    STRING("hostname", "shop.example.com"),
    STRING("url", "/api/v2/orders/8f14e45f?expand=lines&currency=EUR"),
    STRING("http_user_agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"),
    STRING("http_content_type", "application/json"),
    STRING("http_method", "GET"),
    STRING("protocol", "HTTP/1.1"),
    NUMBER("status", 200),
    NUMBER("length", 1834),
};

/* An ordinary allowed request. */
static struct l7_record record_at(uint64_t number)
{
    return (struct l7_record){
        .size = sizeof(struct l7_record),
        .type = L7_RECORD_TRANSACTION,
        .time_ns = 1795402426000000000ull + number * 10000,
        .flow_id = 796216434926197ull + number / 10,
        .in_iface = "antrea-l7-tap0",
        .vlan = {4},
        .vlan_count = 1,
        .proto = 6,
        .tenant_id = 4,
        .src = {.family = 4, .bytes = {10, 10, 1, 8}},
        .dst = {.family = 4, .bytes = {10, 10, 1, 7}},
        .src_port = (uint16_t)(32768 + number % 28000),
        .dst_port = 80,
        .pkt_src = "wire/pcap",
        .tx_id = (int64_t)(number % 10),
        .keyword = "http",
        .app_proto = "http",
        .attrs = attrs,
        .attr_count = sizeof(attrs) / sizeof(attrs[0]),
        .policy = {.reference = "AntreaNetworkPolicy:shop/allow-api",
                   .namespace_ = "shop",
                   .name = "allow-api",
                   .rule = "orders",
                   .tier = "application",
                   .direction = "Ingress",
                   .action = "Allow"},
    };
}

static double now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void tell(const char *what, uint64_t events, double seconds)
{
    printf("%-22s %9.0f events/s  %7.0f ns each\n", what, (double)events / seconds,
           seconds * 1e9 / (double)events);
}

static void run_lines(uint64_t events)
{
    struct line_style style = {.alert_fields = true, .policy = true, .value_limit = 65536};
    struct text text;
    struct stamp stamp;
    double begin;
    uint64_t bytes = 0;

    text_init(&text);
    stamp_init(&stamp);
    begin = now(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < events; i++) {
        struct l7_record record = record_at(i);

        line_write(&text, &stamp, &style, &record);
        bytes += text.len;
    }
    tell("lines", events, now(CLOCK_MONOTONIC) - begin);
    printf("%-22s %9.0f bytes a line\n", "", (double)bytes / (double)events);
    text_fini(&text);
}

static void *open_eve(void)
{
    void *eve;

    if (l7_plugin.log->open(&host, NULL, false, &eve) < 0)
        exit(1);
    return eve;
}

static void run_file(uint64_t events)
{
    void *eve = open_eve();
    double begin = now(CLOCK_MONOTONIC);

    for (uint64_t i = 0; i < events; i++) {
        struct l7_record record = record_at(i);

        if (l7_plugin.log->write(eve, &record) < 0)
            exit(1);
    }
    tell("file", events, now(CLOCK_MONOTONIC) - begin);
    l7_plugin.log->close(eve);
}

struct worker {
    struct logger *logger;
    uint64_t events;
    double cpu;
};

static void *put_all(void *arg)
{
    struct worker *w = arg;
    struct timespec pause = {.tv_nsec = 50000};

    for (uint64_t i = 0; i < w->events; i++) {
        struct l7_record record = record_at(i);

        /* Waits only here; the daemon counts it as lost instead. */
        while (!logger_put(w->logger, &record))
            nanosleep(&pause, NULL);
    }
    w->cpu = now(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void run_queue(uint64_t events, unsigned count)
{
    struct logger *logger = logger_new(4 * 1024 * 1024);
    struct worker workers[16];
    pthread_t threads[16];
    double cpu = 0, begin, before;

    if (!logger || logger_add(logger, l7_plugin.log, open_eve()) < 0 || logger_start(logger) < 0)
        exit(1);
    begin = now(CLOCK_MONOTONIC);
    before = now(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){.logger = logger, .events = events / count};
        if (pthread_create(&threads[i], NULL, put_all, &workers[i]))
            exit(1);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        cpu += workers[i].cpu;
    }
    logger_stop(logger);
    tell("queue", events, now(CLOCK_MONOTONIC) - begin);
    tell("  workers' processor", events, cpu);
    tell("  writer's processor", events, now(CLOCK_PROCESS_CPUTIME_ID) - before - cpu);
    logger_free(logger);
}

int main(int argc, char **argv)
{
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    unsigned workers = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    char command[64];

    if (events < 16 || workers < 1 || workers > 16 || !mkdtemp(dir))
        return 2;
    run_lines(events);
    run_file(events);
    run_queue(events, workers);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) != 0;
}
