/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* iface: what an interface is, asked by its name.
 *
 * Not   what is wrong with the answer (port.h)
 */
#include <stdbool.h>

/* The kernel's ARPHRD_* number; or negative errno. */
int iface_type(const char *name);
/* False also when there is none of that name. */
bool iface_is_up(const char *name);
/* 0: unknown. */
unsigned iface_mtu(const char *name);

/* The transmit checksum offload. 0 or negative errno; *on is untouched on failure. */
int iface_tx_checksum_read(const char *name, bool *on);
int iface_tx_checksum_write(const char *name, bool on);
