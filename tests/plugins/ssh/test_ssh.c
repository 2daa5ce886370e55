/* SPDX-License-Identifier: Apache-2.0 */
/* Identification strings of SSH: which are judged as what, and what becomes of the flow. */

#include "ident.h"
#include "plugins/redis/play.h"

#define ANY                                                                                        \
    {                                                                                              \
        .rule = NULL                                                                               \
    }
#define RULE(text)                                                                                 \
    {                                                                                              \
        .rule = text                                                                               \
    }
#define WATCHED                                                                                    \
    {                                                                                              \
        .watched = true                                                                            \
    }
#define CLIENT_ID "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
#define SAID                                                                                       \
    "software=OpenSSH_9.2p1 version=2.0 | client.proto_version=2.0 "                               \
    "client.software_version=OpenSSH_9.2p1"
#define DROPBEAR " server.proto_version=2.0 server.software_version=dropbear_2022.83"

Test(client, is_judged_by_its_identification)
{
    PLAY("{" SAID "}... 32", RULE("software=OpenSSH_9.2p1 version=2.0"), CLIENT(CLIENT_ID));
    PLAY("REFUSED{" SAID "} no-match 0", RULE("version=1.99"), CLIENT(CLIENT_ID));
    PLAY("REFUSED{" SAID "} no-match 0", RULE("software=PuTTY"), CLIENT(CLIENT_ID));
    PLAY("{software=libssh2_1.10.0-dev version=1.99 | client.proto_version=1.99 "
         "client.software_version=libssh2_1.10.0-dev}... 29",
         ANY, CLIENT("SSH-1.99-libssh2_1.10.0-dev\r\n"));
}

Test(client, passes_unread_after_it)
{
    PLAY("{" SAID "}... 41", ANY, CLIENT(CLIENT_ID "\0\0\0\x1cSSH-\n"));
}

Test(client, without_a_proper_identification_is_refused)
{
    PLAY("bare-lf 0", ANY, CLIENT("SSH-2.0-a\n"));
    PLAY("bare-lf 0", ANY, CLIENT("SSH-\n"));
    PLAY("ssh-version 0", ANY, CLIENT("SSH-1.5-a\r\n"));
    PLAY("ssh-version 0", ANY, CLIENT("SSH-2.00-a\r\n"));
    PLAY("ssh-version 0", ANY, CLIENT("SSH-\r\n"));
    PLAY("ssh-version 0", ANY, CLIENT("SSH-2.0 a-b\r\n"));
    PLAY("no-software-version 0", ANY, CLIENT("SSH-2.0\r\n"));
    PLAY("no-software-version 0", ANY, CLIENT("SSH-2.0-\r\n"));
    PLAY("no-software-version 0", ANY, CLIENT("SSH-2.0- comment\r\n"));
    PLAY("bad-identification-byte 0", ANY, CLIENT("SSH-2.0-a\0b\r\n"));
    PLAY("bad-identification-byte 0", ANY, CLIENT("SSH-2.0-a\rb\r\n"));
    PLAY("bad-identification-byte 0", ANY, CLIENT("SSH-2.0-a b\x80\r\n"));
}

Test(client, identification_ends_within_255_bytes)
{
    char line[300];
    memset(line, 'a', sizeof(line));
    memcpy(line, "SSH-2.0-", 8);
    for (size_t len = 255; len <= 256; len++) {
        struct play p = {0};
        memcpy(line + len - 2, "\r\n", 2);
        const struct play_piece piece = {L7_TO_SERVER, line, len};
        for (size_t every = 0; every <= 100; every++) {
            play_run(&p, &piece, 1, 0, every);
            cr_assert_eq(p.refused, len > 255);
            cr_assert(len <= 255 || strcmp(p.reason, "identification-too-long") == 0);
        }
        line[len - 2] = line[len - 1] = 'a';
    }
    /* No line end at all. */
    struct play p = {0};
    const struct play_piece piece = {L7_TO_SERVER, line, 255};
    play_run(&p, &piece, 1, 0, 1);
    cr_assert_str_eq(p.said, "identification-too-long 0");
}

Test(server, completes_the_record_and_the_flow_is_released)
{
    PLAY("{" SAID DROPBEAR "} released 32", ANY, CLIENT(CLIENT_ID),
         SERVER("SSH-2.0-dropbear_2022.83\r\n"), CLIENT("x"));
    PLAY("{" SAID DROPBEAR "} released 32", ANY, CLIENT(CLIENT_ID),
         SERVER("SSH-2.0-dropbear_2022.83 x\n"));
}

Test(server, may_greet_first)
{
    PLAY("{" SAID DROPBEAR "} released 32", ANY, CLIENT(CLIENT_ID),
         SERVER("hello\r\nS\n\nSS\r\n SSH-\r\nSSH-2.0-dropbear_2022.83\r\n"));
}

Test(server, that_is_odd_refuses_nothing)
{
    PLAY("{" SAID "} released 32", ANY, CLIENT(CLIENT_ID), SERVER("SSH-1.5-x\r\n"));
    PLAY("{" SAID "} released 32", ANY, CLIENT(CLIENT_ID), SERVER("SSH-\n"));
    static char lines[65 * 2 + 1];
    for (size_t i = 0; i < 65; i++)
        memcpy(lines + 2 * i, "x\n", 2);
    const struct play_piece many[] = {CLIENT(CLIENT_ID), {L7_TO_CLIENT, lines, 130}};
    play_expect((struct play){0}, many, 2, "{" SAID "} released 32");
    static char line[1024];
    memset(line, 'x', sizeof(line));
    const struct play_piece endless[] = {CLIENT(CLIENT_ID), {L7_TO_CLIENT, line, sizeof(line)}};
    play_expect((struct play){0}, endless, 2, "{" SAID "} released 32");
    memcpy(line, "SSH-", 4);
    play_expect((struct play){0}, endless, 2, "{" SAID "} released 32");
}

Test(server, is_remembered_when_it_is_first_and_nobody_judges)
{
    PLAY("{" SAID DROPBEAR "} released 32", WATCHED, SERVER("SSH-2.0-dropbear_2022.83\r\n\0\1"),
         CLIENT(CLIENT_ID));
    PLAY("{" SAID "} released 32", WATCHED, SERVER("SSH-9-x\r\n"), CLIENT(CLIENT_ID));
}

Test(probe, takes_what_begins_as_ssh_does)
{
    PLAY("0", ANY, CLIENT("SSH"));
    PLAY("unclaimed 0", ANY, CLIENT("SSX"));
    PLAY("unclaimed 0", ANY, CLIENT("ssh-2.0-a\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("GET / HTTP/1.1\r\n\r\n"));
}

static enum l7_pattern pattern(unsigned field, const char *text)
{
    char out[64], note_text[128];
    struct l7_text to = {.ptr = out, .cap = sizeof(out)}, note = {.ptr = note_text, .cap = 128};
    struct guard guard = guard_copy(text, strlen(text));
    enum l7_pattern verdict = l7_plugin.inspector->pattern(
        NULL, field, (struct l7_bytes){guard.data, guard.len}, &to, &note);

    if (verdict != L7_PATTERN_REFUSE)
        cr_assert(to.len == guard.len && memcmp(out, guard.data, guard.len) == 0);
    cr_assert_eq(verdict != L7_PATTERN_OK, note.len > 0);
    guard_free(&guard);
    return verdict;
}

Test(pattern, with_a_comment_is_warned_about)
{
    cr_assert_eq(pattern(0, "OpenSSH_*"), L7_PATTERN_OK);
    cr_assert_eq(pattern(0, "OpenSSH_9.2p1 Debian*"), L7_PATTERN_WARN);
    cr_assert_eq(pattern(1, "2.0"), L7_PATTERN_OK);
}

static struct play_tx explain(const char *name, const char *text, int expected)
{
    static struct play play;
    char note_text[128];
    struct l7_text note = {.ptr = note_text, .cap = sizeof(note_text)};
    struct play_tx tx = {.play = &play};
    struct guard guard = guard_copy(text, strlen(text));
    const struct l7_pair pair = {name, {guard.data, guard.len}};
    void *self = NULL;

    play.host = (struct l7_host){.tx_field = play_tx_field, .tx_attr = play_tx_attr};
    cr_assert_eq(l7_plugin.inspector->load(&play.host, NULL, &self), 0);
    cr_assert_eq(l7_plugin.inspector->example(self, &pair, 1, (struct l7_tx *)(void *)&tx, &note),
                 expected, "%s", text);
    cr_assert_eq(note.len > 0, expected != 0);
    guard_free(&guard);
    return tx;
}

Test(example, is_an_identification_or_its_parts)
{
    struct play_tx tx = explain("", "SSH-2.0-OpenSSH_9.2 Debian", 0);
    cr_assert_str_eq(tx.fields[0], "OpenSSH_9.2");
    cr_assert_str_eq(tx.fields[1], "2.0");
    cr_assert_str_eq(explain("software", "x", 0).fields[0], "x");
    cr_assert_str_eq(explain("version", "1.99", 0).fields[1], "1.99");
    explain("", "OpenSSH", -EINVAL);
    explain("name", "OpenSSH", -EINVAL);
}
