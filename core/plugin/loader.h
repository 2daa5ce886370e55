/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* loader: one shared object, judged before any code of it runs, then opened.
 *
 * The head of the descriptor is read from the ELF file (libelf); only a plugin this host can
 * serve is mapped. Every refusal is one exact sentence.
 */

#include <stddef.h>
#include "l7guard/capture.h"
#include "l7guard/inspector.h"
#include "l7guard/log.h"
#include "l7guard/plugin.h"

struct plugin_file {
    char *path;
    char *name;
    void *handle;                  /* dlopen's */
    struct l7_plugin plugin;       /* our size: what the file's shorter struct lacks is zero */
    struct l7_inspector inspector; /* likewise, for inspectors */
    struct l7_capture capture;
    struct l7_log log;
};

/* 0 and an open plugin; or negative errno and the sentence in `why` (without the path). */
int plugin_open(const char *path, struct plugin_file **out, char *why, size_t why_cap);
/* Under sanitizers the object stays mapped, so that reports keep their names. */
void plugin_close(struct plugin_file *f);
