/* SPDX-License-Identifier: Apache-2.0 */
/* matchwhy: why a rule's L7 part does not fit, for people. Values come from the network and are
 * shown cut and printable. Not: whether it fits (match.c). */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "policy/pattern.h"

#define VALUE_MAX 64

struct line {
    char *buf;
    size_t cap, used;
};

static void __attribute__((format(printf, 2, 3))) line_add(struct line *o, const char *format, ...)
{
    va_list args;
    if (o->used + 1 >= o->cap)
        return;
    va_start(args, format);
    int n = vsnprintf(o->buf + o->used, o->cap - o->used, format, args);
    va_end(args);
    size_t room = o->cap - o->used - 1;
    o->used += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
}

static void line_value(struct line *o, struct l7_bytes value)
{
    line_add(o, "\"");
    for (size_t i = 0; i < value.len && i < VALUE_MAX; i++) {
        uint8_t c = value.ptr[i];
        line_add(o, c >= 0x20 && c < 0x7f && c != '"' && c != '\\' ? "%c" : "\\x%02x", c);
    }
    line_add(o, value.len > VALUE_MAX ? "...\"" : "\"");
}

static void line_matcher(struct line *o, const struct matcher *m,
                         const struct l7_inspector *inspector, const struct field *fields,
                         size_t count)
{
    const struct field *f = m->field < count ? &fields[m->field] : NULL;
    const char *name =
        m->field < inspector->field_count ? inspector->fields[m->field].name : "field";
    if (!f || !f->emitted) {
        line_add(o, "there is no %s to match \"%s\"", name, m->written);
        return;
    }
    if (f->unmatchable) {
        line_add(o, "%s is ambiguous and matches no pattern", name);
        return;
    }
    line_add(o, "%s ", name);
    size_t shown = 0;
    while (shown + 1 < f->form_count && pattern_matches(&m->head, f->forms[shown]))
        shown++;
    line_value(o, f->form_count ? f->forms[shown] : (struct l7_bytes){0});
    if (m->has_tail && f->has_tail) {
        line_add(o, " with ");
        line_value(o, f->tail);
    }
    line_add(o, " does not match \"%s\"", m->written);
}

static bool matcher_fits(const struct rule_item *item, size_t k, const struct field *fields,
                         size_t count)
{
    struct rule_item one = {item->keyword, item->name, 1, &item->matchers[k]};
    struct rule rule = {.item_count = 1, .items = &one};
    return rule_fit(&rule, item->keyword, fields, count, true) == FIT_YES;
}

void rule_fit_why(const struct rule *rule, unsigned keyword, const struct l7_inspector *inspector,
                  const struct field *fields, size_t field_count, char *buf, size_t cap)
{
    struct line out = {buf, cap, 0};
    size_t told = 0;
    if (!cap)
        return;
    buf[0] = '\0';
    for (size_t i = 0; i < rule->item_count; i++) {
        const struct rule_item *item = &rule->items[i];
        for (size_t k = 0; item->keyword == keyword && k < item->count; k++) {
            if (matcher_fits(item, k, fields, field_count))
                continue;
            if (told++)
                line_add(&out, "; ");
            line_matcher(&out, &item->matchers[k], inspector, fields, field_count);
            break; /* one reason an item is enough */
        }
    }
    if (told)
        return;
    line_add(&out, "%s is not among", inspector->keyword);
    for (size_t i = 0; i < rule->item_count; i++)
        line_add(&out, "%s %s", i ? "," : "", rule->items[i].name);
}
