/* SPDX-License-Identifier: Apache-2.0 */
/* registry: a scan adds everything or nothing, in name order, and says why not. The plugins are
 * those of tests/sdk. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "plugin/registry.h"

static struct registry *r;
static struct problems *problems;
static struct yaml_file *settings;
static char dir[64];
static char names[16][32];
static size_t name_count;

static void setup(void)
{
    strcpy(dir, "/tmp/l7test-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    problems = problems_new();
    r = registry_new(NULL, "/logs");
}

static void teardown(void)
{
    char path[128];
    registry_free(r);
    problems_free(problems);
    yaml_free(settings);
    while (name_count > 0) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[--name_count]);
        unlink(path);
    }
    rmdir(dir);
}

TestSuite(registry, .init = setup, .fini = teardown);

/* The plugin into the directory, under its own name. */
static void put(const char *name)
{
    char from[512], to[128];
    snprintf(from, sizeof(from), BUILD_DIR "/tests/sdk/%s.so", name);
    cr_assert_eq(access(from, R_OK), 0, "build the target test-plugins");
    snprintf(names[name_count], sizeof(names[0]), "%s.so", name);
    snprintf(to, sizeof(to), "%s/%s", dir, names[name_count++]);
    cr_assert_eq(symlink(from, to), 0);
}

static int scan_with(const char *yaml)
{
    yaml_free(settings);
    settings = NULL;
    cr_assert_eq(yaml_parse("c", yaml, strlen(yaml), false, problems, &settings), 0);
    return registry_scan(r, dir, settings->count ? settings->documents[0] : NULL, problems);
}

static int scan(void)
{
    return registry_scan(r, dir, NULL, problems);
}

/* A problem's line without the directory. */
static const char *told(size_t i)
{
    static char buf[1024];
    cr_assert_lt(i, problems->count, "only %zu problems", problems->count);
    problem_format(&problems->list[i], buf, sizeof(buf));
    return strncmp(buf, dir, strlen(dir)) == 0 ? buf + strlen(dir) + 1 : buf;
}

Test(registry, loads_what_is_there_in_name_order)
{
    put("tape");
    put("beta");
    put("camera");
    put("alpha");
    cr_assert_eq(scan(), 0);
    cr_assert_eq(registry_count(r), 4);
    static const char *const order[] = {"alpha", "beta", "camera", "tape"};
    for (size_t i = 0; i < 4; i++)
        cr_assert_str_eq(registry_at(r, i)->desc->name, order[i]);
    cr_assert_null(registry_at(r, 4));
    cr_assert_eq(registry_keyword_count(r), 2);
    cr_assert_str_eq(registry_keyword(r, 0)->inspector->keyword, "alpha");
    cr_assert_str_eq(registry_keyword(r, 1)->inspector->keyword, "beta");
    cr_assert_eq(registry_keyword(r, 1)->keyword_id, 1);
    cr_assert_null(registry_keyword(r, 2));
}

Test(registry, finds_by_kind_and_name)
{
    put("alpha");
    put("camera");
    cr_assert_eq(scan(), 0);
    cr_assert_not_null(registry_find(r, L7_KIND_INSPECTOR, "alpha"));
    cr_assert_null(registry_find(r, L7_KIND_LOG, "alpha"));
    cr_assert_null(registry_find(r, L7_KIND_INSPECTOR, "camera"));
    const struct plugin *camera = registry_find(r, L7_KIND_CAPTURE, "camera");
    cr_assert_not_null(camera->capture);
    cr_assert_null(camera->inspector);
    cr_assert_null(registry_offline(r));
}

Test(registry, knows_the_capture_that_reads_files)
{
    put("camera");
    put("reel");
    cr_assert_eq(scan(), 0);
    cr_assert_str_eq(registry_offline(r)->desc->name, "reel");
}

Test(registry, only_names_that_end_in_so_are_candidates)
{
    char path[128];
    put("alpha");
    static const char *const others[] = {"README", "alpha.so.bak", "so"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, others[i]);
        strcpy(names[name_count++], others[i]);
        fclose(fopen(path, "w"));
    }
    cr_assert_eq(scan(), 0);
    cr_assert_eq(registry_count(r), 1);
}

Test(registry, an_inspector_is_loaded_with_its_settings_and_unloaded_with_its_self)
{
    put("alpha");
    cr_assert_eq(scan_with("alpha: {limit: 4KiB}"), 0);
    cr_assert_str_eq(getenv("L7_TEST_LIMIT"), "4096");
    cr_assert_str_eq(getenv("L7_TEST_LOADED"), "alpha");
    cr_assert_not_null(registry_at(r, 0)->self);
    registry_free(r);
    r = NULL;
    cr_assert_str_eq(getenv("L7_TEST_UNLOADED"), "alpha");
}

Test(registry, a_plugin_without_load_is_fine)
{
    put("shorter");
    cr_assert_eq(scan(), 0);
    cr_assert_null(registry_at(r, 0)->self);
}

Test(registry, one_bad_file_and_nothing_is_added)
{
    put("alpha");
    put("magic");
    put("major");
    cr_assert_lt(scan(), 0);
    cr_assert_eq(problems->errors, 2, "both bad files are told");
    cr_assert_str_eq(told(0), "magic.so: descriptor does not carry the mark \"l7guard\": not an "
                              "l7guard plugin");
    cr_assert_eq(registry_count(r), 0);
    cr_assert_eq(registry_keyword_count(r), 0);
    cr_assert_null(getenv("L7_TEST_LOADED"), "alpha must not have been loaded");
}

Test(registry, a_failing_load_takes_the_others_back)
{
    put("alpha");
    put("load-fails");
    cr_assert_lt(scan(), 0);
    cr_assert_str_eq(told(0), "load-fails.so: its load callback failed: Cannot allocate memory");
    cr_assert_str_eq(getenv("L7_TEST_UNLOADED"), "alpha", "only what was loaded is unloaded");
    cr_assert_eq(registry_count(r), 0);
}

Test(registry, scanning_again_adds_what_is_new_and_leaves_the_rest)
{
    put("beta");
    cr_assert_eq(scan(), 0);
    const struct plugin *beta = registry_at(r, 0);
    put("alpha");
    setenv("L7_TEST_LOADED", "nobody", 1);
    cr_assert_eq(scan(), 0);
    cr_assert_str_eq(getenv("L7_TEST_LOADED"), "alpha");
    cr_assert_eq(registry_count(r), 2);
    cr_assert_eq(registry_at(r, 0), beta);
    cr_assert_eq(beta->keyword_id, 0);
    cr_assert_eq(registry_find(r, L7_KIND_INSPECTOR, "alpha")->keyword_id, 1);
}

Test(registry, a_bad_file_at_a_later_scan_changes_nothing)
{
    put("beta");
    cr_assert_eq(scan(), 0);
    put("alpha");
    put("cut");
    cr_assert_lt(scan(), 0);
    cr_assert_eq(registry_count(r), 1);
    cr_assert_eq(registry_keyword_count(r), 1);
    cr_assert_str_eq(registry_at(r, 0)->desc->name, "beta");
}

Test(registry, a_trailing_slash_is_the_same_directory)
{
    char slashed[80];
    put("alpha");
    cr_assert_eq(scan(), 0);
    snprintf(slashed, sizeof(slashed), "%s//", dir);
    cr_assert_eq(registry_scan(r, slashed, NULL, problems), 0);
    cr_assert_eq(registry_count(r), 1);
}

Test(registry, two_plugins_cannot_declare_one_keyword)
{
    char sentence[256];
    put("first");
    put("second");
    cr_assert_lt(scan(), 0);
    snprintf(sentence, sizeof(sentence),
             "second.so: keyword \"shared\" is already declared by %s/first.so", dir);
    cr_assert_str_eq(told(0), sentence);
    cr_assert_eq(registry_count(r), 0);
}

Test(registry, the_same_plugin_from_another_directory_is_refused)
{
    put("tape");
    cr_assert_eq(scan(), 0);
    char first[64];
    strcpy(first, dir);
    char path[128];
    snprintf(path, sizeof(path), "%s/tape.so", dir);
    unlink(path);
    rmdir(dir);
    name_count = 0;
    strcpy(dir, "/tmp/l7test-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    put("tape");
    cr_assert_lt(scan(), 0);
    char sentence[256];
    snprintf(sentence, sizeof(sentence),
             "tape.so: a plugin \"tape\" of this kind is already loaded from %s/tape.so", first);
    cr_assert_str_eq(told(0), sentence);
}

Test(registry, a_directory_that_is_not_there_is_a_problem)
{
    cr_assert_lt(registry_scan(r, "/nonexistent", NULL, problems), 0);
    cr_assert_str_eq(told(0), "/nonexistent: plugin directory cannot be read: No such file or "
                              "directory");
}

Test(registry, settings_must_name_inspectors)
{
    put("alpha");
    put("tape");
    cr_assert_lt(scan_with("alpa: {}\ntape: {}\nzzzz: {}\n"), 0);
    cr_assert_str_eq(told(0),
                     "c:1:1: plugins: no inspector is named \"alpa\"; did you mean \"alpha\"?");
    cr_assert_str_eq(told(1), "c:2:1: plugins: \"tape\" is a log plugin: its options go under "
                              "`log:`");
    cr_assert_str_eq(told(2), "c:3:1: plugins: no inspector is named \"zzzz\"");
    cr_assert_null(getenv("L7_TEST_LOADED"));
    cr_assert_eq(scan_with("alpha:\n"), 0);
}

Test(registry, wrong_settings_have_their_place)
{
    put("alpha");
    cr_assert_lt(scan_with("alpha: {limits: 1}\n"), 0);
    cr_assert_str_eq(told(0), "c:1:9: alpha.limits: unknown option; did you mean \"limit\"?");
    cr_assert_eq(registry_count(r), 0);
}

Test(registry, each_plugin_has_a_table_of_its_own)
{
    put("alpha");
    put("beta");
    cr_assert_eq(scan(), 0);
    const struct l7_host *a = registry_at(r, 0)->host, *b = registry_at(r, 1)->host;
    cr_assert_neq(a, b);
    cr_assert_eq(a->sdk_major, L7_SDK_MAJOR);
    cr_assert_eq(a->size, sizeof(struct l7_host));
    cr_assert_str_eq(b->log_dir(b), "/logs");
    cr_assert_null(a->tx_open, "nobody supplied transactions");
}

static struct l7_tx *open_nothing(struct l7_flow *flow)
{
    (void)flow;
    return NULL;
}

Test(registry, transactions_are_the_engines)
{
    registry_free(r);
    const struct l7_host services = {.tx_open = open_nothing};
    r = registry_new(&services, "/logs");
    put("alpha");
    cr_assert_eq(scan(), 0);
    cr_assert_eq(registry_at(r, 0)->host->tx_open, open_nothing);
    cr_assert_not_null(registry_at(r, 0)->host->diag);
}

Test(registry, a_plugins_diagnostics_carry_its_name_and_are_limited)
{
    char path[] = "/tmp/l7test-XXXXXX", text[8192];
    put("alpha");
    cr_assert_eq(scan(), 0);
    int fd = mkstemp(path);
    unlink(path);
    int saved = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    const struct l7_host *h = registry_at(r, 0)->host;
    for (int i = 0; i < 100; i++)
        h->diag(h, L7_WARNING, "cannot write %d", i);
    dup2(saved, STDERR_FILENO);
    ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = 0;
    cr_assert_eq(strncmp(text, "l7guard: warning: plugin/alpha: cannot write 0\n", 47), 0, "%s",
                 text);
    size_t lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    cr_assert_leq(lines, 21);
}
