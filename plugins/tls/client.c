/* SPDX-License-Identifier: Apache-2.0 */
/* client: what a client may send before everything is encrypted, and when that is.
 *
 * Leaves records to record.c, what a hello says to hello.c, what is allowed to the rules.
 */

#include "tls.h"

#include <stdlib.h>

/* The first hello: open the transaction and have it judged [L7-19]. */
static enum l7_step hello_judge(const struct tls *tls, struct tls_flow *t, struct l7_flow *flow,
                                const struct client_hello *hello, struct l7_progress *progress)
{
    enum l7_judgement judgement;

    t->tx = tls->host->tx_open(flow);
    if (!t->tx)
        return broken(progress, "transaction-limit");
    t->has_sni = hello->has_sni;
    if (hello->has_sni)
        t->sni_len = (uint8_t)sni_normalise(hello->sni, t->sni);
    judgement = tls_emit(tls, t->tx, hello->sni, (struct l7_bytes){t->sni, t->sni_len});
    if (judgement != L7_JUDGEMENT_REFUSE)
        judgement = tls->host->tx_decide(t->tx);
    t->phase = judgement == L7_JUDGEMENT_ALLOW ? PHASE_FOLLOW : PHASE_REFUSED;
    return L7_STEP_OK;
}

/* The hello after a HelloRetryRequest names the same host, so the same answer holds [L7-21]. */
static bool hello_is_same(const struct tls_flow *t, const struct client_hello *hello)
{
    uint8_t sni[SNI_MAX];
    size_t len;

    if (!hello->has_sni || !t->has_sni)
        return hello->has_sni == t->has_sni;
    len = sni_normalise(hello->sni, sni);
    return len == t->sni_len && memcmp(sni, t->sni, len) == 0;
}

/* A whole ClientHello is at the front of `in`. */
static enum l7_step hello_read(const struct tls *tls, struct tls_flow *t, struct l7_flow *flow,
                               struct l7_bytes in, struct l7_progress *progress)
{
    uint8_t *room = NULL;
    struct client_hello hello;
    const char *reason;
    enum l7_step step = L7_STEP_OK;

    if (!handshake_is_contiguous(&t->client)) {
        room = malloc(handshake_size(&t->client));
        if (!room)
            return broken(progress, "out-of-memory");
    }
    reason = client_hello_read(handshake_body(&t->client, in, room), &hello);
    if (reason)
        step = broken(progress, reason);
    else if (t->phase == PHASE_HELLO)
        step = hello_judge(tls, t, flow, &hello, progress);
    else if (!hello_is_same(t, &hello))
        step = broken(progress, "second-hello-differs");
    free(room);
    if (step == L7_STEP_OK && t->phase == PHASE_FOLLOW) {
        t->hellos++;
        progress->consumed = handshake_consume(&t->client);
    }
    return step;
}

/* Some of a ClientHello is there. It stays unconsumed until it is whole. */
static enum l7_step hello_gather(const struct tls *tls, struct tls_flow *t, struct l7_flow *flow,
                                 struct l7_bytes in, bool whole, struct l7_progress *progress)
{
    struct handshake *h = &t->client;
    size_t size = handshake_size(h);

    /* A server that has not answered cannot want a second hello; one that was asked for a retry
     * has to answer it first (RFC 8446 4.1.2, 4.1.4). */
    if (t->phase == PHASE_FOLLOW && (t->answer != ANSWER_RETRY || t->hellos > 1))
        return broken(progress, "unexpected-hello");
    if (size > tls->max_hello || h->wire > tls->max_hello + RECORD_OVERHEAD)
        return broken(progress, "hello-too-large");
    /* Keys may change after a hello, so nothing may follow it in its record (RFC 8446 5.1). */
    if (size > 0 && h->have + h->left > size)
        return broken(progress, "bytes-after-hello");
    if (whole)
        return hello_read(tls, t, flow, in, progress);
    return L7_STEP_OK;
}

static enum l7_step client_opaque(const struct tls *tls, struct tls_flow *t, size_t consumed,
                                  struct l7_progress *progress)
{
    t->phase = PHASE_OPAQUE;
    progress->consumed = consumed;
    if (t->server_ccs)
        return tls_finish(tls, t);
    progress->skip = L7_SKIP_ALL;
    return L7_STEP_OK;
}

/* After its change_cipher_spec a client of TLS 1.2 or older sends nothing in the clear. TLS 1.3
 * clients send that record for show. Which it is the server's answer tells; without one (a capture
 * of one side), a message that has no place before an answer. */
static bool client_is_encrypted(const struct tls_flow *t)
{
    return t->client_ccs && (t->answer == ANSWER_LEGACY || t->client_spoke);
}

/* A record between two messages of the client. */
static enum l7_step client_other(const struct tls *tls, struct tls_flow *t, struct l7_bytes in,
                                 const struct record *record, struct l7_progress *progress)
{
    if (t->phase == PHASE_HELLO)
        return broken(progress, "unexpected-record");
    if (record->type == RECORD_APPLICATION_DATA) {
        /* Early data (RFC 8446 4.2.10), sent before the client knows the answer. */
        if (t->answer == ANSWER_LEGACY)
            return broken(progress, "unexpected-record");
        progress->consumed = RECORD_HEAD;
        progress->skip = record->len;
        return L7_STEP_OK;
    }
    if (record->len != (record->type == RECORD_ALERT ? 2 : 1))
        return broken(progress, "bad-record-length");
    if (in.len < RECORD_HEAD + record->len) {
        progress->needed = RECORD_HEAD + record->len;
        return L7_STEP_OK;
    }
    if (record->type == RECORD_CHANGE_CIPHER_SPEC && in.ptr[RECORD_HEAD] != 1)
        return broken(progress, "bad-change-cipher-spec");
    progress->consumed = RECORD_HEAD + record->len;
    if (record->type == RECORD_ALERT)
        return L7_STEP_OK;
    t->client_ccs = true;
    if (client_is_encrypted(t))
        return client_opaque(tls, t, progress->consumed, progress);
    return L7_STEP_OK;
}

/* Some of a message of the client was walked. */
static enum l7_step client_message(const struct tls *tls, struct tls_flow *t, struct l7_flow *flow,
                                   struct l7_bytes in, bool whole, struct l7_progress *progress)
{
    struct handshake *h = &t->client;

    if (h->have == 0)
        return L7_STEP_OK;
    if (h->head[0] == CLIENT_HELLO)
        return hello_gather(tls, t, flow, in, whole, progress);
    if (t->phase == PHASE_HELLO || t->answer == ANSWER_RETRY)
        return broken(progress, "unexpected-handshake");
    t->client_spoke = true;
    if (client_is_encrypted(t))
        return client_opaque(tls, t, in.len, progress);
    progress->consumed = handshake_consume(h);
    return L7_STEP_OK;
}

enum l7_step client_feed(const struct tls *tls, struct tls_flow *t, struct l7_flow *flow,
                         struct l7_bytes in, struct l7_progress *progress)
{
    struct record record;
    const char *reason;
    enum handshake_walk walk;
    enum l7_step step;

    if (t->phase == PHASE_REFUSED || in.len == 0)
        return L7_STEP_OK;
    if (t->phase == PHASE_OPAQUE || client_is_encrypted(t))
        return client_opaque(tls, t, in.len, progress);
    do {
        walk = handshake_walk(&t->client, in, &record, &reason);
        if (walk == HANDSHAKE_BAD)
            return broken(progress, reason);
        if (walk == HANDSHAKE_OTHER)
            return client_other(tls, t, in, &record, progress);
        if (walk == HANDSHAKE_PART) {
            progress->needed = handshake_needed(&t->client);
            return L7_STEP_OK;
        }
        step = client_message(tls, t, flow, in, walk == HANDSHAKE_WHOLE, progress);
    } while (walk == HANDSHAKE_STEP && step == L7_STEP_OK && progress->consumed == 0);
    return step;
}
