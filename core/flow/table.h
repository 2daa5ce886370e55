/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* table: the flows of one worker.
 *
 * In    packets
 * Out   the flow of each, which way it goes, and flows that have been idle too long
 * Not   whether a flow may pass (engine), what its bytes mean
 * Life  new (find | open | touch | expire)* free
 *
 * A flow is keyed by VLAN ids, addresses, protocol and ports; both directions have one key. ICMP
 * echoes and the like are keyed by identifier and kind, a request and its answer together.
 * Flows wait in one list per kind of life (enum flow_life), the longest idle first; when the
 * table is full the kinds that cost the least give way, established flows last and never for a
 * new one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/list.h"
#include "flow/packet.h"
#include "l7guard/types.h"

enum flow_life {
    FLOW_TCP_OPENING,
    FLOW_TCP_OPEN,
    FLOW_TCP_CLOSING,
    FLOW_OTHER_NEW, /* not TCP, no answer yet */
    FLOW_OTHER_REPLIED,
    FLOW_REFUSED,
    FLOW_LIVES, /* how many there are */
};

struct flow_key {
    struct l7_address a, b; /* ordered: (a, a_port) is not above (b, b_port) */
    uint16_t a_port, b_port;
    uint16_t vlan[2];
    uint8_t proto;
    uint8_t opener; /* ICMP: 1 when `a` asked, 2 when `b` did; else 0 */
};

struct flow {
    struct list life_link;
    struct flow *hash_next;
    uint64_t hash;
    struct flow_key key;
    bool client_is_a;
    uint8_t life;                 /* enum flow_life */
    uint8_t icmp_type, icmp_code; /* of the first packet */
    uint8_t fins;                 /* TCP: bit per direction that has sent FIN; 4: RST seen */
    uint64_t id;                  /* for records: non-zero, below 2^51 */
    uint64_t start_ns, last_ns;
    uint64_t packets[2], bytes[2]; /* by enum l7_dir */
    /* The owner's part follows: flow_extra(). */
};

struct table;

/* `extra` bytes, zeroed, come with every flow; `drop` is called for each flow before its memory
 * goes, whoever ends it. Idle times in nanoseconds by enum flow_life. NULL: no memory. */
struct table *table_new(size_t max_flows, size_t extra, const uint64_t idle_ns[FLOW_LIVES],
                        void (*drop)(void *ctx, struct flow *flow), void *ctx);
void table_free(struct table *t);

static inline void *flow_extra(struct flow *f)
{
    return f + 1;
}

static inline const void *flow_extra_const(const struct flow *f)
{
    return f + 1;
}

/* The flow of a packet and the packet's direction in it; NULL: none. */
struct flow *table_find(struct table *t, const struct packet *p, enum l7_dir *dir);

/* The flow that an ICMP error quotes, if the error goes to the sender of what it quotes: others it
 * tells nothing. NULL: none. */
struct flow *table_find_quoted(struct table *t, const struct packet *p);

/* A new flow opened by the packet's sender, or with `reversed` by its receiver (the first packet
 * seen was an answer). NULL: the table is full of flows that are worth more, or no memory. */
struct flow *table_open(struct table *t, const struct packet *p, bool reversed, uint64_t now_ns);

/* A packet of the flow has come: its idle time starts again. */
void table_touch(struct table *t, struct flow *f, uint64_t now_ns);
void table_set_life(struct table *t, struct flow *f, enum flow_life life);
void table_remove(struct table *t, struct flow *f);

/* End flows idle for too long, at most `limit` of them; returns how many. */
size_t table_expire(struct table *t, uint64_t now_ns, size_t limit);

size_t table_count(const struct table *t);
uint64_t table_evicted(const struct table *t); /* flows that gave way to new ones */

/* Visit all flows; the visitor may not change the table. Stops when it returns false. */
void table_visit(struct table *t, bool (*visit)(void *ctx, struct flow *f), void *ctx);

/* The ends of a flow as its client sees them. */
static inline const struct l7_address *flow_client(const struct flow *f)
{
    return f->client_is_a ? &f->key.a : &f->key.b;
}
static inline const struct l7_address *flow_server(const struct flow *f)
{
    return f->client_is_a ? &f->key.b : &f->key.a;
}
static inline uint16_t flow_client_port(const struct flow *f)
{
    return f->client_is_a ? f->key.a_port : f->key.b_port;
}
static inline uint16_t flow_server_port(const struct flow *f)
{
    return f->client_is_a ? f->key.b_port : f->key.a_port;
}
