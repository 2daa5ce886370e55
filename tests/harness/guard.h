/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* guard: a copy of bytes whose last one touches a page that cannot be read, so that reading past
 * the end stops the test, with or without sanitizers.
 *
 * Life   copy free
 */

#include <stddef.h>
#include <stdint.h>

struct guard {
    uint8_t *data; /* `len` bytes; also when len is 0 a pointer, to the unreadable page */
    size_t len;
    void *pages;
    size_t pages_len;
};

/* Stops the process when there is no memory. */
struct guard guard_copy(const void *bytes, size_t len);
void guard_free(struct guard *guard);
