/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control: the control socket: one JSON request a line, one JSON answer a line.
 *
 * Life  open close
 */

#include <uv.h>
#include "engine/engine.h"

struct control;

/* Listen on settings->control_socket, on the main thread's loop. A socket left over from a dead
 * daemon is replaced; one that answers is not. 0, or negative errno with a problem. */
int control_open(uv_loop_t *loop, struct engine *e, struct problems *problems,
                 struct control **out);
void control_close(struct control *c);
