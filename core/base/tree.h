/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tree: builds the nodes of yaml.h, whoever reads the text.
 *
 * In    scalars, openings and closings of maps and lists, aliases, each with its place
 * Out   finished documents
 * Not   syntax (yaml.c, json.c)
 * Life  new (scalar | open | close | alias | end_document)* free
 *
 * Everything a tree consists of lies in one arena. Functions that return false have added the
 * problem; nothing more may be asked of the builder then.
 */

#include <stdbool.h>
#include <stddef.h>
#include "base/yaml.h"

#define TREE_DEPTH_MAX 100
#define TREE_NODES_MAX 4000000 /* in one file */
/* Nodes that aliases stand for, counted as often as a reader of the tree would meet them. */
#define TREE_EXPANSION_MAX 1000000

struct yaml_arena;
struct tree;

struct mark {
    int line, column; /* from 1 */
};

struct tree *tree_new(const char *name, struct problems *problems); /* NULL: no memory */
void tree_free(struct tree *t);

/* `anchor` may be NULL. Text is copied. */
bool tree_scalar(struct tree *t, struct mark at, const char *text, size_t len, bool plain,
                 const char *anchor);
bool tree_open(struct tree *t, struct mark at, enum node_kind kind, const char *anchor);
bool tree_close(struct tree *t);
bool tree_alias(struct tree *t, struct mark at, const char *anchor);
/* The outermost node is complete: it becomes a document unless it is nothing at all. */
bool tree_end_document(struct tree *t);

/* An error at `at`, and false. */
bool tree_error(struct tree *t, struct mark at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The documents so far; frees the builder. NULL: something was wrong on the way (told already). */
struct yaml_file *tree_take(struct tree *t);

void yaml_arena_free(struct yaml_arena *arena);

/* Read JSON into `t`. False: problems were added. */
bool json_read(struct tree *t, const char *text, size_t len);
