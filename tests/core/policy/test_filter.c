/* SPDX-License-Identifier: Apache-2.0 */
/* filter: long lists answer as if every rule were asked in turn, which is what a trace does. */

#include "set.h"
#include "policy/snapshot.h"

static uint64_t state = 7;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static size_t asked;
static const struct rule *last;      /* that was asked */
static const struct rule *walked[2]; /* by direction: that decided */

static void count(void *ctx, enum direction direction, const struct rule *rule, bool matched,
                  const char *why)
{
    (void)ctx;
    cr_assert(!last || last->direction != direction || last->number < rule->number);
    last = rule;
    if (matched)
        walked[direction] = rule->action == ACTION_PASS ? NULL : rule;
    (void)why;
    asked++;
}

enum { PODS = 60, ROOM = 400000 };

static size_t peer_text(char *p)
{
    switch (any(8)) {
    case 0:
        return (size_t)sprintf(p, "{podSelector: {matchLabels: {app: a%u}}}", any(12));
    case 1:
        return (size_t)sprintf(p, "{ipBlock: {cidr: 192.0.2.%u/%u}}", any(256), 24 + any(9));
    case 2:
        return (size_t)sprintf(p, "{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.%u/%u]}}", any(64),
                               26 + any(7));
    case 3:
        return (size_t)sprintf(p, "{ipBlock: {cidr: \"fd00::%x/%u\"}}", any(256), 120 + any(9));
    case 4:
        return (size_t)sprintf(p,
                               "{namespaces: {match: Self}, podSelector: {matchLabels: {app: "
                               "a%u}}}",
                               any(12));
    case 5:
        return (size_t)sprintf(p,
                               "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "
                               "n%u}}}",
                               any(4));
    case 6:
        return (size_t)sprintf(p, "{ipBlock: {cidr: 255.255.255.%u/32}}", 250 + any(6));
    default:
        return (size_t)sprintf(p,
                               "{namespaces: {sameLabels: [team]}, podSelector: {matchLabels: "
                               "{app: a%u}}}",
                               any(12));
    }
}

static size_t port_text(char *p)
{
    switch (any(9)) {
    case 0:
        return (size_t)sprintf(p, "ports: [{port: %u, endPort: %u}]", 60 + any(20), 80 + any(20));
    case 1:
        return (size_t)sprintf(p, "ports: [{protocol: UDP}, {port: %u}]", 79 + any(5));
    case 2:
        return (size_t)sprintf(p, "ports: [{port: web}]");
    case 3:
        return (size_t)sprintf(p, "ports: [{port: %u, sourcePort: %u}]", 79 + any(5), 1 + any(3));
    case 4:
        return (size_t)sprintf(p, "protocols: [{icmp: {icmpType: %u, icmpCode: %u}}]", any(3),
                               any(2));
    case 5:
        return (size_t)sprintf(p, "protocols: [{icmp: {icmpType: %u}}, {icmp: {icmpType: 8}}]",
                               any(9));
    default:
        return (size_t)sprintf(p, "ports: [{port: %u}]", 79 + any(5));
    }
}

/* Hundreds of rules of all tiers with one or two peers each, many of which never match. */
static char *set_text(size_t policies)
{
    static const char *const tiers[] = {"emergency", "application", "baseline"};
    static const char *const actions[] = {"Allow", "Drop", "Reject", "Pass"};
    char *text = malloc(ROOM), *p = text;
    for (unsigned i = 0; i < 4; i++)
        p += sprintf(p,
                     "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n%u, labels: {team: "
                     "t%u}}\n",
                     i, i / 2);
    for (unsigned i = 0; i < PODS; i++)
        p += sprintf(p,
                     "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%u, namespace: n%u, "
                     "labels: {app: a%u}}\nspec: {containers: [{ports: [{name: web, containerPort: "
                     "%u}]}]}\nstatus: {podIPs: [{ip: 10.0.0.%u}, {ip: \"fd00::%x\"}]}\n",
                     i, i % 4, i % 12, 80 + i % 3, i, i);
    for (size_t i = 0; i < policies; i++) {
        static const char *const applied[] = {"podSelector: {}", "podSelector: {}",
                                              "namespaceSelector: {matchLabels: {team: t1}}",
                                              "podSelector: {matchLabels: {app: a3}}"};
        unsigned tier = any(3);
        p += sprintf(p,
                     "---\napiVersion: crd.antrea.io/v1beta1\nkind: ClusterNetworkPolicy\n"
                     "metadata: {name: c%zu}\nspec: {tier: %s, priority: %u, appliedTo: "
                     "[{%s}], ",
                     i, tiers[tier], 1 + any(50), applied[any(4)]);
        for (unsigned d = 0; d < 2; d++) {
            p += sprintf(p, "%s: [", d ? "ingress" : "egress");
            for (unsigned k = 0, n = 1 + any(3); k < n; k++) {
                p +=
                    sprintf(p, "{name: r%u%u, action: %s, ", d, k, actions[any(tier == 2 ? 3 : 4)]);
                p += port_text(p);
                p += sprintf(p, ", %s: [", d ? "from" : "to");
                p += peer_text(p);
                if (any(2)) {
                    p += sprintf(p, ", ");
                    p += peer_text(p);
                }
                p += sprintf(p, "]}%s", k + 1 < n ? ", " : "");
            }
            p += sprintf(p, "]%s", d ? "}\n" : ", ");
        }
        cr_assert_lt((size_t)(p - text), ROOM - 4000);
    }
    return text;
}

static struct l7_address any_address(void)
{
    struct l7_address a = {4, {10, 0, 0, (uint8_t)any(80)}};
    switch (any(5)) {
    case 0:
        return (struct l7_address){4, {192, 0, 2, (uint8_t)any(256)}};
    case 1:
        a = (struct l7_address){6, {0xfd}};
        a.bytes[15] = (uint8_t)any(256);
        return a;
    case 2:
        return (struct l7_address){4, {255, 255, 255, (uint8_t)(248 + any(8))}};
    default:
        return a;
    }
}

Test(filter, long_lists_answer_like_walked_ones)
{
    char *text = set_text(150);
    struct set set = set_good(text);
    size_t decided = 0, passed_by = 0, rules = snapshot_rule_count(set.snapshot);
    cr_assert_gt(rules, 400);
    const struct rule_list *list = set.snapshot->endpoints[0].lists[0];
    cr_assert_eq(list->count, 0);
    cr_assert_eq(list->shared_count, 1);
    cr_assert(list->shared[0]->filter != NULL);
    cr_assert_eq(set.snapshot->endpoints[3].lists[0]->shared_count, 3);
    for (int i = 0; i < 20000; i++) {
        static const uint8_t protos[] = {TCP, TCP, TCP, UDP, ICMP, ICMPV6, 47};
        struct tuple t = {.src = any_address(), .dst = any_address(), .proto = protos[any(7)]};
        struct decision fast, slow;
        t.sport = (uint16_t)any(4);
        t.dport = (uint16_t)(t.proto == TCP || t.proto == UDP ? 59 + any(45) : 0);
        t.icmp_type = (uint8_t)any(10);
        t.icmp_code = (uint8_t)any(3);
        asked = 0;
        last = walked[0] = walked[1] = NULL;
        policy_classify(set.snapshot, &t, &fast);
        policy_trace(set.snapshot, &t, &slow, count, NULL);
        cr_assert_eq(fast.egress.rule, walked[DIRECTION_EGRESS]);
        cr_assert_eq(fast.ingress.rule, walked[DIRECTION_INGRESS]);
        cr_assert_eq(fast.egress.action,
                     walked[DIRECTION_EGRESS] ? walked[DIRECTION_EGRESS]->action : ACTION_NONE);
        cr_assert_eq(slow.egress.rule, fast.egress.rule);
        cr_assert_eq(slow.ingress.rule, fast.ingress.rule);
        decided += fast.ingress.rule != NULL;
        passed_by += asked > 100;
    }
    cr_expect_gt(decided, 1000);
    cr_expect_gt(passed_by, 1000);
    set_free(&set);
    free(text);
}
