/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* dayfile: the file of the local day, where each line lands whole.
 *
 * In    lines that end with a line feed
 * Out   DIR/eve-YYYY-MM-DD.json, opened to append, one system call for each line
 * Not   what a line says (line.h); how long old files are kept
 * Life  open (write | tick | reopen)* close
 *
 * A line goes to the file of the calendar day of the moment it is written, so the switch is made
 * by the first line after local midnight and a day without events has no file. Only appending
 * survives readers who empty the live file: the next line is at offset 0 again.
 *
 * Trouble is reported once, when it begins, and its end is told with the number of lines lost in
 * between. Each line tries again: when there is room, logging goes on by itself.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "l7guard/host.h"
#include "stamp.h"

struct dayfile {
    const struct l7_host *host;
    struct stamp *stamp;
    char *dir;
    mode_t mode;
    int fd;      /* -1: to be opened by the next line */
    int64_t day; /* of the file opened last */
    bool torn;   /* the file ends inside a line */
    bool failing;
    uint64_t lost; /* lines since the failing began */
};

/* The wall clock in nanoseconds; tests put their own here. */
extern uint64_t (*dayfile_clock)(void);

/* Make the directory with its parents, and today's file. 0, or negative errno after a message.
 * `stamp` is borrowed until close. */
int dayfile_open(struct dayfile *f, const struct l7_host *host, const char *dir, mode_t mode,
                 struct stamp *stamp);
/* Whether opening would work, without making anything. 0, or negative errno after a message. */
int dayfile_check(const struct l7_host *host, const char *dir);
/* 0, or negative errno: the line is not in the file, nor a piece of it. */
int dayfile_write(struct dayfile *f, const char *line, size_t len);
/* Notices that somebody removed the file, and makes it again. */
void dayfile_tick(struct dayfile *f);
/* Close the file and open it again by its name: it may have been renamed. */
void dayfile_reopen(struct dayfile *f);
void dayfile_close(struct dayfile *f);
