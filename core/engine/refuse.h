/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* refuse: carry a refusal out: the alert, the resets, and silence for the rest of the flow.
 * [L7-34]; "Actions" in docs/policy.md. */

#include "engine/session.h"

/* End a flow that was allowed to begin. `p` is the packet that brought the decision, NULL when
 * there is none (a time-out). The session, if any, is freed. */
void refuse_flow(struct worker *w, struct flow *f, enum l7_dir dir, const struct packet *p,
                 const struct rule *rule, const char *reason);

/* A judged flow is forgotten while its ends may still think it open: reset them, so that it cannot
 * go on where nobody knows what was read. */
void refuse_forgotten(struct worker *w, struct flow *f);

/* The server still speaks on a refused flow: the reset did not reach it, or had a number it does
 * not believe. What it acknowledges is what it expects. */
void refuse_late(struct worker *w, const struct packet *p);

/* The first packet of a flow, or a later one, is denied by an L3/L4 rule: answer it if the action
 * is reject, log it if the rule says so. */
void refuse_packet(struct worker *w, struct flow *f, enum l7_dir dir, const struct packet *p,
                   const struct rule *rule, bool reject, const char *reason);
