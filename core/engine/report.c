/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/address.h"

/* Numbers of JSON are signed here; counters do not come near the difference. */
static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *text(const char *s)
{
    json_t *j = s != NULL ? json_string(s) : NULL;
    return j != NULL ? j : json_null();
}

/* ---- status ---- */

static void add_capture(struct worker *w, void *arg)
{
    struct l7_capture_stats *total = arg, one = {.size = sizeof(one)};
    if (w->capture == NULL || w->capture->stats == NULL)
        return;
    w->capture->stats(w->capture_self, &one);
    total->received += one.received;
    total->lost += one.lost;
    total->forwarded += one.forwarded;
    total->injected += one.injected;
    total->send_errors += one.send_errors;
}

static json_t *reasons(const struct reason_count *list)
{
    json_t *out = json_object();
    for (size_t i = 0; i < STATS_REASONS; i++)
        if (list[i].reason[0] != '\0')
            json_object_set_new(out, list[i].reason, number(list[i].count));
    return out;
}

static json_t *report_policy_counts(const struct snapshot *s)
{
    struct snapshot_counts n = snapshot_counts(s);
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "policies", (json_int_t)n.policies, "rules",
                     (json_int_t)n.rules, "tiers", (json_int_t)n.tiers, "pods", (json_int_t)n.pods,
                     "namespaces", (json_int_t)n.namespaces);
}

static json_t *report_frames(const struct stats *st)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "received", (json_int_t)st->frames_received,
                     "forwarded", (json_int_t)st->frames_forwarded, "dropped",
                     (json_int_t)st->frames_dropped, "rejected", (json_int_t)st->frames_rejected,
                     "held", (json_int_t)st->frames_held, "bytes", (json_int_t)st->bytes_received,
                     "drops", reasons(st->drops));
}

static json_t *report_flow_counts(const struct stats *st, size_t flows)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "count", (json_int_t)flows, "opened",
                     (json_int_t)st->flows_opened, "governed", (json_int_t)st->flows_governed,
                     "refused", (json_int_t)st->flows_refused, "denied",
                     (json_int_t)st->flows_denied, "refusals", reasons(st->refusals));
}

json_t *report_status(struct engine *e)
{
    struct stats *st = calloc(1, sizeof(*st));
    struct l7_capture_stats capture = {.size = sizeof(capture)};
    struct logger_stats log = {0};
    size_t flows = 0;
    if (st == NULL)
        return NULL;
    bool all = engine_stats(e, st, &flows);
    for (size_t i = 0; i < e->worker_count; i++)
        all = worker_ask(e->workers[i], add_capture, &capture) && all;
    if (e->logger != NULL)
        logger_stats(e->logger, &log);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t uptime = (int64_t)now.tv_sec - (int64_t)(e->started_ns / 1000000000ull);
    json_t *out = json_pack(
        "{sssisIsIsIsIsosIso*so*s{sIsI}sIsIsIs{sIsIsI}s{sIsIsIsIsI}}", "version", L7_VERSION, "pid",
        (int)getpid(), "uptime", (json_int_t)(uptime > 0 ? uptime : 0), "generation",
        (json_int_t)e->generation, "reloads", (json_int_t)e->reloads, "reloads_failed",
        (json_int_t)e->reloads_failed, "policies", report_policy_counts(e->snapshot), "workers",
        (json_int_t)e->worker_count, "frames", report_frames(st), "flows",
        report_flow_counts(st, flows), "transactions", "allowed",
        (json_int_t)st->transactions_allowed, "refused", (json_int_t)st->transactions_refused,
        "streamed", (json_int_t)st->streamed, "resets_sent", (json_int_t)st->resets_sent,
        "unreachables_sent", (json_int_t)st->unreachables_sent, "records", "put",
        (json_int_t)log.put, "lost", (json_int_t)log.lost, "failed", (json_int_t)log.failed,
        "capture", "received", (json_int_t)capture.received, "lost", (json_int_t)capture.lost,
        "forwarded", (json_int_t)capture.forwarded, "injected", (json_int_t)capture.injected,
        "send_errors", (json_int_t)capture.send_errors);
    free(st);
    if (out != NULL && !all)
        json_object_set_new(out, "incomplete", json_true());
    return out;
}

/* ---- plugins ---- */

static json_t *report_fields(const struct l7_inspector *in)
{
    static const char *const kinds[] = {
        [L7_MATCH_EXACT] = "exact",
        [L7_MATCH_GLOB] = "pattern",
        [L7_MATCH_ENUM] = "one of",
        [L7_MATCH_NUMBER] = "number",
    };
    json_t *out = json_array();
    for (size_t i = 0; i < in->field_count; i++) {
        const struct l7_field *f = &in->fields[i];
        json_t *one =
            json_pack("{s:o,s:s,s:b,s:o}", "name", text(f->name), "match",
                      f->match <= L7_MATCH_NUMBER && f->match > 0 ? kinds[f->match] : "?",
                      "ignores_case", (f->flags & L7_FIELD_NOCASE) != 0, "help", text(f->help));
        json_t *values = json_array();
        for (size_t v = 0; v < f->value_count; v++)
            json_array_append_new(values, text(f->values[v]));
        json_object_set_new(one, "values", values);
        json_array_append_new(out, one);
    }
    return out;
}

static json_t *report_attrs(const struct l7_inspector *in)
{
    json_t *out = json_array();
    for (size_t i = 0; i < in->attr_count; i++)
        json_array_append_new(out, json_pack("{s:o,s:o}", "name", text(in->attrs[i].name), "help",
                                             text(in->attrs[i].help)));
    return out;
}

static json_t *report_options(const struct l7_plugin *p)
{
    json_t *out = json_array();
    for (size_t i = 0; i < p->option_count; i++)
        json_array_append_new(out, json_pack("{s:o,s:o,s:o}", "key", text(p->options[i].key),
                                             "default", text(p->options[i].fallback), "help",
                                             text(p->options[i].help)));
    return out;
}

json_t *report_plugins(const struct registry *r)
{
    static const char *const kinds[] = {
        [L7_KIND_CAPTURE] = "capture",
        [L7_KIND_INSPECTOR] = "inspector",
        [L7_KIND_LOG] = "log",
    };
    json_t *out = json_array();
    for (size_t i = 0; i < registry_count(r); i++) {
        const struct plugin *p = registry_at(r, i);
        json_t *one = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "kind", kinds[p->desc->kind], "name",
                                text(p->desc->name), "version", text(p->desc->version), "summary",
                                text(p->desc->summary), "path", text(p->path), "options",
                                report_options(p->desc));
        if (p->inspector != NULL) {
            json_object_set_new(one, "keyword", text(p->inspector->keyword));
            json_object_set_new(one, "fields", report_fields(p->inspector));
            json_object_set_new(one, "attrs", report_attrs(p->inspector));
            json_object_set_new(one, "example", text(p->inspector->example_help));
        }
        json_array_append_new(out, one);
    }
    return out;
}

/* ---- policies ---- */

struct hits {
    const struct snapshot *snapshot;
    uint64_t *counts;
    size_t count;
};

static void add_hits(struct worker *w, void *arg)
{
    struct hits *h = arg;
    if (w->snapshot != h->snapshot || w->hits == NULL)
        return;
    for (size_t i = 0; i < h->count; i++)
        h->counts[i] += w->hits[i];
}

static json_t *report_rule(const struct rule *r, uint64_t hits)
{
    return json_pack("{s:s,s:o,s:I,s:f,s:o,s:o,s:s,s:o,s:i,s:I,s:s,s:b,s:I,s:o,s:i,s:I}",
                     "direction", direction_name(r->direction), "tier", text(r->tier),
                     "tierPriority", (json_int_t)r->tier_priority, "priority", r->priority,
                     "policy", text(r->policy), "namespace", text(r->namespace_), "kind",
                     r->policy_kind != NULL ? r->policy_kind : "", "rule", text(r->name), "index",
                     (int)r->index, "number", (json_int_t)r->number, "action",
                     action_name(r->action), "l7", r->l7, "l7Id", (json_int_t)r->l7_id, "file",
                     text(r->file), "line", r->line, "hits", (json_int_t)hits);
}

json_t *report_policies(struct engine *e)
{
    struct hits h = {.snapshot = e->snapshot, .count = snapshot_rule_count(e->snapshot)};
    h.counts = calloc(h.count > 0 ? h.count : 1, sizeof(*h.counts));
    if (h.counts == NULL)
        return NULL;
    for (size_t i = 0; i < e->worker_count; i++)
        (void)worker_ask(e->workers[i], add_hits, &h);
    json_t *out = json_array();
    for (size_t i = 0; i < h.count; i++) {
        const struct rule *r = snapshot_rule(e->snapshot, i);
        json_array_append_new(out, report_rule(r, h.counts[r->number]));
    }
    free(h.counts);
    return out;
}

/* ---- problems ---- */

json_t *report_problems(const struct problems *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct problem *p = &list->list[i];
        char line[4096];
        problem_format(p, line, sizeof(line));
        json_array_append_new(out, json_pack("{s:s,s:o,s:i,s:i,s:o,s:o,s:o}", "level",
                                             p->level == PROBLEM_ERROR ? "error" : "warning",
                                             "file", text(p->file), "line", p->line, "column",
                                             p->column, "field", text(p->field), "text",
                                             text(p->text), "message", text(line)));
    }
    return out;
}
