/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stats.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define OTHER "other"

/* Reasons are slugs; what a plugin gives in another form shares one entry with what has no room. */
static bool is_slug(const char *s)
{
    size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len > 0 && s[len] == '\0' && strcmp(s, OTHER) != 0;
}

static struct reason_count *find(struct reason_count *table, const char *reason)
{
    for (size_t i = 0; is_slug(reason) && i < STATS_REASONS - 1; i++) {
        if (table[i].reason[0] == '\0')
            snprintf(table[i].reason, STATS_REASON_LEN, "%s", reason);
        if (strncmp(table[i].reason, reason, STATS_REASON_LEN - 1) == 0)
            return &table[i];
    }
    struct reason_count *last = &table[STATS_REASONS - 1];
    snprintf(last->reason, STATS_REASON_LEN, OTHER);
    return last;
}

void stats_count(struct reason_count *table, const char *reason)
{
    find(table, reason)->count++;
}

static void add_reasons(struct reason_count *to, const struct reason_count *from)
{
    for (size_t i = 0; i < STATS_REASONS; i++)
        if (from[i].count > 0)
            find(to, from[i].reason)->count += from[i].count;
}

void stats_add(struct stats *to, const struct stats *from)
{
    to->frames_received += from->frames_received;
    to->frames_forwarded += from->frames_forwarded;
    to->frames_dropped += from->frames_dropped;
    to->frames_rejected += from->frames_rejected;
    to->frames_held += from->frames_held;
    to->bytes_received += from->bytes_received;
    to->resets_sent += from->resets_sent;
    to->unreachables_sent += from->unreachables_sent;
    to->flows_opened += from->flows_opened;
    to->flows_governed += from->flows_governed;
    to->flows_refused += from->flows_refused;
    to->flows_denied += from->flows_denied;
    to->transactions_allowed += from->transactions_allowed;
    to->transactions_refused += from->transactions_refused;
    to->records += from->records;
    to->streamed += from->streamed;
    add_reasons(to->drops, from->drops);
    add_reasons(to->refusals, from->refusals);
}
