/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* report: what the daemon knows of itself, as JSON, for the control socket.
 *
 * In    an engine, on the main thread; what workers know is asked of them
 * Out   new references; NULL: no memory
 * Not   how it looks to people (render.c), how it travels (control.c)
 */

#include <jansson.h>
#include "engine/engine.h"

#define REPORT_FLOWS_DEFAULT 1000
#define REPORT_FLOWS_MAX 100000

json_t *report_status(struct engine *e);
json_t *report_plugins(const struct registry *r);
/* `e` may have no workers: then nothing has decided anything yet. */
json_t *report_policies(struct engine *e);
/* At most `limit` flows, with "truncated": true when there are more. */
json_t *report_flows(struct engine *e, size_t limit);
/* [{"level", "file", "line", "column", "field", "text", "message"}]; `message` is the whole line.
 */
json_t *report_problems(const struct problems *list);
