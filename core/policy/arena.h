/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* arena: memory that is released all at once.
 *
 * Loading a policy set makes many small things that live as long as the load or as long as the
 * snapshot, so each belongs to one of two arenas. Running out of memory unwinds to the one place
 * that answers for it (`oom`), so that the code in between states only what it means.
 * Life  init (alloc | copy | ...)* fini
 */

#include <setjmp.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    jmp_buf *oom; /* jumped to when there is no memory; owned by the caller */
};

void arena_init(struct arena *a, jmp_buf *oom);
void arena_fini(struct arena *a);

/* Zeroed and never NULL. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
void *arena_array(struct arena *a, size_t count, size_t size) __attribute__((returns_nonnull));
/* A list of `count` entries with room for one more: the same, or a copy twice as large. */
void *arena_grow(struct arena *a, void *list, size_t count, size_t *cap, size_t size)
    __attribute__((returns_nonnull));
char *arena_copy(struct arena *a, const char *text) __attribute__((returns_nonnull));
void *arena_copy_bytes(struct arena *a, const void *bytes, size_t len)
    __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
