/* SPDX-License-Identifier: Apache-2.0 */
/* ctl: the control tool: the commands, their help, and the exit status. Reading the command line is
 * words.c's, getting answers is reach.c's, what they look like is render.c's.
 *
 * Exit status: 0 done, 1 a problem that the message names, 2 usage.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/explain.h"
#include "engine/lint.h"
#include "engine/reach.h"
#include "engine/render.h"
#include "engine/report.h"
#include "engine/words.h"

#define STEPS_RULES_MAX 1000 /* batches under more rules tell only of those that decide */

__attribute__((format(printf, 1, 2))) static int usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("l7ctl: ", stderr);
    vfprintf(stderr, format, args);
    fputs("; try l7ctl --help\n", stderr);
    va_end(args);
    return 2;
}

static int problem(const char *text)
{
    fprintf(stderr, "l7ctl: %s\n", text);
    return 1;
}

/* ---- telling ---- */

/* Names come out of files that others wrote: they may not drive the terminal. */
static void print_text(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xc2 && i + 1 < len && ((unsigned char)text[i + 1] & 0xe0) == 0x80;
        if ((c < 0x20 && c != '\n') || c == 0x7f || c1)
            text[i] = '?';
        if (c1)
            text[++i] = '?';
    }
    fwrite(text, 1, len, stdout);
}

/* `j`, taken, as it was asked for. The exit status. */
static int tell(const struct words *w, json_t *j, void (*render)(const json_t *j, FILE *to))
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = j != NULL && !w->json ? open_memstream(&text, &len) : NULL;
    if (to != NULL) {
        render(j, to);
        fclose(to);
        print_text(text, len);
        free(text);
    } else if (j != NULL) {
        json_dumpf(j, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    bool told = j != NULL && fflush(stdout) == 0;
    if (j != NULL && !told)
        problem("the answer cannot be written");
    json_decref(j);
    return told ? 0 : 1;
}

/* ---- the commands ---- */

static int do_status(const struct words *w)
{
    return tell(w, reach_daemon(w, "status", NULL, NULL), render_status);
}

static int do_flows(const struct words *w)
{
    json_t *limit = NULL;
    if (w->limit != NULL) {
        char *end;
        long n = strtol(w->limit, &end, 10);
        if (n < 1 || n > REPORT_FLOWS_MAX || *end != '\0')
            return usage("--limit: \"%s\" is not a number from 1 to %d", w->limit,
                         REPORT_FLOWS_MAX);
        limit = json_integer(n);
    }
    return tell(w, reach_daemon(w, "flows", "limit", limit), render_flows);
}

static int do_reload(const struct words *w)
{
    return tell(w, reach_daemon(w, "reload", NULL, NULL), render_reload);
}

static json_t *get_plugins(const struct words *w)
{
    if (!reach_offline(w))
        return reach_daemon(w, "plugins", NULL, NULL);
    struct engine *e = reach_files(w, false);
    json_t *j = e != NULL ? report_plugins(e->registry) : NULL;
    engine_close(e);
    return j;
}

static int do_plugins(const struct words *w)
{
    json_t *all = get_plugins(w);
    if (all == NULL || w->argument == NULL)
        return tell(w, all, render_plugins);
    size_t i;
    json_t *one, *found = NULL;
    json_array_foreach(all, i, one)
    {
        const char *keyword = json_string_value(json_object_get(one, "keyword"));
        const char *name = json_string_value(json_object_get(one, "name"));
        if ((keyword != NULL && strcmp(keyword, w->argument) == 0) ||
            (name != NULL && strcmp(name, w->argument) == 0))
            found = one;
    }
    json_incref(found);
    json_decref(all);
    return found != NULL ? tell(w, found, render_plugin)
                         : problem("no plugin of that name or keyword is loaded: l7ctl plugins "
                                   "lists them");
}

static int do_policies(const struct words *w)
{
    if (!reach_offline(w))
        return tell(w, reach_daemon(w, "policies", NULL, NULL), render_policies);
    struct engine *e = reach_files(w, false);
    json_t *j = e != NULL ? report_policies(e) : NULL;
    engine_close(e);
    return tell(w, j, render_policies);
}

/* Findings are a problem: exit status 1. */
static int do_lint(const struct words *w)
{
    if (w->policies == NULL)
        return usage("lint needs -p POLICY_DIR");
    struct engine *e = reach_files(w, false);
    json_t *findings = e != NULL ? lint(e->snapshot) : NULL;
    engine_close(e);
    bool clean = findings != NULL && json_array_size(findings) == 0;
    return tell(w, findings, lint_render) != 0 || !clean;
}

/* Is --NAME an option of explain's? It is if NAME is a loaded keyword. */
static bool is_said(const struct words *w, const json_t *plugins)
{
    static const char *const always[] = {"other", "raw", "l7"};
    for (size_t i = 0; w->said != NULL && i < sizeof(always) / sizeof(always[0]); i++)
        if (strcmp(w->said, always[i]) == 0)
            return true;
    for (size_t i = 0; w->said != NULL && i < json_array_size(plugins); i++) {
        const char *keyword =
            json_string_value(json_object_get(json_array_get(plugins, i), "keyword"));
        if (keyword != NULL && strcmp(w->said, keyword) == 0)
            return true;
    }
    return w->said == NULL;
}

static int do_batch(const struct words *w)
{
    if (w->policies == NULL)
        return usage("--batch needs -p POLICY_DIR");
    struct engine *e = reach_files(w, false);
    if (e == NULL)
        return 1;
    bool steps = snapshot_rule_count(e->snapshot) <= STEPS_RULES_MAX;
    struct explainer *x = explain_new(e->registry, e->snapshot, e->settings, steps);
    int err = x != NULL ? explain_batch(x, stdin, stdout) : -ENOMEM;
    explain_free(x);
    engine_close(e);
    return err < 0 ? problem(strerror(-err)) : 0;
}

/* Here, or by the daemon. NULL: `*status` is the exit status, told why. */
static json_t *get_answer(const struct words *w, json_t *question, int *status)
{
    struct engine *e = reach_offline(w) ? reach_files(w, false) : NULL;
    json_t *plugins = e != NULL          ? report_plugins(e->registry)
                      : reach_offline(w) ? NULL
                                         : reach_daemon(w, "plugins", NULL, NULL);
    json_t *answer = NULL;
    *status = 1;
    if (plugins != NULL && !is_said(w, plugins)) {
        *status = usage("unknown option --%s: no loaded inspector has that keyword", w->said);
    } else if (plugins != NULL && e == NULL) {
        answer = reach_daemon(w, "explain", "question", json_incref(question));
    } else if (plugins != NULL) {
        struct explainer *x = explain_new(e->registry, e->snapshot, e->settings, true);
        answer = x != NULL ? explain_json(x, question) : NULL;
        const char *error = json_string_value(json_object_get(answer, "error"));
        if (answer == NULL || error != NULL) {
            problem(error != NULL ? error : "out of memory");
            json_decref(answer);
            answer = NULL;
        }
        explain_free(x);
    }
    json_decref(plugins);
    engine_close(e);
    return answer;
}

static int do_explain(const struct words *w)
{
    char error[512];
    bool fault;
    int status;
    if (w->batch)
        return do_batch(w);
    json_t *question = words_question(w, &fault, error, sizeof(error));
    if (question == NULL)
        return fault ? usage("%s", error) : problem(error);
    json_t *answer = get_answer(w, question, &status);
    json_decref(question);
    if (answer == NULL)
        return status;
    return tell(w, answer, render_explain);
}

/* ---- help ---- */

static const char help_explain[] =
    "What do the policies answer to one connection, and to what is said on it?\n"
    "\n"
    "  -p POLICY_DIR      ask these policies; without it, the running daemon\n"
    "  -P PLUGIN_DIR      where the plugins are (default: beside the program, then as installed)\n"
    "  --node NAME        enforce for the Pods of this node only\n"
    "  --src ADDRESS      who opens the connection\n"
    "  --dst ADDRESS:PORT to whom; [ADDRESS]:PORT for IPv6; no port for ICMP\n"
    "  --sport PORT       the client's port, for rules that name it (default 40000)\n"
    "  --proto NAME       TCP (default), UDP, SCTP, ICMP, ICMPv6 or a number\n"
    "  --icmp-type N --icmp-code N\n"
    "\n"
    "what the client says; without any of these, nothing yet\n"
    "  --KEYWORD [TEXT]   a request of a loaded protocol, in one word; see below\n"
    "  --l7 KEYWORD FIELD=VALUE...   the same by its fields; l7ctl plugins KEYWORD lists them\n"
    "  --other [NAME]     something no loaded protocol knows\n"
    "  --raw FILE         these bytes, and nothing after them; - is standard input\n"
    "\n"
    "  --batch            questions from standard input, one JSON object a line, answers "
    "likewise:\n"
    "                     {\"src\", \"sport\", \"dst\", \"dport\", \"proto\", \"icmp\": {\"type\", "
    "\"code\"},\n"
    "                     and at most one of KEYWORD: {FIELD: VALUE}, \"l7\": {KEYWORD: {...}},\n"
    "                     \"other\": NAME, \"raw\": BASE64}\n"
    "\n"
    "verdicts: allow; drop, silently; reject, with a reset or an ICMP error\n"
    "The exit status is 0 whatever the verdict.";

static const struct command {
    const char *name, *takes, *sentence, *help;
    int (*run)(const struct words *w);
    bool argument, alone; /* takes a word; works without a daemon */
} commands[] = {
    {"status", "", "what is in force, and all counters",
     "What the daemon is, which policies it has in force, and all counters.\n"
     "Every frame is counted once more after \"received\": forwarded, dropped, rejected or held.",
     do_status, false, false},
    {"plugins", "[KEYWORD] [-P PLUGIN_DIR]", "what is loaded; one plugin's fields and options",
     "The plugins of the daemon, or with -P those of a directory.\n"
     "With a KEYWORD: its fields, as policies may use them, its records and its options.",
     do_plugins, true, true},
    {"policies", "[-p POLICY_DIR]", "the rules in the order in which they are asked",
     "The rules in the order in which they are asked: egress first, then ingress, each by tier,\n"
     "priority and place, with how often each decided. With -p those of a directory: no daemon\n"
     "is needed, and every mistake is told.",
     do_policies, false, true},
    {"lint", "-p POLICY_DIR [-P PLUGIN_DIR]", "what in a policy set is surely not meant",
     "What is valid and yet surely not meant: rules that an earlier rule leaves no traffic, rules\n"
     "of which no priority says which is first, selectors that select nothing, patterns that\n"
     "match nothing. The exit status is 1 if there is anything.",
     do_lint, false, true},
    {"flows", "[--limit N]", "the connections at hand, and which rule governs each",
     "The connections the daemon knows now: who opened them, what became of them, which rule\n"
     "decided, packets and bytes to the server and back. At most 1000, or N.",
     do_flows, false, false},
    {"reload", "", "read policies and new plugins again",
     "Read the policies again, and plugins that are new. All or nothing: if anything is wrong,\n"
     "every problem is printed with its place, the old policies stay, and the exit status is 1.",
     do_reload, false, false},
    {"explain", "--src ADDRESS --dst ADDRESS:PORT ... | --batch", "what would happen, and why",
     help_explain, do_explain, false, true},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* The loaded protocols, as explain takes them. Silent when there are no plugins to look at. */
static void help_keywords(const struct words *w)
{
    struct engine *e = reach_files(w, true);
    for (size_t i = 0; e != NULL && i < registry_count(e->registry); i++) {
        const struct plugin *p = registry_at(e->registry, i);
        if (p->inspector == NULL)
            continue;
        const char *takes = p->inspector->example_help;
        printf("%s  --%s %s\n", i == 0 || p->keyword_id == 0 ? "\nloaded protocols\n" : "",
               p->inspector->keyword, takes != NULL ? takes : "FIELD");
    }
    engine_close(e);
}

static int help(const struct words *w, const char *name)
{
    const struct command *c = name != NULL ? find(name) : NULL;
    if (name != NULL && c == NULL)
        return usage("unknown command \"%s\"", name);
    if (c != NULL) {
        printf("usage: l7ctl %s %s [--json]\n\n%s\n", c->name, c->takes, c->help);
        if (c->run == do_explain)
            help_keywords(w);
        return 0;
    }
    puts("l7ctl: ask a running l7guard, or its policies\n\n"
         "usage: l7ctl [-s SOCKET | -c FILE] [--json] COMMAND ...\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-9s %s%s\n", commands[i].name, commands[i].sentence,
               commands[i].alone ? " (also without a daemon)" : "");
    puts("  help      [COMMAND]\n"
         "  version\n"
         "\n"
         "  -s SOCKET, --socket   the daemon's control socket\n"
         "  -c FILE, --config     the daemon's configuration, which names it "
         "(default " REACH_CONFIG ")\n"
         "  --json                answers for programs\n"
         "\n"
         "exit status: 0 done, 1 a problem that the message names, 2 usage\n"
         "\n"
         "examples:\n"
         "  l7ctl help explain                               every way to ask\n"
         "  l7ctl explain -p policies --src 10.0.0.8 --dst 10.0.0.7:80    may it connect?\n"
         "  l7ctl policies -p policies                       in which order are rules asked?");
    return 0;
}

int main(int argc, char **argv)
{
    struct words w;
    char error[512];
    if (!words_read(argc, argv, &w, error, sizeof(error)))
        return usage("%s", error);
    if (w.version || (w.command != NULL && strcmp(w.command, "version") == 0)) {
        printf("l7ctl %s (SDK %d.%d)\n", L7_VERSION, L7_SDK_MAJOR, L7_SDK_MINOR);
        return 0;
    }
    if (w.command != NULL && strcmp(w.command, "help") == 0)
        return help(&w, w.argument);
    if (w.help)
        return help(&w, w.command);
    if (w.command == NULL)
        return usage("no command");
    const struct command *c = find(w.command);
    if (c == NULL)
        return usage("unknown command \"%s\"", w.command);
    if (w.argument != NULL && !c->argument)
        return usage("unexpected word \"%s\"", w.argument);
    if (w.plugins != NULL && w.policies == NULL && c->run != do_plugins)
        return usage("-P goes with -p POLICY_DIR");
    if (reach_offline(&w) && !c->alone)
        return usage("%s asks the daemon: it takes no -p and no -P", c->name);
    return c->run(&w);
}
