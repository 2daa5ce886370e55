/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* pieces: the fragments of one datagram, in order of offset, none overlapping another.
 *
 * Life   zeroed (check has conflict add)* join? fini
 *
 * Functions that answer with text answer NULL for "nothing is wrong", else a reason: a constant
 * slug for records and counters.
 */

#include <stdbool.h>
#include <stddef.h>
#include "flow/defrag.h"

/* Fragments of 256 bytes still make 64 KiB; the smallest that routers make carry 552. */
#define PIECES_MAX 256

struct piece;

struct pieces {
    struct piece **sorted; /* by offset */
    size_t count, room;
    uint32_t payload; /* bytes, of all */
    uint32_t end;     /* of the datagram's payload; 0: the last fragment has not come */
    size_t bytes;     /* memory */
};

/* Is the fragment by itself one that may be kept? */
const char *pieces_check(const struct packet *fragment);
/* Is it an exact repeat of one that is kept? */
bool pieces_has(const struct pieces *pieces, const struct packet *fragment);
/* Does it contradict what is kept? */
const char *pieces_conflict(const struct pieces *pieces, const struct packet *fragment);
/* Memory that pieces_add() will take. */
size_t pieces_cost(const struct pieces *pieces, const struct packet *fragment);
/* Copy a fragment that neither repeats nor conflicts. False: no memory. */
bool pieces_add(struct pieces *pieces, const struct packet *fragment);
bool pieces_whole(const struct pieces *pieces);
/* Put the datagram together. Copies: the pieces stay. `out` is untouched unless NULL is returned.
 * `out` must not be moved afterwards: its packet points to its frame. */
const char *pieces_join(const struct pieces *pieces, struct defrag_whole *out);
void pieces_fini(struct pieces *pieces);
