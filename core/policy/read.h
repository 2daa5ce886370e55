/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* read: values out of a document, and where they were written.
 *
 * A cursor (struct at) is a node and the way to it; the way becomes text only when there is a
 * problem to tell. Cursors live on the stack of the function that reads. Every function that
 * reads adds its own problem; callers go on, so that all problems of a set are told at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/problem.h"
#include "base/yaml.h"

struct load;

struct at {
    const struct at *up;
    const char *key; /* NULL: an item of a list, or the document itself */
    size_t index;
    const struct node *node; /* NULL: not there */
};

struct at at_root(const struct node *document);
struct at at_key(const struct at *up, const char *key);
struct at at_item(const struct at *up, size_t index);

/* "spec.ingress[0].ports[1].port"; cut at the end when long. Returns buf. */
#define AT_PATH_MAX 512
char *at_path(const struct at *at, char buf[AT_PATH_MAX]);

void read_error(struct load *l, const struct at *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void read_warning(struct load *l, const struct at *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Text from a document, quoted, cut and printable, for messages. Lives as long as the load. */
const char *read_show(struct load *l, const char *text, size_t len);

/* Is there a value? Null counts as none where Kubernetes' own objects are read and is an error in
 * policies, where it is a template's mistake that would widen a rule [PRI-7]. */
bool read_given(struct load *l, const struct at *at);

/* A mapping, or false (with a problem unless it is not there). */
bool read_map(struct load *l, const struct at *at);
/* A list's length; 0 when it is not there or no list (that is a problem). */
size_t read_list(struct load *l, const struct at *at);
/* Is the key this word, without anything behind a NUL? */
bool key_is(const struct node *key, const char *word);
/* The key as text; one with a NUL inside becomes a word that nothing is called. */
const char *key_text(struct load *l, const struct node *key);
/* Every key of the mapping must be one of `known` [PRI-3]. */
void read_known(struct load *l, const struct at *at, const char *const *known, size_t count);
void read_unknown_key(struct load *l, const struct at *at, const struct node *key,
                      const char *const *known, size_t count);

/* Texts are borrowed from the document. NULL: not there, or no string (that is a problem). */
const char *read_text(struct load *l, const struct at *at);
/* The same, but it has to be there and not be empty. */
const char *read_needed(struct load *l, const struct at *at);
bool read_bool(struct load *l, const struct at *at, bool *out);
/* An integer within bounds; `what` names it in the message ("a port number"). */
bool read_int(struct load *l, const struct at *at, int64_t low, int64_t high, int64_t *out);

/* Does the text hold a control byte or NUL [V44]? */
bool text_has_control(const char *text, size_t len);

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))
