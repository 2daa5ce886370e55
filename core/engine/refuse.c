/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/refuse.h"

#include <string.h>
#include "engine/record.h"
#include "flow/craft.h"
#include "flow/segment.h"

#define ALERT_FRAME_MAX 1518 /* a rebuilt frame shows no more: one Ethernet frame and its tag */

static void send_crafted(struct worker *w, const struct packet *model, const uint8_t *data,
                         size_t len, unsigned iface)
{
    struct l7_frame frame = {
        .size = sizeof(frame),
        .iface = (uint16_t)iface,
        .link = model->frame->link,
        .data = data,
        .len = (uint32_t)len,
        .wire_len = (uint32_t)len,
        .time_ns = w->now_ns,
    };
    worker_inject(w, &frame);
}

/* A packet of the client that never was: its link header and the flow's ends. Enough of a model
 * for a reset when no packet is at hand. */
struct model {
    struct packet packet;
    struct l7_frame frame;
};

static bool model_of(const struct flow *f, const struct session *s, struct model *m)
{
    memset(m, 0, sizeof(*m));
    if (s == NULL || (s->link_len == 0 && s->link_type == L7_LINK_ETHERNET))
        return false;
    m->frame = (struct l7_frame){
        .size = sizeof(m->frame),
        .iface = s->iface,
        .link = s->link_type,
        .data = s->link,
        .len = s->link_len,
        .wire_len = s->link_len,
    };
    m->packet = (struct packet){
        .frame = &m->frame,
        .link_len = s->link_len,
        .vlan_count = s->vlan_count,
        .src = *flow_client(f),
        .dst = *flow_server(f),
        .proto = f->key.proto,
        .sport = flow_client_port(f),
        .dport = flow_server_port(f),
        .ip = s->link + s->link_len,
        .transport = s->link + s->link_len,
        .payload = s->link + s->link_len,
    };
    memcpy(m->packet.vlan, s->vlan, sizeof(s->vlan));
    return true;
}

/* What the server may expect next. Usually one number; but a client can have the server discard
 * what was sent on, or send it out of order, and must not outlive its flow here by that: also what
 * the server itself named last, and the end of what was sent on, which is never too low. A number
 * that is too high is answered (RFC 5961 3.2), and that answer names the right one: refuse_late().
 */
struct expected {
    uint32_t seq[3];
    size_t count;
};

static void expected_add(struct expected *e, uint32_t seq)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->seq[i] == seq)
            return;
    e->seq[e->count++] = seq;
}

static void send_reset(struct worker *w, const struct packet *model, bool back, uint32_t seq,
                       uint32_t ack, unsigned iface)
{
    uint8_t buf[CRAFT_MAX];
    size_t n = craft_reset(model, back, seq, ack, TCP_RST | TCP_ACK, buf);
    if (n > 0) {
        send_crafted(w, model, buf, n, iface);
        w->stats.resets_sent++;
    }
}

/* Each end gets the sequence number it expects next, which is what makes it believe a reset
 * (RFC 5961 3.2). */
static void reset_both(struct worker *w, const struct packet *model, enum l7_dir dir,
                       const struct expected *to_server, uint32_t to_client)
{
    bool up = dir == L7_TO_SERVER;
    unsigned client_side = up ? model->frame->iface : model->frame->iface ^ 1u;
    for (size_t i = 0; i < to_server->count; i++)
        send_reset(w, model, !up, to_server->seq[i], to_client, client_side ^ 1u);
    send_reset(w, model, up, to_client, to_server->seq[to_server->count - 1], client_side);
}

static void reset_flow(struct worker *w, struct flow *f, const struct session *s, enum l7_dir dir,
                       const struct packet *p)
{
    struct model m;
    const struct packet *model = p;
    if (model == NULL) {
        if (!model_of(f, s, &m))
            return;
        model = &m.packet;
        dir = L7_TO_SERVER;
    }
    /* Without a session the packet itself says what both ends expect. */
    uint32_t sent = model->seq, expected = model->ack;
    uint32_t to_server = dir == L7_TO_SERVER ? sent : expected;
    uint32_t to_client = dir == L7_TO_SERVER ? expected : sent;
    if (s != NULL && s->has_next[L7_TO_SERVER])
        to_server = s->next_seq[L7_TO_SERVER];
    if (s != NULL && s->has_next[L7_TO_CLIENT])
        to_client = s->next_seq[L7_TO_CLIENT];
    struct expected e = {.count = 0};
    if (s != NULL && s->has_acked)
        expected_add(&e, s->acked);
    if (s != NULL && s->stream[L7_TO_SERVER].started) {
        const struct stream *up = &s->stream[L7_TO_SERVER];
        expected_add(&e, stream_seq(up, up->high < s->clear ? up->high : s->clear));
    }
    expected_add(&e, to_server);
    reset_both(w, model, dir, &e, to_client);
}

/* The frame to show: the deciding one if the message begins in it; else one rebuilt from the
 * message's head, so that what was asked for can be read (docs/eve.md, `alert`). */
static struct l7_bytes shown_frame(struct worker *w, struct session *s, const struct packet *p,
                                   enum l7_dir dir, uint32_t *link)
{
    if (p == NULL && s == NULL)
        return (struct l7_bytes){NULL, 0};
    const struct packet *model = p;
    if (s != NULL && dir == L7_TO_SERVER && s->stream[L7_TO_SERVER].started) {
        struct stream *up = &s->stream[L7_TO_SERVER];
        struct l7_bytes pending = stream_pending(up);
        int64_t at = p != NULL ? stream_offset(up, p->seq) : -1;
        bool begins_here = p != NULL && p->payload_len > 0 && at <= (int64_t)up->done;
        struct held *first = hold_first(&s->hold);
        if (!begins_here && pending.len > 0 && p != NULL) {
            size_t head = (size_t)(p->payload - p->frame->data);
            size_t room = head < ALERT_FRAME_MAX ? ALERT_FRAME_MAX - head : 0;
            struct l7_offload ignored;
            struct l7_bytes shown = {pending.ptr, pending.len < room ? pending.len : room};
            size_t n = segment_make(p, stream_seq(up, up->done), shown, TCP_ACK | TCP_PSH,
                                    w->scratch, SEGMENT_MAX, &ignored);
            *link = p->frame->link;
            if (n > 0)
                return (struct l7_bytes){w->scratch, n};
        }
        if (p == NULL && first != NULL) {
            *link = first->frames[0].link;
            return (struct l7_bytes){first->frames[0].data, first->frames[0].len};
        }
    }
    if (model == NULL)
        return (struct l7_bytes){NULL, 0};
    *link = model->frame->link;
    return (struct l7_bytes){model->frame->data, model->frame->len};
}

void refuse_flow(struct worker *w, struct flow *f, enum l7_dir dir, const struct packet *p,
                 const struct rule *rule, const char *reason)
{
    struct judged *j = flow_extra(f);
    struct session *s = j->session;
    if (rule == NULL)
        rule = j->egress != NULL && j->egress->l7 ? j->egress : judged_rule(j);
    w->stats.flows_refused++;
    stats_count(w->stats.refusals, reason);

    struct denial d = {
        .rule = rule,
        .reason = reason,
        .keyword = s != NULL && s->claim != NULL ? s->claim->inspector->keyword : NULL,
        .tx = s != NULL ? (s->refuse_tx != NULL ? s->refuse_tx : tx_undecided(s)) : NULL,
        .dir = p != NULL ? dir : L7_TO_SERVER,
        .packet = p,
        .time_ns = p != NULL ? p->frame->time_ns : w->now_ns,
    };
    d.app_proto = d.keyword != NULL ? d.keyword : "failed";
    d.frame = shown_frame(w, s, p, d.dir, &d.frame_link);
    record_denial(w, f, &d);

    if (f->key.proto == IPPROTO_TCP)
        reset_flow(w, f, s, dir, p);
    j->session = NULL;
    if (s != NULL)
        session_free(s);
    j->fate = FATE_REFUSED;
    table_set_life(w->table, f, FLOW_REFUSED);
}

void refuse_late(struct worker *w, const struct packet *p)
{
    if (p->proto == IPPROTO_TCP && (p->flags & (TCP_RST | TCP_ACK)) == TCP_ACK)
        send_reset(w, p, true, p->ack, p->seq + p->payload_len, p->frame->iface);
}

void refuse_forgotten(struct worker *w, struct flow *f)
{
    struct judged *j = flow_extra(f);
    if (j->session != NULL)
        reset_flow(w, f, j->session, L7_TO_SERVER, NULL);
}

/* Denials by address and port come with every packet of a stubborn sender: one line a second
 * [NAME-4]. */
static bool may_log(struct judged *j, uint64_t now_ns)
{
    if (j->logged_ns != 0 && now_ns - j->logged_ns < 1000000000ull)
        return false;
    j->logged_ns = now_ns;
    return true;
}

void refuse_packet(struct worker *w, struct flow *f, enum l7_dir dir, const struct packet *p,
                   const struct rule *rule, bool reject, const char *reason)
{
    struct judged *j = flow_extra(f);
    bool l7 = rule != NULL && rule->l7; /* datagrams under an L7 rule [L7-35] */
    if (((rule != NULL && rule->enable_logging) || l7) && dir == L7_TO_SERVER &&
        (l7 ? j->logged_ns == 0 : true) && may_log(j, w->now_ns)) {
        struct denial d = {
            .rule = rule,
            .reason = reason,
            .app_proto = f->key.proto == IPPROTO_UDP ? "failed" : NULL,
            .dir = dir,
            .packet = p,
            .time_ns = p->frame->time_ns,
            .frame = {p->frame->data, p->frame->len},
            .frame_link = p->frame->link,
        };
        record_denial(w, f, &d);
    }
    if (!reject || (p->proto == IPPROTO_TCP && (p->flags & TCP_RST) != 0))
        return;
    uint8_t buf[CRAFT_MAX];
    size_t n;
    if (p->proto == IPPROTO_TCP) {
        uint32_t end = p->seq + p->payload_len + ((p->flags & (TCP_SYN | TCP_FIN)) != 0);
        n = craft_reset(p, true, (p->flags & TCP_ACK) != 0 ? p->ack : 0, end, TCP_RST | TCP_ACK,
                        buf);
        w->stats.resets_sent += n > 0;
    } else {
        n = craft_unreachable(p, buf);
        w->stats.unreachables_sent += n > 0;
    }
    if (n > 0)
        send_crafted(w, p, buf, n, p->frame->iface);
}
