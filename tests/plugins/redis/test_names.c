/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. */

#include <criterion/criterion.h>
#include <string.h>

#include "command.h"

static struct l7_bytes text(const char *words)
{
    return (struct l7_bytes){(const uint8_t *)words, strlen(words)};
}

Test(names, are_found_at_both_ends_of_the_table)
{
    cr_assert_eq(command_key_place(text("APPEND")), KEY_FIRST);
    cr_assert_eq(command_key_place(text("ZSCORE")), KEY_FIRST);
    cr_assert_eq(command_key_place(text("GEORADIUS_RO")), KEY_FIRST);
    cr_assert_eq(command_key_place(text("GEORADIUSBYMEMBER_RO")), KEY_FIRST);
    cr_assert_eq(command_key_place(text("DEL")), KEY_ONLY);
    cr_assert_eq(command_key_place(text("WATCH")), KEY_ONLY);
    cr_assert(command_is_known(text("ACL")));
    cr_assert(command_is_known(text("ZUNIONSTORE")));
    cr_assert(command_is_known(text("EVALSHA_RO")));
    cr_assert(command_is_known(text("EVAL_RO")));
}

Test(names, are_found_whole_only)
{
    cr_assert_not(command_is_known(text("APPEN")));
    cr_assert_not(command_is_known(text("APPENDS")));
    cr_assert_not(command_is_known(text("get")));
    cr_assert(command_begins(text("APPEN")));
    cr_assert(command_begins(text("Z")));
    cr_assert_not(command_begins(text("Q!")));
    cr_assert_not(command_begins(text("APPENDS")));
}

Test(names, that_may_touch_two_keys_have_none)
{
    static const char *const several[] = {"MSET",  "MSETNX",    "RENAME",      "COPY",    "SMOVE",
                                          "SORT",  "SORT_RO",   "SINTERSTORE", "LMOVE",   "MIGRATE",
                                          "BITOP", "GEORADIUS", "XREAD",       "EVAL",    "BLPOP",
                                          "FCALL", "OBJECT",    "PFMERGE",     "UNKNOWN", "ZUNION"};
    for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++)
        cr_assert_eq(command_key_place(text(several[i])), KEY_NONE, "%s", several[i]);
}
