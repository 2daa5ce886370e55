/* SPDX-License-Identifier: Apache-2.0 */
/* l7ctl's command line: what is understood, what is refused, and which question comes of it. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/words.h"

static char problem[512];

/* Words are separated by "|", because some contain blanks. */
static bool take(const char *line, struct words *w)
{
    static char copy[8][2048];
    static char *argv[8][64];
    static unsigned next;
    unsigned at = next++ % 8;
    int argc = 1;
    snprintf(copy[at], sizeof(copy[at]), "%s", line);
    argv[at][0] = (char *)(uintptr_t) "l7ctl";
    char *rest = copy[at], *one;
    while (line[0] != '\0' && (one = strsep(&rest, "|")) != NULL)
        argv[at][argc++] = one;
    return words_read(argc, argv[at], w, problem, sizeof(problem));
}

static void expect_question(const char *line, const char *json)
{
    struct words w;
    bool usage;
    cr_assert(take(line, &w), "%s: %s", line, problem);
    json_t *q = words_question(&w, &usage, problem, sizeof(problem));
    cr_assert_not_null(q, "%s: %s", line, problem);
    json_t *wanted = json_loads(json, 0, NULL);
    char *text = json_dumps(q, JSON_COMPACT);
    cr_expect(json_equal(q, wanted), "%s: %s", line, text);
    free(text);
    json_decref(wanted);
    json_decref(q);
}

#define A "explain|--src|10.0.0.1|--dst|10.0.0.2:80"
#define ENDS "\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"dport\":80"

Test(words, makes_questions)
{
    expect_question(A, "{" ENDS "}");
    expect_question("--src=10.0.0.1|explain|--dst=10.0.0.2:80", "{" ENDS "}");
    expect_question(A "|--sport|7|--proto|udp", "{" ENDS ",\"sport\":7,\"proto\":\"udp\"}");
    expect_question("explain|--src|::1|--dst|[fd00::2]:443",
                    "{\"src\":\"::1\",\"dst\":\"fd00::2\",\"dport\":443}");
    expect_question("explain|--src|::1|--dst|[fd00::2]", "{\"src\":\"::1\",\"dst\":\"fd00::2\"}");
    expect_question("explain|--src|::1|--dst|fd00::2", "{\"src\":\"::1\",\"dst\":\"fd00::2\"}");
    expect_question("explain|--src|1.1.1.1|--dst|2.2.2.2|--icmp-type|3|--icmp-code|1",
                    "{\"src\":\"1.1.1.1\",\"dst\":\"2.2.2.2\",\"icmp\":{\"type\":3,\"code\":1}}");
}

Test(words, takes_unknown_options_for_what_is_said)
{
    expect_question(A "|--redis|GET x", "{" ENDS ",\"redis\":\"GET x\"}");
    expect_question(A "|--redis", "{" ENDS ",\"redis\":{}}");
    expect_question(A "|--redis|--json", "{" ENDS ",\"redis\":{}}");
    expect_question(A "|--redis=--x", "{" ENDS ",\"redis\":\"--x\"}");
    expect_question(A "|--other", "{" ENDS ",\"other\":{}}");
    expect_question(A "|--other|ssh", "{" ENDS ",\"other\":\"ssh\"}");
    expect_question(A "|--l7|redis|command=GET|key=a=b|--json",
                    "{" ENDS ",\"l7\":{\"redis\":{\"command\":\"GET\",\"key\":\"a=b\"}}}");
    expect_question(A "|--l7|redis", "{" ENDS ",\"l7\":{\"redis\":{}}}");
}

Test(words, reads_raw_bytes_from_a_file)
{
    char path[] = "/tmp/l7words-XXXXXX", line[256], wanted[256];
    static const struct {
        const char *bytes, *base64;
    } cases[] = {{"", ""}, {"a", "YQ=="}, {"ab", "YWI="}, {"abc", "YWJj"}, {"abcd", "YWJjZA=="}};
    int fd = mkstemp(path);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_assert_eq(ftruncate(fd, 0), 0);
        cr_assert_eq(pwrite(fd, cases[i].bytes, strlen(cases[i].bytes), 0),
                     (ssize_t)strlen(cases[i].bytes));
        snprintf(line, sizeof(line), A "|--raw|%s", path);
        snprintf(wanted, sizeof(wanted), "{" ENDS ",\"raw\":\"%s\"}", cases[i].base64);
        expect_question(line, wanted);
    }
    close(fd);
    unlink(path);
    struct words w;
    bool usage;
    cr_assert(take(A "|--raw|/nowhere", &w));
    cr_expect_null(words_question(&w, &usage, problem, sizeof(problem)));
    cr_expect_not(usage, "a file that is not there is no mistake of the command line's form");
    cr_expect(strstr(problem, "/nowhere") != NULL);
}

Test(words, options_stand_before_and_after_the_command)
{
    struct words w;
    cr_assert(take("--json|-s|/a|status", &w));
    cr_expect(w.json);
    cr_expect_str_eq(w.socket, "/a");
    cr_expect_str_eq(w.command, "status");
    cr_assert(take("status|--socket|/a|--json", &w));
    cr_expect(w.json);
    cr_expect_str_eq(w.socket, "/a");
    cr_assert(take("plugins|echo|-P/p", &w));
    cr_expect_str_eq(w.argument, "echo");
    cr_expect_str_eq(w.plugins, "/p");
    cr_assert(take("-h", &w));
    cr_expect(w.help);
    cr_assert(take("", &w));
    cr_expect_null(w.command);
}

Test(words, refuses_what_it_does_not_understand)
{
    static const char *const lines[] = {
        "status|--nonsense", "status|-x",         "status|-s",        "status|a|b",
        "status|--src|::1",  "status|--batch",    "explain|word",     A "|--src|::1",
        A "|--a|--b",        A "|--raw",          A "|--l7",          A "|--",
        A "|--l7|x|word",    "explain|--json=no", "-s|a|-s|b|status",
    };
    struct words w;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        problem[0] = '\0';
        cr_expect_not(take(lines[i], &w), "%s", lines[i]);
        cr_expect(problem[0] != '\0', "%s", lines[i]);
    }
    static const char *const questions[] = {
        "explain",
        "explain|--src|::1",
        "explain|--dst|::1",
        "explain|--src|::1|--dst|[::1",
        "explain|--src|::1|--dst|[::1]x",
        "explain|--src|::1|--dst|[::1]:",
        "explain|--src|1.1.1.1|--dst|1.1.1.1:x",
        "explain|--src|1.1.1.1|--dst|1.1.1.1:65536",
        A "|--sport|-1",
        A "|--sport|",
        A "|--icmp-type|256",
        A "|--x|\xff\xfe",
        A "|--l7|x|a=1|a=2",
    };
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        bool usage = false;
        cr_assert(take(questions[i], &w), "%s: %s", questions[i], problem);
        cr_expect_null(words_question(&w, &usage, problem, sizeof(problem)), "%s", questions[i]);
        cr_expect(usage && problem[0] != '\0', "%s", questions[i]);
    }
}
