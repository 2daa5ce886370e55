/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* logger: records from workers to log plugins, off the packet path.
 *
 * In    records whose bytes are borrowed for the call (any worker)
 * Out   write() of every log instance, on one writer thread, in order
 * Life  new add* start (put | reopen)* stop free
 *
 * put() copies the record, flat, into a bounded queue and returns at once. When the queue is full
 * the record is lost and counted. The queue never wakes the writer more than needed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "l7guard/log.h"

struct logger;

struct logger_stats {
    uint64_t put;    /* records taken */
    uint64_t lost;   /* records the full queue could not take */
    uint64_t failed; /* write() said no */
    uint64_t queued_bytes;
};

struct logger *logger_new(size_t queue_bytes);
/* Takes an opened instance; closed at free. Before start only. 0 or negative errno. */
int logger_add(struct logger *l, const struct l7_log *ops, void *self);
int logger_start(struct logger *l);
/* Does any instance want records of this type? Any thread. */
bool logger_wants(const struct logger *l, enum l7_record_type type);
/* False: lost. Any thread. */
bool logger_put(struct logger *l, const struct l7_record *record);
/* The writer will call reopen() of all instances before the next record. */
void logger_reopen(struct logger *l);
/* Write all that is queued, then end the thread. Idempotent. */
void logger_stop(struct logger *l);
void logger_free(struct logger *l);
void logger_stats(const struct logger *l, struct logger_stats *out);
