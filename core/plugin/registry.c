/* SPDX-License-Identifier: Apache-2.0 */
/* registry: which plugins there are. A scan gathers candidates beside the registry and adds them
 * only when every one of them could be served, so that a reload changes all or nothing.
 *
 * Entries never move and are never taken out before the end: workers and snapshots hold pointers
 * to them. */

#include "plugin/registry.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/suggest.h"
#include "plugin/host.h"
#include "plugin/loader.h"

#define PLUGINS_MAX 256
#define WHY_MAX 512

struct entry {
    struct plugin plugin; /* what others see */
    struct plugin_file *file;
    struct host *host;
    struct l7_config *config; /* inspectors: for as long as they are loaded */
    bool loaded;
};

struct registry {
    struct l7_host services;
    bool has_services;
    char *log_dir;
    struct entry *entries[PLUGINS_MAX];
    size_t count;
    const struct plugin *keywords[REGISTRY_KEYWORDS_MAX];
    size_t keyword_count;
};

/* The entries a scan is about to add. */
struct batch {
    struct entry *entries[PLUGINS_MAX];
    size_t count;
};

struct registry *registry_new(const struct l7_host *services, const char *log_dir)
{
    struct registry *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    if (services)
        r->services = *services;
    r->has_services = services != NULL;
    r->log_dir = strdup(log_dir ? log_dir : "");
    if (!r->log_dir) {
        free(r);
        return NULL;
    }
    return r;
}

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    if (e->loaded && e->plugin.inspector->unload)
        e->plugin.inspector->unload(e->plugin.self);
    config_free(e->config);
    host_free(e->host);
    plugin_close(e->file);
    free(e);
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    while (r->count > 0)
        entry_free(r->entries[--r->count]);
    free(r->log_dir);
    free(r);
}

static void tell(struct problems *problems, const char *path, const char *text)
{
    problem_add(problems, PROBLEM_ERROR, (struct place){.file = path}, "%s", text);
}

static struct entry *entry_open(const struct registry *r, const char *path,
                                struct problems *problems)
{
    char why[WHY_MAX];
    struct entry *e = calloc(1, sizeof(*e));

    if (!e) {
        tell(problems, path, "out of memory");
        return NULL;
    }
    if (plugin_open(path, &e->file, why, sizeof(why)) != 0) {
        tell(problems, path, why);
        free(e);
        return NULL;
    }
    const struct l7_plugin *desc = &e->file->plugin;
    e->host = host_new(r->has_services ? &r->services : NULL, desc->name, r->log_dir);
    if (!e->host) {
        tell(problems, path, "out of memory");
        entry_free(e);
        return NULL;
    }
    e->plugin = (struct plugin){.path = e->file->path,
                                .desc = desc,
                                .inspector = desc->inspector,
                                .capture = desc->capture,
                                .log = desc->log,
                                .host = host_table(e->host)};
    return e;
}

/* Does one of `entries` already have the name or keyword of `p`? The sentence then. */
static bool is_taken(struct entry *const *entries, size_t count, const struct plugin *p, char *why,
                     size_t why_cap)
{
    for (size_t i = 0; i < count; i++) {
        const struct plugin *other = &entries[i]->plugin;
        if (other->desc->kind == p->desc->kind && strcmp(other->desc->name, p->desc->name) == 0) {
            snprintf(why, why_cap, "a plugin \"%s\" of this kind is already loaded from %s",
                     p->desc->name, other->path);
            return true;
        }
        if (p->inspector && other->inspector &&
            strcmp(other->inspector->keyword, p->inspector->keyword) == 0) {
            snprintf(why, why_cap, "keyword \"%s\" is already declared by %s",
                     p->inspector->keyword, other->path);
            return true;
        }
    }
    return false;
}

static bool is_known(const struct registry *r, const char *path)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->entries[i]->plugin.path, path) == 0)
            return true;
    return false;
}

static size_t count_inspectors(const struct registry *r, const struct batch *batch)
{
    size_t n = r->keyword_count;
    for (size_t i = 0; i < batch->count; i++)
        n += batch->entries[i]->plugin.inspector != NULL;
    return n;
}

static void open_one(const struct registry *r, struct batch *batch, const char *path,
                     struct problems *problems)
{
    char why[WHY_MAX];

    if (is_known(r, path))
        return;
    if (r->count + batch->count == PLUGINS_MAX) {
        snprintf(why, sizeof(why), "is one plugin more than %d", PLUGINS_MAX);
        tell(problems, path, why);
        return;
    }
    struct entry *e = entry_open(r, path, problems);
    if (!e)
        return;
    if (e->plugin.inspector && count_inspectors(r, batch) == REGISTRY_KEYWORDS_MAX) {
        snprintf(why, sizeof(why), "is one inspector more than %d", REGISTRY_KEYWORDS_MAX);
        tell(problems, path, why);
        entry_free(e);
        return;
    }
    if (is_taken(r->entries, r->count, &e->plugin, why, sizeof(why)) ||
        is_taken(batch->entries, batch->count, &e->plugin, why, sizeof(why))) {
        tell(problems, path, why);
        entry_free(e);
        return;
    }
    batch->entries[batch->count++] = e;
}

static int is_candidate(const struct dirent *d)
{
    size_t len = strlen(d->d_name);
    return len >= 3 && strcmp(d->d_name + len - 3, ".so") == 0;
}

/* By bytes: the same order in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void open_all(const struct registry *r, struct batch *batch, const char *dir,
                     struct problems *problems)
{
    struct dirent **names;
    size_t len = strlen(dir);

    /* "plugins/" and "plugins" are the same files. */
    while (len > 1 && dir[len - 1] == '/')
        len--;
    int count = scandir(dir, &names, is_candidate, by_name);
    if (count < 0) {
        problem_add(problems, PROBLEM_ERROR, (struct place){.file = dir},
                    "plugin directory cannot be read: %s", strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        char *path;
        if (asprintf(&path, "%.*s/%s", (int)len, dir, names[i]->d_name) >= 0) {
            open_one(r, batch, path, problems);
            free(path);
        } else {
            tell(problems, dir, "out of memory");
        }
        free(names[i]);
    }
    free(names);
}

static const struct plugin *named(struct entry *const *entries, size_t count, const char *name,
                                  const struct plugin *best)
{
    for (size_t i = 0; i < count; i++) {
        const struct plugin *p = &entries[i]->plugin;
        if (strcmp(p->desc->name, name) == 0 && (!best || p->inspector))
            best = p;
    }
    return best;
}

/* Every key under `plugins:` must name an inspector. */
static void settings_check(const struct registry *r, const struct batch *batch,
                           const struct node *settings, struct problems *problems)
{
    const char *names[PLUGINS_MAX];
    size_t count = 0;

    if (!settings || node_is_null(settings))
        return;
    if (settings->kind != NODE_MAP) {
        problem_add(problems, PROBLEM_ERROR, node_place(settings, "plugins"),
                    "must be a map of inspector names, such as {name: {option: value}}");
        return;
    }
    for (size_t i = 0; i < r->count; i++)
        if (r->entries[i]->plugin.inspector)
            names[count++] = r->entries[i]->plugin.desc->name;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->entries[i]->plugin.inspector)
            names[count++] = batch->entries[i]->plugin.desc->name;
    for (size_t i = 0; i < settings->count; i++) {
        const struct node *key = settings->keys[i];
        const struct plugin *p = named(r->entries, r->count, key->text, NULL);
        p = named(batch->entries, batch->count, key->text, p);
        if (p && p->inspector)
            continue;
        const char *meant = p ? NULL : suggest(key->text, names, count);
        if (p)
            problem_add(problems, PROBLEM_ERROR, node_place(key, "plugins"),
                        "\"%s\" is a %s plugin: its options go under `%s:`", key->text,
                        p->capture ? "capture" : "log", p->capture ? "capture" : "log");
        else if (meant)
            problem_add(problems, PROBLEM_ERROR, node_place(key, "plugins"),
                        "no inspector is named \"%s\"; did you mean \"%s\"?", key->text, meant);
        else
            problem_add(problems, PROBLEM_ERROR, node_place(key, "plugins"),
                        "no inspector is named \"%s\"", key->text);
    }
}

static void load_one(struct entry *e, const struct node *settings, struct problems *problems)
{
    struct plugin *p = &e->plugin;

    e->config = config_new(p, node_get(settings, p->desc->name), problems);
    if (!e->config || !p->inspector->load) {
        e->loaded = e->config != NULL;
        return;
    }
    int status = p->inspector->load(p->host, e->config, &p->self);
    e->loaded = status == 0;
    if (status)
        problem_add(problems, PROBLEM_ERROR, (struct place){.file = p->path},
                    "its load callback failed: %s", strerror(status < 0 ? -status : EINVAL));
}

static void commit(struct registry *r, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *e = batch->entries[i];
        if (e->plugin.inspector) {
            e->plugin.keyword_id = (unsigned)r->keyword_count;
            r->keywords[r->keyword_count] = &e->plugin;
            /* A worker that asks by id must find what the count promises. */
            __atomic_store_n(&r->keyword_count, r->keyword_count + 1, __ATOMIC_RELEASE);
        }
        r->entries[r->count] = e;
        __atomic_store_n(&r->count, r->count + 1, __ATOMIC_RELEASE);
    }
}

int registry_scan(struct registry *r, const char *dir, const struct node *settings,
                  struct problems *problems)
{
    size_t errors = problems->errors;
    struct batch batch = {.count = 0};

    open_all(r, &batch, dir, problems);
    /* With a file missing from the batch its settings would look like a mistake. */
    if (problems->errors == errors)
        settings_check(r, &batch, settings, problems);
    for (size_t i = 0; i < batch.count && problems->errors == errors; i++)
        if (batch.entries[i]->plugin.inspector)
            load_one(batch.entries[i], settings, problems);
    if (problems->errors != errors) {
        while (batch.count > 0)
            entry_free(batch.entries[--batch.count]);
        return -EINVAL;
    }
    commit(r, &batch);
    return 0;
}

size_t registry_count(const struct registry *r)
{
    return __atomic_load_n(&r->count, __ATOMIC_ACQUIRE);
}

const struct plugin *registry_at(const struct registry *r, size_t i)
{
    return i < registry_count(r) ? &r->entries[i]->plugin : NULL;
}

const struct plugin *registry_find(const struct registry *r, enum l7_kind kind, const char *name)
{
    for (size_t i = 0; i < registry_count(r); i++) {
        const struct plugin *p = &r->entries[i]->plugin;
        if (p->desc->kind == kind && strcmp(p->desc->name, name) == 0)
            return p;
    }
    return NULL;
}

const struct plugin *registry_offline(const struct registry *r)
{
    const struct plugin *best = NULL;

    for (size_t i = 0; i < registry_count(r); i++) {
        const struct plugin *p = &r->entries[i]->plugin;
        if (p->capture && (p->capture->flags & L7_CAPTURE_OFFLINE) &&
            (!best || strcmp(p->desc->name, best->desc->name) < 0))
            best = p;
    }
    return best;
}

size_t registry_keyword_count(const struct registry *r)
{
    return __atomic_load_n(&r->keyword_count, __ATOMIC_ACQUIRE);
}

const struct plugin *registry_keyword(const struct registry *r, unsigned keyword_id)
{
    return keyword_id < registry_keyword_count(r) ? r->keywords[keyword_id] : NULL;
}
