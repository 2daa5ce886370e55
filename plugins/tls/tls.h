/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tls: what the files of the inspector share: the tables' indexes and the state of one flow.
 *
 * The client's direction (client.c):
 *
 *   HELLO ──ALLOW──► FOLLOW ──first encrypted byte──► OPAQUE
 *     └──REFUSE──► REFUSED
 *
 * HELLO consumes nothing. FOLLOW exists because of [L7-21]: as long as a server could accept a
 * second ClientHello in the clear, the client's records are read one by one. Exactly one is
 * accepted, after a HelloRetryRequest, for the same name. The server's direction (server.c) is read
 * to know where the handshake stands and for the record; it refuses nothing. When both are past
 * their last cleartext byte the transaction is complete and the flow is released.
 */

#include <string.h>

#include "hello.h"
#include "record.h"

#include "l7guard/inspector.h"

enum { FIELD_SNI };

enum {
    ATTR_SUBJECT,
    ATTR_ISSUERDN,
    ATTR_SESSION_RESUMED,
    ATTR_SERIAL,
    ATTR_FINGERPRINT,
    ATTR_SNI,
    ATTR_VERSION,
    ATTR_NOTBEFORE,
    ATTR_NOTAFTER,
};

enum handshake_type {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    SERVER_HELLO_DONE = 14,
};

/* Record heads of a message in many pieces may add this much to its limit; more is an attack on
 * whoever has to keep the pieces. */
#define RECORD_OVERHEAD 1024

struct tls {
    const struct l7_host *host;
    size_t max_hello;
};

enum phase { PHASE_HELLO, PHASE_FOLLOW, PHASE_OPAQUE, PHASE_REFUSED };

enum answer {
    ANSWER_NONE,
    ANSWER_RETRY, /* HelloRetryRequest: one more ClientHello may come */
    ANSWER_LEGACY /* a ServerHello of TLS 1.2 or older */
};

struct tls_flow {
    struct l7_tx *tx; /* NULL before the decision and when the record is complete */
    struct handshake client;
    struct handshake server;
    enum phase phase;
    enum answer answer;
    uint8_t hellos;    /* ClientHellos that were let through */
    bool client_spoke; /* a handshake message other than a hello came from the client */
    bool client_ccs;   /* change_cipher_spec was seen */
    bool server_ccs;   /* after its ServerHello */
    bool server_full;  /* messages that only a full handshake has */
    bool has_sni;
    uint8_t sni[SNI_MAX]; /* normalised */
    uint8_t sni_len;
};

static inline enum l7_step broken(struct l7_progress *progress, const char *reason)
{
    progress->reason = reason;
    return L7_STEP_BREAK;
}

static inline void attr_bytes(const struct tls *tls, struct l7_tx *tx, unsigned attr,
                              const void *text, size_t len)
{
    if (len > 0)
        tls->host->tx_attr(tx, attr,
                           (struct l7_value){.type = L7_TYPE_STRING, .string = {text, len}});
}

static inline void attr_text(const struct tls *tls, struct l7_tx *tx, unsigned attr,
                             const char *text)
{
    attr_bytes(tls, tx, attr, text, strlen(text));
}

/* Tell the host about a handshake with this name (`normal` empty: none). The record's view goes
 * first: an alert shows what was known when the field refused it. */
enum l7_judgement tls_emit(const struct tls *tls, struct l7_tx *tx, struct l7_bytes as_sent,
                           struct l7_bytes normal);

/* Both directions are past their last cleartext byte: close the transaction, release the flow. */
enum l7_step tls_finish(const struct tls *tls, struct tls_flow *t);

/* One feed() of each direction. */
enum l7_step client_feed(const struct tls *tls, struct tls_flow *t, struct l7_flow *flow,
                         struct l7_bytes in, struct l7_progress *progress);
enum l7_step server_feed(const struct tls *tls, struct tls_flow *t, struct l7_bytes in,
                         struct l7_progress *progress);
