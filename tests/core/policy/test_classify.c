/* SPDX-License-Identifier: Apache-2.0 */
/* classify: which rule decides each of the two questions. */

#include "set.h"

#define PODS                                                                                       \
    POD("web", "app: web", "10.0.0.1")                                                             \
    POD("client", "app: client", "10.0.0.2")                                                       \
    POD("other", "app: other", "10.0.0.3")                                                         \
    POD_IN("far", "client", "app: client", "10.0.1.2")
#define WEB "appliedTo: [{podSelector: {matchLabels: {app: web}}}]"
#define TIER(n, priority)                                                                          \
    "---\napiVersion: crd.antrea.io/v1beta1\nkind: Tier\nmetadata: {name: " n                      \
    "}\nspec: {priority: " priority "}\n"

/* The guide's first example, with a keyword of ours [L7-6..9]; also the worked example for layer 7.
 */
Test(classify, an_l7_rule_decides_on_its_peers_and_ports_alone)
{
    struct set set = set_good(
        PODS ANNP("p", "{priority: 5, tier: application, " WEB ", ingress: ["
                       "{name: r1, action: Allow, from: [{podSelector: {matchLabels: {app: "
                       "client}}}], l7Protocols: [{web: {path: /api/*}}]},"
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
    cr_assert_eq(snapshot_rule(set.snapshot, 1)->l7_id, 0);
    set_free(&set);
}

/* The worked example for layers: which rule decides as one after the other is taken away. */
Test(classify, layers_are_asked_in_their_order)
{
    static const char *const parts[] = {
        ACNP("c", "{priority: 20, tier: emergency, " WEB
                  ", ingress: [{name: c1, action: Drop}, {name: c2, action: Drop}]}"),
        ACNP("a", "{priority: 10, " WEB
                  ", ingress: [{name: a1, action: Drop}, {name: a2, action: Drop}]}"),
        ANNP("b", "{priority: 15, " WEB
                  ", ingress: [{name: b1, action: Drop}, {name: b2, action: Drop}]}"),
        KNP("k", "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}"),
        ACNP("d", "{priority: 1, tier: baseline, " WEB ", ingress: [{name: d1, action: Reject}]}"),
    };
    static const char *const at80[] = {"Drop c1",   "Drop a1", "Drop b1", "Allow k/ingress[0]",
                                       "Reject d1", "none"};
    static const char *const at81[] = {"Drop c1", "Drop a1",   "Drop b1",
                                       "Drop",    "Reject d1", "none"};
    for (size_t first = 0; first <= 5; first++) {
        char text[4000] = PODS;
        for (size_t i = 5; i-- > first;) /* document order is irrelevant */
            strcat(text, parts[i]);
        struct set set = set_good(text);
        expect(&set, TCP, "10.0.0.3:1000", "10.0.0.1:80", "none", at80[first]);
        expect(&set, TCP, "10.0.0.3:1000", "10.0.0.1:81", "none", at81[first]);
        if (first == 0) {
            static const char *const order[] = {"c1", "c2", "a1",           "a2",
                                                "b1", "b2", "k/ingress[0]", "d1"};
            cr_assert_eq(snapshot_rule_count(set.snapshot), 8);
            for (size_t i = 0; i < 8; i++) {
                cr_expect_str_eq(snapshot_rule(set.snapshot, i)->name, order[i]);
                cr_expect_eq(snapshot_rule(set.snapshot, i)->number, i);
            }
        }
        set_free(&set);
    }
}

/* [ORD-5] [TIER-7]; a Pass is never what is reported. */
Test(classify, pass_leaves_every_later_tier)
{
    struct set set = set_good(
        PODS ACNP("a", "{priority: 1, tier: emergency, " WEB
                       ", ingress: [{name: pass, action: Pass, ports: [{port: 80}]}]}")
            ACNP("b", "{priority: 1, " WEB ", ingress: [{name: b, action: Drop}]}")
                ANNP("d", "{priority: 1, tier: baseline, " WEB
                          ", ingress: [{name: d, action: Reject, ports: [{port: 80, endPort: "
                          "81}], from: [{podSelector: {}}]}]}"));
    expect(&set, TCP, "10.0.0.3:1", "10.0.0.1:80", "none", "Reject d");
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.1:80", "-", "none");
    expect(&set, TCP, "10.0.0.3:1", "10.0.0.1:81", "none", "Drop b");
    set_free(&set);
}

/* [ORD-1] */
Test(classify, the_two_questions_share_nothing)
{
    struct set set = set_good(
        PODS ANNP("e", "{priority: 1, appliedTo: [{podSelector: {matchLabels: {app: client}}}], "
                       "egress: [{name: out, action: Allow}]}")
            ANNP("i", "{priority: 1, " WEB ", ingress: [{name: in, action: Drop}]}"));
    expect(&set, TCP, "10.0.0.2:1", "10.0.0.1:80", "Allow out", "Drop in");
    expect(&set, TCP, "10.0.0.2:1", "192.0.2.1:80", "Allow out", "-");
    set_free(&set);
}

/* [ORD-3] */
Test(classify, allow_rules_alone_isolate_nothing)
{
    struct set set = set_good(PODS ANNP(
        "p", "{priority: 1, " WEB ", ingress: [{name: a, action: Allow, ports: [{port: 80}]}]}"));
    expect(&set, TCP, "10.0.0.2:1", "10.0.0.1:81", "none", "none");
    set_free(&set);
}

/* [ORD-6] [ORD-7] [TIER-4]: tier number, priority as a double, index; not policy by policy. */
Test(classify, rules_are_sorted_by_tier_priority_and_index)
{
    struct set set = set_good(
        PODS ANNP("p", "{priority: 5, " WEB
                       ", ingress: [{name: p0, action: Drop}, {name: p1, action: Drop}]}")
            ANNP("q", "{priority: 5.0, " WEB
                      ", ingress: [{name: q0, action: Drop}, {name: q1, action: Drop}]}")
                ANNP("r", "{priority: 1.002, " WEB ", ingress: [{name: r0, action: Drop}]}")
                    ANNP("s", "{priority: 1.001, " WEB ", ingress: [{name: s0, action: Drop}], "
                              "egress: [{name: se, action: Drop}]}")
                        ACNP("t", "{priority: 9999, tier: first, " WEB
                                  ", ingress: [{name: t0, action: Drop}]}")
                            ACNP("u", "{priority: 1, tier: Emergency, " WEB
                                      ", ingress: [{name: u0, action: Drop}]}")
                                TIER("first", "10"));
    static const char *const order[] = {"se", "t0", "u0", "s0", "r0", "p0", "q0", "p1", "q1"};
    cr_assert_eq(snapshot_rule_count(set.snapshot), 9);
    for (size_t i = 0; i < 9; i++)
        cr_expect_str_eq(snapshot_rule(set.snapshot, i)->name, order[i], "%zu: %s", i,
                         snapshot_rule(set.snapshot, i)->name);
    cr_expect_str_eq(snapshot_rule(set.snapshot, 2)->tier, "emergency");
    set_free(&set);
}

/* [ORD-8] */
Test(classify, ties_go_to_the_stricter_rule_and_are_told_once)
{
    struct set set = set_good(
        PODS ANNP("a1", "{priority: 5, " WEB ", ingress: [{name: allow, action: Allow}]}")
            ANNP("a2", "{priority: 5, " WEB ", ingress: [{name: pass, action: Pass}]}")
                ANNP("a3", "{priority: 5, " WEB
                           ", ingress: [{name: l7, action: Allow, l7Protocols: [{web: {}}]}]}")
                    ANNP("a4", "{priority: 5, " WEB ", ingress: [{name: reject, action: Reject}]}")
                        ANNP("a5", "{priority: 5, " WEB ", ingress: [{name: drop, action: Drop}]}")
                            ACNP("z",
                                 "{priority: 5, " WEB ", ingress: [{name: zdrop, action: Drop}]}"));
    static const char *const order[] = {"zdrop", "drop", "reject", "l7", "pass", "allow"};
    size_t warnings = 0;
    for (size_t i = 0; i < 6; i++)
        cr_expect_str_eq(snapshot_rule(set.snapshot, i)->name, order[i]);
    for (size_t i = 0; i < set.problems->count; i++)
        warnings += strstr(set.problems->list[i].text, "ties with") != NULL;
    cr_expect_eq(warnings, 1);
    set_free(&set);
    /* Rules of NetworkPolicies in different Namespaces never meet. */
    set = set_good(
        ANNP("a", "{priority: 5, " WEB
                  ", ingress: [{action: Allow}]}") "---\napiVersion: crd.antrea.io/v1beta1\nkind: "
                                                   "NetworkPolicy\nmetadata: {name: a, "
                                                   "namespace: n}\nspec: {priority: 5, " WEB
                                                   ", ingress: [{action: Drop}]}\n");
    cr_expect_eq(set.problems->count, 0);
    set_free(&set);
}

/* [KNP-1..4] [ORD-4] */
Test(classify, kubernetes_policies_are_a_union_and_isolate)
{
    struct set set = set_good(
        PODS KNP("a", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: "
                      "{matchLabels: {app: client}}}], ports: [{port: 80}]}]}")
            KNP("b", "{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{protocol: UDP, "
                     "port: 53}]}], egress: [{}]}")
                KNP("c", "{podSelector: {matchLabels: {app: other}}, policyTypes: [Egress]}")
                    ANNP("d", "{priority: 1, tier: baseline, " WEB
                              ", ingress: [{name: d, action: Allow}]}"));
    expect(&set, TCP, "10.0.0.2:1", "10.0.0.1:80", "none", "Allow a/ingress[0]");
    expect(&set, UDP, "10.0.0.2:1", "10.0.0.1:53", "none", "Allow b/ingress[0]");
    expect(&set, TCP, "10.0.0.2:1", "10.0.0.1:81", "none", "Drop"); /* d is out of reach */
    expect(&set, TCP, "10.0.1.2:1", "10.0.0.1:80", "none", "Drop"); /* from Namespace far */
    expect(&set, TCP, "10.0.0.3:1", "192.0.2.1:80", "Drop", "-");
    expect(&set, TCP, "10.0.0.1:1", "192.0.2.1:80", "none", "-");
    expect(&set, TCP, "10.0.0.1:1", "10.0.1.2:80", "none", "none");
    cr_expect_str_eq(snapshot_rule(set.snapshot, 0)->policy_ref, "K8sNetworkPolicy:default/a");
    set_free(&set);
    set = set_good(PODS KNP("a", "{egress: [{to: [{namespaceSelector: {}}]}]}")); /* [KNP-2] */
    expect(&set, TCP, "10.0.0.1:1", "10.0.1.2:80", "Allow a/egress[0]", "none");
    expect(&set, TCP, "10.0.0.1:1", "192.0.2.2:80", "Drop", "-");
    expect(&set, TCP, "192.0.2.2:1", "10.0.0.1:80", "-", "Drop");
    set_free(&set);
}

/* [BYP-3] [BYP-4] [BYP-7] */
Test(classify, some_packets_are_never_put_to_the_question)
{
    struct set set = set_good(
        "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDR: 10.0.0.0/24}\nstatus: "
        "{addresses: [{type: InternalIP, address: 172.16.0.1}, {type: Hostname, address: n1}]}\n"
        "---\napiVersion: v1\nkind: Node\nmetadata: {name: n2}\nstatus: {addresses: [{type: "
        "InternalIP, address: 172.16.0.2}]}\n"
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {nodeName: n1}\nstatus: "
        "{podIP: 10.0.0.9, podIPs: [{ip: 10.0.0.9}, {ip: \"fd00::9\"}]}\n" ANNP(
            "p", "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{name: in, action: "
                 "Drop}], egress: [{name: out, action: Drop}]}"));
    struct decision d;
    expect(&set, TCP, "172.16.0.1:1", "10.0.0.9:80", "-", "-");
    expect(&set, TCP, "10.0.0.1:1", "10.0.0.9:80", "-", "-"); /* the gateway */
    expect(&set, TCP, "172.16.0.2:1", "10.0.0.9:80", "-", "Drop in");
    expect(&set, TCP, "10.0.0.9:1", "172.16.0.1:80", "Drop out", "-");
    expect(&set, TCP, "10.0.0.9:1", "10.0.0.9:80", "Drop out", "-");
    for (unsigned type = 128; type < 140; type++) {
        struct tuple t = tuple_of(ICMPV6, "fd00::1", "fd00::9");
        t.icmp_type = (uint8_t)type;
        policy_classify(set.snapshot, &t, &d);
        cr_expect_eq(d.ingress.asked, type < 133 || type > 137, "%u", type);
    }
    set_free(&set);
}

static bool matched_last;
static size_t steps;
static char told[10][900];

static void step(void *ctx, enum direction direction, const struct rule *rule, bool matched,
                 const char *why)
{
    (void)ctx;
    (void)direction;
    cr_assert(rule != NULL);
    matched_last = matched;
    snprintf(told[steps++ % 10], sizeof told[0], "%s: %s", rule->name, why);
}

Test(classify, a_trace_says_why_each_rule_did_not_match)
{
    struct set set = set_good(
        PODS ANNP("p", "{priority: 5, " WEB ", ingress: ["
                       "{name: r1, action: Drop, from: [{podSelector: {matchLabels: {app: "
                       "client}}}]},"
                       "{name: r2, action: Drop, ports: [{port: 80}, {protocol: UDP, port: 10, "
                       "endPort: 20}]},"
                       "{name: r3, action: Drop, protocols: [{icmp: {icmpType: 8}}]},"
                       "{name: r4, action: Allow}, {name: r5, action: Drop}]}")
            ANNP("unseen", "{priority: 1, appliedTo: [{podSelector: {matchLabels: {app: "
                           "other}}}], ingress: [{name: never, action: Drop}]}"));
    struct tuple t = tuple_of(TCP, "192.0.2.9:1", "10.0.0.1:81");
    struct decision traced, d;
    policy_trace(set.snapshot, &t, &traced, step, NULL);
    policy_classify(set.snapshot, &t, &d);
    cr_expect_eq(traced.ingress.rule, d.ingress.rule);
    cr_assert_eq(steps, 4);
    cr_expect(matched_last);
    cr_expect_str_eq(told[0], "r1: source 192.0.2.9 is not in from (podSelector app=client in "
                              "namespace default)");
    cr_expect_str_eq(told[1], "r2: port 81 TCP is not 80 TCP, 10-20 UDP");
    cr_expect_str_eq(told[2], "r3: port 81 TCP is not ICMP type 8");
    cr_expect_str_eq(told[3], "r4: matched");
    set_free(&set);
}
