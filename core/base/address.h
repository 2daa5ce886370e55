/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* address: IPv4 and IPv6 addresses as values; text is read and written elsewhere only through here.
 */

#include <stdbool.h>
#include <stddef.h>
#include "l7guard/log.h"

#define ADDRESS_TEXT_MAX 46

bool address_parse(const char *text, struct l7_address *out);
/* The short form: "10.1.2.3", "fd77::1". Returns buf. */
const char *address_text(const struct l7_address *a, char buf[ADDRESS_TEXT_MAX]);
bool address_equal(const struct l7_address *a, const struct l7_address *b);
/* Is `a` inside net/prefix? False for different families. */
bool address_in(const struct l7_address *a, const struct l7_address *net, unsigned prefix);
/* "10.0.0.0/8", "fd00::/8"; host bits are cleared. */
bool address_parse_cidr(const char *text, struct l7_address *net, unsigned *prefix);
