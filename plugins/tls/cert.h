/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cert: what records say of the server's certificate (TLS 1.2 and older show it in the clear).
 *
 * In    the body of a Certificate message (RFC 5246 7.4.2), whole
 * Out   the first certificate's names, serial number, validity and fingerprint, as text
 * Not   whether the certificate is any good: nothing is verified, no rule matches on it [L7-22]
 *
 * The one file that uses libcrypto, and of it only names, times and SHA-1: keys, extensions and
 * signatures are never parsed. See docs/decisions/0003-libcrypto-in-tls.md.
 */

#include "l7guard/types.h"

#define CERT_NAME_MAX 2048 /* longer names are cut between two parts */
#define CERT_SERIAL_MAX 64 /* octets; RFC 5280 4.1.2.2 allows 20 */
#define CERT_DIGEST_LEN 20

/* A part that could not be read is empty. */
struct cert {
    char subject[CERT_NAME_MAX];
    size_t subject_len;
    char issuer[CERT_NAME_MAX];
    size_t issuer_len;
    char serial[CERT_SERIAL_MAX * 3];
    size_t serial_len;
    char fingerprint[CERT_DIGEST_LEN * 3];
    size_t fingerprint_len;
    char not_before[sizeof("YYYY-MM-DDThh:mm:ss")];
    size_t not_before_len;
    char not_after[sizeof("YYYY-MM-DDThh:mm:ss")];
    size_t not_after_len;
};

/* Once, before the first cert_read(): keeps libcrypto from reading files later. False: it does
 * not work at all. */
bool cert_init(void);

/* False if there is no certificate, or it is not DER of the expected shape. */
bool cert_read(struct l7_bytes body, struct cert *cert);
