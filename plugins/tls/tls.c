/* SPDX-License-Identifier: Apache-2.0 */
/* tls: the inspector for TLS handshakes in TCP flows.
 *
 * Decides what may come when on a connection that begins with a ClientHello, and tells the host
 * the one fact rules match (sni) and the facts records show. Leaves records to record.c, hellos
 * to hello.c, certificates to cert.c, and what is allowed to the rules.
 *
 * The client's direction:
 *
 *   HELLO ──ALLOW──► FOLLOW ──first encrypted byte──► OPAQUE
 *     └──REFUSE──► REFUSED
 *
 * HELLO consumes nothing. FOLLOW exists because of [L7-21]: as long as a server could accept a
 * second ClientHello in the clear, the client's records are read one by one. Exactly one is
 * accepted, after a HelloRetryRequest, for the same name. The server's direction is read to know
 * where the handshake stands and for the record; it refuses nothing. When both are past their last
 * cleartext byte the transaction is complete and the flow is released.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cert.h"
#include "hello.h"
#include "record.h"

#include "l7guard/inspector.h"
#include "l7guard/plugin.h"

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

/* Record heads of a hello in many pieces may add this much to max-hello; more is an attack on
 * whoever has to keep the pieces. */
#define HELLO_OVERHEAD 1024
#define SERVER_HELLO_LIMIT 16384
#define CERTIFICATE_LIMIT 49152 /* longer chains are skipped, without attributes */

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

static enum l7_step broken(struct l7_progress *progress, const char *reason)
{
    progress->reason = reason;
    return L7_STEP_BREAK;
}

static void attr_bytes(const struct tls *tls, struct l7_tx *tx, unsigned attr, const void *text,
                       size_t len)
{
    if (len > 0)
        tls->host->tx_attr(tx, attr,
                           (struct l7_value){.type = L7_TYPE_STRING, .string = {text, len}});
}

static void attr_text(const struct tls *tls, struct l7_tx *tx, unsigned attr, const char *text)
{
    attr_bytes(tls, tx, attr, text, strlen(text));
}

/* Tell the host about a handshake with this name. The record's view goes first: an alert shows
 * what was known when the field refused it. */
static enum l7_judgement emit(const struct tls *tls, struct l7_tx *tx, struct l7_bytes as_sent,
                              struct l7_bytes normal)
{
    attr_text(tls, tx, ATTR_VERSION, "UNDETERMINED");
    if (normal.len == 0)
        return L7_JUDGEMENT_OPEN;
    attr_bytes(tls, tx, ATTR_SNI, as_sent.ptr, as_sent.len);
    return tls->host->tx_field(tx, FIELD_SNI,
                               &(struct l7_field_value){.forms = &normal, .form_count = 1});
}

/* ---- the client ---- */

static enum l7_probe tls_probe(const void *self, enum l7_dir dir, struct l7_bytes seen)
{
    struct record record = {0};
    const char *reason;

    (void)self;
    if (dir != L7_TO_SERVER)
        return L7_PROBE_NO; /* servers do not speak first in TLS [L7-25] */
    if (seen.len > 0 && seen.ptr[0] != RECORD_HANDSHAKE)
        return L7_PROBE_NO;
    if (record_head(seen, &record, &reason) == RECORD_BAD)
        return L7_PROBE_NO;
    if (seen.len <= RECORD_HEAD)
        return L7_PROBE_MORE;
    return seen.ptr[RECORD_HEAD] == CLIENT_HELLO ? L7_PROBE_YES : L7_PROBE_NO;
}

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
    judgement = emit(tls, t->tx, hello->sni, (struct l7_bytes){t->sni, t->sni_len});
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
    if (size > tls->max_hello || h->wire > tls->max_hello + HELLO_OVERHEAD)
        return broken(progress, "hello-too-large");
    /* Keys may change after a hello, so nothing may follow it in its record (RFC 8446 5.1). */
    if (size > 0 && h->have + h->left > size)
        return broken(progress, "bytes-after-hello");
    if (whole)
        return hello_read(tls, t, flow, in, progress);
    progress->needed = handshake_needed(h);
    return L7_STEP_OK;
}

/* Both directions are past their last cleartext byte, and the record is complete. */
static enum l7_step finish(const struct tls *tls, struct tls_flow *t)
{
    if (t->tx)
        tls->host->tx_close(t->tx);
    t->tx = NULL;
    t->phase = PHASE_OPAQUE;
    return L7_STEP_RELEASE;
}

static enum l7_step client_opaque(const struct tls *tls, struct tls_flow *t, size_t consumed,
                                  struct l7_progress *progress)
{
    t->phase = PHASE_OPAQUE;
    progress->consumed = consumed;
    if (t->server_ccs)
        return finish(tls, t);
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

static enum l7_step client_feed(const struct tls *tls, struct tls_flow *t, struct l7_flow *flow,
                                struct l7_bytes in, struct l7_progress *progress)
{
    struct handshake *h = &t->client;
    struct record record;
    const char *reason;
    enum handshake_walk walk;

    if (t->phase == PHASE_REFUSED || in.len == 0)
        return L7_STEP_OK;
    if (t->phase == PHASE_OPAQUE || client_is_encrypted(t))
        return client_opaque(tls, t, in.len, progress);
    walk = handshake_walk(h, in, &record, &reason);
    if (walk == HANDSHAKE_BAD)
        return broken(progress, reason);
    if (walk == HANDSHAKE_OTHER)
        return client_other(tls, t, in, &record, progress);
    if (h->have == 0) {
        progress->needed = handshake_needed(h);
        return L7_STEP_OK;
    }
    if (h->head[0] == CLIENT_HELLO)
        return hello_gather(tls, t, flow, in, walk == HANDSHAKE_WHOLE, progress);
    if (t->phase == PHASE_HELLO || t->answer == ANSWER_RETRY)
        return broken(progress, "unexpected-handshake");
    t->client_spoke = true;
    if (client_is_encrypted(t))
        return client_opaque(tls, t, in.len, progress);
    progress->consumed = handshake_consume(h);
    return L7_STEP_OK;
}

/* ---- the server ---- */

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
        return finish(tls, t);
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

    if (!whole) {
        progress->needed = handshake_needed(h);
        return L7_STEP_OK;
    }
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
        return finish(tls, t);
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

    if (size == 0) {
        progress->needed = handshake_needed(h);
        return L7_STEP_OK;
    }
    if (expected != (h->head[0] == SERVER_HELLO))
        return broken(progress, "unexpected-handshake");
    if (expected && (size > SERVER_HELLO_LIMIT || h->wire > SERVER_HELLO_LIMIT + HELLO_OVERHEAD))
        return broken(progress, "hello-too-large");
    if (h->head[0] == CERTIFICATE || h->head[0] == SERVER_KEY_EXCHANGE ||
        h->head[0] == SERVER_HELLO_DONE)
        t->server_full = true;
    if (expected || (h->head[0] == CERTIFICATE && size <= CERTIFICATE_LIMIT &&
                     h->wire <= CERTIFICATE_LIMIT + HELLO_OVERHEAD))
        return server_gather(tls, t, in, whole, progress);
    progress->consumed = handshake_consume(h);
    return L7_STEP_OK;
}

static enum l7_step server_feed(const struct tls *tls, struct tls_flow *t, struct l7_bytes in,
                                struct l7_progress *progress)
{
    struct handshake *h = &t->server;
    struct record record;
    const char *reason;
    enum handshake_walk walk;

    if (t->phase == PHASE_HELLO || t->phase == PHASE_REFUSED)
        return L7_STEP_WAIT;
    if (!t->tx || t->server_ccs) {
        progress->consumed = in.len;
        progress->skip = L7_SKIP_ALL;
        return L7_STEP_OK;
    }
    walk = handshake_walk(h, in, &record, &reason);
    if (walk == HANDSHAKE_BAD)
        return broken(progress, reason);
    if (walk == HANDSHAKE_OTHER)
        return server_other(tls, t, &record, progress);
    return server_message(tls, t, in, walk == HANDSHAKE_WHOLE, progress);
}

static enum l7_step tls_feed(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                             struct l7_bytes in, struct l7_progress *progress)
{
    if (dir == L7_TO_SERVER)
        return client_feed(self, state, flow, in, progress);
    return server_feed(self, state, in, progress);
}

/* ---- policies and the command line ---- */

static enum l7_pattern remark(struct l7_text *note, enum l7_pattern answer, const char *text)
{
    size_t len = strlen(text);

    note->len = len < note->cap ? len : note->cap;
    memcpy(note->ptr, text, note->len);
    return answer;
}

/* Why no name fits this normalised pattern, or NULL. */
static const char *pattern_is_dead(struct l7_bytes p)
{
    bool other = false;

    for (size_t i = 0; i < p.len; i++) {
        uint8_t c = p.ptr[i];

        if (c == ':')
            return "contains \":\": a server name has no port and is no IPv6 address, so this "
                   "never matches";
        if (c == '/')
            return "contains \"/\": a server name is a host name, so this never matches";
        if (c == '.' && (i == 0 || p.ptr[i - 1] == '.'))
            return "has an empty label: no server name fits";
        other = other || !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '*');
    }
    return other ? "contains a character that no server name has, so this never matches" : NULL;
}

static enum l7_pattern tls_pattern(const void *self, unsigned field, struct l7_bytes text,
                                   struct l7_text *out, struct l7_text *note)
{
    size_t len = text.len;
    const char *dead;

    (void)self;
    (void)field;
    /* "." alone stays: without it the pattern would say nothing, that is, anything. */
    while (len > 1 && text.ptr[len - 1] == '.')
        len--;
    if (len > out->cap)
        return remark(note, L7_PATTERN_REFUSE, "too long");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) /* V44 */
            return remark(note, L7_PATTERN_REFUSE, "contains a control byte");
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t c = text.ptr[i];

        out->ptr[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    out->len = len;
    dead = pattern_is_dead((struct l7_bytes){(const uint8_t *)out->ptr, len});
    return dead ? remark(note, L7_PATTERN_WARN, dead) : L7_PATTERN_OK;
}

static int tls_example(const void *self, const struct l7_pair *pairs, size_t pair_count,
                       struct l7_tx *tx, struct l7_text *note)
{
    const struct tls *tls = self;
    struct l7_bytes name = {0};
    uint8_t normal[SNI_MAX];
    size_t len = 0;

    if (pair_count > 1) {
        remark(note, L7_PATTERN_REFUSE, "a handshake has one name: sni");
        return -EINVAL;
    }
    if (pair_count == 1) {
        if (pairs[0].name[0] != '\0' && strcmp(pairs[0].name, "sni") != 0) {
            remark(note, L7_PATTERN_REFUSE, "unknown name; known: sni");
            return -EINVAL;
        }
        name = pairs[0].value;
    }
    if (name.ptr) {
        len = sni_normalise(name, normal);
        if (len == 0) {
            remark(note, L7_PATTERN_REFUSE, "not a host name: such a ClientHello is malformed");
            return -EINVAL;
        }
    }
    emit(tls, tx, name, (struct l7_bytes){normal, len});
    return 0;
}

/* ---- the plugin ---- */

static int tls_load(const struct l7_host *host, const struct l7_config *config, void **self)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    if (!tls || !cert_init()) {
        host->diag(host, L7_ERROR, "%s", tls ? "libcrypto does not start" : "out of memory");
        free(tls);
        return -ENOMEM;
    }
    tls->host = host;
    tls->max_hello = (size_t)host->config_number(config, "max-hello");
    *self = tls;
    return 0;
}

static void tls_unload(void *self)
{
    free(self);
}

static const struct l7_field fields[] = {
    [FIELD_SNI] = {.name = "sni",
                   .match = L7_MATCH_GLOB,
                   .flags = L7_FIELD_NOCASE,
                   .help = "the server name the client asks for"},
};

static const struct l7_attr attrs[] = {
    [ATTR_SUBJECT] = {"subject", L7_TYPE_STRING, 0, "the server certificate's subject"},
    [ATTR_ISSUERDN] = {"issuerdn", L7_TYPE_STRING, 0, "the server certificate's issuer"},
    [ATTR_SESSION_RESUMED] = {"session_resumed", L7_TYPE_BOOL, 0,
                              "an older session goes on, without certificate"},
    [ATTR_SERIAL] = {"serial", L7_TYPE_STRING, 0, "the server certificate's serial number"},
    [ATTR_FINGERPRINT] = {"fingerprint", L7_TYPE_STRING, 0, "SHA-1 of the server certificate"},
    [ATTR_SNI] = {"sni", L7_TYPE_STRING, 0, "the server name as sent"},
    [ATTR_VERSION] = {"version", L7_TYPE_STRING, 0, "the negotiated version"},
    [ATTR_NOTBEFORE] = {"notbefore", L7_TYPE_STRING, 0, "the certificate is valid from, UTC"},
    [ATTR_NOTAFTER] = {"notafter", L7_TYPE_STRING, 0, "the certificate is valid until, UTC"},
};

static const struct l7_option options[] = {
    {.key = "max-hello",
     .type = L7_OPTION_SIZE,
     .fallback = "64KiB",
     .help = "the largest ClientHello that is waited for; larger ones are refused"},
};

static const struct l7_inspector inspector = {
    .size = sizeof(struct l7_inspector),
    .keyword = "tls",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(fields[0]),
    .attrs = attrs,
    .attr_count = sizeof(attrs) / sizeof(attrs[0]),
    .state_size = sizeof(struct tls_flow),
    .load = tls_load,
    .unload = tls_unload,
    .probe = tls_probe,
    .feed = tls_feed,
    .pattern = tls_pattern,
    .example = tls_example,
    .example_help = "[SERVER-NAME]",
};

L7_PLUGIN(L7_KIND_INSPECTOR, "tls", .version = "1.0",
          .summary = "TLS handshakes: the server name a client asks for", .options = options,
          .option_count = sizeof(options) / sizeof(options[0]), .inspector = &inspector);
