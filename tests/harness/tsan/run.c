/* SPDX-License-Identifier: Apache-2.0 */
/* run: the tests of one program in the order they are written. Arguments: names to run. */
#include <criterion/criterion.h>
#include <stdarg.h>

static struct tsan_test *first, **last = &first;
static unsigned failures;

void tsan_register(struct tsan_test *test)
{
    *last = test;
    last = &test->next;
}

void tsan_fail(bool fatal, const char *file, int line, const char *what, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: %s:", file, line, what);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    if (fatal)
        exit(1);
}

static bool wanted(const struct tsan_test *test, int argc, char **argv)
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        any = true;
        if (strcmp(argv[i], test->name) == 0)
            return true;
    }
    return !any;
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    for (const struct tsan_test *t = first; t != NULL; t = t->next) {
        if (!wanted(t, argc, argv))
            continue;
        unsigned before = failures;
        fprintf(stderr, "%s.%s\n", t->suite, t->name);
        t->run();
        if (failures != before)
            fprintf(stderr, "%s.%s: FAILED\n", t->suite, t->name);
        count++;
    }
    fprintf(stderr, "%u tests, %u failures\n", count, failures);
    return failures == 0 && count > 0 ? 0 : 1;
}
