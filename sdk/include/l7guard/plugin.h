/* SPDX-License-Identifier: Apache-2.0 */
/* plugin: the one thing a plugin exports.
 *
 * A plugin is a shared object that exports one data symbol, `l7_plugin`: a constant descriptor.
 * The loader reads the plain numbers and the name at its head from the file, before the object is
 * mapped and before any code of it runs, and refuses what it cannot serve. Only then is the
 * object loaded and the rest of the descriptor used.
 *
 * Growth: structs of the SDK grow at their end only and carry their size. What a plugin's shorter
 * struct lacks reads as zero; what its longer struct has beyond the host's is not looked at.
 *
 *     L7_PLUGIN(L7_KIND_INSPECTOR, "echo",
 *               .version = "1.0", .summary = "the echo protocol", .inspector = &echo_inspector);
 */
#ifndef L7GUARD_PLUGIN_H
#define L7GUARD_PLUGIN_H

#include "l7guard/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum l7_kind {
    L7_KIND_CAPTURE = 1,   /* where frames come from and verdicts are carried out: capture.h */
    L7_KIND_INSPECTOR = 2, /* understands one protocol: inspector.h */
    L7_KIND_LOG = 3,       /* where records go: log.h */
};

#define L7_PLUGIN_SYMBOL "l7_plugin"
#define L7_PLUGIN_MAGIC "l7guard"
#define L7_NAME_MAX 32

enum l7_option_type {
    L7_OPTION_TEXT = 1,
    L7_OPTION_BOOL = 2,
    L7_OPTION_NUMBER = 3,   /* a non-negative integer */
    L7_OPTION_SIZE = 4,     /* bytes; "64KiB", "1MiB" are understood */
    L7_OPTION_DURATION = 5, /* milliseconds; "30s", "250ms", "5m" are understood */
    L7_OPTION_LIST = 6,     /* a list of texts */
};

/* One setting of a plugin. The host parses and checks it, refuses unknown keys by name, and
 * prints `help`. `fallback` is the default as it would be written in the configuration file;
 * NULL means the setting must be given, "" an empty text or list. */
struct l7_option {
    const char *key;
    uint32_t type; /* enum l7_option_type */
    uint32_t reserved;
    const char *fallback;
    const char *help;
};

struct l7_capture;
struct l7_inspector;
struct l7_log;

/* The descriptor. Everything up to and including `name` is plain data without pointers, because
 * it is read from the file. */
struct l7_plugin {
    uint16_t sdk_major;
    uint16_t sdk_minor;
    uint32_t size;
    char magic[8];
    uint32_t kind; /* enum l7_kind */
    uint32_t reserved;
    char name[L7_NAME_MAX]; /* must be the file's name without ".so" */

    const char *version; /* the plugin's own */
    const char *summary; /* one sentence */
    const struct l7_option *options;
    size_t option_count;
    /* Exactly one is set, as `kind` says. */
    const struct l7_capture *capture;
    const struct l7_inspector *inspector;
    const struct l7_log *log;
};

#if defined(__GNUC__)
#define L7_EXPORT __attribute__((visibility("default")))
#else
#define L7_EXPORT
#endif

#define L7_PLUGIN(plugin_kind, plugin_name, ...)                                                   \
    L7_EXPORT extern const struct l7_plugin l7_plugin;                                             \
    const struct l7_plugin l7_plugin = {.sdk_major = L7_SDK_MAJOR,                                 \
                                        .sdk_minor = L7_SDK_MINOR,                                 \
                                        .size = sizeof(struct l7_plugin),                          \
                                        .magic = L7_PLUGIN_MAGIC,                                  \
                                        .kind = (plugin_kind),                                     \
                                        .name = plugin_name,                                       \
                                        __VA_ARGS__}

#ifdef __cplusplus
}
#endif

#endif
