/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* record_copy: a record and all it points to, as one block of memory.
 *
 * In    a record whose strings, attributes and frame are borrowed
 * Out   a record at the head of the block; every pointer in it leads into the same block
 *
 * The block is used where it was made; it cannot be moved.
 */

#include <stddef.h>
#include "l7guard/log.h"

/* Alignment the block needs; sizes are multiples of it. */
#define RECORD_COPY_ALIGN 16

/* Bytes that a copy takes; SIZE_MAX when no memory could hold it. */
size_t record_copy_size(const struct l7_record *record);
/* Copy into `block` of record_copy_size() bytes. */
void record_copy(void *block, const struct l7_record *record);
