/* SPDX-License-Identifier: Apache-2.0 */
/* pending: a ring that doubles. */

#include "pending.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAP (sizeof(((struct pending *)0)->first) / sizeof(struct pending_entry))

static struct pending_entry *ring_at(struct pending *p, size_t i)
{
    size_t cap = p->ring ? p->cap : FIRST_CAP; /* a power of two */
    return (p->ring ? p->ring : p->first) + ((p->head + i) & (cap - 1));
}

static int grow(struct pending *p)
{
    size_t cap = p->ring ? p->cap * 2 : FIRST_CAP * 4;
    struct pending_entry *ring = calloc(cap, sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    for (size_t i = 0; i < p->count; i++)
        ring[i] = *ring_at(p, i);
    free(p->ring);
    p->ring = ring;
    p->cap = cap;
    p->head = 0;
    return 0;
}

int pending_push(struct pending *p, size_t max, struct pending_entry entry)
{
    if (p->count >= max)
        return -ENOSPC;
    if (p->count == (p->ring ? p->cap : FIRST_CAP)) {
        int err = grow(p);
        if (err)
            return err;
    }
    *ring_at(p, p->count++) = entry;
    return 0;
}

bool pending_pop(struct pending *p, struct pending_entry *out)
{
    if (p->count == 0)
        return false;
    *out = *ring_at(p, 0);
    size_t cap = p->ring ? p->cap : FIRST_CAP;
    p->head = (p->head + 1) & (cap - 1);
    p->count--;
    return true;
}

bool pending_blocks(const struct pending *p)
{
    if (p->count == 0)
        return false;
    const struct pending_entry *ring = p->ring ? p->ring : p->first;
    size_t cap = p->ring ? p->cap : FIRST_CAP;
    return ring[(p->head + p->count - 1) & (cap - 1)].kind >= REPLY_CONNECT;
}

void pending_fini(struct pending *p)
{
    free(p->ring);
    p->ring = NULL;
}
