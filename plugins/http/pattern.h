/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* pattern: a policy's patterns in the form requests are compared in [L7-10], [L7-14], [L7-18]. */

#include "l7guard/inspector.h"

enum l7_pattern http_pattern(const void *self, unsigned field, struct l7_bytes text,
                             struct l7_text *out, struct l7_text *note);

/* Printable text for a note; what does not fit is cut. */
void note_write(struct l7_text *note, const char *text);
