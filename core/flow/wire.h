/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire: numbers in network byte order at any address, and what is left of a frame at some depth.
 * Private to the rooms' files that read or write headers; bounds are the caller's.
 */

#include <stdbool.h>
#include <stdint.h>

static inline uint16_t wire_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void wire_put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void wire_put32(uint8_t *p, uint32_t v)
{
    wire_put16(p, (uint16_t)(v >> 16));
    wire_put16(p + 2, (uint16_t)v);
}

/* The inside of a header that was read: `len` bytes are at `data`, `wire` (never less) were sent;
 * they differ when the capture cut the frame. */
struct rest {
    const uint8_t *data;
    uint32_t len;
    uint32_t wire;
};

/* Step over a header. False: it is not whole, and nothing has changed. */
static inline bool rest_skip(struct rest *rest, uint32_t header)
{
    if (header > rest->len)
        return false;
    rest->data += header;
    rest->len -= header;
    rest->wire -= header;
    return true;
}

/* A header says how long its inside is. False: longer than what was sent. */
static inline bool rest_limit(struct rest *rest, uint32_t inside)
{
    if (inside > rest->wire)
        return false;
    rest->wire = inside;
    if (rest->len > inside)
        rest->len = inside;
    return true;
}
