/* SPDX-License-Identifier: Apache-2.0 */
/* refusal: every rule of the table in docs/policy.md, as a document, the place that is told, and a
 * part of the sentence. */

#include "set.h"

struct refusal {
    const char *id, *text, *field, *part;
};

#define APPLIED "appliedTo: [{podSelector: {}}]"
#define IN(rule) ANNP("p", "{priority: 5, " APPLIED ", ingress: [" rule "]}")
#define OUT(rule) ANNP("p", "{priority: 5, " APPLIED ", egress: [" rule "]}")
#define CIN(rule) ACNP("p", "{priority: 5, " APPLIED ", ingress: [" rule "]}")
#define COUT(rule) ACNP("p", "{priority: 5, " APPLIED ", egress: [" rule "]}")
#define FROM(peer) "{action: Drop, from: [" peer "]}"
#define TO(peer) "{action: Drop, to: [" peer "]}"
#define PORTS(item) IN("{action: Drop, ports: [" item "]}")
#define L7(items) IN("{action: Allow, l7Protocols: " items "}")
#define TO_TIER(n, spec)                                                                           \
    "---\napiVersion: crd.antrea.io/v1beta1\nkind: Tier\nmetadata: {name: " n "}\nspec: " spec "\n"
#define CG(n, spec)                                                                                \
    "---\napiVersion: crd.antrea.io/v1beta1\nkind: ClusterGroup\nmetadata: {name: " n              \
    "}\nspec: " spec "\n"
#define GROUP(n, spec)                                                                             \
    "---\napiVersion: crd.antrea.io/v1beta1\nkind: Group\nmetadata: {name: " n "}\nspec: " spec "\n"

static const struct refusal table[] = {
    {"V01", ANNP("p", "{" APPLIED "}"), "spec.priority", "required"},
    {"V01", ANNP("p", "{priority: 0.9, " APPLIED "}"), "spec.priority", "from 1.0 to 10000.0"},
    {"V01", ANNP("p", "{priority: 10000.5, " APPLIED "}"), "spec.priority", "from 1.0"},
    {"V01", ANNP("p", "{priority: \"5\", " APPLIED "}"), "spec.priority", "must be a number"},
    {"V01", ANNP("p", "{priority: .nan, " APPLIED "}"), "spec.priority", "from 1.0"},
    {"V02", IN("{from: []}"), "spec.ingress[0].action", "required"},
    {"V02 ACT-1", IN("{action: Deny}"), "spec.ingress[0].action", "known: Allow, Drop"},
    {"V02 ACT-1", IN("{action: allow}"), "spec.ingress[0].action", "known: Allow, Drop"},
    {"V03", IN("{action: Drop, form: []}"), "spec.ingress[0].form", "did you mean from?"},
    {"V03", ANNP("p", "{priority: 5, " APPLIED ", ingres: []}"), "spec.ingres", "ingress"},
    {"V03", IN("{action: Drop, to: []}"), "spec.ingress[0].to", "ingress rule"},
    {"V03", OUT("{action: Drop, from: []}"), "spec.egress[0].from", "egress rule"},
    {"V03", IN("{action: Drop, toServices: []}"), "spec.ingress[0].toServices", "ingress rule"},
    {"V03", IN(FROM("{fqdn: a.b}")), "spec.ingress[0].from[0].fqdn", "not allowed in from"},
    {"V03", IN(FROM("{podselector: {}}")), "spec.ingress[0].from[0].podselector", "podSelector"},
    {"V03 PEER-2", OUT(TO("{podSelector: {}, scope: Cluster}")), "spec.egress[0].to[0].scope",
     "not allowed"},
    {"V03",
     "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: "
     "{priority: 5, " APPLIED "}\nrules: []\n",
     "rules", "unknown field"},
    {"PRI-7", IN("{action: Allow, from: null}"), "spec.ingress[0].from", "is null"},
    {"V04", ANNP("p", "{priority: 5, tier: aplication, " APPLIED "}"), "spec.tier",
     "did you mean application?"},
    {"V04 TIER-3", ANNP("p", "{priority: 5, tier: SECURITYOPS, " APPLIED "}"), "spec.tier",
     "no tier"},
    {"V05", ANNP("p", "{priority: 5, tier: Baseline, " APPLIED ", egress: [{action: Pass}]}"),
     "spec.egress[0].action", "baseline"},
    {"V06",
     ANNP("p", "{priority: 5, " APPLIED
               ", ingress: [{name: a, action: Drop}], egress: [{name: a, action: Drop}]}"),
     "spec.egress[0].name", "has this name"},
    {"V06 NAME-2", IN("{action: Drop, ports: [{port: 1}]}, {ports: [{port: 1}], action: Drop}"),
     "spec.ingress[1]", "says the same"},
    {"V07", ANNP("p", "{priority: 5, " APPLIED ", ingress: [{action: Drop, " APPLIED "}]}"),
     "spec.appliedTo", "only one"},
    {"V08", ANNP("p", "{priority: 5, ingress: [{action: Drop}]}"), "spec.appliedTo", "required"},
    {"V08 APT-1", ANNP("p", "{priority: 5}"), "spec.appliedTo", "required"},
    {"V09",
     ANNP("p", "{priority: 5, ingress: [{action: Drop, " APPLIED "}], egress: [{action: Drop}]}"),
     "spec.appliedTo", "not in all"},
    {"V10", ACNP("p", "{priority: 5, appliedTo: [{group: g, podSelector: {}}]}"),
     "spec.appliedTo[0]", "group cannot be combined with podSelector"},
    {"V11", ACNP("p", "{priority: 5, appliedTo: [{nodeSelector: {}, podSelector: {}}]}"),
     "spec.appliedTo[0]", "nodeSelector cannot be combined"},
    {"V12",
     ACNP("p", "{priority: 5, appliedTo: [{serviceAccount: {name: a, namespace: b}, podSelector: "
               "{}}]}"),
     "spec.appliedTo[0]", "serviceAccount cannot be combined"},
    {"V13",
     ACNP("p", "{priority: 5, appliedTo: [{service: {name: a, namespace: b}, podSelector: {}}]}"),
     "spec.appliedTo[0]", "service cannot be combined"},
    {"V14",
     ACNP("p", "{priority: 5, appliedTo: [{service: {name: a, namespace: b}}], egress: [{action: "
               "Drop}]}"),
     "spec.egress", "no egress rules"},
    {"V14",
     ACNP("p", "{priority: 5, egress: [{action: Drop, appliedTo: [{service: {name: a, namespace: "
               "b}}]}]}"),
     "spec.egress[0]", "ingress rule"},
    {"V15",
     ACNP("p", "{priority: 5, appliedTo: [{service: {name: a, namespace: b}}, {podSelector: {}}]}"),
     "spec.appliedTo", "mixed"},
    {"V16",
     ACNP("p", "{priority: 5, appliedTo: [{service: {name: a, namespace: b}}], ingress: [{action: "
               "Drop, from: [{podSelector: {}}]}]}"),
     "spec.ingress[0].from", "ipBlock"},
    {"V17", ANNP("p", "{priority: 5, appliedTo: [{namespaceSelector: {}}]}"),
     "spec.appliedTo[0].namespaceSelector", "not allowed in appliedTo of a NetworkPolicy"},
    {"V17", ANNP("p", "{priority: 5, appliedTo: [{service: {name: a, namespace: b}}]}"),
     "spec.appliedTo[0].service", "not allowed"},
    {"V17", ANNP("p", "{priority: 5, appliedTo: [{nodeSelector: {}}]}"),
     "spec.appliedTo[0].nodeSelector", "not allowed"},
    {"V17", IN(FROM("{namespaces: {match: Self}}")), "spec.ingress[0].from[0].namespaces",
     "not allowed"},
    {"V17", IN(FROM("{serviceAccount: {name: a, namespace: b}}")),
     "spec.ingress[0].from[0].serviceAccount", "not allowed"},
    {"V17", CIN(FROM("{externalEntitySelector: {}}")),
     "spec.ingress[0].from[0].externalEntitySelector", "not allowed"},
    {"V17", ACNP("p", "{priority: 5, ingress: [{action: Drop, appliedTo: [{nodeSelector: {}}]}]}"),
     "spec.ingress[0].appliedTo[0].nodeSelector", "rule"},
    {"V17 APT-7", ACNP("p", "{priority: 5, appliedTo: [{ipBlock: {cidr: 10.0.0.0/8}}]}"),
     "spec.appliedTo[0].ipBlock", "not allowed"},
    {"V18", ANNP("p", "{priority: 5, appliedTo: [{}]}"), "spec.appliedTo[0]", "selects nothing"},
    {"V18", IN(FROM("{}")), "spec.ingress[0].from[0]", "selects nothing"},
    {"V18", IN(FROM("{scope: Cluster}")), "spec.ingress[0].from[0]", "selects nothing"},
    {"V18 GRP-1", CG("g", "{}"), "spec", "selects nothing"},
    {"V19 APT-9", ACNP("p", "{priority: 5, appliedTo: [{nodeSelector: {}}]}"),
     "spec.appliedTo[0].nodeSelector", "not supported yet"},
    {"V20", CIN(FROM("{serviceAccount: {name: a}}")),
     "spec.ingress[0].from[0].serviceAccount.namespace", "required"},
    {"V20", COUT("{action: Drop, toServices: [{name: a}]}"),
     "spec.egress[0].toServices[0].namespace", "required"},
    {"V20", OUT("{action: Drop, toServices: [{namespace: a}]}"),
     "spec.egress[0].toServices[0].name", "required"},
    {"V21", CIN(FROM("{namespaces: {match: Self}, namespaceSelector: {}}")),
     "spec.ingress[0].from[0]", "namespaces cannot be combined"},
    {"V22", CIN(FROM("{namespaces: {}}")), "spec.ingress[0].from[0].namespaces", "only one"},
    {"V22", CIN(FROM("{namespaces: {match: Self, sameLabels: [a]}}")),
     "spec.ingress[0].from[0].namespaces", "only one"},
    {"V22", CIN(FROM("{namespaces: {match: self}}")), "spec.ingress[0].from[0].namespaces.match",
     "known: Self"},
    {"V22", CIN(FROM("{namespaces: {sameLabels: []}}")),
     "spec.ingress[0].from[0].namespaces.sameLabels", "at least one"},
    {"V23", CIN(FROM("{namespaces: {sameLabels: [a b]}}")),
     "spec.ingress[0].from[0].namespaces.sameLabels[0]", "no label key"},
    {"V24", CIN(FROM("{group: g, podSelector: {}}")), "spec.ingress[0].from[0]",
     "group cannot be combined"},
    {"V25", CIN(FROM("{serviceAccount: {name: a, namespace: b}, podSelector: {}}")),
     "spec.ingress[0].from[0]", "serviceAccount cannot be combined"},
    {"V26", CIN(FROM("{nodeSelector: {}, podSelector: {}}")), "spec.ingress[0].from[0]",
     "nodeSelector cannot be combined"},
    {"V27 PEER-3", IN(FROM("{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}")),
     "spec.ingress[0].from[0]", "ipBlock cannot be combined with podSelector"},
    {"V27", OUT(TO("{fqdn: a.b, podSelector: {}}")), "spec.egress[0].to[0]", "fqdn cannot"},
    {"V27", IN(FROM("{externalEntitySelector: {}, podSelector: {}}")), "spec.ingress[0].from[0]",
     "externalEntitySelector cannot"},
    {"V28", IN(FROM("{ipBlock: {}}")), "spec.ingress[0].from[0].ipBlock.cidr", "required"},
    {"V28", IN(FROM("{ipBlock: {cidr: 10.0.0.0}}")), "spec.ingress[0].from[0].ipBlock.cidr",
     "no CIDR"},
    {"V28", IN(FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}")),
     "spec.ingress[0].from[0].ipBlock.except[0]", "strictly inside"},
    {"V28", IN(FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}")),
     "spec.ingress[0].from[0].ipBlock.except[0]", "strictly inside"},
    {"V28", IN(FROM("{ipBlock: {cidr: 10.0.0.0/8, except: [\"fd00::/16\"]}}")),
     "spec.ingress[0].from[0].ipBlock.except[0]", "strictly inside"},
    {"V29", IN(FROM("{podSelector: {matchLabels: {-a: b}}}")),
     "spec.ingress[0].from[0].podSelector.matchLabels.-a", "no label key"},
    {"V29", IN(FROM("{podSelector: {matchLabels: {a: b c}}}")),
     "spec.ingress[0].from[0].podSelector.matchLabels.a", "no label value"},
    {"V29", IN(FROM("{podSelector: {matchLabels: {a: 1}}}")),
     "spec.ingress[0].from[0].podSelector.matchLabels.a", "quotes"},
    {"V29", IN(FROM("{podSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}")),
     "spec.ingress[0].from[0].podSelector.matchExpressions[0].operator", "known: In, NotIn"},
    {"V29 SEL-2", IN(FROM("{podSelector: {matchExpressions: [{key: a, operator: In}]}}")),
     "spec.ingress[0].from[0].podSelector.matchExpressions[0].values", "at least one"},
    {"V29 SEL-2",
     IN(FROM("{podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}")),
     "spec.ingress[0].from[0].podSelector.matchExpressions[0].values", "take no values"},
    {"V30", OUT("{action: Drop, toServices: [{name: a}], ports: [{port: 1}]}"),
     "spec.egress[0].toServices", "cannot be combined"},
    {"V31", OUT("{action: Drop, toServices: [{name: a, scope: ClusterSet}]}"),
     "spec.egress[0].toServices[0].scope", "only Cluster"},
    {"V32 PEER-8", OUT(TO("{fqdn: a_b}")), "spec.egress[0].to[0].fqdn", "has a character"},
    {"PEER-8", OUT(TO("{fqdn: a.b}")), "spec.egress[0].to[0].fqdn", "not supported yet"},
    {"V33", PORTS("{endPort: 5}"), "spec.ingress[0].ports[0].endPort", "needs port"},
    {"V33", PORTS("{port: http, endPort: 5}"), "spec.ingress[0].ports[0].endPort", "needs port"},
    {"V33", PORTS("{port: 6, endPort: 5}"), "spec.ingress[0].ports[0].endPort", "less than port"},
    {"V33", PORTS("{sourceEndPort: 5}"), "spec.ingress[0].ports[0].sourceEndPort", "sourcePort"},
    {"V33", PORTS("{sourcePort: 6, sourceEndPort: 5}"), "spec.ingress[0].ports[0].sourceEndPort",
     "less than sourcePort"},
    {"V33 PORT-3", PORTS("{port: 65536}"), "spec.ingress[0].ports[0].port", "from 1 to 65535"},
    {"V33", PORTS("{port: 0}"), "spec.ingress[0].ports[0].port", "from 1 to 65535"},
    {"V33", PORTS("{port: \"\"}"), "spec.ingress[0].ports[0].port", "empty"},
    {"V33", PORTS("{port: 80.5}"), "spec.ingress[0].ports[0].port", "port number"},
    {"V33", PORTS("{protocol: tcp}"), "spec.ingress[0].ports[0].protocol", "TCP, UDP, SCTP"},
    {"V34", IN("{action: Drop, protocols: [{}]}"), "spec.ingress[0].protocols[0]", "only one"},
    {"V34", IN("{action: Drop, protocols: [{icmp: {}, igmp: {}}]}"), "spec.ingress[0].protocols[0]",
     "only one"},
    {"V34", IN("{action: Drop, protocols: [{icmp: {icmpType: 256}}]}"),
     "spec.ingress[0].protocols[0].icmp.icmpType", "from 0 to 255"},
    {"V34", IN("{action: Drop, protocols: [{igmp: {igmpType: 0x16}}]}"),
     "spec.ingress[0].protocols[0].igmp.igmpType", "0x11"},
    {"V34 PORT-5", IN("{action: Drop, protocols: [{icmpv6: {}}]}"),
     "spec.ingress[0].protocols[0].icmpv6", "unknown field"},
    {"V35", IN("{action: Drop, protocols: [{igmp: {groupAddress: 10.0.0.1}}]}"),
     "spec.ingress[0].protocols[0].igmp.groupAddress", "multicast"},
    {"V35", IN("{action: Reject, protocols: [{igmp: {}}]}"), "spec.ingress[0].protocols",
     "Allow or Drop"},
    {"V35", IN("{action: Drop, protocols: [{igmp: {}}], ports: [{port: 1}]}"),
     "spec.ingress[0].protocols", "cannot be combined"},
    {"V36", OUT("{action: Reject, to: [{ipBlock: {cidr: 224.0.0.0/8}}]}"), "spec.egress[0].to",
     "Allow or Drop"},
    {"V36", OUT(TO("{ipBlock: {cidr: 224.0.0.0/8}}, {ipBlock: {cidr: 10.0.0.0/8}}")),
     "spec.egress[0].to", "mixed"},
    {"V37", IN("{action: Drop, l7Protocols: [{web: {}}]}"), "spec.ingress[0].l7Protocols",
     "needs action Allow"},
    {"V38", OUT("{action: Allow, toServices: [{name: a}], l7Protocols: [{web: {}}]}"),
     "spec.egress[0].l7Protocols", "toServices"},
    {"V39", IN("{action: Allow, ports: [{protocol: UDP, port: 1}], l7Protocols: [{web: {}}]}"),
     "spec.ingress[0].l7Protocols[0]", "UDP or SCTP"},
    {"V40", IN("{action: Allow, protocols: [{icmp: {}}], l7Protocols: [{web: {}}]}"),
     "spec.ingress[0].l7Protocols[0]", "icmp"},
    {"V41", L7("[{}]"), "spec.ingress[0].l7Protocols[0]", "names no keyword"},
    {"V41", L7("[{web: {}, seal: {}}]"), "spec.ingress[0].l7Protocols[0]", "more than one"},
    {"V41", L7("[{web: null}]"), "spec.ingress[0].l7Protocols[0].web", "null"},
    {"V41", L7("[{web: }]"), "spec.ingress[0].l7Protocols[0].web", "null"},
    {"V41", L7("[{wep: {}}]"), "spec.ingress[0].l7Protocols[0].wep",
     "did you mean web?; known: web, seal"},
    {"V41", L7("[{web: {hots: a}}]"), "spec.ingress[0].l7Protocols[0].web.hots",
     "did you mean host?"},
    {"V42", L7("[{web: {method: get}}]"), "spec.ingress[0].l7Protocols[0].web.method",
     "known: GET, POST"},
    {"V42", L7("[{web: {method: \"\"}}]"), "spec.ingress[0].l7Protocols[0].web.method",
     "known: GET, POST"},
    {"V43 L7-4", L7("[]"), "spec.ingress[0].l7Protocols", "is empty"},
    {"V44 L7-11", L7("[{web: {path: \"/a\\tb\"}}]"), "spec.ingress[0].l7Protocols[0].web.path",
     "control byte"},
    {"V44", L7("[{web: {host: \"a\\0b\"}}]"), "spec.ingress[0].l7Protocols[0].web.host",
     "control byte"},
    {"V44", L7("[{seal: {sni: \"a\\x7f\"}}]"), "spec.ingress[0].l7Protocols[0].seal.sni",
     "control byte"},
    {"L7-11", L7("[{web: {path: \"!\"}}]"), "spec.ingress[0].l7Protocols[0].web.path",
     "no exclamation mark"},
    {"L7-1", L7("[{seal: {size: 9-5}}]"), "spec.ingress[0].l7Protocols[0].seal.size", "range"},
    {"V03 V44", IN("{action: Drop, from: [{podSelector: {}, \"namespaceSelector\\0\": {}}]}"), NULL,
     "unknown field"},
    {"V03 V44", IN("{action: Drop, \"from\\0\": []}"), NULL, "unknown field"},
    {"V29 V44", IN(FROM("{podSelector: {matchLabels: {\"a\\0b\": c}}}")), NULL, "no label key"},
    {"V41 V44", L7("[{\"web\\0\": {}}]"), NULL, "keyword"},
    {"V45", IN("{action: Drop, logLabel: -a}"), "spec.ingress[0].logLabel", "letter or digit"},
    {"V46", TO_TIER("t", "{}"), "spec.priority", "required"},
    {"V46", TO_TIER("t", "{priority: 5.5}"), "spec.priority", "integer"},
    {"V46", TO_TIER("t", "{priority: 256}"), "spec.priority", "from 0 to 255"},
    {"V46 TIER-4", TO_TIER("t", "{priority: 251}"), "spec.priority", "reserved"},
    {"V46", TO_TIER("t", "{priority: 100}"), "spec.priority", "securityops"},
    {"V46", TO_TIER("t", "{priority: 7}") TO_TIER("u", "{priority: 7}"), "spec.priority",
     "the tier t"},
    {"V46 TIER-5", TO_TIER("baseline", "{priority: 252}"), "spec.priority", "has priority 253"},
    {"V47", CG("g", "{podSelector: {}, ipBlocks: [{cidr: 10.0.0.0/8}]}"), "spec", "more than one"},
    {"V47", GROUP("g", "{nodeSelector: {}}"), "spec.nodeSelector", "unknown field"},
    {"V48", CG("g", "{childGroups: [g]}"), "spec.childGroups", "own child"},
    {"V48 GRP-4",
     CG("a", "{podSelector: {}}") CG("b", "{childGroups: [a]}") CG("c", "{childGroups: [b]}"),
     "spec.childGroups", "one level"},
    {"GRP-5", CG("g", "{ipBlocks: [{cidr: 224.0.0.0/8}, {cidr: 10.0.0.0/8}]}"), "spec.ipBlocks",
     "multicast"},
    {"V49 APT-5",
     GROUP("g", "{namespaceSelector: {}}") ANNP("p", "{priority: 5, appliedTo: [{group: g}]}"),
     "spec.appliedTo[0].group", "other Namespaces"},
    {"V50", IN("{action: Drop}") IN("{action: Drop}"), "metadata.name", "twice"},
    {"V50 OBJ-2",
     "apiVersion: crd.antrea.io/v1beta1\nkind: ClusterNetworkPolicy\nmetadata: {name: p, "
     "namespace: "
     "n}\nspec: {}\n",
     "metadata.namespace", "cluster-scoped"},
    {"V50 OBJ-3",
     "apiVersion: crd.antrea.io/v1alpha1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {}\n",
     "apiVersion", "crd.antrea.io/v1beta1"},
    {"V50 OBJ-3",
     "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: "
     "p}\n",
     "apiVersion", "not supported"},
    {"OBJ-3", "apiVersion: core.antrea.tanzu.vmware.com/v1\nkind: X\nmetadata: {name: p}\n",
     "apiVersion", "not supported"},
    {"EXT-1", "apiVersion: l7guard.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {}\n",
     "apiVersion", "not supported yet"},
    {"V51 KNP-5", KNP("k", "{podSelector: {}, ingress: [{from: [{}]}]}"), "spec.ingress[0].from[0]",
     "selects nothing"},
    {"V51", KNP("k", "{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}"),
     "spec.ingress[0].from[0]", "ipBlock cannot be combined"},
    {"V51", KNP("k", "{policyTypes: [ingress]}"), "spec.policyTypes[0]", "known: Ingress, Egress"},
    {"V51", KNP("k", "{ingress: [{ports: [{endPort: 5}]}]}"), "spec.ingress[0].ports[0].endPort",
     "needs port"},
    {"V51 PRI-3", KNP("k", "{ingress: [{ports: [{port: 1, sourcePort: 5}]}]}"),
     "spec.ingress[0].ports[0].sourcePort", "unknown field"},
};

Test(refusal, every_refused_document_says_where_and_why)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct refusal *row = &table[i];
        struct set set = set_of(row->text);
        const struct problem *p = set_problem(&set, PROBLEM_ERROR, row->field, row->part);
        cr_expect(set.result < 0, "%s: accepted: %s", row->id, row->text);
        cr_expect(p != NULL, "%s: no error at %s with \"%s\": %s", row->id, row->field, row->part,
                  row->text);
        if (!p)
            problems_print(set.problems, stderr);
        cr_expect(!p || (p->line > 0 && p->column > 0 && strstr(p->file, "/set.yaml")), "%s",
                  row->id);
        set_free(&set);
    }
}

/* [VAL-1] */
static const char *const accepted[] = {
    IN("{action: Allow, ports: [{protocol: UDP}], l7Protocols: [{seal: {}}]}"),
    IN("{action: Allow, protocols: [{icmp: {}}], l7Protocols: [{seal: {}}]}"),
    IN("{action: Drop, from: [{group: missing}]}"),
    IN("{action: Drop, enableLogging: true}"),
    ANNP("p", "{priority: 1, tier: baseline, " APPLIED
              ", ingress: [{action: Allow, l7Protocols: [{web: {}}]}]}"),
    ANNP("p", "{priority: 10000, tier: \"\", " APPLIED "}")
        ANNP("q", "{priority: 10000.0, " APPLIED "}"),
    CIN(FROM("{group: g}, {podSelector: {}}, {namespaces: {match: Self}}, {ipBlock: {cidr: "
             "10.0.0.0/8}}")),
    CIN("{action: Drop, from: [{podSelector: {}, scope: ClusterSet}]}"),
    ACNP("p", "{priority: 5, appliedTo: [{group: missing}, {podSelector: {}}]}"),
    COUT("{action: Drop, toServices: [{name: a, namespace: b}]}"),
    COUT("{action: Drop, toServices: []}"),
    OUT("{action: Pass, to: [{ipBlock: {cidr: \"2001:db8::/32\", except: "
        "[\"2001:db8:1::/48\"]}}]}"),
    IN("{action: Allow, l7Protocols: [{web: {path: \"\", host: \"\"}}, {seal: {size: 5}}]}"),
    TO_TIER("emergency", "{priority: 50}") TO_TIER("mine", "{priority: 220, description: x}"),
    IN("{action: Drop, logLabel: \"\"}, {action: Drop, logLabel: a-b_c.9}"),
    KNP("k", "{podSelector: , ingress: [{from: , ports: }]}"),
};

Test(refusal, what_looks_odd_but_is_fine_is_accepted)
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        struct set set = set_of(accepted[i]);
        cr_expect_eq(set.result, 0, "%s", accepted[i]);
        if (set.result)
            problems_print(set.problems, stderr);
        set_free(&set);
    }
}

Test(refusal, all_problems_are_told_with_their_places)
{
    struct set set = set_of("apiVersion: crd.antrea.io/v1beta1\n"
                            "kind: NetworkPolicy\n"
                            "metadata:\n"
                            "  name: p\n"
                            "spec:\n"
                            "  priority: 0\n"
                            "  appliedTo:\n"
                            "  - podSelector: {}\n"
                            "  ingress:\n"
                            "  - action: Allow\n"
                            "    l7Protocols:\n"
                            "    - web:\n"
                            "        hots: a\n"
                            "  - action: Deny\n"
                            "    ports:\n"
                            "    - port: 70000\n");
    char line[600];
    cr_assert_eq(set.problems->errors, 4);
    const struct problem *p =
        set_problem(&set, PROBLEM_ERROR, "spec.ingress[0].l7Protocols[0].web.hots", NULL);
    cr_assert(p != NULL);
    cr_expect_eq(p->line, 13);
    cr_expect_eq(p->column, 9);
    problem_format(p, line, sizeof line);
    cr_expect(
        strstr(line, "/set.yaml:13:9: spec.ingress[0].l7Protocols[0].web.hots: unknown field"),
        "%s", line);
    cr_expect(set_problem(&set, PROBLEM_ERROR, "spec.ingress[1].ports[0].port", NULL));
    cr_expect(set_problem(&set, PROBLEM_ERROR, "spec.ingress[1].action", NULL));
    set_free(&set);
}

/* [TIER-4]: twenty, the built-in ones included. */
Test(refusal, the_twenty_first_tier_is_one_too_many)
{
    struct set set = {0};
    char name[40], text[200];
    for (int i = 0; i < 15; i++) {
        if (i == 14) {
            set_load(&set, NULL, NULL);
            cr_assert_eq(set.result, 0);
            snapshot_unref(set.snapshot);
            problems_free(set.problems);
        }
        snprintf(name, sizeof name, "tier%d.yaml", i);
        snprintf(text, sizeof text,
                 "apiVersion: crd.antrea.io/v1beta1\nkind: Tier\nmetadata: {name: "
                 "t%d}\nspec: {priority: %d}\n",
                 i, i);
        set_write(&set, name, text);
    }
    set_load(&set, NULL, NULL);
    cr_assert(set_problem(&set, PROBLEM_ERROR, NULL, "one tier too many") != NULL);
    set_free(&set);
}

/* [TIER-4] [V46] */
Test(refusal, a_tier_in_use_keeps_its_priority)
{
    struct set a = set_good(TO_TIER("mine", "{priority: 7}"));
    struct set b = {0}, c = {0};
    set_write(&b, "set.yaml", TO_TIER("mine", "{priority: 8}"));
    set_load(&b, NULL, a.snapshot);
    cr_expect_eq(b.result, 0); /* nobody uses it */
    set_write(&c, "set.yaml",
              TO_TIER("mine", "{priority: 8}") ANNP("p", "{priority: 5, tier: mine, " APPLIED "}"));
    set_load(&c, NULL, a.snapshot);
    cr_expect(set_problem(&c, PROBLEM_ERROR, "spec.priority", "was 7") != NULL);
    set_free(&a);
    set_free(&b);
    set_free(&c);
}
