/* SPDX-License-Identifier: Apache-2.0 */
/* filter: which rules of a long list can concern a peer at all. Three shelves of rules are asked
 * for the port, and what they have is merged: that of the peer's endpoint, that of the interval its
 * address lies in, and that of rules for anybody (rules without from or to, and rules so wide that
 * writing them down everywhere would cost more than asking them). */

#include "policy/filter.h"

#include <stdlib.h>
#include <string.h>

/* Entries a list may spend, for each of its rules on average. */
#define SPREAD_MEAN 64

/* Where a set of candidates begins: from here up to the next edge it is the same. */
struct edge {
    uint8_t family;
    uint8_t low[16];
};

struct filter {
    struct shelf anybody;
    struct steps endpoint_keys; /* numbers of endpoints */
    struct shelf *endpoints;    /* by place of the number */
    struct steps v4;            /* the IPv4 edges: the first ones */
    const struct edge *edges;
    size_t edge_count;
    struct shelf *intervals; /* by number of the edge */
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

/* Rules by key, keys from 0: run i is rules[starts[i]] up to rules[ends[i]]. */
struct book {
    uint32_t *starts, *ends, *rules;
    size_t keys, cap;
};

/* Working memory that one filter after the other is made in. */
struct filter_room {
    struct arena *scratch;
    struct book book;
    struct shelf_room shelves;
};

/* What is needed while a filter is made. */
struct making {
    struct filter *f;
    struct arena *arena;
    const struct rule_list *list;
    const bool *chosen; /* by rule: written down */
    struct filter_room *room;
};

typedef void visit(struct book *book, size_t key, uint32_t rule);

static void book_count(struct book *book, size_t key, uint32_t rule)
{
    (void)rule;
    book->ends[key]++;
}

/* Rules come in ascending order; one that is in two sets comes twice running. */
static void book_enter(struct book *book, size_t key, uint32_t rule)
{
    if (book->ends[key] == book->starts[key] || book->rules[book->ends[key] - 1] != rule)
        book->rules[book->ends[key]++] = rule;
}

static void bits_visit(struct book *book, const struct bits *b, uint32_t rule, visit *each)
{
    for (size_t w = 0; b && w < b->words; w++)
        for (uint64_t left = b->list[w]; left; left &= left - 1)
            each(book, w * 64 + (size_t)__builtin_ctzll(left), rule);
}

static void endpoints_visit(const struct making *m, struct book *book, visit *each)
{
    for (uint32_t i = 0; i < m->list->count; i++) {
        const struct peer *p = &m->list->rules[i]->peer;
        if (!m->chosen[i])
            continue;
        bits_visit(book, p->endpoints, i, each);
        for (size_t k = 0; k < p->relative_count; k++)
            bits_visit(book, p->relatives[k].pods, i, each);
    }
}

static void intervals_visit(const struct making *m, struct book *book, visit *each)
{
    for (uint32_t i = 0; i < m->list->count; i++) {
        const struct ranges *blocks = &m->list->rules[i]->peer.blocks;
        for (size_t k = 0; m->chosen[i] && k < blocks->count; k++) {
            size_t from, to;
            for (span_of(m->f, &blocks->list[k], &from, &to); from < to; from++)
                each(book, from, i);
        }
    }
}

/* Count, then enter: a run for each key, all in one block of memory. */
static void book_write(const struct making *m, struct book *book, size_t keys,
                       void (*all)(const struct making *, struct book *, visit *))
{
    uint32_t total = 0;
    if (keys > book->cap) {
        book->cap = keys * 2;
        book->starts = arena_array(m->room->scratch, book->cap, sizeof *book->starts);
        book->ends = arena_array(m->room->scratch, book->cap, sizeof *book->ends);
    }
    book->keys = keys;
    if (keys)
        memset(book->ends, 0, keys * sizeof *book->ends);
    all(m, book, book_count);
    for (size_t i = 0; i < keys; i++) {
        uint32_t count = book->ends[i];
        book->starts[i] = book->ends[i] = total;
        total += count;
    }
    book->rules = arena_array(m->arena, total, sizeof *book->rules);
    all(m, book, book_enter);
}

static void run_shelve(const struct making *m, const struct book *book, size_t key,
                       struct shelf *out)
{
    shelf_make(m->arena, &m->room->shelves, m->list, book->rules + book->starts[key],
               book->ends[key] - book->starts[key], out);
}

static void intervals_make(const struct making *m)
{
    struct book *book = &m->room->book;
    book_write(m, book, m->f->edge_count, intervals_visit);
    m->f->intervals = arena_array(m->arena, book->keys, sizeof *m->f->intervals);
    for (size_t i = 0; i < book->keys; i++)
        run_shelve(m, book, i, &m->f->intervals[i]);
}

static void endpoints_make(const struct making *m, size_t endpoint_count)
{
    struct book *book = &m->room->book;
    size_t count = 0;
    book_write(m, book, endpoint_count, endpoints_visit);
    for (size_t i = 0; i < book->keys; i++)
        count += book->ends[i] > book->starts[i];
    uint32_t *keys = arena_array(m->arena, count, sizeof *keys);
    m->f->endpoints = arena_array(m->arena, count, sizeof *m->f->endpoints);
    count = 0;
    for (size_t i = 0; i < book->keys; i++) {
        if (book->ends[i] == book->starts[i])
            continue;
        keys[count] = (uint32_t)i;
        run_shelve(m, book, i, &m->f->endpoints[count++]);
    }
    steps_make(m->arena, keys, count, &m->f->endpoint_keys);
}

static void v4_make(const struct making *m)
{
    struct filter *f = m->f;
    size_t count = 0;
    while (count < f->edge_count && f->edges[count].family == 4)
        count++;
    uint32_t *numbers = arena_array(m->arena, count, sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = v4_number(f->edges[i].low);
    steps_make(m->arena, numbers, count, &f->v4);
}

/* The cheapest rules are written down everywhere, as long as the budget lasts; the others are
 * left for everybody. */
static bool *rules_choose(const struct filter *f, struct arena *scratch,
                          const struct rule_list *list)
{
    struct cost *costs = arena_array(scratch, list->count, sizeof *costs);
    bool *chosen = arena_array(scratch, list->count, sizeof *chosen);
    size_t budget = list->count * SPREAD_MEAN;
    for (size_t i = 0; i < list->count; i++)
        costs[i] = (struct cost){rule_cost(f, &list->rules[i]->peer), (uint32_t)i};
    qsort(costs, list->count, sizeof *costs, cost_compare);
    for (size_t i = 0; i < list->count && costs[i].entries <= budget; i++) {
        budget -= costs[i].entries;
        chosen[costs[i].rule] = true;
    }
    return chosen;
}

struct filter_room *filter_room_new(struct arena *scratch)
{
    struct filter_room *room = arena_alloc(scratch, sizeof *room);
    room->scratch = room->shelves.scratch = scratch;
    return room;
}

struct filter *filter_new(struct arena *arena, struct filter_room *room, size_t endpoint_count,
                          const struct rule_list *list)
{
    struct filter *f = arena_alloc(arena, sizeof *f);
    uint32_t *anybody = arena_array(arena, list->count, sizeof *anybody);
    size_t count = 0;
    edges_collect(f, arena, list);
    struct making m = {f, arena, list, rules_choose(f, room->scratch, list), room};
    endpoints_make(&m, endpoint_count);
    intervals_make(&m);
    v4_make(&m);
    for (uint32_t i = 0; i < list->count; i++)
        if (!m.chosen[i])
            anybody[count++] = i;
    shelf_make(arena, &room->shelves, list, anybody, count, &f->anybody);
    return f;
}

static void walk_add(struct filter_walk *w, const struct shelf *s, uint32_t port)
{
    struct run run = shelf_run(s, port);
    if (run.at != run.end)
        w->runs[w->count++] = run;
    if (s->always.at != s->always.end)
        w->runs[w->count++] = s->always;
}

/* Where the address lies: the last edge not behind it. An interval that begins in the other family
 * has no range that reaches into this one. */
static size_t interval_of(const struct filter *f, const struct l7_address *address)
{
    if (address->family == 4)
        return steps_up_to(&f->v4, v4_number(address->bytes));
    return edges_up_to(f->edges, f->edge_count, address->family, address->bytes, false);
}

void filter_open(const struct filter *f, uint32_t endpoint, const struct l7_address *address,
                 uint32_t port, struct filter_walk *out)
{
    size_t interval = interval_of(f, address);
    out->count = 0;
    walk_add(out, &f->anybody, port);
    if (interval)
        walk_add(out, &f->intervals[interval - 1], port);
    size_t at = endpoint == UINT32_MAX ? 0 : steps_up_to(&f->endpoint_keys, endpoint);
    if (at && steps_at(&f->endpoint_keys, at - 1) == endpoint)
        walk_add(out, &f->endpoints[at - 1], port);
}

void filter_seek(struct filter_walk *w, size_t index)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < w->count; i++) {
        const uint32_t *low = w->runs[i].at, *high = w->runs[i].end;
        while (low < high) {
            const uint32_t *middle = low + (high - low) / 2;
            if (*middle < index)
                low = middle + 1;
            else
                high = middle;
        }
        if (low != w->runs[i].end)
            w->runs[kept++] = (struct run){low, w->runs[i].end};
    }
    w->count = kept;
}

bool filter_next(struct filter_walk *w, size_t *index)
{
    uint32_t least = UINT32_MAX;
    unsigned kept = 0;
    if (!w->count)
        return false;
    for (unsigned i = 0; i < w->count; i++)
        least = *w->runs[i].at < least ? *w->runs[i].at : least;
    for (unsigned i = 0; i < w->count; i++) {
        struct run run = w->runs[i];
        run.at += *run.at == least;
        if (run.at != run.end)
            w->runs[kept++] = run;
    }
    w->count = kept;
    *index = least;
    return true;
}
