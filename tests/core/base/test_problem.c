/* SPDX-License-Identifier: Apache-2.0 */
/* problem: lines name what is known, errors are never crowded out, documents cannot forge lines. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "base/problem.h"

static struct problems *list;

static void setup(void)
{
    list = problems_new();
}

static void teardown(void)
{
    problems_free(list);
}

TestSuite(problem, .init = setup, .fini = teardown);

static const char *line(size_t i)
{
    static char buf[8192];
    problem_format(&list->list[i], buf, sizeof(buf));
    return buf;
}

static char *printed(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    problems_print(list, to);
    fclose(to);
    return text;
}

Test(problem, names_every_known_part)
{
    struct place place = {"policies/api.yaml", 14, 11, "spec.ingress[0]"};
    problem_add(list, PROBLEM_ERROR, place, "unknown field; known: %s", "path, host");
    cr_assert_str_eq(line(0), "policies/api.yaml:14:11: spec.ingress[0]: unknown field; known: "
                              "path, host");
}

Test(problem, leaves_unknown_parts_out)
{
    problem_add(list, PROBLEM_ERROR, (struct place){.file = "a.yaml"}, "empty");
    problem_add(list, PROBLEM_ERROR, (struct place){.file = "a.yaml", .line = 3}, "odd");
    problem_add(list, PROBLEM_ERROR, (struct place){.field = "hold"}, "odd");
    problem_add(list, PROBLEM_ERROR, (struct place){.line = 7, .column = 2, .field = ""}, "odd");
    cr_assert_str_eq(line(0), "a.yaml: empty");
    cr_assert_str_eq(line(1), "a.yaml:3: odd");
    cr_assert_str_eq(line(2), "hold: odd");
    cr_assert_str_eq(line(3), "odd");
}

Test(problem, marks_warnings_and_counts_errors_only)
{
    problem_add(list, PROBLEM_WARNING, (struct place){.file = "a", .field = "f"}, "late");
    problem_add(list, PROBLEM_ERROR, (struct place){.file = "a"}, "wrong");
    cr_assert_str_eq(line(0), "a: f: warning: late");
    cr_assert_eq(list->count, 2);
    cr_assert_eq(list->errors, 1);
}

Test(problem, keeps_copies)
{
    char file[] = "one", field[] = "two";
    problem_add(list, PROBLEM_ERROR, (struct place){.file = file, .field = field}, "three");
    memset(file, 'x', 3);
    memset(field, 'x', 3);
    cr_assert_str_eq(line(0), "one: two: three");
}

Test(problem, stays_one_line_whatever_it_quotes)
{
    problem_add(list, PROBLEM_ERROR, (struct place){.field = "a\nb"}, "\"%s\"", "x\ny\x1b[2J");
    cr_assert_null(strpbrk(line(0), "\n\x1b"));
}

Test(problem, cuts_long_quotations_between_characters)
{
    char quoted[5001];
    for (int i = 0; i < 2500; i++)
        memcpy(quoted + 2 * i, "\xc3\xa4", 2);
    quoted[5000] = 0;
    problem_add(list, PROBLEM_ERROR, (struct place){0}, "x%s", quoted);
    const char *text = list->list[0].text;
    size_t len = strlen(text);
    cr_assert_lt(len, 2100);
    cr_assert_str_eq(text + len - 3, "...");
    cr_assert_eq((unsigned char)text[len - 4], 0xa4);
}

Test(problem, only_counts_beyond_a_thousand)
{
    for (int i = 0; i < 1500; i++)
        problem_add(list, PROBLEM_ERROR, (struct place){0}, "number %d", i);
    cr_assert_eq(list->count, 1000);
    cr_assert_eq(list->errors, 1500);
    char *text = printed();
    cr_assert_not_null(strstr(text, "number 999\nand 500 more errors\n"));
    free(text);
}

Test(problem, lets_errors_take_the_places_of_warnings)
{
    for (int i = 0; i < 1200; i++)
        problem_add(list, PROBLEM_WARNING, (struct place){0}, "warning %d", i);
    problem_add(list, PROBLEM_ERROR, (struct place){0}, "the error");
    cr_assert_eq(list->count, 1000);
    cr_assert_str_eq(line(999), "the error");
    cr_assert_str_eq(line(998), "warning: warning 998");
}

Test(problem, formats_as_snprintf_does)
{
    char small[4];
    problem_add(list, PROBLEM_ERROR, (struct place){0}, "longer");
    cr_assert_eq(problem_format(&list->list[0], small, sizeof(small)), 6);
    cr_assert_str_eq(small, "lon");
}
