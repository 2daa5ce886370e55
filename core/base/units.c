/* SPDX-License-Identifier: Apache-2.0 */
/* units: numbers with a unit. Whole numbers only; what does not fit into 64 bits is refused. */

#include "base/units.h"

#include <stddef.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static bool read_with_unit(const char *text, const struct unit *units, uint64_t *out)
{
    uint64_t value = 0, scaled;
    const char *p = text;

    if (!text || *p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return false;
    while (*p == ' ')
        p++;
    for (; units->name; units++) {
        if (strcmp(p, units->name) == 0) {
            if (__builtin_mul_overflow(value, units->factor, &scaled))
                return false;
            *out = scaled;
            return true;
        }
    }
    return false;
}

bool units_size(const char *text, uint64_t *bytes)
{
    static const struct unit sizes[] = {{"", 1},           {"B", 1},          {"KiB", 1u << 10},
                                        {"MiB", 1u << 20}, {"GiB", 1u << 30}, {"K", 1u << 10},
                                        {"M", 1u << 20},   {"G", 1u << 30},   {NULL, 0}};
    return read_with_unit(text, sizes, bytes);
}

bool units_duration(const char *text, uint64_t *ms)
{
    static const struct unit times[] = {{"", 1000},     {"ms", 1},       {"s", 1000}, {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    return read_with_unit(text, times, ms);
}
