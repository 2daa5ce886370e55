/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/segment.h"

#include <string.h>
#include "flow/checksum.h"

static void put16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, (uint16_t)(v >> 16));
    put16(at + 2, (uint16_t)v);
}

size_t segment_make(const struct packet *model, uint32_t seq, struct l7_bytes payload,
                    uint8_t flags, uint8_t *buf, size_t cap, struct l7_offload *offload)
{
    if (model->proto != IPPROTO_TCP)
        return 0;
    const struct l7_frame *frame = model->frame;
    size_t head = (size_t)(model->payload - frame->data);
    size_t ip_at = (size_t)(model->ip - frame->data);
    size_t tcp_at = (size_t)(model->transport - frame->data);
    size_t total = head + payload.len;
    size_t ip_total = total - ip_at;
    if (total > cap || ip_total > 65535)
        return 0;
    memcpy(buf, frame->data, head);
    if (payload.len > 0)
        memcpy(buf + head, payload.ptr, payload.len);

    uint8_t *ip = buf + ip_at, *tcp = buf + tcp_at;
    if (model->src.family == 4) {
        put16(ip + 2, (uint16_t)ip_total);
        put16(ip + 10, 0);
        put16(ip + 10, checksum_finish(checksum_add(0, ip, (size_t)(ip[0] & 15) * 4)));
    } else {
        put16(ip + 4, (uint16_t)(ip_total - 40));
    }
    put32(tcp + 4, seq);
    tcp[13] = flags;
    put16(tcp + 16, 0);

    uint32_t tcp_len = (uint32_t)(total - tcp_at);
    uint64_t pseudo = checksum_pseudo(&model->src, &model->dst, IPPROTO_TCP, tcp_len);
    memset(offload, 0, sizeof(*offload));
    const struct l7_offload *was = &frame->offload;
    if (was->gso_type != 0 && payload.len > was->gso_size) {
        /* The stack below still cuts it up; it completes each checksum from the pseudo header's. */
        *offload = *was;
        offload->flags = L7_OFFLOAD_NEEDS_CSUM;
        offload->csum_start = (uint16_t)tcp_at;
        offload->csum_offset = 16;
        offload->hdr_len = (uint16_t)head;
        put16(tcp + 16, (uint16_t)~checksum_finish(pseudo));
    } else {
        put16(tcp + 16, checksum_finish(checksum_add(pseudo, tcp, tcp_len)));
    }
    return total;
}
