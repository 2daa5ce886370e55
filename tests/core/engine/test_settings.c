/* SPDX-License-Identifier: Apache-2.0 */
/* settings: defaults stand, every key is read, mistakes are all told with their place. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/settings.h"

static struct settings *s;
static struct problems *problems;
static char path[64];

static void setup(void)
{
    s = settings_new();
    problems = problems_new();
    strcpy(path, "/tmp/l7test-XXXXXX");
    close(mkstemp(path));
}

static void teardown(void)
{
    unlink(path);
    settings_free(s);
    problems_free(problems);
}

TestSuite(settings, .init = setup, .fini = teardown);

static int read_text(const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    return settings_read(s, path, problems);
}

/* A problem's line without the path of the file. */
static const char *told(size_t i)
{
    static char buf[1024];
    cr_assert_lt(i, problems->count, "only %zu problems", problems->count);
    problem_format(&problems->list[i], buf, sizeof(buf));
    return strncmp(buf, path, strlen(path)) == 0 ? buf + strlen(path) + 1 : buf;
}

static void refused(const char *text, const char *line)
{
    size_t before = problems->count;
    cr_assert_eq(read_text(text), -EINVAL, "%s", text);
    cr_assert_str_eq(told(before), line);
}

Test(settings, defaults_are_those_of_the_manual)
{
    cr_assert_str_eq(s->policy_dir, "/etc/l7guard/policies");
    cr_assert_str_eq(s->log_dir, "/var/log/l7guard");
    cr_assert_str_eq(s->control_socket, "/run/l7guard/control.sock");
    cr_assert_str_eq(s->metrics, "127.0.0.1:9467");
    cr_assert_not_null(strstr(s->plugin_dir, "/l7guard/plugins"));
    cr_assert_null(s->node_name);
    cr_assert_eq(s->workers, 0);
    cr_assert_eq(s->inspect, INSPECT_GOVERNED);
    cr_assert_not(s->inspect_given);
    cr_assert_eq(s->hold, HOLD_BALANCED);
    cr_assert_eq(s->live_flows, LIVE_REJUDGE);
    cr_assert_eq(s->midstream, MIDSTREAM_RESYNC);
    cr_assert_eq(s->capture_count + s->log_count, 0);
    cr_assert_eq(s->hold_limit, 12 * 1024);
    cr_assert_eq(s->message_limit, 65 * 1024);
    cr_assert_eq(s->decision_timeout, 30000);
    cr_assert_eq(s->reorder_limit, 256 * 1024);
    cr_assert_eq(s->retain_limit, 256 * 1024);
    cr_assert_eq(s->stream_memory, 256u << 20);
    cr_assert_eq(s->max_flows, 262144);
    cr_assert_eq(s->max_transactions, 10000);
    cr_assert_eq(s->max_fragments_memory, 16u << 20);
    cr_assert_eq(s->fragment_timeout, 30000);
    cr_assert_eq(s->probe_limit, 4096);
    cr_assert_eq(s->tcp_handshake_timeout, 30000);
    cr_assert_eq(s->tcp_timeout, 3600000);
    cr_assert_eq(s->tcp_close_timeout, 10000);
    cr_assert_eq(s->refused_timeout, 60000);
    cr_assert_eq(s->udp_timeout, 30000);
    cr_assert_eq(s->udp_replied_timeout, 180000);
    cr_assert_eq(s->log_queue, 4u << 20);
}

Test(settings, reads_every_key)
{
    cr_assert_eq(read_text("plugin-dir: /p\npolicy-dir: /q\nlog-dir: /l\nnode-name: node-a\n"
                           "workers: 3\ncontrol-socket: /c\nmetrics: '[::1]:1'\ninspect: all\n"
                           "hold: off\nlive-flows: keep\nmidstream: pass\nplugins: {a: {b: 1}}\n"
                           "limits:\n  message-limit: 1MiB\n  hold-limit: 16KiB\n"
                           "  tcp-timeout: 2h\n  max-flows: 4096\n"),
                 0);
    cr_assert_str_eq(s->plugin_dir, "/p");
    cr_assert_str_eq(s->policy_dir, "/q");
    cr_assert_str_eq(s->log_dir, "/l");
    cr_assert_str_eq(s->node_name, "node-a");
    cr_assert_eq(s->workers, 3);
    cr_assert_str_eq(s->control_socket, "/c");
    cr_assert_str_eq(s->metrics, "[::1]:1");
    cr_assert_eq(s->inspect, INSPECT_ALL);
    cr_assert(s->inspect_given);
    cr_assert_eq(s->hold, HOLD_OFF);
    cr_assert_eq(s->live_flows, LIVE_KEEP);
    cr_assert_eq(s->midstream, MIDSTREAM_PASS);
    cr_assert_str_eq(s->plugins->keys[0]->text, "a");
    cr_assert_eq(s->message_limit, 1u << 20);
    cr_assert_eq(s->hold_limit, 16 * 1024);
    cr_assert_eq(s->tcp_timeout, 7200000);
    cr_assert_eq(s->max_flows, 4096);
    cr_assert_eq(s->udp_timeout, 30000, "what the file is silent about keeps its default");
}

Test(settings, an_empty_file_changes_nothing)
{
    cr_assert_eq(read_text("# nothing yet\n"), 0);
    cr_assert_eq(read_text("log:\nlimits:\nplugins:\n"), 0);
    cr_assert_str_eq(s->policy_dir, "/etc/l7guard/policies");
}

Test(settings, hold_limit_may_stand_at_the_top)
{
    cr_assert_eq(read_text("hold-limit: 4KiB\n"), 0);
    cr_assert_eq(s->hold_limit, 4096);
}

Test(settings, but_not_in_both_places)
{
    refused("hold-limit: 4KiB\nlimits: {hold-limit: 8KiB}\n",
            "2:10: limits.hold-limit: was given already in line 1");
}

Test(settings, lists_instances_in_order_with_their_options)
{
    cr_assert_eq(read_text("capture:\n- one: {interfaces: [a, b]}\n- two\nlog:\n- three:\n"), 0);
    cr_assert_eq(s->capture_count, 2);
    cr_assert_str_eq(s->captures[0].plugin, "one");
    cr_assert_eq(s->captures[0].options->count, 1);
    cr_assert_eq(s->captures[0].where->line, 2);
    cr_assert_str_eq(s->captures[1].plugin, "two");
    cr_assert_null(s->captures[1].options);
    cr_assert_eq(s->log_count, 1);
    cr_assert_str_eq(s->logs[0].plugin, "three");
    cr_assert_null(s->logs[0].options);
}

Test(settings, refuses_instances_it_cannot_read)
{
    static const char *const items[] = {"{a: {}, b: {}}", "{a: 5}", "[a]", "''", "~", "{}"};
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        char text[64];
        snprintf(text, sizeof(text), "log: [x, %s]\n", items[i]);
        refused(text, "1:10: log[1]: must be a plugin's name, or one name with a map of its "
                      "options");
    }
    refused("log: {a: {}}\n", "1:6: log: must be a list of plugins, such as [NAME: {option: "
                              "value}, NAME]");
}

Test(settings, suggests_the_key_that_was_meant)
{
    refused("policy_dir: /x\n", "1:1: policy_dir: unknown key; did you mean \"policy-dir\"?");
    refused("limits: {max-flow: 5}\n",
            "1:10: limits.max-flow: unknown key; did you mean \"max-flows\"?");
    refused("limit: {}\n", "1:1: limit: unknown key; did you mean \"limits\"?");
    refused("zebra: 1\n", "1:1: zebra: unknown key; `l7guard --help` lists all of them");
}

Test(settings, says_where_a_misplaced_key_goes)
{
    refused("tcp-timeout: 5s\n", "1:1: tcp-timeout: unknown key here; it goes under `limits:`");
    refused("limits: {workers: 2}\n",
            "1:10: limits.workers: unknown key here; it goes to the top level, not under "
            "`limits:`");
}

Test(settings, says_what_would_be_right)
{
    refused("hold: maybe\n", "1:7: hold: must be balanced, strict or off");
    refused("inspect: [all]\n", "1:10: inspect: must be governed or all");
    refused("workers: 0\n", "1:10: workers: must be auto or a number from 1 to 256");
    refused("workers: many\n", "1:10: workers: must be auto or a number from 1 to 256");
    refused("policy-dir: {}\n", "1:13: policy-dir: must be a path");
    refused("policy-dir: ''\n", "1:13: policy-dir: must be a path");
    refused("node-name: ~\n", "1:12: node-name: must be a text");
    refused("hold-limit: 64MiB\n",
            "1:13: hold-limit: must be a number of bytes from 1KiB to 16MiB, such as 12KiB");
    refused("limits: {udp-timeout: 30KiB}\n",
            "1:23: limits.udp-timeout: must be a time from 1s to 1h, such as 30s");
    refused("limits: {max-flows: 3}\n", "1:21: limits.max-flows: must be a whole number from 16 "
                                        "to 67108864, such as 262144");
    refused("limits: 5\n", "1:9: limits: must be a map of limits, such as {hold-limit: 12KiB}");
    refused("plugins: [http]\n", "1:10: plugins: must be a map of inspector names, such as {NAME: "
                                 "{option: value}}");
    refused("- a\n", "1:1: must be a map of settings, such as \"policy-dir: "
                     "/etc/l7guard/policies\"");
    refused("hold: off\n---\nhold: off\n", "3:1: a second document; the configuration is one");
}

Test(settings, knows_an_endpoint_when_it_sees_one)
{
    static const char *const bad[] = {
        "9467",     "localhost:9467", "127.0.0.1:", "127.0.0.1:65536",
        "::1:9467", "[::1]",          "[::1:1",     "[127.0.0.1]:1",
        ":1",       "127.0.0.1:+1",   "[]:1",       "127.0.0.1:99999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[64];
        snprintf(text, sizeof(text), "metrics: '%s'\n", bad[i]);
        cr_assert_eq(read_text(text), -EINVAL, "%s", bad[i]);
    }
    cr_assert_eq(read_text("metrics: ''\ncontrol-socket: ''\n"), 0);
    cr_assert_str_eq(s->metrics, "");
    cr_assert_str_eq(s->control_socket, "");
    cr_assert_eq(read_text("metrics: 0.0.0.0:65535\n"), 0);
}

Test(settings, tells_all_mistakes_at_once)
{
    cr_assert_eq(read_text("hold: x\nworker: 1\nlimits: {udp-timeout: x, nothing: 1}\n"), -EINVAL);
    cr_assert_eq(problems->errors, 4);
}

Test(settings, a_message_must_be_able_to_pass)
{
    cr_assert_eq(read_text("limits: {hold-limit: 128KiB}\n"), -EINVAL);
    cr_assert_not_null(strstr(told(0), "hold-limit is larger than message-limit"));
}

Test(settings, a_file_that_is_not_there_is_a_problem)
{
    cr_assert_eq(settings_read(s, "/nonexistent/l7guard.yaml", problems), -ENOENT);
    cr_assert_eq(problems->errors, 1);
}

/* What is printed must be a configuration: the one that says the defaults. */
static void collect(void *ctx, const char *text)
{
    fprintf(ctx, "%s\n", text);
}

Test(settings, its_description_is_a_configuration_with_the_defaults)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    settings_describe(collect, to);
    fclose(to);
    char *node = strstr(text, "node-name:");
    cr_assert_not_null(node);
    memcpy(node, "#", 1); /* it has no default to be written */
    /* hold-limit is described once, with the limits. */
    cr_assert_null(strstr(strstr(text, "hold-limit:") + 1, "hold-limit:"));
    cr_assert_eq(read_text(text), 0, "%s", text);
    struct settings *fresh = settings_new();
    cr_assert_str_eq(s->plugin_dir, fresh->plugin_dir);
    cr_assert_eq(s->log_queue, fresh->log_queue);
    cr_assert_eq(s->hold_limit, fresh->hold_limit);
    cr_assert_eq(s->tcp_timeout, fresh->tcp_timeout);
    settings_free(fresh);
    free(text);
}

Test(settings, a_second_reading_lets_go_of_the_first_file)
{
    cr_assert_eq(read_text("log: [a]\nplugins: {x: {}}\n"), 0);
    cr_assert_eq(read_text("policy-dir: /new\n"), 0);
    cr_assert_eq(s->log_count, 0);
    cr_assert_null(s->plugins);
    cr_assert_str_eq(s->policy_dir, "/new");
}
