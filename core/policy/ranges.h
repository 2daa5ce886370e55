/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ranges: sets of addresses as sorted disjoint ranges; membership is a binary search.
 *
 * Life  (block | address)* seal holds*
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "l7guard/log.h"
#include "policy/arena.h"

struct range {
    uint8_t family;
    uint8_t low[16], high[16]; /* both inside; bytes an IPv4 address lacks are 0 */
};

struct ranges {
    struct range *list;
    size_t count, cap;
};

struct cidr {
    struct l7_address net;
    unsigned prefix;
};

/* Add a block without its exceptions, which may overlap. [PEER-7] */
void ranges_add_block(struct arena *arena, struct ranges *r, const struct cidr *block,
                      const struct cidr *except, size_t except_count);
void ranges_add_address(struct arena *arena, struct ranges *r, const struct l7_address *address);
/* Sort and join; to be called once, after the last add. */
void ranges_seal(struct ranges *r);
bool ranges_hold(const struct ranges *r, const struct l7_address *address);
