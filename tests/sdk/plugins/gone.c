/* SPDX-License-Identifier: Apache-2.0 */
/* A library that is not where the dynamic loader looks for it. */

#include "l7guard/plugin.h"

L7_EXPORT int gone(void);
L7_EXPORT int gone(void)
{
    return 0;
}
