/* SPDX-License-Identifier: Apache-2.0 */
/* compile: for each local endpoint and direction the rules that apply to it, in order. Lists are
 * shared, since most Pods have the list of many others. */

#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "policy/content.h"
#include "policy/filter.h"
#include "policy/load.h"

/* Rules; sets with fewer have no list of their own. */
#define SHARE_FROM 32

/* Lists by the hash of their content. */
struct lists {
    struct rule_list **slots;
    size_t slot_count;
    struct filter_room *room;
    struct share *shares; /* sorted by address of the set */
    size_t share_count;
    const struct compiled **own; /* rules that no share has */
    size_t own_count;
};

static uint64_t list_hash(const struct rule_list *list)
{
    uint64_t h = 14695981039346656037u + list->isolated;
    for (size_t i = 0; i < list->count; i++)
        h = (h ^ list->rules[i]->rule.number) * 1099511628211u;
    return h ^ h >> 31;
}

static bool list_equal(const struct rule_list *x, const struct rule_list *y)
{
    return x->count == y->count && x->isolated == y->isolated &&
           x->shared_count == y->shared_count &&
           memcmp(x->shared, y->shared, sizeof x->shared) == 0 &&
           (!x->count || memcmp(x->rules, y->rules, x->count * sizeof *x->rules) == 0);
}

/* The list equal to `draft` that is there already, or a copy of it. */
static const struct rule_list *lists_share(struct load *l, struct lists *lists,
                                           const struct rule_list *draft)
{
    size_t slot = list_hash(draft) & (lists->slot_count - 1);
    for (struct rule_list *at = lists->slots[slot]; at; at = at->next)
        if (list_equal(at, draft))
            return at;
    struct rule_list *list = arena_alloc(&l->snapshot->arena, sizeof *list);
    *list = *draft;
    list->rules =
        arena_copy_bytes(&l->snapshot->arena, draft->rules, draft->count * sizeof *draft->rules);
    struct glance *glances = arena_array(&l->snapshot->arena, list->count, sizeof *glances);
    for (size_t i = 0; i < list->count; i++)
        glance_make(list->rules[i], &glances[i]);
    list->glances = glances;
    if (list->count >= FILTER_FROM)
        list->filter =
            filter_new(&l->snapshot->arena, lists->room, l->snapshot->endpoint_count, list);
    list->next = lists->slots[slot];
    lists->slots[slot] = list;
    return list;
}

/* Where the layers of a finished list begin. */
static void list_layers(struct rule_list *list)
{
    list->kubernetes = list->baseline = 0;
    for (size_t i = 0; i < list->count; i++) {
        list->kubernetes += list->rules[i]->layer < LAYER_KUBERNETES;
        list->baseline += list->rules[i]->layer < LAYER_BASELINE;
    }
}

/* What decides an endpoint's lists: in which of the distinct appliedTo sets it is, and whether a
 * KNP covers it. Endpoints of equal signature have equal lists, so lists are made once for each
 * signature instead of once for each endpoint. */
struct signature {
    struct content content;
    size_t endpoint;
};

static int signature_compare(const void *a, const void *b)
{
    const struct signature *x = a, *y = b;
    int order = (x->content.a > y->content.a) - (x->content.a < y->content.a);
    return order ? order : (x->content.b > y->content.b) - (x->content.b < y->content.b);
}

static int set_compare(const void *a, const void *b)
{
    const struct bits *const *x = a, *const *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void signature_add(struct signature *list, const struct bits *set, size_t number)
{
    struct content mark = {number * UINT64_C(0x9e3779b97f4a7c15), number};
    mark = content_join(mark, mark);
    for (size_t w = 0; set && w < set->words; w++) {
        for (uint64_t left = set->list[w]; left; left &= left - 1) {
            struct signature *s = &list[w * 64 + (size_t)__builtin_ctzll(left)];
            s->content.a += mark.a;
            s->content.b += mark.b;
        }
    }
}

static struct signature *signatures(struct load *l)
{
    struct signature *list = arena_array(&l->scratch, l->snapshot->endpoint_count, sizeof *list);
    const struct bits **sets = arena_array(&l->scratch, l->rule_count + 2, sizeof(struct bits *));
    size_t count = 0;
    for (size_t i = 0; i < l->rule_count; i++)
        sets[count++] = l->rules[i]->applied;
    if (count)
        qsort(sets, count, sizeof(struct bits *), set_compare);
    for (size_t i = 0; i < l->snapshot->endpoint_count; i++)
        list[i].endpoint = i;
    for (size_t i = 0; i < count; i++)
        if (!i || sets[i] != sets[i - 1])
            signature_add(list, sets[i], i + 3);
    signature_add(list, l->isolated[0], 1);
    signature_add(list, l->isolated[1], 2);
    return list;
}

/* A set of endpoints that many rules apply to. */
struct share {
    const struct bits *set;
    size_t rules, weight;
    const struct rule_list *lists[2]; /* by direction */
};

static int share_compare(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->set < y->set ? -1 : x->set > y->set;
}

static int share_find(const void *key, const void *b)
{
    const struct bits *set = key;
    const struct share *y = b;
    return set < y->set ? -1 : set > y->set;
}

/* Count one list more at the endpoints of a set, unless one has too many already. */
static bool share_fits(const struct bits *set, uint8_t *had)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t w = 0; w < set->words; w++) {
            for (uint64_t left = set->list[w]; left; left &= left - 1) {
                uint8_t *n = &had[w * 64 + (size_t)__builtin_ctzll(left)];
                if (!pass && *n == SHARED_MAX)
                    return false;
                *n = (uint8_t)(*n + pass);
            }
        }
    }
    return true;
}

static size_t bits_count(const struct bits *b)
{
    size_t count = 0;
    for (size_t i = 0; i < b->words; i++)
        count += (size_t)__builtin_popcountll(b->list[i]);
    return count;
}

/* Sets worth a list of their own, sorted by address. What is in such a list would otherwise stand
 * once in the list of every kind of endpoint that has further rules. */
static size_t shares_choose(struct load *l, struct share *out)
{
    const struct bits **sets = arena_array(&l->scratch, l->rule_count, sizeof(struct bits *));
    uint8_t *had = arena_array(&l->scratch, l->snapshot->endpoint_count + 64, 1);
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < l->rule_count; i++)
        if (l->rules[i]->applied)
            sets[count++] = l->rules[i]->applied;
    if (count)
        qsort(sets, count, sizeof(struct bits *), set_compare);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && sets[end] == sets[i];)
            end++;
        if (end - i >= SHARE_FROM)
            out[kept++] =
                (struct share){sets[i], end - i, (end - i) * bits_count(sets[i]), {NULL, NULL}};
    }
    count = kept;
    kept = 0;
    if (count)
        qsort(out, count, sizeof *out, share_compare);
    for (size_t i = 0; i < count; i++)
        if (share_fits(out[i].set, had))
            out[kept++] = out[i];
    for (size_t i = 0; i < kept; i++)
        out[i].weight = 0; /* now the order of addresses */
    if (kept)
        qsort(out, kept, sizeof *out, share_compare);
    return kept;
}

static struct share *share_of(const struct lists *lists, const struct bits *set)
{
    return set && lists->share_count
               ? bsearch(set, lists->shares, lists->share_count, sizeof(struct share), share_find)
               : NULL;
}

static void shares_compile(struct load *l, struct lists *lists, struct rule_list drafts[2])
{
    lists->shares = arena_array(&l->scratch, l->rule_count / SHARE_FROM, sizeof(struct share));
    lists->share_count = shares_choose(l, lists->shares);
    lists->own = arena_array(&l->scratch, l->rule_count, sizeof(struct compiled *));
    size_t *starts = arena_array(&l->scratch, lists->share_count + 1, sizeof *starts);
    size_t total = 0;
    for (size_t i = 0; i < lists->share_count; i++) {
        starts[i] = total;
        total += lists->shares[i].rules;
    }
    const struct compiled **all = arena_array(&l->scratch, total, sizeof(struct compiled *));
    for (size_t i = 0; i < l->rule_count; i++) {
        const struct share *share = share_of(lists, l->rules[i]->applied);
        if (share)
            all[starts[share - lists->shares]++] = l->rules[i];
        else
            lists->own[lists->own_count++] = l->rules[i];
    }
    for (size_t i = 0; i < lists->share_count; i++) {
        struct share *share = &lists->shares[i];
        drafts[0].count = drafts[1].count = 0;
        for (size_t k = starts[i] - share->rules; k < starts[i]; k++) {
            struct rule_list *draft = &drafts[all[k]->rule.direction];
            draft->rules[draft->count++] = all[k];
        }
        for (int d = 0; d < 2; d++) {
            list_layers(&drafts[d]);
            share->lists[d] = drafts[d].count ? lists_share(l, lists, &drafts[d]) : NULL;
        }
    }
}

static void draft_shared(const struct lists *lists, size_t number, int direction,
                         struct rule_list *draft)
{
    memset(draft->shared, 0, sizeof draft->shared);
    draft->shared_count = 0;
    for (size_t i = 0; i < lists->share_count; i++)
        if (lists->shares[i].lists[direction] && bits_test(lists->shares[i].set, number))
            draft->shared[draft->shared_count++] = lists->shares[i].lists[direction];
}

static void endpoint_lists(struct load *l, struct lists *lists, size_t number,
                           struct rule_list drafts[2])
{
    struct endpoint *e = &l->snapshot->endpoints[number];
    for (int d = 0; d < 2; d++) {
        drafts[d].count = 0;
        drafts[d].isolated = bits_test(l->isolated[d], number);
        draft_shared(lists, number, d, &drafts[d]);
    }
    for (size_t i = 0; i < lists->own_count; i++) {
        const struct compiled *c = lists->own[i];
        struct rule_list *draft = &drafts[c->rule.direction];
        if (bits_test(c->applied, number))
            draft->rules[draft->count++] = c;
    }
    for (int d = 0; d < 2; d++) {
        list_layers(&drafts[d]);
        e->lists[d] = lists_share(l, lists, &drafts[d]);
    }
}

static void endpoints_compile(struct load *l, struct lists *lists, struct rule_list drafts[2])
{
    struct snapshot *s = l->snapshot;
    struct signature *list = signatures(l);
    const struct endpoint *like = NULL; /* the last one with lists of its own */
    if (s->endpoint_count)
        qsort(list, s->endpoint_count, sizeof *list, signature_compare);
    for (size_t i = 0; i < s->endpoint_count; i++) {
        struct endpoint *e = &s->endpoints[list[i].endpoint];
        if (i && signature_compare(&list[i - 1], &list[i]) != 0)
            like = NULL;
        if (!e->local)
            continue;
        if (like) {
            e->lists[0] = like->lists[0];
            e->lists[1] = like->lists[1];
        } else {
            endpoint_lists(l, lists, list[i].endpoint, drafts);
            like = e;
        }
    }
}

int service_match_compare(const void *a, const void *b)
{
    const struct service_match *x = a, *y = b;
    if (x->address.family != y->address.family)
        return x->address.family < y->address.family ? -1 : 1;
    int order = memcmp(x->address.bytes, y->address.bytes, x->address.family == 6 ? 16 : 4);
    if (!order)
        order = (x->proto > y->proto) - (x->proto < y->proto);
    return order ? order : (x->port > y->port) - (x->port < y->port);
}

struct applied_port {
    struct service_match match; /* first: compared as one */
    const struct compiled *rule;
};

static int applied_port_compare(const void *a, const void *b)
{
    const struct applied_port *x = a, *y = b;
    int order = service_match_compare(a, b);
    if (order)
        return order;
    return x->rule->rule.number < y->rule->rule.number ? -1 : x->rule != y->rule;
}

/* Rules applied to a Service, by Node address and nodePort [APT-8]. */
static void node_ports_compile(struct load *l, struct lists *lists, struct rule_list *draft)
{
    struct snapshot *s = l->snapshot;
    size_t total = 0, count = 0;
    for (size_t i = 0; i < l->rule_count; i++)
        total += l->rules[i]->node_count;
    if (!total)
        return;
    struct applied_port *all = arena_array(&l->scratch, total, sizeof *all);
    for (size_t i = 0; i < l->rule_count; i++)
        for (size_t k = 0; k < l->rules[i]->node_count; k++)
            all[count++] = (struct applied_port){l->rules[i]->nodes[k], l->rules[i]};
    qsort(all, count, sizeof *all, applied_port_compare);
    s->node_ports = arena_array(&s->arena, count, sizeof *s->node_ports);
    *draft = (struct rule_list){.rules = draft->rules};
    for (size_t i = 0, end; i < count; i = end) {
        draft->count = 0;
        for (end = i; end < count && service_match_compare(&all[i], &all[end]) == 0; end++)
            if (end == i || all[end].rule != all[end - 1].rule)
                draft->rules[draft->count++] = all[end].rule;
        list_layers(draft);
        s->node_ports[s->node_port_count++] =
            (struct node_port){all[i].match, lists_share(l, lists, draft)};
    }
}

void snapshot_compile(struct load *l)
{
    struct snapshot *s = l->snapshot;
    struct lists lists = {.slot_count = 64, .room = filter_room_new(&l->scratch)};
    struct rule_list drafts[2] = {0};
    while (lists.slot_count < s->endpoint_count)
        lists.slot_count *= 2;
    lists.slots = arena_array(&l->scratch, lists.slot_count, sizeof(struct rule_list *));
    for (int d = 0; d < 2; d++)
        drafts[d].rules = arena_array(&l->scratch, l->rule_count, sizeof(struct compiled *));
    shares_compile(l, &lists, drafts);
    endpoints_compile(l, &lists, drafts);
    node_ports_compile(l, &lists, &drafts[0]);
}
