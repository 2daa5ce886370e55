/* SPDX-License-Identifier: Apache-2.0 */
/* explain: the order of evaluation in docs/policy.md [ORD-1], [ORD-2], [L7-38], with
 * the steps told. */
#include "engine/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/explain_own.h"
#include "engine/tx.h"

#define STEPS_MAX 1000 /* told of; the verdict does not depend on it */
#define PROTO_TCP 6

struct explainer {
    const struct registry *registry;
    const struct settings *settings;
    struct snapshot *snapshot;
    struct raw *raw; /* made when first needed */
    bool steps;
};

struct explainer *explain_new(const struct registry *registry, struct snapshot *snapshot,
                              const struct settings *settings, bool steps)
{
    struct explainer *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return NULL;
    x->registry = registry;
    x->settings = settings;
    x->snapshot = snapshot_ref(snapshot);
    x->steps = steps;
    return x;
}

void explain_free(struct explainer *x)
{
    if (x == NULL)
        return;
    raw_free(x->raw);
    snapshot_unref(x->snapshot);
    free(x);
}

const struct registry *explain_registry(const struct explainer *x)
{
    return x->registry;
}

/* ---- steps ---- */

static json_t *text(const char *s)
{
    json_t *j = s != NULL ? json_string(s) : NULL;
    return j != NULL ? j : json_null();
}

static void add_step(json_t *steps, int layer, const char *direction, const struct rule *rule,
                     bool matched, const char *why)
{
    json_t *one = json_pack("{s:i,s:s,s:b,s:o}", "layer", layer, "direction", direction, "matched",
                            matched, "why", text(why));
    if (one == NULL)
        return;
    json_object_set_new(one, "policy", text(rule != NULL ? rule->policy : NULL));
    json_object_set_new(one, "namespace", text(rule != NULL ? rule->namespace_ : NULL));
    json_object_set_new(one, "rule", text(rule != NULL ? rule->name : NULL));
    json_object_set_new(one, "tier", text(rule != NULL ? rule->tier : NULL));
    json_object_set_new(one, "action", text(rule != NULL ? action_name(rule->action) : NULL));
    json_array_append_new(steps, one);
}

static void add_note(json_t *steps, const char *note)
{
    if (note[0] != '\0')
        json_array_append_new(steps, json_pack("{s:o}", "note", text(note)));
}

static void on_step(void *ctx, enum direction direction, const struct rule *rule, bool matched,
                    const char *why)
{
    json_t *steps = ctx;
    size_t count = json_array_size(steps);
    if (count < STEPS_MAX || matched)
        add_step(steps, 4, direction_name(direction), rule, matched, why);
    else if (count == STEPS_MAX)
        add_note(steps, "more rules were looked at and did not match");
}

static void tell_decision(json_t *steps, enum direction direction, const struct answer *a)
{
    if (a->rule != NULL)
        add_step(steps, 4, direction_name(direction), a->rule, true, "decides");
}

/* ---- the answer ---- */

static void finish(struct explain_end *end, const char *verdict, const struct rule *rule,
                   const char *reason)
{
    *end = (struct explain_end){.verdict = verdict, .rule = rule};
    snprintf(end->reason, sizeof(end->reason), "%s", reason);
}

static json_t *answer(const struct explain_end *end, json_t *steps)
{
    const struct rule *r = end->rule;
    const char *direction = r != NULL ? direction_name(r->direction) : end->direction;
    return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "verdict", end->verdict, "policy",
                     text(r != NULL ? r->policy : NULL), "namespace",
                     text(r != NULL ? r->namespace_ : NULL), "rule",
                     text(r != NULL ? r->name : NULL), "tier", text(r != NULL ? r->tier : NULL),
                     "direction", text(direction), "reason", text(end->reason), "steps", steps);
}

static bool denies(const struct answer *a)
{
    return a->action == ACTION_DROP || a->action == ACTION_REJECT;
}

static const struct rule *governing(const struct answer *a)
{
    return a->rule != NULL && a->action == ACTION_ALLOW && a->rule->l7 ? a->rule : NULL;
}

/* ---- words ---- */

/* Names are field names, values go out as they are. */
static int plain_example(const struct plugin *p, const struct explain_question *q, struct tx *tx,
                         struct l7_text *note)
{
    const struct l7_inspector *in = p->inspector;
    for (size_t i = 0; i < q->pair_count; i++) {
        const struct l7_pair *pair = &q->pairs[i];
        size_t field = 0;
        bool alone = pair->name[0] == '\0' && in->field_count == 1;
        while (!alone && field < in->field_count && strcmp(in->fields[field].name, pair->name) != 0)
            field++;
        if (field == in->field_count) {
            int n = snprintf(note->ptr, note->cap, "%s has no field \"%.64s\"", in->keyword,
                             pair->name);
            note->len = n > 0 && (size_t)n < note->cap ? (size_t)n : 0;
            return -EINVAL;
        }
        if (pair->value.ptr == NULL)
            continue;
        struct l7_field_value value = {.forms = &pair->value, .form_count = 1};
        p->host->tx_field((struct l7_tx *)(void *)tx, (unsigned)field, &value);
    }
    return 0;
}

/* All fields are there: does the rule, if there is one, fit? */
static bool tell_fit(json_t *steps, const struct rule *rule, const struct plugin *p,
                     const struct tx *tx)
{
    char why[512] = "fits";
    if (rule == NULL)
        return true;
    size_t fields = p->inspector->field_count;
    bool fits = rule_fit(rule, p->keyword_id, tx->fields, fields, true) == FIT_YES;
    if (!fits)
        rule_fit_why(rule, p->keyword_id, p->inspector, tx->fields, fields, why, sizeof(why));
    add_step(steps, 7, direction_name(rule->direction), rule, fits, why);
    return fits;
}

/* Both rules have to fit, egress is asked first [L7-37] [L7-38]. False: `error` is set. */
static bool judge_words(const struct explain_question *q, const struct rule *egress,
                        const struct rule *ingress, const struct rule *allowed, json_t *steps,
                        struct explain_end *end, char *error)
{
    const struct plugin *p = q->inspector;
    char room[257] = "";
    struct l7_text note = {.ptr = room, .cap = sizeof(room) - 1};
    struct tx *tx = tx_new(p, egress, ingress);
    if (tx == NULL) {
        snprintf(error, EXPLAIN_ERROR_MAX, "out of memory");
        return false;
    }
    struct l7_tx *handle = (struct l7_tx *)(void *)tx;
    int err = p->inspector->example != NULL
                  ? p->inspector->example(p->self, q->pairs, q->pair_count, handle, &note)
                  : plain_example(p, q, tx, &note);
    room[note.len < note.cap ? note.len : note.cap] = '\0';
    if (err < 0 && err != -EBADMSG) {
        snprintf(error, EXPLAIN_ERROR_MAX, "%s: %s", p->inspector->keyword,
                 room[0] != '\0' ? room : strerror(-err));
    } else if (err < 0) {
        /* Such bytes would be refused as malformed [L7-24]. */
        finish(end, "reject", egress != NULL ? egress : ingress,
               room[0] != '\0' ? room : "malformed");
    } else {
        bool allow = p->host->tx_decide(handle) == L7_JUDGEMENT_ALLOW;
        bool egress_fits = tell_fit(steps, egress, p, tx);
        allow = tell_fit(steps, ingress, p, tx) && egress_fits && allow;
        add_note(steps, room);
        if (allow)
            finish(end, "allow", allowed, "matched");
        else
            finish(end, "reject", egress_fits && ingress != NULL ? ingress : egress, "no-match");
    }
    tx_free(tx);
    return err >= 0 || err == -EBADMSG;
}

/* ---- a connection that L7 rules govern ---- */

static bool judge_said(struct explainer *x, const struct explain_question *q,
                       const struct rule *egress, const struct rule *ingress,
                       const struct rule *allowed, json_t *steps, struct explain_end *end,
                       char *error)
{
    const struct rule *first = egress != NULL ? egress : ingress;
    if (q->tuple.proto != PROTO_TCP) {
        finish(end, "drop", first, "not-tcp"); /* [L7-35] */
    } else if (q->said == EXPLAIN_NOTHING) {
        finish(end, "allow", allowed, "handshake forwarded, payload to be judged"); /* [L7-27] */
    } else if (q->said == EXPLAIN_OTHER) {
        finish(end, "reject", first, "unclaimed"); /* [L7-24] */
    } else if (q->said == EXPLAIN_WORDS) {
        return judge_words(q, egress, ingress, allowed, steps, end, error);
    } else {
        char note[160] = "";
        if (x->raw == NULL)
            x->raw = raw_new(x->registry, x->snapshot, x->settings);
        if (x->raw == NULL || !raw_judge(x->raw, &q->tuple, q->raw, egress, ingress, allowed, end,
                                         note, sizeof(note))) {
            snprintf(error, EXPLAIN_ERROR_MAX, "out of memory");
            return false;
        }
        add_note(steps, note);
    }
    return true;
}

json_t *explain(struct explainer *x, const struct explain_question *q, char *error)
{
    struct decision d;
    struct explain_end end = {0};
    json_t *steps = json_array();
    if (x->steps) {
        policy_trace(x->snapshot, &q->tuple, &d, on_step, steps);
    } else {
        policy_classify(x->snapshot, &q->tuple, &d);
        tell_decision(steps, DIRECTION_EGRESS, &d.egress);
        tell_decision(steps, DIRECTION_INGRESS, &d.ingress);
    }
    /* A denial of egress is reported before one of ingress [ORD-1]; of an allow the ingress match
     * is reported if there is one. */
    const struct answer *denial = denies(&d.egress)    ? &d.egress
                                  : denies(&d.ingress) ? &d.ingress
                                                       : NULL;
    const struct rule *allowed = d.ingress.rule != NULL ? d.ingress.rule : d.egress.rule;
    const struct rule *egress = governing(&d.egress), *ingress = governing(&d.ingress);
    bool fine = true;
    if (denial != NULL) {
        finish(&end, denial->action == ACTION_REJECT ? "reject" : "drop", denial->rule,
               denial->rule != NULL ? "matched" : "isolation");
        end.direction = direction_name(denial == &d.egress ? DIRECTION_EGRESS : DIRECTION_INGRESS);
    } else if (egress != NULL || ingress != NULL) {
        fine = judge_said(x, q, egress, ingress, allowed, steps, &end, error);
    } else {
        finish(&end, "allow", allowed, allowed != NULL ? "matched" : "no rule matched");
    }
    if (!fine) {
        json_decref(steps);
        return NULL;
    }
    json_t *out = answer(&end, steps);
    if (out == NULL)
        snprintf(error, EXPLAIN_ERROR_MAX, "out of memory");
    return out;
}
