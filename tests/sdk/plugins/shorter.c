/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin from before the SDK grew: its inspector ends with feed, its descriptor with the
 * inspector, and what lies behind them in memory is something else. */

#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

struct old_inspector {
    uint32_t size, flags;
    const char *keyword;
    const struct l7_field *fields;
    size_t field_count;
    const struct l7_attr *attrs;
    size_t attr_count, state_size;
    int (*load)(const struct l7_host *, const struct l7_config *, void **);
    void (*unload)(void *);
    enum l7_probe (*probe)(const void *, enum l7_dir, struct l7_bytes);
    int (*open)(void *, void *, struct l7_flow *);
    enum l7_step (*feed)(void *, void *, struct l7_flow *, enum l7_dir, struct l7_bytes,
                         struct l7_progress *);
};
_Static_assert(sizeof(struct old_inspector) == offsetof(struct l7_inspector, gap),
               "the old layout is the beginning of the new one");

struct old_plugin {
    uint16_t sdk_major, sdk_minor;
    uint32_t size;
    char magic[8];
    uint32_t kind, reserved;
    char name[L7_NAME_MAX];
    const char *version, *summary;
    const struct l7_option *options;
    size_t option_count;
    const struct l7_capture *capture;
    const void *inspector;
};
_Static_assert(sizeof(struct old_plugin) == offsetof(struct l7_plugin, log),
               "the old layout is the beginning of the new one");

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

static const struct {
    struct old_inspector known;
    char behind[sizeof(struct l7_inspector)];
} inspector = {.known = {.size = sizeof(struct old_inspector),
                         .keyword = "shorter",
                         .probe = probe,
                         .feed = feed},
               .behind = "bytes that must not be taken for callbacks, however many are needed"};

L7_EXPORT extern const struct old_plugin descriptor __asm__(L7_PLUGIN_SYMBOL);
const struct old_plugin descriptor = {.sdk_major = L7_SDK_MAJOR,
                                      .sdk_minor = 0,
                                      .size = sizeof(descriptor),
                                      .magic = L7_PLUGIN_MAGIC,
                                      .kind = L7_KIND_INSPECTOR,
                                      .name = "shorter",
                                      .version = "0.1",
                                      .inspector = &inspector.known};
