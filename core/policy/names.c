/* SPDX-License-Identifier: Apache-2.0 */
/* names: texts as small numbers. Not: what is named. */

#include "policy/names.h"

#include <string.h>

#define FIRST_SLOTS 64

void names_init(struct names *n, struct arena *arena)
{
    *n = (struct names){.arena = arena};
}

static uint64_t names_hash(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211u;
    return h ^ h >> 29;
}

/* The slot where `text` is or belongs. */
static size_t names_slot(const struct names *n, const char *text, uint64_t hash)
{
    size_t i = hash & (n->slot_count - 1);
    while (n->slots[i]) {
        uint32_t id = n->slots[i] - 1;
        if (n->hashes[id] == hash && strcmp(n->list[id], text) == 0)
            break;
        i = (i + 1) & (n->slot_count - 1);
    }
    return i;
}

static void names_widen(struct names *n)
{
    n->slot_count = n->slot_count ? n->slot_count * 2 : FIRST_SLOTS;
    n->slots = arena_array(n->arena, n->slot_count, sizeof *n->slots);
    for (size_t id = 0; id < n->count; id++)
        n->slots[names_slot(n, n->list[id], n->hashes[id])] = (uint32_t)id + 1;
}

uint32_t names_add(struct names *n, const char *text, bool *fresh)
{
    if (n->count * 2 >= n->slot_count)
        names_widen(n);
    uint64_t hash = names_hash(text);
    size_t slot = names_slot(n, text, hash);
    if (fresh)
        *fresh = !n->slots[slot];
    if (n->slots[slot])
        return n->slots[slot] - 1;
    n->list = arena_grow(n->arena, n->list, n->count, &n->cap, sizeof *n->list);
    n->hashes = arena_grow(n->arena, n->hashes, n->count, &n->hash_cap, sizeof *n->hashes);
    n->list[n->count] = text;
    n->hashes[n->count] = hash;
    n->slots[slot] = (uint32_t)++n->count;
    return (uint32_t)n->count - 1;
}

uint32_t names_find(const struct names *n, const char *text)
{
    if (!n->slot_count)
        return NAME_NONE;
    size_t slot = names_slot(n, text, names_hash(text));
    return n->slots[slot] ? n->slots[slot] - 1 : NAME_NONE;
}
