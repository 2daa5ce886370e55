/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* redis: what one flow of the Redis protocol remembers, and what the readers of its two forms of
 * a request share.
 *
 *     array    *2 CRLF $3 CRLF GET CRLF $4 CRLF name CRLF
 *     inline   GET name CRLF
 *
 * In    client bytes that were not consumed yet
 * Out   one transaction for each command, decided before a byte of it is consumed
 * Not   answers: nothing in them changes what the client's bytes mean
 */

#include "l7guard/inspector.h"
#include "command.h"

#define INLINE_MAX (64u * 1024) /* of an inline command with its CRLF; servers take no more */
#define BULK_MAX (512ull * 1024 * 1024) /* of one argument; servers take no more by default */

enum { FIELD_COMMAND, FIELD_KEY };
enum { ATTR_COMMAND, ATTR_KEY, ATTR_ARGUMENTS };

/* What the options say: the plugin's `self`. */
struct redis_options {
    uint64_t max_arguments;
    size_t max_key;
    bool take_inline;
};

/*  COMMAND ──► KEY ──► ARGUMENTS ◄──► ARGUMENT_END
 *     ▲  undecided │  decided │
 *     └────────────┴──────────┘ the last argument is read
 */
enum redis_phase {
    PHASE_COMMAND = 0,  /* a command begins */
    PHASE_KEY,          /* of an array: the name is known and given to the rules */
    PHASE_ARGUMENTS,    /* allowed: what is left of it passes */
    PHASE_ARGUMENT_END, /* the CRLF behind an argument that was skipped */
};

struct redis {
    const struct redis_options *options;
    enum redis_phase phase;
    size_t seen;   /* unconsumed bytes already looked at */
    uint64_t left; /* arguments of the array not read yet */
    enum key_place key_place;
    uint64_t arguments; /* without the name */
    struct l7_tx *tx;   /* of the command at hand */
};

/* The same for all flows and workers. */
extern const struct l7_host *redis_host;

/* Open the transaction of a command, with `arguments` behind its name, and give its name to the
 * rules. False: the flow has too many transactions. */
bool redis_begin(struct redis *r, struct l7_flow *flow, struct l7_bytes name, uint64_t arguments);

/* Give its key to the rules; `ptr` NULL: there is one, too long to be compared. */
void redis_key(struct redis *r, struct l7_bytes key);

/* The command is allowed and read to its end. */
void redis_end(struct redis *r);

enum l7_step redis_break(struct l7_progress *progress, const char *reason);

/* The two readers: each consumes as much as it can. */
enum l7_step array_read(struct redis *r, struct l7_flow *flow, struct l7_bytes in,
                        struct l7_progress *progress);
enum l7_step inline_read(struct redis *r, struct l7_flow *flow, struct l7_bytes in,
                         struct l7_progress *progress);

/* Can these bytes, the first of a flow, be a command in the one form or the other? */
enum l7_probe array_probe(struct l7_bytes in);
enum l7_probe inline_probe(struct l7_bytes in);

/* Words of an inline command, for `l7ctl explain` as well. */
struct inline_words {
    struct l7_bytes name, key; /* `key.ptr` NULL: there is no second word */
    uint64_t count;            /* of all words */
    const char *fault;         /* NULL, or why it is none */
};
struct inline_words inline_split(struct l7_bytes line);
