/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/where.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

/* In a build tree, and where an installation puts them below any prefix. */
static const char *const beside[] = {"plugins", L7_PLUGIN_SUBDIR};

char *where_plugins(void)
{
    char path[PATH_MAX], found[2 * PATH_MAX];
    size_t len = sizeof(path);
    struct stat st;
    char *slash = uv_exepath(path, &len) == 0 ? strrchr(path, '/') : NULL;
    for (size_t i = 0; slash != NULL && i < sizeof(beside) / sizeof(beside[0]); i++) {
        *slash = '\0';
        snprintf(found, sizeof(found), "%s/../%s", path, beside[i]);
        char *real = beside[i][0] != '/' && stat(found, &st) == 0 && S_ISDIR(st.st_mode)
                         ? realpath(found, NULL)
                         : NULL;
        if (real != NULL)
            return real;
    }
    return strdup(L7_PLUGIN_DIR);
}
