/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tx: transactions: what inspectors say of them is kept, compared with the governing rules, and
 * recorded when they are complete. Implements the tx_* services of the host table. */

#include "engine/session.h"
#include "policy/match.h"

struct tx_attr {
    bool set;
    struct l7_value value; /* string: in the arena */
};

struct tx_chunk;

struct tx {
    struct list link;
    struct list open_link; /* while it is not judged */
    size_t memory;
    struct session *session; /* NULL in explain */
    const struct plugin *claim;
    int64_t id;
    enum l7_judgement judgement;
    bool decided;
    const struct rule *rule;   /* the one that refused it, else the one that reports */
    struct snapshot *snapshot; /* one reference: keeps `rule` */
    struct field *fields;      /* claim->inspector->field_count of them */
    struct tx_attr *attrs;
    struct tx_chunk *chunks;
    /* Explain: rules to judge by, instead of a session's. */
    const struct rule *rules[2];
};

/* A transaction outside any session, judged by up to two rules (NULL: none). NULL: no memory. */
struct tx *tx_new(const struct plugin *claim, const struct rule *egress,
                  const struct rule *ingress);
void tx_free(struct tx *tx);

/* The services, for registry_new(): only the tx_* functions are set. */
const struct l7_host *tx_services(void);

/* A session ends: record what was allowed, free all. */
void tx_close_all(struct session *s);
/* The oldest transaction not decided; NULL: none. */
struct tx *tx_undecided(struct session *s);
