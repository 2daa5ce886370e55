/* SPDX-License-Identifier: Apache-2.0 */
/* explain_json: questions written as JSON objects. Decides what a question may contain and names
 * what is wrong with it; the verdict is explain.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/address.h"
#include "base/suggest.h"
#include "engine/explain_own.h"
#include "flow/packet.h"

#define SPORT_DEFAULT 40000
#define KEYS_MAX 80

struct reading {
    struct explainer *x;
    const json_t *from;
    struct explain_question q;
    struct l7_pair pairs[EXPLAIN_PAIRS_MAX];
    char numbers[EXPLAIN_PAIRS_MAX][24]; /* of pairs that were given as numbers */
    uint8_t *raw;                        /* owned */
    char error[EXPLAIN_ERROR_MAX];
};

#define FAIL(r, ...) (snprintf((r)->error, EXPLAIN_ERROR_MAX, __VA_ARGS__), false)

/* ---- ends and protocol ---- */

static bool read_address(struct reading *r, const char *key, struct l7_address *out)
{
    const char *text = json_string_value(json_object_get(r->from, key));
    if (text == NULL)
        return FAIL(r, "\"%s\" is missing: give an address", key);
    return address_parse(text, out) || FAIL(r, "%s: \"%.64s\" is not an address", key, text);
}

static bool read_number(struct reading *r, const json_t *in, const char *key, int64_t max,
                        int64_t fallback, int64_t *out)
{
    const json_t *j = json_object_get(in, key);
    *out = fallback;
    if (j == NULL || json_is_null(j))
        return true;
    if (!json_is_integer(j) || json_integer_value(j) < 0 || json_integer_value(j) > max)
        return FAIL(r, "%s: not a number from 0 to %lld", key, (long long)max);
    *out = json_integer_value(j);
    return true;
}

static bool read_proto(struct reading *r, uint8_t *out)
{
    static const struct {
        const char *name;
        uint8_t number;
    } known[] = {{"TCP", IPPROTO_TCP},   {"UDP", IPPROTO_UDP},       {"SCTP", IPPROTO_SCTP},
                 {"ICMP", IPPROTO_ICMP}, {"ICMPv6", IPPROTO_ICMPV6}, {"IGMP", IPPROTO_IGMP}};
    const json_t *j = json_object_get(r->from, "proto");
    const char *name = json_string_value(j);
    int64_t number;
    *out = IPPROTO_TCP;
    if (name == NULL) {
        if (!read_number(r, r->from, "proto", 255, 6, &number))
            return FAIL(r, "proto: not TCP, UDP, SCTP, ICMP, ICMPv6 or a number from 0 to 255");
        *out = (uint8_t)number;
        return true;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(name, known[i].name) == 0) {
            *out = known[i].number;
            /* Over IPv6 "ICMP" can only mean its ICMP. */
            if (*out == IPPROTO_ICMP && r->q.tuple.src.family == 6)
                *out = 58;
            return true;
        }
    }
    char *end;
    long n = strtol(name, &end, 10);
    if (name[0] < '0' || name[0] > '9' || *end != '\0' || n > 255)
        return FAIL(r,
                    "proto: \"%.32s\" is not TCP, UDP, SCTP, ICMP, ICMPv6 or a number from 0 "
                    "to 255",
                    name);
    *out = (uint8_t)n;
    return true;
}

static bool read_tuple(struct reading *r)
{
    struct tuple *t = &r->q.tuple;
    const json_t *icmp = json_object_get(r->from, "icmp");
    int64_t sport, dport, type, code;
    if (!read_address(r, "src", &t->src) || !read_address(r, "dst", &t->dst))
        return false;
    if (t->src.family != t->dst.family)
        return FAIL(r, "src and dst are of two address families");
    if (!read_proto(r, &t->proto) ||
        !read_number(r, r->from, "sport", 65535, SPORT_DEFAULT, &sport) ||
        !read_number(r, r->from, "dport", 65535, -1, &dport))
        return false;
    bool ports = proto_has_ports(t->proto);
    bool is_icmp = t->proto == 1 || t->proto == 58;
    if (ports && dport < 0)
        return FAIL(r, "\"dport\" is missing: which port is asked for?");
    if (icmp != NULL && !json_is_null(icmp) && (!is_icmp || !json_is_object(icmp)))
        return FAIL(r, "icmp: {\"type\": N, \"code\": N} goes with proto ICMP or ICMPv6");
    if (!read_number(r, icmp, "type", 255, t->proto == 58 ? 128 : 8, &type) ||
        !read_number(r, icmp, "code", 255, 0, &code))
        return false;
    t->sport = ports ? (uint16_t)sport : 0;
    t->dport = ports ? (uint16_t)dport : 0;
    t->icmp_type = is_icmp ? (uint8_t)type : 0;
    t->icmp_code = is_icmp ? (uint8_t)code : 0;
    return true;
}

/* ---- what is said ---- */

static bool add_pair(struct reading *r, const char *name, const json_t *value)
{
    size_t i = r->q.pair_count;
    struct l7_pair *pair = &r->pairs[i];
    if (i == EXPLAIN_PAIRS_MAX)
        return FAIL(r, "more than %d fields", EXPLAIN_PAIRS_MAX);
    *pair = (struct l7_pair){.name = name};
    if (json_is_string(value)) {
        pair->value.ptr = (const uint8_t *)json_string_value(value);
        pair->value.len = json_string_length(value);
    } else if (json_is_integer(value)) {
        snprintf(r->numbers[i], sizeof(r->numbers[i]), "%lld",
                 (long long)json_integer_value(value));
        pair->value.ptr = (const uint8_t *)r->numbers[i];
        pair->value.len = strlen(r->numbers[i]);
    } else if (!json_is_null(value)) {
        return FAIL(r, "%.64s: give text, a number, or null for what is not there", name);
    }
    r->q.pair_count++;
    return true;
}

static bool read_words(struct reading *r, const struct plugin *p, const json_t *value)
{
    const char *name;
    json_t *one;
    r->q.said = EXPLAIN_WORDS;
    r->q.inspector = p;
    r->q.pairs = r->pairs;
    if (json_is_string(value))
        return add_pair(r, "", value);
    if (!json_is_object(value))
        return FAIL(r, "%s: give {FIELD: VALUE, ...} or text", p->inspector->keyword);
    json_object_foreach((json_t *)(uintptr_t)value, name,
                        one) if (!add_pair(r, name, one)) return false;
    return true;
}

static const struct plugin *find_keyword(const struct registry *registry, const char *name)
{
    for (unsigned i = 0; i < registry_keyword_count(registry); i++) {
        const struct plugin *p = registry_keyword(registry, i);
        if (strcmp(p->inspector->keyword, name) == 0)
            return p;
    }
    return NULL;
}

static bool unknown(struct reading *r, const char *what, const char *name)
{
    const struct registry *registry = explain_registry(r->x);
    const char *known[KEYS_MAX] = {"src",  "sport", "dst", "dport", "proto",
                                   "icmp", "other", "raw", "l7"};
    size_t n = 9;
    for (unsigned i = 0; i < registry_keyword_count(registry) && n < KEYS_MAX; i++)
        known[n++] = registry_keyword(registry, i)->inspector->keyword;
    const char *near = suggest(name, known, n);
    return FAIL(r, "unknown %s \"%.64s\"%s%s%s", what, name,
                near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                near != NULL ? "\"?" : "");
}

static bool read_l7(struct reading *r, const json_t *value)
{
    const char *name = NULL;
    json_t *fields = NULL, *any;
    if (!json_is_object(value) || json_object_size(value) != 1)
        return FAIL(r, "l7: give {KEYWORD: {FIELD: VALUE, ...}}");
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)value, key, any)
    {
        name = key;
        fields = any;
    }
    const struct plugin *p = find_keyword(explain_registry(r->x), name);
    return p != NULL ? read_words(r, p, fields) : unknown(r, "keyword", name);
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* RFC 4648 section 4, padded. */
static bool read_raw(struct reading *r, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value), n = 0;
    if (text == NULL || len % 4 != 0)
        return FAIL(r, "raw: give base64, padded to four letters");
    r->raw = malloc(len / 4 * 3 + 1);
    if (r->raw == NULL)
        return FAIL(r, "out of memory");
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        size_t pads = last && text[i + 3] == '=' ? 1 + (text[i + 2] == '=') : 0;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = k >= 4 - pads ? 0 : base64_digit(text[i + k]);
            if (digit < 0)
                return FAIL(r, "raw: not base64 (letter %zu)", i + k + 1);
            bits = bits << 6 | (uint32_t)digit;
        }
        for (size_t k = 0; k < 3 - pads; k++)
            r->raw[n++] = (uint8_t)(bits >> (16 - 8 * k));
    }
    r->q.said = EXPLAIN_RAW;
    r->q.raw = (struct l7_bytes){r->raw, n};
    return r->q.tuple.proto == IPPROTO_TCP || FAIL(r, "raw: bytes of a TCP connection only");
}

static bool is_ends(const char *key)
{
    static const char *const ends[] = {"src", "sport", "dst", "dport", "proto", "icmp"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (strcmp(key, ends[i]) == 0)
            return true;
    return false;
}

/* Every key is looked at: what is misspelt must not be taken for not said. */
static bool read_said(struct reading *r)
{
    const char *key, *before = NULL;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)r->from, key, value)
    {
        if (is_ends(key) || json_is_null(value))
            continue;
        const struct plugin *p = find_keyword(explain_registry(r->x), key);
        bool fine;
        if (before != NULL)
            return FAIL(r, "both \"%.32s\" and \"%.32s\": a connection says one thing first",
                        before, key);
        before = key;
        if (p != NULL) {
            fine = read_words(r, p, value);
        } else if (strcmp(key, "other") == 0) {
            r->q.said = EXPLAIN_OTHER;
            fine = true;
        } else if (strcmp(key, "raw") == 0) {
            fine = read_raw(r, value);
        } else if (strcmp(key, "l7") == 0) {
            fine = read_l7(r, value);
        } else {
            fine = unknown(r, "key", key);
        }
        if (!fine)
            return false;
    }
    return true;
}

json_t *explain_json(struct explainer *x, const json_t *question)
{
    struct reading *r = calloc(1, sizeof(*r));
    json_t *answer = NULL;
    if (r == NULL)
        return json_pack("{s:s}", "error", "out of memory");
    r->x = x;
    r->from = question;
    if (!json_is_object(question))
        snprintf(r->error, sizeof(r->error), "not an object");
    else if (read_tuple(r) && read_said(r))
        answer = explain(x, &r->q, r->error);
    if (answer == NULL) {
        /* Texts of others may be cut inside a character. */
        json_t *error = json_string(r->error);
        answer = json_object();
        json_object_set_new(answer, "error",
                            error != NULL ? error : json_string("the question is unreadable"));
    }
    free(r->raw);
    free(r);
    return answer;
}
