/* SPDX-License-Identifier: Apache-2.0 */

/* ident: reads an identification string. The RFC forbids "-" in the software version; nearly
 * everybody writes it (libssh2_1.10.0-dev), so it is taken. */

#include "ident.h"

#include <string.h>

#define PREFIX "SSH-"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* 1.99 is a 2.0 that understood 1.5 as well (RFC 4253 5.1). */
static const char *const versions[] = {"2.0", "1.99"};

bool ident_begins(struct l7_bytes bytes)
{
    size_t both = bytes.len < PREFIX_LEN ? bytes.len : PREFIX_LEN;

    return both == 0 || memcmp(bytes.ptr, PREFIX, both) == 0;
}

static bool is_version(struct l7_bytes text)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        if (text.len == strlen(versions[i]) && memcmp(text.ptr, versions[i], text.len) == 0)
            return true;
    return false;
}

/* From `at` to the first `stop` or the end. */
static struct l7_bytes part(struct l7_bytes line, size_t at, uint8_t stop)
{
    const uint8_t *end = memchr(line.ptr + at, stop, line.len - at);

    return (struct l7_bytes){line.ptr + at, end ? (size_t)(end - line.ptr) - at : line.len - at};
}

struct ident ident_read(struct l7_bytes line)
{
    struct ident id = {.fault = NULL};

    if (line.len < PREFIX_LEN || !ident_begins(line))
        return (struct ident){.fault = "not-ssh"};
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] < ' ' || line.ptr[i] > '~')
            return (struct ident){.fault = "bad-identification-byte"};
    id.version = part(line, PREFIX_LEN, '-');
    if (!is_version(id.version))
        return (struct ident){.fault = "ssh-version"};
    size_t at = PREFIX_LEN + id.version.len;
    if (at == line.len) /* no second "-" */
        return (struct ident){.fault = "no-software-version"};
    id.software = part(line, at + 1, ' ');
    if (id.software.len == 0)
        return (struct ident){.fault = "no-software-version"};
    return id;
}
