/* SPDX-License-Identifier: Apache-2.0 */
/* order: in which order rules are asked, and the ids of those with an L7 part. [ORD-6..8]
 * [VLAN-1] [VLAN-2] */

#include <stdlib.h>
#include <string.h>
#include "policy/load.h"

#define L7_ID_MAX 4094

/* Among tied rules the restrictive go first [ORD-8]. */
static int tie_class(const struct compiled *c)
{
    switch (c->rule.action) {
    case ACTION_DROP:
        return 0;
    case ACTION_REJECT:
        return 1;
    case ACTION_ALLOW:
        return c->rule.l7 ? 2 : 4;
    default:
        return 3;
    }
}

static int compare_int(long long a, long long b)
{
    return (a > b) - (a < b);
}

/* Direction, layer, tier, priority, index [ORD-6]; equal for tied rules. Egress comes first. */
static int rank_compare(const struct compiled *x, const struct compiled *y)
{
    int order = compare_int(y->rule.direction, x->rule.direction);
    if (!order)
        order = compare_int(x->layer, y->layer);
    if (!order)
        order = compare_int(x->rule.tier_priority, y->rule.tier_priority);
    if (!order)
        order = (x->rule.priority > y->rule.priority) - (x->rule.priority < y->rule.priority);
    return order ? order : compare_int(x->rule.index, y->rule.index);
}

static int text_compare(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int rule_compare(const void *a, const void *b)
{
    const struct compiled *x = *(const struct compiled *const *)a;
    const struct compiled *y = *(const struct compiled *const *)b;
    int order = rank_compare(x, y);
    if (!order)
        order = compare_int(tie_class(x), tie_class(y));
    if (!order)
        order = compare_int(y->cluster, x->cluster);
    if (!order)
        order = text_compare(x->rule.namespace_, y->rule.namespace_);
    return order ? order : strcmp(x->rule.policy, y->rule.policy);
}

static bool may_overlap(const struct compiled *x, const struct compiled *y)
{
    return x->cluster || y->cluster || strcmp(x->rule.namespace_, y->rule.namespace_) == 0;
}

/* One warning for each rank at which rules of different action meet. Tied rules are neighbours
 * now, ordered by what they do, so comparing each with the first of its kind before it is enough
 * to find one pair. */
static void ties_warn(struct load *l)
{
    for (size_t i = 0; i + 1 < l->rule_count;) {
        size_t end = i + 1;
        bool told = l->rules[i]->layer == LAYER_KUBERNETES;
        while (end < l->rule_count && rank_compare(l->rules[i], l->rules[end]) == 0)
            end++;
        for (size_t k = i + 1; k < end && !told; k++) {
            const struct compiled *x = l->rules[k - 1], *y = l->rules[k], *first = l->rules[i];
            if (tie_class(first) == tie_class(y))
                continue;
            if (!may_overlap(x, y) || tie_class(x) == tie_class(y))
                x = first;
            if (!may_overlap(x, y))
                continue;
            told = true;
            if (load_may_warn(l))
                problem_add(l->problems, PROBLEM_WARNING,
                            (struct place){.file = y->rule.file, .line = y->rule.line},
                            "rule %s of %s ties with %s of %s: same tier, priority and index; "
                            "the stricter one goes first",
                            y->rule.name, y->rule.policy_ref, x->rule.name, x->rule.policy_ref);
        }
        i = end;
    }
}

static int slot_compare(const void *a, const void *b)
{
    const struct l7_slot *x = a, *y = b;
    int order = (x->content[0] > y->content[0]) - (x->content[0] < y->content[0]);
    return order ? order : (x->content[1] > y->content[1]) - (x->content[1] < y->content[1]);
}

static const struct l7_slot *slot_before(const struct snapshot *before, const struct compiled *c)
{
    struct l7_slot key = {.content = {c->content[0], c->content[1]}};
    return before && before->l7_count
               ? bsearch(&key, before->l7, before->l7_count, sizeof key, slot_compare)
               : NULL;
}

/* The next id that is free: not of a rule, and if possible not of one of the set before. */
static uint32_t id_next(const bool *taken, const bool *released, uint32_t last)
{
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 1; i <= L7_ID_MAX; i++) {
            uint32_t id = (last + i - 1) % L7_ID_MAX + 1;
            if (!taken[id] && (pass || !released[id]))
                return id;
        }
    }
    return 0;
}

static void ids_give(struct load *l)
{
    const struct snapshot *before = l->source->previous;
    struct snapshot *s = l->snapshot;
    bool taken[L7_ID_MAX + 1] = {false}, released[L7_ID_MAX + 1] = {false};
    size_t count = 0;
    for (size_t i = 0; i < l->rule_count; i++)
        count += l->rules[i]->rule.l7;
    if (count > L7_ID_MAX) {
        problem_add(l->problems, PROBLEM_ERROR, (struct place){.file = l->source->dir},
                    "%zu rules have l7Protocols; %d are possible", count, L7_ID_MAX);
        return;
    }
    s->l7_last = before ? before->l7_last : 0;
    s->l7 = arena_array(&s->arena, count, sizeof *s->l7);
    for (size_t i = 0; before && i < before->l7_count; i++)
        released[before->l7[i].id] = true;
    for (size_t i = 0; i < l->rule_count; i++) {
        const struct l7_slot *old = slot_before(before, l->rules[i]);
        if (l->rules[i]->rule.l7 && old && !taken[old->id]) {
            l->rules[i]->rule.l7_id = old->id;
            taken[old->id] = true;
        }
    }
    for (size_t i = 0; i < l->rule_count; i++) {
        struct compiled *c = l->rules[i];
        if (!c->rule.l7)
            continue;
        if (!c->rule.l7_id) {
            c->rule.l7_id = s->l7_last = id_next(taken, released, s->l7_last);
            taken[c->rule.l7_id] = true;
        }
        s->l7[s->l7_count++] = (struct l7_slot){{c->content[0], c->content[1]}, c->rule.l7_id};
    }
    if (s->l7_count)
        qsort(s->l7, s->l7_count, sizeof *s->l7, slot_compare);
}

void rules_order(struct load *l)
{
    struct snapshot *s = l->snapshot;
    if (l->rule_count)
        qsort(l->rules, l->rule_count, sizeof(struct compiled *), rule_compare);
    ties_warn(l);
    ids_give(l);
    for (size_t i = 0; i < l->rule_count; i++)
        l->rules[i]->rule.number = i;
    s->rules = arena_copy_bytes(&s->arena, l->rules, l->rule_count * sizeof(struct compiled *));
    s->rule_count = l->rule_count;
    s->counts.rules = l->rule_count;
    s->counts.policies = l->policy_count;
}
