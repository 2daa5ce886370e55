/* SPDX-License-Identifier: Apache-2.0 */
/* set: which files and objects make a set, the inventory, and what stays across a reload. */

#include "set.h"
#include "policy/ranges.h"

#define ALL "appliedTo: [{podSelector: {}}]"
#define L7_RULE(name, path)                                                                        \
    "{name: " name ", action: Allow, l7Protocols: [{web: {path: " path "}}]}"

static void drop(struct set *set)
{
    snapshot_unref(set->snapshot);
    problems_free(set->problems);
    set->snapshot = NULL;
    set->problems = NULL;
}

Test(set, files_are_read_by_name_and_depth_and_dot_files_are_not)
{
    struct set set = {0};
    char path[200];
    set_write(&set, "b.yml", ANNP("b", "{priority: 1, " ALL ", ingress: [{action: Drop}]}"));
    set_write(&set, "a.json",
              "{\"apiVersion\": \"crd.antrea.io/v1beta1\", \"kind\": \"NetworkPolicy\", "
              "\"metadata\": {\"name\": \"a\"}, \"spec\": {\"priority\": 2, \"appliedTo\": "
              "[{\"podSelector\": {}}], \"ingress\": [{\"action\": \"Drop\"}]}}");
    set_write(&set, ".hidden.yaml", "not: read");
    set_write(&set, "notes.txt", "not: read");
    snprintf(path, sizeof path, "%s/sub", set.dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/sub/loop", set.dir);
    cr_assert_eq(symlink("..", path), 0); /* a link back is no second set */
    snprintf(path, sizeof path, "%s/..data", set.dir);
    cr_assert_eq(symlink("sub", path), 0);
    set_write(&set, "sub/c.yaml", ANNP("c", "{priority: 3, " ALL ", ingress: [{action: Drop}]}"));
    set_load(&set, NULL, NULL);
    cr_assert_eq(set.result, 0);
    cr_assert_eq(snapshot_rule_count(set.snapshot), 3);
    cr_expect_str_eq(snapshot_rule(set.snapshot, 0)->policy, "b");
    cr_expect_str_eq(snapshot_rule(set.snapshot, 1)->policy, "a");
    cr_expect_str_eq(snapshot_rule(set.snapshot, 2)->policy, "c");
    cr_expect(strstr(snapshot_rule(set.snapshot, 2)->file, "/sub/c.yaml"));
    cr_expect_eq(snapshot_rule(set.snapshot, 2)->line, 5);
    set_free(&set);
}

/* [PRI-4] */
Test(set, one_bad_document_refuses_the_whole_set)
{
    struct set set = {0};
    set_write(&set, "a.yaml", ANNP("a", "{priority: 1, " ALL "}"));
    set_write(&set, "b.yaml", "a: [");
    set_load(&set, NULL, NULL);
    cr_expect(set.result < 0);
    set_free(&set);
    set = set_of("just text\n");
    cr_expect(set.result < 0);
    set_free(&set);
    set = set_of("a: b\n");
    cr_expect(set_problem(&set, PROBLEM_ERROR, "kind", "required") != NULL);
    set_free(&set);
}

Test(set, a_directory_that_is_not_there_is_an_error)
{
    struct set set = {.dir = "/tmp/l7guard-policy-not-there"};
    set_load(&set, NULL, NULL);
    cr_expect(set.result < 0);
    set_free(&set);
}

/* [PRI-3]: lists as kubectl prints them; kinds that are not ours are skipped with one line. */
Test(set, lists_and_strangers)
{
    struct set set = set_good(
        "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n"
        "- {apiVersion: v1, kind: Pod, metadata: {name: a, uid: x}, status: {podIP: 10.0.0.1}}\n"
        "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n"
        "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: e}}\n"
        "- {apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: p}, spec: "
        "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{name: r, action: Drop}]}}\n"
        "---\napiVersion: v1\nkind: PodList\nitems:\n"
        "- {metadata: {name: b, labels: null}, spec: {hostNetwork: null}, status: {podIP: "
        "10.0.0.2}}\n");
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.1:1", "-", "Drop r");
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.2:1", "-", "Drop r");
    cr_expect_eq(set.problems->count, 1);
    cr_expect(set_problem(&set, PROBLEM_WARNING, NULL, "skipped"));
    struct snapshot_counts c = snapshot_counts(set.snapshot);
    cr_expect_eq(c.pods, 2);
    cr_expect_eq(c.policies, 1);
    cr_expect_eq(c.rules, 1);
    cr_expect_eq(c.tiers, 6);
    cr_expect_eq(c.namespaces, 1);
    set_free(&set);
    set = set_of("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: []}\n");
    cr_expect(set_problem(&set, PROBLEM_ERROR, NULL, "inside a list"));
    set_free(&set);
    /* A misspelt policy would be an open door. */
    set = set_of("apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolcy\nmetadata: {name: p}\n");
    cr_expect(set_problem(&set, PROBLEM_ERROR, "kind", "did you mean NetworkPolicy?"));
    set_free(&set);
    set = set_of("apiVersion: crd.antrea/v1beta1\nkind: NetworkPolicy\nmetadata: {name: p}\n");
    cr_expect(set_problem(&set, PROBLEM_ERROR, "apiVersion", "supported"));
    set_free(&set);
}

/* [OBJ-1]: one name in two API groups is two objects. */
Test(set, two_api_groups_may_use_one_name)
{
    struct set set = set_good(ANNP("p", "{priority: 1, " ALL "}") KNP("p", "{podSelector: {}}"));
    cr_expect_eq(snapshot_counts(set.snapshot).policies, 2);
    set_free(&set);
}

#define CONFIG(agent)                                                                              \
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: antrea-config, namespace: "            \
    "kube-system}\ndata:\n  antrea-agent.conf: |\n" agent "  antrea-controller.conf: \": [\"\n"

/* [OBJ-3] */
Test(set, two_settings_of_antrea_config_count)
{
    struct set set = set_good(CONFIG(
        "    disableTXChecksumOffload: true\n    featureGates:\n      L7NetworkPolicy: true\n"
        "      Other: 1\n") ANNP("p", "{priority: 1, " ALL ", ingress: [" L7_RULE("a", "/") "]}"));
    cr_expect(snapshot_disable_tx_checksum(set.snapshot));
    set_free(&set);
    set = set_of(CONFIG("    featureGates: {L7NetworkPolicy: false}\n")
                     ANNP("p", "{priority: 1, " ALL ", ingress: [" L7_RULE("a", "/") "]}"));
    cr_expect(set_problem(&set, PROBLEM_ERROR, "spec.ingress[0].l7Protocols", "L7NetworkPolicy"));
    set_free(&set);
    set = set_good(CONFIG("    featureGates: {L7NetworkPolicy: false}\n")
                       ANNP("p", "{priority: 1, " ALL ", ingress: [{action: Drop}]}"));
    cr_expect(!snapshot_disable_tx_checksum(set.snapshot));
    set_free(&set);
}

/* [INV-2] */
Test(set, some_pods_are_never_members)
{
    struct set set = set_good(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: host}\nspec: {hostNetwork: true}\nstatus: "
        "{podIP: 10.0.0.1}\n"
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: done}\nstatus: {phase: Succeeded, podIP: "
        "10.0.0.2}\n"
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: bare}\n"
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: runs}\nstatus: {phase: Running, podIP: "
        "10.0.0.4}\n" ANNP("p", "{priority: 1, " ALL ", ingress: [{name: r, action: Drop, from: "
                                "[{podSelector: {}}]}]}"));
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.1:1", "-", "-");
    expect(&set, TCP, "192.0.2.1:1", "10.0.0.2:1", "-", "-");
    expect(&set, TCP, "10.0.0.1:1", "10.0.0.4:1", "-", "none");
    expect(&set, TCP, "10.0.0.2:1", "10.0.0.4:1", "-", "none");
    cr_expect_eq(snapshot_counts(set.snapshot).pods, 4);
    set_free(&set);
}

/* [INV-3] */
Test(set, only_pods_of_this_node_are_enforced)
{
    struct set set = {0};
    set_write(&set, "a.yaml",
              "apiVersion: v1\nkind: Pod\nmetadata: {name: here}\nspec: {nodeName: n1}\nstatus: "
              "{podIP: 10.0.0.1}\n"
              "---\napiVersion: v1\nkind: Pod\nmetadata: {name: there, labels: {a: b}}\nspec: "
              "{nodeName: n2}\nstatus: {podIP: 10.0.0.2}\n"
              "---\napiVersion: v1\nkind: Pod\nmetadata: {name: nowhere}\nstatus: {podIP: "
              "10.0.0.3}\n" ANNP("p", "{priority: 1, " ALL ", ingress: [{name: r, action: Drop, "
                                      "from: [{podSelector: {matchLabels: {a: b}}}]}]}"));
    set_load(&set, "n1", NULL);
    expect(&set, TCP, "10.0.0.2:1", "10.0.0.1:1", "-", "Drop r"); /* peers are not filtered */
    expect(&set, TCP, "10.0.0.1:1", "10.0.0.2:1", "none", "-");
    expect(&set, TCP, "10.0.0.2:1", "10.0.0.3:1", "-", "Drop r");
    drop(&set);
    set_load(&set, NULL, NULL);
    expect(&set, TCP, "10.0.0.1:1", "10.0.0.2:1", "none", "none");
    set_free(&set);
}

/* [INV-4] */
Test(set, the_newest_pod_has_a_shared_address)
{
    static const char *const order[][2] = {{"2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"},
                                           {"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
                                           {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"}};
    static const char *const winner[] = {"Drop a", "Drop b", "Drop b"};
    for (size_t i = 0; i < 3; i++) {
        char text[3000];
        snprintf(text, sizeof text,
                 "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {who: a}, "
                 "creationTimestamp: \"%s\"}\nstatus: {podIP: 10.0.0.1}\n"
                 "---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, labels: {who: b}, "
                 "creationTimestamp: %s}\nstatus: {podIP: 10.0.0.1}\n%s",
                 order[i][0], order[i][1],
                 ANNP("p", "{priority: 1, ingress: [{name: a, action: Drop, appliedTo: "
                           "[{podSelector: {matchLabels: {who: a}}}]}, {name: b, action: Drop, "
                           "appliedTo: [{podSelector: {matchLabels: {who: b}}}]}]}"));
        struct set set = set_good(text);
        expect(&set, TCP, "192.0.2.1:1", "10.0.0.1:1", "-", winner[i]);
        cr_expect(set_problem(&set, PROBLEM_WARNING, NULL, "10.0.0.1"));
        set_free(&set);
    }
}

/* [NAME-2] [NAME-3] [NAME-6] */
Test(set, rules_are_named)
{
    struct set set = set_good(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, annotations: "
        "{networkpolicy.antrea.io/enable-logging: \"true\"}}\n" ACNP(
            "c", "{priority: 2, tier: SecurityOps, " ALL ", ingress: [{action: Drop, ports: "
                 "[{port: 1}], logLabel: audit, enableLogging: true}]}")
            ACNP("d", "{priority: 3, " ALL ", ingress: [{ports: [{port: 1}], logLabel: audit, "
                      "enableLogging: true, action: Drop}], egress: [{action: Reject}]}")
                KNP("k", "{ingress: [{}]}"));
    const struct rule *e = snapshot_rule(set.snapshot, 0), *c = snapshot_rule(set.snapshot, 1);
    const struct rule *d = snapshot_rule(set.snapshot, 2), *k = snapshot_rule(set.snapshot, 3);
    cr_expect_eq(strncmp(e->name, "egress-reject-", 14), 0);
    cr_expect_eq(strncmp(c->name, "ingress-drop-", 13), 0);
    cr_expect_eq(strlen(c->name), 13 + 7);
    cr_expect_str_eq(c->name, d->name); /* the content's, whatever the order of keys */
    cr_expect_str_eq(c->policy_ref, "AntreaClusterNetworkPolicy:c");
    cr_expect_str_eq(c->policy_kind, "ClusterNetworkPolicy");
    cr_expect_str_eq(c->tier, "securityops");
    cr_expect_eq(c->tier_priority, 100);
    cr_expect_str_eq(c->log_label, "audit");
    cr_expect(c->enable_logging);
    cr_expect_null(c->namespace_);
    cr_expect_null(e->log_label);
    cr_expect(k->enable_logging);
    cr_expect_str_eq(k->name, "k/ingress[0]");
    set_free(&set);
}

static uint32_t id_of(const struct set *set, const char *name)
{
    for (size_t i = 0; i < snapshot_rule_count(set->snapshot); i++)
        if (strcmp(snapshot_rule(set->snapshot, i)->name, name) == 0)
            return snapshot_rule(set->snapshot, i)->l7_id;
    return 9999;
}

/* [VLAN-1] [VLAN-2] */
Test(set, unchanged_rules_keep_their_id)
{
    struct set a = set_good(
        ANNP("p", "{priority: 1, " ALL ", ingress: [" L7_RULE("a", "/a") ", " L7_RULE(
                      "b", "/b") ", {name: plain, action: Drop}, " L7_RULE("c", "/c") "]}"));
    struct set b = {0}, c = {0};
    cr_expect_eq(id_of(&a, "a"), 1);
    cr_expect_eq(id_of(&a, "b"), 2);
    cr_expect_eq(id_of(&a, "plain"), 0);
    cr_expect_eq(id_of(&a, "c"), 3);
    set_write(&b, "set.yaml",
              ANNP("p", "{priority: 1, " ALL ", ingress: [" L7_RULE("new", "/n") ", " L7_RULE(
                            "b", "/edited") ", " L7_RULE("c", "/c") "]}"));
    set_load(&b, NULL, a.snapshot);
    cr_expect_eq(id_of(&b, "c"), 3);
    cr_expect_eq(id_of(&b, "new"), 4); /* 1 is free, but was just released */
    cr_expect_eq(id_of(&b, "b"), 5);
    set_write(&c, "set.yaml",
              ANNP("p", "{priority: 1, " ALL ", ingress: [" L7_RULE("a", "/a") "]}"));
    set_load(&c, NULL, b.snapshot);
    cr_expect_eq(id_of(&c, "a"), 6);
    set_free(&a);
    set_free(&b);
    set_free(&c);
}

static char *many(size_t count, size_t from)
{
    char *text = malloc(200 + count * 80), *p = text;
    p += sprintf(p, "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\nmetadata: {name: "
                    "p}\nspec:\n  priority: 1\n  appliedTo: [{podSelector: {}}]\n  ingress:\n");
    for (size_t i = from; i < from + count; i++)
        p += sprintf(p, "  - {action: Allow, l7Protocols: [{web: {path: /%zu}}]}\n", i);
    return text;
}

/* [VLAN-2]: all ids, then one too many; and wrapping to those that are free. */
Test(set, ids_end_at_4094)
{
    char *full = many(4094, 0), *over = many(4095, 0), *next = many(4094, 10);
    struct set a = set_good(full), b = set_of(over), c = {0};
    static bool seen[4095];
    cr_expect_eq(id_of(&a, snapshot_rule(a.snapshot, 4093)->name), 4094);
    cr_expect(set_problem(&b, PROBLEM_ERROR, NULL, "4094 are possible"));
    set_write(&c, "set.yaml", next);
    set_load(&c, NULL, a.snapshot);
    for (size_t i = 0; i < 4094; i++) {
        uint32_t id = snapshot_rule(c.snapshot, i)->l7_id;
        cr_assert(id >= 1 && id <= 4094 && !seen[id]);
        seen[id] = true;
        if (i < 4084)
            cr_assert_eq(id, i + 11);
    }
    set_free(&a);
    set_free(&b);
    set_free(&c);
    free(full);
    free(over);
    free(next);
}

Test(set, references_are_counted)
{
    struct set set = set_good(ANNP("p", "{priority: 1, " ALL "}"));
    struct snapshot *again = snapshot_ref(set.snapshot);
    snapshot_unref(again);
    cr_expect_eq(snapshot_generation(set.snapshot), 1);
    cr_expect_null(snapshot_rule(set.snapshot, 0));
    snapshot_unref(NULL);
    set_free(&set);
}

static uint64_t state = 42;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static bool inside(const struct l7_address *a, const struct cidr *c)
{
    return address_in(a, &c->net, c->prefix);
}

/* [PEER-7] against the plainest reading, on a small address space. */
Test(set, ranges_hold_what_blocks_say)
{
    static jmp_buf no_memory;
    cr_assert_eq(setjmp(no_memory), 0);
    for (int round = 0; round < 300; round++) {
        struct arena arena;
        struct ranges ranges = {0};
        struct cidr block[4], except[4][3];
        size_t blocks = 1 + any(4), excepts[4];
        arena_init(&arena, &no_memory);
        for (size_t i = 0; i < blocks; i++) {
            block[i] = (struct cidr){{4, {255, 255, 255, (uint8_t)any(256)}}, 24 + any(8)};
            if (any(2))
                block[i] = (struct cidr){{4, {0, 0, 0, (uint8_t)any(256)}}, 24 + any(8)};
            excepts[i] = any(4);
            for (size_t k = 0; k < excepts[i]; k++) {
                unsigned prefix = block[i].prefix + 1 + any(32 - block[i].prefix);
                unsigned keep = 0xffu << (32 - block[i].prefix) & 0xff;
                except[i][k] = block[i];
                except[i][k].prefix = prefix;
                except[i][k].net.bytes[3] =
                    (uint8_t)((block[i].net.bytes[3] & keep) | (any(256) & ~keep));
            }
            ranges_add_block(&arena, &ranges, &block[i], except[i], excepts[i]);
        }
        ranges_seal(&ranges);
        for (unsigned n = 0; n < 512; n++) {
            uint8_t high = n < 256 ? 0 : 255;
            struct l7_address a = {4, {high, high, high, (uint8_t)n}};
            bool want = false;
            for (size_t i = 0; i < blocks; i++) {
                bool in = inside(&a, &block[i]);
                for (size_t k = 0; k < excepts[i]; k++)
                    in = in && !inside(&a, &except[i][k]);
                want |= in;
            }
            cr_assert_eq(ranges_hold(&ranges, &a), want, "round %d, %u", round, n);
        }
        arena_fini(&arena);
    }
}
