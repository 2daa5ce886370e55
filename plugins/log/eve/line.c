/* SPDX-License-Identifier: Apache-2.0 */
/* line: see line.h. Every function below appends in the order the log's readers rely on
 * (docs/eve.md); each key but an object's first carries its comma in front. */
#include "line.h"

#include <string.h>

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMP6 = 58, PROTO_SCTP = 132 };

#define VLAN_MAX 3

struct writer {
    struct text *text;
    struct stamp *stamp;
    const struct line_style *style;
};

/* A value, cut at the limit. The cut does not fall inside a character, or it would spoil the
 * spelling of a value that was valid. */
static void put_value(struct writer *w, const void *bytes, size_t len)
{
    size_t limit = w->style->value_limit;

    if (len > limit) {
        const uint8_t *at = bytes;
        size_t cut = limit;

        while (cut > 0 && limit - cut < 3 && (at[cut] & 0xc0) == 0x80)
            cut--;
        len = cut;
    }
    text_string(w->text, bytes, len);
}

static void put_text(struct writer *w, const char *value)
{
    put_value(w, value, strlen(value));
}

static void put_time(struct writer *w, uint64_t ns)
{
    char stamp[STAMP_LEN + 2];

    stamp[0] = '"';
    stamp_write(w->stamp, ns, stamp + 1);
    stamp[STAMP_LEN + 1] = '"';
    text_bytes(w->text, stamp, sizeof(stamp));
}

/* IPv4 dotted; IPv6 always eight groups of four digits. */
static void put_address(struct writer *w, const struct l7_address *a)
{
    char buf[42];
    char *to = buf;

    if (a->family == 4) {
        text_literal(w->text, "\"");
        for (int i = 0; i < 4; i++) {
            if (i)
                text_literal(w->text, ".");
            text_unsigned(w->text, a->bytes[i]);
        }
        text_literal(w->text, "\"");
        return;
    }
    *to++ = '"';
    for (int i = 0; i < 16; i++) {
        if (i && i % 2 == 0)
            *to++ = ':';
        to = text_hex(to, a->bytes[i]);
    }
    *to++ = '"';
    text_bytes(w->text, buf, (size_t)(to - buf));
}

static bool address_is_set(const struct l7_address *a)
{
    return a->family == 4 || a->family == 6;
}

static bool proto_has_ports(uint8_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP;
}

static void put_endpoint(struct writer *w, const struct l7_record *r, bool source)
{
    const struct l7_address *address = source ? &r->src : &r->dst;

    if (address_is_set(address)) {
        if (source)
            text_literal(w->text, ",\"src_ip\":");
        else
            text_literal(w->text, ",\"dest_ip\":");
        put_address(w, address);
    }
    if (proto_has_ports(r->proto)) {
        if (source)
            text_literal(w->text, ",\"src_port\":");
        else
            text_literal(w->text, ",\"dest_port\":");
        text_unsigned(w->text, source ? r->src_port : r->dst_port);
    }
}

static void put_proto(struct writer *w, const struct l7_record *r)
{
    text_literal(w->text, ",\"proto\":");
    switch (r->proto) {
    case PROTO_TCP:
        text_literal(w->text, "\"TCP\"");
        break;
    case PROTO_UDP:
        text_literal(w->text, "\"UDP\"");
        break;
    case PROTO_SCTP:
        text_literal(w->text, "\"SCTP\"");
        break;
    case PROTO_ICMP:
        text_literal(w->text, "\"ICMP\"");
        break;
    case PROTO_ICMP6:
        text_literal(w->text, "\"IPv6-ICMP\"");
        break;
    default:
        text_literal(w->text, "\"");
        text_unsigned(w->text, r->proto);
        text_literal(w->text, "\"");
    }
    if (r->proto == PROTO_ICMP || r->proto == PROTO_ICMP6) {
        text_literal(w->text, ",\"icmp_type\":");
        text_unsigned(w->text, r->icmp_type);
        text_literal(w->text, ",\"icmp_code\":");
        text_unsigned(w->text, r->icmp_code);
    }
}

/* What every event begins with, up to the protocol. */
static void put_common(struct writer *w, const struct l7_record *r, const char *event_type)
{
    text_literal(w->text, "{\"timestamp\":");
    put_time(w, r->time_ns);
    text_literal(w->text, ",\"flow_id\":");
    text_unsigned(w->text, r->flow_id);
    if (r->in_iface) {
        text_literal(w->text, ",\"in_iface\":");
        put_text(w, r->in_iface);
    }
    text_literal(w->text, ",\"event_type\":");
    put_text(w, event_type);
    if (r->vlan_count) {
        text_literal(w->text, ",\"vlan\":[");
        for (int i = 0; i < r->vlan_count && i < VLAN_MAX; i++) {
            if (i)
                text_literal(w->text, ",");
            text_unsigned(w->text, r->vlan[i]);
        }
        text_literal(w->text, "]");
    }
    put_endpoint(w, r, true);
    put_endpoint(w, r, false);
    put_proto(w, r);
}

static void put_tenant(struct writer *w, const struct l7_record *r)
{
    if (r->tenant_id) {
        text_literal(w->text, ",\"tenant_id\":");
        text_unsigned(w->text, r->tenant_id);
    }
}

/* What the common part of events that a packet caused ends with. */
static void put_origin(struct writer *w, const struct l7_record *r)
{
    if (r->pkt_src) {
        text_literal(w->text, ",\"pkt_src\":");
        put_text(w, r->pkt_src);
    }
    put_tenant(w, r);
}

/* Length of the part before the dot if the name has one inside, else 0. */
static size_t group_of(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && dot != name && dot[1] ? (size_t)(dot - name) : 0;
}

static bool attr_is_writable(const struct l7_record_attr *a)
{
    return a->name && (a->value.type == L7_TYPE_STRING || a->value.type == L7_TYPE_NUMBER ||
                       a->value.type == L7_TYPE_BOOL);
}

static void put_attr_value(struct writer *w, const struct l7_value *value)
{
    if (value->type == L7_TYPE_STRING)
        put_value(w, value->string.ptr, value->string.len);
    else if (value->type == L7_TYPE_NUMBER)
        text_signed(w->text, value->number);
    else if (value->number)
        text_literal(w->text, "true");
    else
        text_literal(w->text, "false");
}

/* The record's attributes as members of an open object, in their order; neighbours "a.b" and
 * "a.c" become one object "a". `first`: nothing stands in the object yet. */
static void put_attrs(struct writer *w, const struct l7_record *r, bool first)
{
    const char *open = NULL; /* the name that opened the current group */
    size_t open_len = 0;

    for (size_t i = 0; i < r->attr_count; i++) {
        const struct l7_record_attr *a = &r->attrs[i];
        const char *name = a->name;
        size_t group;

        if (!attr_is_writable(a))
            continue;
        group = group_of(name);
        if (open && (group != open_len || memcmp(open, name, group) != 0)) {
            text_literal(w->text, "}");
            open = NULL;
        }
        if (!first)
            text_literal(w->text, ",");
        first = false;
        if (group) {
            if (!open) {
                text_string(w->text, name, group);
                text_literal(w->text, ":{");
                open = name;
                open_len = group;
            }
            name += group + 1;
        }
        text_string(w->text, name, strlen(name));
        text_literal(w->text, ":");
        put_attr_value(w, &a->value);
    }
    if (open)
        text_literal(w->text, "}");
}

static void put_message(struct writer *w, const struct l7_record *r)
{
    text_literal(w->text, ",");
    put_text(w, r->keyword);
    text_literal(w->text, ":{");
    put_attrs(w, r, true);
    text_literal(w->text, "}");
}

static void put_policy(struct writer *w, const struct l7_record *r)
{
    const struct l7_record_policy *p = &r->policy;
    const struct {
        const char *key;
        const char *value;
    } parts[] = {
        {"\"namespace\":", p->namespace_},
        {"\"name\":", p->name},
        {"\"rule\":", p->rule},
        {"\"tier\":", p->tier},
        {"\"direction\":", p->direction},
        {"\"reason\":", p->reason},
    };
    bool any = false;

    if (!w->style->policy)
        return;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!parts[i].value)
            continue;
        if (any)
            text_literal(w->text, ",");
        else
            text_literal(w->text, ",\"policy\":{");
        any = true;
        text_bytes(w->text, parts[i].key, strlen(parts[i].key));
        put_text(w, parts[i].value);
    }
    if (any)
        text_literal(w->text, "}");
}

static void put_packet(struct writer *w, const struct l7_record *r)
{
    text_literal(w->text, ",\"packet\":");
    text_base64(w->text, r->packet.ptr, r->packet.len);
    text_literal(w->text, ",\"packet_info\":{\"linktype\":");
    text_unsigned(w->text, r->packet_link);
    text_literal(w->text, "}");
}

/* Opens the object "flow" with the counters; frames whole, this packet included. */
static void put_counters(struct writer *w, const struct l7_record_flow *f)
{
    text_literal(w->text, ",\"flow\":{\"pkts_toserver\":");
    text_unsigned(w->text, f->pkts_toserver);
    text_literal(w->text, ",\"pkts_toclient\":");
    text_unsigned(w->text, f->pkts_toclient);
    text_literal(w->text, ",\"bytes_toserver\":");
    text_unsigned(w->text, f->bytes_toserver);
    text_literal(w->text, ",\"bytes_toclient\":");
    text_unsigned(w->text, f->bytes_toclient);
    text_literal(w->text, ",\"start\":");
    put_time(w, f->start_ns);
}

/* The connection's own orientation, whatever way the packet went. */
static void put_alert_flow(struct writer *w, const struct l7_record *r)
{
    put_counters(w, &r->flow);
    if (address_is_set(&r->flow.client)) {
        text_literal(w->text, ",\"src_ip\":");
        put_address(w, &r->flow.client);
    }
    if (address_is_set(&r->flow.server)) {
        text_literal(w->text, ",\"dest_ip\":");
        put_address(w, &r->flow.server);
    }
    if (proto_has_ports(r->proto)) {
        text_literal(w->text, ",\"src_port\":");
        text_unsigned(w->text, r->flow.client_port);
        text_literal(w->text, ",\"dest_port\":");
        text_unsigned(w->text, r->flow.server_port);
    }
    text_literal(w->text, "}");
}

/* "Reject by <policy reference>" [L7-40]. A denial by isolation has the bare
 * reference [NAME-3]. */
static void put_signature(struct writer *w, const char *reference)
{
    if (!reference)
        reference = "K8sNetworkPolicy";
    text_literal(w->text, "\"Reject by ");
    text_escaped(w->text, reference, strlen(reference));
    text_literal(w->text, "\"");
}

static void put_app_proto(struct writer *w, const struct l7_record *r)
{
    if (r->app_proto) {
        text_literal(w->text, ",\"app_proto\":");
        put_text(w, r->app_proto);
    }
}

static void write_transaction(struct writer *w, const struct l7_record *r)
{
    put_common(w, r, r->keyword);
    put_origin(w, r);
    if (r->tx_id >= 0) {
        text_literal(w->text, ",\"tx_id\":");
        text_signed(w->text, r->tx_id);
    }
    put_message(w, r);
    put_policy(w, r);
}

static void write_alert(struct writer *w, const struct l7_record *r)
{
    put_common(w, r, "alert");
    put_origin(w, r);
    text_literal(w->text, ",\"alert\":{\"action\":\"blocked\",\"gid\":1,\"signature_id\":1,"
                          "\"rev\":0,\"signature\":");
    put_signature(w, r->policy.reference);
    text_literal(w->text, ",\"category\":\"\",\"severity\":3");
    put_tenant(w, r);
    text_literal(w->text, "}");
    if (w->style->alert_fields && r->keyword && r->attr_count)
        put_message(w, r);
    put_app_proto(w, r);
    text_literal(w->text, ",\"direction\":\"to_server\"");
    put_alert_flow(w, r);
    if (w->style->alert_packet && r->packet.len)
        put_packet(w, r);
    put_policy(w, r);
}

static void write_packet(struct writer *w, const struct l7_record *r)
{
    put_common(w, r, "packet");
    put_origin(w, r);
    put_packet(w, r);
}

/* A flow's own attributes ("state", "reason", "alerted", "action") follow its age. */
static void write_flow(struct writer *w, const struct l7_record *r)
{
    const struct l7_record_flow *f = &r->flow;

    put_common(w, r, "flow");
    put_app_proto(w, r);
    put_counters(w, f);
    text_literal(w->text, ",\"end\":");
    put_time(w, f->end_ns);
    text_literal(w->text, ",\"age\":");
    text_unsigned(w->text, f->end_ns > f->start_ns ? (f->end_ns - f->start_ns) / 1000000000 : 0);
    put_attrs(w, r, false);
    text_literal(w->text, "}");
    put_tenant(w, r);
}

bool line_write(struct text *t, struct stamp *stamp, const struct line_style *style,
                const struct l7_record *record)
{
    struct writer w = {.text = t, .stamp = stamp, .style = style};

    text_clear(t);
    switch (record->type) {
    case L7_RECORD_TRANSACTION:
        if (!record->keyword)
            return false;
        write_transaction(&w, record);
        break;
    case L7_RECORD_ALERT:
        write_alert(&w, record);
        break;
    case L7_RECORD_PACKET:
        if (!style->packet_events || !record->packet.len)
            return false;
        write_packet(&w, record);
        break;
    case L7_RECORD_FLOW:
        write_flow(&w, record);
        break;
    default: /* a connection's first packet has no event in this log */
        return false;
    }
    text_literal(t, "}\n");
    return true;
}
