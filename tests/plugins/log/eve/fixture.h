/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* fixture: a host with settings and a memory of diagnostics, a directory of its own, and a clock
 * that the test moves. For the tests of the eve plugin only; one instance a program, since
 * criterion runs each test in a process of its own. */

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "dayfile.h"
#include "l7guard/log.h"
#include "l7guard/plugin.h"

extern const struct l7_plugin l7_plugin;

#define SECOND 1000000000ull
#define FIXTURE_TYPES 8

/* What the plugin may ask for; the rest is taken from the plugin's own table of defaults. */
struct l7_config {
    const char *dir;
    const char *dialect;
    const char *mode;
    const char *types[FIXTURE_TYPES];
    size_t type_count;
    int64_t value_limit; /* 0: default */
    bool no_policy;
    bool alert_http;
};

struct fixture {
    struct l7_host host;
    struct l7_config config;
    char dir[64];
    char said[1024]; /* the last diagnostic */
    unsigned said_count;
    uint64_t now;
    void *eve;
};

static struct fixture fix;

static const struct l7_option *option_of(const char *key)
{
    for (size_t i = 0; i < l7_plugin.option_count; i++) {
        if (strcmp(l7_plugin.options[i].key, key) == 0)
            return &l7_plugin.options[i];
    }
    fprintf(stderr, "no option %s\n", key);
    abort();
}

static const char *fix_text(const struct l7_config *c, const char *key)
{
    const char *set = NULL;

    if (strcmp(key, "dir") == 0)
        set = c->dir;
    else if (strcmp(key, "dialect") == 0)
        set = c->dialect;
    else if (strcmp(key, "file-mode") == 0)
        set = c->mode;
    return set ? set : option_of(key)->fallback;
}

static int64_t fix_number(const struct l7_config *c, const char *key)
{
    if (strcmp(option_of(key)->fallback, "64KiB") != 0)
        abort();
    return c->value_limit ? c->value_limit : 64 * 1024;
}

static bool fix_bool(const struct l7_config *c, const char *key)
{
    if (strcmp(key, "policy") == 0 && c->no_policy)
        return false;
    if (strcmp(key, "alert-http") == 0 && c->alert_http)
        return true;
    return strcmp(option_of(key)->fallback, "yes") == 0;
}

static size_t fix_count(const struct l7_config *c, const char *key)
{
    (void)option_of(key);
    return c->type_count;
}

static const char *fix_item(const struct l7_config *c, const char *key, size_t i)
{
    (void)option_of(key);
    return c->types[i];
}

static const char *fix_log_dir(const struct l7_host *host)
{
    (void)host;
    return fix.dir;
}

L7_PRINTF(3, 4)
static void fix_diag(const struct l7_host *host, enum l7_level level, const char *format, ...)
{
    va_list args;

    (void)host;
    (void)level;
    va_start(args, format);
    vsnprintf(fix.said, sizeof(fix.said), format, args);
    va_end(args);
    fix.said_count++;
}

static uint64_t fix_clock(void)
{
    return fix.now;
}

/* 2026-11-23T10:00:00Z */
#define FIX_NOW (1795428000 * SECOND)

static void fix_init(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    umask(022);
    fix.host = (struct l7_host){
        .sdk_major = L7_SDK_MAJOR,
        .sdk_minor = L7_SDK_MINOR,
        .size = sizeof(struct l7_host),
        .diag = fix_diag,
        .config_text = fix_text,
        .config_number = fix_number,
        .config_bool = fix_bool,
        .config_count = fix_count,
        .config_item = fix_item,
        .log_dir = fix_log_dir,
    };
    strcpy(fix.dir, "/tmp/l7-eve-test-XXXXXX");
    if (!mkdtemp(fix.dir))
        abort();
    fix.now = FIX_NOW;
    dayfile_clock = fix_clock;
}

static int fix_open(void)
{
    return l7_plugin.log->open(&fix.host, &fix.config, false, &fix.eve);
}

static inline int fix_write(const struct l7_record *record)
{
    return l7_plugin.log->write(fix.eve, record);
}

static inline void fix_path(char *path, size_t cap, const char *name)
{
    snprintf(path, cap, "%s/%s", fix.dir, name);
}

/* A whole file, NUL-terminated; NULL if it is not there. The caller frees. */
static inline char *fix_read(const char *name, size_t *len)
{
    char path[512];
    FILE *file;
    struct stat st;
    char *text;

    fix_path(path, sizeof(path), name);
    file = fopen(path, "r");
    if (!file)
        return NULL;
    if (fstat(fileno(file), &st) < 0)
        abort();
    text = calloc(1, (size_t)st.st_size + 1);
    if (!text)
        abort();
    *len = fread(text, 1, (size_t)st.st_size, file);
    fclose(file);
    return text;
}

static inline unsigned fix_files(void)
{
    DIR *dir = opendir(fix.dir);
    struct dirent *entry;
    unsigned count = 0;

    while (dir && (entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

static void fix_fini(void)
{
    char command[128];

    if (fix.eve)
        l7_plugin.log->close(fix.eve);
    snprintf(command, sizeof(command), "rm -rf '%s'", fix.dir);
    if (system(command) != 0)
        abort();
}
