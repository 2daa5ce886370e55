/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* keyword: l7Protocols against the tables of the loaded inspectors. [L7-1..4] [V41..V44] */

#include "policy/pattern.h"
#include "policy/port.h"
#include "policy/read.h"

/* `list` is there. Items go to rule->items; `kinds` are for V39 and V40. */
void l7_read(struct load *l, const struct at *list, const struct port_kinds *kinds,
             struct rule *rule);
