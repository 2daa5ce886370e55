/* SPDX-License-Identifier: Apache-2.0 */
/* shelf: rules by destination port. Ports are cut into intervals where rules begin and end; when
 * rules overlap so much that this would be long to write down, neighbouring intervals are joined
 * until it is not, at the price of some rules too many in each. */

#include "policy/shelf.h"

#include <stdlib.h>

#define SHELF_FROM 8  /* shorter runs are walked */
#define SPREAD_MEAN 3 /* intervals a rule may be written down in, on average */
#define SPREAD_WIDE 4 /* a rule in more than one of this many intervals is asked always */

struct port_shelf {
    struct steps edges;     /* interval i is from edge i up to the next */
    const uint32_t *starts; /* run i is rules[starts[i]] up to rules[starts[i + 1]] */
    const uint32_t *rules;
};

/* A span of the rule at place `rule`, as numbers of intervals; they are joined by halving the
 * numbers. */
struct shelf_span {
    uint32_t rule, from, last;
};

/* What is gathered about a run while it is put on a shelf. */
struct sorting {
    const struct rule_list *list;
    const uint32_t *rules;
    size_t count;
    uint32_t *edges;
    size_t edge_count;
    struct shelf_span *spans; /* in the order of rules */
    size_t span_count;
    unsigned halved;
    bool *wide; /* by place in `rules` */
    struct shelf_room *room;
};

/* `list` with room for `count`; what was in it is lost. */
static void *room_for(struct shelf_room *room, void *list, size_t *cap, size_t count, size_t size)
{
    if (list && count <= *cap)
        return list;
    *cap = count * 2;
    return arena_array(room->scratch, *cap, size);
}

static const struct ports *ports_of(const struct sorting *s, size_t i)
{
    return &s->list->rules[s->rules[i]]->ports;
}

static int number_compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* How many edges are at or below `key`. */
static size_t edges_up_to(const struct sorting *s, uint32_t key)
{
    size_t low = 0, high = s->edge_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->edges[middle] <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void edges_collect(struct sorting *s)
{
    size_t total = 1, count = 0;
    for (size_t i = 0; i < s->count; i++)
        total += ports_of(s, i)->any ? 0 : port_span_count(ports_of(s, i)) * 2;
    s->edges = s->room->edges =
        room_for(s->room, s->room->edges, &s->room->edge_cap, total, sizeof *s->edges);
    for (size_t i = 0; i < s->count; i++) {
        const struct ports *p = ports_of(s, i);
        for (size_t k = 0; !p->any && k < port_span_count(p); k++) {
            struct port_span span = port_span_at(p, k);
            s->edges[count++] = span.low;
            s->edges[count++] = span.high + 1; /* protocols end far below the last number */
        }
    }
    s->span_count = count / 2;
    if (count)
        qsort(s->edges, count, sizeof *s->edges, number_compare);
    for (size_t i = 0; i < count; i++)
        if (!s->edge_count || s->edges[s->edge_count - 1] != s->edges[i])
            s->edges[s->edge_count++] = s->edges[i];
}

static void spans_collect(struct sorting *s)
{
    size_t count = 0;
    s->spans = s->room->spans =
        room_for(s->room, s->room->spans, &s->room->span_cap, s->span_count, sizeof *s->spans);
    for (size_t i = 0; i < s->count; i++) {
        const struct ports *p = ports_of(s, i);
        for (size_t k = 0; !p->any && k < port_span_count(p); k++) {
            struct port_span span = port_span_at(p, k);
            s->spans[count++] =
                (struct shelf_span){(uint32_t)i, (uint32_t)edges_up_to(s, span.low) - 1,
                                    (uint32_t)edges_up_to(s, span.high) - 1};
        }
    }
}

static size_t interval_count(const struct sorting *s)
{
    return s->edge_count ? ((s->edge_count - 1) >> s->halved) + 1 : 0;
}

/* Intervals that a span touches. */
static size_t span_cost(const struct sorting *s, const struct shelf_span *span)
{
    return (span->last >> s->halved) - (span->from >> s->halved) + 1;
}

/* Entries that writing the rules down takes; sets `wide`. */
static size_t spread_cost(struct sorting *s, size_t *wide)
{
    size_t most = interval_count(s) / SPREAD_WIDE, total = 0, span = 0;
    *wide = 0;
    if (most < SPREAD_MEAN)
        most = SPREAD_MEAN;
    for (size_t i = 0; i < s->count; i++) {
        size_t cost = 0;
        for (; span < s->span_count && s->spans[span].rule == i; span++)
            cost += span_cost(s, &s->spans[span]);
        s->wide[i] = ports_of(s, i)->any || cost > most;
        *wide += s->wide[i];
        total += s->wide[i] ? 0 : cost;
    }
    return total;
}

static void rules_enter(const struct sorting *s, uint32_t *next, uint32_t *rules)
{
    for (size_t i = 0; i < s->span_count; i++) {
        const struct shelf_span *span = &s->spans[i];
        size_t from = span->from >> s->halved;
        for (size_t k = s->wide[span->rule] ? 0 : span_cost(s, span); k > 0; k--)
            rules[next[from++]++] = s->rules[span->rule]; /* twice the same does no harm */
    }
}

static struct port_shelf *shelf_write(struct sorting *s, struct arena *arena, size_t total)
{
    struct port_shelf *out = arena_alloc(arena, sizeof *out);
    size_t count = interval_count(s);
    uint32_t *starts = arena_array(arena, count + 1, sizeof *starts);
    uint32_t *next = s->room->next =
        room_for(s->room, s->room->next, &s->room->next_cap, count, sizeof *next);
    for (size_t i = 0; i < s->span_count; i++) {
        const struct shelf_span *span = &s->spans[i];
        size_t from = span->from >> s->halved;
        for (size_t k = s->wide[span->rule] ? 0 : span_cost(s, span); k > 0; k--)
            starts[++from]++;
    }
    for (size_t i = 0; i < count; i++) {
        starts[i + 1] += starts[i];
        next[i] = starts[i];
        s->edges[i] = s->edges[i << s->halved];
    }
    uint32_t *rules = arena_array(arena, total, sizeof *rules);
    rules_enter(s, next, rules);
    steps_make(arena, s->edges, count, &out->edges);
    out->starts = starts;
    out->rules = rules;
    return out;
}

void shelf_make(struct arena *arena, struct shelf_room *room, const struct rule_list *list,
                const uint32_t *rules, size_t count, struct shelf *out)
{
    struct sorting s = {.list = list, .rules = rules, .count = count, .room = room};
    size_t wide, total, kept = 0;
    *out = (struct shelf){.always = {rules, rules + count}};
    if (count < SHELF_FROM)
        return;
    s.wide = room->wide = room_for(room, room->wide, &room->wide_cap, count, sizeof *s.wide);
    edges_collect(&s);
    spans_collect(&s);
    while ((total = spread_cost(&s, &wide)) > count * SPREAD_MEAN && interval_count(&s) > 2)
        s.halved++;
    if (wide == count || interval_count(&s) < 2)
        return;
    out->ports = shelf_write(&s, arena, total);
    uint32_t *always = arena_array(arena, wide, sizeof *always);
    for (size_t i = 0; i < count; i++)
        if (s.wide[i])
            always[kept++] = rules[i];
    out->always = (struct run){always, always + kept};
}

struct run shelf_run(const struct shelf *s, uint32_t key)
{
    size_t bucket = s->ports ? steps_up_to(&s->ports->edges, key) : 0;
    if (!bucket)
        return (struct run){NULL, NULL};
    return (struct run){s->ports->rules + s->ports->starts[bucket - 1],
                        s->ports->rules + s->ports->starts[bucket]};
}
