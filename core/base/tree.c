/* SPDX-License-Identifier: Apache-2.0 */
/* tree: the builder and its arena. Decides which documents are too deep, too many or say the same
 * thing twice; leaves syntax to yaml.c and json.c and meaning to everyone else.
 *
 * No recursion: open maps and lists are frames of a fixed stack, and their finished children wait
 * on one shared stack of items until the frame closes. */

#include "base/tree.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE (64u * 1024)

struct chunk {
    struct chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

struct yaml_arena {
    struct chunk *chunks; /* the first one is being filled */
};

/* What an alias can refer to: a finished node. */
struct anchor {
    const char *name;
    const struct node *node;
    size_t weight;   /* nodes in it, aliases expanded */
    unsigned height; /* levels in it */
};

struct frame {
    struct node *node;
    const char *anchor;
    size_t first; /* of its children, on the stack of items */
    size_t weight;
    unsigned height;
};

struct tree {
    struct problems *problems;
    struct yaml_arena *arena;
    const char *name;
    struct frame frames[TREE_DEPTH_MAX];
    unsigned depth;
    const struct node **items;
    size_t item_count, item_cap;
    size_t node_count, expansion;
    void *anchors; /* tsearch tree: balanced, so no choice of names makes it slow */
    const struct node *root;
    const struct node **documents;
    size_t document_count, document_cap;
    bool bad; /* an error that did not stop the reading */
};

static void *arena_take(struct yaml_arena *arena, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct chunk *c = arena->chunks;
    if (!c || c->size - c->used < size) {
        size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
        c = malloc(sizeof(*c) + room);
        if (!c)
            return NULL;
        c->used = 0;
        c->size = room;
        c->next = arena->chunks;
        arena->chunks = c;
    }
    void *place = (char *)c->bytes + c->used;
    c->used += size;
    return place;
}

static const char *arena_copy(struct yaml_arena *arena, const char *text, size_t len)
{
    char *copy = arena_take(arena, len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

void yaml_arena_free(struct yaml_arena *arena)
{
    if (!arena)
        return;
    for (struct chunk *c = arena->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(arena);
}

struct tree *tree_new(const char *name, struct problems *problems)
{
    struct tree *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->problems = problems;
    t->arena = calloc(1, sizeof(*t->arena));
    if (t->arena)
        t->name = arena_copy(t->arena, name, strlen(name));
    if (!t->name) {
        tree_free(t);
        return NULL;
    }
    return t;
}

static void keep(void *anchor)
{
    (void)anchor; /* it lies in the arena */
}

void tree_free(struct tree *t)
{
    if (!t)
        return;
    tdestroy(t->anchors, keep);
    free(t->items);
    free(t->documents);
    yaml_arena_free(t->arena);
    free(t);
}

bool tree_error(struct tree *t, struct mark at, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    problem_add(t->problems, PROBLEM_ERROR,
                (struct place){.file = t->name, .line = at.line, .column = at.column}, "%s", text);
    t->bad = true;
    return false;
}

static bool no_memory(struct tree *t)
{
    return tree_error(t, (struct mark){0}, "out of memory");
}

static struct mark mark_of(const struct node *n)
{
    return (struct mark){n->line, n->column};
}

static int anchor_compare(const void *a, const void *b)
{
    const struct anchor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool anchor_put(struct tree *t, struct anchor made)
{
    struct anchor *entry = arena_take(t->arena, sizeof(*entry));
    if (!entry)
        return no_memory(t);
    *entry = made;
    struct anchor **slot = tsearch(entry, &t->anchors, anchor_compare);
    if (!slot)
        return no_memory(t);
    *slot = entry; /* a later definition replaces an earlier one */
    return true;
}

static struct node *node_new(struct tree *t, struct mark at, enum node_kind kind)
{
    if (++t->node_count > TREE_NODES_MAX) {
        tree_error(t, at, "more than %d values in one file", TREE_NODES_MAX);
        return NULL;
    }
    struct node *n = arena_take(t->arena, sizeof(*n));
    if (!n) {
        no_memory(t);
        return NULL;
    }
    *n = (struct node){.kind = kind, .line = at.line, .column = at.column, .file = t->name};
    return n;
}

/* A finished node goes to where it belongs: its parent, or it is the document. */
static bool put(struct tree *t, const struct node *n, struct mark at, size_t weight,
                unsigned height)
{
    if (t->depth == 0) {
        t->root = n;
        return true;
    }
    struct frame *f = &t->frames[t->depth - 1];
    bool is_key = f->node->kind == NODE_MAP && (t->item_count - f->first) % 2 == 0;
    if (is_key && n->kind != NODE_SCALAR)
        return tree_error(t, at, "a key must be a word or a quoted string, not a %s",
                          n->kind == NODE_MAP ? "map" : "list");
    if (is_key && n->plain && n->len == 2 && memcmp(n->text, "<<", 2) == 0)
        return tree_error(t, at, "merge keys (<<) are not supported: write the fields out");
    if (t->item_count == t->item_cap) {
        size_t cap = t->item_cap ? t->item_cap * 2 : 64;
        const struct node **grown = realloc(t->items, cap * sizeof(*grown));
        if (!grown)
            return no_memory(t);
        t->items = grown;
        t->item_cap = cap;
    }
    t->items[t->item_count++] = n;
    f->weight += weight;
    if (height + 1 > f->height)
        f->height = height + 1;
    return true;
}

bool tree_scalar(struct tree *t, struct mark at, const char *text, size_t len, bool plain,
                 const char *anchor)
{
    struct node *n = node_new(t, at, NODE_SCALAR);
    if (!n)
        return false;
    n->plain = plain;
    n->text = arena_copy(t->arena, text, len);
    n->len = len;
    if (!n->text)
        return no_memory(t);
    if (anchor) {
        struct anchor made = {.node = n, .weight = 1};
        made.name = arena_copy(t->arena, anchor, strlen(anchor));
        if (!made.name)
            return no_memory(t);
        if (!anchor_put(t, made))
            return false;
    }
    return put(t, n, at, 1, 0);
}

bool tree_open(struct tree *t, struct mark at, enum node_kind kind, const char *anchor)
{
    if (t->depth == TREE_DEPTH_MAX)
        return tree_error(t, at, "nested deeper than %d levels", TREE_DEPTH_MAX);
    struct frame made = {.first = t->item_count, .weight = 1};
    made.node = node_new(t, at, kind);
    if (!made.node)
        return false;
    if (anchor) {
        made.anchor = arena_copy(t->arena, anchor, strlen(anchor));
        if (!made.anchor)
            return no_memory(t);
    }
    t->frames[t->depth++] = made;
    return true;
}

static int key_compare(const void *a, const void *b)
{
    const struct node *x = *(const struct node *const *)a;
    const struct node *y = *(const struct node *const *)b;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    int order = memcmp(x->text, y->text, x->len);
    if (order)
        return order;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* All repeated keys of a map are told, each with the place of the one before. */
static bool keys_check(struct tree *t, const struct node *map)
{
    if (map->count < 2)
        return true;
    const struct node **sorted = malloc(map->count * sizeof(*sorted));
    if (!sorted)
        return no_memory(t);
    memcpy(sorted, map->keys, map->count * sizeof(*sorted));
    qsort(sorted, map->count, sizeof(*sorted), key_compare);
    for (size_t i = 1; i < map->count; i++) {
        const struct node *first = sorted[i - 1], *again = sorted[i];
        if (first->len == again->len && memcmp(first->text, again->text, first->len) == 0)
            tree_error(t, mark_of(again), "key \"%s\" was given already in line %d, column %d",
                       again->text, first->line, first->column);
    }
    free(sorted);
    return true;
}

bool tree_close(struct tree *t)
{
    struct frame f = t->frames[--t->depth];
    struct node *n = f.node;
    size_t count = t->item_count - f.first;
    const struct node **items = count > 0 ? t->items + f.first : NULL;

    if (count > 0) {
        const struct node **own = arena_take(t->arena, count * sizeof(*own));
        if (!own)
            return no_memory(t);
        if (n->kind == NODE_LIST) {
            memcpy(own, items, count * sizeof(*own));
            n->values = own;
        } else {
            count /= 2;
            n->keys = own;
            n->values = own + count;
            for (size_t i = 0; i < count; i++) {
                n->keys[i] = items[2 * i];
                n->values[i] = items[2 * i + 1];
            }
        }
    }
    n->count = count;
    t->item_count = f.first;
    if (n->kind == NODE_MAP && !keys_check(t, n))
        return false;
    if (f.anchor && !anchor_put(t, (struct anchor){f.anchor, n, f.weight, f.height}))
        return false;
    return put(t, n, mark_of(n), f.weight, f.height);
}

bool tree_alias(struct tree *t, struct mark at, const char *name)
{
    for (unsigned i = 0; i < t->depth; i++)
        if (t->frames[i].anchor && strcmp(t->frames[i].anchor, name) == 0)
            return tree_error(t, at, "alias *%s stands inside what it refers to", name);

    struct anchor wanted = {.name = name};
    struct anchor *const *slot = tfind(&wanted, &t->anchors, anchor_compare);
    if (!slot)
        return tree_error(t, at, "alias *%s refers to nothing before it", name);
    const struct anchor *a = *slot;
    t->expansion += a->weight;
    if (t->expansion > TREE_EXPANSION_MAX)
        return tree_error(t, at, "aliases stand for more than %d values", TREE_EXPANSION_MAX);
    if (t->depth + a->height > TREE_DEPTH_MAX)
        return tree_error(t, at, "nested deeper than %d levels", TREE_DEPTH_MAX);
    return put(t, a->node, at, a->weight, a->height);
}

bool tree_end_document(struct tree *t)
{
    const struct node *root = t->root;

    t->root = NULL;
    tdestroy(t->anchors, keep);
    t->anchors = NULL;
    if (!root || node_is_null(root))
        return true;
    if (t->document_count == t->document_cap) {
        size_t cap = t->document_cap ? t->document_cap * 2 : 4;
        const struct node **grown = realloc(t->documents, cap * sizeof(*grown));
        if (!grown)
            return no_memory(t);
        t->documents = grown;
        t->document_cap = cap;
    }
    t->documents[t->document_count++] = root;
    return true;
}

struct yaml_file *tree_take(struct tree *t)
{
    struct yaml_file *file = t->bad ? NULL : calloc(1, sizeof(*file));

    if (file) {
        file->name = strdup(t->name);
        if (!file->name) {
            free(file);
            file = NULL;
        }
    }
    if (file) {
        file->documents = t->documents;
        file->count = t->document_count;
        file->arena = t->arena;
        t->documents = NULL;
        t->arena = NULL;
    } else if (!t->bad) {
        no_memory(t);
    }
    tree_free(t);
    return file;
}
