/* SPDX-License-Identifier: Apache-2.0 */
/* line: records as lines, compared byte for byte with what readers of the log know.
 *
 * samples.jsonl holds lines in the form of the reference (dialect suricata-7), guide.jsonl lines
 * in the guide's. Each is read back into the record it stands for; what is written of that record
 * must be the line again. docs/eve.md. */
#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "line.h"

#define SECOND 1000000000ull
#define ATTRS_MAX 40

struct example {
    json_t *line;
    struct l7_record record;
    struct l7_record_attr attrs[ATTRS_MAX];
    char names[ATTRS_MAX][64];
    uint8_t packet[2048];
};

static uint64_t time_of(const json_t *text)
{
    struct tm tm = {0};
    const char *rest = strptime(json_string_value(text), "%Y-%m-%dT%H:%M:%S", &tm);

    return (uint64_t)timegm(&tm) * SECOND + strtoull(rest + 1, NULL, 10) * 1000;
}

static struct l7_address address_of(const json_t *text)
{
    struct l7_address a = {0};

    if (inet_pton(AF_INET, json_string_value(text), a.bytes) == 1)
        a.family = 4;
    else if (inet_pton(AF_INET6, json_string_value(text), a.bytes) == 1)
        a.family = 6;
    return a;
}

static uint8_t proto_of(const char *name)
{
    static const struct {
        const char *name;
        uint8_t proto;
    } known[] = {{"TCP", 6}, {"UDP", 17}, {"ICMP", 1}, {"IPv6-ICMP", 58}, {"SCTP", 132}};

    for (size_t i = 0; i < 5; i++) {
        if (strcmp(known[i].name, name) == 0)
            return known[i].proto;
    }
    return (uint8_t)atoi(name);
}

static size_t base64_decode(const char *text, uint8_t *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned count = 0;
    size_t len = 0;

    for (; *text && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            to[len++] = (uint8_t)(bits >> count);
        }
    }
    return len;
}

static void add_attrs(struct example *e, const char *prefix, json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        struct l7_record_attr *a = &e->attrs[e->record.attr_count];
        char *name = e->names[e->record.attr_count];

        if (json_is_object(value)) {
            char inner[64];

            snprintf(inner, sizeof(inner), "%s.", key);
            add_attrs(e, inner, value);
            continue;
        }
        snprintf(name, 64, "%s%s", prefix, key);
        a->name = name;
        if (json_is_string(value)) {
            a->value.type = L7_TYPE_STRING;
            a->value.string.ptr = (const uint8_t *)json_string_value(value);
            a->value.string.len = json_string_length(value);
        } else {
            a->value.type = json_is_boolean(value) ? L7_TYPE_BOOL : L7_TYPE_NUMBER;
            a->value.number =
                json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
        }
        e->record.attr_count++;
    }
}

static uint64_t number_in(json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static const char *text_in(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void read_flow(struct example *e, json_t *flow)
{
    struct l7_record_flow *f = &e->record.flow;
    static const char *const fixed[] = {"pkts_toserver",
                                        "pkts_toclient",
                                        "bytes_toserver",
                                        "bytes_toclient",
                                        "start",
                                        "end",
                                        "age"};

    if (!flow)
        return;
    f->pkts_toserver = number_in(flow, "pkts_toserver");
    f->pkts_toclient = number_in(flow, "pkts_toclient");
    f->bytes_toserver = number_in(flow, "bytes_toserver");
    f->bytes_toclient = number_in(flow, "bytes_toclient");
    f->start_ns = time_of(json_object_get(flow, "start"));
    if (json_object_get(flow, "src_ip")) {
        f->client = address_of(json_object_get(flow, "src_ip"));
        f->server = address_of(json_object_get(flow, "dest_ip"));
        f->client_port = (uint16_t)number_in(flow, "src_port");
        f->server_port = (uint16_t)number_in(flow, "dest_port");
    }
    if (e->record.type == L7_RECORD_FLOW) {
        f->end_ns = time_of(json_object_get(flow, "end"));
        for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
            json_object_del(flow, fixed[i]);
        add_attrs(e, "", flow);
    }
}

static void read_policy(struct example *e)
{
    json_t *policy = json_object_get(e->line, "policy");
    json_t *alert = json_object_get(e->line, "alert");
    struct l7_record_policy *p = &e->record.policy;

    if (policy) {
        p->namespace_ = text_in(policy, "namespace");
        p->name = text_in(policy, "name");
        p->rule = text_in(policy, "rule");
        p->tier = text_in(policy, "tier");
        p->direction = text_in(policy, "direction");
        p->reason = text_in(policy, "reason");
    }
    if (alert) {
        p->reference = text_in(alert, "signature") + strlen("Reject by ");
        if (strcmp(p->reference, "K8sNetworkPolicy") == 0)
            p->reference = NULL; /* isolation: no policy decided */
    }
}

static void example_read(struct example *e, const char *text)
{
    const char *type;
    json_t *vlan;

    memset(e, 0, sizeof(*e));
    e->line = json_loads(text, 0, NULL);
    cr_assert_not_null(e->line, "not JSON: %s", text);
    type = text_in(e->line, "event_type");
    vlan = json_object_get(e->line, "vlan");
    e->record = (struct l7_record){
        .size = sizeof(e->record),
        .time_ns = time_of(json_object_get(e->line, "timestamp")),
        .flow_id = number_in(e->line, "flow_id"),
        .in_iface = text_in(e->line, "in_iface"),
        .proto = proto_of(text_in(e->line, "proto")),
        .tenant_id = (uint32_t)number_in(e->line, "tenant_id"),
        .src = address_of(json_object_get(e->line, "src_ip")),
        .dst = address_of(json_object_get(e->line, "dest_ip")),
        .src_port = (uint16_t)number_in(e->line, "src_port"),
        .dst_port = (uint16_t)number_in(e->line, "dest_port"),
        .icmp_type = (uint8_t)number_in(e->line, "icmp_type"),
        .icmp_code = (uint8_t)number_in(e->line, "icmp_code"),
        .pkt_src = text_in(e->line, "pkt_src"),
        .tx_id = json_object_get(e->line, "tx_id") ? (int64_t)number_in(e->line, "tx_id") : -1,
        .app_proto = text_in(e->line, "app_proto"),
        .attrs = e->attrs,
    };
    for (; e->record.vlan_count < json_array_size(vlan); e->record.vlan_count++)
        e->record.vlan[e->record.vlan_count] =
            (uint16_t)json_integer_value(json_array_get(vlan, e->record.vlan_count));
    if (strcmp(type, "alert") == 0)
        e->record.type = L7_RECORD_ALERT;
    else if (strcmp(type, "packet") == 0)
        e->record.type = L7_RECORD_PACKET;
    else if (strcmp(type, "flow") == 0)
        e->record.type = L7_RECORD_FLOW;
    else
        e->record.type = L7_RECORD_TRANSACTION;
    if (e->record.type == L7_RECORD_TRANSACTION)
        e->record.keyword = type;
    else if (json_object_get(e->line, "http"))
        e->record.keyword = "http";
    else if (json_object_get(e->line, "tls"))
        e->record.keyword = "tls";
    if (e->record.keyword)
        add_attrs(e, "", json_object_get(e->line, e->record.keyword));
    if (text_in(e->line, "packet")) {
        e->record.packet.ptr = e->packet;
        e->record.packet.len = base64_decode(text_in(e->line, "packet"), e->packet);
        e->record.packet_link = 1;
    }
    read_flow(e, json_object_get(e->line, "flow"));
    read_policy(e);
}

static const struct line_style suricata = {
    .alert_packet = true, .policy = true, .value_limit = 65536};
static const struct line_style guide = {
    .alert_fields = true, .packet_events = true, .policy = true, .value_limit = 65536};

static struct text text;
static struct stamp stamp;

static void init(void)
{
    setenv("TZ", "UTC", 1);
    text_init(&text);
    stamp_init(&stamp);
}

static void fini(void)
{
    text_fini(&text);
}

TestSuite(eve_line, .init = init, .fini = fini);

/* The line as a string, without its line feed; valid until the next one. */
static const char *line_of(const struct l7_record *record, const struct line_style *style)
{
    cr_assert(line_write(&text, &stamp, style, record));
    cr_assert_not(text.failed);
    cr_assert_eq(text.ptr[text.len - 1], '\n');
    text.ptr[text.len - 1] = '\0';
    cr_assert_eq(strlen(text.ptr), text.len - 1);
    return text.ptr;
}

static unsigned check_file(const char *name, const struct line_style *style)
{
    FILE *file = fopen(name, "r");
    static struct example e;
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    unsigned count = 0;

    cr_assert_not_null(file, "cannot read %s", name);
    while ((len = getline(&line, &cap, file)) > 0) {
        line[len - 1] = '\0';
        example_read(&e, line);
        cr_assert_str_eq(line_of(&e.record, style), line);
        json_decref(e.line);
        count++;
    }
    free(line);
    fclose(file);
    return count;
}

Test(eve_line, is_the_references_line_for_each_of_its_samples)
{
    cr_assert_eq(check_file(SOURCE_DIR "/tests/plugins/log/eve/samples.jsonl", &suricata), 23);
}

Test(eve_line, is_the_guides_line_for_each_of_its_samples)
{
    cr_assert_eq(check_file(SOURCE_DIR "/tests/plugins/log/eve/guide.jsonl", &guide), 11);
}

static struct l7_record_attr string_attr(const char *name, const char *value)
{
    return (struct l7_record_attr){
        .name = name,
        .value = {.type = L7_TYPE_STRING, .string = {(const uint8_t *)value, strlen(value)}}};
}

static struct l7_record_attr number_attr(const char *name, int64_t number)
{
    return (struct l7_record_attr){.name = name,
                                   .value = {.type = L7_TYPE_NUMBER, .number = number}};
}

static struct l7_record transaction(const struct l7_record_attr *attrs, size_t count)
{
    return (struct l7_record){
        .size = sizeof(struct l7_record),
        .type = L7_RECORD_TRANSACTION,
        .flow_id = 7,
        .keyword = "echo",
        .tx_id = -1,
        .proto = 6,
        .attrs = attrs,
        .attr_count = count,
    };
}

static const char *object_of(const struct l7_record_attr *attrs, size_t count)
{
    struct l7_record record = transaction(attrs, count);
    const char *at = strstr(line_of(&record, &suricata), "\"echo\":{");

    cr_assert_not_null(at);
    return at + strlen("\"echo\":");
}

Test(eve_line, has_no_key_for_what_a_record_lacks)
{
    struct l7_record record = transaction(NULL, 0);

    record.proto = 89;
    cr_assert_str_eq(line_of(&record, &guide),
                     "{\"timestamp\":\"1970-01-01T00:00:00.000000+0000\",\"flow_id\":7,"
                     "\"event_type\":\"echo\",\"proto\":\"89\",\"echo\":{}}");
}

Test(eve_line, groups_neighbours_with_the_same_part_before_the_dot)
{
    struct l7_record_attr attrs[] = {
        number_attr("a", 1),    number_attr("r.start", 2), number_attr("r.end", 3),
        number_attr("rr.x", 4), number_attr("b", -5),      number_attr("z.y", 6),
    };

    cr_assert_str_eq(object_of(attrs, 6),
                     "{\"a\":1,\"r\":{\"start\":2,\"end\":3},\"rr\":{\"x\":4},\"b\":-5,"
                     "\"z\":{\"y\":6}}}");
}

Test(eve_line, a_dot_at_the_edge_groups_nothing)
{
    struct l7_record_attr attrs[] = {number_attr(".a", 1), number_attr("b.", 2),
                                     number_attr("c.d.e", 3), number_attr("c.d.f", 4)};

    cr_assert_str_eq(object_of(attrs, 4), "{\".a\":1,\"b.\":2,\"c\":{\"d.e\":3,\"d.f\":4}}}");
}

Test(eve_line, leaves_out_attributes_it_cannot_spell)
{
    struct l7_record_attr attrs[] = {number_attr("x.a", 1),
                                     number_attr(NULL, 2),
                                     {.name = "x.b", .value = {.type = 99}},
                                     number_attr("x.c", 3)};

    cr_assert_str_eq(object_of(attrs, 4), "{\"x\":{\"a\":1,\"c\":3}}}");
}

Test(eve_line, writes_an_empty_value_that_the_record_carries)
{
    struct l7_record_attr attrs[] = {string_attr("http_content_type", "")};

    cr_assert_str_eq(object_of(attrs, 1), "{\"http_content_type\":\"\"}}");
}

Test(eve_line, escapes_names_and_values_of_any_bytes)
{
    struct l7_record_attr attrs[] = {string_attr("a\"b", "\xff\"\\/\x7f\x01"),
                                     string_attr("c\nd", "\xe2\x82\xac")};

    cr_assert_str_eq(object_of(attrs, 2), "{\"a\\\"b\":\"\\\\xff\\\"\\\\/\x7f\\u0001\","
                                          "\"c\\nd\":\"\xe2\x82\xac\"}}");
}

Test(eve_line, cuts_values_at_the_limit_but_not_inside_a_character)
{
    struct line_style style = suricata;
    struct l7_record_attr attrs[] = {
        string_attr("a", "0123456789"), string_attr("b", "0123456\xe2\x82\xac"),
        string_attr("c", "01234567"), string_attr("d", "\x80\x80\x80\x80\x80\x80\x80\x80\x80")};
    struct l7_record record = transaction(attrs, 4);

    style.value_limit = 8;
    cr_assert_not_null(strstr(line_of(&record, &style),
                              "{\"a\":\"01234567\",\"b\":\"0123456\",\"c\":\"01234567\","
                              "\"d\":\"\\\\x80\\\\x80\\\\x80\\\\x80\\\\x80\"}"));
}

Test(eve_line, a_long_value_is_whole_below_the_limit)
{
    static char url[60001];
    struct l7_record_attr attrs[] = {{0}};
    const char *object;

    memset(url, 'u', sizeof(url) - 1);
    attrs[0] = string_attr("url", url);
    object = object_of(attrs, 1);
    cr_assert_eq(strlen(object), sizeof(url) - 1 + strlen("{\"url\":\"\"}}"));
}

Test(eve_line, ipv6_is_never_abbreviated)
{
    struct l7_record record = transaction(NULL, 0);
    const char *line;

    inet_pton(AF_INET6, "::", record.src.bytes);
    inet_pton(AF_INET6, "2001:db8::AB:1", record.dst.bytes);
    record.src.family = record.dst.family = 6;
    record.dst_port = 65535;
    line = line_of(&record, &suricata);
    cr_assert_not_null(
        strstr(line, "\"src_ip\":\"0000:0000:0000:0000:0000:0000:0000:0000\",\"src_port\":0,"
                     "\"dest_ip\":\"2001:0db8:0000:0000:0000:0000:00ab:0001\","
                     "\"dest_port\":65535,\"proto\":\"TCP\""));
}

Test(eve_line, tags_are_listed_outermost_first)
{
    struct l7_record record = transaction(NULL, 0);

    record.vlan[0] = 100;
    record.vlan[1] = 4094;
    record.vlan[2] = 1;
    record.vlan_count = 3;
    cr_assert_not_null(strstr(line_of(&record, &suricata), ",\"vlan\":[100,4094,1],"));
    record.vlan_count = 200; /* no such packet */
    cr_assert_not_null(strstr(line_of(&record, &suricata), ",\"vlan\":[100,4094,1],"));
}

Test(eve_line, icmp_has_type_and_code_and_no_ports)
{
    struct l7_record record = transaction(NULL, 0);

    record.type = L7_RECORD_ALERT;
    record.src = record.dst = (struct l7_address){.family = 6};
    record.proto = 58;
    record.icmp_type = 128;
    record.src_port = 9;
    cr_assert_not_null(strstr(line_of(&record, &suricata),
                              "\"proto\":\"IPv6-ICMP\",\"icmp_type\":128,\"icmp_code\":0,"));
    cr_assert_null(strstr(text.ptr, "_port\""));
}

static struct l7_record denial(const struct l7_record_attr *attrs, size_t count)
{
    static const uint8_t frame[] = {0, 1, 2, 3};
    struct l7_record record = transaction(attrs, count);

    record.type = L7_RECORD_ALERT;
    record.keyword = "http";
    record.tx_id = 3;
    record.app_proto = "http";
    record.packet = (struct l7_bytes){frame, sizeof(frame)};
    record.packet_link = 1;
    record.policy.reference = "AntreaNetworkPolicy:ns/deny \"all\"";
    record.policy.rule = "r";
    return record;
}

Test(eve_line, an_alert_shows_the_message_or_the_frame_by_dialect)
{
    struct l7_record_attr attrs[] = {string_attr("url", "/admin")};
    struct l7_record record = denial(attrs, 1);
    struct line_style both = suricata;
    const char *line = line_of(&record, &guide);

    cr_assert_not_null(strstr(line, "},\"http\":{\"url\":\"/admin\"},\"app_proto\":\"http\","
                                    "\"direction\":\"to_server\",\"flow\":{"));
    cr_assert_null(strstr(line, "\"packet\""));
    line = line_of(&record, &suricata);
    cr_assert_null(strstr(line, "\"http\":"));
    cr_assert_not_null(strstr(line, "},\"packet\":\"AAECAw==\",\"packet_info\":{\"linktype\":1},"
                                    "\"policy\":{\"rule\":\"r\"}}"));
    both.alert_fields = true;
    line = line_of(&record, &both);
    cr_assert_not_null(strstr(line, "},\"http\":{\"url\":\"/admin\"},\"app_proto\":\"http\","));
    cr_assert_not_null(strstr(line, "\"packet\":"));
}

Test(eve_line, an_alert_has_no_transaction_number_and_no_empty_object)
{
    struct l7_record record = denial(NULL, 0);
    const char *line = line_of(&record, &guide);

    cr_assert_null(strstr(line, "tx_id"));
    cr_assert_null(strstr(line, "\"http\":"));
}

Test(eve_line, the_signature_names_the_policy_as_one_string)
{
    struct l7_record record = denial(NULL, 0);

    cr_assert_not_null(strstr(line_of(&record, &guide),
                              "\"signature\":\"Reject by AntreaNetworkPolicy:ns/deny \\\"all\\\"\","
                              "\"category\":\"\",\"severity\":3}"));
    record.policy.reference = NULL;
    cr_assert_not_null(
        strstr(line_of(&record, &guide), "\"signature\":\"Reject by K8sNetworkPolicy\",\"cat"));
}

Test(eve_line, the_policy_object_can_be_left_out)
{
    struct line_style style = guide;
    struct l7_record record = denial(NULL, 0);

    cr_assert_not_null(strstr(line_of(&record, &style), ",\"policy\":{\"rule\":\"r\"}}"));
    style.policy = false;
    cr_assert_null(strstr(line_of(&record, &style), "\"policy\""));
    style.policy = true;
    record.policy.rule = NULL;
    cr_assert_null(strstr(line_of(&record, &style), "\"policy\""));
}

Test(eve_line, a_denied_frame_is_an_event_in_the_guides_dialect_only)
{
    struct l7_record record = denial(NULL, 0);

    record.type = L7_RECORD_PACKET;
    cr_assert_not(line_write(&text, &stamp, &suricata, &record));
    cr_assert(line_write(&text, &stamp, &guide, &record));
    record.packet.len = 0;
    cr_assert_not(line_write(&text, &stamp, &guide, &record));
}

Test(eve_line, some_records_have_no_line)
{
    struct l7_record record = denial(NULL, 0);

    record.type = L7_RECORD_CONNECTION;
    cr_assert_not(line_write(&text, &stamp, &guide, &record));
    record.type = 77;
    cr_assert_not(line_write(&text, &stamp, &guide, &record));
    record.type = L7_RECORD_TRANSACTION;
    record.keyword = NULL;
    cr_assert_not(line_write(&text, &stamp, &guide, &record));
}

Test(eve_line, a_flow_that_ends_before_its_start_has_age_zero)
{
    struct l7_record record = denial(NULL, 0);

    record.type = L7_RECORD_FLOW;
    record.flow.start_ns = 5 * SECOND;
    record.flow.end_ns = 4 * SECOND;
    cr_assert_not_null(strstr(line_of(&record, &guide), "\"age\":0}"));
    record.flow.end_ns = 7 * SECOND + SECOND / 2;
    cr_assert_not_null(strstr(line_of(&record, &guide), "\"age\":2}"));
}
