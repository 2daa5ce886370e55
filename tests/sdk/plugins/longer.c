/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin whose structs have grown since: this host looks at what it knows. */

#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

struct longer_inspector {
    struct l7_inspector known;
    char more[64];
};

struct longer_plugin {
    struct l7_plugin known;
    char more[64];
};

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

static const struct longer_inspector inspector = {
    .known = {.size = sizeof(inspector), .keyword = "longer", .probe = probe, .feed = feed},
    .more = "something this host has never heard of"};

L7_EXPORT extern const struct longer_plugin descriptor __asm__(L7_PLUGIN_SYMBOL);
const struct longer_plugin descriptor = {.known = {.sdk_major = L7_SDK_MAJOR,
                                                   .sdk_minor = L7_SDK_MINOR,
                                                   .size = sizeof(descriptor),
                                                   .magic = L7_PLUGIN_MAGIC,
                                                   .kind = L7_KIND_INSPECTOR,
                                                   .name = "longer",
                                                   .version = "9.9",
                                                   .inspector = &inspector.known},
                                         .more = "nor of this"};
