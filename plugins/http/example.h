/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* example: a request described in words, for `l7ctl explain`.
 *
 * It emits what [L7-14] to [L7-18] make of the words, also where the wire is stricter; then the
 * note says so. -EINVAL: no request is described; -EBADMSG: it would be malformed [L7-24], so no
 * rule could allow it.
 */

#include "l7guard/inspector.h"

int http_example(const void *self, const struct l7_pair *pairs, size_t pair_count, struct l7_tx *tx,
                 struct l7_text *note);
