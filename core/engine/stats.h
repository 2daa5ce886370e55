/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* stats: what became of every frame of a worker, and why.
 *
 * Each frame received is counted once more, as one of: forwarded, dropped (with a reason), rejected
 * (it was refused together with its flow), or held while it waits. A worker alone writes its stats.
 */

#include <stddef.h>
#include <stdint.h>

#define STATS_REASONS 96
#define STATS_REASON_LEN 40

struct reason_count {
    char reason[STATS_REASON_LEN];
    uint64_t count;
};

struct stats {
    uint64_t frames_received, frames_forwarded, frames_dropped, frames_rejected;
    uint64_t frames_held; /* now */
    uint64_t bytes_received;
    uint64_t resets_sent, unreachables_sent;
    uint64_t flows_opened, flows_governed, flows_refused, flows_denied;
    uint64_t transactions_allowed, transactions_refused;
    uint64_t records;                            /* handed to the logger */
    uint64_t streamed;                           /* messages that had to stream undecided [L7-28] */
    struct reason_count drops[STATS_REASONS];    /* frames, by reason */
    struct reason_count refusals[STATS_REASONS]; /* flows, by reason */
};

/* Count one. Reasons beyond the table's size, and what is no slug, share its last entry, "other".
 */
void stats_count(struct reason_count *table, const char *reason);
/* Add `from` to `to`, for totals over workers. */
void stats_add(struct stats *to, const struct stats *from);
