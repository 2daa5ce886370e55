/* SPDX-License-Identifier: Apache-2.0 */
/* mutation: documents with bytes changed, cut and doubled never do more than be refused, and what
 * is accepted can be asked. The sanitizers judge. */

#include "set.h"

#define ROUNDS 1500

static const char sample[] =
    "apiVersion: v1\nkind: List\nitems:\n"
    "- {apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {env: a}}}\n"
    "- {apiVersion: v1, kind: Node, metadata: {name: n}, spec: {podCIDR: 10.0.0.0/24}, status: "
    "{addresses: [{type: InternalIP, address: 172.16.0.1}]}}\n"
    "- {apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: NodePort, clusterIP: "
    "10.96.0.1, selector: {app: web}, ports: [{port: 80, nodePort: 30000}]}}\n"
    "- {apiVersion: crd.antrea.io/v1alpha2, kind: ExternalEntity, metadata: {name: e}, spec: "
    "{endpoints: [{ip: 10.0.9.9}], ports: [{name: http, port: 80}]}}\n" POD("web", "app: web",
                                                                            "10.0.0.1")
        POD("client", "app: client",
            "10.0.0.2") "---\napiVersion: crd.antrea.io/v1beta1\nkind: Tier\nmetadata: {name: "
                        "t}\nspec: {priority: 7}\n"
                        "---\napiVersion: crd.antrea.io/v1beta1\nkind: ClusterGroup\nmetadata: "
                        "{name: g}\nspec: "
                        "{ipBlocks: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]}\n"
                        "---\napiVersion: crd.antrea.io/v1beta1\nkind: ClusterGroup\nmetadata: "
                        "{name: h}\nspec: "
                        "{childGroups: [g]}\n" ACNP("c",
                                                    "{priority: 1.5, tier: t, appliedTo: "
                                                    "[{podSelector: {matchExpressions: [{key: app, "
                                                    "operator: In, values: [web]}]}}, "
                                                    "{serviceAccount: {name: default, namespace: "
                                                    "default}}], ingress: [{name: a, action: "
                                                    "Allow, from: [{group: h}, {namespaces: "
                                                    "{sameLabels: [env]}}, {namespaces: {match: "
                                                    "Self}, podSelector: {}}], ports: [{port: "
                                                    "80, endPort: 90, sourcePort: 5}, {port: "
                                                    "http}], protocols: [{icmp: {icmpType: 8}}], "
                                                    "logLabel: x, enableLogging: true}], egress: "
                                                    "[{action: Pass, toServices: [{name: s, "
                                                    "namespace: default}]}]}")
                            ANNP("p", "{priority: 5, appliedTo: [{podSelector: {}}], ingress: "
                                      "[{name: r1, action: Allow, "
                                      "from: [{podSelector: {matchLabels: {app: client}}}], "
                                      "l7Protocols: [{web: {path: "
                                      "\"/api/*?x\", host: \"*.foo.com\", method: GET}}, {seal: "
                                      "{size: 1-5}}]}, {name: r2, "
                                      "action: Reject}]}")
                                KNP("k", "{podSelector: {}, policyTypes: [Ingress], ingress: "
                                         "[{from: [{ipBlock: {cidr: "
                                         "\"fd00::/8\"}}], ports: [{port: 80}]}]}");

static uint64_t state = 20260801;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* A word of the sample, put where another one was: finds more than single bytes do. */
static void swap_words(char *text, size_t len)
{
    size_t from = any((uint32_t)len), to = any((uint32_t)len), n = 1 + any(12);
    if (from + n < len && to + n < len)
        memmove(text + to, text + from, n);
}

static size_t mutate(char *text)
{
    static const char bits[] = "{}[]:,-\"'0 \n\t\\*&!~\xff\x01";
    size_t len = sizeof sample - 1;
    memcpy(text, sample, sizeof sample);
    for (uint32_t n = 1 + any(3); n; n--) {
        switch (any(4)) {
        case 0:
            text[any((uint32_t)len)] = bits[any(sizeof bits - 1)];
            break;
        case 1:
            swap_words(text, len);
            break;
        case 2:
            text[any((uint32_t)len)] = (char)(1 + any(255));
            break;
        default: {
            size_t at = any((uint32_t)len), cut = any(20);
            if (at + cut < len) {
                memmove(text + at, text + at + cut, len - at - cut);
                len -= cut;
            }
        }
        }
    }
    text[len] = '\0';
    return len;
}

static void ask(const struct set *set)
{
    static const char *const ends[] = {"10.0.0.1:80", "10.0.0.2:5",   "10.0.9.9:80",
                                       "192.0.2.1:1", "10.96.0.1:80", "172.16.0.1:30000"};
    struct decision d;
    for (size_t i = 0; i < 36; i++) {
        struct tuple t = tuple_of(TCP, ends[i / 6], ends[i % 6]);
        policy_classify(set->snapshot, &t, &d);
        cr_assert(d.egress.action != ACTION_PASS && d.ingress.action != ACTION_PASS);
    }
}

Test(mutation, the_sample_itself_is_good)
{
    struct set set = set_good(sample);
    ask(&set);
    cr_expect_eq(snapshot_rule_count(set.snapshot), 5);
    set_free(&set);
}

Test(mutation, changed_documents_are_read_or_refused, .timeout = 300)
{
    static char text[sizeof sample + 1];
    struct set set = {0};
    size_t refused = 0, accepted = 0;
    for (int i = 0; i < ROUNDS; i++) {
        mutate(text);
        set_write(&set, "set.yaml", text);
        set_load(&set, NULL, NULL);
        if (set.snapshot)
            ask(&set);
        refused += !set.snapshot;
        accepted += !!set.snapshot;
        snapshot_unref(set.snapshot);
        problems_free(set.problems);
    }
    set.snapshot = NULL;
    set.problems = NULL;
    cr_expect(refused > 100 && accepted > 20, "%zu refused, %zu accepted", refused, accepted);
    set_free(&set);
}
