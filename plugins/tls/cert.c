/* SPDX-License-Identifier: Apache-2.0 */
/* cert: see cert.h. */

#include "cert.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "cursor.h"

/* No configuration file is read, and nothing runs at exit: workers may still be at work then. */
bool cert_init(void)
{
    return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
}

/* One DER element: `whole` with its head, `content` without. */
struct element {
    struct l7_bytes whole;
    struct l7_bytes content;
    int tag;
    int class;
};

/* Take the element at the front of `in`. Lengths are definite in DER. */
static bool element_next(struct l7_bytes *in, struct element *e)
{
    const unsigned char *at = in->ptr;
    long len = 0;
    int flags;

    if (in->len == 0 || in->len > INT32_MAX)
        return false;
    flags = ASN1_get_object(&at, &len, &e->tag, &e->class, (long)in->len);
    if (flags & 0x80 || flags & 0x01 || len < 0)
        return false;
    e->content = (struct l7_bytes){at, (size_t)len};
    e->whole = (struct l7_bytes){in->ptr, (size_t)(at - in->ptr) + (size_t)len};
    in->ptr += e->whole.len;
    in->len -= e->whole.len;
    return true;
}

static bool element_expect(struct l7_bytes *in, int tag, struct element *e)
{
    return element_next(in, e) && e->class == V_ASN1_UNIVERSAL && e->tag == tag;
}

#define HEX_LOWER "0123456789abcdef"
#define HEX_UPPER "0123456789ABCDEF"

/* "1A:2B:3C" */
static size_t write_octets(char *out, struct l7_bytes octets, const char *digits)
{
    size_t len = 0;

    for (size_t i = 0; i < octets.len; i++) {
        if (i > 0)
            out[len++] = ':';
        out[len++] = digits[octets.ptr[i] >> 4];
        out[len++] = digits[octets.ptr[i] & 15];
    }
    return len;
}

static size_t write_digest(char *out, struct l7_bytes der)
{
    uint8_t digest[SHA_DIGEST_LENGTH];

    if (!SHA1(der.ptr, der.len, digest))
        return 0;
    return write_octets(out, (struct l7_bytes){digest, sizeof(digest)}, HEX_LOWER);
}

/* Append all of `text` or nothing. */
static bool append(char *out, size_t *len, const void *text, size_t text_len)
{
    if (text_len > CERT_NAME_MAX - *len)
        return false;
    memcpy(out + *len, text, text_len);
    *len += text_len;
    return true;
}

/* "CN=lab.foo.com", behind ", ", or " + " within one relative name. */
static bool append_part(char *out, size_t *len, const X509_NAME_ENTRY *entry, const char *between)
{
    const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
    int nid = OBJ_obj2nid(object);
    char type[80];
    unsigned char *value = NULL;
    int value_len;
    bool fits;

    if (nid != NID_undef && OBJ_nid2sn(nid))
        snprintf(type, sizeof(type), "%s", OBJ_nid2sn(nid));
    else if (OBJ_obj2txt(type, sizeof(type), object, 1) <= 0)
        return false;
    value_len = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
    fits = append(out, len, between, strlen(between)) && append(out, len, type, strlen(type)) &&
           append(out, len, "=", 1) &&
           append(out, len, value_len > 0 ? (const void *)value : "",
                  value_len > 0 ? (size_t)value_len : 0);
    OPENSSL_free(value);
    return fits;
}

/* In the certificate's own order (docs/eve.md, `tls`). */
static size_t write_name(char *out, struct l7_bytes der)
{
    const unsigned char *at = der.ptr;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)der.len);
    size_t len = 0;
    int set = -1;

    for (int i = 0; name && i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        size_t whole = len;

        if (!append_part(out, &len, entry,
                         i == 0 ? "" : (X509_NAME_ENTRY_set(entry) == set ? " + " : ", "))) {
            len = whole;
            break;
        }
        set = X509_NAME_ENTRY_set(entry);
    }
    X509_NAME_free(name);
    return len;
}

static size_t write_time(char *out, size_t room, struct element *e)
{
    const unsigned char *at = e->whole.ptr;
    ASN1_TIME *when = d2i_ASN1_TIME(NULL, &at, (long)e->whole.len);
    struct tm tm;
    size_t len = 0;

    if (when && ASN1_TIME_to_tm(when, &tm) == 1)
        len = strftime(out, room, "%Y-%m-%dT%H:%M:%S", &tm);
    ASN1_TIME_free(when);
    return len;
}

/* RFC 5280 4.1: TBSCertificate, as far as the subject. */
static bool tbs_read(struct l7_bytes tbs, struct cert *cert)
{
    struct element version, serial, algorithm, issuer, validity, from, to, subject;
    struct l7_bytes after_version = tbs;

    if (element_next(&after_version, &version) && version.class == V_ASN1_CONTEXT_SPECIFIC &&
        version.tag == 0)
        tbs = after_version;
    if (!element_expect(&tbs, V_ASN1_INTEGER, &serial) ||
        !element_expect(&tbs, V_ASN1_SEQUENCE, &algorithm) ||
        !element_expect(&tbs, V_ASN1_SEQUENCE, &issuer) ||
        !element_expect(&tbs, V_ASN1_SEQUENCE, &validity) ||
        !element_expect(&tbs, V_ASN1_SEQUENCE, &subject))
        return false;
    /* The octets as they are: a leading 00 is part of the number's encoding and is shown. */
    if (serial.content.len <= CERT_SERIAL_MAX)
        cert->serial_len = write_octets(cert->serial, serial.content, HEX_UPPER);
    cert->issuer_len = write_name(cert->issuer, issuer.whole);
    cert->subject_len = write_name(cert->subject, subject.whole);
    if (element_next(&validity.content, &from) && element_next(&validity.content, &to)) {
        cert->not_before_len = write_time(cert->not_before, sizeof(cert->not_before), &from);
        cert->not_after_len = write_time(cert->not_after, sizeof(cert->not_after), &to);
    }
    return true;
}

bool cert_read(struct l7_bytes body, struct cert *cert)
{
    struct cursor c = cursor_init(body);
    struct cursor list = cursor_init(cursor_vector(&c, 3));
    struct l7_bytes der = cursor_vector(&list, 3);
    struct element whole, tbs;
    bool read;

    memset(cert, 0, sizeof(*cert));
    if (c.bad || list.bad || der.len == 0)
        return false;
    read = element_expect(&der, V_ASN1_SEQUENCE, &whole) &&
           element_expect(&whole.content, V_ASN1_SEQUENCE, &tbs) && tbs_read(tbs.content, cert);
    if (read)
        cert->fingerprint_len = write_digest(cert->fingerprint, whole.whole);
    /* Reasons go to a queue of this thread; nobody reads it, and it must not grow stale. */
    ERR_clear_error();
    return read;
}
