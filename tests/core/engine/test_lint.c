/* SPDX-License-Identifier: Apache-2.0 */
/* lint: tells what is surely not meant, and nothing of what may be. */

#include "engine/lint.h"

#include "../policy/set.h"

#define RULES(name, priority, rules)                                                               \
    ANNP(name, "{priority: " priority ", appliedTo: [{podSelector: {}}], ingress: [" rules "]}")

static const char *text_of(const json_t *one, const char *key)
{
    const char *text = json_string_value(json_object_get(one, key));
    return text != NULL ? text : "";
}

/* "KIND RULE<BY" or "KIND FIELD" of each finding, joined by "; ". */
static const char *findings(const struct snapshot *s)
{
    static char text[4096];
    json_t *list = lint(s);
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *by = json_object_get(one, "by");
        cr_expect_gt(json_integer_value(json_object_get(one, "line")), 0);
        cr_expect_str_neq(text_of(one, "message"), "");
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s%s%s%s", i ? "; " : "",
                                 text_of(one, "kind"), text_of(one, "rule"), text_of(one, "field"),
                                 by != NULL ? "<" : "", text_of(by, "rule"));
    }
    json_decref(list);
    return text;
}

#define EXPECT(text, expected)                                                                     \
    do {                                                                                           \
        struct set set =                                                                           \
            set_good(POD("a", "app: a", "10.0.0.1") POD("b", "app: b", "10.0.0.2") text);          \
        cr_expect_str_eq(findings(set.snapshot), expected, "%s", findings(set.snapshot));          \
        set_free(&set);                                                                            \
    } while (0)

Test(lint, is_silent_about_rules_that_each_decide_something)
{
    EXPECT(RULES("n", "5",
                 "{name: r1, action: Allow, from: [{ipBlock: {cidr: 10.0.0.0/25}}]},"
                 "{name: r2, action: Allow, from: [{ipBlock: {cidr: 10.0.0.0/24}}]},"
                 "{name: r3, action: Allow, ports: [{port: 80, endPort: 90}]},"
                 "{name: r4, action: Drop, ports: [{port: 85, endPort: 91}]},"
                 "{name: r5, action: Drop, from: [{podSelector: {matchLabels: {app: a}}}]},"
                 "{name: r6, action: Drop}"),
           "");
}

Test(lint, tells_of_rules_whose_traffic_an_earlier_rule_takes)
{
    EXPECT(RULES("n", "5",
                 "{name: wide, action: Allow, from: [{ipBlock: {cidr: 10.0.0.0/24}}],"
                 " ports: [{port: 80, endPort: 90}]},"
                 "{name: narrow, action: Drop, from: [{ipBlock: {cidr: 10.0.0.8/30}}],"
                 " ports: [{port: 81}]},"
                 "{name: other, action: Drop, from: [{ipBlock: {cidr: 10.0.0.8/30}}],"
                 " ports: [{port: 81, protocol: UDP}]}")
               RULES("m", "6",
                     "{name: all, action: Drop}, {name: late, action: Allow, protocols: [{icmp: "
                     "{}}]}"),
           "shadowed narrow<wide; shadowed late<all");
}

Test(lint, follows_appliedTo_to_each_pod)
{
    EXPECT(ANNP("n", "{priority: 1, appliedTo: [{podSelector: {matchLabels: {app: a}}}], ingress: "
                     "[{name: r1, action: Drop}]}")
               ANNP("m", "{priority: 2, appliedTo: [{podSelector: {}}], ingress: [{name: r2, "
                         "action: Allow, from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}")
                   ANNP("o", "{priority: 3, appliedTo: [{podSelector: {matchLabels: {app: a}}}], "
                             "ingress: [{name: r3, action: Allow}], egress: [{name: r4, action: "
                             "Allow}]}"),
           "shadowed r3<r1");
}

Test(lint, knows_what_a_pass_leaves_out)
{
    EXPECT(RULES("n", "5",
                 "{name: pass, action: Pass, from: [{ipBlock: {cidr: 10.0.0.0/24}}]},"
                 "{name: never, action: Drop, from: [{ipBlock: {cidr: 10.0.0.0/28}}]}")
               KNP("k", "{podSelector: {matchLabels: {app: a}}, ingress: [{from: [{ipBlock: {cidr: "
                        "10.0.0.0/28}}]}]}"),
           "shadowed never<pass");
    /* By the Pass some traffic gets to the baseline, whatever comes behind it. */
    EXPECT(RULES("n", "5",
                 "{name: pass, action: Pass, from: [{ipBlock: {cidr: 10.0.0.0/24}}]},"
                 "{name: all, action: Drop}")
               ANNP("b", "{tier: baseline, priority: 5, appliedTo: [{podSelector: {}}], ingress: "
                         "[{name: base, action: Drop}]}"),
           "");
}

Test(lint, tells_of_baseline_rules_behind_isolation)
{
    EXPECT(ANNP("n", "{tier: baseline, priority: 5, appliedTo: [{podSelector: {}}], ingress: "
                     "[{name: base, action: Drop}]}") KNP("k", "{podSelector: {}}"),
           "unreachable base");
    EXPECT(ANNP("n", "{tier: baseline, priority: 5, appliedTo: [{podSelector: {}}], ingress: "
                     "[{name: base, action: Drop}]}")
               KNP("k", "{podSelector: {matchLabels: {app: a}}}"),
           "");
}

Test(lint, tells_of_ties_that_may_meet)
{
    EXPECT(RULES("n", "5", "{name: r1, action: Allow, ports: [{port: 80}]}")
               RULES("m", "5", "{name: r2, action: Drop, ports: [{port: 79, endPort: 81}]}"),
           "shadowed r1<r2; tie r1<r2");
    EXPECT(RULES("n", "5", "{name: r1, action: Allow, ports: [{port: 80}]}")
               RULES("m", "5", "{name: r2, action: Drop, ports: [{port: 81}]}"),
           "");
    EXPECT(RULES("n", "5", "{name: r1, action: Allow, ports: [{port: 80}]}")
               RULES("m", "5.001", "{name: r2, action: Drop, ports: [{port: 80, endPort: 82}]}"),
           "");
}

Test(lint, tells_of_selectors_that_select_nothing)
{
    EXPECT(ANNP("n", "{priority: 5, appliedTo: [{podSelector: {matchLabels: {app: c}}}], ingress: "
                     "[{name: r1, action: Drop}]}")
               RULES("m", "6",
                     "{name: r2, action: Drop, from: [{podSelector: {matchLabels: {app: a}}}, "
                     "{podSelector: {matchLabels: {app: zz}}}]}"),
           "selects-nothing spec.appliedTo[0]; selects-nothing spec.ingress[0].from[1]");
    EXPECT(KNP("k", "{podSelector: {matchLabels: {app: c}}}"), "selects-nothing spec.podSelector");
}

Test(lint, tells_of_patterns_that_match_nothing)
{
    EXPECT(RULES("n", "5",
                 "{name: r1, action: Allow, l7Protocols: [{web: {path: x}}, {web: "
                 "{path: /x}}]}"),
           "pattern spec.ingress[0].l7Protocols[0].web.path");
}

Test(lint, is_rendered_a_line_a_finding)
{
    struct set set = set_good(POD("a", "app: a", "10.0.0.1")
                                  RULES("n", "5",
                                        "{name: r1, action: Drop}, {name: r2, action: "
                                        "Allow}"));
    json_t *list = lint(set.snapshot);
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    lint_render(list, f);
    fclose(f);
    cr_expect(strstr(text, "set.yaml:") != NULL, "%s", text);
    cr_expect(strstr(text, ": rule r2 of AntreaNetworkPolicy:default/n never decides: r1 of "
                           "AntreaNetworkPolicy:default/n takes all of its traffic\n") != NULL,
              "%s", text);
    free(text);
    json_decref(list);
    set_free(&set);
}
