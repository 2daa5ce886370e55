/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* stamp: moments as local time, cheaply.
 *
 * In    nanoseconds since the epoch
 * Out   "2026-11-23T02:53:46.085098+0000", and the local calendar day
 * Life  init use*
 *
 * The offset from UTC is asked of the C library once for each quarter of an hour that occurs:
 * zones change their offset at such moments only. One writer thread; no locks.
 */

#include <stdint.h>

#define STAMP_LEN 31 /* without a final NUL */
#define STAMP_SLOTS 16

struct stamp {
    struct {
        int64_t quarter; /* of an hour, since the epoch; -1: empty */
        int32_t offset;  /* seconds east of UTC */
    } slots[STAMP_SLOTS];
    int64_t day; /* the day `date` is for */
    char date[10];
    int32_t zone_offset; /* the offset `zone` is for */
    char zone[5];
};

void stamp_init(struct stamp *s);
/* Write STAMP_LEN characters. */
void stamp_write(struct stamp *s, uint64_t ns, char *to);
/* The local day as a number that rises by one at local midnight. */
int64_t stamp_day(struct stamp *s, uint64_t ns);
/* Its date: ten characters, "2026-11-23"; valid until the next call. */
const char *stamp_date(struct stamp *s, int64_t day);
