/* SPDX-License-Identifier: Apache-2.0 */

/* tunnel: which packets carry packets: IP in IP, GRE, VXLAN, Geneve. For reading captures only: on
 * a node's traffic the outer packet is what is judged.
 */

#include "flow/tunnel.h"

#include <netinet/in.h>
#include "flow/link.h"

#define ETHERTYPE_BRIDGING 0x6558 /* transparent Ethernet: a whole frame follows */
#define VXLAN_PORT 4789
#define GENEVE_PORT 6081

static enum decode inside_skip(uint16_t type, struct rest *rest, struct packet *inner,
                               uint8_t *family)
{
    if (type == ETHERTYPE_BRIDGING)
        return link_skip(L7_LINK_ETHERNET, rest, inner, family);
    return link_skip_type(type, rest, inner, family);
}

/* RFC 2784, RFC 2890. Version 1 (PPTP) and source routes (RFC 1701) are not looked into. */
static enum decode gre_skip(struct rest *rest, struct packet *inner, uint8_t *family)
{
    uint16_t flags, type;
    uint32_t header = 4;

    if (rest->len < header)
        return DECODE_BROKEN;
    flags = wire_get16(rest->data);
    type = wire_get16(rest->data + 2);
    if ((flags & 0x4007) != 0)
        return DECODE_OTHER;
    header += (flags & 0x8000) ? 4 : 0; /* checksum */
    header += (flags & 0x2000) ? 4 : 0; /* key */
    header += (flags & 0x1000) ? 4 : 0; /* sequence number */
    if (!rest_skip(rest, header))
        return DECODE_BROKEN;
    return inside_skip(type, rest, inner, family);
}

/* RFC 7348 §5: the I flag must be set. */
static enum decode vxlan_skip(struct rest *rest, struct packet *inner, uint8_t *family)
{
    if (rest->len < 8 || (rest->data[0] & 0x08) == 0)
        return DECODE_OTHER;
    rest_skip(rest, 8);
    return link_skip(L7_LINK_ETHERNET, rest, inner, family);
}

/* RFC 8926 §3.4: version 0, options in 4-byte units. */
static enum decode geneve_skip(struct rest *rest, struct packet *inner, uint8_t *family)
{
    uint16_t type;

    if (rest->len < 8 || rest->data[0] >> 6 != 0)
        return DECODE_OTHER;
    type = wire_get16(rest->data + 2);
    if (!rest_skip(rest, 8 + (uint32_t)(rest->data[0] & 0x3f) * 4))
        return DECODE_BROKEN;
    return inside_skip(type, rest, inner, family);
}

enum decode tunnel_skip(const struct packet *outer, struct rest *rest, struct packet *inner,
                        uint8_t *family)
{
    switch (outer->proto) {
    case IPPROTO_IPIP:
        *family = 4;
        return DECODE_PACKET;
    case IPPROTO_IPV6:
        *family = 6;
        return DECODE_PACKET;
    case IPPROTO_GRE:
        return gre_skip(rest, inner, family);
    case IPPROTO_UDP:
        if (outer->dport == VXLAN_PORT)
            return vxlan_skip(rest, inner, family);
        if (outer->dport == GENEVE_PORT)
            return geneve_skip(rest, inner, family);
        return DECODE_OTHER;
    default:
        return DECODE_OTHER;
    }
}
