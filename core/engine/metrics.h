/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* metrics: counters in the Prometheus text format, over HTTP, at settings->metrics.
 *
 * Life  open close
 */

#include <uv.h>
#include "engine/engine.h"

struct metrics;

int metrics_open(uv_loop_t *loop, struct engine *e, struct problems *problems,
                 struct metrics **out);
void metrics_close(struct metrics *m);
