/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* set: a policy set written down in a test, loaded from a directory of its own, and two small
 * inspectors for its l7Protocols. Each criterion test is a process: what is left over is told by
 * the leak checker, the directory is removed by set_free(). */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/address.h"
#include "base/problem.h"
#include "policy/match.h"
#include "policy/policy.h"

#define WEB_TCP_ONLY 4u

static const char *const web_methods[] = {"GET",   "POST",    "PUT",     "HEAD", "DELETE",
                                          "TRACE", "OPTIONS", "CONNECT", "PATCH"};
enum { WEB_PATH, WEB_HOST, WEB_METHOD };
static const struct l7_field web_fields[] = {
    {.name = "path", .match = L7_MATCH_GLOB, .split = '?'},
    {.name = "host", .match = L7_MATCH_GLOB, .flags = L7_FIELD_NOCASE},
    {.name = "method", .match = L7_MATCH_ENUM, .values = web_methods, .value_count = 9},
};

/* Hosts lose trailing dots; a path has to begin with '/' or '*', and "!" is refused. */
static inline enum l7_pattern web_pattern(const void *self, unsigned field, struct l7_bytes text,
                                          struct l7_text *out, struct l7_text *note)
{
    enum l7_pattern answer = L7_PATTERN_OK;
    const char *say = "";
    (void)self;
    while (field == WEB_HOST && text.len && text.ptr[text.len - 1] == '.')
        text.len--;
    if (field == WEB_PATH && *text.ptr == '!') {
        answer = L7_PATTERN_REFUSE;
        say = "a path has no exclamation mark";
    } else if (field == WEB_PATH && *text.ptr != '/' && *text.ptr != '*') {
        answer = L7_PATTERN_WARN;
        say = "matches no path: it begins neither with / nor with *";
    }
    memcpy(out->ptr, text.ptr, text.len);
    out->len = text.len;
    note->len = strlen(say);
    memcpy(note->ptr, say, note->len);
    return answer;
}

static const struct l7_inspector web = {
    .size = sizeof(struct l7_inspector),
    .flags = WEB_TCP_ONLY,
    .keyword = "web",
    .fields = web_fields,
    .field_count = 3,
    .pattern = web_pattern,
};

static const struct l7_field seal_fields[] = {
    {.name = "sni", .match = L7_MATCH_GLOB, .flags = L7_FIELD_NOCASE},
    {.name = "size", .match = L7_MATCH_NUMBER},
    {.name = "kind", .match = L7_MATCH_EXACT},
};
static const struct l7_inspector seal = {
    .size = sizeof(struct l7_inspector),
    .keyword = "seal",
    .fields = seal_fields,
    .field_count = 3,
};
enum { KEYWORD_WEB, KEYWORD_SEAL };
static const struct policy_keyword set_keywords[] = {{&web, NULL}, {&seal, NULL}};

struct set {
    char dir[64];
    char last[80]; /* name of the file */
    struct problems *problems;
    struct snapshot *snapshot; /* NULL: refused */
    int result;
};

static inline void set_write(struct set *set, const char *name, const char *text)
{
    char path[200];
    if (!set->dir[0]) {
        strcpy(set->dir, "/tmp/l7guard-policy-XXXXXX");
        cr_assert(mkdtemp(set->dir) != NULL);
    }
    snprintf(path, sizeof path, "%s/%s", set->dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f != NULL, "%s", path);
    fputs(text, f);
    fclose(f);
}

static inline void set_load(struct set *set, const char *node, const struct snapshot *previous)
{
    struct policy_source source = {.dir = set->dir,
                                   .node_name = node,
                                   .keywords = set_keywords,
                                   .keyword_count = 2,
                                   .previous = previous,
                                   .generation = 1};
    set->problems = problems_new();
    set->snapshot = NULL;
    set->result = snapshot_load(&source, set->problems, &set->snapshot);
    cr_assert_eq(set->result == 0, set->snapshot != NULL);
    cr_assert_eq(set->result == 0, set->problems->errors == 0);
}

static inline struct set set_of(const char *text)
{
    struct set set = {0};
    set_write(&set, "set.yaml", text);
    set_load(&set, NULL, NULL);
    return set;
}

/* Loaded without an error, or the test ends with what was told. */
static inline struct set set_good(const char *text)
{
    struct set set = set_of(text);
    if (set.result)
        problems_print(set.problems, stderr);
    cr_assert_eq(set.result, 0);
    return set;
}

static inline void set_free(struct set *set)
{
    char command[100];
    snapshot_unref(set->snapshot);
    problems_free(set->problems);
    if (set->dir[0]) {
        snprintf(command, sizeof command, "rm -rf %s", set->dir);
        cr_assert_eq(system(command), 0);
    }
}

/* The first problem whose line is "FIELD: TEXT" with these parts; NULL: any. */
static inline const struct problem *set_problem(const struct set *set, enum problem_level level,
                                                const char *field, const char *part)
{
    for (size_t i = 0; i < set->problems->count; i++) {
        const struct problem *p = &set->problems->list[i];
        if (p->level == level && (!field || (p->field && strcmp(p->field, field) == 0)) &&
            (!part || (p->text && strstr(p->text, part))))
            return p;
    }
    return NULL;
}

/* "10.0.0.1:1234", "[fd00::1]:5" or without a port. */
static inline void end_of(const char *text, struct l7_address *address, uint16_t *port)
{
    char host[80];
    const char *colon = *text == '[' ? strstr(text, "]:") : strrchr(text, ':');
    if (*text != '[' && colon != strchr(text, ':'))
        colon = NULL; /* an IPv6 address alone */
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    snprintf(host, sizeof host, "%.*s", (int)len - (*text == '['), text + (*text == '['));
    cr_assert(address_parse(host, address), "%s", host);
    *port = colon ? (uint16_t)atoi(colon + 1 + (*text == '[')) : 0;
}

static inline struct tuple tuple_of(uint8_t proto, const char *src, const char *dst)
{
    struct tuple t = {.proto = proto};
    end_of(src, &t.src, &t.sport);
    end_of(dst, &t.dst, &t.dport);
    return t;
}

/* "Allow rule", "Drop" (isolation), "none" (nothing matched), "-" (not asked). */
static inline const char *answer_text(const struct answer *a, char buf[128])
{
    if (!a->asked)
        return "-";
    if (a->action == ACTION_NONE)
        return "none";
    snprintf(buf, 128, "%s%s%s", action_name(a->action), a->rule ? " " : "",
             a->rule ? a->rule->name : "");
    return buf;
}

static inline void expect(const struct set *set, uint8_t proto, const char *src, const char *dst,
                          const char *egress, const char *ingress)
{
    char out[128], in[128];
    struct tuple t = tuple_of(proto, src, dst);
    struct decision d;
    policy_classify(set->snapshot, &t, &d);
    const char *e = answer_text(&d.egress, out), *i = answer_text(&d.ingress, in);
    cr_expect_str_eq(e, egress, "%s > %s proto %u: egress %s, not %s", src, dst, proto, e, egress);
    cr_expect_str_eq(i, ingress, "%s > %s proto %u: ingress %s, not %s", src, dst, proto, i,
                     ingress);
}

#define TCP 6
#define UDP 17
#define ICMP 1
#define ICMPV6 58

#define POD(name, labels, ip)                                                                      \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " name                                       \
    ", namespace: default, labels: {" labels "}}\nstatus: {podIP: " ip "}\n"
#define POD_IN(ns, name, labels, ip)                                                               \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " name ", namespace: " ns                    \
    ", labels: {" labels "}}\nstatus: {podIP: " ip "}\n"
#define ANNP(name, spec)                                                                           \
    "---\napiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: " name          \
    "}\nspec: " spec "\n"
#define ACNP(name, spec)                                                                           \
    "---\napiVersion: crd.antrea.io/v1beta1\nkind: ClusterNetworkPolicy\nmetadata: {name: " name   \
    "}\nspec: " spec "\n"
#define KNP(name, spec)                                                                            \
    "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " name           \
    "}\nspec: " spec "\n"
