/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cover: how the traffic of two rules lies to each other, by what they say of peers and ports.
 *
 * Both answers are careful: rule_covers() is true only if it is so, rules_apart() likewise.
 */

#include "policy/snapshot.h"

/* Where both apply, does `a` match whatever `b` matches? */
bool rule_covers(const struct compiled *a, const struct compiled *b);
/* Is there nothing that both match? */
bool rules_apart(const struct compiled *a, const struct compiled *b);
/* Does nobody match its peers, for want of any? */
bool rule_is_empty(const struct compiled *c);
