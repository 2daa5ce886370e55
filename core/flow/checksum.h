/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* checksum: the Internet checksum (RFC 1071), for packets of our own making. */

#include <stdint.h>
#include "l7guard/log.h"

/* Over `len` bytes, as it is written into a header. 0 over bytes that contain a right one. */
uint16_t checksum(const uint8_t *bytes, uint32_t len);
/* With the pseudo header of TCP, UDP and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1). */
uint16_t checksum_pseudo(const struct l7_address *src, const struct l7_address *dst, uint8_t proto,
                         const uint8_t *bytes, uint32_t len);
