/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* target: the four forms of a request target (RFC 9112 §3.2), and host names with ports.
 *
 * In    the target as sent; an authority or Host value
 * Out   slices of it; for the wire, whether readers could disagree on it
 * Not   dot segments and escapes (path.h)
 */

#include "l7guard/types.h"

#define HOST_MAX 255 /* bytes of a host name */

enum target_form {
    TARGET_ORIGIN,    /* /path?query */
    TARGET_ABSOLUTE,  /* http://authority/path?query */
    TARGET_AUTHORITY, /* host:port, of CONNECT */
    TARGET_ASTERISK,  /* "*", of OPTIONS */
};

struct target {
    enum target_form form;
    struct l7_bytes scheme;    /* absolute */
    struct l7_bytes authority; /* absolute, authority */
    struct l7_bytes path;      /* up to the first '?'; "/" for an absolute one without */
    struct l7_bytes query;     /* behind it */
    bool has_query;
};

/* Split by form [L7-18].1. NULL, or why it has none. */
const char *target_read(struct l7_bytes text, struct l7_bytes method, struct target *out);

/* What makes a split target unfit for the wire: a scheme or byte that has no place there. */
const char *target_refusal(const struct target *t, struct l7_bytes method);

struct authority {
    struct l7_bytes host; /* as written, IPv6 brackets and trailing dots included */
    struct l7_bytes name; /* without them: the effective host of [L7-14], its case as written */
    bool has_port;
    uint32_t port; /* 65536: beyond what a port can be */
};

/* uri-host [ ":" port ], nothing else [L7-14]. NULL, or why not. An empty host is bad. */
const char *authority_read(struct l7_bytes text, struct authority *out);

/* The Host header beside a target with an authority [L7-15]: NULL, or how they differ. */
const char *authority_differs(const struct target *t, const struct authority *target,
                              const struct authority *host);
