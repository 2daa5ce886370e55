/* SPDX-License-Identifier: Apache-2.0 */
/* check: what a plugin must have, and which declarations make no sense. Policies, records and the
 * reference page are made from these tables, so a mistake in them is found here, once. */

#include "plugin/check.h"

#include <string.h>
#include "plugin/head.h"

#define WORD_MAX 64
#define ENUM_VALUES_MAX 4096

/* Always false. */
#define wrong(...) (refuse(why, why_cap, 0, __VA_ARGS__) != 0)

/* A word that can stand in a policy, a record and on a command line. */
static bool is_word(const char *text, bool dot)
{
    size_t len = text ? strnlen(text, WORD_MAX + 1) : 0;
    unsigned dots = 0;

    if (len == 0 || len > WORD_MAX || text[0] == '.' || text[0] == '-' || text[len - 1] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
        if (!letter && !(dot && c == '.' && dots++ == 0))
            return false;
    }
    return true;
}

static bool field_check(const struct l7_field *f, char *why, size_t why_cap)
{
    if (f->match < L7_MATCH_EXACT || f->match > L7_MATCH_NUMBER)
        return wrong("field \"%s\" has match kind %u, which this host does not know", f->name,
                     f->match);
    if (f->flags & ~L7_FIELD_NOCASE)
        return wrong("field \"%s\" has flags 0x%x, which this host does not know", f->name,
                     f->flags);
    if (f->split > 127 || (f->split && f->match != L7_MATCH_EXACT && f->match != L7_MATCH_GLOB))
        return wrong("field \"%s\" cannot be split at character %u", f->name, f->split);
    if (f->match != L7_MATCH_ENUM)
        return true;
    if (!f->values || f->value_count == 0 || f->value_count > ENUM_VALUES_MAX)
        return wrong("field \"%s\" is an enumeration without values", f->name);
    for (size_t i = 0; i < f->value_count; i++)
        if (!f->values[i] || !f->values[i][0])
            return wrong("field \"%s\": value %zu of its enumeration is empty", f->name, i);
    return true;
}

static bool fields_check(const struct l7_field *fields, size_t count, char *why, size_t why_cap)
{
    if (count > FIELDS_MAX || (count > 0 && !fields))
        return wrong("its field table has %zu entries, 0 to %d are possible", count, FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!is_word(fields[i].name, false))
            return wrong("field %zu has no usable name", i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(fields[k].name, fields[i].name) == 0)
                return wrong("field \"%s\" is declared twice", fields[i].name);
        if (!field_check(&fields[i], why, why_cap))
            return false;
    }
    return true;
}

/* Length of the part that names the object in a record: "content_range" of "content_range.start",
 * or the whole name. */
static size_t head_len(const char *name)
{
    return strcspn(name, ".");
}

static bool same_head(const struct l7_attr *a, const struct l7_attr *b)
{
    size_t len = head_len(a->name);
    return len == head_len(b->name) && memcmp(a->name, b->name, len) == 0;
}

/* Attributes of one object must be neighbours, or a record would have the object twice. */
static bool attrs_check(const struct l7_attr *attrs, size_t count, char *why, size_t why_cap)
{
    if (count > ATTRS_MAX || (count > 0 && !attrs))
        return wrong("its attribute table has %zu entries, 0 to %d are possible", count, ATTRS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct l7_attr *a = &attrs[i];
        if (!is_word(a->name, true))
            return wrong("attribute %zu has no usable name", i);
        if (a->type < L7_TYPE_STRING || a->type > L7_TYPE_BOOL)
            return wrong("attribute \"%s\" has type %u, which this host does not know", a->name,
                         a->type);
        for (size_t k = 0; k < i; k++) {
            const struct l7_attr *b = &attrs[k];
            if (strcmp(a->name, b->name) == 0)
                return wrong("attribute \"%s\" is declared twice", a->name);
            if (!same_head(a, b))
                continue;
            if (!strchr(a->name, '.') || !strchr(b->name, '.'))
                return wrong("attributes \"%s\" and \"%s\" cannot both be in a record", b->name,
                             a->name);
            if (!same_head(a, &attrs[i - 1]))
                return wrong("attributes \"%s\" and \"%s\" must be neighbours", b->name, a->name);
        }
    }
    return true;
}

bool inspector_check(const struct l7_inspector *ops, char *why, size_t why_cap)
{
    if (!ops->keyword)
        return wrong("inspector lacks the mandatory \"keyword\"");
    if (!is_word(ops->keyword, false))
        return wrong("its keyword is not a word of letters, digits, \"-\" and \"_\"");
    if (!ops->probe)
        return wrong("inspector lacks the mandatory callback \"probe\"");
    if (!ops->feed)
        return wrong("inspector lacks the mandatory callback \"feed\"");
    if (ops->state_size > STATE_SIZE_MAX)
        return wrong("it wants %zu bytes for every flow, at most %u are possible", ops->state_size,
                     STATE_SIZE_MAX);
    return fields_check(ops->fields, ops->field_count, why, why_cap) &&
           attrs_check(ops->attrs, ops->attr_count, why, why_cap);
}

bool capture_check(const struct l7_capture *ops, char *why, size_t why_cap)
{
    const char *lacks = !ops->open         ? "open"
                        : !ops->descriptor ? "descriptor"
                        : !ops->receive    ? "receive"
                        : !ops->finalise   ? "finalise"
                        : !ops->iface_name ? "iface_name"
                                           : NULL;
    return !lacks || wrong("capture lacks the mandatory callback \"%s\"", lacks);
}

bool log_check(const struct l7_log *ops, char *why, size_t why_cap)
{
    const char *lacks = !ops->open ? "open" : !ops->write ? "write" : NULL;

    return !lacks || wrong("log lacks the mandatory callback \"%s\"", lacks);
}
