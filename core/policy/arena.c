/* SPDX-License-Identifier: Apache-2.0 */
/* arena: memory that is released all at once. Not: who lives how long (load.h). */

#include "policy/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)64 * 1024)
#define ALIGNMENT _Alignof(max_align_t)

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

void arena_init(struct arena *a, jmp_buf *oom)
{
    *a = (struct arena){.oom = oom};
}

void arena_fini(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
}

static struct arena_chunk *arena_chunk_new(struct arena *a, size_t size)
{
    struct arena_chunk *chunk =
        size > SIZE_MAX / 2 ? NULL : calloc(1, sizeof(struct arena_chunk) + size);
    if (!chunk)
        longjmp(*a->oom, 1);
    chunk->size = size;
    return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 4)
        longjmp(*a->oom, 1);
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_chunk *head = a->chunks;
    if (head && head->size - head->used >= size) {
        void *at = (char *)head->bytes + head->used;
        head->used += size;
        return at;
    }
    /* What is large gets a chunk of its own behind the first, which stays open for small things. */
    struct arena_chunk *chunk = arena_chunk_new(a, size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE);
    chunk->used = size;
    if (head && size > CHUNK_SIZE / 4) {
        chunk->next = head->next;
        head->next = chunk;
    } else {
        chunk->next = head;
        a->chunks = chunk;
    }
    return chunk->bytes;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        longjmp(*a->oom, 1);
    return arena_alloc(a, count * size);
}

void *arena_grow(struct arena *a, void *list, size_t count, size_t *cap, size_t size)
{
    if (list && count < *cap)
        return list;
    size_t wider = *cap ? *cap * 2 : 8;
    void *copy = arena_array(a, wider, size);
    if (count)
        memcpy(copy, list, count * size);
    *cap = wider;
    return copy;
}

void *arena_copy_bytes(struct arena *a, const void *bytes, size_t len)
{
    char *copy = arena_alloc(a, len + 1);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

char *arena_copy(struct arena *a, const char *text)
{
    return arena_copy_bytes(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        longjmp(*a->oom, 1);
    char *text = arena_alloc(a, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}
