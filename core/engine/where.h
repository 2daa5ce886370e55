/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* where: the plugin directory that belongs to the running program. */

/* The folder `plugins` beside the folder the program lies in, as in a build tree, if there is one;
 * else where an installation has them. The caller frees it; NULL: no memory. */
char *where_plugins(void);
