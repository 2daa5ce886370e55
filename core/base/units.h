/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* units: "64KiB", "30s" and back. */

#include <stdbool.h>
#include <stdint.h>

/* A number of bytes: digits, then nothing, "KiB", "MiB", "GiB" (also "K", "M", "G", "B"). */
bool units_size(const char *text, uint64_t *bytes);
/* A time in milliseconds: digits, then "ms", "s", "m", "h", "d"; nothing means seconds. */
bool units_duration(const char *text, uint64_t *ms);
