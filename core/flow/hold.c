/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hold.h"

#include <stdlib.h>
#include <string.h>

void hold_init(struct hold *h)
{
    list_init(&h->frames);
    h->count = 0;
    h->memory = 0;
}

void hold_fini(struct hold *h)
{
    struct held *item;
    while ((item = hold_first(h)) != NULL) {
        hold_take(h, item);
        held_free(item);
    }
}

struct held *hold_put(struct hold *h, const struct l7_frame *frames, size_t frame_count,
                      uint64_t start, uint64_t end)
{
    size_t size = sizeof(struct held) + frame_count * sizeof(struct l7_frame);
    for (size_t i = 0; i < frame_count; i++)
        size += frames[i].len;
    struct held *item = malloc(size);
    if (item == NULL)
        return NULL;
    memset(item, 0, sizeof(*item));
    item->start = start;
    item->end = end;
    item->counted = true;
    item->frame_count = frame_count;
    item->memory = size;
    item->frames = (struct l7_frame *)(item + 1);
    uint8_t *data = (uint8_t *)(item->frames + frame_count);
    for (size_t i = 0; i < frame_count; i++) {
        item->frames[i] = frames[i];
        item->frames[i].data = data;
        item->frames[i].owner = NULL;
        memcpy(data, frames[i].data, frames[i].len);
        data += frames[i].len;
    }
    /* Mostly at the end: look from there. */
    struct list *at = &h->frames;
    while (at->prev != &h->frames && list_item(at->prev, struct held, link)->start > start)
        at = at->prev;
    list_insert(at, &item->link);
    h->count++;
    h->memory += size;
    return item;
}

struct held *hold_first(struct hold *h)
{
    return list_empty(&h->frames) ? NULL : list_item(h->frames.next, struct held, link);
}

struct held *hold_next(struct hold *h, struct held *at)
{
    return at->link.next == &h->frames ? NULL : list_item(at->link.next, struct held, link);
}

bool hold_has(struct hold *h, uint64_t start, uint64_t end)
{
    for (struct list *l = h->frames.next; l != &h->frames; l = l->next) {
        const struct held *item = list_item(l, struct held, link);
        if (item->start == start && item->end == end)
            return true;
    }
    return false;
}

void hold_take(struct hold *h, struct held *item)
{
    list_remove(&item->link);
    h->count--;
    h->memory -= item->memory;
}

void held_free(struct held *item)
{
    free(item);
}
