/* SPDX-License-Identifier: Apache-2.0 */
/* filter: which rules of a long list can concern a peer at all. Three ascending lists of rule
 * indices are merged: those of the peer's endpoint, those of the interval its address lies in, and
 * those that are always candidates (rules without from or to, and rules so wide that writing them
 * down everywhere would cost more than asking them). */

#include "policy/filter.h"

#include <stdlib.h>
#include <string.h>

/* Entries a list may spend, for each of its rules on average. */
#define SPREAD_MEAN 64

/* Ascending keys, and for key i the rules from starts[i] up to starts[i + 1]. */
struct postings {
    uint32_t *keys;
    size_t count;
    uint32_t *starts, *rules;
};

/* Where a set of candidates begins: from here up to the next edge it is the same. */
struct edge {
    uint8_t family;
    uint8_t low[16];
};

struct filter {
    const uint32_t *always;
    size_t always_count;
    struct postings endpoints; /* keys are endpoint numbers */
    struct postings intervals; /* keys are indices of edges */
    const struct edge *edges;
    size_t edge_count;
};

static int edge_compare(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return memcmp(x->low, y->low, 16);
}

/* How many edges are at or before (family, bytes); with `open` only those before. */
static size_t edges_up_to(const struct edge *edges, size_t count, uint8_t family,
                          const uint8_t bytes[16], bool open)
{
    struct edge key = {.family = family};
    memcpy(key.low, bytes, 16);
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = edge_compare(&edges[middle], &key);
        if (order < 0 || (order == 0 && !open))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The address behind a range; false at the end of the address space. */
static bool edge_behind(const struct range *r, struct edge *out)
{
    *out = (struct edge){.family = r->family};
    memcpy(out->low, r->high, 16);
    for (int i = r->family == 6 ? 15 : 3; i >= 0; i--)
        if (++out->low[i])
            return true;
    return false;
}

static void edges_collect(struct filter *f, struct arena *arena, const struct rule_list *list)
{
    size_t total = 0, count = 0, kept = 0;
    for (size_t i = 0; i < list->count; i++)
        total += list->rules[i]->peer.blocks.count * 2;
    struct edge *edges = arena_array(arena, total, sizeof *edges);
    for (size_t i = 0; i < list->count; i++) {
        const struct ranges *blocks = &list->rules[i]->peer.blocks;
        for (size_t k = 0; k < blocks->count; k++) {
            edges[count].family = blocks->list[k].family;
            memcpy(edges[count++].low, blocks->list[k].low, 16);
            count += edge_behind(&blocks->list[k], &edges[count]);
        }
    }
    if (count)
        qsort(edges, count, sizeof *edges, edge_compare);
    for (size_t i = 0; i < count; i++)
        if (!kept || edge_compare(&edges[kept - 1], &edges[i]) != 0)
            edges[kept++] = edges[i];
    f->edges = edges;
    f->edge_count = kept;
}

/* A rule and what it costs to write it down everywhere. */
struct cost {
    size_t entries;
    uint32_t rule;
};

static int cost_compare(const void *a, const void *b)
{
    const struct cost *x = a, *y = b;
    if (x->entries != y->entries)
        return x->entries < y->entries ? -1 : 1;
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static size_t bits_count(const struct bits *b)
{
    size_t count = 0;
    for (size_t i = 0; b && i < b->words; i++)
        count += (size_t)__builtin_popcountll(b->list[i]);
    return count;
}

static void span_of(const struct filter *f, const struct range *r, size_t *from, size_t *to)
{
    *from = edges_up_to(f->edges, f->edge_count, r->family, r->low, true);
    *to = edges_up_to(f->edges, f->edge_count, r->family, r->high, false);
}

static size_t rule_cost(const struct filter *f, const struct peer *p)
{
    size_t cost = bits_count(p->endpoints);
    if (p->any || p->service_count)
        return SIZE_MAX;
    for (size_t i = 0; i < p->relative_count; i++)
        cost += bits_count(p->relatives[i].pods);
    for (size_t i = 0; i < p->blocks.count; i++) {
        size_t from, to;
        span_of(f, &p->blocks.list[i], &from, &to);
        cost += to - from;
    }
    return cost;
}

/* Pairs of key and rule, the key in the upper half. */
struct pairs {
    uint64_t *list;
    size_t count;
};

static void pairs_add_bits(struct pairs *to, const struct bits *b, uint32_t rule)
{
    for (size_t w = 0; b && w < b->words; w++)
        for (uint64_t left = b->list[w]; left; left &= left - 1)
            to->list[to->count++] = (uint64_t)(w * 64 + (size_t)__builtin_ctzll(left)) << 32 | rule;
}

/* Write a rule down at every endpoint and interval it can concern. */
static void rule_spread(const struct filter *f, const struct peer *p, uint32_t rule,
                        struct pairs *endpoints, struct pairs *intervals)
{
    pairs_add_bits(endpoints, p->endpoints, rule);
    for (size_t i = 0; i < p->relative_count; i++)
        pairs_add_bits(endpoints, p->relatives[i].pods, rule);
    for (size_t i = 0; i < p->blocks.count; i++) {
        size_t from, to;
        for (span_of(f, &p->blocks.list[i], &from, &to); from < to; from++)
            intervals->list[intervals->count++] = (uint64_t)from << 32 | rule;
    }
}

static int pair_compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void postings_make(struct arena *arena, struct pairs *pairs, struct postings *out)
{
    if (!pairs->count)
        return;
    qsort(pairs->list, pairs->count, sizeof *pairs->list, pair_compare);
    size_t keys = 1, n = 0;
    for (size_t i = 1; i < pairs->count; i++)
        keys += pairs->list[i] >> 32 != pairs->list[i - 1] >> 32;
    out->keys = arena_array(arena, keys, sizeof *out->keys);
    out->starts = arena_array(arena, keys + 1, sizeof *out->starts);
    out->rules = arena_array(arena, pairs->count, sizeof *out->rules);
    for (size_t i = 0; i < pairs->count; i++) {
        if (i && pairs->list[i] == pairs->list[i - 1])
            continue; /* in two sets of one rule */
        uint32_t key = (uint32_t)(pairs->list[i] >> 32);
        if (!out->count || out->keys[out->count - 1] != key) {
            out->keys[out->count] = key;
            out->starts[out->count++] = (uint32_t)n;
        }
        out->rules[n++] = (uint32_t)pairs->list[i];
        out->starts[out->count] = (uint32_t)n;
    }
}

static int number_compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

struct filter *filter_new(struct arena *arena, struct arena *scratch, const struct rule_list *list)
{
    struct filter *f = arena_alloc(arena, sizeof *f);
    struct cost *costs = arena_array(scratch, list->count, sizeof *costs);
    size_t budget = list->count * SPREAD_MEAN, chosen = 0;
    edges_collect(f, arena, list);
    for (size_t i = 0; i < list->count; i++)
        costs[i] = (struct cost){rule_cost(f, &list->rules[i]->peer), (uint32_t)i};
    qsort(costs, list->count, sizeof *costs, cost_compare);
    size_t spent = 0;
    while (chosen < list->count && costs[chosen].entries <= budget - spent)
        spent += costs[chosen++].entries;
    struct pairs endpoints = {.list = arena_array(scratch, spent, sizeof(uint64_t))};
    struct pairs intervals = {.list = arena_array(scratch, spent, sizeof(uint64_t))};
    for (size_t i = 0; i < chosen; i++)
        rule_spread(f, &list->rules[costs[i].rule]->peer, costs[i].rule, &endpoints, &intervals);
    postings_make(arena, &endpoints, &f->endpoints);
    postings_make(arena, &intervals, &f->intervals);
    uint32_t *always = arena_array(arena, list->count - chosen, sizeof *always);
    for (size_t i = chosen; i < list->count; i++)
        always[f->always_count++] = costs[i].rule;
    if (f->always_count)
        qsort(always, f->always_count, sizeof *always, number_compare);
    f->always = always;
    return f;
}

static const uint32_t nowhere; /* where empty lists begin and end */

static void postings_open(const struct postings *p, uint32_t key, const uint32_t **at,
                          const uint32_t **end)
{
    *at = *end = &nowhere;
    if (!p->count)
        return;
    const uint32_t *hit = bsearch(&key, p->keys, p->count, sizeof key, number_compare);
    if (hit) {
        *at = p->rules + p->starts[hit - p->keys];
        *end = p->rules + p->starts[hit - p->keys + 1];
    }
}

void filter_open(const struct filter *f, uint32_t endpoint, const struct l7_address *address,
                 struct filter_walk *out)
{
    uint8_t bytes[16] = {0};
    memcpy(bytes, address->bytes, address->family == 6 ? 16 : 4);
    size_t edge = edges_up_to(f->edges, f->edge_count, address->family, bytes, false);
    out->at[0] = f->always;
    out->end[0] = f->always + f->always_count;
    /* An interval that begins in the other family has no range that reaches into this one. */
    postings_open(&f->intervals, edge ? (uint32_t)edge - 1 : UINT32_MAX, &out->at[1], &out->end[1]);
    postings_open(&f->endpoints, endpoint, &out->at[2], &out->end[2]);
}

void filter_seek(struct filter_walk *w, size_t index)
{
    for (int i = 0; i < 3; i++) {
        const uint32_t *low = w->at[i], *high = w->end[i];
        while (low < high) {
            const uint32_t *middle = low + (high - low) / 2;
            if (*middle < index)
                low = middle + 1;
            else
                high = middle;
        }
        w->at[i] = low;
    }
}

bool filter_next(struct filter_walk *w, size_t *index)
{
    uint32_t least = UINT32_MAX;
    bool found = false;
    for (int i = 0; i < 3; i++) {
        if (w->at[i] != w->end[i] && *w->at[i] <= least) {
            least = *w->at[i];
            found = true;
        }
    }
    for (int i = 0; i < 3; i++)
        w->at[i] += w->at[i] != w->end[i] && *w->at[i] == least;
    *index = least;
    return found;
}
