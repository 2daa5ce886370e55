/* SPDX-License-Identifier: Apache-2.0 */
/* units: what is understood, and that nothing else is. */

#include <criterion/criterion.h>
#include "base/units.h"

#define cr_size(text, wanted)                                                                      \
    do {                                                                                           \
        uint64_t value_ = 1;                                                                       \
        cr_assert(units_size(text, &value_), "%s", text);                                          \
        cr_assert_eq(value_, (uint64_t)(wanted), "%s", text);                                      \
    } while (0)

#define cr_time(text, wanted)                                                                      \
    do {                                                                                           \
        uint64_t value_ = 1;                                                                       \
        cr_assert(units_duration(text, &value_), "%s", text);                                      \
        cr_assert_eq(value_, (uint64_t)(wanted), "%s", text);                                      \
    } while (0)

Test(units, reads_sizes)
{
    cr_size("0", 0);
    cr_size("65536", 65536);
    cr_size("5B", 5);
    cr_size("64KiB", 65536);
    cr_size("64K", 65536);
    cr_size("1MiB", 1 << 20);
    cr_size("12 M", 12 << 20);
    cr_size("4GiB", 4ull << 30);
    cr_size("18446744073709551615", UINT64_MAX);
}

Test(units, reads_durations_in_milliseconds)
{
    cr_time("30", 30000);
    cr_time("30s", 30000);
    cr_time("250ms", 250);
    cr_time("5m", 300000);
    cr_time("1h", 3600000);
    cr_time("2d", 172800000);
}

Test(units, refuses_everything_else_and_leaves_the_value_alone)
{
    static const char *const bad[] = {"",
                                      " 5",
                                      "-1",
                                      "+1",
                                      "0x10",
                                      "5KB",
                                      "KiB",
                                      "1.5M",
                                      "5kib",
                                      "5KiBx",
                                      "s",
                                      "5 s s",
                                      "18446744073709551616",
                                      "18014398509481984KiB",
                                      "99999999999999999999d"};
    uint64_t value = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_not(units_size(bad[i], &value), "%s", bad[i]);
        cr_assert_not(units_duration(bad[i], &value), "%s", bad[i]);
    }
    cr_assert_not(units_size("5s", &value));
    cr_assert_not(units_duration("5KiB", &value));
    cr_assert_not(units_size(NULL, &value));
    cr_assert_eq(value, 77);
}
