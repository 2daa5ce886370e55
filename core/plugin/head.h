/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* head: the plain numbers at the beginning of a plugin's descriptor, read from its file.
 *
 * In    a path
 * Out   what the descriptor says of itself, or the sentence why this host cannot serve it
 * Not   anything that needs the object mapped (loader.c)
 */

#include <stddef.h>
#include "l7guard/plugin.h"

#define HEAD_SIZE (offsetof(struct l7_plugin, name) + L7_NAME_MAX)

/* The sentence into `why`; returns `status`, for `return refuse(...)`. */
int refuse(char *why, size_t why_cap, int status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* `name`: what the plugin must call itself. On success the head is in `head`, the rest of it zero;
 * head->size does not exceed what the file has. 0 or negative errno. */
int head_read(const char *path, const char *name, struct l7_plugin *head, char *why,
              size_t why_cap);
