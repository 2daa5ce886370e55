/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ident: the identification string of SSH (RFC 4253 4.2).
 *
 *     SSH-2.0-OpenSSH_9.2p1 Debian-2 CR LF
 *         ^^^ version           ^^^^^^^^ comments
 *             ^^^^^^^^^^^^^ software
 *
 * In    a line without its end
 * Out   its parts, borrowed from the line, or why it is none
 * Not   where lines begin and end (ssh.c)
 */

#include "l7guard/types.h"

#define IDENT_MAX 255 /* with CR LF: RFC 4253 4.2 */

struct ident {
    struct l7_bytes version, software;
    const char *fault; /* NULL, or a reason */
};

struct ident ident_read(struct l7_bytes line);

/* Do these bytes begin, or continue to begin, with "SSH-"? */
bool ident_begins(struct l7_bytes bytes);
