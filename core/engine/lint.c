/* SPDX-License-Identifier: Apache-2.0 */
/* lint: looks at each distinct list of rules, since that is what an endpoint is asked by. */
#include "engine/lint.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "engine/cover.h"

/* What became of a rule in the lists looked at so far. */
struct fate {
    bool applies;                /* is in a list */
    bool lives;                  /* may decide in one */
    const struct compiled *over; /* what takes its traffic, in the first list */
};

struct looking {
    const struct snapshot *s;
    struct fate *fates;             /* by rule number */
    const struct rule_list **lists; /* each once */
    size_t list_count;
    uint64_t *ties; /* pairs of rule numbers, the later above */
    size_t tie_count, tie_cap;
    json_t *out;
    uint64_t pairs_left;
    bool cut;
};

/* ---- findings ---- */

static void put_rule(json_t *to, const struct rule *r)
{
    json_object_set_new(to, "policy", json_string(r->policy));
    json_object_set_new(to, "namespace",
                        r->namespace_ != NULL ? json_string(r->namespace_) : json_null());
    json_object_set_new(to, "rule", json_string(r->name));
    json_object_set_new(to, "direction", json_string(direction_name(r->direction)));
}

static void find(struct looking *k, const char *kind, json_t *message, const char *file, int line,
                 json_t *more)
{
    if (json_array_size(k->out) >= LINT_FINDINGS_MAX) {
        k->cut = true;
        json_decref(message);
        json_decref(more);
        return;
    }
    json_t *one = json_pack("{s:s,s:o}", "kind", kind, "message",
                            message != NULL ? message : json_string("cannot be told in UTF-8"));
    json_t *where = file != NULL ? json_string(file) : NULL;
    json_object_set_new(one, "file", where != NULL ? where : json_null());
    json_object_set_new(one, "line", json_integer(line));
    json_object_update(one, more);
    json_decref(more);
    json_array_append_new(k->out, one);
}

static void find_rule(struct looking *k, const char *kind, const struct compiled *c,
                      const struct compiled *by, json_t *message)
{
    json_t *more = json_object();
    put_rule(more, &c->rule);
    if (by != NULL) {
        json_t *other = json_object();
        put_rule(other, &by->rule);
        json_object_set_new(more, "by", other);
    }
    find(k, kind, message, c->rule.file, c->rule.line, more);
}

/* ---- lists ---- */

static int pointer_compare(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (void *const *)a, y = (uintptr_t) * (void *const *)b;
    return (x > y) - (x < y);
}

static bool lists_collect(struct looking *k)
{
    const struct snapshot *s = k->s;
    size_t count = 0, kept = 0;
    k->lists = calloc(s->endpoint_count * 2 + s->node_port_count + 1, sizeof(struct rule_list *));
    if (k->lists == NULL)
        return false;
    for (size_t i = 0; i < s->endpoint_count * 2; i++)
        if (s->endpoints[i / 2].lists[i % 2] != NULL)
            k->lists[count++] = s->endpoints[i / 2].lists[i % 2];
    for (size_t i = 0; i < s->node_port_count; i++)
        k->lists[count++] = s->node_ports[i].list;
    if (count > 0)
        qsort(k->lists, count, sizeof(struct rule_list *), pointer_compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || k->lists[kept - 1] != k->lists[i])
            k->lists[kept++] = k->lists[i];
    k->list_count = kept;
    return true;
}

static int number_compare(const void *a, const void *b)
{
    const struct compiled *const *x = a, *const *y = b;
    return (*x)->rule.number < (*y)->rule.number ? -1 : *x != *y;
}

/* A list with those that are asked beside it, in order. False: no memory; to be freed otherwise. */
static bool list_whole(const struct rule_list *list, struct rule_list *out)
{
    size_t count = list->count;
    for (unsigned i = 0; i < list->shared_count; i++)
        count += list->shared[i]->count;
    *out = (struct rule_list){.isolated = list->isolated};
    out->rules = malloc((count + 1) * sizeof(struct compiled *));
    if (out->rules == NULL)
        return false;
    for (unsigned i = 0; i <= list->shared_count; i++) {
        const struct rule_list *part = i == 0 ? list : list->shared[i - 1];
        for (size_t k = 0; k < part->count; k++)
            out->rules[out->count++] = part->rules[k];
    }
    if (out->count > 0)
        qsort(out->rules, out->count, sizeof(struct compiled *), number_compare);
    return true;
}

/* May `earlier` keep `later` from being asked? A Pass leads to the next layer, past the rest of its
 * own [ORD-5]; KNP rules of one layer are a union [KNP-4]. */
static bool stands_before(const struct compiled *earlier, const struct compiled *later)
{
    if (earlier->rule.action == ACTION_PASS)
        return earlier->layer == later->layer;
    return earlier->layer != LAYER_KUBERNETES || later->layer != LAYER_KUBERNETES;
}

/* Does a Pass in front of rule `j` keep it from taking all that `c` would match? In the layer of
 * both, if it leads past `j` whenever that matches; from one layer to the next, if any of the
 * traffic of `c` gets there by it [ORD-5]. */
static bool is_passed(struct looking *k, const struct rule_list *list, size_t j,
                      const struct compiled *c)
{
    const struct compiled *over = list->rules[j];
    for (size_t i = 0; i < j && k->pairs_left > 0; i++) {
        const struct compiled *pass = list->rules[i];
        k->pairs_left--;
        if (pass->rule.action != ACTION_PASS || pass->layer != over->layer)
            continue;
        if (over->layer == c->layer ? rule_covers(pass, over) : !rules_apart(pass, c))
            return true;
    }
    return false;
}

/* NULL: nobody takes all of the traffic of rule `i`. */
static const struct compiled *shadow_of(struct looking *k, const struct rule_list *list, size_t i)
{
    const struct compiled *c = list->rules[i];
    for (size_t j = 0; j < i; j++) {
        if (k->pairs_left == 0) {
            k->cut = true;
            return NULL;
        }
        k->pairs_left--;
        if (stands_before(list->rules[j], c) && rule_covers(list->rules[j], c) &&
            !is_passed(k, list, j, c))
            return list->rules[j];
    }
    return NULL;
}

static void list_shadows(struct looking *k, const struct rule_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct fate *f = &k->fates[list->rules[i]->rule.number];
        bool isolated = list->isolated && list->rules[i]->layer == LAYER_BASELINE; /* [ORD-4] */
        f->applies = true;
        if (rule_is_empty(list->rules[i])) /* its entries are told of */
            f->lives = true;
        if (f->lives || isolated)
            continue;
        const struct compiled *over = shadow_of(k, list, i);
        f->lives = over == NULL;
        if (f->over == NULL)
            f->over = over;
    }
}

static bool same_rank(const struct compiled *a, const struct compiled *b)
{
    return a->layer == b->layer && a->layer != LAYER_KUBERNETES &&
           a->rule.tier_priority == b->rule.tier_priority &&
           !(a->rule.priority < b->rule.priority) && !(a->rule.priority > b->rule.priority) &&
           a->rule.index == b->rule.index;
}

static void tie_note(struct looking *k, const struct compiled *a, const struct compiled *b)
{
    if (k->tie_count == LINT_FINDINGS_MAX * 8) {
        k->cut = true;
        return;
    }
    if (k->tie_count == k->tie_cap) {
        size_t cap = k->tie_cap == 0 ? 64 : k->tie_cap * 2;
        uint64_t *list = realloc(k->ties, cap * sizeof(*list));
        if (list == NULL) {
            k->cut = true;
            return;
        }
        k->ties = list;
        k->tie_cap = cap;
    }
    k->ties[k->tie_count++] = (uint64_t)b->rule.number << 32 | a->rule.number;
}

static void list_ties(struct looking *k, const struct rule_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct compiled *a = list->rules[i];
        for (size_t j = i + 1; j < list->count && same_rank(a, list->rules[j]); j++) {
            const struct compiled *b = list->rules[j];
            if (k->pairs_left == 0) {
                k->cut = true;
                return;
            }
            k->pairs_left--;
            bool differ = a->rule.action != b->rule.action || a->rule.l7 || b->rule.l7;
            if (differ && !rules_apart(a, b))
                tie_note(k, a, b);
        }
    }
}

/* ---- telling ---- */

static void tell_shadows(struct looking *k)
{
    for (size_t i = 0; i < k->s->rule_count; i++) {
        const struct compiled *c = k->s->rules[i];
        const struct fate *f = &k->fates[i];
        const struct rule *r = &c->rule;
        if (!f->applies || f->lives)
            continue;
        if (f->over == NULL)
            find_rule(k, "unreachable", c, NULL,
                      json_sprintf("rule %s of %s is never asked: a NetworkPolicy of Kubernetes "
                                   "isolates all it applies to",
                                   r->name, r->policy_ref));
        else
            find_rule(k, "shadowed", c, f->over,
                      json_sprintf("rule %s of %s never decides: %s of %s takes all of its traffic",
                                   r->name, r->policy_ref, f->over->rule.name,
                                   f->over->rule.policy_ref));
    }
}

static int tie_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void tell_ties(struct looking *k)
{
    if (k->tie_count > 0)
        qsort(k->ties, k->tie_count, sizeof(*k->ties), tie_compare);
    for (size_t i = 0; i < k->tie_count; i++) {
        const struct compiled *a = k->s->rules[(uint32_t)k->ties[i]];
        const struct compiled *b = k->s->rules[k->ties[i] >> 32];
        if (i > 0 && k->ties[i] == k->ties[i - 1])
            continue;
        find_rule(k, "tie", b, a,
                  json_sprintf("rule %s of %s has the tier, priority and index of %s of %s, which "
                               "is asked first because it is stricter or by its name",
                               b->rule.name, b->rule.policy_ref, a->rule.name, a->rule.policy_ref));
    }
}

static void tell_remarks(struct looking *k)
{
    for (size_t i = 0; i < k->s->remark_count; i++) {
        const struct remark *r = &k->s->remarks[i];
        bool empty = r->kind == REMARK_EMPTY;
        json_t *more = json_object();
        json_t *field = json_string(r->field);
        json_object_set_new(more, "column", json_integer(r->column));
        json_object_set_new(more, "field", field != NULL ? field : json_null());
        find(k, empty ? "selects-nothing" : "pattern",
             json_sprintf(empty ? "%s: %s selects nothing" : "%s: %s", r->field, r->text), r->file,
             r->line, more);
    }
    k->cut |= k->s->remarks_unkept > 0;
}

json_t *lint(const struct snapshot *s)
{
    struct looking k = {.s = s, .out = json_array(), .pairs_left = LINT_PAIRS_MAX};
    k.fates = calloc(s->rule_count + 1, sizeof(*k.fates));
    if (k.out == NULL || k.fates == NULL || !lists_collect(&k)) {
        json_decref(k.out);
        k.out = NULL;
    } else {
        for (size_t i = 0; i < k.list_count; i++) {
            struct rule_list whole;
            if (!list_whole(k.lists[i], &whole)) {
                json_decref(k.out);
                k.out = NULL;
                break;
            }
            list_shadows(&k, &whole);
            list_ties(&k, &whole);
            free(whole.rules);
        }
    }
    if (k.out != NULL) {
        tell_shadows(&k);
        tell_ties(&k);
        tell_remarks(&k);
        if (k.cut)
            json_array_append_new(k.out, json_pack("{s:s,s:s,s:n,s:i}", "kind", "more", "message",
                                                   "there is more than was looked at or is told",
                                                   "file", "line", 0));
    }
    free(k.fates);
    free(k.lists);
    free(k.ties);
    return k.out;
}

void lint_render(const json_t *findings, FILE *to)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *one = json_array_get(findings, i);
        const char *file = json_string_value(json_object_get(one, "file"));
        if (file != NULL)
            fprintf(to, "%s:%lld", file,
                    (long long)json_integer_value(json_object_get(one, "line")));
        if (json_object_get(one, "column") != NULL)
            fprintf(to, ":%lld", (long long)json_integer_value(json_object_get(one, "column")));
        fprintf(to, "%s%s\n", file != NULL ? ": " : "",
                json_string_value(json_object_get(one, "message")));
    }
    if (json_array_size(findings) == 0)
        fputs("nothing to remark\n", to);
}
