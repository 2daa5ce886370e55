/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* label: labels of objects, and selectors over them. [SEL-1] [SEL-2] */

#include "policy/read.h"

/* Keys and values are numbers of load.words. */
struct label {
    uint32_t key, value;
};

struct labels {
    const struct label *list;
    size_t count;
};

enum requirement_op { REQUIRE_IN, REQUIRE_NOT_IN, REQUIRE_EXISTS, REQUIRE_ABSENT };

struct requirement {
    enum requirement_op op;
    uint32_t key;
    const uint32_t *values;
    size_t count;
};

struct selector {
    bool given, cut;
    const struct requirement *list; /* ANDed; none: everything */
    size_t count;
    const char *text; /* "app=client", "{}"; equal texts select alike; NULL when not given */
};

/* A mapping of strings; what it holds is not checked further. */
void labels_read(struct load *l, const struct at *at, struct labels *out);
bool labels_find(const struct labels *labels, uint32_t key, uint32_t *value);

/* A selector with every V29 check; not given: out->given is false. */
void selector_read(struct load *l, const struct at *at, struct selector *out);
bool selector_matches(const struct selector *s, const struct labels *labels);

/* "app", "example.com/app": what Kubernetes takes as a label key. */
bool label_key_valid(const char *text);
/* Lower-case letters, digits, '-' and '.', at most 253 bytes: names of objects. */
bool object_name_valid(const char *text);
