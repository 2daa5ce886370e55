/* SPDX-License-Identifier: Apache-2.0 */
/* What explain says, with the built plugins, over policies written here: the worked examples of
 * docs/policy.md, every way to say something, and raw bytes of the vectors. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/address.h"
#include "engine/engine.h"
#include "engine/explain.h"
#include "engine/tx.h"

/* ---- a world of policies ---- */

static const char pods[] = "---\n"
                           "apiVersion: v1\n"
                           "kind: Pod\n"
                           "metadata: {name: client, namespace: default, labels: {app: client}}\n"
                           "status: {podIPs: [{ip: 10.0.0.1}, {ip: \"fd00::1\"}]}\n"
                           "---\n"
                           "apiVersion: v1\n"
                           "kind: Pod\n"
                           "metadata: {name: web, namespace: default, labels: {app: web}}\n"
                           "status: {podIPs: [{ip: 10.0.0.2}, {ip: \"fd00::2\"}]}\n"
                           "---\n"
                           "apiVersion: v1\n"
                           "kind: Pod\n"
                           "metadata: {name: alone, namespace: quiet, labels: {app: alone}}\n"
                           "status: {podIPs: [{ip: 10.0.0.3}]}\n";

/* The worked example: r1 captures, r2 drops what r1 does not select. */
static const char capture[] = "apiVersion: crd.antrea.io/v1beta1\n"
                              "kind: NetworkPolicy\n"
                              "metadata: {name: shop, namespace: default}\n"
                              "spec:\n"
                              "  priority: 5\n"
                              "  tier: platform\n"
                              "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"
                              "  ingress:\n"
                              "  - name: r1\n"
                              "    action: Allow\n"
                              "    from: [{podSelector: {matchLabels: {app: client}}}]\n"
                              "    l7Protocols: [{http: {path: \"/api/*\"}}]\n"
                              "  - {name: r2, action: Drop}\n";

/* Egress and ingress rules on one connection: both have to fit. */
static const char both[] =
    "apiVersion: crd.antrea.io/v1beta1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: out, namespace: default}\n"
    "spec:\n"
    "  priority: 5\n"
    "  appliedTo: [{podSelector: {matchLabels: {app: client}}}]\n"
    "  egress:\n"
    "  - {name: e1, action: Allow, l7Protocols: [{http: {host: \"*.shop\"}}]}\n"
    "---\n"
    "apiVersion: crd.antrea.io/v1beta1\n"
    "kind: ClusterNetworkPolicy\n"
    "metadata: {name: in}\n"
    "spec:\n"
    "  priority: 5\n"
    "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"
    "  ingress:\n"
    "  - {name: i1, action: Allow, l7Protocols: [{http: {method: GET}}]}\n";

struct world {
    struct engine *engine;
    struct explainer *x;
};

static struct world open_world(const char *policies)
{
    char dir[] = "/tmp/l7explain-XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/policies.yaml", dir);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fprintf(f, "%s%s", policies, pods);
    fclose(f);
    struct settings *set = settings_new();
    free(set->plugin_dir);
    free(set->policy_dir);
    set->plugin_dir = strdup(BUILD_DIR "/plugins");
    set->policy_dir = strdup(dir);
    struct problems *problems = problems_new();
    struct world w;
    int err = engine_open(set, problems, &w.engine);
    if (err < 0)
        problems_print(problems, stderr);
    problems_free(problems);
    unlink(path);
    rmdir(dir);
    cr_assert_eq(err, 0, "the test's policies or the built plugins are refused");
    w.x = explain_new(w.engine->registry, w.engine->snapshot, w.engine->settings, true);
    cr_assert_not_null(w.x);
    return w;
}

static void close_world(struct world *w)
{
    explain_free(w->x);
    engine_close(w->engine);
}

static json_t *ask(struct world *w, const char *question)
{
    json_error_t at;
    json_t *q = json_loads(question, JSON_ALLOW_NUL, &at);
    cr_assert_not_null(q, "the test's own JSON: %s: %s", question, at.text);
    json_t *a = explain_json(w->x, q);
    json_decref(q);
    cr_assert_not_null(a);
    return a;
}

static const char *said(const json_t *a, const char *key)
{
    const char *s = json_string_value(json_object_get(a, key));
    return s != NULL ? s : "";
}

/* The verdict on one question; "" stands for null. */
static void expect(struct world *w, const char *question, const char *verdict, const char *rule,
                   const char *reason)
{
    json_t *a = ask(w, question);
    cr_expect_str_eq(said(a, "verdict"), verdict, "%s: %s%s", question, said(a, "verdict"),
                     said(a, "error"));
    cr_expect_str_eq(said(a, "rule"), rule, "%s: rule %s", question, said(a, "rule"));
    cr_expect_str_eq(said(a, "reason"), reason, "%s: reason %s", question, said(a, "reason"));
    json_decref(a);
}

#define FROM_CLIENT "{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"dport\":80"
#define HANDSHAKE "handshake forwarded, payload to be judged"

/* ---- the worked examples ---- */

Test(explain, carries_out_the_worked_example_of_capture)
{
    struct world w = open_world(capture);
    expect(&w, FROM_CLIENT "}", "allow", "r1", HANDSHAKE);
    expect(&w, FROM_CLIENT ",\"http\":{\"method\":\"GET\",\"target\":\"/api/x\",\"host\":null}}",
           "allow", "r1", "matched");
    expect(&w, FROM_CLIENT ",\"http\":{\"method\":\"GET\",\"target\":\"/y\",\"host\":\"h\"}}",
           "reject", "r1", "no-match");
    expect(&w, FROM_CLIENT ",\"other\":\"ssh\"}", "reject", "r1", "unclaimed");
    expect(&w, FROM_CLIENT ",\"tls\":{\"sni\":\"h\"}}", "reject", "r1", "no-match");
    expect(&w, FROM_CLIENT ",\"proto\":\"UDP\"}", "drop", "r1", "not-tcp");
    expect(&w, "{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"proto\":\"icmp\"}", "drop", "r1",
           "not-tcp");
    expect(&w, "{\"src\":\"10.9.9.9\",\"dst\":\"10.0.0.2\",\"dport\":80}", "drop", "r2", "matched");
    close_world(&w);
}

static const char layers[] =
    "apiVersion: crd.antrea.io/v1beta1\n"
    "kind: ClusterNetworkPolicy\n"
    "metadata: {name: a}\n"
    "spec: {tier: application, priority: 10, appliedTo: [{podSelector: {}}], ingress: [\n"
    "  {name: a1, action: Drop, ports: [{port: 1}]}, {name: a2, action: Drop, ports: [{port: "
    "2}]}]}\n"
    "---\n"
    "apiVersion: crd.antrea.io/v1beta1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: b, namespace: default}\n"
    "spec: {tier: application, priority: 15, appliedTo: [{podSelector: {}}], ingress: [\n"
    "  {name: b1, action: Drop, ports: [{port: 3}]}, {name: b2, action: Drop, ports: [{port: "
    "4}]}]}\n"
    "---\n"
    "apiVersion: crd.antrea.io/v1beta1\n"
    "kind: ClusterNetworkPolicy\n"
    "metadata: {name: c}\n"
    "spec: {tier: emergency, priority: 20, appliedTo: [{podSelector: {}}], ingress: [\n"
    "  {name: c1, action: Drop, ports: [{port: 5}]}, {name: c2, action: Pass, ports: [{port: "
    "6}]}]}\n"
    "---\n"
    "apiVersion: crd.antrea.io/v1beta1\n"
    "kind: ClusterNetworkPolicy\n"
    "metadata: {name: d}\n"
    "spec: {tier: baseline, priority: 1, appliedTo: [{podSelector: {}}], ingress: [\n"
    "  {name: d1, action: Reject}]}\n"
    "---\n"
    "apiVersion: networking.k8s.io/v1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: k, namespace: default}\n"
    "spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}\n";

Test(explain, carries_out_the_worked_example_of_layers)
{
    static const char *const order[] = {"c1", "c2", "a1", "a2", "b1", "b2"};
    struct world w = open_world(layers);
    json_t *a = ask(&w, FROM_CLIENT "}");
    for (size_t i = 0; i < 6; i++) {
        json_t *step = json_array_get(json_object_get(a, "steps"), i);
        cr_expect_str_eq(said(step, "rule"), order[i]);
        cr_expect(json_is_false(json_object_get(step, "matched")));
    }
    cr_expect_str_eq(said(a, "verdict"), "allow");
    cr_expect_str_eq(said(a, "policy"), "k");
    json_decref(a);
    /* Isolated by K: no rule decides, and baseline is not asked [ORD-4]. */
    a = ask(&w, "{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"dport\":81}");
    cr_expect_str_eq(said(a, "verdict"), "drop");
    cr_expect(json_is_null(json_object_get(a, "rule")));
    cr_expect(json_is_null(json_object_get(a, "policy")));
    cr_expect_str_eq(said(a, "reason"), "isolation");
    cr_expect_str_eq(said(a, "direction"), "Ingress");
    json_decref(a);
    /* No K covers this Pod: baseline decides; a Pass on the way is not reported. */
    expect(&w, "{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.3\",\"dport\":6}", "reject", "d1",
           "matched");
    /* Nothing applies to who is no Pod. */
    a = ask(&w, "{\"src\":\"10.0.0.1\",\"dst\":\"10.8.8.8\",\"dport\":6}");
    cr_expect_str_eq(said(a, "verdict"), "allow");
    cr_expect(json_is_null(json_object_get(a, "direction")));
    cr_expect_str_eq(said(a, "reason"), "no rule matched");
    json_decref(a);
    close_world(&w);
}

Test(explain, names_the_deciding_rule_in_full)
{
    struct world w = open_world(capture);
    json_t *a = ask(&w, FROM_CLIENT ",\"http\":\"GET http://h/y\"}");
    cr_expect_str_eq(said(a, "policy"), "shop");
    cr_expect_str_eq(said(a, "namespace"), "default");
    cr_expect_str_eq(said(a, "tier"), "platform");
    cr_expect_str_eq(said(a, "direction"), "Ingress");
    json_t *steps = json_object_get(a, "steps");
    json_t *last = json_array_get(steps, json_array_size(steps) - 1);
    cr_expect_eq(json_integer_value(json_object_get(last, "layer")), 7);
    cr_expect(strstr(said(last, "why"), "\"/y\" does not match \"/api/*\"") != NULL, "%s",
              said(last, "why"));
    json_decref(a);
    close_world(&w);
}

Test(explain, asks_both_rules_and_names_the_first_that_fails)
{
    struct world w = open_world(both);
    /* An allow is reported with the ingress rule; it is cluster-scoped. */
    json_t *a = ask(&w, FROM_CLIENT ",\"http\":\"GET http://a.shop/\"}");
    cr_expect_str_eq(said(a, "verdict"), "allow");
    cr_expect_str_eq(said(a, "rule"), "i1");
    cr_expect(json_is_null(json_object_get(a, "namespace")));
    json_decref(a);
    expect(&w, FROM_CLIENT ",\"http\":\"GET http://a.other/\"}", "reject", "e1", "no-match");
    expect(&w, FROM_CLIENT ",\"http\":\"PUT http://a.shop/\"}", "reject", "i1", "no-match");
    expect(&w, FROM_CLIENT ",\"http\":\"PUT http://a.other/\"}", "reject", "e1", "no-match");
    expect(&w, FROM_CLIENT ",\"other\":\"x\"}", "reject", "e1", "unclaimed");
    expect(&w, FROM_CLIENT ",\"proto\":17}", "drop", "e1", "not-tcp");
    /* The same as bytes: "PUT" for the rule at the server, then for the one at the client. */
    expect(&w, FROM_CLIENT ",\"raw\":\"UFVUIC8gSFRUUC8xLjENCkhvc3Q6IGEuc2hvcA0KDQo=\"}", "reject",
           "i1", "no-match");
    expect(&w, FROM_CLIENT ",\"raw\":\"R0VUIC8gSFRUUC8xLjENCkhvc3Q6IGIub3RoZXINCg0K\"}", "reject",
           "e1", "no-match");
    expect(&w, FROM_CLIENT ",\"raw\":\"R0VUIC8gSFRUUC8xLjENCkhvc3Q6IGEuc2hvcA0KDQo=\"}", "allow",
           "i1", "matched");
    close_world(&w);
}

Test(explain, does_not_judge_words_that_no_rule_governs)
{
    struct world w = open_world(capture);
    expect(&w, "{\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.1\",\"dport\":80,\"other\":\"ssh\"}",
           "allow", "", "no rule matched");
    expect(&w, "{\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.1\",\"dport\":80,\"raw\":\"AAAA\"}", "allow",
           "", "no rule matched");
    close_world(&w);
}

Test(explain, refuses_words_that_would_be_malformed_on_the_wire)
{
    struct world w = open_world(capture);
    json_t *a = ask(&w, FROM_CLIENT ",\"http\":{\"method\":\"GET\",\"target\":\"/api/x\","
                                    "\"host\":\"a b\"}}");
    cr_expect_str_eq(said(a, "verdict"), "reject");
    cr_expect_str_eq(said(a, "rule"), "r1");
    cr_expect_str_neq(said(a, "reason"), "no-match");
    json_decref(a);
    close_world(&w);
}

/* ---- questions that make no sense ---- */

Test(explain, says_what_is_wrong_with_a_question)
{
    static const struct {
        const char *question, *word;
    } cases[] = {
        {"[]", "not an object"},
        {"{}", "src"},
        {"{\"src\":\"10.0.0.1\"}", "dst"},
        {"{\"src\":7,\"dst\":\"10.0.0.2\",\"dport\":1}", "src"},
        {"{\"src\":\"10.0.0.1\",\"dst\":\"web\",\"dport\":1}", "web"},
        {"{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\"}", "dport"},
        {"{\"src\":\"10.0.0.1\",\"dst\":\"fd00::2\",\"dport\":80}", "two address families"},
        {"{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"dport\":65536}", "dport"},
        {"{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"dport\":-1}", "dport"},
        {"{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"dport\":\"80\"}", "dport"},
        {FROM_CLIENT ",\"proto\":\"TPC\"}", "TPC"},
        {FROM_CLIENT ",\"proto\":256}", "proto"},
        {FROM_CLIENT ",\"icmp\":{\"type\":8}}", "ICMP"},
        {FROM_CLIENT ",\"proto\":1,\"icmp\":{\"type\":256}}", "type"},
        {FROM_CLIENT ",\"htpp\":{}}", "did you mean \"http\""},
        {FROM_CLIENT ",\"http\":7}", "http"},
        {FROM_CLIENT ",\"http\":{\"method\":true}}", "method"},
        {FROM_CLIENT ",\"http\":{\"nonsense\":\"x\"}}", "unknown name"},
        {FROM_CLIENT ",\"http\":{},\"tls\":{}}", "both"},
        {FROM_CLIENT ",\"other\":\"x\",\"raw\":\"\"}", "both"},
        {FROM_CLIENT ",\"l7\":{}}", "l7"},
        {FROM_CLIENT ",\"l7\":{\"smtp\":{}}}", "smtp"},
        {FROM_CLIENT ",\"l7\":{\"http\":{},\"tls\":{}}}", "l7"},
        {FROM_CLIENT ",\"raw\":7}", "base64"},
        {FROM_CLIENT ",\"raw\":\"AAA\"}", "base64"},
        {FROM_CLIENT ",\"raw\":\"AA-A\"}", "base64"},
        {FROM_CLIENT ",\"raw\":\"A===\"}", "base64"},
        {FROM_CLIENT ",\"raw\":\"AA==AAAA\"}", "base64"},
        {FROM_CLIENT ",\"raw\":\"AAAA\",\"proto\":\"udp\"}", "TCP"},
    };
    struct world w = open_world(capture);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *a = ask(&w, cases[i].question);
        cr_expect(strstr(said(a, "error"), cases[i].word) != NULL, "%s: error \"%s\", verdict %s",
                  cases[i].question, said(a, "error"), said(a, "verdict"));
        cr_expect_null(json_object_get(a, "verdict"));
        json_decref(a);
    }
    close_world(&w);
}

Test(explain, takes_protocols_by_name_in_any_case_and_by_number)
{
    struct world w = open_world(
        "apiVersion: crd.antrea.io/v1beta1\n"
        "kind: ClusterNetworkPolicy\n"
        "metadata: {name: p}\n"
        "spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [\n"
        "  {name: pings, action: Drop, protocols: [{icmp: {icmpType: 8, icmpCode: 0}}]},\n"
        "  {name: others, action: Drop, protocols: [{icmp: {icmpType: 3}}]},\n"
        "  {name: udp, action: Reject, ports: [{protocol: UDP, port: 53}]},\n"
        "  {name: sctp, action: Reject, ports: [{protocol: SCTP, port: 53}]}]}\n");
#define ENDS "{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\""
    expect(&w, ENDS ",\"proto\":\"ICMP\"}", "drop", "pings", "matched");
    expect(&w, ENDS ",\"proto\":1,\"icmp\":{\"type\":3,\"code\":1}}", "drop", "others", "matched");
    expect(&w, ENDS ",\"proto\":\"icmp\",\"icmp\":{\"type\":13,\"code\":0}}", "allow", "",
           "no rule matched");
    expect(&w, ENDS ",\"proto\":\"Udp\",\"dport\":53,\"sport\":9}", "reject", "udp", "matched");
    expect(&w, ENDS ",\"proto\":\"17\",\"dport\":53}", "reject", "udp", "matched");
    expect(&w, ENDS ",\"proto\":132,\"dport\":53}", "reject", "sctp", "matched");
    expect(&w, ENDS ",\"proto\":\"TCP\",\"dport\":53}", "allow", "", "no rule matched");
    expect(&w, ENDS ",\"dport\":53}", "allow", "", "no rule matched");
    close_world(&w);
}

Test(explain, takes_null_for_what_is_not_said)
{
    struct world w = open_world(capture);
    expect(&w, FROM_CLIENT ",\"http\":null,\"tls\":null,\"raw\":null,\"other\":null,\"icmp\":null}",
           "allow", "r1", HANDSHAKE);
    close_world(&w);
}

/* ---- an inspector without an example of its own ---- */

static const struct l7_field echo_fields[] = {
    {.name = "word", .match = L7_MATCH_GLOB, .help = "what is echoed"},
    {.name = "size", .match = L7_MATCH_NUMBER, .help = "how long"},
};
static const struct l7_inspector echo = {
    .size = sizeof(echo), .keyword = "echo", .fields = echo_fields, .field_count = 2};

Test(explain, emits_fields_by_name_for_inspectors_that_give_no_example)
{
    char dir[] = "/tmp/l7explain-XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/p.yaml", dir);
    FILE *f = fopen(path, "w");
    fprintf(f,
            "apiVersion: crd.antrea.io/v1beta1\n"
            "kind: NetworkPolicy\n"
            "metadata: {name: e, namespace: default}\n"
            "spec: {priority: 1, appliedTo: [{podSelector: {}}], ingress: [\n"
            "  {name: e1, action: Allow, l7Protocols: [{echo: {word: \"hel*\"}}]}]}\n%s",
            pods);
    fclose(f);
    struct policy_keyword keyword = {&echo, NULL};
    struct policy_source source = {
        .dir = dir, .keywords = &keyword, .keyword_count = 1, .generation = 1};
    struct problems *problems = problems_new();
    struct snapshot *s = NULL;
    cr_assert_eq(snapshot_load(&source, problems, &s), 0);
    problems_free(problems);
    unlink(path);
    rmdir(dir);

    struct registry *registry = registry_new(tx_services(), "/tmp");
    struct settings *set = settings_new();
    struct explainer *x = explain_new(registry, s, set, true);
    const struct plugin plugin = {.inspector = &echo, .host = tx_services()};
    const struct {
        const char *name, *value, *verdict;
    } cases[] = {
        {"word", "hello", "allow"}, {"word", "ho", "reject"},   {"size", "5", "reject"},
        {"word", NULL, "reject"},   {"wrod", "hello", "error"}, {"", "hello", "error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct l7_pair pair = {.name = cases[i].name};
        if (cases[i].value != NULL)
            pair.value = (struct l7_bytes){(const uint8_t *)cases[i].value, strlen(cases[i].value)};
        struct explain_question q = {.said = EXPLAIN_WORDS,
                                     .inspector = &plugin,
                                     .pairs = &pair,
                                     .pair_count = 1,
                                     .tuple = {.sport = 1, .dport = 2, .proto = 6}};
        char error[EXPLAIN_ERROR_MAX] = "";
        address_parse("10.0.0.1", &q.tuple.src);
        address_parse("10.0.0.2", &q.tuple.dst);
        json_t *a = explain(x, &q, error);
        cr_expect_str_eq(a != NULL ? said(a, "verdict") : "error", cases[i].verdict, "%s=%s",
                         cases[i].name, cases[i].value);
        cr_expect_eq(a == NULL, error[0] != '\0');
        json_decref(a);
    }
    explain_free(x);
    settings_free(set);
    registry_free(registry);
    snapshot_unref(s);
}

/* ---- raw bytes ---- */

static char *base64(const char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = calloc(1, len * 4 / 3 + 8), *to = out;
    const unsigned char *at = (const unsigned char *)bytes;
    for (size_t i = 0; i < len; i += 3) {
        unsigned bits =
            at[i] << 16 | (i + 1 < len ? at[i + 1] << 8 : 0) | (i + 2 < len ? at[i + 2] : 0);
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
        *to++ = i + 2 < len ? digits[bits & 63] : '=';
    }
    return out;
}

/* Into `to`; the vectors' own base64 is well-formed. */
static size_t unbase64(const char *text, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    unsigned bits = 0, have = 0;
    for (; *text != '\0' && *text != '='; text++) {
        bits = bits << 6 | (unsigned)(strchr(digits, *text) - digits);
        have += 6;
        if (have >= 8)
            to[n++] = (char)(bits >> (have -= 8));
    }
    return n;
}

static json_t *ask_raw(struct world *w, bool v6, int dport, const char *text)
{
    json_t *q = json_pack("{s:s,s:s,s:i,s:s}", "src", v6 ? "fd00::1" : "10.0.0.1", "dst",
                          v6 ? "fd00::2" : "10.0.0.2", "dport", dport, "raw", text);
    cr_assert_not_null(q);
    json_t *a = explain_json(w->x, q);
    json_decref(q);
    return a;
}

static void expect_raw(struct world *w, const char *bytes, size_t len, const char *verdict,
                       const char *reason)
{
    char *text = base64(bytes, len);
    for (int v6 = 0; v6 < 2; v6++) {
        json_t *a = ask_raw(w, v6, 80, text);
        cr_expect_str_eq(said(a, "verdict"), verdict, "%.40s: %s", bytes, said(a, "verdict"));
        cr_expect_str_eq(said(a, "rule"), "r1");
        if (reason != NULL)
            cr_expect_str_eq(said(a, "reason"), reason, "%.40s: %s", bytes, said(a, "reason"));
        json_decref(a);
    }
    free(text);
}

#define RAW(w, bytes, verdict, reason) expect_raw((w), (bytes), strlen(bytes), (verdict), (reason))
#define GOOD "GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n"
#define BAD "GET /y HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST "POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"

Test(explain, judges_raw_bytes_as_live_traffic)
{
    struct world w = open_world(capture);
    RAW(&w, GOOD, "allow", "matched");
    RAW(&w, BAD, "reject", "no-match");
    RAW(&w, GOOD GOOD, "allow", "matched");
    RAW(&w, GOOD BAD, "reject", "no-match");
    RAW(&w, GOOD BAD GOOD, "reject", "no-match");
    RAW(&w, "EHLO mail.example\r\n", "reject", "unclaimed");
    RAW(&w, "", "allow", NULL);
    close_world(&w);
}

Test(explain, judges_what_is_unfinished_by_what_was_decided)
{
    struct world w = open_world(capture);
    RAW(&w, "G", "reject", "incomplete");
    RAW(&w, "GET /api/x HTTP/1.1\r\nHost: h\r\n", "reject", "incomplete");
    RAW(&w, GOOD "GET /api/x HT", "reject", "incomplete");
    RAW(&w, POST, "allow", "matched");
    RAW(&w, POST "01234", "allow", "matched");
    RAW(&w, POST "0123456789", "allow", "matched");
    RAW(&w, POST "0123456789" BAD, "reject", "no-match");
    RAW(&w, POST "0123456789G", "reject", "incomplete");
    close_world(&w);
}

Test(explain, judges_bytes_of_many_segments)
{
    struct world w = open_world(capture);
    /* A body longer than any limit of what is kept. */
    size_t len = 3000000;
    char *all = malloc(len + 200);
    size_t head = (size_t)snprintf(
        all, 200, "POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n", len);
    memset(all + head, 'b', len);
    expect_raw(&w, all, head + len, "allow", "matched");
    /* The request behind it is judged, too. */
    memcpy(all + head + len, BAD, strlen(BAD));
    expect_raw(&w, all, head + len + strlen(BAD), "reject", "no-match");
    /* A head larger than what is held back streams; it is decided by its last byte [L7-28]. */
    head = (size_t)snprintf(all, 200, "GET /api/x HTTP/1.1\r\nX: ");
    memset(all + head, 'x', 40000);
    memcpy(all + head + 40000, "\r\nHost: h\r\n\r\n", 14);
    expect_raw(&w, all, head + 40000 + 13, "allow", "matched");
    expect_raw(&w, all, head + 40000 + 11, "reject", "incomplete");
    free(all);
    close_world(&w);
}

/* The vectors say what the client sends, and what a strict reader makes of it. */
static size_t judge_vectors(struct world *w, const char *file, int dport, size_t *rejected)
{
    json_error_t at;
    json_t *all = json_load_file(file, JSON_ALLOW_NUL, &at), *v, *piece;
    size_t i, k;
    cr_assert_not_null(all, "%s: %s", file, at.text);
    json_t *list = json_object_get(all, "vectors");
    json_array_foreach(list, i, v)
    {
        const char *name = said(v, "name"), *wanted = said(v, "expect");
        json_t *bytes = json_object_get(v, "bytes_b64");
        json_t *pieces = json_is_array(bytes) ? json_incref(bytes) : json_pack("[O]", bytes);
        bool good = strcmp(wanted, "valid") == 0 || strcmp(wanted, "sni") == 0 ||
                    strcmp(wanted, "none") == 0;
        bool either = good ? json_object_get(v, "may_refuse") != NULL
                           : json_object_get(v, "may_accept") != NULL;
        size_t len = 0, room = 0;
        json_array_foreach(pieces, k, piece) room += json_string_length(piece);
        char *whole = malloc(room + 1);
        json_array_foreach(pieces, k, piece) len += unbase64(json_string_value(piece), whole + len);
        char *text = base64(whole, len);
        json_t *a = ask_raw(w, false, dport, text);
        bool allowed = strcmp(said(a, "verdict"), "allow") == 0;
        cr_expect(either || allowed == good, "%s (%s): %s, %s%s", name, wanted, said(a, "verdict"),
                  said(a, "reason"), said(a, "error"));
        *rejected += !allowed;
        free(whole);
        free(text);
        json_decref(a);
        json_decref(pieces);
    }
    size_t n = json_array_size(list);
    json_decref(all);
    return n;
}

Test(explain, agrees_with_the_oracles_on_every_vector)
{
    struct world w = open_world(
        "apiVersion: crd.antrea.io/v1beta1\n"
        "kind: NetworkPolicy\n"
        "metadata: {name: v, namespace: default}\n"
        "spec: {priority: 5, appliedTo: [{podSelector: {matchLabels: {app: web}}}],\n"
        "  ingress: [\n"
        "  {name: h, action: Allow, ports: [{port: 80}], l7Protocols: [{http: {}}]},\n"
        "  {name: t, action: Allow, ports: [{port: 443}], l7Protocols: [{tls: {}}]}]}\n");
    size_t rejected = 0;
    cr_expect_geq(judge_vectors(&w, TEST_DATA "/corpus/http1-vectors.json", 80, &rejected), 181);
    cr_expect_geq(judge_vectors(&w, TEST_DATA "/corpus/tls-vectors.json", 443, &rejected), 83);
    cr_expect_geq(rejected, 150);
    close_world(&w);
}

/* ---- batches ---- */

static json_t *batch(struct world *w, const char *lines, size_t len)
{
    char *out = NULL;
    size_t out_len = 0;
    FILE *in = fmemopen((void *)(uintptr_t)lines, len, "r"), *to = open_memstream(&out, &out_len);
    cr_assert_eq(explain_batch(w->x, in, to), 0);
    fclose(in);
    fclose(to);
    json_t *answers = json_array();
    for (char *line = out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        json_t *a = json_loadb(line, (size_t)(end - line), 0, NULL);
        cr_assert_not_null(a, "an answer is not JSON: %.*s", (int)(end - line), line);
        json_array_append_new(answers, a);
    }
    free(out);
    return answers;
}

Test(explain, answers_every_line_of_a_batch_in_its_place)
{
    static const char lines[] = FROM_CLIENT ",\"http\":\"GET http://h/api/\"}\n"
                                            "{\n"
                                            "\n"
                                            "\"text\"\n" FROM_CLIENT ",\"src\":\"10.0.0.9\"}\n"
                                            "{\"src\":\"\xff\"}\n" FROM_CLIENT
                                            ",\"http\":\"GET http://h/no\"}\n" FROM_CLIENT
                                            ",\"raw\":\"U1NI\"}\n" FROM_CLIENT "}";
    static const char *const verdicts[] = {"allow", "",       "",       "",     "",
                                           "",      "reject", "reject", "allow"};
    struct world w = open_world(capture);
    json_t *answers = batch(&w, lines, strlen(lines));
    cr_assert_eq(json_array_size(answers), 9);
    for (size_t i = 0; i < 9; i++) {
        const json_t *a = json_array_get(answers, i);
        cr_expect_str_eq(said(a, "verdict"), verdicts[i], "line %zu", i);
        cr_expect_eq(verdicts[i][0] == '\0', said(a, "error")[0] != '\0', "line %zu", i);
    }
    json_decref(answers);
    close_world(&w);
}

Test(explain, survives_a_line_without_end)
{
    struct world w = open_world(capture);
    size_t len = (17u << 20) + 200;
    char *all = malloc(len);
    memset(all, '[', len);
    const char *good = "\n" FROM_CLIENT "}\n";
    memcpy(all + len - strlen(good), good, strlen(good));
    json_t *answers = batch(&w, all, len);
    cr_assert_eq(json_array_size(answers), 2);
    cr_expect(strstr(said(json_array_get(answers, 0), "error"), "too long") != NULL);
    cr_expect_str_eq(said(json_array_get(answers, 1), "verdict"), "allow");
    json_decref(answers);
    free(all);
    close_world(&w);
}

Test(explain, tells_only_of_deciding_rules_without_steps)
{
    struct world w = open_world(layers);
    explain_free(w.x);
    w.x = explain_new(w.engine->registry, w.engine->snapshot, w.engine->settings, false);
    json_t *a = ask(&w, "{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"dport\":4}");
    json_t *steps = json_object_get(a, "steps");
    cr_expect_eq(json_array_size(steps), 1);
    cr_expect_str_eq(said(json_array_get(steps, 0), "rule"), "b2");
    cr_expect_str_eq(said(a, "verdict"), "drop");
    json_decref(a);
    close_world(&w);
}
