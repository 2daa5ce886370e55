/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* command: which names are commands of Redis, and which of their arguments is the one key. */

#include "l7guard/types.h"

#define NAME_MAX_LEN 64 /* modules have long names; none is that long */

enum key_place {
    KEY_NONE,  /* no key, or several, or not where we could tell: rules that name one do not fit */
    KEY_FIRST, /* the first argument, and no other argument is a key */
    KEY_ONLY,  /* every argument is a key: the first if it is alone */
};

/* A name of printable characters without quotes, not too long? */
bool command_is_name(struct l7_bytes name);

/* The name in upper case, into `upper` of NAME_MAX_LEN bytes. */
struct l7_bytes command_upper(struct l7_bytes name, char *upper);

/* For a name in upper case. Unknown ones have no key. */
enum key_place command_key_place(struct l7_bytes upper);
bool command_is_known(struct l7_bytes upper);
/* Does a known name begin like this? */
bool command_begins(struct l7_bytes upper);
