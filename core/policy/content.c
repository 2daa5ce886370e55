/* SPDX-License-Identifier: Apache-2.0 */
/* content: a hash of what was written in a node. Two independent 64-bit hashes: rules that are
 * told apart by it [VLAN-1] [NAME-2] are written by people, not chosen to collide. */

#include "policy/content.h"

#include <string.h>

/* Rules nest eight deep; what is deeper is refused anyway and hashes alike. */
#define DEPTH_MAX 16

static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

struct content content_join(struct content x, struct content y)
{
    return (struct content){mix(x.a * 31 + y.a), mix(x.b * 131 + y.b + 7)};
}

static struct content content_of_bytes(const char *text, size_t len)
{
    struct content c = {14695981039346656037u, 5381 + len};
    for (size_t i = 0; i < len; i++) {
        c.a = (c.a ^ (uint8_t)text[i]) * 1099511628211u;
        c.b = c.b * 33 + (uint8_t)text[i];
    }
    return (struct content){mix(c.a), mix(c.b)};
}

struct content content_of_text(const char *text)
{
    return content_of_bytes(text, strlen(text));
}

static struct content content_walk(const struct node *n, int depth)
{
    struct content sum = {(uint64_t)n->kind + 1, n->count};
    if (depth == DEPTH_MAX)
        return sum;
    if (n->kind == NODE_SCALAR) {
        /* 80 and "80" differ. */
        sum.a = node_is_string(n) ? 11 : 12;
        return content_join(sum, content_of_bytes(n->text, n->len));
    }
    for (size_t i = 0; i < n->count; i++) {
        struct content value = content_walk(n->values[i], depth + 1);
        if (n->kind == NODE_MAP) { /* a sum: order does not count */
            value = content_join(content_walk(n->keys[i], depth + 1), value);
            sum = (struct content){sum.a + value.a, sum.b + value.b};
        } else {
            sum = content_join(sum, value);
        }
    }
    return (struct content){mix(sum.a), mix(sum.b)};
}

struct content content_of_node(const struct node *node)
{
    return content_walk(node, 0);
}
