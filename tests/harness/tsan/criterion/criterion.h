/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* criterion: a stand-in for the real one, for runs under ThreadSanitizer only, which the real one
 * does not survive. The tests of a program run one after another in one process (../run.c); a
 * failed assertion ends it, a failed expectation ends the run badly. No fixtures, no parameters.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tsan_test {
    const char *suite, *name;
    void (*run)(void);
    struct tsan_test *next;
};

void tsan_register(struct tsan_test *test);
__attribute__((format(printf, 5, 6))) void tsan_fail(bool fatal, const char *file, int line,
                                                     const char *what, const char *format, ...);

#define Test(test_suite, test_name, ...)                                                           \
    static void test_suite##_##test_name##_run(void);                                              \
    __attribute__((constructor)) static void test_suite##_##test_name##_register(void)             \
    {                                                                                              \
        static struct tsan_test test = {#test_suite, #test_name, test_suite##_##test_name##_run,   \
                                        NULL};                                                     \
        tsan_register(&test);                                                                      \
    }                                                                                              \
    static void test_suite##_##test_name##_run(void)

/* The format is optional: " " stands before it. */
#define TSAN_CHECK(fatal, what, condition, ...)                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            tsan_fail(fatal, __FILE__, __LINE__, what, " " __VA_ARGS__);                           \
    } while (0)

#define cr_assert(c, ...) TSAN_CHECK(true, #c, c, __VA_ARGS__)
#define cr_expect(c, ...) TSAN_CHECK(false, #c, c, __VA_ARGS__)
#define cr_assert_not(c, ...) TSAN_CHECK(true, "not " #c, !(c), __VA_ARGS__)
#define cr_expect_not(c, ...) TSAN_CHECK(false, "not " #c, !(c), __VA_ARGS__)
#define cr_assert_null(p, ...) TSAN_CHECK(true, #p " is NULL", (p) == NULL, __VA_ARGS__)
#define cr_expect_null(p, ...) TSAN_CHECK(false, #p " is NULL", (p) == NULL, __VA_ARGS__)
#define cr_assert_not_null(p, ...) TSAN_CHECK(true, #p " is not NULL", (p) != NULL, __VA_ARGS__)
#define cr_expect_not_null(p, ...) TSAN_CHECK(false, #p " is not NULL", (p) != NULL, __VA_ARGS__)

#define TSAN_COMPARE(fatal, a, op, b, ...)                                                         \
    TSAN_CHECK(fatal, #a " " #op " " #b, (a)op(b), __VA_ARGS__)
#define cr_assert_eq(a, b, ...) TSAN_COMPARE(true, a, ==, b, __VA_ARGS__)
#define cr_expect_eq(a, b, ...) TSAN_COMPARE(false, a, ==, b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) TSAN_COMPARE(true, a, !=, b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) TSAN_COMPARE(false, a, !=, b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) TSAN_COMPARE(true, a, <, b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) TSAN_COMPARE(false, a, <, b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) TSAN_COMPARE(true, a, <=, b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) TSAN_COMPARE(false, a, <=, b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) TSAN_COMPARE(true, a, >, b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) TSAN_COMPARE(false, a, >, b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) TSAN_COMPARE(true, a, >=, b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) TSAN_COMPARE(false, a, >=, b, __VA_ARGS__)

#define TSAN_TEXT(fatal, a, op, b, ...)                                                            \
    TSAN_CHECK(fatal, #a " " #op " " #b, strcmp(a, b) op 0, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) TSAN_TEXT(true, a, ==, b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) TSAN_TEXT(false, a, ==, b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) TSAN_TEXT(true, a, !=, b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) TSAN_TEXT(false, a, !=, b, __VA_ARGS__)
#define cr_assert_fail(...) TSAN_CHECK(true, "not reached", false, __VA_ARGS__)
