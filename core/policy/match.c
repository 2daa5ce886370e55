/* SPDX-License-Identifier: Apache-2.0 */
/* match: does a rule's L7 part fit the fields of a transaction. Values come from the network:
 * every comparison is linear in the value (times the stars of the pattern) and allocates
 * nothing. Not: what fields mean, whose rule is asked. */

#include "policy/match.h"

#include <stdio.h>
#include <string.h>
#include "policy/sieve.h"

/* Searching without regard to case works on folded copies of this size. */
#define FOLD_BLOCK 8192
#define FOLD_NEEDLE 2048

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t len, bool nocase)
{
    if (!len)
        return true;
    if (!nocase)
        return memcmp(a, b, len) == 0;
    for (size_t i = 0; i < len; i++)
        if (fold(a[i]) != fold(b[i]))
            return false;
    return true;
}

static const uint8_t *find_folded(struct l7_bytes text, const uint8_t *needle, size_t len)
{
    uint8_t word[FOLD_NEEDLE], block[FOLD_BLOCK];
    for (size_t i = 0; i < len; i++)
        word[i] = fold(needle[i]);
    /* Blocks overlap by what an occurrence across their border needs. */
    for (size_t at = 0; text.len - at >= len;) {
        size_t n = text.len - at < sizeof block ? text.len - at : sizeof block;
        for (size_t i = 0; i < n; i++)
            block[i] = fold(text.ptr[at + i]);
        const uint8_t *hit = memmem(block, n, word, len);
        if (hit)
            return text.ptr + at + (hit - block);
        if (at + n == text.len)
            break;
        at += n - (len - 1);
    }
    return NULL;
}

/* The first occurrence of `needle`; linear. */
static const uint8_t *find(struct l7_bytes text, const uint8_t *needle, size_t len, bool nocase)
{
    if (!len)
        return text.ptr;
    if (text.len < len)
        return NULL;
    if (!nocase)
        return memmem(text.ptr, text.len, needle, len);
    if (len <= FOLD_NEEDLE)
        return find_folded(text, needle, len);
    for (size_t at = 0; at + len <= text.len; at++)
        if (same(text.ptr + at, needle, len, true))
            return text.ptr + at;
    return NULL;
}

static struct l7_bytes skip(struct l7_bytes b, size_t n)
{
    return n ? (struct l7_bytes){b.ptr + n, b.len - n} : b;
}

bool glob_match(struct l7_bytes pattern, struct l7_bytes text, bool nocase)
{
    const uint8_t *star = pattern.len ? memchr(pattern.ptr, '*', pattern.len) : NULL;
    if (!star)
        return pattern.len == text.len && same(pattern.ptr, text.ptr, text.len, nocase);
    size_t len = (size_t)(star - pattern.ptr);
    if (text.len < len || !same(pattern.ptr, text.ptr, len, nocase))
        return false;
    text = skip(text, len);
    pattern = skip(pattern, len + 1);
    /* Between stars the leftmost occurrence is as good as any: it leaves the most. */
    while (pattern.len && (star = memchr(pattern.ptr, '*', pattern.len))) {
        len = (size_t)(star - pattern.ptr);
        if (len) {
            const uint8_t *hit = find(text, pattern.ptr, len, nocase);
            if (!hit)
                return false;
            text = skip(text, (size_t)(hit - text.ptr) + len);
        }
        pattern = skip(pattern, len + 1);
    }
    return pattern.len <= text.len &&
           (!pattern.len ||
            same(pattern.ptr, text.ptr + text.len - pattern.len, pattern.len, nocase));
}

struct pattern pattern_compile(struct arena *arena, struct l7_bytes text, bool nocase, bool glob)
{
    struct pattern p = {.shape = PATTERN_EXACT, .nocase = nocase};
    bool front = false, back = false;
    uint8_t *copy = arena_copy_bytes(arena, text.ptr, text.len);
    p.text = (struct l7_bytes){copy, text.len};
    if (!glob)
        return p;
    while (p.text.len && *p.text.ptr == '*') {
        p.text = skip(p.text, 1);
        front = true;
    }
    while (p.text.len && p.text.ptr[p.text.len - 1] == '*') {
        p.text.len--;
        back = true;
    }
    if (p.text.len && memchr(p.text.ptr, '*', p.text.len)) {
        p.shape = PATTERN_GLOB;
        p.text = (struct l7_bytes){copy, text.len};
    } else if (!p.text.len) {
        p.shape = front ? PATTERN_ANY : PATTERN_EXACT;
    } else if (front || back) {
        p.shape = !front ? PATTERN_PREFIX : !back ? PATTERN_SUFFIX : PATTERN_CONTAINS;
    }
    return p;
}

bool pattern_matches(const struct pattern *p, struct l7_bytes text)
{
    size_t len = p->text.len;
    switch (p->shape) {
    case PATTERN_ANY:
        return true;
    case PATTERN_EXACT:
        return text.len == len && same(text.ptr, p->text.ptr, len, p->nocase);
    case PATTERN_PREFIX:
        return text.len >= len && same(text.ptr, p->text.ptr, len, p->nocase);
    case PATTERN_SUFFIX:
        return text.len >= len && same(text.ptr + (text.len - len), p->text.ptr, len, p->nocase);
    case PATTERN_CONTAINS:
        return find(text, p->text.ptr, len, p->nocase) != NULL;
    case PATTERN_GLOB:
        return glob_match(p->text, text, p->nocase);
    }
    return false;
}

bool number_parse(struct l7_bytes text, uint64_t *out)
{
    uint64_t value = 0;
    if (!text.len || text.len > 20)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.ptr[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool form_matches(const struct matcher *m, struct l7_bytes form)
{
    uint64_t number;
    if (m->numeric)
        return number_parse(form, &number) && number >= m->low && number <= m->high;
    return pattern_matches(&m->head, form);
}

static enum fit matcher_fit(const struct matcher *m, const struct field *fields, size_t count,
                            bool complete)
{
    const struct field *f = m->field < count ? &fields[m->field] : NULL;
    if (!f || !f->emitted)
        return f && !complete ? FIT_OPEN : FIT_NO; /* absent is matched by nothing [L7-12] */
    if (f->unmatchable || !f->form_count || f->form_count > L7_FORMS_MAX)
        return FIT_NO;
    for (size_t i = 0; i < f->form_count; i++)
        if (!form_matches(m, f->forms[i]))
            return FIT_NO;
    if (m->has_tail && (!f->has_tail || !pattern_matches(&m->tail, f->tail)))
        return FIT_NO;
    return FIT_YES;
}

enum fit item_fit(const struct rule_item *item, const struct field *fields, size_t count,
                  bool complete)
{
    enum fit all = FIT_YES;
    for (size_t i = 0; i < item->count; i++) {
        enum fit one = matcher_fit(&item->matchers[i], fields, count, complete);
        if (one == FIT_NO)
            return FIT_NO;
        if (one == FIT_OPEN)
            all = FIT_OPEN;
    }
    return all;
}

enum fit rule_fit(const struct rule *rule, unsigned keyword, const struct field *fields,
                  size_t field_count, bool complete)
{
    enum fit best = FIT_NO;
    if (rule->sieve)
        return sieve_fit(rule->sieve, rule, keyword, fields, field_count, complete);
    for (size_t i = 0; i < rule->item_count; i++) {
        if (rule->items[i].keyword != keyword)
            continue;
        enum fit one = item_fit(&rule->items[i], fields, field_count, complete);
        if (one == FIT_YES)
            return FIT_YES;
        if (one == FIT_OPEN)
            best = FIT_OPEN;
    }
    return best;
}
