/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* where: the plugin directory that belongs to the running program. */

/* The folder `plugins` beside the folder the program lies in, as in a build tree; or the one an
 * installation has below its prefix; else the one this build was configured for. The caller frees
 * it; NULL: no memory. */
char *where_plugins(void);
