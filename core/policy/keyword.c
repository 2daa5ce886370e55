/* SPDX-License-Identifier: Apache-2.0 */
/* keyword: l7Protocols against the tables of the loaded inspectors; what a keyword or a field
 * means is theirs. Not: comparing (match.c). */

#include "policy/keyword.h"

#include <stdio.h>
#include <string.h>
#include "base/suggest.h"
#include "policy/load.h"
#include "policy/sieve.h"

#define PATTERN_MAX 65535 /* bytes; nothing that is matched is longer */
#define PATTERN_ROOM 256  /* what normalising may add */
#define NOTE_MAX 200

static const char **keyword_list(struct load *l, const char **text)
{
    const struct policy_source *s = l->source;
    const char **list = arena_array(&l->scratch, s->keyword_count, sizeof *list);
    *text = "none";
    for (size_t i = 0; i < s->keyword_count; i++) {
        list[i] = s->keywords[i].inspector->keyword;
        *text = i ? arena_printf(&l->scratch, "%s, %s", *text, list[i]) : list[i];
    }
    return list;
}

static const struct policy_keyword *keyword_find(struct load *l, const struct at *at,
                                                 const char *word)
{
    const struct policy_source *s = l->source;
    const char *text;
    for (size_t i = 0; i < s->keyword_count; i++)
        if (strcmp(s->keywords[i].inspector->keyword, word) == 0)
            return &s->keywords[i];
    const char **list = keyword_list(l, &text);
    const char *near = suggest(word, list, s->keyword_count);
    read_error(l, at, "no loaded inspector has this keyword%s%s%s; known: %s",
               near ? "; did you mean " : "", near ? near : "", near ? "?" : "", text);
    return NULL;
}

/* The inspector's own form of a pattern. */
static bool pattern_normalise(struct load *l, const struct at *at, const struct policy_keyword *k,
                              unsigned field, struct l7_bytes written, struct l7_bytes *out)
{
    char note[NOTE_MAX];
    struct l7_text text = {.cap = written.len + PATTERN_ROOM};
    struct l7_text say = {.ptr = note, .cap = sizeof note};
    *out = written;
    if (!k->inspector->pattern)
        return true;
    text.ptr = arena_alloc(&l->scratch, text.cap);
    enum l7_pattern answer = k->inspector->pattern(k->self, field, written, &text, &say);
    int note_len = say.len < sizeof note ? (int)say.len : (int)sizeof note;
    if (answer == L7_PATTERN_WARN) {
        read_warning(l, at, "%.*s", note_len, note);
        load_remark(l, REMARK_PATTERN, at, arena_printf(&l->scratch, "%.*s", note_len, note));
    } else if (answer != L7_PATTERN_OK) {
        read_error(l, at, "%.*s", note_len ? note_len : 14, note_len ? note : "is not usable.");
    }
    if (answer != L7_PATTERN_OK && answer != L7_PATTERN_WARN)
        return false;
    if (text.len > text.cap) {
        read_error(l, at, "the inspector's form of this pattern is too long");
        return false;
    }
    *out = (struct l7_bytes){(const uint8_t *)text.ptr, text.len};
    return true;
}

/* "5", or "from-to" (or a plain integer in the document). */
static bool range_read(struct load *l, const struct at *at, struct matcher *m)
{
    const struct node *n = at->node;
    const char *dash = n->kind == NODE_SCALAR ? memchr(n->text, '-', n->len) : NULL;
    struct l7_bytes low = {(const uint8_t *)n->text, n->len}, high = low;
    if (dash) {
        low.len = (size_t)(dash - n->text);
        high = (struct l7_bytes){(const uint8_t *)dash + 1, n->len - low.len - 1};
    }
    m->numeric = true;
    if (n->kind == NODE_SCALAR && number_parse(low, &m->low) && number_parse(high, &m->high) &&
        m->low <= m->high)
        return true;
    read_error(l, at, "must be a number or a range such as 10-20");
    return false;
}

static bool enum_holds(struct load *l, const struct at *at, const struct l7_field *f,
                       const char *text)
{
    const char *list = "";
    for (size_t i = 0; i < f->value_count; i++) {
        if (strcmp(f->values[i], text) == 0)
            return true;
        list = i ? arena_printf(&l->scratch, "%s, %s", list, f->values[i]) : f->values[i];
    }
    read_error(l, at, "%s is not known; known: %s", read_show(l, text, strlen(text)), list);
    return false;
}

static void matcher_split(struct load *l, const struct l7_field *f, struct l7_bytes text,
                          struct matcher *m)
{
    struct arena *a = &l->snapshot->arena;
    bool nocase = f->flags & L7_FIELD_NOCASE, glob = f->match == L7_MATCH_GLOB;
    const uint8_t *cut = f->split && text.len ? memchr(text.ptr, (int)f->split, text.len) : NULL;
    if (cut) {
        size_t left = (size_t)(cut - text.ptr);
        struct l7_bytes tail = {cut + 1, text.len - left - 1};
        m->has_tail = true;
        m->tail = pattern_compile(a, tail, nocase, glob);
        text.len = left;
    }
    m->head = pattern_compile(a, text, nocase, glob);
}

/* One field of an item. False: it says nothing (absent or empty [L7-3]) or is wrong. */
static bool matcher_read(struct load *l, const struct at *at, const struct policy_keyword *k,
                         unsigned field, struct matcher *m)
{
    const struct l7_field *f = &k->inspector->fields[field];
    *m = (struct matcher){.field = field};
    if (f->match == L7_MATCH_NUMBER) {
        if (!read_given(l, at) || !range_read(l, at, m))
            return false;
        m->written = keep(l, at->node->text);
        return true;
    }
    if (!read_given(l, at))
        return false;
    /* A NUL among the control bytes is told as such [V44], so look before read_text() does. */
    if (at->node->kind == NODE_SCALAR && text_has_control(at->node->text, at->node->len)) {
        read_error(l, at, "contains a control byte");
        return false;
    }
    const char *text = read_text(l, at);
    if (!text || (f->match == L7_MATCH_ENUM && !enum_holds(l, at, f, text)) || !*text)
        return false;
    struct l7_bytes written = {(const uint8_t *)text, at->node->len}, out;
    if (written.len > PATTERN_MAX) {
        read_error(l, at, "is longer than %d bytes", PATTERN_MAX);
        return false;
    }
    if (!pattern_normalise(l, at, k, field, written, &out))
        return false;
    m->written = keep(l, text);
    matcher_split(l, f, out, m);
    return true;
}

/* `{keyword: {field: ...}}`; exactly one keyword [V41]. */
static bool item_read(struct load *l, const struct at *at, struct rule_item *out,
                      const struct l7_inspector **inspector)
{
    if (!read_map(l, at))
        return false;
    if (at->node->count != 1) {
        read_error(l, at,
                   at->node->count ? "has more than one keyword; write one item for each"
                                   : "names no keyword");
        return false;
    }
    const char *word = key_text(l, at->node->keys[0]);
    struct at value = {.up = at, .key = word, .node = at->node->values[0]};
    struct at place = {.up = at, .key = word, .node = at->node->keys[0]};
    const struct policy_keyword *k = keyword_find(l, &place, word);
    if (!k || !read_map(l, &value))
        return false;
    const struct l7_inspector *i = *inspector = k->inspector;
    const char **known = arena_array(&l->scratch, i->field_count, sizeof *known);
    struct matcher *list = arena_array(&l->snapshot->arena, i->field_count, sizeof *list);
    for (size_t f = 0; f < i->field_count; f++)
        known[f] = i->fields[f].name;
    read_known(l, &value, known, i->field_count);
    *out = (struct rule_item){.keyword = (unsigned)(k - l->source->keywords),
                              .name = keep(l, i->keyword),
                              .matchers = list};
    for (size_t f = 0; f < i->field_count; f++) {
        struct at field = at_key(&value, known[f]);
        if (field.node && matcher_read(l, &field, k, (unsigned)f, &list[out->count]))
            out->count++;
    }
    return true;
}

static void item_transport(struct load *l, const struct at *at, const struct l7_inspector *i,
                           const struct port_kinds *kinds)
{
    bool other = kinds->not_tcp;
    if (!other && !kinds->protocols)
        return;
    if (i->flags & L7_INSPECTOR_TCP_ONLY)
        read_error(l, at,
                   kinds->protocols ? "%s cannot be used with icmp or igmp in protocols"
                                    : "%s cannot be used with UDP or SCTP ports",
                   i->keyword);
    else
        read_warning(l, at, "traffic of this rule that is not TCP is dropped"); /* [VAL-1] */
}

void l7_read(struct load *l, const struct at *list, const struct port_kinds *kinds,
             struct rule *rule)
{
    if (!read_given(l, list))
        return;
    rule->l7 = true;
    size_t count = read_list(l, list);
    if (!count && list->node->kind == NODE_LIST)
        read_error(l, list, "is empty; name a protocol, or leave it out for a plain rule");
    if (l->l7_refused)
        read_error(l, list, "the feature gate L7NetworkPolicy is off in antrea-config");
    struct rule_item *items = arena_array(&l->snapshot->arena, count, sizeof *items);
    rule->items = items;
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(list, i);
        const struct l7_inspector *inspector;
        if (item_read(l, &item, &items[rule->item_count], &inspector)) {
            rule->item_count++;
            item_transport(l, &item, inspector, kinds);
        }
    }
    if (rule->item_count >= SIEVE_FROM)
        rule->sieve = sieve_new(&l->snapshot->arena, &l->scratch, rule);
}
