/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire: the engine between a client and a server that exist in memory only.
 *
 * A worker without a thread judges TCP packets that the test describes; what it lets through is
 * put together the way a receiver would: bytes in sequence, first copy wins. Plugins are the built
 * ones, policies come from text. Time moves when the test says so.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "engine/worker.h"
#include "engine/settings.h"
#include "flow/packet.h"

#define WIRE_BYTES_MAX (1u << 22)

struct wire_end {
    uint32_t isn;   /* of the bytes this end receives */
    uint8_t *bytes; /* received in order */
    size_t len;
    uint8_t *map; /* which bytes beyond `len` are here */
    uint8_t *store;
    bool reset, fin;
    bool killed;        /* by a reset with just the number it expects (RFC 5961 3.2) */
    unsigned discarded; /* for their checksum */
    uint32_t reset_seq, reset_ack;
    unsigned packets; /* of any kind */
    unsigned payload_packets;
    bool bad_checksum;
};

struct wire_alert {
    char reason[64];
    char rule[64];
    char app_proto[32];
    char attrs[512]; /* "name=value;..." */
    size_t packet_len;
    uint8_t packet[2048];
};

struct wire {
    struct worker worker;
    struct settings *settings;
    struct registry *registry;
    struct snapshot *snapshot;
    struct logger *logger;
    struct wire_end server, client; /* what each has received */
    uint32_t client_isn, server_isn;
    uint16_t sport, dport;
    size_t said[2]; /* bytes of wire_say() on this connection, by enum l7_dir */
    bool v6;
    uint64_t now_ns;
    struct wire_alert alerts[64];
    size_t alert_count;
    char transactions[64][512]; /* "keyword name=value;..." */
    size_t transaction_count;
    char flows[64][128]; /* "state=closed;reason=timeout;..." */
    size_t flow_count;
    bool inspect_all;
    bool challenged;     /* the server got a reset it does not quite believe (RFC 5961 3.2) */
    bool checksums_lie;  /* the test sends wrong ones: receivers discard, and do not complain */
    unsigned other_sent; /* packets that were sent on and are not TCP */
};

/* A TCP packet as a client with raw sockets makes it. Zeroed: an ordinary one. */
struct wire_raw {
    enum l7_dir dir; /* as its addresses say */
    uint8_t flags;
    int64_t offset; /* of the sender's stream; with SYN: from its first sequence number */
    const void *bytes;
    size_t len;
    bool other_side;   /* comes in where the other end's packets do */
    bool bad_checksum; /* so that the receiver discards it */
    size_t fragment;   /* IPv4: cut into fragments of so many bytes, a multiple of eight; 0: not */
    bool has_ack;      /* else what arrived is acknowledged */
    uint32_t ack;
};

/* The policy directory holds one file with this text, plus Pods: client 10.0.0.1 (app: client)
 * and server 10.0.0.2 (app: web), fd00::1 and fd00::2, in namespace default. Ends the test on
 * failure. */
struct wire *wire_open(const char *policies);
void wire_close(struct wire *w);
/* Replace the policies. */
void wire_reload(struct wire *w, const char *policies);

/* One TCP packet; offsets count from the first byte of the sender's stream. */
void wire_packet(struct wire *w, enum l7_dir dir, uint8_t flags, int64_t offset, const void *bytes,
                 size_t len);
void wire_send(struct wire *w, const struct wire_raw *raw);
/* Any Ethernet frame, in at interface 0 or 1. */
void wire_frame(struct wire *w, uint16_t iface, const uint8_t *bytes, size_t len);
/* SYN, SYN-ACK, ACK from client port `sport`. */
void wire_connect(struct wire *w, uint16_t sport);
/* In-order payload, acknowledged at once by the other side as far as it arrived. */
void wire_say(struct wire *w, enum l7_dir dir, const void *bytes, size_t len);
#define wire_client_says(w, text) wire_say((w), L7_TO_SERVER, (text), strlen(text))
#define wire_server_says(w, text) wire_say((w), L7_TO_CLIENT, (text), strlen(text))
void wire_pass_time(struct wire *w, uint64_t ms);
/* Wait until all records were written, so that alerts and transactions can be looked at. */
void wire_records(struct wire *w);

/* Policies that tests share. */
extern const char
    wire_allow_get_public[]; /* ingress of app=web: http GET /public/ *, else nothing */
