/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/render.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "engine/columns.h"

static const char *word(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

static long long number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* json_array_foreach and json_object_foreach want what they do not change to be changeable. */
static json_t *get(const json_t *o, const char *key)
{
    return json_object_get(o, key);
}

static json_t *open_list(const json_t *list)
{
    return (json_t *)(uintptr_t)list;
}

static void heads(struct columns *c, const char *const *names)
{
    for (; *names != NULL; names++)
        columns_add(c, "%s", *names);
    columns_end(c);
}

/* "namespace/name", or "name" of what has no namespace. */
static void policy_cell(struct columns *c, const json_t *o)
{
    const char *space = word(o, "namespace");
    columns_add(c, "%s%s%s", space, space[0] != '\0' ? "/" : "", word(o, "policy"));
}

/* ---- status ---- */

static void counts(struct columns *c, const char *name, json_t *of)
{
    const char *key;
    json_t *value;
    bool first = true;
    json_object_foreach(of, key, value)
    {
        if (!json_is_integer(value))
            continue;
        columns_add(c, "%s", first ? name : "");
        columns_add(c, "%s", key);
        columns_number(c, json_integer_value(value));
        columns_end(c);
        first = false;
    }
}

static void reasons(const char *title, json_t *of, FILE *to)
{
    struct columns c = {0};
    const char *key;
    json_t *value;
    if (json_object_size(of) == 0)
        return;
    fprintf(to, "\n%s\n", title);
    json_object_foreach(of, key, value)
    {
        columns_number(&c, json_integer_value(value));
        columns_add(&c, "%s", key);
        columns_end(&c);
    }
    columns_print(&c, 2, to);
}

static void uptime(long long s, FILE *to)
{
    if (s >= 86400)
        fprintf(to, "%lldd ", s / 86400);
    if (s >= 3600)
        fprintf(to, "%lldh ", s / 3600 % 24);
    if (s >= 60)
        fprintf(to, "%lldm ", s / 60 % 60);
    fprintf(to, "%llds", s % 60);
}

void render_status(const json_t *s, FILE *to)
{
    struct columns c = {0};
    const json_t *p = get(s, "policies");
    fprintf(to, "l7guard %s, process %lld, up ", word(s, "version"), number(s, "pid"));
    uptime(number(s, "uptime"), to);
    fprintf(to, "\ngeneration %lld: %lld policies, %lld rules, %lld Pods in %lld Namespaces; ",
            number(s, "generation"), number(p, "policies"), number(p, "rules"), number(p, "pods"),
            number(p, "namespaces"));
    fprintf(to, "%lld reloads, %lld of them refused\n", number(s, "reloads"),
            number(s, "reloads_failed"));
    if (json_is_true(get(s, "incomplete")))
        fputs("a worker did not answer: its counters are missing\n", to);
    putc('\n', to);
    columns_add(&c, "workers");
    columns_add(&c, "running");
    columns_number(&c, number(s, "workers"));
    columns_end(&c);
    counts(&c, "frames", get(s, "frames"));
    counts(&c, "flows", get(s, "flows"));
    counts(&c, "transactions", get(s, "transactions"));
    static const char *const others[] = {"streamed", "resets_sent", "unreachables_sent"};
    for (size_t i = 0; i < 3; i++) {
        columns_add(&c, "%s", i == 0 ? "other" : "");
        columns_add(&c, "%s", others[i]);
        columns_number(&c, number(s, others[i]));
        columns_end(&c);
    }
    counts(&c, "records", get(s, "records"));
    counts(&c, "capture", get(s, "capture"));
    columns_print(&c, 0, to);
    reasons("frames dropped, by reason", get(get(s, "frames"), "drops"), to);
    reasons("flows refused, by reason", get(get(s, "flows"), "refusals"), to);
}

void render_reload(const json_t *r, FILE *to)
{
    fprintf(to, "reloaded: generation %lld, %lld rules\n", number(r, "generation"),
            number(r, "rules"));
}

/* ---- plugins ---- */

static void render_fields(const json_t *p, FILE *to)
{
    struct columns c = {0};
    size_t i, v;
    json_t *f, *value;
    if (json_array_size(get(p, "fields")) > 0)
        fputs("\nfields, for policies and explain\n", to);
    json_array_foreach(get(p, "fields"), i, f)
    {
        columns_add(&c, "%s", word(f, "name"));
        columns_add(&c, "%s%s", word(f, "match"),
                    json_is_true(get(f, "ignores_case")) ? ", any case" : "");
        columns_add(&c, "%s", word(f, "help"));
        columns_end(&c);
    }
    columns_print(&c, 2, to);
    json_array_foreach(get(p, "fields"), i, f)
    {
        if (json_array_size(get(f, "values")) == 0)
            continue;
        fprintf(to, "  %s is one of:", word(f, "name"));
        json_array_foreach(get(f, "values"), v, value) fprintf(to, " %s", json_string_value(value));
        putc('\n', to);
    }
}

static void render_named(const char *title, const json_t *list, const char *key, FILE *to)
{
    struct columns c = {0};
    size_t i;
    json_t *one;
    if (json_array_size(list) == 0)
        return;
    fprintf(to, "\n%s\n", title);
    json_array_foreach(open_list(list), i, one)
    {
        columns_add(&c, "%s", word(one, key));
        if (json_is_string(get(one, "default")))
            columns_add(&c, "default \"%s\"", word(one, "default"));
        else if (strcmp(key, "key") == 0)
            columns_add(&c, "must be given");
        columns_add(&c, "%s", word(one, "help"));
        columns_end(&c);
    }
    columns_print(&c, 2, to);
}

void render_plugin(const json_t *p, FILE *to)
{
    const char *keyword = word(p, "keyword");
    fprintf(to, "%s %s %s: %s\n%s\n", word(p, "kind"), word(p, "name"), word(p, "version"),
            word(p, "summary"), word(p, "path"));
    if (keyword[0] != '\0')
        fprintf(to,
                "\nin policies   l7Protocols: [{%s: {FIELD: PATTERN, ...}}]\n"
                "to explain    --%s %s, or --l7 %s FIELD=VALUE...\n",
                keyword, keyword, word(p, "example"), keyword);
    render_fields(p, to);
    render_named("attributes of its records", get(p, "attrs"), "name", to);
    render_named("options, in the configuration", get(p, "options"), "key", to);
}

void render_plugins(const json_t *plugins, FILE *to)
{
    static const char *const names[] = {"KIND",   "NAME",    "VERSION", "KEYWORD",
                                        "FIELDS", "SUMMARY", NULL};
    struct columns c = {0};
    size_t i, k;
    json_t *p, *f;
    heads(&c, names);
    json_array_foreach(open_list(plugins), i, p)
    {
        char fields[256] = "";
        json_array_foreach(get(p, "fields"), k, f)
        {
            size_t n = strlen(fields);
            snprintf(fields + n, sizeof(fields) - n, "%s%s", k > 0 ? " " : "", word(f, "name"));
        }
        columns_add(&c, "%s", word(p, "kind"));
        columns_add(&c, "%s", word(p, "name"));
        columns_add(&c, "%s", word(p, "version"));
        columns_add(&c, "%s", word(p, "keyword"));
        columns_add(&c, "%s", fields);
        columns_add(&c, "%s", word(p, "summary"));
        columns_end(&c);
    }
    columns_print(&c, 0, to);
}

/* ---- policies ---- */

void render_policies(const json_t *rules, FILE *to)
{
    static const char *const names[] = {"DIRECTION", "TIER", "PRIORITY", "POLICY",  "RULE",
                                        "ACTION",    "L7",   "HITS",     "WRITTEN", NULL};
    struct columns c = {0};
    size_t i;
    json_t *r;
    heads(&c, names);
    json_array_foreach(open_list(rules), i, r)
    {
        columns_add(&c, "%s", word(r, "direction"));
        columns_add(&c, "%s", word(r, "tier"));
        columns_add(&c, "%g", json_number_value(get(r, "priority")));
        policy_cell(&c, r);
        columns_add(&c, "%s", word(r, "rule"));
        columns_add(&c, "%s", word(r, "action"));
        columns_add(&c, "%s", json_is_true(get(r, "l7")) ? "yes" : "");
        columns_number(&c, number(r, "hits"));
        columns_add(&c, "%s:%lld", word(r, "file"), number(r, "line"));
        columns_end(&c);
    }
    fputs(json_array_size(rules) == 0 ? "no rules: everything passes\n\n"
                                      : "rules in the order in which they are asked\n\n",
          to);
    columns_print(&c, 0, to);
}

/* ---- flows ---- */

static void end_cell(struct columns *c, const json_t *flow, const char *address, long long port)
{
    const char *proto = word(flow, "proto");
    if (strcmp(proto, "TCP") != 0 && strcmp(proto, "UDP") != 0 && strcmp(proto, "SCTP") != 0)
        columns_add(c, "%s", address);
    else
        columns_add(c, strchr(address, ':') != NULL ? "[%s]:%lld" : "%s:%lld", address, port);
}

void render_flows(const json_t *flows, FILE *to)
{
    static const char *const names[] = {"PROTO",   "CLIENT", "SERVER", "FATE", "LIFE", "KEYWORD",
                                        "PACKETS", "BYTES",  "AGE",    "RULE", NULL};
    struct columns c = {0};
    size_t i;
    json_t *f;
    heads(&c, names);
    json_array_foreach(get(flows, "flows"), i, f)
    {
        columns_add(&c, "%s", word(f, "proto"));
        end_cell(&c, f, word(f, "client"), number(f, "clientPort"));
        end_cell(&c, f, word(f, "server"), number(f, "serverPort"));
        columns_add(&c, "%s", word(f, "fate"));
        columns_add(&c, "%s", word(f, "life"));
        columns_add(&c, "%s", word(f, "keyword"));
        columns_add(&c, "%lld/%lld", number(get(f, "packets"), "toServer"),
                    number(get(f, "packets"), "toClient"));
        columns_add(&c, "%lld/%lld", number(get(f, "bytes"), "toServer"),
                    number(get(f, "bytes"), "toClient"));
        columns_add(&c, "%llds", number(f, "age"));
        columns_add(&c, "%s%s%s", word(f, "policy"), word(f, "rule")[0] != '\0' ? " / " : "",
                    word(f, "rule"));
        columns_end(&c);
    }
    columns_print(&c, 0, to);
    if (json_is_true(get(flows, "truncated")))
        fputs("there are more: --limit N shows more of them\n", to);
}

/* ---- explain ---- */

static void render_step(struct columns *c, const json_t *s)
{
    columns_add(c, number(s, "layer") == 7 ? "what is said" : "addresses, ports");
    columns_add(c, "%s", word(s, "direction"));
    policy_cell(c, s);
    columns_add(c, "%s", word(s, "rule"));
    columns_add(c, "%s", word(s, "action"));
    columns_add(c, json_is_true(get(s, "matched")) ? "yes" : "no");
    columns_add(c, "%s", word(s, "why"));
    columns_end(c);
}

void render_explain(const json_t *a, FILE *to)
{
    struct columns c = {0};
    const char *space = word(a, "namespace");
    size_t i;
    json_t *s;
    fprintf(to, "%s: %s\n", word(a, "verdict"), word(a, "reason"));
    if (word(a, "rule")[0] != '\0')
        fprintf(to, "rule \"%s\" of policy %s%s%s, %s, tier %s\n", word(a, "rule"), space,
                space[0] != '\0' ? "/" : "", word(a, "policy"), word(a, "direction"),
                word(a, "tier"));
    else
        fprintf(to, "no rule decided%s%s\n", word(a, "direction")[0] != '\0' ? ": " : "",
                word(a, "direction"));
    if (json_array_size(get(a, "steps")) > 0)
        fputs("\nwhat was looked at, in order\n", to);
    json_array_foreach(get(a, "steps"), i, s) if (get(s, "note") == NULL) render_step(&c, s);
    columns_print(&c, 2, to);
    json_array_foreach(get(a, "steps"), i, s) if (get(s, "note") != NULL)
        fprintf(to, "  note: %s\n", word(s, "note"));
}
