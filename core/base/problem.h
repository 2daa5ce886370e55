/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* problem: what is wrong with files somebody wrote, collected so that all of it is told at once.
 *
 * In    a place (file, line, column), a field path, a sentence
 * Out   lines such as  policies/api.yaml:14:11: spec.ingress[0].l7Protocols[0].http.hots: unknown
 *       field; known: path, host, method
 * Not   diagnostics of a running daemon (diag.h)
 * Life  new (add)* print? free
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum problem_level { PROBLEM_ERROR, PROBLEM_WARNING };

/* A place in a file. `line` and `column` count from 1; 0: unknown, not printed. `file` NULL: no
 * file. `field` NULL or "": no field path. All borrowed for the call (problem_add copies). */
struct place {
    const char *file;
    int line;
    int column;
    const char *field;
};

struct problem {
    enum problem_level level;
    char *file; /* NULL: none */
    int line, column;
    char *field; /* NULL: none */
    char *text;
};

struct problems {
    struct problem *list;
    size_t count;
    size_t errors; /* how many of them are PROBLEM_ERROR */
    size_t cap;
};

struct problems *problems_new(void); /* NULL: no memory */
void problems_free(struct problems *list);

/* Never fails: out of memory is remembered as one more error without text. Lists longer than
 * 1000 only count. */
void problem_add(struct problems *list, enum problem_level level, struct place place,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Put "FILE:LINE:COLUMN: FIELD: TEXT" into `buf`, parts that are unknown left out; snprintf's
 * result. Warnings have "warning: " before the text. */
int problem_format(const struct problem *p, char *buf, size_t cap);
void problems_print(const struct problems *list, FILE *to);
