/* SPDX-License-Identifier: Apache-2.0 */
/* yaml: trees know their places; what two readers could take differently is refused; no document
 * costs more than its limits. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/yaml.h"

static struct problems *problems;
static struct yaml_file *file;

static void setup(void)
{
    problems = problems_new();
}

static void teardown(void)
{
    yaml_free(file);
    problems_free(problems);
}

TestSuite(yaml, .init = setup, .fini = teardown);

/* From memory that ends where the text ends, so that a byte read too far is seen. */
static int parse_bytes(const char *text, size_t len, bool json)
{
    char *exact = calloc(1, len ? len : 1);
    memcpy(exact, text, len);
    int status = yaml_parse("f", exact, len, json, problems, &file);
    free(exact);
    return status;
}

static int parse(const char *text)
{
    return parse_bytes(text, strlen(text), false);
}

static int parse_json(const char *text)
{
    return parse_bytes(text, strlen(text), true);
}

static const char *told(size_t i)
{
    static char buf[1024];
    cr_assert_lt(i, problems->count, "only %zu problems", problems->count);
    problem_format(&problems->list[i], buf, sizeof(buf));
    return buf;
}

static const struct node *root(void)
{
    cr_assert_eq(file->count, 1);
    return file->documents[0];
}

#define cr_text(node, wanted) cr_assert_str_eq((node)->text, wanted)

static void refused(int status, const char *line)
{
    cr_assert_lt(status, 0);
    cr_assert_null(file);
    cr_assert_str_eq(told(0), line);
}

Test(yaml, every_node_knows_where_it_was_written)
{
    cr_assert_eq(parse("a: 1\nb:\n  - x\n  - {c: 'y'}\n"), 0);
    const struct node *b = node_get(root(), "b");
    cr_assert_eq(root()->keys[1]->line, 2);
    cr_assert_eq(root()->keys[1]->column, 1);
    cr_assert_eq(b->kind, NODE_LIST);
    cr_assert_eq(b->count, 2);
    const struct node *c = node_get(b->values[1], "c");
    cr_text(c, "y");
    cr_assert_not(c->plain);
    cr_assert_eq(c->line, 4);
    cr_assert_eq(c->column, 9);
    cr_assert_str_eq(c->file, "f");
    struct place place = node_place(c, "b[1].c");
    cr_assert_str_eq(place.field, "b[1].c");
    cr_assert_eq(place.line, 4);
}

Test(yaml, columns_count_characters)
{
    cr_assert_eq(parse("{\xc3\xa4\xc3\xb6: 1, b: 2}"), 0);
    cr_assert_eq(root()->keys[1]->column, 9);
}

Test(yaml, keys_keep_the_order_of_the_document)
{
    cr_assert_eq(parse("{z: 1, a: 2, m: 3, zz: 4}"), 0);
    cr_text(root()->keys[0], "z");
    cr_text(root()->keys[1], "a");
    cr_text(root()->keys[3], "zz");
    cr_assert_null(node_get(root(), "nothing"));
    cr_assert_null(node_get(NULL, "z"));
    cr_assert_null(node_get(root()->values[0], "z"));
}

Test(yaml, splits_documents_and_leaves_empty_ones_out)
{
    cr_assert_eq(parse("---\n---\na: 1\n---\n# nothing\n---\nnull\n...\n---\n\"\"\n"), 0);
    cr_assert_eq(file->count, 2);
    cr_assert_eq(file->documents[0]->kind, NODE_MAP);
    cr_assert_eq(file->documents[1]->kind, NODE_SCALAR);
}

Test(yaml, an_empty_file_has_no_documents)
{
    cr_assert_eq(parse(""), 0);
    cr_assert_eq(file->count, 0);
}

Test(yaml, takes_a_byte_order_mark)
{
    cr_assert_eq(parse("\xef\xbb\xbfkind: List\n"), 0);
    cr_text(node_get(root(), "kind"), "List");
    cr_assert_eq(root()->keys[0]->column, 1);
}

Test(yaml, tells_every_repeated_key_with_both_places)
{
    int status = parse("a: 1\nb: {c: 1, \"c\": 2}\n'a': 3\na: 4\n");
    refused(status, "f:2:11: key \"c\" was given already in line 2, column 5");
    cr_assert_str_eq(told(1), "f:3:1: key \"a\" was given already in line 1, column 1");
    cr_assert_str_eq(told(2), "f:4:1: key \"a\" was given already in line 3, column 1");
}

Test(yaml, an_alias_is_the_same_node)
{
    cr_assert_eq(parse("a: &x {k: v}\nb: [*x, *x]\n"), 0);
    const struct node *a = node_get(root(), "a"), *b = node_get(root(), "b");
    cr_assert_eq(b->values[0], a);
    cr_assert_eq(b->values[1], a);
}

Test(yaml, a_later_anchor_replaces_an_earlier_one)
{
    cr_assert_eq(parse("a: &x 1\nb: &x 2\nc: *x\n"), 0);
    cr_text(node_get(root(), "c"), "2");
}

Test(yaml, refuses_an_alias_inside_what_it_refers_to)
{
    refused(parse("a: &x [*x]"), "f:1:8: alias *x stands inside what it refers to");
}

Test(yaml, refuses_an_alias_to_another_document)
{
    refused(parse("a: &x 1\n---\nb: *x\n"), "f:3:4: alias *x refers to nothing before it");
}

Test(yaml, aliases_do_not_multiply_work_without_limit)
{
    char text[4096];
    size_t len = (size_t)sprintf(text, "a0: &a0 [x, x]\n");
    for (int i = 1; i < 40; i++)
        len += (size_t)sprintf(text + len, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
    cr_assert_lt(parse(text), 0);
    cr_assert_not_null(strstr(told(0), "aliases stand for more than 1000000 values"));
}

Test(yaml, nests_a_hundred_levels_and_no_more)
{
    char text[512];
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    cr_assert_eq(parse_bytes(text, 200, false), 0);
    yaml_free(file);
    file = NULL;
    memset(text, '[', 101);
    memset(text + 101, ']', 101);
    refused(parse_bytes(text, 202, false), "f:1:101: nested deeper than 100 levels");
}

Test(yaml, nests_no_deeper_through_aliases)
{
    char text[512];
    size_t len = (size_t)sprintf(text, "- &x ");
    memset(text + len, '[', 60);
    memset(text + len + 60, ']', 60);
    len += 120;
    len += (size_t)sprintf(text + len, "\n- ");
    memset(text + len, '[', 60);
    len += 60;
    len += (size_t)sprintf(text + len, "*x ");
    memset(text + len, ']', 60);
    cr_assert_lt(parse_bytes(text, len + 60, false), 0);
    cr_assert_not_null(strstr(told(0), "nested deeper than 100 levels"));
}

Test(yaml, takes_core_tags_and_refuses_others)
{
    cr_assert_eq(parse("[!!str 5, !!int \"5\", !!map {}, !!seq [], ! x]"), 0);
    int64_t number;
    cr_assert(node_is_string(root()->values[0]));
    cr_assert(node_int(root()->values[1], &number));
    cr_assert_eq(number, 5);
    cr_assert(node_is_string(root()->values[4]));
    yaml_free(file);
    file = NULL;
    refused(parse("a: !ruby/object x"), "f:1:4: tag \"!ruby/object\" is not supported here");
}

Test(yaml, refuses_a_tag_that_contradicts_its_node)
{
    refused(parse("a: !!map [1]"), "f:1:4: tag \"tag:yaml.org,2002:map\" is not supported here");
}

Test(yaml, refuses_merge_keys)
{
    refused(parse("a: &x {k: v}\nb:\n  <<: *x\n"),
            "f:3:3: merge keys (<<) are not supported: write the fields out");
}

Test(yaml, refuses_keys_that_are_no_words)
{
    refused(parse("? [a]\n: b\n"), "f:1:3: a key must be a word or a quoted string, not a list");
}

Test(yaml, syntax_errors_have_a_place)
{
    refused(parse("a: b\nc: d: e\n"), "f:2:5: mapping values are not allowed in this context");
}

Test(yaml, text_that_is_not_utf8_has_a_place)
{
    refused(parse("a: b\nc: \xff\n"), "f:2:4: invalid leading UTF-8 octet");
}

Test(yaml, reads_utf16_as_an_error_not_as_text)
{
    cr_assert_lt(parse_bytes("\xff\xfe"
                             "a\0:\0 \0b\0",
                             10, false),
                 0);
}

Test(yaml, keeps_a_nul_inside_a_scalar)
{
    cr_assert_eq(parse("a: \"x\\0y\""), 0);
    cr_assert_eq(node_get(root(), "a")->len, 3);
}

Test(yaml, refuses_floods_of_tag_directives)
{
    char text[8192];
    size_t len = 0;
    for (int i = 0; i < 200; i++)
        len += (size_t)sprintf(text + len, "%%TAG !a%d! tag:x,2000:\n", i);
    sprintf(text + len, "--- a\n");
    refused(parse(text), "f: more than 100 %TAG directives");
}

Test(yaml, reads_many_keys_and_anchors_in_reasonable_time, .timeout = 30)
{
    size_t cap = 8u << 20, len = 0;
    char *text = malloc(cap);
    for (int i = 0; len < cap - 64; i++)
        len += (size_t)sprintf(text + len, "k%d: &a%d v\n", i, i);
    cr_assert_eq(parse_bytes(text, len, false), 0);
    cr_assert_gt(root()->count, 300000);
    free(text);
}

Test(yaml, refuses_more_values_than_anyone_has, .timeout = 60)
{
    size_t len = 9u << 20;
    char *text = malloc(len);
    text[0] = '[';
    for (size_t i = 1; i + 1 < len; i++)
        text[i] = i % 2 ? '0' : ',';
    text[len - 1] = ']';
    cr_assert_lt(yaml_parse("f", text, len, true, problems, &file), 0);
    cr_assert_str_eq(told(0), "f: more than 4000000 values in one file");
    free(text);
}

Test(json, reads_what_json_means)
{
    cr_assert_eq(
        parse_json("{\"a\": \"x\\n\\u00e4\\ud83d\\ude00\\/\\\"\",\n\t\"b\": [1, true, null, "
                   "-2.5e3]}"),
        0);
    cr_text(node_get(root(), "a"), "x\n\xc3\xa4\xf0\x9f\x98\x80/\"");
    const struct node *b = node_get(root(), "b");
    bool truth = false;
    int64_t number = 0;
    double real = 0;
    cr_assert(node_int(b->values[0], &number) && number == 1);
    cr_assert(node_bool(b->values[1], &truth) && truth);
    cr_assert(node_is_null(b->values[2]));
    cr_assert(node_double(b->values[3], &real) && real == -2500.0);
    cr_assert_eq(b->line, 2);
    cr_assert_eq(b->column, 7);
    cr_assert_eq(b->values[3]->column, 23);
}

Test(json, a_quoted_word_is_a_string)
{
    cr_assert_eq(parse_json("[\"5\", \"true\", \"\"]"), 0);
    for (size_t i = 0; i < 3; i++)
        cr_assert(node_is_string(root()->values[i]));
}

Test(json, is_strict)
{
    static const char *const bad[] = {
        "{a: 1}",        "[1,]", "[1] x", "{\"a\":1}\n{\"b\":2}", "[\"\\ud800\"]",
        "[\"\\u0000\"]", "",     "'a'",   "[1 // no\n]",          "[01]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_lt(parse_json(bad[i]), 0, "%s", bad[i]);
        cr_assert_eq(problems->errors, i + 1);
    }
}

Test(json, tells_a_repeated_key_with_both_places)
{
    refused(parse_json("{\"a\": 1,\n \"a\": 2}"),
            "f:2:2: key \"a\" was given already in line 1, column 2");
}

Test(json, tells_where_the_syntax_breaks)
{
    cr_assert_lt(parse_json("{\"a\": 1,\n 2}"), 0);
    cr_assert_eq(strncmp(told(0), "f:2:2: ", 7), 0);
}

Test(json, nests_a_hundred_levels_and_no_more)
{
    char text[202];
    memset(text, '[', 101);
    memset(text + 101, ']', 101);
    refused(parse_bytes(text, 202, true), "f:1:101: nested deeper than 100 levels");
}

TestSuite(json, .init = setup, .fini = teardown);

Test(yaml, a_name_that_ends_in_json_is_read_as_json)
{
    char path[] = "/tmp/l7test-XXXXXX.json";
    int fd = mkstemps(path, 5);
    cr_assert_eq(write(fd, "{a: 1}", 6), 6);
    close(fd);
    cr_assert_lt(yaml_load(path, problems, &file), 0);
    unlink(path);
}

Test(yaml, a_file_that_cannot_be_read_is_a_problem)
{
    cr_assert_eq(yaml_load("/nonexistent.yaml", problems, &file), -ENOENT);
    cr_assert_str_eq(told(0), "/nonexistent.yaml: cannot be read: No such file or directory");
    cr_assert_eq(yaml_load("/", problems, &file), -EISDIR);
}

Test(yaml, refuses_files_beyond_the_limit)
{
    char path[] = "/tmp/l7test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(ftruncate(fd, (64 << 20) + 1), 0);
    close(fd);
    cr_assert_eq(yaml_load(path, problems, &file), -EFBIG);
    unlink(path);
    cr_assert_not_null(strstr(told(0), "larger than 64 MiB"));
}
