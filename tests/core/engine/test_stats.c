/* SPDX-License-Identifier: Apache-2.0 */
/* stats: counters add up, and a table of reasons that is full still counts everything. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "engine/stats.h"

static uint64_t count_of(const struct reason_count *table, const char *reason)
{
    uint64_t n = 0;
    unsigned entries = 0;
    for (size_t i = 0; i < STATS_REASONS; i++) {
        if (strcmp(table[i].reason, reason) == 0) {
            n += table[i].count;
            entries++;
        }
    }
    cr_expect_leq(entries, 1, "%s stands in the table %u times", reason, entries);
    return n;
}

static uint64_t total(const struct reason_count *table)
{
    uint64_t n = 0;
    for (size_t i = 0; i < STATS_REASONS; i++)
        n += table[i].count;
    return n;
}

Test(stats, reasons_are_counted_by_name)
{
    struct stats st = {0};
    stats_count(st.drops, "rule");
    stats_count(st.drops, "broken-packet");
    stats_count(st.drops, "rule");
    stats_count(st.drops, "rule-2");
    cr_expect_eq(count_of(st.drops, "rule"), 2);
    cr_expect_eq(count_of(st.drops, "rule-2"), 1);
    cr_expect_eq(count_of(st.drops, "broken-packet"), 1);
    cr_expect_eq(count_of(st.refusals, "rule"), 0);
    cr_expect_eq(total(st.drops), 4);
}

Test(stats, reasons_beyond_the_table_share_the_last_entry)
{
    struct stats st = {0};
    char name[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < STATS_REASONS + 50; i++) {
            snprintf(name, sizeof(name), "reason-%d", i);
            stats_count(st.drops, name);
        }
    }
    cr_expect_eq(total(st.drops), 2 * (STATS_REASONS + 50));
    cr_expect_eq(count_of(st.drops, "reason-0"), 2);
    cr_expect_eq(count_of(st.drops, "other"), 2 * 51);
}

Test(stats, what_is_no_slug_counts_as_other)
{
    struct stats st = {0};
    static const char *const words[] = {"",     "Upper",     "two words", "quote\"",
                                        "\xff", "new\nline", "other"};
    for (size_t i = 0; i < 7; i++)
        stats_count(st.drops, words[i]);
    cr_expect_eq(count_of(st.drops, "other"), 7);
    stats_count(st.drops, "fine");
    cr_expect_str_eq(st.drops[0].reason, "fine", "nothing else took an entry");
}

Test(stats, a_long_reason_is_cut_and_still_one)
{
    struct stats st = {0};
    char text[100];
    memset(text, 'a', sizeof(text));
    text[99] = '\0';
    stats_count(st.drops, text);
    text[60] = '\0'; /* the same beginning */
    stats_count(st.drops, text);
    cr_expect_eq(st.drops[0].count, 2);
    cr_expect_eq(strlen(st.drops[0].reason), STATS_REASON_LEN - 1);
    cr_expect_eq(st.drops[1].count, 0);
}

Test(stats, workers_add_up_in_every_counter)
{
    /* Every number but the reasons: as many as there are, each another. */
    struct stats a = {0}, b = {0}, sum = {0};
    size_t numbers = offsetof(struct stats, drops) / sizeof(uint64_t);
    for (size_t i = 0; i < numbers; i++) {
        ((uint64_t *)(void *)&a)[i] = i + 1;
        ((uint64_t *)(void *)&b)[i] = 1000 * (i + 1);
    }
    stats_count(a.drops, "one");
    stats_count(a.drops, "both");
    stats_count(b.drops, "both");
    stats_count(b.refusals, "two");
    stats_add(&sum, &a);
    stats_add(&sum, &b);
    for (size_t i = 0; i < numbers; i++)
        cr_expect_eq(((uint64_t *)(void *)&sum)[i], 1001 * (i + 1), "number %zu", i);
    cr_expect_eq(count_of(sum.drops, "one"), 1);
    cr_expect_eq(count_of(sum.drops, "both"), 2);
    cr_expect_eq(count_of(sum.refusals, "two"), 1);
}

Test(stats, full_tables_add_up_without_counting_twice)
{
    struct stats a = {0}, b = {0}, sum = {0};
    char name[32];
    for (int i = 0; i < STATS_REASONS + 10; i++) {
        snprintf(name, sizeof(name), "a-%d", i);
        stats_count(a.drops, name);
        snprintf(name, sizeof(name), "b-%d", i);
        stats_count(b.drops, name);
    }
    stats_add(&sum, &a);
    cr_expect_eq(total(sum.drops), STATS_REASONS + 10);
    stats_add(&sum, &b);
    cr_expect_eq(total(sum.drops), 2 * (STATS_REASONS + 10));
    cr_expect_eq(count_of(sum.drops, "other"), 11 + STATS_REASONS + 10);
}

Test(stats, other_has_one_entry_when_a_full_table_meets_an_empty_one)
{
    struct stats full = {0}, sum = {0};
    char name[32];
    for (int i = 0; i < STATS_REASONS; i++) {
        snprintf(name, sizeof(name), "a-%d", i);
        stats_count(full.drops, name);
    }
    stats_count(sum.drops, "");
    stats_add(&sum, &full);
    cr_expect_eq(count_of(sum.drops, "other"), 2);
}
