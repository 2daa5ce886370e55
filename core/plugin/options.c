/* SPDX-License-Identifier: Apache-2.0 */
/* options: turns what somebody wrote for a plugin into values of the types its table names. All
 * mistakes are collected. What an option is for, only the plugin knows. */

#include "plugin/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/diag.h"
#include "base/suggest.h"
#include "base/units.h"
#include "base/yaml.h"
#include "plugin/head.h"
#include "plugin/registry.h"

#define OPTIONS_MAX 128
#define ITEMS_MAX 4096
#define FIELD_LEN_MAX 128

struct value {
    bool given;
    char *text; /* as written; "" for lists */
    int64_t number;
    bool truth;
    char **items;
    size_t count;
};

struct l7_config {
    char name[L7_NAME_MAX]; /* the plugin's, for messages */
    const struct l7_option *options;
    size_t count;
    struct value values[];
};

/* A word as if it stood in the file, without quotes. */
static struct node word_node(const char *text)
{
    return (struct node){.kind = NODE_SCALAR, .plain = true, .text = text, .len = strlen(text)};
}

static void value_fini(struct value *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i]);
    free(v->items);
    free(v->text);
    *v = (struct value){0};
}

static bool is_text(const struct node *n)
{
    return n->kind == NODE_SCALAR && strlen(n->text) == n->len;
}

static const char *item_add(struct value *v, const char *text, size_t len)
{
    if (v->count == ITEMS_MAX)
        return "has too many items";
    char **grown = realloc(v->items, (v->count + 1) * sizeof(*grown));
    if (!grown)
        return "out of memory";
    v->items = grown;
    v->items[v->count] = strndup(text, len);
    if (!v->items[v->count])
        return "out of memory";
    v->count++;
    return NULL;
}

static const char *list_read(struct value *v, const struct node *n)
{
    static const char wrong[] = "must be a list of texts, such as [a, b]";

    if (n->kind != NODE_LIST)
        return wrong;
    for (size_t i = 0; i < n->count; i++) {
        const struct node *item = n->values[i];
        if (!is_text(item) || node_is_null(item))
            return wrong;
        const char *problem = item_add(v, item->text, item->len);
        if (problem)
            return problem;
    }
    return NULL;
}

/* "a,b" or "[a, b]": a list as a default or on a command line. */
static const char *list_split(struct value *v, const char *text)
{
    size_t len = strlen(text);
    const char *end = text + len;

    if (len >= 2 && text[0] == '[' && end[-1] == ']') {
        text++;
        end--;
    }
    while (text < end) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *last = comma ? comma : end;
        const char *first = text;
        text = comma ? comma + 1 : end;
        while (first < last && *first == ' ')
            first++;
        while (first < last && last[-1] == ' ')
            last--;
        if (first == last)
            return "has an empty item";
        const char *problem = item_add(v, first, (size_t)(last - first));
        if (problem)
            return problem;
    }
    return NULL;
}

/* NULL, or what is wrong. */
static const char *scalar_read(struct value *v, uint32_t type, const struct node *n)
{
    uint64_t amount = 0;
    bool text = is_text(n);

    switch (type) {
    case L7_OPTION_TEXT:
        if (!text || (n->len > 0 && node_is_null(n)) || (n->len == 0 && n->plain))
            return "must be a text";
        break;
    case L7_OPTION_BOOL:
        if (!node_bool(n, &v->truth))
            return "must be true or false";
        break;
    case L7_OPTION_NUMBER:
        if (!node_int(n, &v->number) || v->number < 0)
            return "must be a whole number, not negative";
        break;
    case L7_OPTION_SIZE:
        if (!text || !units_size(n->text, &amount) || amount > INT64_MAX)
            return "must be a number of bytes, such as 65536, 64KiB or 1MiB";
        v->number = (int64_t)amount;
        break;
    case L7_OPTION_DURATION:
        if (!text || !units_duration(n->text, &amount) || amount > INT64_MAX)
            return "must be a time, such as 250ms, 30s or 5m";
        v->number = (int64_t)amount;
        break;
    default:
        return "has a type this host does not know";
    }
    v->text = strndup(n->text, n->len);
    return v->text ? NULL : "out of memory";
}

/* On failure the value is empty again. */
static const char *value_read(struct value *v, uint32_t type, const struct node *n)
{
    const char *problem;

    if (type == L7_OPTION_LIST) {
        problem = list_read(v, n);
        if (!problem) {
            v->text = strdup("");
            problem = v->text ? NULL : "out of memory";
        }
    } else {
        problem = scalar_read(v, type, n);
    }
    if (problem)
        value_fini(v);
    v->given = true;
    return problem;
}

/* From a command line or a default. */
static const char *value_read_word(struct value *v, uint32_t type, const char *word)
{
    struct node n = word_node(word);
    const char *problem;

    if (type == L7_OPTION_TEXT) {
        n.plain = false; /* "" and "null" are texts */
    } else if (type == L7_OPTION_LIST) {
        problem = list_split(v, word);
        if (!problem && !v->text) {
            v->text = strdup("");
            problem = v->text ? NULL : "out of memory";
        }
        if (problem)
            value_fini(v);
        v->given = true;
        return problem;
    }
    return value_read(v, type, &n);
}

bool options_check(const struct l7_option *options, size_t count, char *why, size_t why_cap)
{
    if (count > OPTIONS_MAX || (count > 0 && !options)) {
        refuse(why, why_cap, 0, "its option table has %zu entries, 0 to %d are possible", count,
               OPTIONS_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct l7_option *o = &options[i];
        if (!o->key || !o->key[0]) {
            refuse(why, why_cap, 0, "option %zu has no key", i);
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(options[k].key, o->key) == 0) {
                refuse(why, why_cap, 0, "option \"%s\" is declared twice", o->key);
                return false;
            }
        }
        if (o->type < L7_OPTION_TEXT || o->type > L7_OPTION_LIST) {
            refuse(why, why_cap, 0, "option \"%s\" has type %u, which this host does not know",
                   o->key, o->type);
            return false;
        }
        struct value v = {0};
        const char *problem = o->fallback ? value_read_word(&v, o->type, o->fallback) : NULL;
        value_fini(&v);
        if (problem) {
            refuse(why, why_cap, 0, "option \"%s\": its default \"%s\" %s", o->key, o->fallback,
                   problem);
            return false;
        }
    }
    return true;
}

static struct l7_config *config_alloc(const struct plugin *p)
{
    const struct l7_plugin *desc = p->desc;
    struct l7_config *c = calloc(1, sizeof(*c) + desc->option_count * sizeof(c->values[0]));

    if (!c)
        return NULL;
    memcpy(c->name, desc->name, sizeof(c->name));
    c->name[sizeof(c->name) - 1] = 0;
    c->options = desc->options;
    c->count = desc->option_count;
    return c;
}

void config_free(struct l7_config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        value_fini(&c->values[i]);
    free(c);
}

static bool key_find(const struct l7_config *c, const char *key, size_t *index)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->options[i].key, key) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static void tell(const struct l7_config *c, struct problems *problems, const struct node *where,
                 const char *key, const char *problem)
{
    char field[L7_NAME_MAX + FIELD_LEN_MAX];

    snprintf(field, sizeof(field), "%s.%s", c->name, key);
    problem_add(problems, PROBLEM_ERROR, node_place(where, field), "%s", problem);
}

static void tell_unknown(const struct l7_config *c, struct problems *problems,
                         const struct node *where, const char *key)
{
    const char *keys[OPTIONS_MAX];
    char text[1024] = "unknown option";
    size_t len = strlen(text);

    for (size_t i = 0; i < c->count; i++)
        keys[i] = c->options[i].key;
    const char *meant = suggest(key, keys, c->count);
    if (meant)
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "; did you mean \"%.100s\"?", meant);
    else if (c->count == 0)
        snprintf(text + len, sizeof(text) - len, "; %s has no options", c->name);
    for (size_t i = 0; !meant && i < c->count && len < sizeof(text) - 160; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.100s",
                                i ? ", " : "; known: ", keys[i]);
    tell(c, problems, where, key, text);
}

/* Defaults for what was not given. */
static void complete(struct l7_config *c, const struct node *where, struct problems *problems)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct l7_option *o = &c->options[i];
        if (c->values[i].given)
            continue;
        const char *problem = "must be given";
        if (o->fallback)
            problem = value_read_word(&c->values[i], o->type, o->fallback);
        if (problem && !o->fallback && o->help) {
            char text[256];
            snprintf(text, sizeof(text), "must be given: %s", o->help);
            tell(c, problems, where, o->key, text);
        } else if (problem) {
            tell(c, problems, where, o->key, problem);
        }
    }
}

/* NULL and freed when errors came up since `errors` was read. */
static struct l7_config *settle(struct l7_config *c, const struct problems *problems, size_t errors)
{
    if (problems->errors == errors)
        return c;
    config_free(c);
    return NULL;
}

struct l7_config *config_new(const struct plugin *p, const struct node *options,
                             struct problems *problems)
{
    size_t errors = problems->errors;
    struct l7_config *c = config_alloc(p);

    if (!c) {
        problem_add(problems, PROBLEM_ERROR, node_place(options, p->desc->name), "out of memory");
        return NULL;
    }
    if (options && options->kind != NODE_MAP && !node_is_null(options)) {
        problem_add(problems, PROBLEM_ERROR, node_place(options, c->name),
                    "must be a map of options, such as {key: value}");
        return settle(c, problems, errors);
    }
    for (size_t i = 0; options && options->kind == NODE_MAP && i < options->count; i++) {
        const struct node *key = options->keys[i];
        size_t index;
        if (!key_find(c, key->text, &index)) {
            tell_unknown(c, problems, key, key->text);
            continue;
        }
        const char *problem =
            value_read(&c->values[index], c->options[index].type, options->values[i]);
        if (problem)
            tell(c, problems, options->values[i], key->text, problem);
    }
    complete(c, options, problems);
    return settle(c, problems, errors);
}

static void pair_read(struct l7_config *c, const char *pair, struct problems *problems)
{
    char key[FIELD_LEN_MAX];
    size_t index;

    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair) {
        problem_add(problems, PROBLEM_ERROR, (struct place){.field = c->name},
                    "\"%s\" is not of the form key=value", pair);
        return;
    }
    snprintf(key, sizeof(key), "%.*s",
             (int)(equals - pair < FIELD_LEN_MAX ? equals - pair : FIELD_LEN_MAX), pair);
    if (!key_find(c, key, &index)) {
        tell_unknown(c, problems, NULL, key);
        return;
    }
    struct value *v = &c->values[index];
    if (v->given && c->options[index].type != L7_OPTION_LIST) {
        tell(c, problems, NULL, key, "is given twice");
        return;
    }
    const char *problem = value_read_word(v, c->options[index].type, equals + 1);
    if (problem)
        tell(c, problems, NULL, key, problem);
}

struct l7_config *config_new_pairs(const struct plugin *p, const char *const *pairs, size_t count,
                                   struct problems *problems)
{
    size_t errors = problems->errors;
    struct l7_config *c = config_alloc(p);

    if (!c) {
        problem_add(problems, PROBLEM_ERROR, (struct place){.field = p->desc->name},
                    "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        pair_read(c, pairs[i], problems);
    complete(c, NULL, problems);
    return settle(c, problems, errors);
}

static const struct value *value_of(const struct l7_config *c, const char *key)
{
    static const struct value none = {0};
    size_t index;

    if (c && key && key_find(c, key, &index))
        return &c->values[index];
    diag(L7_ERROR, "plugin", "%s asks for the option \"%s\", which it does not declare",
         c ? c->name : "a plugin without options", key ? key : "");
    return &none;
}

const char *config_text(const struct l7_config *config, const char *key)
{
    const struct value *v = value_of(config, key);
    return v->text ? v->text : "";
}

int64_t config_number(const struct l7_config *config, const char *key)
{
    return value_of(config, key)->number;
}

bool config_bool(const struct l7_config *config, const char *key)
{
    return value_of(config, key)->truth;
}

size_t config_count(const struct l7_config *config, const char *key)
{
    return value_of(config, key)->count;
}

const char *config_item(const struct l7_config *config, const char *key, size_t index)
{
    const struct value *v = value_of(config, key);
    return index < v->count ? v->items[index] : NULL;
}
