/* SPDX-License-Identifier: Apache-2.0 */
/* hello: see hello.h. */

#include "hello.h"

#include <string.h>

#include "cursor.h"

enum extension {
    EXT_SERVER_NAME = 0,
    EXT_ALPN = 16,
    EXT_PRE_SHARED_KEY = 41,
    EXT_SUPPORTED_VERSIONS = 43,
    EXT_ECH = 0xfe0d,
};

#define RANDOM_LEN 32
#define SESSION_ID_MAX 32
#define LABEL_MAX 63
#define SNI_SENT_MAX 255 /* with final dots */

/* Extension types already met: a second one of any type is an error (RFC 8446 4.2), and a hello
 * may have thousands of them, so one bit each. */
struct seen {
    uint8_t bits[65536 / 8];
};

static bool seen_before(struct seen *seen, uint16_t type)
{
    uint8_t bit = (uint8_t)(1u << (type & 7));
    bool before = seen->bits[type >> 3] & bit;

    seen->bits[type >> 3] |= bit;
    return before;
}

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

size_t sni_normalise(struct l7_bytes name, uint8_t out[SNI_MAX])
{
    size_t len = name.len;
    size_t label = 0;

    if (len > SNI_SENT_MAX)
        return 0;
    while (len > 0 && name.ptr[len - 1] == '.')
        len--;
    if (len == 0 || len > SNI_MAX)
        return 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = name.ptr[i];

        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c - 'A' + 'a');
        if (c == '.' ? label == 0 : (!is_name_byte(c) || label == LABEL_MAX))
            return 0;
        label = c == '.' ? 0 : label + 1;
        out[i] = c;
    }
    return len;
}

/* RFC 6066 3: a list of names, in practice of one. What follows a name type we do not know has
 * no known format, so there is no telling where the next name would begin. */
static const char *server_name_read(struct l7_bytes data, struct client_hello *hello)
{
    struct cursor c = cursor_init(data);
    struct cursor list = cursor_init(cursor_vector(&c, 2));
    struct l7_bytes name;
    uint32_t type;
    uint8_t normal[SNI_MAX];

    if (!cursor_done(&c))
        return "bad-server-name-list";
    type = cursor_number(&list, 1);
    if (list.bad)
        return "bad-server-name-list";
    if (type != 0)
        return "unknown-name-type";
    name = cursor_vector(&list, 2);
    if (list.bad)
        return "bad-server-name-list";
    if (list.left > 0)
        return "several-server-names";
    if (sni_normalise(name, normal) == 0)
        return "bad-server-name";
    hello->sni = name;
    hello->has_sni = true;
    return NULL;
}

/* RFC 7301 3.1: at least one protocol, none of them empty. */
static const char *alpn_check(struct l7_bytes data)
{
    struct cursor c = cursor_init(data);
    struct cursor list = cursor_init(cursor_vector(&c, 2));

    if (!cursor_done(&c) || list.left == 0)
        return "bad-alpn";
    while (list.left > 0 && !list.bad) {
        if (cursor_vector(&list, 1).len == 0)
            return "bad-alpn";
    }
    return list.bad ? "bad-alpn" : NULL;
}

static const char *extensions_read(struct l7_bytes block, struct client_hello *hello)
{
    struct cursor c = cursor_init(block);
    struct seen seen = {0};
    const char *reason = NULL;

    while (c.left > 0 && !reason) {
        uint16_t type = (uint16_t)cursor_number(&c, 2);
        struct l7_bytes data = cursor_vector(&c, 2);

        if (c.bad)
            return "bad-extension-length";
        if (seen_before(&seen, type))
            return "repeated-extension";
        switch (type) {
        case EXT_SERVER_NAME:
            reason = server_name_read(data, hello);
            break;
        case EXT_ALPN:
            reason = alpn_check(data);
            break;
        case EXT_PRE_SHARED_KEY:
            if (c.left > 0) /* RFC 8446 4.2.11 */
                reason = "pre-shared-key-not-last";
            break;
        case EXT_ECH:
            hello->ech = true;
            break;
        default:
            break;
        }
    }
    return reason;
}

const char *client_hello_read(struct l7_bytes body, struct client_hello *hello)
{
    struct cursor c = cursor_init(body);
    struct client_hello read = {0};
    struct l7_bytes session, ciphers, compressions, block;
    const char *reason;

    read.version = (uint16_t)cursor_number(&c, 2);
    if (c.bad || read.version >> 8 != 3)
        return "bad-hello-version";
    cursor_bytes(&c, RANDOM_LEN);
    session = cursor_vector(&c, 1);
    ciphers = cursor_vector(&c, 2);
    compressions = cursor_vector(&c, 1);
    if (c.bad || session.len > SESSION_ID_MAX || ciphers.len == 0 || ciphers.len % 2 != 0 ||
        compressions.len == 0)
        return "bad-hello-length";
    if (c.left > 0) { /* RFC 5246 7.4.1.2: hellos without an extension block exist */
        block = cursor_vector(&c, 2);
        if (!cursor_done(&c))
            return "bad-hello-length";
        reason = extensions_read(block, &read);
        if (reason)
            return reason;
    }
    *hello = read;
    return NULL;
}

/* RFC 8446 4.1.3: the random of a HelloRetryRequest, SHA-256 of "HelloRetryRequest". */
static const uint8_t retry_random[RANDOM_LEN] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

const char *server_hello_read(struct l7_bytes body, struct server_hello *hello)
{
    struct cursor c = cursor_init(body);
    struct server_hello read = {.version = (uint16_t)cursor_number(&c, 2)};
    struct l7_bytes random = cursor_bytes(&c, RANDOM_LEN);

    cursor_vector(&c, 1); /* session id */
    cursor_bytes(&c, 3);  /* cipher suite, compression */
    if (c.bad)
        return "bad-server-hello";
    read.retry = memcmp(random.ptr, retry_random, RANDOM_LEN) == 0;
    if (c.left > 0) {
        struct cursor block = cursor_init(cursor_vector(&c, 2));

        while (block.left > 0 && !block.bad) {
            uint32_t type = cursor_number(&block, 2);
            struct l7_bytes data = cursor_vector(&block, 2);

            if (type == EXT_SUPPORTED_VERSIONS && data.len == 2)
                read.version = (uint16_t)(data.ptr[0] << 8 | data.ptr[1]);
        }
        if (block.bad || !cursor_done(&c))
            return "bad-server-hello";
    }
    if (!version_name(read.version))
        return "unknown-version";
    *hello = read;
    return NULL;
}

/* Drafts of TLS 1.3 from 22 on: 0x7f00 and the draft's number. Earlier ones had another ServerHello
 * and stay unread. */
static bool version_is_draft(uint16_t version)
{
    return version >> 8 == 0x7f;
}

bool version_is_13(uint16_t version)
{
    return version == VERSION_TLS13 || version_is_draft(version);
}

const char *version_name(uint16_t version)
{
    switch (version) {
    case VERSION_SSL3:
        return "SSLv3";
    case VERSION_TLS10:
        return "TLSv1";
    case VERSION_TLS11:
        return "TLS 1.1";
    case VERSION_TLS12:
        return "TLS 1.2";
    case VERSION_TLS13:
        return "TLS 1.3";
    default:
        return version_is_draft(version) ? "TLS 1.3" : NULL;
    }
}
