/* SPDX-License-Identifier: Apache-2.0 */
/* loader: maps one object and copies its descriptor and tables at this host's sizes. What can be
 * known from the file is judged before, in head.c; what the tables must hold, in check.c. */

#include "plugin/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plugin/check.h"
#include "plugin/head.h"
#include "plugin/options.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_MAPPED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(undefined_behavior_sanitizer)
#define KEEP_MAPPED 1
#endif
#endif
#ifndef KEEP_MAPPED
#define KEEP_MAPPED 0
#endif

/* Every table of operations begins with its size and flags. */
struct table_head {
    uint32_t size;
    uint32_t flags;
};

static const char *kind_name(uint32_t kind)
{
    return kind == L7_KIND_CAPTURE ? "capture" : kind == L7_KIND_LOG ? "log" : "inspector";
}

/* The table of the plugin's kind into ours: the shorter of both sizes, the rest zero. */
static int table_copy(const struct l7_plugin *plugin, void *to, size_t to_size, char *why,
                      size_t why_cap)
{
    const void *tables[] = {plugin->capture, plugin->inspector, plugin->log};
    static const uint32_t kinds[] = {L7_KIND_CAPTURE, L7_KIND_INSPECTOR, L7_KIND_LOG};
    const char *kind = kind_name(plugin->kind);
    const void *from = NULL;

    for (size_t i = 0; i < 3; i++) {
        if (kinds[i] == plugin->kind)
            from = tables[i];
        else if (tables[i])
            return refuse(why, why_cap, -ENOEXEC,
                          "is of kind %s, but its descriptor has a table \".%s\" too", kind,
                          kind_name(kinds[i]));
    }
    if (!from)
        return refuse(why, why_cap, -ENOEXEC,
                      "is of kind %s, but its descriptor has no table \".%s\"", kind, kind);
    struct table_head head;
    memcpy(&head, from, sizeof(head));
    if (head.size < sizeof(head))
        return refuse(why, why_cap, -ENOEXEC,
                      "its table \".%s\" does not say its size: set .size = sizeof(struct l7_%s)",
                      kind, kind);
    memcpy(to, from, head.size < to_size ? head.size : to_size);
    return 0;
}

static int tables_read(struct plugin_file *f, char *why, size_t why_cap)
{
    bool sound;
    int status;

    switch (f->plugin.kind) {
    case L7_KIND_CAPTURE:
        status = table_copy(&f->plugin, &f->capture, sizeof(f->capture), why, why_cap);
        sound = !status && capture_check(&f->capture, why, why_cap);
        f->plugin.capture = &f->capture;
        break;
    case L7_KIND_INSPECTOR:
        status = table_copy(&f->plugin, &f->inspector, sizeof(f->inspector), why, why_cap);
        sound = !status && inspector_check(&f->inspector, why, why_cap);
        f->plugin.inspector = &f->inspector;
        break;
    default:
        status = table_copy(&f->plugin, &f->log, sizeof(f->log), why, why_cap);
        sound = !status && log_check(&f->log, why, why_cap);
        f->plugin.log = &f->log;
        break;
    }
    if (status)
        return status;
    if (!sound || !options_check(f->plugin.options, f->plugin.option_count, why, why_cap))
        return -ENOEXEC;
    return 0;
}

/* dlerror's text without the path in front of it, which the caller tells anyway. */
static int refuse_dlerror(const char *path, char *why, size_t why_cap)
{
    const char *text = dlerror();
    size_t len = strlen(path);

    if (!text)
        text = "the dynamic loader gives no reason";
    if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0)
        text += len + 2;
    return refuse(why, why_cap, -ENOEXEC, "cannot be loaded: %s", text);
}

/* `head` is what was judged; the mapped descriptor must still say the same. */
static int object_open(struct plugin_file *f, const struct l7_plugin *head, char *why,
                       size_t why_cap)
{
    f->handle = dlopen(f->path, RTLD_NOW | RTLD_LOCAL);
    if (!f->handle)
        return refuse_dlerror(f->path, why, why_cap);
    const struct l7_plugin *mapped = dlsym(f->handle, L7_PLUGIN_SYMBOL);
    if (!mapped)
        return refuse_dlerror(f->path, why, why_cap);
    if (memcmp(mapped, head, HEAD_SIZE) != 0)
        return refuse(why, why_cap, -EAGAIN, "was replaced while it was being loaded: try again");
    memcpy(&f->plugin, mapped, head->size < sizeof(f->plugin) ? head->size : sizeof(f->plugin));
    if (!f->plugin.version)
        f->plugin.version = "";
    if (!f->plugin.summary)
        f->plugin.summary = "";
    return tables_read(f, why, why_cap);
}

/* "http" of "/plugins/http.so" */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t len = strlen(base);

    if (len >= 3 && strcmp(base + len - 3, ".so") == 0)
        len -= 3;
    return strndup(base, len);
}

int plugin_open(const char *path, struct plugin_file **out, char *why, size_t why_cap)
{
    struct l7_plugin head;
    struct plugin_file *f = calloc(1, sizeof(*f));

    if (!f)
        return refuse(why, why_cap, -ENOMEM, "out of memory");
    /* Without a slash dlopen would search the system's directories. */
    if (asprintf(&f->path, "%s%s", strchr(path, '/') ? "" : "./", path) < 0)
        f->path = NULL;
    f->name = name_of(path);
    int status = f->path && f->name ? head_read(f->path, f->name, &head, why, why_cap)
                                    : refuse(why, why_cap, -ENOMEM, "out of memory");
    if (!status)
        status = object_open(f, &head, why, why_cap);
    if (status) {
        plugin_close(f);
        return status;
    }
    *out = f;
    return 0;
}

void plugin_close(struct plugin_file *f)
{
    if (!f)
        return;
    if (f->handle && !KEEP_MAPPED)
        dlclose(f->handle);
    free(f->path);
    free(f->name);
    free(f);
}
