/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* quote: the packet inside an ICMP error, as far as it names a flow. */

#include <stdbool.h>
#include <stdint.h>
#include "flow/packet.h"

/* Does an ICMP (family 4) or ICMPv6 (6) message of this type quote a packet? */
bool icmp_is_error(uint8_t family, uint8_t type);
/* Fill the `quoted` fields from the bytes after the ICMP header. Quotes may be cut anywhere; one
 * that does not name a whole tuple leaves `out` as it was. */
void quote_read(const uint8_t *ip, uint32_t len, struct packet *out);
