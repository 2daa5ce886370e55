/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ask: one question to a running daemon. The other end of control.h; blocks. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The reply: {"ok": true, "result": ...} or {"ok": false, "error": ...}. NULL: there was none, and
 * `error` says why. */
json_t *ask(const char *socket_path, const json_t *question, char *error, size_t cap);
