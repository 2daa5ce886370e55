/* SPDX-License-Identifier: Apache-2.0 */
/* peer: whom appliedTo, from and to select. Each case is one rule of one Drop; whether it matches
 * is asked for pairs of addresses. */

#include "set.h"

#define NAMESPACE(n, labels)                                                                       \
    "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " n ", labels: {" labels "}}\n"
#define GROUP(kind, n, spec)                                                                       \
    "---\napiVersion: crd.antrea.io/v1beta1\nkind: " kind "\nmetadata: {name: " n "}\nspec: " spec \
    "\n"

/* default: web .1, db .2 (also fd00::2); x (team red, env a): web 1.1; y (team red): web 2.1;
 * z (team blue, env a): web 3.1; an ExternalEntity vm 9.9 in default; Node n at 172.16.0.1. */
#define WORLD                                                                                      \
    NAMESPACE("x", "team: red, env: a")                                                            \
    NAMESPACE("y", "team: red, kubernetes.io/metadata.name: lie")                                  \
    NAMESPACE("z", "team: blue, env: a")                                                           \
    POD("web", "app: web, tier: front", "10.0.0.1")                                                \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: db, labels: {app: db}}\nspec: "              \
    "{serviceAccountName: robot}\nstatus: {podIPs: [{ip: 10.0.0.2}, {ip: \"fd00::2\"}]}\n" POD_IN( \
        "x", "web", "app: web", "10.0.1.1") POD_IN("y", "web", "app: web", "10.0.2.1")             \
        POD_IN("z", "web", "app: web, tier: ''",                                                   \
               "10.0.3.1") "---\napiVersion: crd.antrea.io/v1alpha2\nkind: "                       \
                           "ExternalEntity\nmetadata: {name: vm, labels: "                         \
                           "{app: vm}}\nspec: {endpoints: [{ip: 10.0.9.9}], ports: [{name: http, " \
                           "port: 8080}]}\n"                                                       \
                           "---\napiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: "      \
                           "{type: NodePort, clusterIP: "                                          \
                           "10.96.0.1, selector: {app: db}, ports: [{port: 5432, nodePort: "       \
                           "30000}]}\n"                                                            \
                           "---\napiVersion: v1\nkind: Node\nmetadata: {name: n, labels: {role: "  \
                           "cp}, annotations: "                                                    \
                           "{node.antrea.io/transport-addresses: \"172.17.0.1, "                   \
                           "fd17::1\"}}\nspec: {podCIDRs: "                                        \
                           "[10.0.0.0/24]}\nstatus: {addresses: [{type: ExternalIP, address: "     \
                           "198.51.100.1}, {type: "                                                \
                           "InternalIP, address: 172.16.0.1}, {type: InternalIP, address: "        \
                           "172.16.0.2}]}\n"

struct peer_case {
    const char *id, *rule;
    const char *yes[6], *no[6]; /* sources that are in the peer set of web 10.0.0.1 */
};

#define ALL "10.0.0.2", "10.0.1.1", "10.0.2.1", "10.0.3.1"

static const struct peer_case acnp[] = {
    {"PEER-1", "", {ALL, "10.0.9.9", "192.0.2.1"}, {NULL}},
    {"PEER-1", "from: [],", {"10.0.9.9", "192.0.2.1"}, {NULL}},
    {"PEER-2", "from: [{podSelector: {}}],", {ALL}, {"10.0.9.9", "192.0.2.1"}},
    {"PEER-2", "from: [{podSelector: {matchLabels: {app: db}}}],", {"10.0.0.2"}, {"10.0.1.1"}},
    {"PEER-2", "from: [{namespaceSelector: {}}],", {ALL}, {"10.0.9.9", "192.0.2.1"}},
    {"PEER-2",
     "from: [{namespaceSelector: {matchLabels: {team: red}}}],",
     {"10.0.1.1", "10.0.2.1"},
     {"10.0.3.1", "10.0.0.2"}},
    {"INV-1",
     "from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}],",
     {"10.0.2.1"},
     {"10.0.1.1", "10.0.0.2"}},
    {"INV-1",
     "from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}}],",
     {"10.0.0.2"},
     {"10.0.1.1"}},
    {"SEL-1",
     "from: [{podSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}],",
     {"10.0.0.2", "10.0.1.1"},
     {"10.0.3.1"}},
    {"SEL-1",
     "from: [{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}],",
     {"10.0.3.1"},
     {"10.0.0.2", "10.0.1.1"}},
    {"SEL-1",
     "from: [{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}}],",
     {"10.0.0.2"},
     {"10.0.1.1"}},
    {"SEL-1",
     "from: [{namespaceSelector: {matchLabels: {team: red}, matchExpressions: [{key: env, "
     "operator: In, values: [a, b]}]}}],",
     {"10.0.1.1"},
     {"10.0.2.1", "10.0.3.1"}},
    {"SEL-1", "from: [{podSelector: {matchLabels: {App: db}}}],", {NULL}, {ALL}},
    {"PEER-5", "from: [{namespaces: {match: Self}}],", {"10.0.0.2"}, {"10.0.1.1", "192.0.2.1"}},
    {"PEER-5",
     "from: [{namespaces: {match: Self}, podSelector: {matchLabels: {app: web}}}],",
     {NULL},
     {"10.0.0.2", "10.0.1.1"}},
    {"PEER-4", "from: [{namespaces: {sameLabels: [team]}}],", {NULL}, {ALL}},
    {"PEER-6",
     "from: [{namespaces: {match: Self}}, {ipBlock: {cidr: 192.0.2.0/24}}, {podSelector: "
     "{matchLabels: {tier: ''}}}],",
     {"10.0.0.2", "192.0.2.1", "10.0.3.1"},
     {"10.0.1.1", "192.0.3.1"}},
    {"PEER-7",
     "from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.1.0/24, 10.0.2.0/23]}}],",
     {"10.0.0.2", "10.0.9.9", "10.255.255.255"},
     {"10.0.1.1", "10.0.2.1", "10.0.3.1", "11.0.0.0"}},
    {"PEER-7", "from: [{ipBlock: {cidr: 10.0.9.77/24}}],", {"10.0.9.0"}, {"10.0.8.255"}},
    {"PEER-7", "from: [{ipBlock: {cidr: 0.0.0.0/0}}],", {"192.0.2.1", ALL}, {NULL}},
    {"PEER-9",
     "from: [{nodeSelector: {matchLabels: {role: cp}}}],",
     {"172.16.0.1", "172.17.0.1"},
     {"172.16.0.2", "198.51.100.1", "10.0.0.2"}},
    {"PEER-2",
     "from: [{serviceAccount: {name: robot, namespace: default}}],",
     {"10.0.0.2"},
     {"10.0.1.1"}},
    {"INV-2",
     "from: [{serviceAccount: {name: default, namespace: x}}],",
     {"10.0.1.1"},
     {"10.0.0.2", "10.0.2.1"}},
    {"PRI-7", "from: [{serviceAccount: {name: nobody, namespace: default}}],", {NULL}, {ALL}},
    {"PRI-7", "from: [{group: missing}],", {NULL}, {ALL, "192.0.2.1"}},
    {"GRP-2", "from: [{group: pods}],", {"10.0.1.1", "10.0.2.1", "10.0.3.1"}, {"10.0.0.2"}},
    {"GRP-1", "from: [{group: blocks}],", {"10.0.0.2", "192.0.2.1"}, {"10.0.1.1"}},
    {"GRP-3", "from: [{group: service}],", {"10.0.0.2"}, {"10.0.1.1"}},
    {"GRP-3", "from: [{group: noservice}],", {NULL}, {ALL}},
    {"GRP-4",
     "from: [{group: parent}],",
     {"10.0.0.2", "192.0.2.1", "10.0.9.9"},
     {"10.0.1.1", "192.0.3.1"}},
    {"GRP-1", "from: [{group: entities}],", {"10.0.9.9"}, {ALL}},
    {"GRP-1", "from: [{group: nodes}],", {"172.16.0.1"}, {ALL}},
};

#define GROUPS                                                                                     \
    GROUP("ClusterGroup", "pods", "{podSelector: {matchLabels: {app: web}}}")                      \
    GROUP("ClusterGroup", "blocks",                                                                \
          "{ipBlocks: [{cidr: 10.0.0.0/24}, {cidr: 192.0.2.0/25}, {cidr: 192.0.2.0/24}]}")         \
    GROUP("ClusterGroup", "service", "{serviceReference: {name: db, namespace: default}}")         \
    GROUP("ClusterGroup", "noservice", "{serviceReference: {name: nix, namespace: default}}")      \
    GROUP("ClusterGroup", "entities", "{externalEntitySelector: {}}")                              \
    GROUP("ClusterGroup", "nodes", "{nodeSelector: {}}")                                           \
    GROUP("ClusterGroup", "parent", "{childGroups: [service, blocks, entities, missing]}")

static bool ingress_matches(const struct set *set, const char *src, const char *dst)
{
    struct tuple t = tuple_of(TCP, src, dst);
    struct decision d;
    t.dport = 80;
    policy_classify(set->snapshot, &t, &d);
    cr_assert(d.ingress.asked);
    return d.ingress.rule != NULL;
}

static void cases_run(const char *format, const char *more, const struct peer_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[8000];
        snprintf(text, sizeof text, "%s%s%s{name: r, action: Drop, %s}%s", WORLD, more, format,
                 cases[i].rule, "]}\n");
        struct set set = set_good(text);
        for (size_t k = 0; k < 6 && cases[i].yes[k]; k++)
            cr_expect(ingress_matches(&set, cases[i].yes[k], "10.0.0.1"), "%s: %s is not in %s",
                      cases[i].id, cases[i].yes[k], cases[i].rule);
        for (size_t k = 0; k < 6 && cases[i].no[k]; k++)
            cr_expect(!ingress_matches(&set, cases[i].no[k], "10.0.0.1"), "%s: %s is in %s",
                      cases[i].id, cases[i].no[k], cases[i].rule);
        set_free(&set);
    }
}

Test(peer, of_cluster_policies)
{
    cases_run(
        "---\napiVersion: crd.antrea.io/v1beta1\nkind: ClusterNetworkPolicy\nmetadata: {name: "
        "p}\nspec: {priority: 1, appliedTo: [{podSelector: {matchLabels: {app: web}}}], "
        "ingress: [",
        GROUPS, acnp, sizeof acnp / sizeof *acnp);
}

static const struct peer_case annp[] = {
    {"PEER-2", "from: [{podSelector: {}}],", {"10.0.0.2"}, {"10.0.1.1", "10.0.9.9"}},
    {"PEER-2",
     "from: [{namespaceSelector: {matchLabels: {env: a}}, podSelector: {matchLabels: {tier: "
     "''}}}],",
     {"10.0.3.1"},
     {"10.0.1.1", "10.0.0.2"}},
    {"PEER-2", "from: [{externalEntitySelector: {}}],", {"10.0.9.9"}, {"10.0.0.2", "192.0.2.1"}},
    {"PEER-2",
     "from: [{externalEntitySelector: {}, namespaceSelector: {matchLabels: {team: red}}}],",
     {NULL},
     {"10.0.9.9", "10.0.1.1"}},
    {"GRP-2", "from: [{group: own}],", {"10.0.0.2"}, {"10.0.1.1"}},
    {"APT-5", "from: [{group: wide}],", {"10.0.1.1", "10.0.2.1"}, {"10.0.0.2", "10.0.3.1"}},
    {"OBJ-1", "from: [{group: blocks}],", {NULL}, {"10.0.0.2"}}, /* a ClusterGroup */
};

Test(peer, of_network_policies)
{
    cases_run("---\napiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: "
              "p}\nspec: {priority: 1, appliedTo: [{podSelector: {matchLabels: {app: web}}}], "
              "ingress: [",
              GROUPS GROUP("Group", "own", "{podSelector: {}}")
                  GROUP("Group", "wide", "{namespaceSelector: {matchLabels: {team: red}}}"),
              annp, sizeof annp / sizeof *annp);
}

/* [PEER-4]: relative to the Namespace of each Pod the rule applies to; the rules behind it still
 * apply where the keys are missing. */
Test(peer, same_labels_compare_the_namespaces_of_both_ends)
{
    struct set set = set_good(
        WORLD ACNP("p", "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{name: same, "
                        "action: Allow, from: [{namespaces: {sameLabels: [team]}}]}, {name: rest, "
                        "action: Drop}]}"));
    expect(&set, TCP, "10.0.1.1:1", "10.0.2.1:80", "none", "Allow same");
    expect(&set, TCP, "10.0.2.1:1", "10.0.1.1:80", "none", "Allow same");
    expect(&set, TCP, "10.0.3.1:1", "10.0.1.1:80", "none", "Drop rest");
    expect(&set, TCP, "10.0.0.2:1", "10.0.0.1:80", "none", "Drop rest"); /* no key at all */
    expect(&set, TCP, "192.0.2.1:1", "10.0.1.1:80", "-", "Drop rest");
    set_free(&set);
}

/* [APT-2] [APT-6] [APT-4] */
Test(peer, applied_to_is_a_union)
{
    struct set set = set_good(WORLD GROUPS ACNP(
        "p", "{priority: 1, appliedTo: [{namespaceSelector: {matchLabels: {env: a}}, "
             "podSelector: {matchLabels: {tier: ''}}}, {serviceAccount: {name: robot, "
             "namespace: default}}, {group: blocks}], ingress: [{name: in, action: Drop}]}"));
    expect(&set, TCP, "192.0.2.1:1", "10.0.3.1:80", "-", "Drop in");
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.2:80", "-", "Drop in");
    expect(&set, TCP, "192.0.2.1:1", "[fd00::2]:80", "-", "Drop in");
    expect(&set, TCP, "192.0.2.1:1", "10.0.1.1:80", "-", "none");
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.1:80", "-", "none");
    set_free(&set);
    set = set_good(
        WORLD ANNP("p", "{priority: 1, ingress: [{name: a, action: Drop, appliedTo: [{podSelector: "
                        "{matchLabels: {app: web}}}]}, {name: b, action: Drop, appliedTo: "
                        "[{podSelector: {}}]}]}")
            ANNP("q", "{priority: 1, appliedTo: [{externalEntitySelector: {matchLabels: {app: "
                      "vm}}}], ingress: [{name: vm, action: Drop, ports: [{port: http}]}]}"));
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.1:80", "-", "Drop a");
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.2:80", "-", "Drop b");
    expect(&set, TCP, "192.0.2.1:1", "10.0.1.1:80", "-", "none");
    expect(&set, TCP, "192.0.2.1:1", "10.0.9.9:8080", "-", "Drop vm");
    expect(&set, TCP, "192.0.2.1:1", "10.0.9.9:8081", "-", "none");
    set_free(&set);
}

/* [PEER-10] */
Test(peer, to_services_is_the_address_clients_use)
{
    struct set set = set_good(WORLD ANNP(
        "p", "{priority: 1, appliedTo: [{podSelector: {}}], egress: [{name: svc, action: "
             "Drop, toServices: [{name: db}, {name: missing}]}]}"));
    expect(&set, TCP, "10.0.0.1:1", "10.96.0.1:5432", "Drop svc", "-");
    expect(&set, TCP, "10.0.0.1:1", "10.96.0.1:5433", "none", "-");
    expect(&set, UDP, "10.0.0.1:1", "10.96.0.1:5432", "none", "-");
    expect(&set, TCP, "10.0.0.1:1", "10.0.0.2:5432", "none", "none");
    cr_expect(
        set_problem(&set, PROBLEM_WARNING, "spec.egress[0].toServices[1]", "nothing matches"));
    set_free(&set);
}

/* [APT-8] */
Test(peer, a_service_is_applied_to_by_its_node_port)
{
    struct set set = set_good(
        WORLD ACNP("p", "{priority: 1, appliedTo: [{service: {name: db, namespace: default}}], "
                        "ingress: [{name: np, action: Drop, from: [{ipBlock: {cidr: "
                        "192.0.2.0/24}}]}, {name: rest, action: Reject}]}")
            ACNP("q", "{priority: 2, appliedTo: [{service: {name: nix, namespace: default}}], "
                      "ingress: [{name: nix, action: Drop}]}"));
    expect(&set, TCP, "192.0.2.1:1", "172.16.0.1:30000", "-", "Drop np");
    expect(&set, TCP, "192.0.3.1:1", "172.16.0.2:30000", "-", "Reject rest");
    expect(&set, UDP, "192.0.2.1:1", "172.16.0.1:30000", "-", "-");
    expect(&set, TCP, "192.0.2.1:1", "172.16.0.1:5432", "-", "-");
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.2:5432", "-", "none");
    set_free(&set);
}
