/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ethtool: the transmit checksum offload of an interface, by name. */
#include <stdbool.h>

/* 0 or negative errno; *on is untouched on failure. */
int ethtool_tx_checksum_read(const char *name, bool *on);
int ethtool_tx_checksum_write(const char *name, bool on);
