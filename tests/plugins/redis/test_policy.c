/* SPDX-License-Identifier: Apache-2.0 */
/* What policies, settings and the command line may say about commands. */

#include "play.h"

static struct play host; /* takes what an example says */

static int load(const char *settings, void **self)
{
    host.host = (struct l7_host){.size = sizeof(struct l7_host),
                                 .diag = play_diag,
                                 .config_number = play_config_number,
                                 .config_bool = play_config_bool,
                                 .tx_open = play_tx_open,
                                 .tx_field = play_tx_field,
                                 .tx_attr = play_tx_attr};
    play_settings = settings;
    return l7_plugin.inspector->load(&host.host, NULL, self);
}

static enum l7_pattern pattern(unsigned field, const char *text, char out[64])
{
    char note_text[128];
    struct l7_text to = {.ptr = out, .cap = 63}, note = {.ptr = note_text, .cap = 128};
    struct guard guard = guard_copy(text, strlen(text));
    enum l7_pattern verdict = l7_plugin.inspector->pattern(
        NULL, field, (struct l7_bytes){guard.data, guard.len}, &to, &note);

    guard_free(&guard);
    out[to.len] = '\0';
    cr_assert_eq(verdict != L7_PATTERN_OK, note.len > 0);
    return verdict;
}

Test(pattern, is_kept_as_it_is)
{
    char out[64];
    cr_assert_eq(pattern(0, "get*", out), L7_PATTERN_OK);
    cr_assert_str_eq(out, "get*");
    cr_assert_eq(pattern(1, "user 1:*", out), L7_PATTERN_OK);
    cr_assert_str_eq(out, "user 1:*");
}

Test(pattern, with_a_subcommand_is_warned_about)
{
    char out[64];
    cr_assert_eq(pattern(0, "CONFIG GET", out), L7_PATTERN_WARN);
    cr_assert_str_eq(out, "CONFIG GET");
}

static struct play_tx explain(const char *name, const char *text, int expected)
{
    char note_text[128];
    struct l7_text note = {.ptr = note_text, .cap = sizeof(note_text)};
    struct play_tx tx = {.play = &host};
    struct guard guard = guard_copy(text, strlen(text));
    const struct l7_pair pair = {name, {guard.data, guard.len}};
    void *self = NULL;

    cr_assert_eq(load(NULL, &self), 0);
    cr_assert_eq(l7_plugin.inspector->example(self, &pair, 1, (struct l7_tx *)(void *)&tx, &note),
                 expected, "%s", text);
    cr_assert_eq(note.len > 0, expected != 0);
    l7_plugin.inspector->unload(self);
    guard_free(&guard);
    return tx;
}

Test(example, is_a_command_in_words)
{
    struct play_tx tx = explain("", "get user:1", 0);
    cr_assert_str_eq(tx.fields[0], "GET");
    cr_assert_str_eq(tx.fields[1], "user:1");
    tx = explain("", "DEL a b", 0);
    cr_assert_str_eq(tx.fields[0], "DEL");
    cr_assert_not(tx.set[1]);
}

Test(example, may_be_given_by_fields)
{
    cr_assert_str_eq(explain("command", "set", 0).fields[0], "SET");
    cr_assert_str_eq(explain("key", "a b", 0).fields[1], "a\\x20b");
}

Test(example, that_is_none_is_explained)
{
    explain("", "", -EINVAL);
    explain("", "GET / HTTP/1.0", -EINVAL);
    explain("command", "two words", -EINVAL);
    explain("command", "", -EINVAL);
    explain("verb", "GET", -EINVAL);
}

Test(settings, that_would_refuse_everything_are_refused)
{
    void *self = NULL;
    cr_assert_eq(load("max-arguments=0", &self), -EINVAL);
    cr_assert_null(self);
}
