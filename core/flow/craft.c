/* SPDX-License-Identifier: Apache-2.0 */

/* craft: bytes of resets and unreachables. When to send one is the engine's.
 *
 * A link header is copied only as far as it is understood: Ethernet addresses, VLAN tags, and
 * perhaps a PPPoE session. IP headers are new: no options, no extension headers, TTL 64.
 */

#include "flow/craft.h"

#include <netinet/in.h>
#include <string.h>
#include "flow/checksum.h"
#include "flow/link.h"
#include "flow/quote.h"
#include "flow/wire.h"

#define MAC_LEN 6
#define ETHERNET_LEN 14
#define PPPOE_LEN 8 /* with a PPP protocol field that is not compressed */
#define IPV4_LEN 20
#define IPV6_LEN 40
#define TCP_LEN 20
#define ICMP_LEN 8
#define TTL 64
/* All of the datagram: what every host takes. RFC 1812 §4.3.2.3; RFC 4443 §2.4 (c). */
#define ICMP_DATAGRAM_MAX 576
#define ICMPV6_DATAGRAM_MAX 1280

struct draft {
    const struct packet *model;
    struct l7_address src, dst;
    uint8_t *buf;
    uint32_t link_len;  /* bytes of the link header at `buf` */
    uint32_t pppoe_at;  /* offset of the PPPoE header in it, 0: none */
    uint32_t ip_header; /* length of the IP header to come */
};

/* Does the model's link header consist of what can be used again, and end where IP begins? */
static bool ethernet_is_plain(const struct packet *model, uint32_t *pppoe_at)
{
    const uint8_t *frame = model->frame->data;
    uint32_t at = ETHERNET_LEN;
    uint16_t type;

    if (model->link_len < ETHERNET_LEN)
        return false;
    for (type = wire_get16(frame + 12); link_is_tag(type) && at + 4 <= model->link_len; at += 4)
        type = wire_get16(frame + at + 2);
    if (type == ETHERTYPE_PPPOE && at + PPPOE_LEN == model->link_len) {
        *pppoe_at = at;
        return true;
    }
    return at == model->link_len &&
           type == (model->src.family == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
}

/* The link header goes to `buf`. False: not a model that can be answered. */
static bool draft_start(struct draft *draft, const struct packet *model, bool back, uint8_t *buf)
{
    const struct l7_frame *frame = model->frame;

    *draft = (struct draft){.model = model, .buf = buf};
    draft->src = back ? model->dst : model->src;
    draft->dst = back ? model->src : model->dst;
    draft->ip_header = model->src.family == 4 ? IPV4_LEN : IPV6_LEN;
    switch (frame->link) {
    case L7_LINK_RAW:
    case L7_LINK_IPV4:
    case L7_LINK_IPV6:
        return model->link_len == 0;
    case L7_LINK_ETHERNET:
        break;
    default:
        return false;
    }
    if (model->link_len > CRAFT_MAX - ICMPV6_DATAGRAM_MAX ||
        !ethernet_is_plain(model, &draft->pppoe_at))
        return false;
    draft->link_len = model->link_len;
    memcpy(buf, frame->data, model->link_len);
    if (back) {
        memcpy(buf, frame->data + MAC_LEN, MAC_LEN);
        memcpy(buf + MAC_LEN, frame->data, MAC_LEN);
    }
    return true;
}

static uint8_t *draft_body(const struct draft *draft)
{
    return draft->buf + draft->link_len + draft->ip_header;
}

/* Put the IP header before a body of `len` bytes; returns the frame's length. */
static size_t draft_finish(const struct draft *draft, uint8_t proto, uint32_t len)
{
    uint8_t *ip = draft->buf + draft->link_len;
    uint32_t total = draft->ip_header + len;

    memset(ip, 0, draft->ip_header);
    if (draft->src.family == 4) {
        ip[0] = 0x45;
        wire_put16(ip + 2, (uint16_t)total);
        wire_put16(ip + 6, 0x4000); /* do not fragment: identification 0 is then fine, RFC 6864 */
        ip[8] = TTL;
        ip[9] = proto;
        memcpy(ip + 12, draft->src.bytes, 4);
        memcpy(ip + 16, draft->dst.bytes, 4);
        wire_put16(ip + 10, checksum_finish(checksum_add(0, ip, IPV4_LEN)));
    } else {
        ip[0] = 0x60;
        wire_put16(ip + 4, (uint16_t)len);
        ip[6] = proto;
        ip[7] = TTL;
        memcpy(ip + 8, draft->src.bytes, 16);
        memcpy(ip + 24, draft->dst.bytes, 16);
    }
    if (draft->pppoe_at) /* counts the two bytes of the PPP protocol field */
        wire_put16(draft->buf + draft->pppoe_at + 4, (uint16_t)(total + 2));
    return draft->link_len + total;
}

size_t craft_reset(const struct packet *model, bool back, uint32_t seq, uint32_t ack, uint8_t flags,
                   uint8_t *buf)
{
    struct draft draft;
    uint64_t sum;
    uint8_t *tcp;

    if (model->proto != IPPROTO_TCP || !draft_start(&draft, model, back, buf))
        return 0;
    tcp = draft_body(&draft);
    memset(tcp, 0, TCP_LEN);
    wire_put16(tcp, back ? model->dport : model->sport);
    wire_put16(tcp + 2, back ? model->sport : model->dport);
    wire_put32(tcp + 4, seq);
    wire_put32(tcp + 8, (flags & TCP_ACK) ? ack : 0);
    tcp[12] = (TCP_LEN / 4) << 4;
    tcp[13] = flags;
    sum = checksum_pseudo(&draft.src, &draft.dst, IPPROTO_TCP, TCP_LEN);
    wire_put16(tcp + 16, checksum_finish(checksum_add(sum, tcp, TCP_LEN)));
    return draft_finish(&draft, IPPROTO_TCP, TCP_LEN);
}

static bool is_host(const struct l7_address *address)
{
    static const uint8_t zero[16];

    if (address->family == 6)
        return address->bytes[0] != 0xff && memcmp(address->bytes, zero, 16) != 0;
    /* 0/8, and 224/3: multicast, reserved, broadcast */
    return address->bytes[0] != 0 && address->bytes[0] < 224;
}

/* RFC 1122 §3.2.2, RFC 4443 §2.4 (e): what must never cause an error message. */
static bool may_be_answered(const struct packet *model)
{
    uint8_t icmp = model->src.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

    if (!is_host(&model->src) || !is_host(&model->dst))
        return false;
    if (model->frame->link == L7_LINK_ETHERNET && model->frame->len > 0 &&
        (model->frame->data[0] & 1)) /* sent to a group of stations */
        return false;
    return model->proto != icmp || !icmp_is_error(model->src.family, model->icmp_type);
}

size_t craft_unreachable(const struct packet *model, uint8_t *buf)
{
    bool v4 = model->src.family == 4;
    struct draft draft;
    uint32_t quote, room;
    uint64_t sum = 0;
    uint8_t *icmp;

    if (!may_be_answered(model) || !draft_start(&draft, model, true, buf))
        return 0;
    room = (v4 ? ICMP_DATAGRAM_MAX : ICMPV6_DATAGRAM_MAX) - draft.ip_header - ICMP_LEN;
    quote = model->ip_len < room ? model->ip_len : room;
    icmp = draft_body(&draft);
    memset(icmp, 0, ICMP_LEN);
    icmp[0] = v4 ? 3 : 1;
    icmp[1] = v4 ? 10 : 1;
    memcpy(icmp + ICMP_LEN, model->ip, quote);
    if (!v4) /* ICMP for IPv4 has no pseudo header */
        sum = checksum_pseudo(&draft.src, &draft.dst, IPPROTO_ICMPV6, ICMP_LEN + quote);
    wire_put16(icmp + 2, checksum_finish(checksum_add(sum, icmp, ICMP_LEN + quote)));
    return draft_finish(&draft, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, ICMP_LEN + quote);
}
