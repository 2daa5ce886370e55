/* SPDX-License-Identifier: Apache-2.0 */
/* explain_raw: bytes judged as live traffic is: a TCP connection is made up, packet by packet, and
 * given to a worker whose capture is memory. Decides only what it means when the bytes end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/explain_own.h"
#include "engine/logger.h"
#include "engine/pipeline.h"
#include "engine/session.h"
#include "flow/decode.h"

#define SEGMENT 1400
#define HEADERS_MAX (14 + 40 + 20)
#define CLIENT_SYN 1000u
#define SERVER_SYN 2000u
#define RECORDS_MAX (1u << 20)

struct raw {
    struct settings settings; /* of the daemon or the defaults, with small tables; not owned */
    struct worker worker;
    const struct tuple *tuple; /* of the connection at hand */
    uint64_t now_ns;
    uint64_t delivered; /* the server has all bytes below */
    /* from the alert, if there was one */
    char reason[STATS_REASON_LEN];
    bool refused, by_egress;
};

/* ---- the two ends, and the log ---- */

/* The server gets a frame: which bytes it has now. They come in order: nothing is lost here. */
static void server_gets(struct raw *r, const struct l7_frame *frame)
{
    struct packet p;
    if (decode_frame(frame, false, &p) != DECODE_PACKET || p.proto != 6 ||
        (p.flags & (TCP_SYN | TCP_RST)) != 0)
        return;
    uint64_t at = (uint32_t)(p.seq - (CLIENT_SYN + 1));
    /* Offsets of inputs beyond 4 GiB do not exist: questions are lines of bounded length. */
    if (at <= r->delivered && at + p.payload_len > r->delivered)
        r->delivered = at + p.payload_len;
}

static void memory_finalise(void *self, struct l7_frame *frame, enum l7_verdict verdict)
{
    if (verdict == L7_FORWARD && frame->iface == 0)
        server_gets(self, frame);
}

static int memory_inject(void *self, const struct l7_frame *frame)
{
    if (frame->iface == 1)
        server_gets(self, frame);
    return 0;
}

static const char *memory_name(void *self, unsigned iface)
{
    (void)self;
    return iface == 0 ? "client" : iface == 1 ? "server" : NULL;
}

static const struct l7_capture memory = {
    .size = sizeof(memory),
    .finalise = memory_finalise,
    .inject = memory_inject,
    .iface_name = memory_name,
};

static int see_record(void *self, const struct l7_record *record)
{
    struct raw *r = self;
    if (record->type != L7_RECORD_ALERT || r->refused)
        return 0;
    r->refused = true;
    snprintf(r->reason, sizeof(r->reason), "%s",
             record->policy.reason != NULL ? record->policy.reason : "refused");
    r->by_egress = record->policy.direction != NULL &&
                   strcmp(record->policy.direction, direction_name(DIRECTION_EGRESS)) == 0;
    return 0;
}

static const struct l7_log log_to_memory = {.size = sizeof(log_to_memory), .write = see_record};

/* ---- packets; nobody looks at checksums between capture and verdict ---- */

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v);
}

static size_t put_ip(uint8_t *at, const struct l7_address *src, const struct l7_address *dst,
                     size_t payload)
{
    if (src->family == 6) {
        at[0] = 0x60;
        put16(at + 4, (uint32_t)payload);
        at[6] = 6;
        at[7] = 64;
        memcpy(at + 8, src->bytes, 16);
        memcpy(at + 24, dst->bytes, 16);
        return 40;
    }
    at[0] = 0x45;
    put16(at + 2, (uint32_t)(20 + payload));
    at[8] = 64;
    at[9] = 6;
    memcpy(at + 12, src->bytes, 4);
    memcpy(at + 16, dst->bytes, 4);
    return 20;
}

static void packet(struct raw *r, bool up, uint8_t flags, uint32_t seq, uint32_t ack,
                   struct l7_bytes payload)
{
    const struct tuple *t = r->tuple;
    uint8_t buf[HEADERS_MAX + SEGMENT] = {0};
    bool v6 = t->src.family == 6;
    buf[5] = up ? 2 : 1;
    buf[11] = up ? 1 : 2;
    put16(buf + 12, v6 ? 0x86dd : 0x0800);
    size_t at = 14;
    at += put_ip(buf + at, up ? &t->src : &t->dst, up ? &t->dst : &t->src, 20 + payload.len);
    uint8_t *tcp = buf + at;
    put16(tcp, up ? t->sport : t->dport);
    put16(tcp + 2, up ? t->dport : t->sport);
    put32(tcp + 4, seq);
    put32(tcp + 8, ack);
    tcp[12] = 0x50;
    tcp[13] = flags;
    put16(tcp + 14, 0xffff);
    if (payload.len > 0)
        memcpy(tcp + 20, payload.ptr, payload.len);
    uint32_t len = (uint32_t)(at + 20 + payload.len);
    struct l7_frame frame = {
        .size = sizeof(frame),
        .iface = up ? 0 : 1,
        .link = L7_LINK_ETHERNET,
        .data = buf,
        .len = len,
        .wire_len = len,
        .time_ns = r->now_ns += 1000,
    };
    pipeline_frame(&r->worker, &frame);
}

static bool one(void *ctx, struct flow *f)
{
    *(struct flow **)ctx = f;
    return false;
}

static struct flow *the_flow(struct raw *r)
{
    struct flow *f = NULL;
    table_visit(r->worker.table, one, &f);
    return f;
}

static void converse(struct raw *r, struct l7_bytes bytes)
{
    const struct l7_bytes none = {NULL, 0};
    packet(r, true, TCP_SYN, CLIENT_SYN, 0, none);
    packet(r, false, TCP_SYN | TCP_ACK, SERVER_SYN, CLIENT_SYN + 1, none);
    packet(r, true, TCP_ACK, CLIENT_SYN + 1, SERVER_SYN + 1, none);
    for (size_t at = 0; at < bytes.len; at += SEGMENT) {
        struct l7_bytes part = {bytes.ptr + at, bytes.len - at};
        if (part.len > SEGMENT)
            part.len = SEGMENT;
        packet(r, true, TCP_ACK | TCP_PSH, CLIENT_SYN + 1 + (uint32_t)at, SERVER_SYN + 1, part);
        struct flow *f = the_flow(r);
        if (f == NULL || ((struct judged *)flow_extra(f))->fate != FATE_GOVERNED)
            return;
        packet(r, false, TCP_ACK, SERVER_SYN + 1, CLIENT_SYN + 1 + (uint32_t)r->delivered, none);
    }
}

/* ---- the verdict ---- */

static const char *first_reason(const struct reason_count *list)
{
    return list[0].reason[0] != '\0' ? list[0].reason : "refused";
}

/* The bytes have ended and the flow lives: is anything of them undecided? NULL: no. */
static const char *left_over(struct raw *r, struct flow *f, struct l7_bytes bytes)
{
    struct judged *j = f != NULL ? flow_extra(f) : NULL;
    if (j == NULL || j->fate == FATE_DENIED)
        return first_reason(r->worker.stats.drops);
    if (j->session == NULL || j->session->opaque || bytes.len == 0)
        return NULL;
    /* What waits for the server's answer is neither allowed nor refused; what stands before it was
     * allowed. */
    if (j->session->waiting && j->session->stream[L7_TO_SERVER].done > 0)
        return NULL;
    if (stream_pending(&j->session->stream[L7_TO_SERVER]).len > 0 ||
        !j->session->stream[L7_TO_SERVER].started)
        return "incomplete";
    return r->delivered < bytes.len ? first_reason(r->worker.stats.drops) : NULL;
}

struct raw *raw_new(const struct registry *registry, struct snapshot *snapshot,
                    const struct settings *settings)
{
    struct raw *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->settings = *settings;
    r->settings.max_flows = 16; /* one connection at a time */
    r->settings.inspect = INSPECT_GOVERNED;
    r->now_ns = 1000000000ull;
    if (worker_init(&r->worker, NULL, &r->settings, registry, NULL, snapshot) < 0) {
        free(r);
        return NULL;
    }
    r->worker.capture = &memory;
    r->worker.capture_self = r;
    return r;
}

void raw_free(struct raw *r)
{
    if (r == NULL)
        return;
    worker_fini(&r->worker);
    free(r);
}

bool raw_judge(struct raw *r, const struct tuple *t, struct l7_bytes bytes,
               const struct rule *egress, const struct rule *ingress, const struct rule *allowed,
               struct explain_end *end, char *note, size_t cap)
{
    struct logger *logger = logger_new(RECORDS_MAX);
    if (logger == NULL || logger_add(logger, &log_to_memory, r) < 0) {
        if (logger != NULL)
            logger_free(logger);
        return false;
    }
    r->tuple = t;
    r->delivered = 0;
    r->refused = r->by_egress = false;
    memset(&r->worker.stats, 0, sizeof(r->worker.stats));
    r->worker.logger = logger;
    converse(r, bytes);
    struct flow *f = the_flow(r);
    bool refused = f != NULL && ((struct judged *)flow_extra(f))->fate == FATE_REFUSED;
    const char *left = refused ? NULL : left_over(r, f, bytes);
    logger_stop(logger); /* it never had a thread: this writes all records, here */

    const struct rule *first = egress != NULL ? egress : ingress;
    *end = (struct explain_end){.verdict = "reject", .rule = first};
    if (refused) {
        if (r->refused)
            end->rule = r->by_egress || ingress == NULL ? first : ingress;
        snprintf(end->reason, sizeof(end->reason), "%s",
                 r->refused ? r->reason : first_reason(r->worker.stats.refusals));
    } else if (left != NULL) {
        snprintf(end->reason, sizeof(end->reason), "%s", left);
    } else {
        end->verdict = "allow";
        end->rule = allowed;
        snprintf(end->reason, sizeof(end->reason), "matched");
    }
    snprintf(note, cap,
             "%zu bytes from the client, %llu reached the server; %llu transactions "
             "allowed, %llu refused",
             bytes.len, (unsigned long long)r->delivered,
             (unsigned long long)r->worker.stats.transactions_allowed,
             (unsigned long long)r->worker.stats.transactions_refused);
    if (f != NULL)
        table_remove(r->worker.table, f);
    r->worker.logger = NULL;
    logger_free(logger);
    return true;
}
