/* SPDX-License-Identifier: Apache-2.0 */

/* pieces: whether fragments fit together, and the datagram they make.
 *
 * Stricter than receivers, so that there is one reading only: no overlap (RFC 5722, here for IPv4
 * too), no empty fragment, no odd length before the last one, all headers in the first one
 * (RFC 7112).
 */

#include "flow/pieces.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "flow/checksum.h"
#include "flow/decode.h"
#include "flow/ipv6.h"
#include "flow/wire.h"

#define DATAGRAM_MAX 65535u /* IPv4: in all. IPv6: after the fixed header */
#define ROOM_MIN 4

struct piece {
    struct l7_frame frame; /* as it came; its bytes are `bytes` */
    uint32_t offset, len;  /* of the payload in the datagram's */
    uint32_t payload_at;   /* offset in `bytes` */
    uint16_t link_len;
    uint16_t vlan[3];
    uint8_t vlan_count;
    uint8_t family;
    bool more;
    uint16_t arrival; /* how many came before it */
    uint8_t bytes[];
};

/* Bytes before the payload that the length field of the whole datagram will count. */
static uint32_t counted_header(uint8_t family, uint32_t header)
{
    return family == 4 ? header : header - IPV6_HEADER_LEN - IPV6_FRAGMENT_LEN;
}

/* RFC 7112: the first fragment has the whole chain of headers. One that has not is made to hide
 * ports or flags from whoever looks at fragments one by one. */
static const char *head_check(const struct packet *fragment)
{
    struct ipv6_chain chain = {.proto = fragment->proto};
    const uint8_t *transport;
    uint32_t len, need = 0;

    if (fragment->src.family == 6) {
        switch (ipv6_chain_walk(fragment->payload, fragment->payload_len, &chain)) {
        case IPV6_BROKEN:
            return "fragment-tiny-head";
        case IPV6_FRAGMENT:
            return "fragment-nested";
        case IPV6_TRANSPORT:
            break;
        }
    }
    transport = fragment->payload + chain.at;
    len = fragment->payload_len - chain.at;
    if (chain.proto == IPPROTO_TCP)
        need = len < 20 ? 20 : (uint32_t)(transport[12] >> 4) * 4;
    else if (chain.proto == IPPROTO_UDP || chain.proto == IPPROTO_ICMP ||
             chain.proto == IPPROTO_ICMPV6)
        need = 8;
    else if (chain.proto == IPPROTO_SCTP)
        need = 12;
    return len < need ? "fragment-tiny-head" : NULL;
}

const char *pieces_check(const struct packet *fragment)
{
    uint32_t header = (uint32_t)(fragment->payload - fragment->ip);

    if (fragment->cut)
        return "fragment-cut";
    if (fragment->payload_len == 0 || (fragment->fragment_more && fragment->payload_len % 8 != 0))
        return "fragment-length";
    if (counted_header(fragment->src.family, header) + fragment->fragment_offset +
            fragment->payload_len >
        DATAGRAM_MAX)
        return "fragment-too-large";
    return fragment->fragment_offset == 0 ? head_check(fragment) : NULL;
}

/* Index of the first piece at `offset` or behind it. */
static size_t place_of(const struct pieces *pieces, uint32_t offset)
{
    size_t low = 0, high = pieces->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (pieces->sorted[middle]->offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool pieces_has(const struct pieces *pieces, const struct packet *fragment)
{
    size_t place = place_of(pieces, fragment->fragment_offset);
    const struct piece *piece;

    if (place == pieces->count)
        return false;
    piece = pieces->sorted[place];
    return piece->offset == fragment->fragment_offset && piece->len == fragment->payload_len &&
           piece->more == fragment->fragment_more &&
           memcmp(piece->bytes + piece->payload_at, fragment->payload, piece->len) == 0;
}

const char *pieces_conflict(const struct pieces *pieces, const struct packet *fragment)
{
    uint32_t start = fragment->fragment_offset, end = start + fragment->payload_len;
    size_t place = place_of(pieces, start);
    const struct piece *before = place > 0 ? pieces->sorted[place - 1] : NULL;
    const struct piece *behind = place < pieces->count ? pieces->sorted[place] : NULL;

    if ((before && before->offset + before->len > start) || (behind && end > behind->offset))
        return "fragment-overlap";
    if ((pieces->end != 0 && end > pieces->end) || (!fragment->fragment_more && behind))
        return "fragment-end";
    return pieces->count == PIECES_MAX ? "fragment-too-many" : NULL;
}

static size_t room_wanted(const struct pieces *pieces)
{
    if (pieces->count < pieces->room)
        return pieces->room;
    return pieces->room ? pieces->room * 2 : ROOM_MIN;
}

static size_t room_cost(const struct pieces *pieces)
{
    return (room_wanted(pieces) - pieces->room) * sizeof(struct piece *);
}

size_t pieces_cost(const struct pieces *pieces, const struct packet *fragment)
{
    return sizeof(struct piece) + fragment->frame->len + room_cost(pieces);
}

static struct piece *piece_copy(const struct packet *fragment)
{
    const struct l7_frame *frame = fragment->frame;
    struct piece *piece = calloc(1, sizeof(*piece) + frame->len);

    if (!piece)
        return NULL;
    memcpy(piece->bytes, frame->data, frame->len);
    piece->frame = *frame;
    piece->frame.data = piece->bytes;
    piece->frame.owner = NULL;
    piece->offset = fragment->fragment_offset;
    piece->len = fragment->payload_len;
    piece->payload_at = (uint32_t)(fragment->payload - frame->data);
    piece->link_len = fragment->link_len;
    memcpy(piece->vlan, fragment->vlan, sizeof(piece->vlan));
    piece->vlan_count = fragment->vlan_count;
    piece->family = fragment->src.family;
    piece->more = fragment->fragment_more;
    return piece;
}

bool pieces_add(struct pieces *pieces, const struct packet *fragment)
{
    size_t room = room_wanted(pieces), place;
    struct piece *piece;

    if (room != pieces->room) {
        struct piece **sorted = realloc(pieces->sorted, room * sizeof(*sorted));

        if (!sorted)
            return false;
        pieces->bytes += room_cost(pieces);
        pieces->sorted = sorted;
        pieces->room = room;
    }
    piece = piece_copy(fragment);
    if (!piece)
        return false;
    place = place_of(pieces, piece->offset);
    memmove(pieces->sorted + place + 1, pieces->sorted + place,
            (pieces->count - place) * sizeof(*pieces->sorted));
    pieces->sorted[place] = piece;
    piece->arrival = (uint16_t)pieces->count++;
    pieces->payload += piece->len;
    if (!piece->more)
        pieces->end = piece->offset + piece->len;
    pieces->bytes += sizeof(*piece) + piece->frame.len;
    return true;
}

bool pieces_whole(const struct pieces *pieces)
{
    /* Nothing overlaps and nothing lies behind the end: as many bytes are all bytes. */
    return pieces->end != 0 && pieces->payload == pieces->end;
}

/* The headers of the first fragment become those of a datagram of `total` bytes. `ip` holds the
 * headers as they came, `header` bytes of them; an IPv6 fragment header is last among them. */
static void headers_mend(uint8_t *ip, uint8_t family, uint32_t header, uint32_t total)
{
    struct ipv6_chain chain = {.at = IPV6_HEADER_LEN, .next_at = 6, .proto = ip[6]};

    if (family == 4) {
        wire_put16(ip + 2, (uint16_t)total);
        wire_put16(ip + 6, 0);
        wire_put16(ip + 10, 0);
        wire_put16(ip + 10, checksum_finish(checksum_add(0, ip, header)));
        return;
    }
    if (ipv6_chain_walk(ip, header, &chain) == IPV6_FRAGMENT)
        ip[chain.next_at] = ip[chain.at];
    wire_put16(ip + 4, (uint16_t)(total - IPV6_HEADER_LEN));
}

/* Copies of the frames, in order of arrival, from `bytes` on. */
static void parts_copy(const struct pieces *pieces, struct l7_frame *parts, uint8_t *bytes)
{
    for (size_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = pieces->sorted[i];

        memcpy(bytes, piece->bytes, piece->frame.len);
        parts[piece->arrival] = piece->frame;
        parts[piece->arrival].data = bytes;
        bytes += piece->frame.len;
    }
}

static const char *packet_decode(const struct piece *first, const uint8_t *ip, uint32_t len,
                                 struct packet *packet)
{
    if (decode_ip(ip, len, packet) != DECODE_PACKET)
        return "fragment-broken";
    packet->defragmented = true;
    packet->link_len = first->link_len;
    memcpy(packet->vlan, first->vlan, sizeof(packet->vlan));
    packet->vlan_count = first->vlan_count;
    return NULL;
}

const char *pieces_join(const struct pieces *pieces, struct defrag_whole *out)
{
    const struct piece *first = pieces->sorted[0];
    uint32_t header = first->payload_at - first->link_len;
    uint32_t kept = header - (first->family == 4 ? 0 : IPV6_FRAGMENT_LEN);
    uint32_t total = kept + pieces->end;
    size_t size = (size_t)first->payload_at + pieces->end, frames = 0;
    struct defrag_whole whole = {.part_count = pieces->count};
    const char *why = "fragment-memory";
    uint8_t *ip;

    if (counted_header(first->family, header) + pieces->end > DATAGRAM_MAX)
        return "fragment-too-large";
    for (size_t i = 0; i < pieces->count; i++)
        frames += pieces->sorted[i]->frame.len;
    whole.bytes = malloc(size + frames);
    whole.parts = calloc(pieces->count, sizeof(*whole.parts));
    if (!whole.bytes || !whole.parts)
        goto out;
    parts_copy(pieces, whole.parts, whole.bytes + size);
    memcpy(whole.bytes, first->bytes, first->payload_at);
    ip = whole.bytes + first->link_len;
    headers_mend(ip, first->family, header, total);
    for (size_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = pieces->sorted[i];

        memcpy(ip + kept + piece->offset, piece->bytes + piece->payload_at, piece->len);
    }
    why = packet_decode(first, ip, total, &whole.packet);
    if (why)
        goto out;
    whole.frame = (struct l7_frame){
        .size = sizeof(whole.frame),
        .iface = first->frame.iface,
        .link = first->frame.link,
        .data = whole.bytes,
        .len = first->link_len + total,
        .wire_len = first->link_len + total,
        .time_ns = whole.parts[pieces->count - 1].time_ns,
    };
    *out = whole;
    out->packet.frame = &out->frame;
    return NULL;
out:
    free(whole.bytes);
    free(whole.parts);
    return why;
}

void pieces_fini(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        free(pieces->sorted[i]);
    free(pieces->sorted);
    *pieces = (struct pieces){0};
}
