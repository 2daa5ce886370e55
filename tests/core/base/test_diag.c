/* SPDX-License-Identifier: Apache-2.0 */
/* diag: one line each, whole lines from any thread, and a flood is cut and counted. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/diag.h"

static int taken = -1;
static char text[1 << 20];

/* Standard error goes to a file that nobody can name. */
static void setup(void)
{
    char path[] = "/tmp/l7test-XXXXXX";
    taken = mkstemp(path);
    unlink(path);
    dup2(taken, STDERR_FILENO);
    /* Away from the end of a second, so that a window holds for the test. */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_nsec > 600000000)
        usleep((useconds_t)(1000000 - now.tv_nsec / 1000 + 1000));
}

static const char *told(void)
{
    ssize_t len = pread(taken, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = 0;
    return text;
}

static size_t lines(void)
{
    size_t n = 0;
    for (const char *p = told(); (p = strchr(p, '\n')) != NULL; p++)
        n++;
    return n;
}

TestSuite(diag, .init = setup);

Test(diag, a_line_has_level_room_and_text)
{
    diag(L7_WARNING, "plugin/eve", "cannot write: %s", "no space");
    cr_assert_str_eq(told(), "l7guard: warning: plugin/eve: cannot write: no space\n");
}

Test(diag, is_silent_below_its_level)
{
    diag(L7_DEBUG, "flow", "detail");
    cr_assert_eq(lines(), 0);
    diag_set_level(L7_DEBUG);
    diag(L7_DEBUG, "flow", "detail");
    diag_set_level(L7_ERROR);
    diag(L7_WARNING, "flow", "detail");
    cr_assert_eq(lines(), 1);
}

Test(diag, what_is_quoted_cannot_make_a_line)
{
    diag(L7_ERROR, "policy", "bad \"%s\"", "x\nl7guard: error: forged");
    cr_assert_eq(lines(), 1);
}

Test(diag, cuts_long_lines_and_still_ends_them)
{
    char *huge = malloc(100000);
    memset(huge, 'x', 99999);
    huge[99999] = 0;
    diag(L7_ERROR, "policy", "%s", huge);
    free(huge);
    cr_assert_eq(lines(), 1);
    size_t len = strlen(told());
    cr_assert_gt(len, 1000);
    cr_assert_lt(len, 2200);
}

static void flood(int n)
{
    for (int i = 0; i < n; i++)
        diag(L7_NOTICE, "flow", "flood");
}

Test(diag, ten_lines_a_second_from_one_place_and_the_rest_counted)
{
    flood(25);
    cr_assert_eq(lines(), 10);
    diag(L7_NOTICE, "flow", "another place");
    cr_assert_eq(lines(), 11);
    usleep(1100000);
    flood(1);
    cr_assert_eq(lines(), 12);
    cr_assert_not_null(strstr(told(), "flood (15 like it left out)\n"));
}

Test(diag, leaves_errno_alone)
{
    errno = EXDEV;
    diag(L7_ERROR, "policy", "%m");
    cr_assert_eq(errno, EXDEV);
    cr_assert_not_null(strstr(told(), strerror(EXDEV)));
}

static struct diag_site shared;

static void *shout(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        diag_at(&shared, L7_ERROR, "flow", "0123456789012345678901234567890123456789");
    return NULL;
}

Test(diag, threads_share_the_limit_and_never_mix_lines)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, shout, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    size_t n = lines();
    cr_assert_geq(n, 10);
    cr_assert_lt(n, 100);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        cr_assert_eq(strncmp(line, "l7guard: error: flow: 0123456789", 32), 0, "%s", line);
}
