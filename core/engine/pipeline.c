/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pipeline.h"

#include <string.h>
#include "engine/feed.h"
#include "engine/record.h"
#include "engine/refuse.h"
#include "engine/session.h"
#include "engine/settings.h"
#include "flow/checksum.h"
#include "flow/decode.h"

/* ---- which rules decide a flow ---- */

static bool governs(const struct answer *a)
{
    return a->rule != NULL && a->action == ACTION_ALLOW && a->rule->l7;
}

static bool denies(const struct answer *a)
{
    return a->action == ACTION_DROP || a->action == ACTION_REJECT;
}

static void count_hit(struct worker *w, const struct rule *rule)
{
    if (rule != NULL && w->hits != NULL)
        w->hits[rule->number]++;
}

/* Ask both questions about a flow as its client opened it. The rules found are the current
 * snapshot's, which the flow holds on to. */
static void decide(struct worker *w, struct flow *f, struct judged *j)
{
    struct tuple t = {
        .src = *flow_client(f),
        .dst = *flow_server(f),
        .proto = f->key.proto,
        .icmp_type = f->icmp_type,
        .icmp_code = f->icmp_code,
    };
    if (proto_has_ports(f->key.proto)) {
        t.sport = flow_client_port(f);
        t.dport = flow_server_port(f);
    }
    struct decision d;
    policy_classify(w->snapshot, &t, &d);
    snapshot_unref(j->snapshot);
    j->snapshot = snapshot_ref(w->snapshot);
    j->egress = d.egress.rule;
    j->ingress = d.ingress.rule;
    count_hit(w, d.egress.rule);
    /* A denial of egress is reported before one of ingress [ORD-1]. */
    const struct answer *denial = denies(&d.egress)    ? &d.egress
                                  : denies(&d.ingress) ? &d.ingress
                                                       : NULL;
    if (denial != &d.egress)
        count_hit(w, d.ingress.rule);
    if (denial != NULL) {
        j->fate = FATE_DENIED;
        j->reject = denial->action == ACTION_REJECT;
        j->egress = denial == &d.egress ? denial->rule : NULL;
        j->ingress = denial == &d.ingress ? denial->rule : NULL;
    } else if (governs(&d.egress) || governs(&d.ingress)) {
        /* [L7-35] Only TCP can be judged: the rest of what an L7 rule selects is dropped. */
        j->fate = f->key.proto == IPPROTO_TCP ? FATE_GOVERNED : FATE_DENIED;
        j->reject = false;
        if (!governs(&d.egress) && j->egress != NULL && j->fate == FATE_DENIED)
            j->egress = NULL;
    } else {
        j->fate = FATE_PASS;
    }
}

static void log_opening(struct worker *w, const struct flow *f, const struct judged *j,
                        const struct packet *p)
{
    const struct rule *rules[2] = {j->egress, j->ingress};
    for (size_t i = 0; i < 2; i++)
        if (rules[i] != NULL && rules[i]->enable_logging)
            record_connection(w, f, p, rules[i],
                              rules[i]->l7 ? "Redirect" : action_name(rules[i]->action));
}

/* Who reads the bytes of a flow that may begin. */
static bool begin(struct worker *w, struct flow *f, struct judged *j)
{
    bool governed = j->fate == FATE_GOVERNED;
    if (governed)
        w->stats.flows_governed++;
    if (f->key.proto != IPPROTO_TCP || j->session != NULL ||
        (!governed && w->settings->inspect != INSPECT_ALL))
        return true;
    j->session = session_new(w, f, j, governed);
    return j->session != NULL || !governed;
}

/* The policies have changed since this flow was asked about [CONN-1]. True: it goes on. */
static bool ask_again(struct worker *w, struct flow *f, struct judged *j, enum l7_dir dir,
                      const struct packet *p)
{
    enum fate before = j->fate;
    bool goes_on = true;
    decide(w, f, j);
    if (before == FATE_PASS && j->fate == FATE_GOVERNED) {
        struct session *s = j->session;
        if (s != NULL && session_is_in_step(s)) {
            session_regovern(s, true);
        } else {
            /* [CONN-2] Nobody followed it: it has to be picked up in the middle. */
            if (s != NULL)
                session_free(s);
            j->session = NULL;
            if (w->settings->midstream == MIDSTREAM_PASS) {
                j->fate = FATE_PASS;
            } else if (w->settings->midstream == MIDSTREAM_REJECT) {
                refuse_flow(w, f, dir, p, NULL, "policy-change");
                goes_on = false;
            } else {
                j->midstream = j->answered = true;
                goes_on = begin(w, f, j);
            }
            if (!goes_on && j->fate == FATE_GOVERNED) /* nobody to read it: not one more byte */
                refuse_flow(w, f, dir, p, NULL, "no-memory");
        }
    } else if (before == FATE_GOVERNED && j->fate == FATE_PASS) {
        if (j->session != NULL)
            session_regovern(j->session, false);
    } else if (j->fate == FATE_DENIED && before != FATE_DENIED) {
        if (f->key.proto == IPPROTO_TCP) {
            refuse_flow(w, f, dir, p, NULL, "policy-change");
            goes_on = false;
        }
    } else if (before == FATE_DENIED && j->fate != FATE_DENIED) {
        j->midstream = j->answered = f->key.proto == IPPROTO_TCP && (p->flags & TCP_SYN) == 0;
        goes_on = begin(w, f, j);
        if (!goes_on)
            refuse_flow(w, f, dir, p, NULL, "no-memory");
    }
    return goes_on;
}

/* ---- one packet of a known flow ---- */

/* May this be a packet of the server's? A client can write the server's address on packets of its
 * own, and acknowledge what the server never got, or answer its own upgrade, or have the server
 * open the flow that it may not open itself. Where answers come in opposite the client's packets,
 * nothing else is an answer. On a node that sends both directions in at one interface nothing can
 * be told; who does that keeps addresses honest before. */
static bool from_server_side(struct worker *w, struct judged *j, const struct packet *p)
{
    uint64_t here = 1ull << (p->frame->iface & 63u),
             opposite = 1ull << ((p->frame->iface ^ 1u) & 63u);
    uint64_t pair = 1ull << ((p->frame->iface >> 1) & 63u);
    if (w->offline)
        return true;
    if ((j->client_ifaces & opposite) != 0) {
        j->facing = true;
        w->two_armed |= pair;
        return true;
    }
    if (j->facing && (j->fate == FATE_GOVERNED || j->fate == FATE_REFUSED))
        return false; /* others may change their way */
    return (j->client_ifaces & here) == 0 || (w->two_armed & pair) == 0;
}

static bool is_syn(const struct packet *p)
{
    return p->proto == IPPROTO_TCP && (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* Has each end answered the other? Until then a flow gives way to others: a SYN that is answered is
 * not yet more than a SYN (RFC 4987). */
static bool is_established(const struct worker *w, const struct flow *f, const struct judged *j,
                           enum l7_dir dir, const struct packet *p)
{
    if (w->offline) /* half of a connection may be all there is */
        return dir == L7_TO_CLIENT || j->midstream || p->payload_len > 0;
    if (f->packets[0] == 0 || f->packets[1] == 0 || (p->flags & TCP_ACK) == 0)
        return false;
    if (j->midstream)
        return true;
    return dir == L7_TO_SERVER && j->answered && p->ack - j->server_syn - 1 < WINDOW_MAX;
}

static void tcp_life(struct worker *w, struct flow *f, struct judged *j, enum l7_dir dir,
                     const struct packet *p)
{
    bool answer = (p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
    if (j->fate == FATE_PASS && dir == L7_TO_CLIENT && answer && j->session == NULL) {
        j->answered = true; /* of a session it is known better */
        j->server_syn = p->seq;
        j->passed_any = false;
    }
    if ((p->flags & TCP_RST) != 0)
        f->fins |= 4;
    if ((p->flags & TCP_FIN) != 0)
        f->fins |= (uint8_t)(1u << dir);
    if ((f->fins & 4) != 0 || (f->fins & 3) == 3)
        table_set_life(w->table, f, FLOW_TCP_CLOSING);
    else if (is_established(w, f, j, dir, p))
        table_set_life(w->table, f, FLOW_TCP_OPEN);
}

static enum outcome known_flow(struct worker *w, struct flow *f, enum l7_dir dir,
                               const struct packet *p, const struct carrier *c, const char **reason)
{
    struct judged *j = flow_extra(f);
    table_touch(w->table, f, w->now_ns);
    f->packets[dir] += c->count;
    for (size_t i = 0; i < c->count; i++)
        f->bytes[dir] += c->frames[i].wire_len;

    if (j->snapshot != w->snapshot && j->fate != FATE_REFUSED &&
        (w->settings->live_flows == LIVE_REJUDGE || j->fate == FATE_DENIED) &&
        !ask_again(w, f, j, dir, p)) {
        *reason = "no-memory";
        return OUTCOME_REJECT;
    }
    switch ((enum fate)j->fate) {
    case FATE_REFUSED:
        if (dir == L7_TO_CLIENT)
            refuse_late(w, p);
        *reason = "late-packet";
        return OUTCOME_DROP;
    case FATE_DENIED:
        refuse_packet(w, f, dir, p, judged_rule(j), j->reject,
                      judged_rule(j) == NULL ? "isolation"
                      : judged_rule(j)->l7   ? "not-tcp"
                                             : "rule");
        *reason = "policy";
        return j->reject ? OUTCOME_REJECT : OUTCOME_DROP;
    case FATE_PASS:
    case FATE_GOVERNED:
    default:
        break;
    }
    if (p->proto == IPPROTO_TCP)
        tcp_life(w, f, j, dir, p);
    else if (dir == L7_TO_CLIENT)
        table_set_life(w->table, f, FLOW_OTHER_REPLIED);
    if (j->fate == FATE_GOVERNED && dir == L7_TO_SERVER && j->answered && is_syn(p))
        j->syn_again = true;
    if (j->fate == FATE_PASS && p->proto == IPPROTO_TCP && dir == L7_TO_SERVER &&
        p->payload_len > 0) {
        uint32_t end = p->seq + p->payload_len;
        if (!j->passed_any || (int32_t)(end - j->passed) > 0)
            j->passed = end;
        j->passed_any = true;
    }
    if (j->fate == FATE_GOVERNED && p->proto == IPPROTO_TCP && (p->flags & TCP_SYN) != 0 &&
        dir == L7_TO_SERVER && p->payload_len > 0 && (j->session == NULL || j->session->opaque)) {
        session_strip_syn(w, p, c->count);
        return OUTCOME_REPLACED;
    }
    if (j->session == NULL)
        return OUTCOME_FORWARD;
    enum outcome outcome = session_packet(j->session, dir, p, c, reason);
    struct session *s = j->session;
    if (s->refuse_reason != NULL) {
        s->packet = p;
        refuse_flow(w, f, dir, p, s->refuse_rule, s->refuse_reason);
        if (outcome == OUTCOME_FORWARD || outcome == OUTCOME_DROP)
            outcome = OUTCOME_REJECT;
    } else if (s->opaque && hold_first(&s->hold) == NULL && list_empty(&s->txs)) {
        /* Nothing will be read any more. */
        j->session = NULL;
        session_free(s);
    }
    return outcome;
}

/* ---- new flows ---- */

#define EPHEMERAL 32768 /* where Linux begins to choose ports for clients */

/* A table that is full makes room: what goes is told (on_drop in worker.c). */
static struct flow *open_flow(struct worker *w, const struct packet *p, bool reversed)
{
    w->expiring = true;
    struct flow *f = table_open(w->table, p, reversed, w->now_ns);
    w->expiring = false;
    if (f != NULL) {
        struct judged *j = flow_extra(f);
        decide(w, f, j);
    }
    return f;
}

static bool passes(const struct flow *f)
{
    return ((const struct judged *)flow_extra_const(f))->fate == FATE_PASS;
}

/* A connection whose beginning was not seen: who opened it? Where the ports do not tell, the
 * reading under which policy has something to say. */
static struct flow *open_midstream(struct worker *w, const struct packet *p, bool *reversed)
{
    bool answer = (p->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
    bool clear = (w->offline && answer) || (p->sport < EPHEMERAL) != (p->dport < EPHEMERAL);
    *reversed = p->sport < p->dport || (answer && (w->offline || !clear));
    struct flow *f = open_flow(w, p, *reversed);
    if (f == NULL || clear || !passes(f))
        return f;
    table_remove(w->table, f);
    f = open_flow(w, p, !*reversed);
    if (f != NULL && !passes(f)) {
        *reversed = !*reversed;
        return f;
    }
    if (f != NULL)
        table_remove(w->table, f);
    return open_flow(w, p, *reversed);
}

/* A flow from before the daemon began may be picked up [CONN-2]. One that is unknown although it
 * can not be that old was forgotten, and reset: nothing of it goes on [CONN-4]. */
static bool may_resync(const struct worker *w)
{
    return w->offline || w->now_ns - w->first_ns <= w->settings->tcp_timeout * 1000000ull;
}

static enum outcome new_flow(struct worker *w, const struct packet *p, const struct carrier *c,
                             const char **reason)
{
    bool midstream = p->proto == IPPROTO_TCP && (p->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN;
    bool reversed = false;
    struct flow *f = midstream ? open_midstream(w, p, &reversed) : open_flow(w, p, false);
    if (f == NULL) {
        *reason = "flow-limit";
        return OUTCOME_DROP;
    }
    struct judged *j = flow_extra(f);
    enum l7_dir dir = reversed ? L7_TO_CLIENT : L7_TO_SERVER;
    if (midstream && (p->flags & TCP_RST) != 0) {
        /* It ends something we do not know: harmless, and the other side may need it. */
        bool denied = j->fate == FATE_DENIED;
        table_remove(w->table, f);
        *reason = "policy";
        return denied ? OUTCOME_DROP : OUTCOME_FORWARD;
    }
    w->stats.flows_opened++;
    j->midstream = midstream;
    if (dir == L7_TO_SERVER)
        j->client_ifaces |= 1ull << (p->frame->iface & 63u);
    if (j->fate == FATE_DENIED)
        w->stats.flows_denied++;
    log_opening(w, f, j, p);
    if (j->fate == FATE_GOVERNED && midstream) {
        j->answered = true;
        if (w->settings->midstream == MIDSTREAM_PASS) {
            j->fate = FATE_PASS;
        } else if (w->settings->midstream == MIDSTREAM_REJECT || !may_resync(w)) {
            f->packets[dir]++;
            f->bytes[dir] += p->frame->wire_len;
            refuse_flow(w, f, dir, p, NULL, "midstream");
            return OUTCOME_REJECT;
        }
    }
    if (j->fate != FATE_DENIED && !begin(w, f, j)) {
        table_remove(w->table, f);
        *reason = "no-memory";
        return OUTCOME_DROP;
    }
    return known_flow(w, f, dir, p, c, reason);
}

/* ---- one packet ---- */

static bool is_neighbour_discovery(const struct packet *p)
{
    return p->proto == IPPROTO_ICMPV6 && p->icmp_type >= 133 && p->icmp_type <= 137;
}

/* Does this packet belong to another flow than the one that had its addresses and ports? */
static bool begins_anew(const struct flow *f, enum l7_dir dir, const struct packet *p)
{
    const struct judged *j = flow_extra_const(f);
    bool syn = is_syn(p);
    switch ((enum fate)j->fate) {
    case FATE_REFUSED:
        return syn; /* a port used again after a refusal works at once */
    case FATE_DENIED:
        return dir == L7_TO_CLIENT; /* the other end may be allowed to begin */
    case FATE_PASS:
        return syn && (dir == L7_TO_CLIENT || f->life == FLOW_TCP_CLOSING ||
                       (j->session != NULL && p->seq != j->syn));
    case FATE_GOVERNED:
    default:
        /* Goes on until the server agrees, see replaced(): else a client could move what is read
         * here away from what the server reads. */
        return false;
    }
}

/* The server has answered another handshake than the one this judged flow began with: that is
 * the connection from now on, and it is judged from its first byte. */
static struct flow *replaced(struct worker *w, struct flow *f, const struct packet *p)
{
    struct judged *j = flow_extra(f);
    bool same = p->seq == j->server_syn && p->ack == j->syn + 1 && !j->midstream;
    /* A client that begins again with its old number may get the server's old number too: SYN
     * cookies are made of nothing else (RFC 4987 3.6). While nothing was acknowledged every byte is
     * still compared, and it does not matter which connection it is. */
    bool compared =
        j->session != NULL && !j->session->opaque && j->session->stream[L7_TO_SERVER].acked == 0;
    if (j->fate != FATE_GOVERNED || !j->answered || (same && (!j->syn_again || compared)))
        return f;
    uint64_t client_ifaces = j->client_ifaces;
    bool facing = j->facing;
    table_remove(w->table, f);
    f = open_flow(w, p, true);
    if (f == NULL)
        return NULL;
    j = flow_extra(f);
    j->client_ifaces = client_ifaces;
    j->facing = facing;
    w->stats.flows_opened++;
    if (j->fate == FATE_DENIED)
        w->stats.flows_denied++;
    log_opening(w, f, j, p);
    if (j->fate != FATE_DENIED && !begin(w, f, j)) {
        table_remove(w->table, f);
        return NULL;
    }
    j->syn = p->ack - 1;
    if (j->session != NULL)
        session_begin(j->session, j->syn);
    return f;
}

static enum outcome judge_packet(struct worker *w, const struct packet *p, const struct carrier *c,
                                 const char **reason)
{
    if (is_neighbour_discovery(p))
        return OUTCOME_FORWARD; /* [BYP-7] */
    enum l7_dir dir;
    struct flow *f = table_find(w->table, p, &dir);
    if (f != NULL && begins_anew(f, dir, p)) {
        table_remove(w->table, f);
        f = NULL;
    }
    if (f != NULL) {
        struct judged *j = flow_extra(f);
        if (dir == L7_TO_SERVER) {
            j->client_ifaces |= 1ull << (p->frame->iface & 63u);
        } else if (!from_server_side(w, j, p)) {
            *reason = "wrong-side";
            return OUTCOME_DROP;
        }
    }
    if (f != NULL && p->proto == IPPROTO_TCP && dir == L7_TO_CLIENT &&
        (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK)) {
        f = replaced(w, f, p);
        if (f == NULL) {
            *reason = "flow-limit";
            return OUTCOME_DROP;
        }
    }
    if (f == NULL && p->quoted) {
        /* [BYP-2] Errors about a flow that may pass belong to it. */
        struct flow *about = table_find_quoted(w->table, p);
        if (about != NULL) {
            struct judged *j = flow_extra(about);
            if (j->fate == FATE_PASS || j->fate == FATE_GOVERNED)
                return OUTCOME_FORWARD;
            *reason = "late-packet";
            return OUTCOME_DROP;
        }
    }
    if (f == NULL)
        return new_flow(w, p, c, reason);
    return known_flow(w, f, dir, p, c, reason);
}

static void count(struct worker *w, enum outcome outcome, size_t frames, const char *reason)
{
    struct stats *st = &w->stats;
    switch (outcome) {
    case OUTCOME_FORWARD:
        st->frames_forwarded += frames;
        break;
    case OUTCOME_DROP:
        st->frames_dropped += frames;
        for (size_t i = 0; i < frames; i++)
            stats_count(st->drops, reason);
        break;
    case OUTCOME_REJECT:
        st->frames_rejected += frames;
        break;
    case OUTCOME_HELD:     /* counted where it is held, and again when it goes */
    case OUTCOME_REPLACED: /* counted where it was replaced */
    default:
        break;
    }
}

#define GSO_TCPV4 1 /* virtio-net's names */
#define GSO_TCPV6 4

/* Fragments of TCP go on as the segment they make, cut as the fragments were, not as they came: a
 * client could have the receiver miss some of them, and put it together with fragments of others
 * that were judged as something else. False: the segment's checksum is wrong. */
static bool join_fragments(struct defrag_whole *whole)
{
    const struct packet *p = &whole->packet;
    const uint8_t *ip_end = p->ip + p->ip_len;
    uint32_t tcp_len = (uint32_t)(ip_end - p->transport), head = (uint32_t)(p->payload - p->ip);
    uint64_t pseudo = checksum_pseudo(&p->src, &p->dst, IPPROTO_TCP, tcp_len);
    if (checksum_finish(checksum_add(pseudo, p->transport, tcp_len)) != 0)
        return false;
    uint32_t largest = 0;
    for (size_t i = 0; i < whole->part_count; i++)
        if (whole->parts[i].len > largest)
            largest = whole->parts[i].len;
    largest -= p->link_len;
    if (p->ip_len <= largest || largest <= head)
        return p->ip_len <= largest;
    uint8_t *tcp = whole->bytes + (p->transport - whole->bytes);
    uint16_t sum = (uint16_t)~checksum_finish(pseudo);
    tcp[16] = (uint8_t)(sum >> 8);
    tcp[17] = (uint8_t)sum;
    whole->frame.offload = (struct l7_offload){
        .flags = L7_OFFLOAD_NEEDS_CSUM,
        .gso_type = p->src.family == 4 ? GSO_TCPV4 : GSO_TCPV6,
        .hdr_len = (uint16_t)(p->payload - whole->bytes),
        .gso_size = (uint16_t)(largest - head),
        .csum_start = (uint16_t)(p->transport - whole->bytes),
        .csum_offset = 16,
    };
    return true;
}

static void judge_fragment(struct worker *w, const struct packet *p)
{
    struct defrag_whole whole;
    const char *reason = "fragment";
    struct stats *st = &w->stats;
    switch (defrag_put(w->defrag, p, w->now_ns, &whole, &reason)) {
    case DEFRAG_HELD:
        st->frames_held++;
        return;
    case DEFRAG_REFUSED:
        count(w, OUTCOME_DROP, 1, reason);
        return;
    case DEFRAG_WHOLE:
    default:
        break;
    }
    st->frames_held -= whole.part_count - 1;
    struct carrier c = {whole.parts, whole.part_count};
    enum outcome outcome = OUTCOME_DROP;
    reason = "fragment";
    if (whole.packet.proto == IPPROTO_TCP && !w->offline) {
        reason = "fragment-checksum";
        if (join_fragments(&whole)) {
            count(w, OUTCOME_DROP, c.count - 1, "fragment-joined");
            c = (struct carrier){&whole.frame, 1};
            outcome = judge_packet(w, &whole.packet, &c, &reason);
        }
    } else {
        outcome = judge_packet(w, &whole.packet, &c, &reason);
    }
    for (size_t i = 0; i < c.count && outcome == OUTCOME_FORWARD; i++) {
        struct l7_frame frame = c.frames[i];
        frame.iface ^= 1;
        worker_inject(w, &frame);
    }
    count(w, outcome, c.count, reason);
    defrag_whole_fini(&whole);
}

void pipeline_frame(struct worker *w, struct l7_frame *frame)
{
    struct stats *st = &w->stats;
    struct packet p;
    const char *reason = "unknown";
    enum outcome outcome;
    st->frames_received++;
    st->bytes_received += frame->wire_len;
    if (frame->time_ns > w->now_ns)
        w->now_ns = frame->time_ns;
    if (w->first_ns == 0)
        w->first_ns = w->now_ns;

    switch (decode_frame(frame, w->offline, &p)) {
    case DECODE_PACKET: {
        struct carrier c = {frame, 1};
        outcome = judge_packet(w, &p, &c, &reason);
        break;
    }
    case DECODE_FRAGMENT:
        judge_fragment(w, &p);
        w->capture->finalise(w->capture_self, frame, L7_DROP); /* copies go on in its place */
        return;
    case DECODE_OTHER:
        outcome = OUTCOME_FORWARD;
        break;
    case DECODE_BROKEN:
    default:
        outcome = OUTCOME_DROP;
        reason = "broken-packet";
        break;
    }
    count(w, outcome, 1, reason);
    w->capture->finalise(w->capture_self, frame, outcome == OUTCOME_FORWARD ? L7_FORWARD : L7_DROP);
}
