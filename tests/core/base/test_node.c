/* SPDX-License-Identifier: Apache-2.0 */
/* node: plain words have the types that YAML 1.1 gives them, quoted ones are strings. */

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/yaml.h"

static struct node plain(const char *text)
{
    return (struct node){.kind = NODE_SCALAR, .plain = true, .text = text, .len = strlen(text)};
}

#define EACH(word, ...)                                                                            \
    for (const char *const *word = (const char *const[]){__VA_ARGS__, NULL}; *word; word++)

/* A node has exactly one type. */
static unsigned types(const struct node *n)
{
    bool truth;
    int64_t number;
    double real;
    return node_is_null(n) + node_is_string(n) + node_bool(n, &truth) +
           (node_int(n, &number) || node_double(n, &real));
}

Test(node, knows_null)
{
    EACH(word, "", "~", "null", "Null", "NULL")
    {
        struct node n = plain(*word);
        cr_assert(node_is_null(&n), "%s", *word);
        cr_assert_eq(types(&n), 1, "%s", *word);
        n.plain = false;
        cr_assert_not(node_is_null(&n), "%s", *word);
        cr_assert(node_is_string(&n), "%s", *word);
    }
}

Test(node, knows_truth_in_three_spellings)
{
    bool truth;
    EACH(word, "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON")
    {
        struct node n = plain(*word);
        cr_assert(node_bool(&n, &truth) && truth, "%s", *word);
        cr_assert_eq(types(&n), 1, "%s", *word);
    }
    EACH(word, "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF")
    {
        struct node n = plain(*word);
        cr_assert(node_bool(&n, &truth) && !truth, "%s", *word);
    }
    EACH(word, "tRUE", "y", "n", "0", "1")
    {
        struct node n = plain(*word);
        cr_assert_not(node_bool(&n, &truth), "%s", *word);
    }
}

Test(node, knows_whole_numbers)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"8080", 8080},
                {"-5", -5},
                {"0x1F", 31},
                {"-0x10", -16},
                {"0o17", 15},
                {"017", 15},
                {"0b101", 5},
                {"1_000", 1000},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct node n = plain(good[i].text);
        int64_t value = 99;
        double real = 0;
        cr_assert(node_int(&n, &value), "%s", good[i].text);
        cr_assert_eq(value, good[i].value, "%s", good[i].text);
        cr_assert(node_double(&n, &real) && real == (double)good[i].value);
        cr_assert_eq(types(&n), 1, "%s", good[i].text);
    }
}

Test(node, refuses_what_is_no_whole_number)
{
    int64_t value;
    EACH(word, "", "-", "+", "0x", "0xg", "0b2", "08", "1.0", "1e3", "9223372036854775808",
         "-9223372036854775809", "5 ", "1:20", "0x-1", "--5", "a")
    {
        struct node n = plain(*word);
        cr_assert_not(node_int(&n, &value), "%s", *word);
    }
    struct node quoted = plain("5");
    quoted.plain = false;
    cr_assert_not(node_int(&quoted, &value));
    cr_assert(node_is_string(&quoted));
}

Test(node, knows_other_numbers)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1.5", 1.5}, {"-.5", -0.5}, {"1e3", 1000}, {"2.", 2}, {"1E-2", 0.01}, {"08", 8}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct node n = plain(good[i].text);
        double value = 0;
        cr_assert(node_double(&n, &value), "%s", good[i].text);
        cr_assert_float_eq(value, good[i].value, 1e-12);
        cr_assert_eq(types(&n), 1, "%s", good[i].text);
    }
}

/* No check of a range stops them, so they are not handed out. */
Test(node, infinity_is_neither_number_nor_string)
{
    double value;
    EACH(word, ".inf", "-.INF", "+.Inf", ".nan", ".NaN")
    {
        struct node n = plain(*word);
        cr_assert_not(node_double(&n, &value), "%s", *word);
        cr_assert_not(node_is_string(&n), "%s", *word);
    }
    struct node huge = plain("1e999");
    cr_assert_not(node_double(&huge, &value));
}

Test(node, everything_else_is_a_string)
{
    EACH(word, "host", "10.0.0.1", "1.2.3", "1:20", "8080:80", "-", ".", "e5", "_1", "2001-01-01",
         "nulls", "0x")
    {
        struct node n = plain(*word);
        cr_assert(node_is_string(&n), "%s", *word);
        cr_assert_eq(types(&n), 1, "%s", *word);
    }
}

Test(node, maps_lists_and_nothing_have_no_scalar_type)
{
    struct node map = {.kind = NODE_MAP}, list = {.kind = NODE_LIST};
    cr_assert_eq(types(&map), 0);
    cr_assert_eq(types(&list), 0);
    cr_assert_eq(types(NULL), 0);
}

Test(node, a_nul_inside_makes_a_string)
{
    struct node n = {.kind = NODE_SCALAR, .plain = true, .text = "5\0006", .len = 3};
    int64_t value;
    cr_assert_not(node_int(&n, &value));
    cr_assert(node_is_string(&n));
}
