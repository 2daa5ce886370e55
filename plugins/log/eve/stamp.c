/* SPDX-License-Identifier: Apache-2.0 */
/* stamp: see stamp.h. docs/eve.md, "Timestamps". */
#include "stamp.h"

#include <string.h>
#include <time.h>

#define DAY 86400
#define QUARTER 900

static void put2(char *to, unsigned value)
{
    to[0] = (char)('0' + value / 10);
    to[1] = (char)('0' + value % 10);
}

static void set_date(struct stamp *s, int64_t day)
{
    time_t noon = (time_t)(day * DAY + DAY / 2);
    struct tm tm;
    unsigned year;

    gmtime_r(&noon, &tm);
    year = (unsigned)tm.tm_year + 1900;
    put2(s->date, year / 100 % 100);
    put2(s->date + 2, year % 100);
    s->date[4] = '-';
    put2(s->date + 5, (unsigned)tm.tm_mon + 1);
    s->date[7] = '-';
    put2(s->date + 8, (unsigned)tm.tm_mday);
    s->day = day;
}

static void set_zone(struct stamp *s, int32_t offset)
{
    unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;

    s->zone[0] = offset < 0 ? '-' : '+';
    put2(s->zone + 1, minutes / 60 % 100);
    put2(s->zone + 3, minutes % 60);
    s->zone_offset = offset;
}

void stamp_init(struct stamp *s)
{
    tzset(); /* localtime_r need not read TZ by itself */
    for (int i = 0; i < STAMP_SLOTS; i++)
        s->slots[i].quarter = -1;
    set_date(s, 0);
    set_zone(s, 0);
}

static int32_t offset_at(struct stamp *s, int64_t second)
{
    int64_t quarter = second / QUARTER;
    unsigned slot = (unsigned)quarter % STAMP_SLOTS;

    if (s->slots[slot].quarter != quarter) {
        time_t when = (time_t)second;
        struct tm tm;

        s->slots[slot].quarter = quarter;
        s->slots[slot].offset = localtime_r(&when, &tm) ? (int32_t)tm.tm_gmtoff : 0;
    }
    return s->slots[slot].offset;
}

/* Seconds of local time since the epoch's midnight; never negative, so that / and % are plain. */
static int64_t local_second(struct stamp *s, uint64_t ns, int32_t *offset)
{
    int64_t second = (int64_t)(ns / 1000000000);

    *offset = offset_at(s, second);
    second += *offset;
    return second < 0 ? 0 : second;
}

int64_t stamp_day(struct stamp *s, uint64_t ns)
{
    int32_t offset;

    return local_second(s, ns, &offset) / DAY;
}

const char *stamp_date(struct stamp *s, int64_t day)
{
    if (s->day != day)
        set_date(s, day);
    return s->date;
}

void stamp_write(struct stamp *s, uint64_t ns, char *to)
{
    int32_t offset;
    int64_t local = local_second(s, ns, &offset);
    unsigned second = (unsigned)(local % DAY);
    unsigned micro = (unsigned)(ns / 1000 % 1000000);

    if (s->zone_offset != offset)
        set_zone(s, offset);
    memcpy(to, stamp_date(s, local / DAY), 10);
    to[10] = 'T';
    put2(to + 11, second / 3600);
    to[13] = ':';
    put2(to + 14, second / 60 % 60);
    to[16] = ':';
    put2(to + 17, second % 60);
    to[19] = '.';
    put2(to + 20, micro / 10000);
    put2(to + 22, micro / 100 % 100);
    put2(to + 24, micro % 100);
    memcpy(to + 26, s->zone, 5);
}
