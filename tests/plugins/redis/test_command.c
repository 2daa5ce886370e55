/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the Redis protocol: which are judged as what, and which are refused as none. */

#include "play.h"

#define ANY                                                                                        \
    {                                                                                              \
        .rule = NULL                                                                               \
    }
#define RULE(text)                                                                                 \
    {                                                                                              \
        .rule = text                                                                               \
    }
#define SETTINGS(text)                                                                             \
    {                                                                                              \
        .settings = text                                                                           \
    }
#define COMMA ,
#define PING "*1\r\n$4\r\nPING\r\n"
#define GET_A "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
#define SET_A "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\none\r\n"

Test(array, gives_command_and_key)
{
    PLAY("{command=PING | command=PING arguments=0} 14", ANY, CLIENT(PING));
    PLAY("{command=GET key=a | command=GET key=a arguments=1} 20", ANY, CLIENT(GET_A));
    PLAY("{command=SET key=a | command=SET key=a arguments=2} 29", ANY, CLIENT(SET_A));
    PLAY("{command=GET key= | command=GET arguments=1} 19", ANY,
         CLIENT("*2\r\n$3\r\nGET\r\n$0\r\n\r\n"));
    PLAY("{command=GET key=\\x00\\x0d\\x0a\\xff | command=GET key=\\x00\\x0d\\x0a\\xff "
         "arguments=1} 23",
         ANY, CLIENT("*2\r\n$3\r\nGET\r\n$4\r\n\0\r\n\xff\r\n"));
}

Test(array, name_is_given_in_upper_case)
{
    PLAY("{command=FLUSHALL | command=FLUSHALL arguments=0} 18", ANY,
         CLIENT("*1\r\n$8\r\nflushAll\r\n"));
    PLAY("{command=FT.SEARCH | command=FT.SEARCH arguments=1} 28", ANY,
         CLIENT("*2\r\n$9\r\nft.search\r\n$3\r\nidx\r\n"));
}

Test(array, every_command_of_a_pipeline_is_judged)
{
    PLAY("{command=GET key=a | command=GET key=a arguments=1} "
         "{command=GET key=a | command=GET key=a arguments=1} 40",
         RULE("command=GET"), CLIENT(GET_A GET_A));
    PLAY("{command=GET key=a | command=GET key=a arguments=1} "
         "REFUSED{command=SET key=a | command=SET key=a arguments=2} no-match 20",
         RULE("command=GET"), CLIENT(GET_A SET_A GET_A));
    PLAY("{command=GET key=a | command=GET key=a arguments=1} "
         "REFUSED{command=GET key=b | command=GET key=b arguments=1} no-match 20",
         RULE("command=GET key=a"), CLIENT(GET_A "*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"));
    PLAY("{command=MULTI | command=MULTI arguments=0} "
         "REFUSED{command=EXEC | command=EXEC arguments=0} no-match 15",
         RULE("command=MULTI"), CLIENT("*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n"));
}

Test(array, what_looks_like_a_command_inside_an_argument_is_argument)
{
    PLAY("{command=SET key=a | command=SET key=a arguments=2} "
         "{command=SET key=a | command=SET key=a arguments=2} 72",
         RULE("command=SET"),
         CLIENT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$16\r\n*1\r\n$6\r\nDBSIZE\r\n\r\n" SET_A));
}

Test(array, commands_with_several_keys_have_none_for_rules)
{
    PLAY("{command=DEL key=a | command=DEL key=a arguments=1} 20", RULE("key=a"),
         CLIENT("*2\r\n$3\r\nDEL\r\n$1\r\na\r\n"));
    PLAY("REFUSED{command=DEL | command=DEL arguments=2} no-match 0", RULE("key=a"),
         CLIENT("*3\r\n$3\r\nDEL\r\n$1\r\na\r\n$1\r\nb\r\n"));
    PLAY("REFUSED{command=RENAME | command=RENAME arguments=2} no-match 0", RULE("key=a"),
         CLIENT("*3\r\n$6\r\nRENAME\r\n$1\r\na\r\n$1\r\nb\r\n"));
    PLAY("REFUSED{command=SORT | command=SORT arguments=3} no-match 0", RULE("key=a"),
         CLIENT("*4\r\n$4\r\nSORT\r\n$1\r\na\r\n$5\r\nSTORE\r\n$1\r\nb\r\n"));
    PLAY("REFUSED{command=EVAL | command=EVAL arguments=2} no-match 0", RULE("key=a"),
         CLIENT("*3\r\n$4\r\nEVAL\r\n$1\r\na\r\n$1\r\n0\r\n"));
    PLAY("REFUSED{command=GET | command=GET arguments=0} no-match 0", RULE("key=a"),
         CLIENT("*1\r\n$3\r\nGET\r\n"));
}

Test(array, a_password_is_not_shown)
{
    PLAY("{command=AUTH | command=AUTH arguments=1} 26", ANY,
         CLIENT("*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"));
}

Test(array, a_key_too_long_is_matched_by_no_rule)
{
    PLAY("{command=GET key=? | command=GET arguments=1} "
         "{command=GET key=abcd | command=GET key=abcd arguments=1} 47",
         SETTINGS("max-key=4"),
         CLIENT("*2\r\n$3\r\nGET\r\n$5\r\nabcde\r\n*2\r\n$3\r\nGET\r\n$4\r\nabcd\r\n"));
    PLAY("REFUSED{command=GET key=? | command=GET arguments=1} no-match 0",
         {.settings = "max-key=4" COMMA.rule = "key=abcde"},
         CLIENT("*2\r\n$3\r\nGET\r\n$5\r\nabcde\r\n"));
}

Test(array, that_is_malformed_is_refused)
{
    static const struct {
        const char *bytes, *reason;
    } cases[] = {
        {"*2\n$3\r\nGET\r\n", "bad-count"},
        {"*2\r$3\r\nGET\r\n", "bad-count"},
        {"*02\r\n$3\r\nGET\r\n", "bad-count"},
        {"*+2\r\n$3\r\nGET\r\n", "bad-count"},
        {"*-1\r\n", "bad-count"},
        {"* 1\r\n", "bad-count"},
        {"*\r\n", "bad-count"},
        {"*99999999999\r\n", "bad-count"},
        {"*0\r\n", "empty-command"},
        {"*1025\r\n", "too-many-arguments"},
        {"*9999999999\r\n", "too-many-arguments"},
        {"*1\r\nGET\r\n", "bad-length"},
        {"*1\r\n:3\r\n", "bad-length"},
        {"*1\r\n$-1\r\n", "bad-length"},
        {"*1\r\n$03\r\nGET\r\n", "bad-length"},
        {"*1\r\n$3\nGET\r\n", "bad-length"},
        {"*1\r\n$0\r\n\r\n", "bad-command"},
        {"*1\r\n$65\r\n", "bad-command"},
        {"*1\r\n$4\r\nG\nET\r\n", "bad-command"},
        {"*1\r\n$4\r\nG ET\r\n", "bad-command"},
        {"*1\r\n$4\r\nG\x80T!\r\n", "bad-command"},
        {"*1\r\n$3\r\nGETX\r\n", "bad-end"},
        {"*1\r\n$3\r\nGET\n\n", "bad-end"},
        {"*1\r\n$3\r\nGET\rX", "bad-end"},
        {"*2\r\n$3\r\nGET\r\n*1\r\n", "bad-length"},
        {"*2\r\n$3\r\nGET\r\n$1\r\nab\r\n", "bad-end"},
        {"*2\r\n$3\r\nGET\r\n$1\r\na\rX", "bad-end"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* The first flow claims by a good command; the bad one comes behind it. */
        char bytes[128], expected[128];
        int n = snprintf(bytes, sizeof(bytes), PING "%s", cases[i].bytes);
        snprintf(expected, sizeof(expected), "{command=PING | command=PING arguments=0} %s 14",
                 cases[i].reason);
        const struct play_piece piece = {L7_TO_SERVER, bytes, (size_t)n};
        play_expect((struct play){0}, &piece, 1, expected);
    }
}

Test(array, that_turns_bad_behind_its_decision_never_becomes_whole)
{
    PLAY("{command=SET key=a | command=SET key=a arguments=2}... bad-length 20", ANY,
         CLIENT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$-1\r\n"));
    PLAY("{command=SET key=a | command=SET key=a arguments=2}... bad-end 27", ANY,
         CLIENT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\nonetwo\r\n"));
    PLAY("{command=SET key=a | command=SET key=a arguments=2}... argument-too-long 20", ANY,
         CLIENT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870913\r\n"));
}

Test(array, limit_of_words_is_an_option)
{
    PLAY("{command=GET key=a | command=GET key=a arguments=1} too-many-arguments 20",
         SETTINGS("max-arguments=2"), CLIENT(GET_A SET_A));
}

Test(array, long_arguments_cost_no_calls)
{
    struct play p = {0};
    size_t len = 1u << 20;
    char *body = malloc(len + 2);
    cr_assert_not_null(body);
    memset(body, '*', len);
    memcpy(body + len, "\r\n", 2);
    const struct play_piece pieces[] = {CLIENT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1048576\r\n"),
                                        {L7_TO_SERVER, body, len + 2}};
    play_run(&p, pieces, 2, 0, 1460);
    free(body);
    cr_assert_str_eq(p.said, "{command=SET key=a | command=SET key=a arguments=2} 1048608");
    cr_assert_leq(p.feeds, 4);
}

Test(array, that_cannot_be_recorded_is_refused)
{
    PLAY("{command=PING | command=PING arguments=0} transaction-limit 14", {.max_tx = 1},
         CLIENT(PING PING));
}

Test(array, servers_say_what_they_like)
{
    PLAY("{command=PING | command=PING arguments=0} {command=PING | command=PING arguments=0} 28",
         ANY, CLIENT(PING), SERVER("+PONG\r\n*1\r\n$4\r\nEVIL\r\n\0"), CLIENT(PING),
         SERVER(">2\r\n"));
}

Test(line, gives_command_and_key)
{
    PLAY("{command=PING | command=PING arguments=0} 6", ANY, CLIENT("PING\r\n"));
    PLAY("{command=GET key=a | command=GET key=a arguments=1} 7", ANY, CLIENT("get a\r\n"));
    PLAY("{command=SET key=a | command=SET key=a arguments=3} 14", ANY,
         CLIENT("SET a  \"b c\"\r\n"));
    PLAY("REFUSED{command=DEL | command=DEL arguments=2} no-match 0", RULE("key=a"),
         CLIENT("DEL a b\r\n"));
}

Test(line, stands_beside_arrays)
{
    PLAY("{command=GET key=a | command=GET key=a arguments=1} "
         "{command=GET key=b | command=GET key=b arguments=1} "
         "REFUSED{command=FLUSHALL | command=FLUSHALL arguments=0} no-match 27",
         RULE("command=GET"),
         CLIENT(GET_A "gEt b\r\n"
                      "flushall\r\n"));
    PLAY("{command=GET key=a | command=GET key=a arguments=1} "
         "REFUSED{command=SET key=a | command=SET key=a arguments=2} no-match 7",
         RULE("command=GET"), CLIENT("GET a\r\n" SET_A));
}

Test(line, that_servers_could_read_otherwise_is_refused)
{
    static const struct {
        const char *bytes, *reason;
    } cases[] = {
        {"GET a\n", "bare-lf"},
        {"\n", "bare-lf"},
        {"\r\n", "empty-command"},
        {"  \r\n", "empty-command"},
        {"GET\ta\r\n", "bad-inline-byte"},
        {"GET a\rb\r\n", "bad-inline-byte"},
        {"\"GET\" a\r\n", "quoted-word"},
        {"G'E'T a\r\n", "quoted-word"},
        {"GET \"a\"\r\n", "quoted-word"},
        {"\x80\x81 a\r\n", "bad-command"},
        {"POST a\r\n", "not-redis"},
        {"host: a\r\n", "not-redis"},
        {"GET /index.html HTTP/1.0\r\n", "not-redis"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
         "bad-command"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[128], expected[128];
        int n = snprintf(bytes, sizeof(bytes), PING "%s", cases[i].bytes);
        snprintf(expected, sizeof(expected), "{command=PING | command=PING arguments=0} %s 14",
                 cases[i].reason);
        const struct play_piece piece = {L7_TO_SERVER, bytes, (size_t)n};
        play_expect((struct play){0}, &piece, 1, expected);
    }
    PLAY("{command=PING | command=PING arguments=0} bad-inline-byte 14", ANY,
         CLIENT(PING "GET a\0b\r\n"));
    PLAY("{command=PING | command=PING arguments=0} too-many-arguments 14",
         SETTINGS("max-arguments=2"), CLIENT(PING "set a b\r\n"));
}

Test(line, has_a_longest_length)
{
    static char line[70000];
    memset(line, 'a', sizeof(line));
    memcpy(line, PING "SET k ", 20);
    for (int fits = 0; fits < 2; fits++) {
        struct play p = {0};
        size_t len = 14 + 65536 + (fits ? 0 : 1);
        memcpy(line + len - 2, "\r\n", 2);
        const struct play_piece piece = {L7_TO_SERVER, line, len};
        for (size_t every = 0; every < 3000; every += 1460) {
            play_run(&p, &piece, 1, 0, every);
            cr_assert_str_eq(p.said,
                             fits ? "{command=PING | command=PING arguments=0} "
                                    "{command=SET key=k | command=SET key=k arguments=2} 65550"
                                  : "{command=PING | command=PING arguments=0} line-too-long 14");
        }
        line[len - 2] = line[len - 1] = 'a';
    }
}

Test(line, can_be_switched_off)
{
    PLAY("{command=PING | command=PING arguments=0} inline-command 14", SETTINGS("inline=false"),
         CLIENT(PING "PING\r\n"));
    PLAY("unclaimed 0", SETTINGS("inline=false"), CLIENT("PING\r\n"));
}

Test(probe, leaves_other_protocols_alone)
{
    PLAY("unclaimed 0", ANY, CLIENT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("GET /x HTTP/1.0\r\n\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("POST / HTTP/1.1\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("SSH-2.0-OpenSSH_9.2p1\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("EHLO mail.example\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("gets a\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("\x16\x03\x01\x02"));
    PLAY("unclaimed 0", ANY, CLIENT("*1\r\n:1\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("*x"));
    PLAY("unclaimed 0", ANY, CLIENT(" PING\r\n"));
    PLAY("unclaimed 0", ANY, CLIENT("PING\n"));
}

Test(probe, waits_for_the_end_of_a_line)
{
    PLAY("0", ANY, CLIENT("GET /index.html"));
    PLAY("0", ANY, CLIENT("*1\r\n"));
}

Test(probe, looks_no_further_than_a_kilobyte)
{
    static char line[1200] = "SET key ";
    struct play p = {0};
    memset(line + 8, 'a', sizeof(line) - 8);
    const struct play_piece piece = {L7_TO_SERVER, line, sizeof(line)};
    play_run(&p, &piece, 1, 0, 100);
    cr_assert_str_eq(p.said, "unclaimed 0");
}
