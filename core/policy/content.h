/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* content: a hash of what was written in a node, whatever the order of keys, layout or quotes. */

#include <stdint.h>
#include "base/yaml.h"

struct content {
    uint64_t a, b;
};

struct content content_of_node(const struct node *node);
struct content content_of_text(const char *text);
/* Of both, in this order. */
struct content content_join(struct content x, struct content y);
