/* SPDX-License-Identifier: Apache-2.0 */
/* ranges: sets of addresses as sorted disjoint ranges. Not: what a block is for (peer.c). */

#include "policy/ranges.h"

#include <stdlib.h>
#include <string.h>

static struct range range_of(const struct cidr *block)
{
    struct range r = {.family = block->net.family};
    size_t bytes = r.family == 6 ? 16 : 4;
    for (size_t i = 0; i < bytes; i++) {
        unsigned before = (unsigned)i * 8;
        unsigned fixed = block->prefix <= before ? 0 : block->prefix - before;
        uint8_t mask = fixed >= 8 ? 0xff : (uint8_t)(0xff00 >> fixed);
        r.low[i] = block->net.bytes[i] & mask;
        r.high[i] = r.low[i] | (uint8_t)~mask;
    }
    return r;
}

static int range_compare(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return memcmp(x->low, y->low, 16);
}

/* The neighbour above or below; false at the end of the address space. */
static bool range_step(uint8_t bytes[16], uint8_t family, bool up)
{
    uint8_t edge = up ? 0xff : 0;
    for (int i = family == 6 ? 15 : 3; i >= 0; i--) {
        bool carry = bytes[i] == edge;
        bytes[i] = (uint8_t)(up ? bytes[i] + 1 : bytes[i] - 1);
        if (!carry)
            return true;
    }
    return false;
}

static void ranges_push(struct arena *arena, struct ranges *r, const struct range *range)
{
    r->list = arena_grow(arena, r->list, r->count, &r->cap, sizeof *r->list);
    r->list[r->count++] = *range;
}

void ranges_add_block(struct arena *arena, struct ranges *r, const struct cidr *block,
                      const struct cidr *except, size_t except_count)
{
    struct range rest = range_of(block);
    struct range *holes = arena_array(arena, except_count, sizeof *holes);
    for (size_t i = 0; i < except_count; i++)
        holes[i] = range_of(&except[i]);
    if (except_count)
        qsort(holes, except_count, sizeof *holes, range_compare);
    for (size_t i = 0; i < except_count; i++) {
        if (memcmp(holes[i].high, rest.low, 16) < 0)
            continue; /* inside an earlier hole */
        if (memcmp(holes[i].low, rest.high, 16) > 0)
            break;
        if (memcmp(holes[i].low, rest.low, 16) > 0) {
            struct range piece = rest;
            memcpy(piece.high, holes[i].low, 16);
            range_step(piece.high, piece.family, false);
            ranges_push(arena, r, &piece);
        }
        memcpy(rest.low, holes[i].high, 16);
        if (!range_step(rest.low, rest.family, true))
            return;
    }
    if (memcmp(rest.low, rest.high, 16) <= 0)
        ranges_push(arena, r, &rest);
}

void ranges_add_address(struct arena *arena, struct ranges *r, const struct l7_address *address)
{
    struct cidr one = {*address, address->family == 6 ? 128 : 32};
    ranges_add_block(arena, r, &one, NULL, 0);
}

void ranges_seal(struct ranges *r)
{
    if (r->count < 2)
        return;
    qsort(r->list, r->count, sizeof *r->list, range_compare);
    size_t kept = 1;
    for (size_t i = 1; i < r->count; i++) {
        struct range *last = &r->list[kept - 1];
        const struct range *next = &r->list[i];
        if (next->family == last->family && memcmp(next->low, last->high, 16) <= 0) {
            if (memcmp(next->high, last->high, 16) > 0)
                memcpy(last->high, next->high, 16);
        } else {
            r->list[kept++] = *next;
        }
    }
    r->count = kept;
}

bool ranges_hold(const struct ranges *r, const struct l7_address *address)
{
    if (!r->count)
        return false;
    struct range key = {.family = address->family};
    memcpy(key.low, address->bytes, address->family == 6 ? 16 : 4);
    size_t low = 0, high = r->count; /* the first range that begins behind the address */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (range_compare(&r->list[middle], &key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return false;
    const struct range *before = &r->list[low - 1];
    return before->family == key.family && memcmp(key.low, before->high, 16) <= 0;
}
