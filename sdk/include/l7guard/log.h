/* SPDX-License-Identifier: Apache-2.0 */
/* log: a plugin that takes records.
 *
 * Life:  open (write | tick | reopen)* close
 *
 * Threads: all calls of an instance come from one writer thread, never from the one that carries
 * traffic. A slow log loses records in the host's queue, which counts them; it never delays a
 * frame.
 */
#ifndef L7GUARD_LOG_H
#define L7GUARD_LOG_H

#include "l7guard/host.h"
#include "l7guard/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum l7_record_type {
    L7_RECORD_TRANSACTION = 1, /* an allowed, finished exchange */
    L7_RECORD_ALERT = 2,       /* a denial */
    L7_RECORD_PACKET = 3,      /* the denied frame, for rules with enableLogging */
    L7_RECORD_CONNECTION = 4,  /* the first packet of a connection whose rule has enableLogging */
    L7_RECORD_FLOW = 5,        /* a flow has ended: attributes state, reason, alerted, action */
};
#define L7_RECORD_BIT(type) (1u << (type))

struct l7_record_attr {
    const char *name; /* see struct l7_attr */
    struct l7_value value;
};

/* An address in network byte order; family 4 or 6. */
struct l7_address {
    uint8_t family;
    uint8_t bytes[16];
};

/* Which rule decided; parts that do not apply are NULL. */
struct l7_record_policy {
    const char *reference;  /* "AntreaNetworkPolicy:ns/name" [NAME-3] */
    const char *namespace_; /* of the policy */
    const char *name;
    const char *rule;
    const char *tier;
    const char *direction; /* "Ingress", "Egress" */
    const char *action;    /* "Allow", "Drop", "Reject", "Redirect" */
    const char *log_label;
    const char *reason; /* why: a slug such as "no-match", "server-first", "bad-chunk-size" */
    bool enable_logging;
};

struct l7_record_flow {
    uint64_t pkts_toserver;
    uint64_t pkts_toclient;
    uint64_t bytes_toserver; /* whole frames */
    uint64_t bytes_toclient;
    uint64_t start_ns;
    uint64_t end_ns;
    struct l7_address client, server;
    uint16_t client_port, server_port;
};

/* One record. Everything it points to is valid during write() only. */
struct l7_record {
    uint32_t size;
    uint32_t type; /* enum l7_record_type */
    uint64_t time_ns;
    uint64_t flow_id; /* non-zero, below 2^51 */
    const char *in_iface;
    uint16_t vlan[3];
    uint8_t vlan_count;
    uint8_t proto;      /* IP protocol number */
    uint32_t tenant_id; /* the deciding rule's id [VLAN-1]; 0: none */
    struct l7_address src, dst;
    uint16_t src_port, dst_port;
    uint8_t icmp_type, icmp_code;
    const char *pkt_src;   /* "wire/pcap", "defrag", "stream (flow timeout)" */
    int64_t tx_id;         /* -1: none */
    const char *keyword;   /* the inspector's; NULL when unclaimed */
    const char *app_proto; /* keyword, or "failed"; NULL: not applicable */
    const struct l7_record_attr *attrs;
    size_t attr_count;
    struct l7_record_policy policy;
    struct l7_record_flow flow;
    struct l7_bytes packet; /* ALERT, PACKET: the frame from its link header */
    uint32_t packet_link;   /* its link type */
    uint32_t reserved;
};

struct l7_log {
    uint32_t size;
    uint32_t flags;

    /* Mandatory. 0, or negative errno after one diag(). With `check` set only look whether it
     * would work; *self stays untouched. */
    int (*open)(const struct l7_host *host, const struct l7_config *config, bool check,
                void **self);
    /* Mandatory. 0, or negative errno: the record is counted as lost. */
    int (*write)(void *self, const struct l7_record *record);
    /* Optional. About once a second, with the wall clock. */
    void (*tick)(void *self, uint64_t now_ns);
    /* Optional. Close and open files again. */
    void (*reopen)(void *self);
    void (*close)(void *self);
    /* Optional. Which records write() is to see: the sum of L7_RECORD_BIT(type). Asked once, after
     * open. Default: all but L7_RECORD_FLOW. */
    uint32_t (*wants)(void *self);
};

#ifdef __cplusplus
}
#endif

#endif
