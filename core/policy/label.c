/* SPDX-License-Identifier: Apache-2.0 */
/* label: labels of objects, and selectors over them. Not: which objects are asked (peer.c). */

#include "policy/label.h"

#include <ctype.h>
#include <string.h>
#include "policy/load.h"

#define LABEL_MAX 63
#define PREFIX_MAX 253
#define SELECTOR_TEXT_MAX 400
#define VALUES_SHOWN 16

/* Letters and digits at both ends, with -_. inside. */
static bool label_word_valid(const char *text, size_t len)
{
    if (!len || len > LABEL_MAX || !isalnum((unsigned char)text[0]) ||
        !isalnum((unsigned char)text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
            return false;
    return true;
}

static bool subdomain_valid(const char *text, size_t len)
{
    if (!len || len > PREFIX_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool edge = i == 0 || i + 1 == len || text[i - 1] == '.' || text[i + 1] == '.';
        bool word = islower((unsigned char)text[i]) || isdigit((unsigned char)text[i]);
        if (!word && (edge || (text[i] != '-' && text[i] != '.')))
            return false;
    }
    return true;
}

bool object_name_valid(const char *text)
{
    return subdomain_valid(text, strlen(text));
}

bool label_key_valid(const char *text)
{
    const char *slash = strchr(text, '/');
    if (slash && !subdomain_valid(text, (size_t)(slash - text)))
        return false;
    const char *word = slash ? slash + 1 : text;
    return label_word_valid(word, strlen(word));
}

static bool label_value_valid(const char *text)
{
    return !*text || label_word_valid(text, strlen(text));
}

void labels_read(struct load *l, const struct at *at, struct labels *out)
{
    *out = (struct labels){0};
    if (!read_map(l, at))
        return;
    struct label *list = arena_array(&l->scratch, at->node->count, sizeof *list);
    for (size_t i = 0; i < at->node->count; i++) {
        const char *key = key_text(l, at->node->keys[i]);
        struct at value = {.up = at, .key = key, .node = at->node->values[i]};
        const char *text = node_is_null(value.node) ? "" : read_text(l, &value);
        if (text)
            list[out->count++] =
                (struct label){names_add(&l->words, key, NULL), names_add(&l->words, text, NULL)};
    }
    out->list = list;
}

bool labels_find(const struct labels *labels, uint32_t key, uint32_t *value)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (labels->list[i].key == key) {
            *value = labels->list[i].value;
            return true;
        }
    }
    return false;
}

static bool selector_key(struct load *l, const struct at *at, const char *key)
{
    if (label_key_valid(key))
        return true;
    read_error(l, at,
               "%s is no label key: a word of at most 63 letters, digits, '-', '_', '.', "
               "perhaps behind a DNS name and '/'",
               read_show(l, key, strlen(key)));
    return false;
}

static bool selector_value(struct load *l, const struct at *at, const char *value)
{
    if (label_value_valid(value))
        return true;
    read_error(l, at, "%s is no label value: at most 63 letters, digits, '-', '_', '.'",
               read_show(l, value, strlen(value)));
    return false;
}

/* Selectors with equal texts select alike (peer.c relies on it), so one whose text is cut gets a
 * number. */
static void selector_say(struct load *l, struct selector *s, const char *text)
{
    if (s->cut)
        return;
    s->cut = s->text && strlen(s->text) > SELECTOR_TEXT_MAX;
    if (s->cut)
        text = arena_printf(&l->scratch, "... #%zu", ++l->long_selectors);
    s->text = s->text ? arena_printf(&l->scratch, "%s,%s", s->text, text) : text;
}

/* One pair of matchLabels: the same as `key In [value]`. */
static bool selector_pair(struct load *l, const struct at *map, size_t i, struct requirement *out,
                          struct selector *s)
{
    const char *key = key_text(l, map->node->keys[i]);
    struct at at = {.up = map, .key = key, .node = map->node->values[i]};
    const char *value = read_text(l, &at);
    if (!selector_key(l, &at, key) || !value || !selector_value(l, &at, value))
        return false;
    uint32_t *list = arena_alloc(&l->scratch, sizeof *list);
    *list = names_add(&l->words, value, NULL);
    *out = (struct requirement){REQUIRE_IN, names_add(&l->words, key, NULL), list, 1};
    selector_say(l, s, arena_printf(&l->scratch, "%s=%s", key, value));
    return true;
}

static bool requirement_op(struct load *l, const struct at *at, enum requirement_op *out)
{
    static const char *const ops[] = {"In", "NotIn", "Exists", "DoesNotExist"};
    const char *text = read_needed(l, at);
    for (size_t i = 0; text && i < COUNT_OF(ops); i++) {
        if (strcmp(text, ops[i]) == 0) {
            *out = (enum requirement_op)i;
            return true;
        }
    }
    if (text)
        read_error(l, at, "%s is no operator; known: In, NotIn, Exists, DoesNotExist",
                   read_show(l, text, strlen(text)));
    return false;
}

static bool requirement_values(struct load *l, const struct at *at, struct requirement *r,
                               const char **text)
{
    size_t count = read_list(l, at);
    bool wants = r->op == REQUIRE_IN || r->op == REQUIRE_NOT_IN, good = true;
    if (wants != (count > 0)) {
        read_error(l, at,
                   wants ? "In and NotIn need at least one value"
                         : "Exists and DoesNotExist take no values");
        return false;
    }
    uint32_t *list = arena_array(&l->scratch, count, sizeof *list);
    *text = "";
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(at, i);
        const char *value = read_text(l, &item);
        if (value && selector_value(l, &item, value)) {
            list[i] = names_add(&l->words, value, NULL);
            /* Long lists are cut in the text by their number: quadratic otherwise. */
            if (i < VALUES_SHOWN)
                *text = arena_printf(&l->scratch, "%s%s%s", *text, i ? " " : "", value);
        } else {
            good = false;
        }
    }
    if (count > VALUES_SHOWN)
        *text =
            arena_printf(&l->scratch, "%s ... %zu values #%zu", *text, count, ++l->long_selectors);
    r->values = list;
    r->count = count;
    return good;
}

static bool selector_expression(struct load *l, const struct at *at, struct requirement *out,
                                struct selector *s)
{
    static const char *const known[] = {"key", "operator", "values"};
    if (!read_map(l, at))
        return false;
    read_known(l, at, known, COUNT_OF(known));
    struct at key_at = at_key(at, "key"), op_at = at_key(at, "operator");
    struct at values_at = at_key(at, "values");
    const char *key = read_needed(l, &key_at), *values = "";
    bool good = key && selector_key(l, &key_at, key);
    if (!requirement_op(l, &op_at, &out->op) || !requirement_values(l, &values_at, out, &values))
        good = false;
    if (!good)
        return false;
    out->key = names_add(&l->words, key, NULL);
    switch (out->op) {
    case REQUIRE_IN:
    case REQUIRE_NOT_IN:
        selector_say(l, s,
                     arena_printf(&l->scratch, "%s%s(%s)", key,
                                  out->op == REQUIRE_IN ? " in " : " not in ", values));
        break;
    case REQUIRE_EXISTS:
        selector_say(l, s, key);
        break;
    case REQUIRE_ABSENT:
        selector_say(l, s, arena_printf(&l->scratch, "!%s", key));
        break;
    }
    return true;
}

void selector_read(struct load *l, const struct at *at, struct selector *out)
{
    static const char *const known[] = {"matchLabels", "matchExpressions"};
    *out = (struct selector){0};
    if (!read_map(l, at))
        return;
    out->given = true;
    read_known(l, at, known, COUNT_OF(known));
    struct at labels = at_key(at, "matchLabels"), expressions = at_key(at, "matchExpressions");
    size_t pairs = read_map(l, &labels) ? labels.node->count : 0;
    size_t count = read_list(l, &expressions);
    struct requirement *list = arena_array(&l->scratch, pairs + count, sizeof *list);
    for (size_t i = 0; i < pairs; i++)
        if (selector_pair(l, &labels, i, &list[out->count], out))
            out->count++;
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(&expressions, i);
        if (selector_expression(l, &item, &list[out->count], out))
            out->count++;
    }
    out->list = list;
    if (!out->text)
        out->text = "{}";
}

static bool requirement_holds(const struct requirement *r, const struct labels *labels)
{
    uint32_t value;
    bool found = labels_find(labels, r->key, &value), listed = false;
    if (r->op == REQUIRE_EXISTS || r->op == REQUIRE_ABSENT)
        return found == (r->op == REQUIRE_EXISTS);
    for (size_t i = 0; found && i < r->count; i++)
        listed |= r->values[i] == value;
    return r->op == REQUIRE_IN ? listed : !listed;
}

bool selector_matches(const struct selector *s, const struct labels *labels)
{
    for (size_t i = 0; i < s->count; i++)
        if (!requirement_holds(&s->list[i], labels))
            return false;
    return true;
}
