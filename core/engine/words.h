/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* words: l7ctl's command line as a struct, and a question to explain as JSON.
 *
 * In    argv
 * Out   what is asked of whom; for every mistake one sentence
 * Not   whether a keyword is loaded, whether an address is one (explain_json.c)
 *
 * Options may stand before and after the command. In `explain` an option nobody knows is taken for
 * the keyword of an inspector: the plugins decide which there are.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define WORDS_PAIRS_MAX 64

struct words {
    const char *command;  /* NULL: none given */
    const char *argument; /* the word behind it; NULL: none */
    bool json, help, version, batch;
    const char *socket, *config, *policies, *plugins, *node, *limit;
    const char *src, *dst, *sport, *proto, *icmp_type, *icmp_code;
    const char *said;     /* "other", "raw", "l7", or a keyword; NULL: nothing is said */
    char said_name[64];   /* where it is kept when it came as --NAME=TEXT */
    const char *said_arg; /* what it says; of "l7" the keyword; NULL: no argument */
    const char *pairs[WORDS_PAIRS_MAX]; /* FIELD=VALUE of "l7" */
    size_t pair_count;
};

/* False: `error` is one sentence. */
bool words_read(int argc, char **argv, struct words *w, char *error, size_t cap);

/* The question as explain_json() takes it. NULL: `error` is one sentence; `*usage` tells whether
 * the command line is at fault. */
json_t *words_question(const struct words *w, bool *usage, char *error, size_t cap);
