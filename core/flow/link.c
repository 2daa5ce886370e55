/* SPDX-License-Identifier: Apache-2.0 */

/* link: which bytes of a frame precede the IP header, and whether there is one.
 *
 * A header that is not whole is broken, not "other": what it hides could be IP, and "other" passes
 * unjudged [BYP-7]. For the same reason a link type that is not known is broken. What the IP
 * header says is decode.c's.
 */

#include "flow/link.h"

#include <string.h>

/* Numbers that old files and libpcap's DLT_RAW use for what is LINKTYPE_RAW. */
#define LINK_RAW_OLD 12
#define LINK_RAW_OPENBSD 14

#define SNAP_LEN 8
#define SLL_LEN 16
#define SLL2_LEN 20
#define SLL_TYPE_LLC 4      /* LINUX_SLL_P_802_2 */
#define LLC_LENGTH_MAX 1500 /* IEEE 802.3: a type field up to this is a length */

static void vlan_push(struct packet *out, uint16_t tci)
{
    if (out->vlan_count < sizeof(out->vlan) / sizeof(out->vlan[0]))
        out->vlan[out->vlan_count++] = tci & 0x0fff;
}

/* RFC 2516 §4; the protocol field of PPP may be compressed (RFC 1661 §6.5). */
static enum decode pppoe_skip(struct rest *rest, uint8_t *family)
{
    struct rest in = *rest;
    uint16_t protocol;

    if (!rest_skip(&in, 6))
        return DECODE_BROKEN;
    if (rest->data[0] != 0x11 || rest->data[1] != 0)
        return DECODE_OTHER;
    if (!rest_limit(&in, wire_get16(rest->data + 4)) || in.len < 2)
        return DECODE_BROKEN;
    if (in.data[0] & 1) {
        protocol = in.data[0];
        rest_skip(&in, 1);
    } else {
        protocol = wire_get16(in.data);
        rest_skip(&in, 2);
    }
    if (protocol != 0x0021 && protocol != 0x0057)
        return DECODE_OTHER;
    *family = protocol == 0x0021 ? 4 : 6;
    *rest = in;
    return DECODE_PACKET;
}

/* IEEE 802.2 with SNAP (RFC 1042). Some stacks take IP from it, so it must not pass as "other". */
static bool snap_is(const struct rest *rest)
{
    static const uint8_t snap[] = {0xaa, 0xaa, 0x03, 0x00, 0x00};

    return rest->len >= SNAP_LEN && memcmp(rest->data, snap, sizeof(snap)) == 0 &&
           (rest->data[5] == 0x00 || rest->data[5] == 0xf8);
}

/* Only where snap_is(). */
static uint16_t snap_take(struct rest *rest)
{
    uint16_t type = wire_get16(rest->data + 6);

    rest_skip(rest, SNAP_LEN);
    return type;
}

enum decode link_skip_type(uint16_t type, struct rest *rest, struct packet *out, uint8_t *family)
{
    /* Each turn takes bytes from `rest`: linear, whatever the depth. */
    for (;;) {
        if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6) {
            *family = type == ETHERTYPE_IPV4 ? 4 : 6;
            return DECODE_PACKET;
        }
        if (type == ETHERTYPE_PPPOE)
            return pppoe_skip(rest, family);
        if (link_is_tag(type)) {
            const uint8_t *tag = rest->data;

            if (!rest_skip(rest, 4))
                return DECODE_BROKEN;
            vlan_push(out, wire_get16(tag));
            type = wire_get16(tag + 2);
        } else if (type <= LLC_LENGTH_MAX) {
            if (!snap_is(rest))
                return DECODE_OTHER;
            if (!rest_limit(rest, type))
                return DECODE_BROKEN;
            type = snap_take(rest);
        } else {
            return DECODE_OTHER;
        }
    }
}

/* "Cooked" headers carry an Ethernet type; below 0x600 the numbers are Linux's own. */
static enum decode cooked_skip(uint16_t type, struct rest *rest, struct packet *out,
                               uint8_t *family)
{
    if (type > LLC_LENGTH_MAX)
        return link_skip_type(type, rest, out, family);
    if (type != SLL_TYPE_LLC || !snap_is(rest))
        return DECODE_OTHER;
    type = snap_take(rest);
    return type > LLC_LENGTH_MAX ? link_skip_type(type, rest, out, family) : DECODE_OTHER;
}

/* BSD loopback: an address family in the byte order of the machine that wrote the file (NULL), or
 * in network order (LOOP). AF_INET is 2 everywhere, AF_INET6 is 24, 28 or 30. */
static enum decode loop_skip(struct rest *rest, uint8_t *family)
{
    uint32_t number;

    if (rest->len < 4)
        return DECODE_BROKEN;
    number = wire_get32(rest->data);
    if (number > 0xffff)
        number = __builtin_bswap32(number);
    rest_skip(rest, 4);
    switch (number) {
    case 2:
        *family = 4;
        return DECODE_PACKET;
    case 24:
    case 28:
    case 30:
        *family = 6;
        return DECODE_PACKET;
    default:
        return DECODE_OTHER;
    }
}

enum decode link_skip(uint16_t link, struct rest *rest, struct packet *out, uint8_t *family)
{
    const uint8_t *header = rest->data;

    switch (link) {
    case L7_LINK_ETHERNET:
        if (!rest_skip(rest, 14))
            return DECODE_BROKEN;
        return link_skip_type(wire_get16(header + 12), rest, out, family);
    case L7_LINK_SLL:
        if (!rest_skip(rest, SLL_LEN))
            return DECODE_BROKEN;
        return cooked_skip(wire_get16(header + 14), rest, out, family);
    case L7_LINK_SLL2:
        if (!rest_skip(rest, SLL2_LEN))
            return DECODE_BROKEN;
        return cooked_skip(wire_get16(header), rest, out, family);
    case L7_LINK_NULL:
    case L7_LINK_LOOP:
        return loop_skip(rest, family);
    case L7_LINK_RAW:
    case LINK_RAW_OLD:
    case LINK_RAW_OPENBSD:
        *family = 0;
        return DECODE_PACKET;
    case L7_LINK_IPV4:
        *family = 4;
        return DECODE_PACKET;
    case L7_LINK_IPV6:
        *family = 6;
        return DECODE_PACKET;
    default:
        return DECODE_BROKEN;
    }
}
