/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* checksum: the Internet checksum (RFC 1071), for packets of our own making.
 *
 *     sum = checksum_pseudo(src, dst, proto, len);    or 0
 *     sum = checksum_add(sum, bytes, len);            any number of times, all but the last even
 *     checksum_finish(sum)                            what goes into the header
 */

#include <stddef.h>
#include <stdint.h>
#include "l7guard/log.h"

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t len);
/* The pseudo header of TCP, UDP and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1). `len`: of transport
 * header and payload. */
uint64_t checksum_pseudo(const struct l7_address *src, const struct l7_address *dst, uint8_t proto,
                         uint32_t len);
uint16_t checksum_finish(uint64_t sum);
