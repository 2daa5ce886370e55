/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* judged: what the engine knows of a flow beyond the table: the rules that decided it, and what is
 * done with its packets. It lies behind struct flow, in flow_extra(). */

#include <stdbool.h>
#include <stdint.h>
#include "policy/policy.h"

enum fate {
    FATE_PASS,     /* no L7 rule: its packets are forwarded, perhaps watched for the log */
    FATE_GOVERNED, /* one or two L7 rules judge its transactions */
    FATE_DENIED,   /* the decision on addresses and ports was drop or reject */
    FATE_REFUSED,  /* it was allowed to begin and then refused; both ends were reset */
};

struct plugin;
struct session;

struct judged {
    struct snapshot *snapshot; /* one reference; the rules below belong to it */
    const struct rule *egress; /* deciding rules; NULL: none */
    const struct rule *ingress;
    const struct plugin *claim; /* the inspector that had it last; NULL: none */
    struct session *session;    /* NULL: nobody reads its bytes */
    uint8_t fate;               /* enum fate */
    bool midstream;             /* its beginning was not seen */
    bool reject;                /* FATE_DENIED: answer each packet */
    bool answered;              /* the server has agreed to the client's sequence numbers */
    bool syn_again;             /* the client has sent a SYN since */
    bool facing;                /* the server's packets come from opposite the client's */
    bool passed_any;            /* `passed` is known */
    uint32_t passed;        /* end of the client's bytes that passed while no L7 rule governed */
    uint32_t syn;           /* the client's first sequence number, once known */
    uint32_t server_syn;    /* the server's; both belong to the connection that is judged */
    uint64_t client_ifaces; /* where the client's packets came in: bit per number, modulo 64 */
    uint64_t logged_ns;     /* when a denial was last logged */
};

/* The rule that records name when the flow is allowed: the ingress one, if there is one. */
static inline const struct rule *judged_rule(const struct judged *j)
{
    return j->ingress != NULL ? j->ingress : j->egress;
}
