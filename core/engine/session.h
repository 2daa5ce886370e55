/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* session: a TCP flow whose bytes are read: both streams, the inspector that claimed it, its
 * transactions, and the client's frames that wait for a verdict.
 *
 * In    packets of the flow, in the order they arrive
 * Out   an outcome for each; frames that may go on; a refusal
 * Not   decoding, flow lookup, which rules govern (pipeline.c); what a packet of the client's may
 *       be (client.c); who reads the bytes (feed.c), and how those are followed that pass whatever
 *       they say (watch.c); which bytes go on to the server (deliver.c); how a refusal looks
 *       (refuse.c)
 *
 * A governed session delivers to the server only bytes below `clear`. Hold modes: [L7-28].
 */

#include "engine/pipeline.h"
#include "flow/hold.h"
#include "flow/stream.h"
#include "l7guard/inspector.h"

struct tx;

#define WINDOW_MAX (1ull << 30) /* no receiver's window is larger (RFC 7323 2.3) */

struct session {
    struct worker *worker;
    struct flow *flow;
    struct judged *judged;
    bool governed;              /* rules judge it; else it is only watched for the log */
    bool opaque;                /* nothing in it needs looking at any more */
    bool midstream;             /* the next client payload must be recognisable as a beginning */
    bool streaming;             /* the message at hand is forwarded as far as it was read */
    bool waiting;               /* the inspector waits for the other direction */
    bool reading[2];            /* is the direction fed at all */
    bool ended[2];              /* its FIN was reached */
    bool busy;                  /* inside a callback of the inspector */
    const struct plugin *claim; /* the inspector that has the flow; NULL: none yet, or no more */
    void *state;                /* what it remembers of the flow: zeroed, state_size long */
    bool opened;                /* its open() succeeded: end() and close() are owed */
    uint64_t no_mask;           /* by keyword id: probes that said no */
    struct stream stream[2];    /* by enum l7_dir */
    struct hold hold;           /* client frames above `clear` */
    struct hold ahead[2];       /* watched directions: copies of frames beyond a hole */
    uint64_t clear;             /* the client's bytes below this may go to the server */
    size_t needed[2];           /* bytes the inspector wants to see at once; fewer are not shown */
    uint64_t skip[2];           /* length of the skip that `done` stands behind, 0: none */
    uint32_t next_seq[2];       /* what the receiver expects next, as far as we can tell */
    bool has_next[2];
    bool has_acked;
    uint32_t acked; /* the server's last acknowledgement: what it surely expects */
    bool gapped; /* bytes of the server were missed: what it is read to say may not be its answer */
    uint8_t link[128]; /* the client's link header, for packets we make without a model */
    uint16_t link_len;
    uint16_t link_type, iface;
    uint16_t vlan[3];
    uint8_t vlan_count;
    struct list txs; /* oldest first */
    size_t tx_count;
    struct list tx_open; /* those not judged, oldest first */
    size_t tx_memory;
    int64_t tx_next;            /* number of the next transaction */
    struct list undecided_link; /* in worker->undecided, while something waits */
    uint64_t undecided_since;   /* 0: nothing waits */
    size_t memory;              /* as counted in worker->stream_memory */
    /* why the flow is to be refused; NULL: it is not */
    const char *refuse_reason;
    const struct rule *refuse_rule;
    struct tx *refuse_tx;
    const struct packet *packet; /* the one at hand; NULL outside */
};

/* NULL: no memory. */
struct session *session_new(struct worker *w, struct flow *f, struct judged *j, bool governed);
/* Ends the inspector's part, writes records of what was allowed and is unfinished. Frames that
 * still wait count as rejected. */
void session_free(struct session *s);

/* The flow came under L7 rules, or is no longer, or under others. */
void session_regovern(struct session *s, bool governed);

/* Has all that the server acknowledged been read, by the inspector that has the flow? */
bool session_is_in_step(struct session *s);

/* The client's bytes begin after sequence number `syn`. */
void session_begin(struct session *s, uint32_t syn);

/* [L7-26] Data on a SYN is client payload: send the handshake on without it. */
void session_strip_syn(struct worker *w, const struct packet *p, size_t frames);

/* One TCP packet; `dir` is its direction. On OUTCOME_DROP `*reason` is set. When the session wants
 * the flow refused it has set refuse_reason: the caller calls refuse_flow(), which frees it. */
enum outcome session_packet(struct session *s, enum l7_dir dir, const struct packet *p,
                            const struct carrier *carrier, const char **reason);

/* May the flow take `n` bytes more? What is left is shared: the more flows keep, the less each may.
 */
bool session_memory_left(const struct session *s, size_t n);

/* The flow is to be refused; the first reason counts. */
void session_refuse(struct session *s, const char *reason);

/* Has it waited for a decision for longer than the limit? */
bool session_overdue(const struct session *s, uint64_t now_ns);
