/* SPDX-License-Identifier: Apache-2.0 */

/* checksum: sums of 16-bit words, folded. Checksums of received frames are nobody's business
 * here: offload may not have filled them in yet [VLAN-8].
 */

#include "flow/checksum.h"

#include "flow/wire.h"

/* Words of 32 bits come to the same once folded, and 64 bits hold the sum of 2^32 of them: no carry
 * is lost before the end. */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t len)
{
    for (; len > 3; len -= 4, bytes += 4)
        sum += wire_get32(bytes);
    if (len > 1) {
        sum += wire_get16(bytes);
        len -= 2;
        bytes += 2;
    }
    return len ? sum + ((uint32_t)bytes[0] << 8) : sum;
}

uint64_t checksum_pseudo(const struct l7_address *src, const struct l7_address *dst, uint8_t proto,
                         uint32_t len)
{
    uint32_t size = src->family == 4 ? 4 : 16;
    uint64_t sum = (uint64_t)proto + len;

    sum = checksum_add(sum, src->bytes, size);
    return checksum_add(sum, dst->bytes, size);
}

uint16_t checksum_finish(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
