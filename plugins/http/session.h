/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* session: what the inspector remembers about one flow, and the words its two halves share.
 *
 * request.c reads the client's bytes and asks for a judgement, response.c reads the server's and
 * completes the record; they meet in `pending`. Neither calls the other.
 *
 *     request   HEAD -> BODY -> HEAD ...          LOST after a gap, until a request line
 *     response  HEAD -> BODY -> HEAD ...          LOST likewise; IGNORE to the end
 */

#include "body.h"
#include "head.h"
#include "l7guard/inspector.h"
#include "pending.h"

enum http_field { FIELD_PATH, FIELD_HOST, FIELD_METHOD, FIELD_COUNT };

enum http_attr {
    ATTR_HOSTNAME,
    ATTR_PORT,
    ATTR_URL,
    ATTR_USER_AGENT,
    ATTR_XFF,
    ATTR_CONTENT_TYPE,
    ATTR_RANGE_RAW,
    ATTR_RANGE_START,
    ATTR_RANGE_END,
    ATTR_RANGE_SIZE,
    ATTR_REFERER,
    ATTR_METHOD,
    ATTR_PROTOCOL,
    ATTR_STATUS,
    ATTR_REDIRECT,
    ATTR_LENGTH,
    ATTR_COUNT,
};

/* The plugin, loaded: the `self` of every call. */
struct http {
    const struct l7_host *host;
    size_t max_head;
    size_t max_pipelined;
};

enum side { SIDE_HEAD, SIDE_BODY, SIDE_LOST, SIDE_IGNORE };

struct session {
    enum side request;
    struct head request_head;
    struct body request_body;
    struct l7_tx *tx;   /* of the request that is being read; NULL before its first line */
    bool announced;     /* its method and path were given to the rules */
    bool refused;       /* a rule said so: nothing more is consumed */
    bool close;         /* a request said it is the last */
    bool h2c;           /* the server went on in HTTP/2 */
    const char *broken; /* why the client's bytes are not read any more */
    uint64_t requests;  /* let through so far */
    struct pending pending;

    enum side response;
    struct head response_head;
    struct body response_body;
    struct pending_entry reply; /* the request whose reply's body is being read */
    bool reply_unreadable;      /* what follows from the server is not understood */
};

enum l7_step request_feed(const struct http *http, struct session *s, struct l7_flow *flow,
                          struct l7_bytes in, struct l7_progress *progress);
void request_gap(struct session *s, uint64_t len);

enum l7_step response_feed(const struct http *http, struct session *s, struct l7_bytes in,
                           struct l7_progress *progress);
void response_gap(const struct http *http, struct session *s, uint64_t len);
void response_end(const struct http *http, struct session *s, uint64_t skipped);

/* Is this the beginning of a request; of a reply. Used by the plugin's probe and after gaps. */
enum l7_probe request_probe(struct l7_bytes seen);
enum l7_probe response_probe(struct l7_bytes seen);

void attr_text(const struct http *http, struct l7_tx *tx, enum http_attr attr,
               struct l7_bytes text);
void attr_number(const struct http *http, struct l7_tx *tx, enum http_attr attr, uint64_t number);
/* A header of a finished head, if it is there and not empty. */
void attr_header(const struct http *http, struct l7_tx *tx, enum http_attr attr,
                 const struct head *h, struct l7_bytes in, enum header id);

/* Give a field its value; the judgement so far. */
enum l7_judgement field_emit(const struct http *http, struct l7_tx *tx, enum http_field field,
                             const struct l7_bytes *forms, size_t count);

/* BREAK, with the reason. */
enum l7_step session_break(struct l7_progress *progress, const char *reason);

/* What requests on the wire and examples on a command line say in the same way. */
struct target;
struct authority;
struct path;
enum l7_judgement field_emit_path(const struct http *http, struct l7_tx *tx,
                                  const struct target *target, const struct path *path);
/* Lower-cased; NULL: the host is there but nobody can rely on it [L7-15]. */
enum l7_judgement field_emit_host(const struct http *http, struct l7_tx *tx,
                                  const struct authority *host);
void attr_host(const struct http *http, struct l7_tx *tx, const struct authority *host);
