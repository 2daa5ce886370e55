/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin whose every part can be made wrong by a definition on the command line; without any it
 * is a sound inspector. CMakeLists.txt says which variants there are, the tests what becomes of
 * them. Written without L7_PLUGIN, which would not let it be wrong. */

#include <stdlib.h>
#include <string.h>
#include "l7guard/capture.h"
#include "l7guard/inspector.h"
#include "l7guard/log.h"
#include "l7guard/plugin.h"

#ifndef V_NAME
#define V_NAME "unnamed"
#endif
#ifndef V_KEYWORD
#define V_KEYWORD V_NAME
#endif
#ifndef V_MAJOR
#define V_MAJOR L7_SDK_MAJOR
#endif
#ifndef V_MINOR
#define V_MINOR L7_SDK_MINOR
#endif
#ifndef V_SIZE
#define V_SIZE sizeof(struct l7_plugin)
#endif
#ifndef V_MAGIC
#define V_MAGIC L7_PLUGIN_MAGIC
#endif
#ifndef V_KIND
#define V_KIND L7_KIND_INSPECTOR
#endif
#ifndef V_OPS_SIZE
#define V_OPS_SIZE sizeof(struct l7_inspector)
#endif
#ifndef V_FIELDS
#define V_FIELDS                                                                                   \
    {                                                                                              \
        .name = "word", .match = L7_MATCH_GLOB, .help = "a word"                                   \
    }
#endif
#ifndef V_ATTRS
#define V_ATTRS                                                                                    \
    {                                                                                              \
        .name = "word", .type = L7_TYPE_STRING, .help = "a word"                                   \
    }
#endif
#ifndef V_OPTIONS
#define V_OPTIONS                                                                                  \
    {                                                                                              \
        .key = "limit", .type = L7_OPTION_SIZE, .fallback = "1KiB", .help = "a limit"              \
    }
#endif
#ifndef V_TABLE
#define V_TABLE .inspector = &inspector
#endif
#ifndef V_PROBE
#define V_PROBE probe
#endif
#ifndef V_FEED
#define V_FEED feed
#endif
#ifndef V_OPEN
#define V_OPEN ready
#endif
#ifndef V_DESCRIPTOR
#define V_DESCRIPTOR descriptor
#endif
#ifndef V_RECEIVE
#define V_RECEIVE receive
#endif
#ifndef V_FINALISE
#define V_FINALISE finalise
#endif
#ifndef V_IFACE_NAME
#define V_IFACE_NAME iface_name
#endif
#ifndef V_WRITE
#define V_WRITE put
#endif
#ifndef V_LOAD_STATUS
#define V_LOAD_STATUS 0
#endif
#ifndef V_FLAGS
#define V_FLAGS 0
#endif
#ifndef V_STATE_SIZE
#define V_STATE_SIZE 0
#endif

/* Traces in the environment: the test sees which code has run. */
__attribute__((constructor)) static void constructed(void)
{
    setenv("L7_TEST_CONSTRUCTED", V_NAME, 1);
}

#ifdef V_UNRESOLVED
void nobody_defines_this(void);
#endif
#ifdef V_LIBRARY
int gone(void);
#endif

static int load(const struct l7_host *host, const struct l7_config *config, void **self)
{
    static char memory;
#ifdef V_UNRESOLVED
    nobody_defines_this();
#endif
#ifdef V_LIBRARY
    gone();
#endif
    if (host->config_number(config, "limit") == 4096)
        setenv("L7_TEST_LIMIT", "4096", 1);
    host->diag(host, L7_NOTICE, "loaded with %d", 1);
    setenv("L7_TEST_LOADED", V_NAME, 1);
    *self = &memory;
    return V_LOAD_STATUS;
}

static void unload(void *self)
{
    setenv("L7_TEST_UNLOADED", self ? V_NAME : "without self", 1);
}

static enum l7_probe probe(const void *self, enum l7_dir dir, struct l7_bytes seen)
{
    (void)self, (void)dir, (void)seen;
    return L7_PROBE_NO;
}

static enum l7_step feed(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                         struct l7_bytes in, struct l7_progress *progress)
{
    (void)self, (void)state, (void)flow, (void)dir, (void)in, (void)progress;
    return L7_STEP_BREAK;
}

static int ready(const struct l7_host *host, const struct l7_config *config, bool check,
                 void **self)
{
    (void)host, (void)config, (void)check, (void)self;
    return 0;
}

static int descriptor(void *self)
{
    (void)self;
    return -1;
}

static int receive(void *self, struct l7_frame **frames, size_t max)
{
    (void)self, (void)frames, (void)max;
    return L7_RECEIVE_END;
}

static void finalise(void *self, struct l7_frame *frame, enum l7_verdict verdict)
{
    (void)self, (void)frame, (void)verdict;
}

static const char *iface_name(void *self, unsigned iface)
{
    (void)self, (void)iface;
    return NULL;
}

static int put(void *self, const struct l7_record *record)
{
    (void)self, (void)record;
    return 0;
}

/* A variant uses some of these and not others. */
__attribute__((used)) static void *const all_used[] = {
    (void *)probe,    (void *)feed,       (void *)ready, (void *)descriptor, (void *)receive,
    (void *)finalise, (void *)iface_name, (void *)put,   (void *)load,       (void *)unload};

static const struct l7_field fields[] = {V_FIELDS};
static const struct l7_attr attrs[] = {V_ATTRS};
__attribute__((used)) static const struct l7_option options[] = {V_OPTIONS};

__attribute__((used)) static const struct l7_inspector inspector = {
    .size = V_OPS_SIZE,
    .keyword = V_KEYWORD,
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .attrs = attrs,
    .attr_count = sizeof(attrs) / sizeof(attrs[0]),
    .state_size = V_STATE_SIZE,
    .load = load,
    .unload = unload,
    .probe = V_PROBE,
    .feed = V_FEED,
};

__attribute__((used)) static const struct l7_capture capture = {
    .size = sizeof(capture),
    .flags = V_FLAGS,
    .open = V_OPEN,
    .descriptor = V_DESCRIPTOR,
    .receive = V_RECEIVE,
    .finalise = V_FINALISE,
    .iface_name = V_IFACE_NAME,
};

__attribute__((used)) static const struct l7_log log_ = {
    .size = sizeof(log_),
    .open = V_OPEN,
    .write = V_WRITE,
};

#define DESCRIPTOR                                                                                 \
    {                                                                                              \
        .sdk_major = V_MAJOR, .sdk_minor = V_MINOR, .size = V_SIZE, .magic = V_MAGIC,              \
        .kind = V_KIND, .name = V_NAME, .options = options,                                        \
        .option_count = sizeof(options) / sizeof(options[0]), V_TABLE                              \
    }

#if defined(V_NO_SYMBOL)
__attribute__((used)) static const struct l7_plugin hidden = DESCRIPTOR;
#elif defined(V_FUNCTION)
L7_EXPORT int l7_plugin_(void) __asm__("l7_plugin");
L7_EXPORT int l7_plugin_(void)
{
    return 0;
}
#elif defined(V_CUT)
L7_EXPORT extern const char l7_plugin_[16] __asm__("l7_plugin");
const char l7_plugin_[16] = "\1\0\0\0";
#elif defined(V_ZEROES)
L7_EXPORT char l7_plugin_[sizeof(struct l7_plugin)] __asm__("l7_plugin");
#else
L7_EXPORT extern const struct l7_plugin l7_plugin;
const struct l7_plugin l7_plugin = DESCRIPTOR;
#endif
