/* SPDX-License-Identifier: Apache-2.0 */
/* tls: the inspector for TLS handshakes in TCP flows: its tables, its probe, and what policies and
 * the command line may say about a server name.
 *
 * Leaves what may come when to client.c and server.c (tls.h has the picture).
 */

#include "tls.h"

#include <errno.h>
#include <stdlib.h>

#include "cert.h"

#include "l7guard/plugin.h"

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

enum l7_judgement tls_emit(const struct tls *tls, struct l7_tx *tx, struct l7_bytes as_sent,
                           struct l7_bytes normal)
{
    attr_text(tls, tx, ATTR_VERSION, "UNDETERMINED");
    if (normal.len == 0)
        return L7_JUDGEMENT_OPEN;
    attr_bytes(tls, tx, ATTR_SNI, as_sent.ptr, as_sent.len);
    return tls->host->tx_field(tx, FIELD_SNI,
                               &(struct l7_field_value){.forms = &normal, .form_count = 1});
}

enum l7_step tls_finish(const struct tls *tls, struct tls_flow *t)
{
    if (t->tx)
        tls->host->tx_close(t->tx);
    t->tx = NULL;
    t->phase = PHASE_OPAQUE;
    return L7_STEP_RELEASE;
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
    tls_emit(tls, tx, name, (struct l7_bytes){normal, len});
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
