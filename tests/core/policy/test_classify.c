/* SPDX-License-Identifier: Apache-2.0 */
/* classify: which rule decides. */

#include "set.h"

#define PODS                                                                                       \
    POD("web", "app: web", "10.0.0.1")                                                             \
    POD("client", "app: client", "10.0.0.2")                                                       \
    POD("other", "app: other", "10.0.0.3")                                                         \
    POD_IN("far", "client", "app: client", "10.0.1.2")

/* The guide's first example, with a keyword of ours [L7-6..8]; section 16's capture example. */
Test(classify, an_l7_rule_decides_on_its_peers_and_ports_alone)
{
    struct set set = set_good(PODS ANNP(
        "p", "{priority: 5, tier: application,"
             " appliedTo: [{podSelector: {matchLabels: {app: web}}}], ingress: ["
             "{name: r1, action: Allow, from: [{podSelector: {matchLabels: {app: client}}}],"
             " l7Protocols: [{web: {path: /api/*}}]},"
             "{name: r2, action: Drop}]}"));
    expect(&set, TCP, "10.0.0.2:1000", "10.0.0.1:80", "none", "Allow r1");
    expect(&set, UDP, "10.0.0.2:1000", "10.0.0.1:53", "none", "Allow r1");
    expect(&set, ICMP, "10.0.0.2", "10.0.0.1", "none", "Allow r1");
    expect(&set, TCP, "10.0.0.3:1000", "10.0.0.1:80", "none", "Drop r2");
    expect(&set, TCP, "10.0.1.2:1000", "10.0.0.1:80", "none", "Drop r2"); /* another Namespace */
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.1:80", "-", "Drop r2");
    expect(&set, TCP, "10.0.0.1:1", "10.0.0.2:80", "none", "none");
    expect(&set, TCP, "192.0.2.1:1", "192.0.2.2:80", "-", "-");
    const struct rule *r1 = snapshot_rule(set.snapshot, 0);
    cr_assert(r1->l7);
    cr_assert_eq(r1->l7_id, 1);
    cr_assert_str_eq(r1->policy_ref, "AntreaNetworkPolicy:default/p");
    set_free(&set);
}
