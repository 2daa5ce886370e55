/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* packet: a packet socket on one interface, with every option set before its first frame.
 *
 * What it hands over: each frame behind a virtio-net header, VLAN tags as PACKET_AUXDATA, the
 * interface promiscuous, none of our own frames.
 */
#include <stddef.h>

#include "l7guard/host.h"

/* *fd is the caller's. `buffer`: bytes that may wait to be read. 0 or negative errno after one
 * diag. */
int packet_open(const struct l7_host *host, const char *name, unsigned index, size_t buffer,
                int *fd);

/* Say what could not be done on `name` and what would help. The negative errno to give to the
 * host; never L7_RECEIVE_END. */
int packet_say_error(const struct l7_host *host, const char *name, const char *what, int err);
