/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/record.h"

#include <string.h>
#include <unistd.h>
#include "engine/logger.h"
#include "engine/settings.h"
#include "plugin/check.h"

#define WAITS_MAX 50000 /* ten seconds */

static void fill_policy(struct l7_record_policy *to, const struct rule *rule, const char *action,
                        const char *reason)
{
    memset(to, 0, sizeof(*to));
    to->reason = reason;
    if (rule == NULL)
        return;
    to->reference = rule->policy_ref;
    to->namespace_ = rule->namespace_;
    to->name = rule->policy;
    to->rule = rule->name;
    to->tier = rule->tier;
    to->direction = direction_name(rule->direction);
    to->action = action;
    to->log_label = rule->log_label;
    to->enable_logging = rule->enable_logging;
}

static void fill_flow(struct l7_record *r, const struct flow *f)
{
    r->flow_id = f->id;
    r->proto = f->key.proto;
    bool ports = proto_has_ports(f->key.proto);
    r->flow = (struct l7_record_flow){
        .pkts_toserver = f->packets[L7_TO_SERVER],
        .pkts_toclient = f->packets[L7_TO_CLIENT],
        .bytes_toserver = f->bytes[L7_TO_SERVER],
        .bytes_toclient = f->bytes[L7_TO_CLIENT],
        .start_ns = f->start_ns,
        .end_ns = f->last_ns,
        .client = *flow_client(f),
        .server = *flow_server(f),
        .client_port = ports ? flow_client_port(f) : 0,
        .server_port = ports ? flow_server_port(f) : 0,
    };
}

/* The ends as the packet names them. */
static void fill_ends(struct l7_record *r, enum l7_dir dir)
{
    bool up = dir == L7_TO_SERVER;
    r->src = up ? r->flow.client : r->flow.server;
    r->dst = up ? r->flow.server : r->flow.client;
    r->src_port = up ? r->flow.client_port : r->flow.server_port;
    r->dst_port = up ? r->flow.server_port : r->flow.client_port;
}

/* A record of a governed flow shows its rule's id where the reference shows the tag that stands
 * for the rule [L7-40]; others show the tags the packet had. */
static void fill_tags(struct l7_record *r, const struct flow *f, const struct rule *rule)
{
    if (rule != NULL && rule->l7) {
        r->tenant_id = rule->l7_id;
        r->vlan[0] = (uint16_t)rule->l7_id;
        r->vlan_count = 1;
        return;
    }
    for (size_t i = 0; i < 2 && f->key.vlan[i] != 0; i++)
        r->vlan[r->vlan_count++] = f->key.vlan[i];
}

static const char *iface_name(struct worker *w, unsigned iface)
{
    if (w->capture == NULL || w->capture->iface_name == NULL)
        return NULL;
    return w->capture->iface_name(w->capture_self, iface);
}

static size_t fill_attrs(const struct tx *tx, struct l7_record_attr attrs[ATTRS_MAX])
{
    const struct l7_inspector *in = tx->claim->inspector;
    size_t n = 0;
    for (size_t i = 0; i < in->attr_count && n < ATTRS_MAX; i++)
        if (tx->attrs[i].set)
            attrs[n++] = (struct l7_record_attr){in->attrs[i].name, tx->attrs[i].value};
    return n;
}

static struct l7_value text_value(const char *text)
{
    return (struct l7_value){.type = L7_TYPE_STRING,
                             .string = {(const uint8_t *)text, strlen(text)}};
}

static void put(struct worker *w, const struct l7_record *r)
{
    if (w->logger == NULL || !logger_wants(w->logger, r->type))
        return;
    w->stats.records++;
    /* A file can wait for its log, a wire cannot. */
    for (int tries = 0; w->offline && tries < WAITS_MAX; tries++) {
        struct logger_stats stats;
        logger_stats(w->logger, &stats);
        if (stats.queued_bytes < w->settings->log_queue / 2)
            break;
        usleep(200);
    }
    logger_put(w->logger, r);
}

void record_transaction(struct worker *w, const struct flow *f, const struct tx *tx,
                        const struct packet *p, bool unfinished)
{
    struct l7_record_attr attrs[ATTRS_MAX];
    const struct l7_inspector *in = tx->claim->inspector;
    struct l7_record r = {
        .size = sizeof(r),
        .type = L7_RECORD_TRANSACTION,
        .time_ns = p != NULL && p->frame != NULL && !unfinished ? p->frame->time_ns : w->now_ns,
        .pkt_src = unfinished ? "stream (flow timeout)" : "wire/pcap",
        .tx_id = (in->flags & L7_INSPECTOR_NUMBERED) != 0 ? tx->id : -1,
        .keyword = in->keyword,
        .app_proto = in->keyword,
        .attrs = attrs,
        .attr_count = fill_attrs(tx, attrs),
    };
    fill_flow(&r, f);
    fill_ends(&r, L7_TO_SERVER);
    fill_tags(&r, f, tx->rule);
    r.in_iface = iface_name(w, p != NULL && p->frame != NULL ? p->frame->iface
                               : tx->session != NULL         ? tx->session->iface
                                                             : 0);
    if (tx->rule != NULL)
        fill_policy(&r.policy, tx->rule, tx->rule->l7 ? "Redirect" : action_name(tx->rule->action),
                    NULL);
    put(w, &r);
}

void record_denial(struct worker *w, const struct flow *f, const struct denial *d)
{
    struct l7_record_attr attrs[ATTRS_MAX];
    struct l7_record r = {
        .size = sizeof(r),
        .type = L7_RECORD_ALERT,
        .time_ns = d->time_ns,
        .pkt_src = d->packet == NULL         ? "stream (flow timeout)"
                   : d->packet->defragmented ? "defrag"
                                             : "wire/pcap",
        .tx_id = -1,
        .keyword = d->keyword,
        .app_proto = d->app_proto,
        .attrs = attrs,
        .attr_count = d->tx != NULL ? fill_attrs(d->tx, attrs) : 0,
        .packet = d->frame,
        .packet_link = d->frame_link,
    };
    fill_flow(&r, f);
    fill_ends(&r, d->dir);
    fill_tags(&r, f, d->rule);
    r.icmp_type = d->packet != NULL ? d->packet->icmp_type : f->icmp_type;
    r.icmp_code = d->packet != NULL ? d->packet->icmp_code : f->icmp_code;
    r.in_iface = iface_name(w, d->packet != NULL ? d->packet->frame->iface : 0);
    fill_policy(&r.policy, d->rule,
                d->rule == NULL                   ? "Drop"
                : d->rule->action == ACTION_ALLOW ? "Reject"
                                                  : action_name(d->rule->action),
                d->reason);
    put(w, &r);
    /* The denied packet itself, for rules that ask for it [L7-40]. */
    if (d->rule != NULL && d->rule->enable_logging && d->frame.len > 0) {
        r.type = L7_RECORD_PACKET;
        r.attr_count = 0;
        put(w, &r);
    }
}

void record_connection(struct worker *w, const struct flow *f, const struct packet *p,
                       const struct rule *rule, const char *action)
{
    struct l7_record r = {
        .size = sizeof(r),
        .type = L7_RECORD_CONNECTION,
        .time_ns = p->frame->time_ns,
        .pkt_src = p->defragmented ? "defrag" : "wire/pcap",
        .tx_id = -1,
        .icmp_type = p->icmp_type,
        .icmp_code = p->icmp_code,
    };
    fill_flow(&r, f);
    fill_ends(&r, L7_TO_SERVER);
    fill_tags(&r, f, rule);
    r.in_iface = iface_name(w, p->frame->iface);
    fill_policy(&r.policy, rule, action, NULL);
    put(w, &r);
}

void record_flow(struct worker *w, const struct flow *f, bool timeout)
{
    const struct judged *j = flow_extra_const(f);
    if (w->logger == NULL || !logger_wants(w->logger, L7_RECORD_FLOW) ||
        f->packets[0] + f->packets[1] == 0)
        return; /* without packets: opened to find out who opened it */
    bool denied = j->fate == FATE_DENIED || j->fate == FATE_REFUSED;
    bool closed = f->fins != 0 || j->fate == FATE_REFUSED;
    const char *state = closed ? "closed" : f->packets[L7_TO_CLIENT] > 0 ? "established" : "new";
    const char *reason = w->ending ? "shutdown" : timeout ? "timeout" : "forced";
    const char *action = denied ? "drop" : "pass";
    const struct l7_record_attr attrs[] = {
        {"state", text_value(state)},
        {"reason", text_value(reason)},
        {"alerted", {.type = L7_TYPE_BOOL, .number = j->fate == FATE_REFUSED || j->logged_ns != 0}},
        {"action", text_value(action)},
    };
    struct l7_record r = {
        .size = sizeof(r),
        .type = L7_RECORD_FLOW,
        .time_ns = w->now_ns,
        .tx_id = -1,
        .icmp_type = f->icmp_type,
        .icmp_code = f->icmp_code,
        .keyword = j->claim != NULL ? j->claim->inspector->keyword : NULL,
        .attrs = attrs,
        .attr_count = sizeof(attrs) / sizeof(attrs[0]),
    };
    r.app_proto = r.keyword;
    fill_flow(&r, f);
    fill_ends(&r, L7_TO_SERVER);
    fill_tags(&r, f, judged_rule(j));
    r.in_iface = iface_name(w, 0);
    put(w, &r);
}
