/* SPDX-License-Identifier: Apache-2.0 */
/* dayfile: see dayfile.h. docs/eve.md, "Files". */
#include "dayfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define DIR_MODE 0755

static uint64_t wall_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t (*dayfile_clock)(void) = wall_clock;

static int path_of(struct dayfile *f, int64_t day, char *path, size_t cap)
{
    int len = snprintf(path, cap, "%s/eve-%.10s.json", f->dir, stamp_date(f->stamp, day));

    return len < 0 || (size_t)len >= cap ? -ENAMETOOLONG : 0;
}

/* Components that exist are left alone; what is missing is reported by the opening after. */
static void make_dirs(const char *dir)
{
    char path[PATH_MAX];
    size_t len = strlen(dir);

    if (len >= sizeof(path))
        return;
    memcpy(path, dir, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        path[i] = '\0';
        (void)mkdir(path, DIR_MODE);
        path[i] = dir[i];
    }
}

static void report(struct dayfile *f, const char *what, int err)
{
    char path[PATH_MAX];

    if (f->failing)
        return;
    f->failing = true;
    if (path_of(f, f->day, path, sizeof(path)) < 0)
        snprintf(path, sizeof(path), "the event log");
    f->host->diag(f->host, L7_ERROR,
                  "cannot %s %s: %s; events are lost until this is mended, traffic goes on", what,
                  path, strerror(-err));
}

static void report_end(struct dayfile *f)
{
    if (f->failing && f->lost)
        f->host->diag(f->host, L7_NOTICE, "the event log is written again; %" PRIu64 " lines lost",
                      f->lost);
    f->failing = false;
    f->lost = 0;
}

static void forget(struct dayfile *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    f->torn = false;
}

static int open_day(struct dayfile *f, int64_t day)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
    char path[PATH_MAX];
    int err;

    forget(f);
    f->day = day;
    err = path_of(f, day, path, sizeof(path));
    if (!err) {
        f->fd = open(path, flags, f->mode);
        if (f->fd < 0 && errno == ENOENT) {
            make_dirs(f->dir);
            f->fd = open(path, flags, f->mode);
        }
        if (f->fd < 0)
            err = -errno;
    }
    return err;
}

int dayfile_open(struct dayfile *f, const struct l7_host *host, const char *dir, mode_t mode,
                 struct stamp *stamp)
{
    int err;

    *f = (struct dayfile){.host = host, .stamp = stamp, .mode = mode, .fd = -1};
    f->dir = strdup(dir);
    if (!f->dir)
        return -ENOMEM;
    err = open_day(f, stamp_day(stamp, dayfile_clock()));
    if (err) {
        host->diag(host, L7_ERROR, "cannot write event logs in %s: %s", dir, strerror(-err));
        dayfile_close(f);
    }
    return err;
}

int dayfile_check(const struct l7_host *host, const char *dir)
{
    char path[PATH_MAX];
    struct stat st;
    int err = 0;

    if (strlen(dir) >= sizeof(path) - sizeof("/eve-0000-00-00.json")) {
        err = -ENAMETOOLONG;
    } else {
        strcpy(path, dir);
        /* What is missing would be made: the deepest folder that exists has to allow it. */
        while (stat(path, &st) < 0) {
            char *slash = strrchr(path, '/');

            if (errno != ENOENT) {
                err = -errno;
                break;
            }
            if (!slash)
                strcpy(path, ".");
            else if (slash == path)
                strcpy(path, "/");
            else
                *slash = '\0';
        }
        if (!err && !S_ISDIR(st.st_mode))
            err = -ENOTDIR;
        if (!err && faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0)
            err = -errno;
    }
    if (err)
        host->diag(host, L7_ERROR, "cannot write event logs in %s: %s", dir, strerror(-err));
    return err;
}

/* A line was cut short, as on a full disk. Take the piece back, unless somebody else changed the
 * file meanwhile; then the next line starts on a line of its own. */
static void take_back(struct dayfile *f, size_t written)
{
    off_t end = lseek(f->fd, 0, SEEK_CUR);
    struct stat st;

    f->torn = true;
    if (end >= (off_t)written && fstat(f->fd, &st) == 0 && st.st_size == end &&
        ftruncate(f->fd, end - (off_t)written) == 0)
        f->torn = false;
}

static int append(struct dayfile *f, const char *line, size_t len)
{
    static const char feed = '\n';
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)&feed, .iov_len = 1},
        {.iov_base = (void *)(uintptr_t)line, .iov_len = len},
    };
    ssize_t done;

    do {
        if (f->torn)
            done = writev(f->fd, parts, 2);
        else
            done = write(f->fd, line, len);
    } while (done < 0 && errno == EINTR);
    if (done < 0)
        return -errno;
    if ((size_t)done == len + (f->torn ? 1 : 0)) {
        f->torn = false;
        return 0;
    }
    if (done > 0)
        take_back(f, (size_t)done);
    return -ENOSPC; /* what a regular file's short write means */
}

int dayfile_write(struct dayfile *f, const char *line, size_t len)
{
    int64_t day = stamp_day(f->stamp, dayfile_clock());
    const char *what = "open";
    int err = 0;

    if (f->fd < 0 || f->day != day)
        err = open_day(f, day);
    if (!err) {
        what = "write";
        err = append(f, line, len);
    }
    if (err) {
        report(f, what, err);
        f->lost++;
    } else if (f->failing) {
        report_end(f);
    }
    return err;
}

/* A file of a past day is not made anew: the next line opens the right one. */
void dayfile_reopen(struct dayfile *f)
{
    int64_t day = stamp_day(f->stamp, dayfile_clock());

    int err;

    if (f->day != day) {
        forget(f);
        return;
    }
    err = open_day(f, day);
    if (err)
        report(f, "open", err);
}

void dayfile_tick(struct dayfile *f)
{
    struct stat st;

    if (f->fd >= 0 && fstat(f->fd, &st) == 0 && st.st_nlink == 0)
        dayfile_reopen(f);
}

void dayfile_close(struct dayfile *f)
{
    if (f->failing && f->lost)
        f->host->diag(f->host, L7_WARNING, "%" PRIu64 " lines of the event log were lost", f->lost);
    forget(f);
    free(f->dir);
    f->dir = NULL;
}
