/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* reach: where l7ctl gets its answers from: a running daemon, or plugins and policies it loads
 * itself. What goes wrong is told on standard error, here.
 */

#include <jansson.h>
#include <stdbool.h>
#include "engine/engine.h"
#include "engine/words.h"

#define REACH_CONFIG "/etc/l7guard/l7guard.yaml" /* unless another is named */

/* Does the command line name files, so that no daemon is asked? */
bool reach_offline(const struct words *w);

/* Plugins and policies as the command line and the configuration name them. NULL: told why.
 * `quiet`: of no interest why; plugins only. engine_close() frees it. */
struct engine *reach_files(const struct words *w, bool quiet);

/* The "result" of the daemon's reply to `command`. `more`, if there is one, goes with it as `key`
 * and is taken. NULL: told why. */
json_t *reach_daemon(const struct words *w, const char *command, const char *key, json_t *more);
