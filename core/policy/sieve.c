/* SPDX-License-Identifier: Apache-2.0 */
/* sieve: items by one of their patterns. Each item stands under the text that one of its patterns
 * demands at the beginning, at the end or as the whole of a field: of several patterns the one that
 * the fewest items share. Texts are found by a hash that is taken byte by byte, so that all
 * beginnings of a value cost one pass over it, up to the longest that a pattern demands. Items that
 * demand nothing of the kind ("*x*") are asked always. */

#include "policy/sieve.h"

#include <stdlib.h>
#include <string.h>

enum side { SIDE_WHOLE, SIDE_FRONT, SIDE_BACK };

/* What an item demands. */
struct demand {
    unsigned keyword, field;
    enum side side;
    bool nocase;
    struct l7_bytes text;
    uint64_t hash;
};

struct slot {
    uint64_t hash;
    uint32_t len;        /* of the text; 0: free */
    uint32_t start, end; /* items under it, as places in group.items */
};

/* Items whose demands are of one kind. */
struct group {
    struct demand kind; /* all but text and hash */
    const uint32_t *items;
    size_t count;
    const uint32_t *lengths; /* of texts, ascending, each once */
    size_t length_count;
    struct slot *slots; /* open addressing, a power of two and half of them free */
    size_t slot_count;
};

struct sieve {
    struct group *groups;
    size_t group_count;
    const uint32_t *always;
    size_t always_count;
};

/* An item and the demand it stands under. */
struct entry {
    struct demand demand;
    uint32_t item;
};

/* ---- hashing ---- */

#define HASH_START UINT64_C(14695981039346656037)
#define HASH_STEP UINT64_C(1099511628211)

static uint64_t hash_byte(uint64_t h, uint8_t c, bool nocase)
{
    if (nocase && c >= 'A' && c <= 'Z')
        c = (uint8_t)(c + 32);
    return (h ^ c) * HASH_STEP;
}

/* The low bits of the running hash are weak. */
static uint64_t hash_end(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint8_t byte_at(struct l7_bytes text, enum side side, size_t i)
{
    return text.ptr[side == SIDE_BACK ? text.len - 1 - i : i];
}

static uint64_t hash_text(struct l7_bytes text, enum side side, bool nocase)
{
    uint64_t h = HASH_START;
    for (size_t i = 0; i < text.len; i++)
        h = hash_byte(h, byte_at(text, side, i), nocase);
    return hash_end(h);
}

/* ---- making ---- */

static bool demand_of(const struct rule_item *item, const struct matcher *m, struct demand *out)
{
    const struct pattern *p = &m->head;
    struct l7_bytes text = p->text;
    const uint8_t *star;
    *out = (struct demand){item->keyword, m->field, SIDE_WHOLE, p->nocase, {0}, 0};
    if (m->numeric)
        return false;
    switch (p->shape) {
    case PATTERN_EXACT:
        break;
    case PATTERN_PREFIX:
        out->side = SIDE_FRONT;
        break;
    case PATTERN_SUFFIX:
        out->side = SIDE_BACK;
        break;
    case PATTERN_GLOB:
        star = memchr(text.ptr, '*', text.len);
        out->side = SIDE_FRONT;
        if (star == text.ptr) {
            star = memrchr(text.ptr, '*', text.len);
            out->side = SIDE_BACK;
            text = (struct l7_bytes){star + 1, text.len - (size_t)(star + 1 - text.ptr)};
        } else if (star) {
            text.len = (size_t)(star - text.ptr);
        }
        break;
    default:
        return false;
    }
    out->text = text;
    out->hash = text.len ? hash_text(text, out->side, out->nocase) : 0;
    return text.len > 0;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int kind_compare(const struct demand *x, const struct demand *y)
{
    int order = compare(x->keyword, y->keyword);
    order = order ? order : compare(x->field, y->field);
    order = order ? order : compare(x->side, y->side);
    return order ? order : compare(x->nocase, y->nocase);
}

static int demand_compare(const struct demand *x, const struct demand *y)
{
    int order = kind_compare(x, y);
    order = order ? order : compare(x->text.len, y->text.len);
    return order ? order : compare(x->hash, y->hash);
}

static int entry_compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = demand_compare(&x->demand, &y->demand);
    return order ? order : compare(x->item, y->item);
}

/* Of every item the demand that the fewest share; `all` is sorted. */
static size_t entries_choose(const struct entry *all, size_t count, size_t item_count,
                             struct arena *scratch, struct entry *chosen)
{
    size_t *share = arena_array(scratch, item_count, sizeof *share), kept = 0;
    const struct entry **best = arena_array(scratch, item_count, sizeof(struct entry *));
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && demand_compare(&all[i].demand, &all[end].demand) == 0;)
            end++;
        for (size_t k = i; k < end; k++) {
            uint32_t item = all[k].item;
            if (!best[item] || end - i < share[item]) {
                best[item] = &all[k];
                share[item] = end - i;
            }
        }
    }
    for (size_t i = 0; i < item_count; i++)
        if (best[i])
            chosen[kept++] = *best[i];
    if (kept)
        qsort(chosen, kept, sizeof *chosen, entry_compare);
    return kept;
}

static struct slot *slot_find(const struct group *g, uint64_t hash, size_t len)
{
    size_t i = hash & (g->slot_count - 1);
    while (g->slots[i].len && (g->slots[i].hash != hash || g->slots[i].len != len))
        i = (i + 1) & (g->slot_count - 1);
    return &g->slots[i];
}

/* `list` is sorted: equal demands are neighbours, and lengths ascend. */
static void group_make(struct arena *arena, const struct entry *list, size_t count,
                       struct group *out)
{
    uint32_t *items = arena_array(arena, count, sizeof *items);
    uint32_t *lengths = arena_array(arena, count, sizeof *lengths);
    *out = (struct group){
        .kind = list->demand, .items = items, .count = count, .lengths = lengths, .slot_count = 2};
    while (out->slot_count < count * 2)
        out->slot_count *= 2;
    out->slots = arena_array(arena, out->slot_count, sizeof *out->slots);
    for (size_t i = 0; i < count; i++) {
        uint32_t len = (uint32_t)list[i].demand.text.len;
        struct slot *slot = slot_find(out, list[i].demand.hash, len);
        items[i] = list[i].item;
        if (!slot->len)
            *slot = (struct slot){list[i].demand.hash, len, (uint32_t)i, (uint32_t)i};
        slot->end++;
        if (!out->length_count || lengths[out->length_count - 1] != len)
            lengths[out->length_count++] = len;
    }
}

struct sieve *sieve_new(struct arena *arena, struct arena *scratch, const struct rule *rule)
{
    struct sieve *s = arena_alloc(arena, sizeof *s);
    size_t count = 0, total = 0;
    for (size_t i = 0; i < rule->item_count; i++)
        total += rule->items[i].count;
    struct entry *all = arena_array(scratch, total, sizeof *all);
    struct entry *chosen = arena_array(scratch, rule->item_count, sizeof *chosen);
    for (size_t i = 0; i < rule->item_count; i++) {
        const struct rule_item *item = &rule->items[i];
        for (size_t k = 0; k < item->count; k++) {
            all[count].item = (uint32_t)i;
            count += demand_of(item, &item->matchers[k], &all[count].demand);
        }
    }
    if (count)
        qsort(all, count, sizeof *all, entry_compare);
    count = entries_choose(all, count, rule->item_count, scratch, chosen);

    bool *placed = arena_array(scratch, rule->item_count, sizeof *placed);
    uint32_t *always = arena_array(arena, rule->item_count - count, sizeof *always);
    s->groups = arena_array(arena, count, sizeof *s->groups);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && kind_compare(&chosen[i].demand, &chosen[end].demand) == 0;)
            placed[chosen[end++].item] = true;
        group_make(arena, &chosen[i], end - i, &s->groups[s->group_count++]);
    }
    for (size_t i = 0; i < rule->item_count; i++)
        if (!placed[i])
            always[s->always_count++] = (uint32_t)i;
    s->always = always;
    return s;
}

/* ---- asking ---- */

struct asking {
    const struct rule *rule;
    unsigned keyword;
    const struct field *fields;
    size_t field_count;
    bool complete;
    enum fit best;
};

static void items_ask(struct asking *a, const uint32_t *items, size_t count, enum fit enough)
{
    for (size_t i = 0; i < count && a->best < enough; i++) {
        const struct rule_item *item = &a->rule->items[items[i]];
        if (item->keyword != a->keyword)
            continue;
        enum fit one = item_fit(item, a->fields, a->field_count, a->complete);
        a->best = one > a->best ? one : a->best;
    }
}

static void slot_ask(struct asking *a, const struct group *g, uint64_t hash, size_t len)
{
    const struct slot *slot = slot_find(g, hash_end(hash), len);
    items_ask(a, g->items + slot->start, slot->end - slot->start, FIT_YES);
}

/* All texts of the group that `value` has where they are demanded. */
static void group_ask(struct asking *a, const struct group *g, struct l7_bytes value)
{
    uint64_t h = HASH_START;
    size_t at = 0;
    for (size_t i = 0; i < g->length_count && a->best < FIT_YES; i++) {
        size_t len = g->lengths[i];
        if (len > value.len)
            break;
        if (g->kind.side == SIDE_WHOLE && len != value.len)
            continue;
        for (; at < len; at++)
            h = hash_byte(h, byte_at(value, g->kind.side, at), g->kind.nocase);
        slot_ask(a, g, h, len);
    }
}

enum fit sieve_fit(const struct sieve *s, const struct rule *rule, unsigned keyword,
                   const struct field *fields, size_t field_count, bool complete)
{
    struct asking a = {rule, keyword, fields, field_count, complete, FIT_NO};
    items_ask(&a, s->always, s->always_count, FIT_YES);
    for (size_t i = 0; i < s->group_count && a.best < FIT_YES; i++) {
        const struct group *g = &s->groups[i];
        const struct field *f = g->kind.field < field_count ? &fields[g->kind.field] : NULL;
        /* A pattern has to match every form, so the first tells which can. */
        if (g->kind.keyword == keyword && f && f->emitted && f->form_count)
            group_ask(&a, g, f->forms[0]);
    }
    /* Where the field is not there yet nothing fits, but one item that still may keeps the
     * question open. */
    for (size_t i = 0; i < s->group_count && !complete && a.best < FIT_OPEN; i++) {
        const struct group *g = &s->groups[i];
        if (g->kind.keyword == keyword && g->kind.field < field_count &&
            !fields[g->kind.field].emitted)
            items_ask(&a, g->items, g->count, FIT_OPEN);
    }
    return a.best;
}
