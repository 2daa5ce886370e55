/* SPDX-License-Identifier: Apache-2.0 */
/* port: `ports` and `protocols`. One rule each, asked with many packets. */

#include "set.h"

struct packet {
    uint8_t proto;
    uint16_t sport, dport;
    uint8_t type, code;
};

struct port_case {
    const char *id, *rule;
    struct packet yes[5], no[5];
};

static const struct port_case cases[] = {
    {"PORT-1",
     "",
     {{TCP, 1, 1, 0, 0}, {132, 1, 1, 0, 0}, {ICMP, 0, 0, 8, 0}, {47, 0, 0, 0, 0}},
     {{0}}},
    {"PORT-1", "ports: [], protocols: [],", {{TCP, 1, 1, 0, 0}, {ICMP, 0, 0, 8, 0}}, {{0}}},
    {"PORT-3",
     "ports: [{port: 80}],",
     {{TCP, 1, 80, 0, 0}},
     {{UDP, 1, 80, 0, 0}, {TCP, 80, 81, 0, 0}}},
    {"PORT-3", "ports: [{}],", {{TCP, 1, 1, 0, 0}, {TCP, 1, 65535, 0, 0}}, {{UDP, 1, 1, 0, 0}}},
    {"PORT-3", "ports: [{protocol: UDP}],", {{UDP, 9, 9, 0, 0}}, {{TCP, 9, 9, 0, 0}}},
    {"PORT-3",
     "ports: [{port: 80, endPort: 82}, {protocol: SCTP, port: 7}],",
     {{TCP, 1, 80, 0, 0}, {TCP, 1, 82, 0, 0}, {132, 1, 7, 0, 0}},
     {{TCP, 1, 79, 0, 0}, {TCP, 1, 83, 0, 0}, {TCP, 1, 7, 0, 0}}},
    {"PORT-3",
     "ports: [{sourcePort: 100, sourceEndPort: 200, port: 80}],",
     {{TCP, 100, 80, 0, 0}, {TCP, 200, 80, 0, 0}},
     {{TCP, 99, 80, 0, 0}, {TCP, 201, 80, 0, 0}, {TCP, 150, 81, 0, 0}}},
    {"PORT-3", "ports: [{sourcePort: 100}],", {{TCP, 100, 9, 0, 0}}, {{TCP, 101, 100, 0, 0}}},
    {"PORT-4",
     "ports: [{port: http}],",
     {{TCP, 1, 8080, 0, 0}},
     {{UDP, 1, 8080, 0, 0}, {TCP, 1, 80, 0, 0}, {TCP, 1, 9090, 0, 0}}},
    {"PORT-4",
     "ports: [{port: dns, protocol: UDP}],",
     {{UDP, 1, 5353, 0, 0}},
     {{TCP, 1, 5353, 0, 0}}},
    {"PORT-4", "ports: [{port: nix}],", {{0}}, {{TCP, 1, 80, 0, 0}, {TCP, 1, 0, 0, 0}}},
    {"PORT-4", "ports: [{port: init}],", {{0}}, {{TCP, 1, 7777, 0, 0}}},
    {"PORT-4",
     "ports: [{port: http, sourcePort: 5}],",
     {{TCP, 5, 8080, 0, 0}},
     {{TCP, 6, 8080, 0, 0}}},
    {"PORT-2",
     "ports: [{port: 80}], protocols: [{icmp: {icmpType: 8}}],",
     {{TCP, 1, 80, 0, 0}, {ICMP, 0, 0, 8, 0}, {ICMP, 0, 0, 8, 3}},
     {{TCP, 1, 81, 0, 0}, {ICMP, 0, 0, 0, 0}, {UDP, 1, 80, 0, 0}}},
    {"PORT-5",
     "protocols: [{icmp: {icmpType: 3, icmpCode: 1}}],",
     {{ICMP, 0, 0, 3, 1}},
     {{ICMP, 0, 0, 3, 0}, {TCP, 1, 1, 0, 0}, {ICMPV6, 0, 0, 3, 1}}},
    {"PORT-5", "protocols: [{icmp: {}}],", {{ICMP, 0, 0, 200, 9}}, {{TCP, 0, 0, 0, 0}}},
    {"PORT-5", "protocols: [{igmp: {}}],", {{0}}, {{2, 0, 0, 0, 0}, {TCP, 1, 1, 0, 0}}},
};

#define WEB                                                                                        \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {initContainers: [{ports: [{name: "   \
    "init, containerPort: 7777}]}], containers: [{ports: [{name: http, containerPort: 8080}, "     \
    "{name: dns, containerPort: 5353, protocol: UDP}]}, {ports: [{name: http, containerPort: "     \
    "9090}]}]}\nstatus: {podIPs: [{ip: 10.0.0.1}, {ip: \"fd00::1\"}]}\n"

static bool hit(const struct set *set, const struct packet *p, bool six)
{
    struct tuple t =
        six ? tuple_of(p->proto, "fd00::2", "fd00::1") : tuple_of(p->proto, "10.0.0.2", "10.0.0.1");
    struct decision d;
    t.sport = p->sport;
    t.dport = p->dport;
    t.icmp_type = p->type;
    t.icmp_code = p->code;
    policy_classify(set->snapshot, &t, &d);
    return d.ingress.rule != NULL;
}

Test(port, of_rules)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2000];
        snprintf(text, sizeof text,
                 "%s---\napiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: "
                 "p}\nspec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [{name: r, "
                 "action: Drop, %s}]}\n",
                 WEB, cases[i].rule);
        struct set set = set_good(text);
        for (size_t k = 0; k < 5 && cases[i].yes[k].proto; k++)
            cr_expect(hit(&set, &cases[i].yes[k], false), "%s: %s misses packet %zu", cases[i].id,
                      cases[i].rule, k);
        for (size_t k = 0; k < 5 && cases[i].no[k].proto; k++)
            cr_expect(!hit(&set, &cases[i].no[k], false), "%s: %s matches packet %zu", cases[i].id,
                      cases[i].rule, k);
        set_free(&set);
    }
}

/* The same entry is ICMPv6 on IPv6 [PORT-5]. */
Test(port, icmp_is_that_of_the_packets_family)
{
    struct set set = set_good(WEB ANNP(
        "p", "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{name: r, action: Drop, "
             "protocols: [{icmp: {icmpType: 128}}]}]}"));
    struct packet six = {ICMPV6, 0, 0, 128, 0}, four = {ICMP, 0, 0, 128, 0};
    cr_expect(hit(&set, &six, true));
    cr_expect(!hit(&set, &four, true));
    cr_expect(hit(&set, &four, false));
    cr_expect(!hit(&set, &six, false));
    set_free(&set);
}

/* [PORT-4]: each destination is compared with its own number; external ones have no names. */
Test(port, names_are_those_of_the_destination)
{
    struct set set = set_good(
        WEB "---\napiVersion: v1\nkind: Pod\nmetadata: {name: two}\nspec: {containers: [{ports: "
            "[{name: http, containerPort: 81}]}]}\nstatus: {podIP: 10.0.0.3}\n" ANNP(
                "p", "{priority: 1, appliedTo: [{podSelector: {}}], egress: [{name: e, action: "
                     "Drop, ports: [{port: http}]}]}"));
    expect(&set, TCP, "10.0.0.3:1", "10.0.0.1:8080", "Drop e", "none");
    expect(&set, TCP, "10.0.0.3:1", "10.0.0.1:81", "none", "none");
    expect(&set, TCP, "10.0.0.1:1", "10.0.0.3:81", "Drop e", "none");
    expect(&set, TCP, "10.0.0.1:1", "192.0.2.1:8080", "none", "-");
    set_free(&set);
}
