/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/ask.h"
#include "engine/where.h"

static void say(const char *what, const char *why)
{
    fprintf(stderr, "l7ctl: %s%s%s\n", what, why != NULL ? ": " : "", why != NULL ? why : "");
}

bool reach_offline(const struct words *w)
{
    return w->policies != NULL || w->plugins != NULL;
}

static bool replace(char **setting, const char *value)
{
    char *copy = value != NULL ? strdup(value) : NULL;
    if (copy != NULL) {
        free(*setting);
        *setting = copy;
    }
    return value == NULL || copy != NULL;
}

/* Defaults, and the configuration that was named. NULL: told why. */
static struct settings *settle(const char *config)
{
    struct settings *set = settings_new();
    struct problems *problems = problems_new();
    bool fine = set != NULL && problems != NULL &&
                (config == NULL || settings_read(set, config, problems) == 0);
    if (problems != NULL)
        problems_print(problems, stderr);
    problems_free(problems);
    if (!fine) {
        settings_free(set);
        set = NULL;
    }
    return set;
}

/* ---- files ---- */

struct engine *reach_files(const struct words *w, bool quiet)
{
    const char *policies = w->policies != NULL && !quiet ? w->policies : "";
    if (policies[0] != '\0' && access(policies, R_OK) != 0) {
        say(policies, strerror(errno));
        return NULL;
    }
    struct settings *set = settle(quiet ? NULL : w->config);
    struct problems *problems = problems_new();
    struct engine *e = NULL;
    if (set != NULL && strcmp(set->plugin_dir, L7_PLUGIN_DIR) == 0) {
        free(set->plugin_dir);
        set->plugin_dir = where_plugins();
    }
    bool fine = set != NULL && problems != NULL && replace(&set->plugin_dir, w->plugins) &&
                replace(&set->policy_dir, policies) && replace(&set->node_name, w->node);
    if (!fine)
        settings_free(set);
    else if (engine_open(set, problems, &e) < 0)
        e = NULL;
    if (problems != NULL && !quiet)
        problems_print(problems, stderr);
    problems_free(problems);
    return e;
}

/* ---- the daemon ---- */

/* The control socket of the daemon this machine has. NULL: told why. */
static char *find_socket(const struct words *w)
{
    if (w->socket != NULL)
        return strdup(w->socket);
    struct settings *set = settle(w->config);
    struct problems *unheard = problems_new();
    /* The configuration nobody named is read for this alone: mistakes in it are the daemon's
     * business. */
    if (set != NULL && unheard != NULL && w->config == NULL && access(REACH_CONFIG, R_OK) == 0 &&
        settings_read(set, REACH_CONFIG, unheard) < 0) {
        settings_free(set);
        set = settings_new();
    }
    problems_free(unheard);
    char *path = set != NULL ? strdup(set->control_socket) : NULL;
    settings_free(set);
    return path;
}

static void tell_problems(const json_t *reply)
{
    const json_t *list = json_object_get(reply, "problems");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *line = json_string_value(json_object_get(json_array_get(list, i), "message"));
        fprintf(stderr, "%s\n", line != NULL ? line : "");
    }
}

json_t *reach_daemon(const struct words *w, const char *command, const char *key, json_t *more)
{
    char error[512] = "out of memory";
    char *path = find_socket(w);
    json_t *question = json_pack("{s:s}", "command", command);
    if (more != NULL)
        json_object_set_new(question, key, more);
    json_t *reply = path != NULL ? ask(path, question, error, sizeof(error)) : NULL;
    json_t *result = json_incref(json_object_get(reply, "result"));
    tell_problems(reply);
    if (reply != NULL && result == NULL) {
        const char *why = json_string_value(json_object_get(reply, "error"));
        say(why != NULL ? why : "the daemon's answer is empty", NULL);
    } else if (path != NULL && result == NULL) {
        say(error, NULL);
    }
    json_decref(reply);
    json_decref(question);
    free(path);
    return result;
}
