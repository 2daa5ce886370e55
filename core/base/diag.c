/* SPDX-License-Identifier: Apache-2.0 */
/* diag: levels, the rate limit, and the one write per line. Does not decide what is worth telling.
 *
 * A mutex guards sites and level alike: diagnostics are rare, and a line must not be torn. */

#include "base/diag.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINES_PER_SECOND 10
#define LINE_LEN_MAX 2048

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum l7_level limit = L7_NOTICE;

void diag_set_level(enum l7_level level)
{
    __atomic_store_n(&limit, level, __ATOMIC_RELAXED);
}

static const char *level_name(enum l7_level level)
{
    switch (level) {
    case L7_ERROR:
        return "error";
    case L7_WARNING:
        return "warning";
    case L7_NOTICE:
        return "notice";
    case L7_DEBUG:
        return "debug";
    }
    return "notice";
}

/* May one more line of this site be told now? `left_out` is what was swallowed since the last. */
static bool admit(struct diag_site *site, unsigned *left_out)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    unsigned long second = (unsigned long)now.tv_sec + 1; /* 0 is a site never used */
    bool told;
    pthread_mutex_lock(&lock);
    if (site->window != second) {
        site->window = second;
        site->count = 0;
    }
    told = site->count < LINES_PER_SECOND;
    if (told) {
        site->count++;
        *left_out = site->left_out;
        site->left_out = 0;
    } else {
        site->left_out++;
    }
    pthread_mutex_unlock(&lock);
    return told;
}

static void write_line(const char *line, size_t len)
{
    ssize_t done;

    do
        done = write(STDERR_FILENO, line, len);
    while (done < 0 && errno == EINTR);
}

/* snprintf's answer as what really lies in a buffer of `cap`. */
static size_t landed(int answer, size_t cap)
{
    return answer < 0 ? 0 : (size_t)answer < cap ? (size_t)answer : cap - 1;
}

void diag_vat(struct diag_site *site, enum l7_level level, const char *room, const char *format,
              va_list args)
{
    char line[LINE_LEN_MAX + 64];
    unsigned left_out = 0;
    int saved = errno;

    if (level > __atomic_load_n(&limit, __ATOMIC_RELAXED))
        return;
    if (site && !admit(site, &left_out))
        return;
    size_t len = landed(snprintf(line, LINE_LEN_MAX, "l7guard: %s: %s: ", level_name(level), room),
                        LINE_LEN_MAX);
    size_t text = len;
    errno = saved; /* for %m */
    len += landed(vsnprintf(line + len, LINE_LEN_MAX - len, format, args), LINE_LEN_MAX - len);
    for (; text < len; text++)
        if ((unsigned char)line[text] < 0x20 || line[text] == 0x7f)
            line[text] = ' '; /* one line is one line, whatever was quoted in it */
    if (left_out)
        len += landed(snprintf(line + len, sizeof(line) - len, " (%u like it left out)", left_out),
                      sizeof(line) - len);
    line[len++] = '\n';
    write_line(line, len);
    errno = saved;
}

void diag_at(struct diag_site *site, enum l7_level level, const char *room, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag_vat(site, level, room, format, args);
    va_end(args);
}
