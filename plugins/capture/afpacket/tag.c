/* SPDX-License-Identifier: Apache-2.0 */
/* tag: see tag.h. IEEE 802.1Q: the tag follows the two addresses, TPID first, in network order. */
#include "tag.h"

#include <string.h>

#define ADDRESSES_SIZE 12u

static uint16_t later_by_tag(uint16_t offset)
{
    /* No offset of a real frame is that far in; the kernel refuses what it cannot be. */
    return offset > UINT16_MAX - TAG_SIZE ? UINT16_MAX : (uint16_t)(offset + TAG_SIZE);
}

uint8_t *tag_insert(uint8_t *data, uint16_t tpid, uint16_t tci, struct l7_offload *offload)
{
    uint8_t *frame = data - TAG_SIZE;
    memmove(frame, data, ADDRESSES_SIZE);
    frame[12] = (uint8_t)(tpid >> 8);
    frame[13] = (uint8_t)tpid;
    frame[14] = (uint8_t)(tci >> 8);
    frame[15] = (uint8_t)tci;

    /* csum_offset counts from csum_start, and zero means "not given" for both of these. */
    if (offload->flags & L7_OFFLOAD_NEEDS_CSUM)
        offload->csum_start = later_by_tag(offload->csum_start);
    if (offload->hdr_len)
        offload->hdr_len = later_by_tag(offload->hdr_len);
    return frame;
}
