/* SPDX-License-Identifier: Apache-2.0 */
/* bench_policy: what a new flow costs with 10 to 100,000 rules over 10,000 Pods, what loading them
 * costs, and what one request costs under a rule with 10,000 patterns.
 *
 * Not a test: it asserts nothing about time. From the top of the tree, with a Release build:
 *
 *     gcc -std=gnu11 -O2 -D_GNU_SOURCE -Isdk/include -Icore -o /tmp/bench_policy \
 *         tests/bench/bench_policy.c build/core/libl7guard-core.a \
 *         $(pkg-config --libs yaml-0.1 jansson libuv libelf) -ldl -lpthread
 *     /tmp/bench_policy [SHAPE...]
 *
 * Shapes: "teams" spreads rules over the Pods, ten a Pod and more, as clusters do; the others
 * apply every rule to every Pod. In "peers" rules differ by whom they let in, in "ports" by port
 * alone, in "wide" every rule has a large block and a range of ports that overlap many others;
 * each list ends in a rule that drops. "both": every other ten rules are for every Pod, the others
 * for one team. "patterns" is rule_fit(). A row is a process of its own, so
 * that memory is that row's.
 */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "policy/match.h"
#include "policy/policy.h"

enum { PODS = 10000, APPS = 1000, TEAMS = 50, PATTERNS = 10000 };
enum { FLOWS = 1 << 16, PART = 4096, ROUNDS = 20 };

static uint64_t state = 88172645463325252u;

static uint32_t any(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* Of this thread: the machine has other work too. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- what is loaded ---- */

static void pods_write(FILE *f)
{
    fprintf(f, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
    for (unsigned i = 0; i < TEAMS; i++)
        fprintf(f,
                "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"team-%u\","
                "\"labels\":{\"team\":\"t%u\",\"floor\":\"f%u\"}}},\n",
                i, i, i % 5);
    for (unsigned i = 0; i < PODS; i++)
        fprintf(f,
                "%s{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p%u\","
                "\"namespace\":\"team-%u\",\"labels\":{\"app\":\"a%u\",\"role\":\"r%u\"}},"
                "\"status\":{\"podIP\":\"10.%u.%u.%u\"}}\n",
                i ? "," : "", i, i % APPS % TEAMS, i % APPS, i % 7, 1 + i / 65536, i / 256 % 256,
                i % 256);
    fprintf(f, "]}");
}

enum shape { TEAMS_SHAPE, PEERS_SHAPE, PORTS_SHAPE, WIDE_SHAPE, BOTH_SHAPE, SHAPES };
static const char *const shapes[] = {"teams", "peers", "ports", "wide", "both"};

static void peer_write(FILE *f, enum shape shape)
{
    if (shape == WIDE_SHAPE) {
        unsigned prefix = 2 + any(9);
        fprintf(f, "{\"ipBlock\":{\"cidr\":\"%u.%u.0.0/%u\"}}", any(224), any(256), prefix);
        return;
    }
    switch (any(4)) {
    case 0:
        fprintf(f,
                "{\"namespaceSelector\":{\"matchLabels\":{\"team\":\"t%u\"}},\"podSelector\":"
                "{\"matchLabels\":{\"role\":\"r%u\"}}}",
                any(TEAMS), any(7));
        break;
    case 1:
        fprintf(f, "{\"podSelector\":{\"matchLabels\":{\"app\":\"a%u\"}}}", any(APPS));
        break;
    default:
        fprintf(f, "{\"ipBlock\":{\"cidr\":\"%u.%u.%u.0/%u\"}}", 20 + any(180), any(256), any(256),
                16 + any(17));
    }
}

static void rule_write(FILE *f, enum shape shape, unsigned number)
{
    fprintf(f, "{\"name\":\"r%u\",\"action\":\"Allow\"", number);
    if (shape != PORTS_SHAPE) {
        fprintf(f, ",\"from\":[");
        peer_write(f, shape);
        fprintf(f, "]");
    }
    if (shape == WIDE_SHAPE) {
        unsigned low = 1 + any(60000);
        fprintf(f, ",\"ports\":[{\"port\":%u,\"endPort\":%u}]", low, low + 50 + any(1000));
    } else {
        unsigned port = shape == PORTS_SHAPE ? 1 + number % 60000 : 1 + any(2000);
        fprintf(f, ",\"ports\":[{\"protocol\":\"%s\",\"port\":%u}]",
                shape == PORTS_SHAPE && number / 60000 ? "UDP" : "TCP", port);
    }
    fprintf(f, "}");
}

/* Ten rules a policy. */
static void policies_write(FILE *f, enum shape shape, unsigned rules)
{
    fprintf(f, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
    for (unsigned i = 0; i < rules / 10; i++) {
        bool team = shape == TEAMS_SHAPE || (shape == BOTH_SHAPE && i % 2);
        fprintf(f,
                "{\"apiVersion\":\"crd.antrea.io/v1beta1\",\"kind\":\"%s\",\"metadata\":{"
                "\"name\":\"n%u\"",
                team ? "NetworkPolicy" : "ClusterNetworkPolicy", i);
        if (team)
            fprintf(f, ",\"namespace\":\"team-%u\"", i % APPS % TEAMS);
        fprintf(f, "},\"spec\":{\"priority\":%.4f,\"appliedTo\":[{\"podSelector\":{", 1 + i / 2.0);
        if (team)
            fprintf(f, "\"matchLabels\":{\"app\":\"a%u\"}", i % APPS);
        fprintf(f, "}}],\"ingress\":[");
        for (unsigned k = 0; k < 10; k++) {
            if (k)
                fprintf(f, ",\n");
            rule_write(f, shape, i * 10 + k);
        }
        fprintf(f, "]}},\n");
    }
    fprintf(f, "{\"apiVersion\":\"crd.antrea.io/v1beta1\",\"kind\":\"ClusterNetworkPolicy\","
               "\"metadata\":{\"name\":\"last\"},\"spec\":{\"priority\":10000,\"appliedTo\":[{"
               "\"podSelector\":{}}],\"ingress\":[{\"name\":\"drop\",\"action\":\"Drop\"}]}}]}");
}

/* ---- classification ---- */

static struct l7_address address_of(uint32_t host_order)
{
    struct l7_address a = {.family = 4};
    uint32_t n = htonl(host_order);
    memcpy(a.bytes, &n, 4);
    return a;
}

static uint32_t pod_address(unsigned i)
{
    return 0x0a000000u | (1 + i / 65536) << 16 | (i / 256 % 256) << 8 | i % 256;
}

/* To Pods that have rules; from Pods and from outside. */
static struct tuple *flows_make(enum shape shape, unsigned rules)
{
    struct tuple *list = calloc(FLOWS, sizeof *list);
    unsigned apps = shape == TEAMS_SHAPE && rules / 10 < APPS ? rules / 10 : APPS;
    for (unsigned i = 0; i < FLOWS; i++) {
        unsigned target = any(apps) + APPS * any(PODS / APPS);
        struct tuple *t = &list[i];
        t->dst = address_of(pod_address(target));
        if (any(2) && shape != WIDE_SHAPE)
            t->src = address_of(pod_address(any(PODS)));
        else
            t->src = address_of((20 + any(180)) << 24 | any(1 << 24));
        t->proto = 6;
        t->sport = (uint16_t)(1024 + any(60000));
        t->dport = (uint16_t)(1 + any(shape == PORTS_SHAPE || shape == WIDE_SHAPE ? 65000 : 2000));
    }
    return list;
}

struct row {
    double load, bytes, nanoseconds, allowed;
    size_t rules;
};

/* Seconds for all flows: of each part the best of the rounds. Between two rounds of a part all the
 * others had their turn, so that caches hold what they would hold among many flows. */
static double flows_measure(const struct snapshot *s, const struct tuple *flows, double *allowed)
{
    double best[FLOWS / PART], sum = 0;
    size_t hits = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned part = 0; part < FLOWS / PART; part++) {
            double start = now();
            for (unsigned i = part * PART; i < (part + 1) * PART; i++) {
                struct decision d;
                policy_classify(s, &flows[i], &d);
                hits += d.ingress.action == ACTION_ALLOW;
            }
            double took = now() - start;
            best[part] = round && best[part] < took ? best[part] : took;
        }
    }
    for (unsigned part = 0; part < FLOWS / PART; part++)
        sum += best[part];
    *allowed = (double)hits / ROUNDS / FLOWS;
    return sum;
}

static struct row row_measure(const char *dir, enum shape shape, unsigned rules)
{
    struct row row = {0};
    struct problems *problems = problems_new();
    struct policy_source source = {.dir = dir, .generation = 1};
    struct snapshot *s;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    double start = now();
    if (snapshot_load(&source, problems, &s) != 0) {
        problems_print(problems, stderr);
        exit(1);
    }
    row.load = now() - start;
    problems_free(problems);
    row.bytes = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before);
    row.rules = snapshot_rule_count(s);
    struct tuple *flows = flows_make(shape, rules);
    row.nanoseconds = flows_measure(s, flows, &row.allowed) / FLOWS * 1e9;
    free(flows);
    snapshot_unref(s);
    return row;
}

static struct row row_run(enum shape shape, unsigned rules)
{
    char dir[] = "/tmp/l7-bench-policy-XXXXXX", path[2][64];
    struct row row = {0};
    int fds[2];
    if (!mkdtemp(dir) || pipe(fds) != 0)
        exit(1);
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s.json", dir, i ? "policies" : "pods");
        FILE *f = fopen(path[i], "w");
        if (!f)
            exit(1);
        if (i)
            policies_write(f, shape, rules);
        else
            pods_write(f);
        fclose(f);
    }
    pid_t child = fork();
    if (child == 0) {
        row = row_measure(dir, shape, rules);
        _exit(write(fds[1], &row, sizeof row) != sizeof row);
    }
    close(fds[1]);
    if (read(fds[0], &row, sizeof row) != sizeof row)
        exit(1);
    close(fds[0]);
    waitpid(child, NULL, 0);
    unlink(path[0]);
    unlink(path[1]);
    rmdir(dir);
    return row;
}

static void shape_run(enum shape shape)
{
    static const unsigned counts[] = {10, 1000, 10000, 100000};
    double first = 0;
    for (size_t i = 0; i < 4; i++) {
        struct row row = row_run(shape, counts[i]);
        if (!i)
            first = row.nanoseconds;
        printf("%-8s %8zu %10.0f %8.2f %9.2f %9.1f %9.1f\n", shapes[shape], row.rules,
               row.nanoseconds, row.nanoseconds / first, row.load, row.bytes / 1e6,
               row.allowed * 100);
        fflush(stdout);
    }
}

/* ---- patterns ---- */

static const char *const methods[] = {"GET", "POST", "PUT"};
static const struct l7_field fields[] = {
    {.name = "path", .match = L7_MATCH_GLOB, .split = '?'},
    {.name = "host", .match = L7_MATCH_GLOB, .flags = L7_FIELD_NOCASE},
    {.name = "method", .match = L7_MATCH_ENUM, .values = methods, .value_count = 3},
};
static const struct l7_inspector web = {
    .size = sizeof web, .keyword = "web", .fields = fields, .field_count = 3};

static const char *const mixes[] = {"exact", "prefix", "suffix", "hosts", "mixed", "contains"};

static void item_write(FILE *f, unsigned mix, unsigned i)
{
    unsigned kind = mix == 4 ? i % 4 : mix;
    fprintf(f, "%s{\"web\":{", i ? "," : "");
    if (kind == 0)
        fprintf(f, "\"path\":\"/api/v1/service-%u/list\"", i);
    else if (kind == 1)
        fprintf(f, "\"path\":\"/api/v1/service-%u/*\",\"method\":\"GET\"", i);
    else if (kind == 2)
        fprintf(f, "\"path\":\"*/service-%u.json\"", i);
    else if (kind == 3)
        fprintf(f, "\"host\":\"*.svc-%u.example.com\",\"path\":\"/*\"", i);
    else
        fprintf(f, "\"path\":\"*service-%u/*x*\"", i);
    fprintf(f, "}}\n");
}

static double fit_measure(const struct rule *rule, unsigned mix, bool hit, size_t count)
{
    enum { REQUESTS = 1024 };
    static char path[REQUESTS][64], host[REQUESTS][64];
    struct field list[REQUESTS][3] = {0};
    for (unsigned i = 0; i < REQUESTS; i++) {
        unsigned n = any((uint32_t)count), kind = mix == 4 ? n % 4 : mix;
        snprintf(path[i], sizeof path[i],
                 kind == 0   ? "/api/v1/service-%u/list"
                 : kind == 1 ? "/api/v1/service-%u/x/y"
                 : kind == 2 ? "/static/service-%u.json"
                             : "/a/service-%u/x",
                 hit ? n : n + PATTERNS * 2);
        snprintf(host[i], sizeof host[i], "www.svc-%u.example.com", hit ? n : n + PATTERNS * 2);
        const char *texts[] = {path[i], host[i], "GET"};
        for (int k = 0; k < 3; k++) {
            list[i][k].emitted = true;
            list[i][k].form_count = k ? 1 : 2;
            for (int form = 0; form < 2; form++)
                list[i][k].forms[form] =
                    (struct l7_bytes){(const uint8_t *)texts[k], strlen(texts[k])};
        }
    }
    double best = 1e9;
    size_t fits = 0, asked = 0;
    for (int round = 0; round < 5; round++) {
        double start = now();
        for (unsigned i = 0; i < REQUESTS; i++, asked++)
            fits += rule_fit(rule, 0, list[i], 3, true) == FIT_YES;
        double took = now() - start;
        best = took < best ? took : best;
    }
    if (fits != (hit ? asked : 0))
        printf("unexpected: %zu of %zu fit\n", fits, asked);
    return best / REQUESTS * 1e9;
}

static void patterns_run(void)
{
    struct policy_keyword keyword = {&web, NULL};
    printf("\n%-10s %10s %12s %12s\n", "patterns", "items", "fits, ns", "does not, ns");
    for (unsigned mix = 0; mix < 6; mix++) {
        for (size_t count = 10; count <= PATTERNS; count *= PATTERNS / 10) {
            char dir[] = "/tmp/l7-bench-policy-XXXXXX", path[64];
            struct problems *problems = problems_new();
            struct policy_source source = {
                .dir = mkdtemp(dir), .keywords = &keyword, .keyword_count = 1, .generation = 1};
            struct snapshot *s;
            snprintf(path, sizeof path, "%s/set.json", dir);
            FILE *f = fopen(path, "w");
            if (!f)
                exit(1);
            fprintf(f, "{\"apiVersion\":\"crd.antrea.io/v1beta1\",\"kind\":\"NetworkPolicy\","
                       "\"metadata\":{\"name\":\"n\"},\"spec\":{\"priority\":1,\"appliedTo\":[{"
                       "\"podSelector\":{}}],\"ingress\":[{\"action\":\"Allow\",\"l7Protocols\":[");
            for (unsigned i = 0; i < count; i++)
                item_write(f, mix, i);
            fprintf(f, "]}]}}");
            fclose(f);
            if (snapshot_load(&source, problems, &s) != 0) {
                problems_print(problems, stderr);
                exit(1);
            }
            const struct rule *rule = snapshot_rule(s, 0);
            printf("%-10s %10zu %12.0f %12.0f\n", mixes[mix], count,
                   fit_measure(rule, mix, true, count), fit_measure(rule, mix, false, count));
            fflush(stdout);
            snapshot_unref(s);
            problems_free(problems);
            unlink(path);
            rmdir(dir);
        }
    }
}

static bool wanted(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    printf("%-8s %8s %10s %8s %9s %9s %9s\n", "shape", "rules", "ns/flow", "ratio", "load, s", "MB",
           "allowed %");
    for (int shape = 0; shape < SHAPES; shape++)
        if (wanted(argc, argv, shapes[shape]))
            shape_run((enum shape)shape);
    if (wanted(argc, argv, "patterns"))
        patterns_run();
    return 0;
}
