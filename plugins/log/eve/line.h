/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* line: a record as one line of the event log.
 *
 * In    a record, borrowed for the call, and the style that was configured
 * Out   one JSON object and a line feed; keys in the order of docs/eve.md
 * Not   whether the event is wanted (eve.c), where it goes (dayfile.h)
 */

#include <stdbool.h>
#include <stddef.h>
#include "l7guard/log.h"
#include "stamp.h"
#include "text.h"

struct line_style {
    bool alert_fields;  /* an alert has the denied message's object ("http", "tls") */
    bool alert_packet;  /* an alert has the frame inside */
    bool packet_events; /* a frame to be logged is an event of its own */
    bool policy;        /* lines end with the policy that decided */
    size_t value_limit; /* bytes of one value; the rest is cut off */
};

/* Put the record's line into `t`, which is cleared first. True: there is a line in `t` unless
 * t->failed. False: in this style such a record has no line. */
bool line_write(struct text *t, struct stamp *stamp, const struct line_style *style,
                const struct l7_record *record);
