/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* pending: requests that were let through and wait for their reply, oldest first.
 *
 * Life  zeroed (push | pop)* fini
 */

#include "l7guard/host.h"

/* What the reply to a request may bring. */
enum reply_kind {
    REPLY_NORMAL,
    REPLY_CONNECT, /* 2xx: what follows is a tunnel */
    REPLY_UPGRADE, /* 101: what follows is another protocol */
    REPLY_H2C,     /* ... which may be HTTP/2 */
};

struct pending_entry {
    struct l7_tx *tx; /* NULL: a request that nobody saw */
    enum reply_kind kind;
    bool bodiless; /* it asked with HEAD */
};

struct pending {
    struct pending_entry first[4]; /* enough for most flows */
    struct pending_entry *ring;    /* NULL: `first` */
    size_t cap, head, count;
};

/* 0; -ENOSPC when `max` are waiting, -ENOMEM. */
int pending_push(struct pending *p, size_t max, struct pending_entry entry);
/* False: none is waiting. */
bool pending_pop(struct pending *p, struct pending_entry *out);
/* What a client says next can only be understood when the last request was answered. */
bool pending_blocks(const struct pending *p);
void pending_fini(struct pending *p);
