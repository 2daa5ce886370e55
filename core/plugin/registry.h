/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* registry: the plugins of a directory, by kind, name and keyword.
 *
 * In    a directory; only names that end in ".so", in name order
 * Out   plugins that are loaded, and a sentence for each that is not
 * Not   what they are used for (engine)
 * Life  new (scan)* free
 *
 * scan() never half-loads: when any file is refused, the registry is as it was. Plugins already
 * there (same path) are left alone, so scanning again adds what is new. Inspectors are loaded
 * (`load` called) by scan, since policies need them; captures and logs are opened by the engine.
 * Names are unique over a kind, keywords over all inspectors.
 */

#include <stddef.h>
#include "base/problem.h"
#include "base/yaml.h"
#include "l7guard/capture.h"
#include "l7guard/inspector.h"
#include "l7guard/log.h"
#include "l7guard/plugin.h"

struct registry;

#define REGISTRY_KEYWORDS_MAX 64 /* inspectors: as many as a mask of probes has bits */

struct plugin {
    const char *path;
    const struct l7_plugin *desc;
    const struct l7_inspector *inspector; /* by kind; the others NULL */
    const struct l7_capture *capture;
    const struct l7_log *log;
    void *self;                 /* inspectors: from load */
    const struct l7_host *host; /* the table of this plugin: diag knows its name */
    unsigned keyword_id;        /* inspectors: 0, 1, ... in order of loading */
};

/* `services` supplies the tx_* functions; the rest of each plugin's table is the registry's.
 * `log_dir` is copied. */
struct registry *registry_new(const struct l7_host *services, const char *log_dir);
void registry_free(struct registry *r); /* unloads inspectors, closes objects */

/* `settings`: the map under `plugins:` of the configuration, name -> options for inspectors; may
 * be NULL. 0, or negative errno with errors in `problems`. */
int registry_scan(struct registry *r, const char *dir, const struct node *settings,
                  struct problems *problems);

size_t registry_count(const struct registry *r);
const struct plugin *registry_at(const struct registry *r, size_t i);
const struct plugin *registry_find(const struct registry *r, enum l7_kind kind, const char *name);
/* The first capture plugin with L7_CAPTURE_OFFLINE, in name order; NULL: none. */
const struct plugin *registry_offline(const struct registry *r);
size_t registry_keyword_count(const struct registry *r);
const struct plugin *registry_keyword(const struct registry *r, unsigned keyword_id);

/* Options of one plugin instance, checked against its table: unknown keys (with "did you mean"),
 * wrong types and missing ones are added to `problems`. `options` may be NULL (all defaults).
 * NULL when there were errors. Free with config_free. */
struct l7_config *config_new(const struct plugin *p, const struct node *options,
                             struct problems *problems);
/* The same from "key=value" strings, for the command line. */
struct l7_config *config_new_pairs(const struct plugin *p, const char *const *pairs, size_t count,
                                   struct problems *problems);
void config_free(struct l7_config *c);
