/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* yaml: documents as trees of nodes that know where they were written.
 *
 * In    YAML or JSON text (a file, or memory)
 * Out   one tree a document; every node has file, line and column
 * Not   what a document means
 * Life  load (read)* free
 *
 * JSON (a file that ends in .json) must also satisfy jansson: no duplicate keys, one document.
 * Duplicate keys are refused in YAML too. Anchors and aliases work; an alias is the same node.
 * Scalars keep their text; `plain` says that they were written without quotes, which is what
 * decides whether `5` is a number and `true` a boolean.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/problem.h"

enum node_kind { NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
    enum node_kind kind;
    bool plain;                 /* scalar without quotes */
    int line, column;           /* from 1 */
    const char *file;           /* owned by the file */
    const char *text;           /* scalar, NUL-terminated; owned by the file */
    size_t len;                 /* of text; a NUL inside is possible */
    size_t count;               /* entries of a map or list */
    const struct node **keys;   /* map: scalars */
    const struct node **values; /* map and list */
};

struct yaml_file {
    char *name;
    const struct node **documents; /* an empty document is left out */
    size_t count;
    struct yaml_arena *arena;
};

/* Limits: 64 MiB a file, nesting of 100. 0, or negative errno after adding to `problems`. */
int yaml_load(const char *path, struct problems *problems, struct yaml_file **out);
/* `name` is for messages; `json` selects the strict reading. `text` is borrowed for the call. */
int yaml_parse(const char *name, const char *text, size_t len, bool json, struct problems *problems,
               struct yaml_file **out);
/* libyaml exports a function of this name and calls it: ours must not come before it. */
void yaml_free(struct yaml_file *file) __attribute__((visibility("hidden")));

/* NULL when `map` is NULL, no map, or has no such key. */
const struct node *node_get(const struct node *map, const char *key);

/* Types as YAML 1.1 resolves plain scalars (what Kubernetes tools do). */
bool node_is_null(const struct node *n);
bool node_is_string(const struct node *n); /* quoted, or plain and nothing else */
bool node_bool(const struct node *n, bool *out);
bool node_int(const struct node *n, int64_t *out);
bool node_double(const struct node *n, double *out); /* also takes integers */

struct place node_place(const struct node *n, const char *field);
