/* SPDX-License-Identifier: Apache-2.0 */
/* types: the few words every part of the SDK shares.
 *
 * All text handed across the SDK is UTF-8 or wire bytes as the field says; all times are
 * nanoseconds since the Unix epoch; all lengths are bytes; ports are in host byte order.
 */
#ifndef L7GUARD_TYPES_H
#define L7GUARD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version these headers describe. A plugin records it in its descriptor. Hosts of the same
 * major and the same or a later minor load it; every other host refuses it with a sentence. */
#define L7_SDK_MAJOR 1
#define L7_SDK_MINOR 0

/* Borrowed bytes: valid until the call that hands them over returns, unless stated otherwise.
 * `ptr` may be NULL when `len` is 0. */
struct l7_bytes {
    const uint8_t *ptr;
    size_t len;
};

/* Which way bytes go. The client is the side that opened the flow. */
enum l7_dir {
    L7_TO_SERVER = 0,
    L7_TO_CLIENT = 1,
};

enum l7_type {
    L7_TYPE_STRING = 1, /* bytes as on the wire, of any value */
    L7_TYPE_NUMBER = 2,
    L7_TYPE_BOOL = 3,
};

struct l7_value {
    uint32_t type; /* enum l7_type */
    uint32_t reserved;
    struct l7_bytes string;
    int64_t number; /* also the truth of a bool: 0 or 1 */
};

/* Text a plugin writes into memory of the host. Never NUL-terminated by the plugin. */
struct l7_text {
    char *ptr;
    size_t cap;
    size_t len; /* set by the plugin, at most cap */
};

#ifdef __cplusplus
}
#endif

#endif
