/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* host: the table of services that one plugin is handed.
 *
 * In    the engine's transactions (services), a name, the log directory
 * Out   struct l7_host, whose diagnostics carry the plugin's name
 * Life  new free
 */

#include "l7guard/host.h"

struct host;

/* `services` supplies the tx_* functions (NULL: none); `log_dir` is borrowed until free. */
struct host *host_new(const struct l7_host *services, const char *plugin, const char *log_dir);
void host_free(struct host *h);
const struct l7_host *host_table(const struct host *h);
