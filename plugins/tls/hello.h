/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* hello: what a ClientHello and a ServerHello say.
 *
 * In    the body of one handshake message, whole
 * Out   the facts rules and records use; slices point into the input
 * Not   where the message comes from (record.h), whether it may come now (tls.c)
 *
 * Pure functions of bytes. A ClientHello is read strictly: whatever two servers could read
 * differently has no name at all [PRI-5], [L7-20].
 */

#include "l7guard/types.h"

/* A DNS name in text has at most 253 characters without the final dot (RFC 1035 2.3.4). */
#define SNI_MAX 253

struct client_hello {
    uint16_t version; /* legacy_version */
    bool has_sni;
    bool ech;            /* an encrypted hello is inside: the name is the outer one [L7-22] */
    struct l7_bytes sni; /* as sent */
};

/* NULL, or a slug that says why these bytes are not a ClientHello to rely on. */
const char *client_hello_read(struct l7_bytes body, struct client_hello *hello);

/* Write `name` in the form rules compare: lower case, no final dots [L7-20]. Returns its length,
 * or 0 if `name` is no host name. */
size_t sni_normalise(struct l7_bytes name, uint8_t out[SNI_MAX]);

#define VERSION_SSL3 0x0300
#define VERSION_TLS10 0x0301
#define VERSION_TLS11 0x0302
#define VERSION_TLS12 0x0303
#define VERSION_TLS13 0x0304

struct server_hello {
    uint16_t version; /* negotiated: from supported_versions if that is there */
    bool retry;       /* it is a HelloRetryRequest */
};

const char *server_hello_read(struct l7_bytes body, struct server_hello *hello);

/* From TLS 1.3 on (drafts of it included) everything after the ServerHello is encrypted. */
bool version_is_13(uint16_t version);

/* The name records use (docs/eve.md), or NULL for a version that does not exist. */
const char *version_name(uint16_t version);
