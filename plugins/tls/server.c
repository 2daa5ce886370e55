/* SPDX-License-Identifier: Apache-2.0 */
/* server: where the server's answers put the handshake, and what records say of them.
 *
 * Nothing is refused here: what cannot be read ends the reading of this direction, and the client
 * stays under watch (client.c) with what was understood until then.
 */

#include "tls.h"

#include <stdlib.h>

#include "cert.h"

#define SERVER_HELLO_LIMIT 16384
#define CERTIFICATE_LIMIT 49152 /* longer chains are skipped, without attributes */

/* The answer that says how it goes on. */
static enum l7_step server_hello(const struct tls *tls, struct tls_flow *t, struct l7_bytes body,
                                 struct l7_progress *progress)
{
    struct server_hello hello;
    const char *reason = server_hello_read(body, &hello);

    if (reason)
        return broken(progress, reason);
    /* Not before the hello that a retry asked for: the client could still send another one. */
    if (t->answer == ANSWER_RETRY && t->hellos < 2)
        return broken(progress, "unexpected-server-hello");
    if (hello.retry) {
        t->answer = ANSWER_RETRY;
        return L7_STEP_OK;
    }
    attr_text(tls, t->tx, ATTR_VERSION, version_name(hello.version));
    if (version_is_13(hello.version))
        return tls_finish(tls, t);
    t->answer = ANSWER_LEGACY;
    return L7_STEP_OK;
}

static void server_certificate(const struct tls *tls, struct l7_tx *tx, struct l7_bytes body)
{
    struct cert cert;

    if (!cert_read(body, &cert))
        return;
    attr_bytes(tls, tx, ATTR_SUBJECT, cert.subject, cert.subject_len);
    attr_bytes(tls, tx, ATTR_ISSUERDN, cert.issuer, cert.issuer_len);
    attr_bytes(tls, tx, ATTR_SERIAL, cert.serial, cert.serial_len);
    attr_bytes(tls, tx, ATTR_FINGERPRINT, cert.fingerprint, cert.fingerprint_len);
    attr_bytes(tls, tx, ATTR_NOTBEFORE, cert.not_before, cert.not_before_len);
    attr_bytes(tls, tx, ATTR_NOTAFTER, cert.not_after, cert.not_after_len);
}

/* A message that is kept until it is whole. */
static enum l7_step server_gather(const struct tls *tls, struct tls_flow *t, struct l7_bytes in,
                                  bool whole, struct l7_progress *progress)
{
    struct handshake *h = &t->server;
    uint8_t *room = NULL;
    struct l7_bytes body;
    enum l7_step step = L7_STEP_OK;

    if (!whole)
        return L7_STEP_OK;
    if (!handshake_is_contiguous(h)) {
        room = malloc(handshake_size(h));
        if (!room)
            return broken(progress, "out-of-memory");
    }
    body = handshake_body(h, in, room);
    if (h->head[0] == SERVER_HELLO)
        step = server_hello(tls, t, body, progress);
    else
        server_certificate(tls, t->tx, body);
    free(room);
    if (step != L7_STEP_BREAK)
        progress->consumed = handshake_consume(h);
    return step;
}

/* A record between two messages of the server. */
static enum l7_step server_other(const struct tls *tls, struct tls_flow *t,
                                 const struct record *record, struct l7_progress *progress)
{
    bool ccs = record->type == RECORD_CHANGE_CIPHER_SPEC;

    if (record->type == RECORD_APPLICATION_DATA || (ccs && t->answer == ANSWER_NONE))
        return broken(progress, "unexpected-record");
    progress->consumed = RECORD_HEAD;
    progress->skip = record->len;
    if (!ccs || t->answer == ANSWER_RETRY)
        return L7_STEP_OK;
    /* RFC 5246 7.3: only an abbreviated handshake goes from the hello to this record. */
    if (!t->server_full)
        tls->host->tx_attr(t->tx, ATTR_SESSION_RESUMED,
                           (struct l7_value){.type = L7_TYPE_BOOL, .number = 1});
    t->server_ccs = true;
    if (t->phase == PHASE_OPAQUE) {
        progress->skip = 0;
        return tls_finish(tls, t);
    }
    progress->skip = L7_SKIP_ALL;
    return L7_STEP_OK;
}

static enum l7_step server_message(const struct tls *tls, struct tls_flow *t, struct l7_bytes in,
                                   bool whole, struct l7_progress *progress)
{
    struct handshake *h = &t->server;
    size_t size = handshake_size(h);
    bool expected = t->answer != ANSWER_LEGACY;

    if (size == 0)
        return L7_STEP_OK;
    if (expected != (h->head[0] == SERVER_HELLO))
        return broken(progress, "unexpected-handshake");
    if (expected && (size > SERVER_HELLO_LIMIT || h->wire > SERVER_HELLO_LIMIT + RECORD_OVERHEAD))
        return broken(progress, "hello-too-large");
    if (h->head[0] == CERTIFICATE || h->head[0] == SERVER_KEY_EXCHANGE ||
        h->head[0] == SERVER_HELLO_DONE)
        t->server_full = true;
    if (expected || (h->head[0] == CERTIFICATE && size <= CERTIFICATE_LIMIT &&
                     h->wire <= CERTIFICATE_LIMIT + RECORD_OVERHEAD))
        return server_gather(tls, t, in, whole, progress);
    progress->consumed = handshake_consume(h);
    return L7_STEP_OK;
}

enum l7_step server_feed(const struct tls *tls, struct tls_flow *t, struct l7_bytes in,
                         struct l7_progress *progress)
{
    struct record record;
    const char *reason;
    enum handshake_walk walk;
    enum l7_step step;

    if (t->phase == PHASE_HELLO || t->phase == PHASE_REFUSED)
        return L7_STEP_WAIT;
    if (!t->tx || t->server_ccs) {
        progress->consumed = in.len;
        progress->skip = L7_SKIP_ALL;
        return L7_STEP_OK;
    }
    do {
        walk = handshake_walk(&t->server, in, &record, &reason);
        if (walk == HANDSHAKE_BAD)
            return broken(progress, reason);
        if (walk == HANDSHAKE_OTHER)
            return server_other(tls, t, &record, progress);
        if (walk == HANDSHAKE_PART) {
            progress->needed = handshake_needed(&t->server);
            return L7_STEP_OK;
        }
        step = server_message(tls, t, in, walk == HANDSHAKE_WHOLE, progress);
    } while (walk == HANDSHAKE_STEP && step == L7_STEP_OK && progress->consumed == 0);
    return step;
}
