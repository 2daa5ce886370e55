/* SPDX-License-Identifier: Apache-2.0 */
/* stamp: local time with a numeric zone. docs/eve.md, "Timestamps". */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "stamp.h"

#define SECOND 1000000000ull

static struct stamp stamp;

static void use_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    stamp_init(&stamp);
}

static const char *at(uint64_t ns)
{
    static char buf[STAMP_LEN + 1];

    memset(buf, '#', sizeof(buf));
    stamp_write(&stamp, ns, buf);
    cr_assert_eq(buf[STAMP_LEN], '#');
    buf[STAMP_LEN] = '\0';
    return buf;
}

Test(eve_stamp, writes_six_digits_and_a_zone_without_colon)
{
    use_zone("UTC");
    cr_assert_str_eq(at(1795402426085098000ull), "2026-11-23T02:53:46.085098+0000");
    cr_assert_str_eq(at(1795402426085098999ull), "2026-11-23T02:53:46.085098+0000");
    cr_assert_str_eq(at(0), "1970-01-01T00:00:00.000000+0000");
    cr_assert_str_eq(at(1709164800 * SECOND + 1000), "2024-02-29T00:00:00.000001+0000");
    use_zone("<+0545>-5:45");
    cr_assert_str_eq(at(1795402426085098000ull), "2026-11-23T08:38:46.085098+0545");
    use_zone("<-0330>3:30");
    cr_assert_str_eq(at(1795402426 * SECOND), "2026-11-22T23:23:46.000000-0330");
}

/* A zone east of UTC at the beginning of time, and one west of it: no date before 1970. */
Test(eve_stamp, survives_the_first_day)
{
    use_zone("<-12>12");
    cr_assert_str_eq(at(0), "1970-01-01T00:00:00.000000-1200");
    use_zone("<+14>-14");
    cr_assert_str_eq(at(0), "1970-01-01T14:00:00.000000+1400");
}

Test(eve_stamp, follows_summer_time_to_the_second)
{
    use_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    /* 2026-03-29 01:00:00 UTC and 2026-10-25 01:00:00 UTC */
    cr_assert_str_eq(at(1774745999 * SECOND), "2026-03-29T01:59:59.000000+0100");
    cr_assert_str_eq(at(1774746000 * SECOND), "2026-03-29T03:00:00.000000+0200");
    cr_assert_str_eq(at(1792889999 * SECOND), "2026-10-25T02:59:59.000000+0200");
    cr_assert_str_eq(at(1792890000 * SECOND), "2026-10-25T02:00:00.000000+0100");
}

/* Against the C library, over moments that push each other out of the cache. */
Test(eve_stamp, agrees_with_the_c_library)
{
    uint64_t seed = 42;

    use_zone("<+0930>-9:30<+1030>,M10.1.0,M4.1.0/3");
    for (int i = 0; i < 20000; i++) {
        char expected[48], zone[8];
        time_t second;
        struct tm tm;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        second = (time_t)(seed >> 32);
        localtime_r(&second, &tm);
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000000", &tm);
        strftime(zone, sizeof(zone), "%z", &tm);
        strcat(expected, zone);
        cr_assert_str_eq(at((uint64_t)second * SECOND), expected);
    }
}

Test(eve_stamp, a_day_begins_at_local_midnight)
{
    int64_t day;

    use_zone("<+0545>-5:45");
    day = stamp_day(&stamp, 1795392899ull * SECOND); /* 2026-11-23T05:59:59 local */
    cr_assert_arr_eq(stamp_date(&stamp, day), "2026-11-23", 10);
    cr_assert_eq(stamp_day(&stamp, 1795371299ull * SECOND), day - 1); /* 23:59:59 */
    cr_assert_eq(stamp_day(&stamp, 1795371300ull * SECOND), day);     /* 00:00:00 */
    cr_assert_arr_eq(stamp_date(&stamp, day - 1), "2026-11-22", 10);
    cr_assert_arr_eq(stamp_date(&stamp, day + 100), "2027-03-03", 10);
}
