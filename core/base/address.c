/* SPDX-License-Identifier: Apache-2.0 */
/* address: text to address and back, and which network contains which. What is unused of `bytes`
 * is zero, so that addresses also compare and hash as memory. */

#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

static unsigned width(const struct l7_address *a)
{
    return a->family == 4 ? 32 : a->family == 6 ? 128 : 0;
}

bool address_parse(const char *text, struct l7_address *out)
{
    struct l7_address made = {.family = 0};

    if (!text)
        return false;
    if (inet_pton(AF_INET, text, made.bytes) == 1)
        made.family = 4;
    else if (inet_pton(AF_INET6, text, made.bytes) == 1)
        made.family = 6;
    else
        return false;
    *out = made;
    return true;
}

const char *address_text(const struct l7_address *a, char buf[ADDRESS_TEXT_MAX])
{
    int family = a->family == 4 ? AF_INET : a->family == 6 ? AF_INET6 : AF_UNSPEC;

    if (!inet_ntop(family, a->bytes, buf, ADDRESS_TEXT_MAX))
        buf[0] = 0;
    return buf;
}

bool address_equal(const struct l7_address *a, const struct l7_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, width(a) / 8) == 0;
}

bool address_in(const struct l7_address *a, const struct l7_address *net, unsigned prefix)
{
    if (a->family != net->family || prefix > width(net))
        return false;
    size_t whole = prefix / 8;
    if (memcmp(a->bytes, net->bytes, whole) != 0)
        return false;
    unsigned rest = prefix % 8;
    return rest == 0 || ((a->bytes[whole] ^ net->bytes[whole]) >> (8 - rest)) == 0;
}

static void clear_host_bits(struct l7_address *net, unsigned prefix)
{
    for (unsigned bit = prefix; bit < width(net); bit++)
        net->bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
}

/* The prefix length is plain decimal: no sign, no leading zero, at most three digits. */
bool address_parse_cidr(const char *text, struct l7_address *net, unsigned *prefix)
{
    char head[ADDRESS_TEXT_MAX];
    struct l7_address made;
    unsigned bits = 0;

    const char *slash = text ? strchr(text, '/') : NULL;
    if (!slash || (size_t)(slash - text) >= sizeof(head))
        return false;
    memcpy(head, text, (size_t)(slash - text));
    head[slash - text] = 0;
    if (!address_parse(head, &made))
        return false;
    const char *p = slash + 1;
    size_t digits = strspn(p, "0123456789");
    if (digits == 0 || digits > 3 || p[digits] || (p[0] == '0' && digits > 1))
        return false;
    for (; *p; p++)
        bits = bits * 10 + (unsigned)(*p - '0');
    if (bits > width(&made))
        return false;
    clear_host_bits(&made, bits);
    *net = made;
    *prefix = bits;
    return true;
}
