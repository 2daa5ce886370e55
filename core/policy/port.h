/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* port: `ports` and `protocols` of a rule. [PORT-1..6] [V33..V35] */

#include "policy/load.h"

/* What the other checks of a rule want to know. */
struct port_kinds {
    size_t ports;     /* items of `ports` */
    size_t protocols; /* items of `protocols` */
    size_t igmp;      /* those of them that are igmp */
    bool not_tcp;     /* some item of `ports` is UDP or SCTP */
};

/* `kubernetes`: only protocol, port and endPort are known [KNP-4]. `protocols` may be NULL. */
void ports_read_all(struct load *l, const struct at *ports, const struct at *protocols,
                    enum direction direction, bool kubernetes, struct ports *out,
                    struct port_kinds *kinds);
