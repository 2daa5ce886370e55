/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as they come from servers nobody has to trust. That a sound one is shown as the
 * openssl command shows it is tested with whole handshakes (test_handshake.c). */

#include <criterion/criterion.h>

#include "cert.h"
#include "transcript.h"

/* The body of the Certificate message in the second flight of a transcript. */
static struct guard message(const char *name)
{
    struct transcript *t = transcript_read(name);
    const struct flight *flight = &t->flights[1];
    size_t at = 5 + ((size_t)flight->bytes[3] << 8 | flight->bytes[4]); /* the ServerHello */
    size_t len;
    struct guard guard;

    cr_assert_eq(flight->bytes[at + 5], 11);
    len = (size_t)flight->bytes[at + 7] << 8 | flight->bytes[at + 8];
    guard = guard_copy(flight->bytes + at + 9, len);
    transcript_free(t);
    return guard;
}

Test(cert, cut_short_anywhere_says_nothing)
{
    struct guard whole = message("tls12");
    struct cert cert;

    cr_assert(cert_init());
    for (size_t len = 0; len < whole.len; len++) {
        struct guard part = guard_copy(whole.data, len);

        cr_assert_not(cert_read((struct l7_bytes){part.data, len}, &cert), "%zu bytes", len);
        guard_free(&part);
    }
    cr_assert(cert_read((struct l7_bytes){whole.data, whole.len}, &cert));
    guard_free(&whole);
}

/* The outer lengths tell the truth, the certificate inside is cut. */
Test(cert, cut_short_inside_says_nothing)
{
    struct guard whole = message("tls12");
    struct cert cert;

    for (size_t len = 0; len + 6 < whole.len; len++) {
        struct guard part = guard_copy(whole.data, len + 6);

        for (size_t i = 0; i < 2; i++) {
            size_t says = len + (i == 0 ? 3 : 0);

            part.data[3 * i] = (uint8_t)(says >> 16);
            part.data[3 * i + 1] = (uint8_t)(says >> 8);
            part.data[3 * i + 2] = (uint8_t)says;
        }
        cr_assert_not(cert_read((struct l7_bytes){part.data, part.len}, &cert), "%zu bytes", len);
        guard_free(&part);
    }
    guard_free(&whole);
}

/* Nothing to expect of the answer but that it stays inside its bounds. */
Test(cert, survives_any_wrong_byte)
{
    struct guard whole = message("tls12-odd-certificate");
    size_t read = 0;

    for (size_t at = 0; at < whole.len; at++) {
        uint8_t was = whole.data[at];

        for (unsigned change = 0; change < 256; change += 5) {
            struct cert cert;

            whole.data[at] = (uint8_t)change;
            if (cert_read((struct l7_bytes){whole.data, whole.len}, &cert)) {
                read++;
                cr_assert_leq(cert.subject_len, sizeof(cert.subject));
                cr_assert_leq(cert.issuer_len, sizeof(cert.issuer));
                cr_assert_leq(cert.serial_len, sizeof(cert.serial));
                cr_assert_eq(cert.fingerprint_len, 59);
            }
        }
        whole.data[at] = was;
    }
    cr_assert_gt(read, 0);
    guard_free(&whole);
}

Test(cert, list_may_be_empty)
{
    static const uint8_t empty[] = {0, 0, 0};
    struct cert cert;

    cr_assert_not(cert_read((struct l7_bytes){empty, sizeof(empty)}, &cert));
    cr_assert_not(cert_read((struct l7_bytes){NULL, 0}, &cert));
}

static size_t der_wrap(uint8_t *out, uint8_t tag, const uint8_t *content, size_t len)
{
    uint8_t head[4] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};

    memmove(out + 4, content, len);
    memcpy(out, head, 4);
    return len + 4;
}

/* 100 common names of 100 bytes: the text is cut between two of them. */
Test(cert, names_are_cut_between_parts)
{
    static uint8_t name[20000], tbs[60000], message[70000];
    static const uint8_t serial[] = {2, 1, 5, 0x30, 0};
    size_t len = 0, body = 0;
    struct cert cert;

    for (size_t i = 0; i < 100; i++) {
        uint8_t rdn[113] = {0x31, 111, 0x30, 109, 6, 3, 0x55, 4, 3, 0x0c, 102};

        memset(rdn + 11, 'a', 102);
        memcpy(name + len, rdn, sizeof(rdn));
        len += sizeof(rdn);
    }
    memcpy(tbs, serial, sizeof(serial));
    body = sizeof(serial);
    body += der_wrap(tbs + body, 0x30, name, len);
    body += der_wrap(tbs + body, 0x30, name, 0);
    body += der_wrap(tbs + body, 0x30, name, len);
    body = der_wrap(message + 6, 0x30, tbs, body);
    body = der_wrap(message + 6, 0x30, message + 6, body);
    message[4] = (uint8_t)(body >> 8);
    message[5] = (uint8_t)body;
    message[1] = (uint8_t)((body + 3) >> 8);
    message[2] = (uint8_t)(body + 3);
    cr_assert(cert_read((struct l7_bytes){message, body + 6}, &cert));
    /* "CN=" and 102 bytes, then ", " before each further one */
    cr_assert_eq(cert.subject_len, 105 + 107 * ((CERT_NAME_MAX - 105) / 107));
    cr_assert_eq(cert.subject[cert.subject_len - 1], 'a');
    cr_assert_eq(cert.serial_len, 2);
    cr_assert_eq(cert.not_before_len, 0);
}
