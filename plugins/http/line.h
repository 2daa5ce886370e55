/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* line: the first line of a message, RFC 9112 §3 and §4. Pure. */

#include "l7guard/types.h"

#define LINE_METHOD_MAX 32 /* bytes of a method; the longest registered one has 17 */

struct request_line {
    struct l7_bytes method, target, version; /* empty where the line was unreadable */
    bool minor;                              /* true: HTTP/1.1, false: HTTP/1.0 */
};

/* NULL, or why the line is bad; then what could be read is set all the same, for the record. */
const char *request_line_read(struct l7_bytes line, struct request_line *out);

/* Of a registered method (RFC 9110, WebDAV and its kin) nobody doubts that it is HTTP. */
bool method_is_known(struct l7_bytes method);

struct status_line {
    int64_t status; /* the leading digits */
    bool minor;
};

const char *status_line_read(struct l7_bytes line, struct status_line *out);
