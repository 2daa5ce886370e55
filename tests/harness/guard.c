/* SPDX-License-Identifier: Apache-2.0 */

/* guard: pages of the machine's, the last of them without any right. */

#include "harness/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard guard_copy(const void *bytes, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t readable = (len + page - 1) / page * page;
    struct guard guard = {.len = len, .pages_len = readable + page};

    guard.pages =
        mmap(NULL, guard.pages_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard.pages == MAP_FAILED ||
        mprotect((uint8_t *)guard.pages + readable, page, PROT_NONE) != 0) {
        perror("guard");
        abort();
    }
    guard.data = (uint8_t *)guard.pages + readable - len;
    if (len)
        memcpy(guard.data, bytes, len);
    return guard;
}

void guard_free(struct guard *guard)
{
    munmap(guard->pages, guard->pages_len);
    *guard = (struct guard){0};
}
