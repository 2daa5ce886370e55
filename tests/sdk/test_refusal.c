/* SPDX-License-Identifier: Apache-2.0 */
/* refusal: every way in which a file can fail to be a plugin has its own sentence, and no code of
 * what can be judged from the file runs. The files are built by CMakeLists.txt. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "plugin/loader.h"

#define PLUGIN(name) BUILD_DIR "/tests/sdk/" name ".so"

static struct plugin_file *f;
static char why[512];

static int try(const char *path)
{
    why[0] = 0;
    return plugin_open(path, &f, why, sizeof(why));
}

static void refused(const char *path, const char *sentence)
{
    cr_assert_lt(try(path), 0, "%s was taken", path);
    cr_assert_str_eq(why, sentence);
    cr_assert_null(f);
}

/* A copy of a sound plugin with `len` bytes at `offset` replaced; cut to `size` if not 0. */
static const char *patched(size_t offset, const void *bytes, size_t len, long size)
{
    static char path[64];
    static char image[1 << 20];

    FILE *from = fopen(PLUGIN("alpha"), "rb");
    cr_assert_not_null(from, "build the target test-plugins");
    size_t used = fread(image, 1, sizeof(image), from);
    fclose(from);
    memcpy(image + offset, bytes, len);
    strcpy(path, "/tmp/l7test-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    strcat(path, "/alpha.so");
    FILE *to = fopen(path, "wb");
    fwrite(image, 1, size ? (size_t)size : used, to);
    fclose(to);
    return path;
}

static void discard(const char *path)
{
    char dir[64];
    unlink(path);
    snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
    rmdir(dir);
}

struct refusal {
    const char *name;
    const char *sentence; /* ends with '*': a beginning */
    bool runs;            /* its constructor may have run */
};

static struct refusal refusals[] = {
    {"no-symbol", "exports no l7_plugin: not an l7guard plugin", false},
    {"function", "exports no l7_plugin: not an l7guard plugin", false},
    {"cut", "descriptor is cut short: 16 bytes, at least 56 are needed", false},
    {"zeroes", "descriptor does not carry the mark \"l7guard\": not an l7guard plugin", false},
    {"size-zero", "descriptor is cut short: it says 0 bytes and has 112, at least 56 are needed",
     false},
    {"size-lie", "descriptor is cut short: it says 4096 bytes and has 112, at least 56 are needed",
     false},
    {"magic", "descriptor does not carry the mark \"l7guard\": not an l7guard plugin", false},
    {"major", "built for SDK 2.0, this host serves SDK 1.x: rebuild it against this host's headers",
     false},
    {"minor",
     "needs SDK 1.7, this host has 1.0: upgrade l7guard, or rebuild it against this host's "
     "headers",
     false},
    {"kind", "kind 9 is not one this host knows", false},
    {"misnamed",
     "calls itself \"other\", but the file is \"misnamed.so\": file and plugin have one name",
     false},
    {"endless", "its name does not end within 32 bytes", false},
    {"unresolved", "cannot be loaded: undefined symbol: nobody_defines_this", false},
    {"library",
     "cannot be loaded: libl7test-gone.so: cannot open shared object file: No such file or "
     "directory",
     false},
    {"no-table", "is of kind inspector, but its descriptor has no table \".inspector\"", true},
    {"two-tables", "is of kind inspector, but its descriptor has a table \".log\" too", true},
    {"wrong-table", "is of kind log, but its descriptor has a table \".inspector\" too", true},
    {"ops-size",
     "its table \".inspector\" does not say its size: set .size = sizeof(struct l7_inspector)",
     true},
    {"ops-short", "inspector lacks the mandatory callback \"probe\"", true},
    {"no-keyword", "inspector lacks the mandatory \"keyword\"", true},
    {"bad-keyword", "its keyword is not a word of letters, digits, \"-\" and \"_\"", true},
    {"no-probe", "inspector lacks the mandatory callback \"probe\"", true},
    {"no-feed", "inspector lacks the mandatory callback \"feed\"", true},
    {"big-state", "it wants 16777216 bytes for every flow, at most 1048576 are possible", true},
    {"no-open", "capture lacks the mandatory callback \"open\"", true},
    {"no-descriptor", "capture lacks the mandatory callback \"descriptor\"", true},
    {"no-receive", "capture lacks the mandatory callback \"receive\"", true},
    {"no-finalise", "capture lacks the mandatory callback \"finalise\"", true},
    {"no-iface_name", "capture lacks the mandatory callback \"iface_name\"", true},
    {"log-no-open", "log lacks the mandatory callback \"open\"", true},
    {"log-no-write", "log lacks the mandatory callback \"write\"", true},
    {"field-twice", "field \"a\" is declared twice", true},
    {"field-nameless", "field 0 has no usable name", true},
    {"field-match", "field \"a\" has match kind 5, which this host does not know", true},
    {"field-flags", "field \"a\" has flags 0x8, which this host does not know", true},
    {"field-split", "field \"a\" cannot be split at character 58", true},
    {"field-enum", "field \"a\" is an enumeration without values", true},
    {"attr-type", "attribute \"a\" has type 0, which this host does not know", true},
    {"attr-twice", "attribute \"a\" is declared twice", true},
    {"attr-apart", "attributes \"a.x\" and \"a.y\" must be neighbours", true},
    {"attr-both", "attributes \"a\" and \"a.y\" cannot both be in a record", true},
    {"option-twice", "option \"limit\" is declared twice", true},
    {"option-type", "option \"limit\" has type 7, which this host does not know", true},
    {"option-default",
     "option \"limit\": its default \"much\" must be a number of bytes, such as 65536, 64KiB or "
     "1MiB",
     true},
};

Test(refusal, each_has_its_sentence_and_no_code_runs_before_it_must)
{
    char path[512];

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *r = &refusals[i];
        unsetenv("L7_TEST_CONSTRUCTED");
        snprintf(path, sizeof(path), PLUGIN("%s"), r->name);
        cr_assert_eq(access(path, R_OK), 0, "%s is not built", path);
        refused(path, r->sentence);
        if (!r->runs)
            cr_assert_null(getenv("L7_TEST_CONSTRUCTED"), "code of %s ran", r->name);
    }
}

Test(refusal, a_sound_plugin_is_opened_and_its_code_runs)
{
    unsetenv("L7_TEST_CONSTRUCTED");
    cr_assert_eq(try(PLUGIN("alpha")), 0, "%s", why);
    cr_assert_str_eq(getenv("L7_TEST_CONSTRUCTED"), "alpha");
    cr_assert_str_eq(f->name, "alpha");
    cr_assert_str_eq(f->plugin.name, "alpha");
    cr_assert_eq(f->plugin.inspector, &f->inspector);
    cr_assert_str_eq(f->inspector.keyword, "alpha");
    cr_assert_str_eq(f->plugin.version, "", "text that is not there is empty");
    cr_assert_eq(f->inspector.field_count, 1);
    plugin_close(f);
}

Test(refusal, an_older_plugin_reads_as_zero_where_it_ends)
{
    cr_assert_eq(try(PLUGIN("shorter")), 0, "%s", why);
    cr_assert_not_null(f->inspector.feed);
    cr_assert_null(f->inspector.gap);
    cr_assert_null(f->inspector.end);
    cr_assert_null(f->inspector.example_help);
    cr_assert_null(f->plugin.log);
    cr_assert_str_eq(f->plugin.version, "0.1");
    plugin_close(f);
}

Test(refusal, a_newer_plugins_additions_are_not_looked_at)
{
    cr_assert_eq(try(PLUGIN("longer")), 0, "%s", why);
    cr_assert_str_eq(f->inspector.keyword, "longer");
    cr_assert_str_eq(f->plugin.version, "9.9");
    plugin_close(f);
}

Test(refusal, captures_and_logs_are_opened_too)
{
    cr_assert_eq(try(PLUGIN("camera")), 0, "%s", why);
    cr_assert_not_null(f->plugin.capture->receive);
    cr_assert_null(f->plugin.inspector);
    plugin_close(f);
    cr_assert_eq(try(PLUGIN("tape")), 0, "%s", why);
    cr_assert_not_null(f->plugin.log->write);
    plugin_close(f);
}

Test(refusal, what_cannot_be_opened)
{
    refused("/nonexistent/x.so", "cannot be opened: No such file or directory");
    cr_assert_eq(try("/nonexistent/x.so"), -ENOENT);
}

Test(refusal, what_is_no_shared_object)
{
    static const char text[] = "#!/bin/sh\necho this is a script, not a shared object at all\n";
    static const uint16_t relocatable = ET_REL;

    refused("/tmp", "not a shared object");
    const char *path = patched(0, text, sizeof(text) - 1, sizeof(text) - 1);
    refused(path, "not a shared object");
    discard(path);
    path = patched(offsetof(Elf64_Ehdr, e_type), &relocatable, 2, 0);
    refused(path, "not a shared object");
    discard(path);
}

Test(refusal, an_empty_file_and_a_pipe)
{
    char path[] = "/tmp/l7test-XXXXXX";
    close(mkstemp(path));
    refused(path, "not a shared object");
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    refused(path, "not a shared object");
    unlink(path);
}

Test(refusal, a_plugin_for_another_machine)
{
    static const uint16_t other = EM_SPARCV9;
    static const unsigned char big = ELFDATA2MSB;

    const char *path = patched(offsetof(Elf64_Ehdr, e_machine), &other, 2, 0);
    cr_assert_lt(try(path), 0);
    cr_assert_eq(strncmp(why, "built for another machine (ELF machine 43, 64 bits, ", 52), 0, "%s",
                 why);
    discard(path);
    path = patched(EI_DATA, &big, 1, 0);
    cr_assert_lt(try(path), 0);
    discard(path);
}

/* Whatever is cut off or overwritten: a sentence, never a fault. */
Test(refusal, no_damage_to_the_file_does_damage_to_us, .timeout = 120)
{
    static const unsigned char ones[8] = {255, 255, 255, 255, 255, 255, 255, 255};

    for (long size = 1; size < 4096; size += size < 128 ? 1 : 97) {
        const char *path = patched(0, "", 0, size);
        cr_assert_lt(try(path), 0, "cut to %ld", size);
        cr_assert_neq(why[0], 0);
        discard(path);
    }
    for (size_t offset = 16; offset + 8 <= sizeof(Elf64_Ehdr); offset += 4) {
        const char *path = patched(offset, ones, 8, 0);
        int status = try(path);
        cr_assert(status == 0 || why[0] != 0);
        if (status == 0) {
            plugin_close(f);
            f = NULL;
        }
        discard(path);
    }
}
