/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* sample: frames for the tests of decode, defrag and craft, written as hex or read from files. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "flow/packet.h"

#define SAMPLE_MAX 70000u

/* Two stations, 10.77.0.1 and 10.77.0.102, fd77::1 and fd77::66. */
#define MACS "020000000002 020000000001 "
#define A4 "0a4d0001 "
#define B4 "0a4d0066 "
#define A6 "fd770000000000000000000000000001 "
#define B6 "fd770000000000000000000000000066 "

struct sample {
    uint32_t len;
    uint8_t bytes[SAMPLE_MAX];
};

/* Hex digits; blanks are ignored. Literals stand side by side, with comments between them. */
static inline void sample_add(struct sample *s, const char *hex)
{
    unsigned byte;

    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        if (s->len == SAMPLE_MAX || sscanf(hex, "%2x", &byte) != 1)
            abort();
        s->bytes[s->len++] = (uint8_t)byte;
        hex++;
    }
}

static inline void sample_add_bytes(struct sample *s, const void *bytes, uint32_t len)
{
    if (len > SAMPLE_MAX - s->len)
        abort();
    memcpy(s->bytes + s->len, bytes, len);
    s->len += len;
}

static inline void sample_set(struct sample *s, const char *hex)
{
    s->len = 0;
    sample_add(s, hex);
}

static inline void sample_put16(struct sample *s, uint32_t at, uint32_t value)
{
    s->bytes[at] = (uint8_t)(value >> 8);
    s->bytes[at + 1] = (uint8_t)value;
}

static inline struct l7_frame sample_frame(const struct sample *s, uint16_t link)
{
    return (struct l7_frame){
        .size = sizeof(struct l7_frame),
        .link = link,
        .data = s->bytes,
        .len = s->len,
        .wire_len = s->len,
    };
}

/* Does everything the packet points to lie inside its frame? */
static inline bool sample_holds(const struct packet *p)
{
    const uint8_t *start = p->frame->data, *end = start + p->frame->len;

    return p->ip == start + p->link_len && p->ip_len <= (size_t)(end - p->ip) &&
           p->transport >= p->ip && p->transport <= p->ip + p->ip_len &&
           p->payload >= p->transport && p->payload <= p->ip + p->ip_len &&
           p->payload_len <= (size_t)(p->ip + p->ip_len - p->payload) &&
           p->cut == (p->missing > 0) && p->vlan_count <= 3;
}

static inline bool sample_is_address(const struct l7_address *a, const char *hex)
{
    static struct sample s;

    sample_set(&s, hex);
    return a->family == (s.len == 4 ? 4 : 6) && memcmp(a->bytes, s.bytes, s.len) == 0;
}

/* A classic capture file, read whole: four magics, one link type. */
struct capture_file {
    uint8_t *bytes;
    size_t len, at;
    bool swapped;
    uint16_t link;
};

static inline uint32_t capture_file_u32(const struct capture_file *f, size_t at)
{
    uint32_t v;

    memcpy(&v, f->bytes + at, sizeof(v));
    return f->swapped ? __builtin_bswap32(v) : v;
}

/* False: not such a file (a pcapng, or one of those broken on purpose). */
static inline bool capture_file_open(struct capture_file *f, const char *path)
{
    FILE *in = fopen(path, "rb");
    uint32_t magic;

    *f = (struct capture_file){.bytes = malloc(1 << 20)};
    if (!in || !f->bytes)
        abort();
    f->len = fread(f->bytes, 1, 1 << 20, in);
    fclose(in);
    if (f->len >= 24) {
        magic = capture_file_u32(f, 0);
        f->swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
        magic = f->swapped ? __builtin_bswap32(magic) : magic;
        f->link = (uint16_t)capture_file_u32(f, 20);
        f->at = 24;
        if (magic == 0xa1b2c3d4 || magic == 0xa1b23c4d)
            return true;
    }
    free(f->bytes);
    return false;
}

/* The next frame, borrowed from `f`. False: no more. */
static inline bool capture_file_next(struct capture_file *f, struct l7_frame *frame)
{
    uint32_t len;

    if (f->len - f->at < 16)
        return false;
    len = capture_file_u32(f, f->at + 8);
    if (len > f->len - f->at - 16)
        return false;
    *frame = (struct l7_frame){.size = sizeof(*frame), .link = f->link, .len = len};
    frame->wire_len = capture_file_u32(f, f->at + 12);
    frame->data = f->bytes + f->at + 16;
    f->at += 16 + len;
    return true;
}
