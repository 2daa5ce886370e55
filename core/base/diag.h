/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* diag: diagnostics, one line each on standard error, for whoever runs the daemon.
 *
 * Lines are "l7guard: LEVEL: ROOM: TEXT"; a room is a short tag ("policy", "plugin/eve"). Safe
 * from any thread. Equal call sites are limited to 10 lines a second; what was left out is counted
 * and told with the next line that gets through.
 * Not: records of traffic (log plugins), problems of files (problem.h).
 */

#include <stdarg.h>
#include <stdbool.h>
#include "l7guard/host.h"

void diag_set_level(enum l7_level level); /* default L7_NOTICE */

struct diag_site {
    unsigned long window; /* second of the current window */
    unsigned int count;   /* lines in it */
    unsigned int left_out;
};

void diag_at(struct diag_site *site, enum l7_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_vat(struct diag_site *site, enum l7_level level, const char *room, const char *format,
              va_list args) __attribute__((format(printf, 4, 0)));

#define diag(level, room, ...)                                                                     \
    do {                                                                                           \
        static struct diag_site diag_site_;                                                        \
        diag_at(&diag_site_, (level), (room), __VA_ARGS__);                                        \
    } while (0)
