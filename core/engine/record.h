/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* record: what was decided, as log plugins get it. */

#include "engine/session.h"
#include "engine/tx.h"

/* An allowed transaction is complete, or its flow has ended (`unfinished`). */
void record_transaction(struct worker *w, const struct flow *f, const struct tx *tx,
                        const struct packet *p, bool unfinished);

/* A denial: alert, and with the rule's enableLogging a packet record. `frame` is what to show;
 * `attrs_of` may be NULL. `keyword`: the claiming inspector's, NULL: unclaimed. */
struct denial {
    const struct rule *rule;
    const char *reason;
    const char *keyword;
    const char *app_proto;
    const struct tx *tx;
    enum l7_dir dir;             /* of the packet */
    const struct packet *packet; /* NULL: none */
    struct l7_bytes frame;
    uint32_t frame_link;
    uint64_t time_ns;
};
void record_denial(struct worker *w, const struct flow *f, const struct denial *d);

/* A flow is forgotten: because it was idle (`timeout`), or in the way. */
void record_flow(struct worker *w, const struct flow *f, bool timeout);

/* First packet of a connection whose deciding rule has enableLogging [NAME-4]. */
void record_connection(struct worker *w, const struct flow *f, const struct packet *p,
                       const struct rule *rule, const char *action);
