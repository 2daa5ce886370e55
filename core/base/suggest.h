/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* suggest: the word somebody probably meant.
 *
 * In    a word nobody knows, and the words that are known
 * Out   the nearest of them, or NULL when none is near
 */

#include <stddef.h>

/* Nearness is the number of letters to change, insert, leave out or swap with a neighbour: at most
 * a third of the word, and at most 3. Upper and lower case count as alike. Of equals the first. The
 * answer is an element of `list`. `list` entries that are NULL are passed over. */
const char *suggest(const char *word, const char *const *list, size_t n);
