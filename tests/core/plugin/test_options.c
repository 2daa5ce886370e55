/* SPDX-License-Identifier: Apache-2.0 */
/* options: a plugin reads values of the types it declared, and people read what they got wrong. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "plugin/options.h"
#include "plugin/registry.h"

static const struct l7_option table[] = {
    {.key = "text", .type = L7_OPTION_TEXT, .fallback = "plain"},
    {.key = "flag", .type = L7_OPTION_BOOL, .fallback = "no"},
    {.key = "number", .type = L7_OPTION_NUMBER, .fallback = "7"},
    {.key = "size", .type = L7_OPTION_SIZE, .fallback = "64KiB"},
    {.key = "wait", .type = L7_OPTION_DURATION, .fallback = "250ms"},
    {.key = "list", .type = L7_OPTION_LIST, .fallback = "[a, b]"},
    {.key = "empty", .type = L7_OPTION_LIST, .fallback = ""},
    {.key = "nothing", .type = L7_OPTION_TEXT, .fallback = ""},
};

static struct l7_plugin desc = {
    .kind = L7_KIND_LOG,
    .name = "tape",
    .options = table,
    .option_count = sizeof(table) / sizeof(table[0]),
};
static const struct plugin plugin = {.desc = &desc};

static struct problems *problems;
static struct yaml_file *file;
static struct l7_config *c;

static void setup(void)
{
    problems = problems_new();
}

static void teardown(void)
{
    config_free(c);
    yaml_free(file);
    problems_free(problems);
}

TestSuite(options, .init = setup, .fini = teardown);

static struct l7_config *from(const char *yaml)
{
    config_free(c);
    yaml_free(file);
    file = NULL;
    cr_assert_eq(yaml_parse("c", yaml, strlen(yaml), false, problems, &file), 0);
    return c = config_new(&plugin, file->count ? file->documents[0] : NULL, problems);
}

static const char *told(size_t i)
{
    static char buf[1024];
    cr_assert_lt(i, problems->count, "only %zu problems", problems->count);
    problem_format(&problems->list[i], buf, sizeof(buf));
    return buf;
}

static void refused(const char *yaml, const char *line)
{
    size_t before = problems->count;
    cr_assert_null(from(yaml), "%s", yaml);
    cr_assert_str_eq(told(before), line);
}

Test(options, defaults_are_read_as_if_written)
{
    cr_assert_not_null(from(""));
    cr_assert_str_eq(config_text(c, "text"), "plain");
    cr_assert_eq(config_bool(c, "flag"), false);
    cr_assert_eq(config_number(c, "number"), 7);
    cr_assert_eq(config_number(c, "size"), 65536);
    cr_assert_eq(config_number(c, "wait"), 250);
    cr_assert_eq(config_count(c, "list"), 2);
    cr_assert_str_eq(config_item(c, "list", 0), "a");
    cr_assert_str_eq(config_item(c, "list", 1), "b");
    cr_assert_null(config_item(c, "list", 2));
    cr_assert_eq(config_count(c, "empty"), 0);
    cr_assert_str_eq(config_text(c, "nothing"), "");
}

Test(options, what_is_written_replaces_the_default)
{
    cr_assert_not_null(from("{text: x, flag: true, number: 0x10, size: 1MiB, wait: 5m, list: [z], "
                            "empty: []}"));
    cr_assert_str_eq(config_text(c, "text"), "x");
    cr_assert(config_bool(c, "flag"));
    cr_assert_eq(config_number(c, "number"), 16);
    cr_assert_eq(config_number(c, "size"), 1 << 20);
    cr_assert_eq(config_number(c, "wait"), 300000);
    cr_assert_eq(config_count(c, "list"), 1);
    cr_assert_str_eq(config_item(c, "list", 0), "z");
}

Test(options, values_outlive_the_file)
{
    from("{text: kept, list: [kept too]}");
    yaml_free(file);
    file = NULL;
    cr_assert_str_eq(config_text(c, "text"), "kept");
    cr_assert_str_eq(config_item(c, "list", 0), "kept too");
}

Test(options, a_text_may_look_like_something_else)
{
    from("{text: 8080}");
    cr_assert_str_eq(config_text(c, "text"), "8080");
    from("{text: ''}");
    cr_assert_str_eq(config_text(c, "text"), "");
}

Test(options, wrong_types_are_told_with_what_would_be_right)
{
    refused("{text: [a]}", "c:1:8: tape.text: must be a text");
    refused("{text: ~}", "c:1:8: tape.text: must be a text");
    refused("{text: }", "c:1:8: tape.text: must be a text");
    refused("{text: \"a\\0b\"}", "c:1:8: tape.text: must be a text");
    refused("{flag: 1}", "c:1:8: tape.flag: must be true or false");
    refused("{flag: 'yes'}", "c:1:8: tape.flag: must be true or false");
    refused("{number: -1}", "c:1:10: tape.number: must be a whole number, not negative");
    refused("{number: 1.5}", "c:1:10: tape.number: must be a whole number, not negative");
    refused("{size: 5s}",
            "c:1:8: tape.size: must be a number of bytes, such as 65536, 64KiB or 1MiB");
    refused("{size: 9223372036854775808}",
            "c:1:8: tape.size: must be a number of bytes, such as 65536, 64KiB or 1MiB");
    refused("{wait: soon}", "c:1:8: tape.wait: must be a time, such as 250ms, 30s or 5m");
    refused("{list: a}", "c:1:8: tape.list: must be a list of texts, such as [a, b]");
    refused("{list: [a, {}]}", "c:1:8: tape.list: must be a list of texts, such as [a, b]");
    refused("[a]", "c:1:1: tape: must be a map of options, such as {key: value}");
}

Test(options, unknown_keys_are_told_with_the_one_that_was_meant)
{
    refused("{numbr: 1}", "c:1:2: tape.numbr: unknown option; did you mean \"number\"?");
    refused("{zzzzzz: 1}", "c:1:2: tape.zzzzzz: unknown option; known: text, flag, number, size, "
                           "wait, list, empty, nothing");
}

Test(options, all_mistakes_are_told)
{
    cr_assert_null(from("{flag: x, size: x, nope: x}"));
    cr_assert_eq(problems->errors, 3);
}

Test(options, what_has_no_default_must_be_given)
{
    static const struct l7_option needy[] = {
        {.key = "file", .type = L7_OPTION_TEXT, .help = "the file to read"}};
    const struct l7_plugin d = {.name = "reel", .options = needy, .option_count = 1};
    const struct plugin p = {.desc = &d};
    cr_assert_null(config_new(&p, NULL, problems));
    cr_assert_str_eq(told(0), "reel.file: must be given: the file to read");
    static const char *const pair[] = {"file=/x"};
    c = config_new_pairs(&p, pair, 1, problems);
    cr_assert_str_eq(config_text(c, "file"), "/x");
}

Test(options, a_plugin_without_options_takes_none)
{
    const struct l7_plugin d = {.name = "bare"};
    const struct plugin p = {.desc = &d};
    static const char *const pair[] = {"file=/x"};
    cr_assert_null(config_new_pairs(&p, pair, 1, problems));
    cr_assert_str_eq(told(0), "bare.file: unknown option; bare has no options");
    c = config_new(&p, NULL, problems);
    cr_assert_not_null(c);
}

Test(options, pairs_are_read_as_the_file_is)
{
    static const char *const pairs[] = {"text=a=b", "flag=true", "number=3",     "size=1K",
                                        "wait=1s",  "list=x,y",  "empty=[p, q]", "nothing="};
    c = config_new_pairs(&plugin, pairs, 8, problems);
    cr_assert_not_null(c);
    cr_assert_str_eq(config_text(c, "text"), "a=b");
    cr_assert(config_bool(c, "flag"));
    cr_assert_eq(config_number(c, "number"), 3);
    cr_assert_eq(config_number(c, "size"), 1024);
    cr_assert_eq(config_number(c, "wait"), 1000);
    cr_assert_str_eq(config_item(c, "list", 1), "y");
    cr_assert_str_eq(config_item(c, "empty", 1), "q");
}

Test(options, a_list_may_come_in_several_pairs)
{
    static const char *const pairs[] = {"list=x", "list=y,z"};
    c = config_new_pairs(&plugin, pairs, 2, problems);
    cr_assert_eq(config_count(c, "list"), 3);
}

Test(options, pairs_that_are_none_are_told)
{
    static const char *const pairs[] = {"text",     "=x",     "flag=maybe", "number=1",
                                        "number=2", "txet=1", "list=a,,b"};
    cr_assert_null(config_new_pairs(&plugin, pairs, 7, problems));
    cr_assert_str_eq(told(0), "tape: \"text\" is not of the form key=value");
    cr_assert_str_eq(told(1), "tape: \"=x\" is not of the form key=value");
    cr_assert_str_eq(told(2), "tape.flag: must be true or false");
    cr_assert_str_eq(told(3), "tape.number: is given twice");
    cr_assert_str_eq(told(4), "tape.txet: unknown option; did you mean \"text\"?");
    cr_assert_str_eq(told(5), "tape.list: has an empty item");
}

Test(options, asking_for_an_undeclared_key_is_harmless)
{
    from("");
    cr_assert_str_eq(config_text(c, "nope"), "");
    cr_assert_eq(config_number(c, "nope"), 0);
    cr_assert_eq(config_count(c, "nope"), 0);
    cr_assert_null(config_item(c, "nope", 0));
    cr_assert_str_eq(config_text(NULL, "text"), "");
}
