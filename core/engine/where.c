/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/where.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

char *where_plugins(void)
{
    char path[PATH_MAX], found[PATH_MAX + 16];
    size_t len = sizeof(path);
    struct stat st;
    if (uv_exepath(path, &len) == 0) {
        char *slash = strrchr(path, '/');
        if (slash != NULL) {
            *slash = '\0';
            snprintf(found, sizeof(found), "%s/../plugins", path);
            if (stat(found, &st) == 0 && S_ISDIR(st.st_mode)) {
                char *real = realpath(found, NULL);
                if (real != NULL)
                    return real;
            }
        }
    }
    return strdup(L7_PLUGIN_DIR);
}
