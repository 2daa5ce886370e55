/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client: a client's packet of a governed session: what the server has, does not have yet, or must
 * not have.
 *
 * Not   how far judged bytes go (deliver.c), what they mean (feed.c)
 */

#include "engine/session.h"

enum outcome client_packet(struct session *s, const struct packet *p, const struct carrier *c,
                           const char **reason);
