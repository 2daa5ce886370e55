/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* check: are the tables of an opened plugin complete and sound?
 *
 * In    structs copied from the plugin, at this host's sizes
 * Out   true, or the sentence that names the first thing missing or wrong
 */

#include <stdbool.h>
#include <stddef.h>
#include "l7guard/capture.h"
#include "l7guard/inspector.h"
#include "l7guard/log.h"

#define FIELDS_MAX 64
#define ATTRS_MAX 256
#define STATE_SIZE_MAX (1024u * 1024) /* a flow */

bool inspector_check(const struct l7_inspector *ops, char *why, size_t why_cap);
bool capture_check(const struct l7_capture *ops, char *why, size_t why_cap);
bool log_check(const struct l7_log *ops, char *why, size_t why_cap);
