/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* fake_host: the part of the host's table that capture plugins use, for tests and the forwarder.
 *
 * Options are a table of texts, and lists are items of the same key. Diagnostics are counted, kept
 * (the last one) and, if asked for, printed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "l7guard/host.h"
#include "l7guard/plugin.h"

struct l7_config {
    struct {
        const char *key;
        const char *value;
    } items[8];
    size_t count;
};

static struct {
    unsigned count;
    unsigned errors;
    enum l7_level level;
    char text[1024];
    bool print;
} said;

extern const struct l7_plugin l7_plugin;

static void fake_diag(const struct l7_host *host, enum l7_level level, const char *format, ...)
    L7_PRINTF(3, 4);
static void fake_diag(const struct l7_host *host, enum l7_level level, const char *format, ...)
{
    va_list args;
    (void)host;
    va_start(args, format);
    vsnprintf(said.text, sizeof(said.text), format, args);
    va_end(args);
    said.count++;
    said.errors += level == L7_ERROR;
    said.level = level;
    if (said.print)
        fprintf(stderr, "%s: %s\n", level == L7_ERROR ? "error" : "note", said.text);
}

static const char *fake_item(const struct l7_config *config, const char *key, size_t index)
{
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->items[i].key, key) == 0 && index-- == 0)
            return config->items[i].value;
    }
    return NULL;
}

static size_t fake_count(const struct l7_config *config, const char *key)
{
    size_t count = 0;
    while (fake_item(config, key, count))
        count++;
    return count;
}

static const char *fake_text(const struct l7_config *config, const char *key)
{
    const char *value = fake_item(config, key, 0);
    return value ? value : "";
}

static int64_t fake_number(const struct l7_config *config, const char *key)
{
    return strtoll(fake_text(config, key), NULL, 0);
}

static bool fake_bool(const struct l7_config *config, const char *key)
{
    return strcmp(fake_text(config, key), "true") == 0;
}

static const struct l7_host fake_host = {
    .sdk_major = L7_SDK_MAJOR,
    .sdk_minor = L7_SDK_MINOR,
    .size = sizeof(fake_host),
    .diag = fake_diag,
    .config_text = fake_text,
    .config_number = fake_number,
    .config_bool = fake_bool,
    .config_count = fake_count,
    .config_item = fake_item,
};

static inline void config_add(struct l7_config *config, const char *key, const char *value)
{
    config->items[config->count].key = key;
    config->items[config->count].value = value;
    config->count++;
}
