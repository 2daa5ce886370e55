/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* options: a plugin's option table, and the settings of one instance checked against it.
 *
 * config_new, config_new_pairs and config_free are declared in registry.h; what follows is what
 * the host table hands to plugins, and what the loader asks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "l7guard/host.h"
#include "l7guard/plugin.h"

/* Is the table itself sound: keys, types, defaults? False: the sentence is in `why`. */
bool options_check(const struct l7_option *options, size_t count, char *why, size_t why_cap);

/* For struct l7_host. A key that is not in the table is the plugin's mistake: it is told, and
 * reads as "", 0 and false. */
const char *config_text(const struct l7_config *config, const char *key);
int64_t config_number(const struct l7_config *config, const char *key);
bool config_bool(const struct l7_config *config, const char *key);
size_t config_count(const struct l7_config *config, const char *key);
const char *config_item(const struct l7_config *config, const char *key, size_t index);
