/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* token: the small words of HTTP's grammar (RFC 9110 §5.6): which bytes may stand where, lists,
 * and comparison without regard to case. Pure; owns nothing.
 */

#include "l7guard/types.h"

bool token_is_tchar(uint8_t c);
bool token_is_path(uint8_t c);  /* may stand unescaped in a path, '/' included, '%' not */
bool token_is_query(uint8_t c); /* may stand in a query, '%' included */
bool token_is_host(uint8_t c);  /* may stand in a host name or IPv4 address */

/* One or more tchar. */
bool token_is_valid(struct l7_bytes text);

uint8_t token_lower(uint8_t c);
int token_hex(uint8_t c); /* -1: no hex digit */

bool token_equal(struct l7_bytes a, const char *b);
bool token_equal_nocase(struct l7_bytes a, const char *lower);
bool token_same_nocase(struct l7_bytes a, struct l7_bytes b);

/* Without blanks (SP, HTAB) at either end. */
struct l7_bytes token_trim(struct l7_bytes text);

/* The part of `text` from `from` up to `to`. */
struct l7_bytes token_slice(struct l7_bytes text, size_t from, size_t to);

/* Cut the next comma-separated member off `rest`; members are trimmed and may be empty. False
 * when nothing is left. Start with *more = true. */
bool token_next_member(struct l7_bytes *rest, bool *more, struct l7_bytes *member);

/* A list has this member, whatever its case. */
bool token_list_has(struct l7_bytes list, const char *lower);
