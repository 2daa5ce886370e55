/* SPDX-License-Identifier: Apache-2.0 */

/* fuzz: frames of any bytes through decode, defrag and craft, as a capture would bring them.
 *
 * Input: link type (index), options, then frames: two bytes of length, big-endian, and as many
 * bytes; the last may be short. Each frame lies in memory of its own, of exactly its length.
 */

#include <stdlib.h>
#include <string.h>
#include "flow/craft.h"
#include "flow/decode.h"
#include "flow/defrag.h"

#define OPTION_TUNNELS 1
#define OPTION_CUT 2
#define OPTION_GSO 4
#define OPTION_SLOW 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void claim(bool truth)
{
    if (!truth)
        abort();
}

static void packet_check(const struct packet *p)
{
    const uint8_t *start = p->frame->data, *end = start + p->frame->len;

    claim(p->ip == start + p->link_len && p->ip_len <= (size_t)(end - p->ip));
    claim(p->transport >= p->ip && p->transport <= p->payload);
    claim(p->payload <= p->ip + p->ip_len);
    claim(p->payload_len <= (size_t)(p->ip + p->ip_len - p->payload));
    claim(p->cut == (p->missing > 0) && p->vlan_count <= 3);
    claim(p->src.family == p->dst.family && (p->src.family == 4 || p->src.family == 6));
}

/* What is made from any packet must itself be one. */
static void made_check(const struct packet *model, const uint8_t *buf, size_t len)
{
    struct l7_frame frame = {.link = model->frame->link, .data = buf, .len = (uint32_t)len};
    struct packet made;

    claim(len <= CRAFT_MAX);
    if (len == 0)
        return;
    claim(decode_frame(&frame, false, &made) == DECODE_PACKET);
    packet_check(&made);
    claim(made.link_len + made.ip_len == len);
}

static void packet_answer(const struct packet *model)
{
    uint8_t *buf = malloc(CRAFT_MAX);

    claim(buf != NULL);
    made_check(model, buf, craft_reset(model, true, 1, 2, TCP_RST | TCP_ACK, buf));
    made_check(model, buf, craft_reset(model, false, 1, 2, TCP_RST, buf));
    made_check(model, buf, craft_unreachable(model, buf));
    free(buf);
}

static void fragment_put(struct defrag *defrag, const struct packet *fragment, uint64_t now)
{
    struct defrag_whole whole;
    const char *reason = NULL;

    switch (defrag_put(defrag, fragment, now, &whole, &reason)) {
    case DEFRAG_WHOLE:
        packet_check(&whole.packet);
        claim(whole.packet.defragmented && whole.part_count > 1);
        packet_answer(&whole.packet);
        defrag_whole_fini(&whole);
        break;
    case DEFRAG_REFUSED:
        claim(reason != NULL);
        break;
    case DEFRAG_HELD:
        break;
    }
}

static void frame_put(struct defrag *defrag, struct l7_frame *frame, uint8_t options)
{
    struct packet packet;

    switch (decode_frame(frame, options & OPTION_TUNNELS, &packet)) {
    case DECODE_PACKET:
        packet_check(&packet);
        packet_answer(&packet);
        break;
    case DECODE_FRAGMENT:
        packet_check(&packet);
        fragment_put(defrag, &packet, frame->time_ns);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t links[] = {
        L7_LINK_ETHERNET, L7_LINK_RAW,  L7_LINK_SLL,  L7_LINK_SLL2,
        L7_LINK_NULL,     L7_LINK_LOOP, L7_LINK_IPV4, L7_LINK_IPV6,
    };
    struct defrag *defrag = defrag_new(1 << 16, 8, 1000);
    uint64_t now = 1;

    claim(defrag != NULL);
    for (size_t at = 2; size > 2 && size - at > 2;) {
        size_t len = (size_t)data[at] << 8 | data[at + 1];
        struct l7_frame frame = {.size = sizeof(frame), .link = links[data[0] % 8]};
        uint8_t *bytes;

        at += 2;
        len = len < size - at ? len : size - at;
        bytes = malloc(len);
        claim(bytes != NULL || len == 0);
        if (len)
            memcpy(bytes, data + at, len);
        at += len;
        frame.data = bytes;
        frame.len = (uint32_t)len;
        frame.wire_len = frame.len + ((data[1] & OPTION_CUT) ? 100 : 0);
        frame.offload.gso_type = (data[1] & OPTION_GSO) ? 1 : 0;
        frame.time_ns = now += (data[1] & OPTION_SLOW) ? 600 : 1;
        frame_put(defrag, &frame, data[1]);
        free(bytes);
        claim(defrag_bytes(defrag) <= 1 << 16);
    }
    defrag_expire(defrag, now + 2000);
    claim(defrag_bytes(defrag) == 0);
    defrag_free(defrag);
    return 0;
}
