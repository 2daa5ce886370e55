/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/logger.h"
#include "engine/pipeline.h"
#include "engine/tx.h"
#include "flow/checksum.h"
#include "flow/decode.h"

const char wire_allow_get_public[] =
    "apiVersion: crd.antrea.io/v1beta1\n"
    "kind: NetworkPolicy\n"
    "metadata: {name: public, namespace: default}\n"
    "spec:\n"
    "  priority: 5\n"
    "  appliedTo: [{podSelector: {matchLabels: {app: web}}}]\n"
    "  ingress:\n"
    "  - name: get-public\n"
    "    action: Allow\n"
    "    l7Protocols: [{http: {path: \"/public/*\", method: GET}}]\n";

static const char inventory[] =
    "---\n"
    "apiVersion: v1\n"
    "kind: Pod\n"
    "metadata: {name: client, namespace: default, labels: {app: client}}\n"
    "status: {podIPs: [{ip: 10.0.0.1}, {ip: \"fd00::1\"}]}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Pod\n"
    "metadata: {name: web, namespace: default, labels: {app: web}}\n"
    "status: {podIPs: [{ip: 10.0.0.2}, {ip: \"fd00::2\"}]}\n";

/* ---- what the receivers make of it ---- */

static void receive(struct wire *w, const struct l7_frame *frame)
{
    struct packet p;
    struct wire_end *end = frame->iface == 1 ? &w->server : &w->client;
    cr_assert_eq(decode_frame(frame, false, &p), DECODE_PACKET, "an undecodable frame was sent");
    if (p.proto != 6) {
        w->other_sent++;
        return;
    }
    end->packets++;
    uint32_t tcp_len = (uint32_t)(p.ip + p.ip_len - p.transport);
    uint64_t sum = checksum_pseudo(&p.src, &p.dst, 6, tcp_len);
    if ((frame->offload.flags & L7_OFFLOAD_NEEDS_CSUM) == 0 &&
        checksum_finish(checksum_add(sum, p.transport, tcp_len)) != 0) {
        end->bad_checksum = end->bad_checksum || !w->checksums_lie;
        end->discarded++;
        return;
    }
    if ((p.flags & TCP_RST) != 0) {
        end->reset = true;
        uint32_t ahead = p.seq - (end->isn + 1 + (uint32_t)end->len + end->fin);
        w->challenged = w->challenged || (end == &w->server && ahead != 0 && ahead < 0x10000);
        end->killed = end->killed || p.seq == end->isn + 1 + (uint32_t)end->len + end->fin;
        end->reset_seq = p.seq;
        end->reset_ack = p.ack;
        return;
    }
    if ((p.flags & TCP_SYN) != 0)
        return;
    uint32_t offset = p.seq - (end->isn + 1);
    if ((p.flags & TCP_FIN) != 0)
        end->fin = true;
    if (end->killed || p.payload_len == 0 || offset > WIRE_BYTES_MAX ||
        offset + p.payload_len > WIRE_BYTES_MAX)
        return;
    end->payload_packets++;
    for (uint32_t i = 0; i < p.payload_len; i++) {
        if (!end->map[offset + i]) { /* the first copy wins */
            end->map[offset + i] = 1;
            end->store[offset + i] = p.payload[i];
        }
    }
    while (end->len < WIRE_BYTES_MAX && end->map[end->len])
        end->len++;
    end->bytes = end->store;
}

static void fake_finalise(void *self, struct l7_frame *frame, enum l7_verdict verdict)
{
    if (verdict == L7_FORWARD) {
        frame->iface ^= 1;
        receive(self, frame);
    }
}

static int fake_inject(void *self, const struct l7_frame *frame)
{
    receive(self, frame);
    return 0;
}

static const char *fake_name(void *self, unsigned iface)
{
    (void)self;
    return iface == 0 ? "left" : iface == 1 ? "right" : NULL;
}

static const struct l7_capture fake_capture = {
    .size = sizeof(fake_capture),
    .finalise = fake_finalise,
    .inject = fake_inject,
    .iface_name = fake_name,
};

/* ---- records ---- */

static void attrs_text(const struct l7_record *r, char *buf, size_t cap)
{
    size_t n = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < r->attr_count && n < cap; i++) {
        const struct l7_record_attr *a = &r->attrs[i];
        if (a->value.type == L7_TYPE_STRING)
            n += (size_t)snprintf(buf + n, cap - n, "%s=%.*s;", a->name, (int)a->value.string.len,
                                  (const char *)a->value.string.ptr);
        else
            n +=
                (size_t)snprintf(buf + n, cap - n, "%s=%lld;", a->name, (long long)a->value.number);
    }
}

static int fake_write(void *self, const struct l7_record *r)
{
    struct wire *w = self;
    if (r->type == L7_RECORD_ALERT && w->alert_count < 64) {
        struct wire_alert *a = &w->alerts[w->alert_count++];
        snprintf(a->reason, sizeof(a->reason), "%s", r->policy.reason ? r->policy.reason : "");
        snprintf(a->rule, sizeof(a->rule), "%s", r->policy.rule ? r->policy.rule : "");
        snprintf(a->app_proto, sizeof(a->app_proto), "%s", r->app_proto ? r->app_proto : "");
        attrs_text(r, a->attrs, sizeof(a->attrs));
        a->packet_len = r->packet.len < sizeof(a->packet) ? r->packet.len : sizeof(a->packet);
        if (a->packet_len > 0)
            memcpy(a->packet, r->packet.ptr, a->packet_len);
    } else if (r->type == L7_RECORD_FLOW && w->flow_count < 64) {
        attrs_text(r, w->flows[w->flow_count++], sizeof(w->flows[0]));
    } else if (r->type == L7_RECORD_TRANSACTION && w->transaction_count < 64) {
        char *t = w->transactions[w->transaction_count++];
        int n = snprintf(t, 512, "%s ", r->keyword);
        attrs_text(r, t + n, 512 - (size_t)n);
    }
    return 0;
}

static uint32_t fake_wants(void *self)
{
    (void)self;
    return UINT32_MAX;
}

static const struct l7_log fake_log = {
    .size = sizeof(fake_log),
    .write = fake_write,
    .wants = fake_wants,
};

/* ---- the world ---- */

static struct snapshot *load(struct wire *w, const char *policies, uint64_t generation)
{
    char dir[] = "/tmp/l7wire-XXXXXX", path[128];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/policies.yaml", dir);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fprintf(f, "%s%s", policies, inventory);
    fclose(f);
    struct policy_keyword keywords[64];
    size_t count = registry_keyword_count(w->registry);
    cr_assert_leq(count, 64);
    for (size_t i = 0; i < count; i++) {
        const struct plugin *p = registry_keyword(w->registry, (unsigned)i);
        keywords[i] = (struct policy_keyword){p->inspector, p->self};
    }
    struct policy_source source = {.dir = dir,
                                   .keywords = keywords,
                                   .keyword_count = count,
                                   .previous = w->snapshot,
                                   .generation = generation};
    struct problems *problems = problems_new();
    struct snapshot *s = NULL;
    int err = snapshot_load(&source, problems, &s);
    if (err < 0)
        problems_print(problems, stderr);
    problems_free(problems);
    unlink(path);
    rmdir(dir);
    cr_assert_eq(err, 0, "the test's policies are refused");
    return s;
}

static void end_init(struct wire_end *e)
{
    free(e->map);
    free(e->store);
    memset(e, 0, sizeof(*e));
    e->map = calloc(1, WIRE_BYTES_MAX + 1);
    e->store = calloc(1, WIRE_BYTES_MAX + 1);
    cr_assert(e->map != NULL && e->store != NULL);
    e->bytes = e->store;
}

struct wire *wire_open(const char *policies)
{
    struct wire *w = calloc(1, sizeof(*w));
    cr_assert_not_null(w);
    w->settings = settings_new();
    w->registry = registry_new(tx_services(), "/tmp");
    struct problems *problems = problems_new();
    int err = registry_scan(w->registry, BUILD_DIR "/plugins", NULL, problems);
    if (err < 0)
        problems_print(problems, stderr);
    problems_free(problems);
    cr_assert_eq(err, 0, "the built plugins do not load");
    w->snapshot = load(w, policies, 1);
    w->logger = logger_new(1 << 20);
    cr_assert_eq(logger_add(w->logger, &fake_log, w), 0);
    cr_assert_eq(logger_start(w->logger), 0);
    cr_assert_eq(worker_init(&w->worker, NULL, w->settings, w->registry, w->logger, w->snapshot),
                 0);
    w->worker.capture = &fake_capture;
    w->worker.capture_self = w;
    w->now_ns = 1700000000000000000ull;
    w->dport = 80;
    end_init(&w->server);
    end_init(&w->client);
    return w;
}

void wire_reload(struct wire *w, const char *policies)
{
    struct snapshot *s = load(w, policies, snapshot_generation(w->snapshot) + 1);
    worker_switch(&w->worker, s);
    snapshot_unref(w->snapshot);
    w->snapshot = s;
}

void wire_records(struct wire *w)
{
    logger_stop(w->logger);
}

void wire_close(struct wire *w)
{
    worker_fini(&w->worker);
    logger_stop(w->logger);
    logger_free(w->logger);
    snapshot_unref(w->snapshot);
    registry_free(w->registry);
    settings_free(w->settings);
    free(w->server.map);
    free(w->server.store);
    free(w->client.map);
    free(w->client.store);
    free(w);
}

/* ---- packets ---- */

static size_t put_ip(const struct wire *w, uint8_t *at, bool up, size_t payload)
{
    if (w->v6) {
        memset(at, 0, 40);
        at[0] = 0x60;
        at[4] = (uint8_t)(payload >> 8);
        at[5] = (uint8_t)payload;
        at[6] = 6;
        at[7] = 64;
        at[8] = at[24] = 0xfd;
        at[23] = up ? 1 : 2;
        at[39] = up ? 2 : 1;
        return 40;
    }
    size_t total = 20 + payload;
    memset(at, 0, 20);
    at[0] = 0x45;
    at[2] = (uint8_t)(total >> 8);
    at[3] = (uint8_t)total;
    at[8] = 64;
    at[9] = 6;
    at[12] = at[16] = 10;
    at[15] = up ? 1 : 2;
    at[19] = up ? 2 : 1;
    uint16_t sum = checksum_finish(checksum_add(0, at, 20));
    at[10] = (uint8_t)(sum >> 8);
    at[11] = (uint8_t)sum;
    return 20;
}

static void put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

void wire_packet(struct wire *w, enum l7_dir dir, uint8_t flags, int64_t offset, const void *bytes,
                 size_t len)
{
    wire_send(w, &(struct wire_raw){
                     .dir = dir, .flags = flags, .offset = offset, .bytes = bytes, .len = len});
}

void wire_frame(struct wire *w, uint16_t iface, const uint8_t *bytes, size_t len)
{
    struct l7_frame frame = {
        .size = sizeof(frame),
        .iface = iface,
        .link = L7_LINK_ETHERNET,
        .data = bytes,
        .len = (uint32_t)len,
        .wire_len = (uint32_t)len,
        .time_ns = w->now_ns += 1000,
    };
    pipeline_frame(&w->worker, &frame);
}

/* The server answers at the end of a step. */
static void challenge(struct wire *w)
{
    if (w->challenged && !w->server.killed) {
        w->challenged = false;
        wire_packet(w, L7_TO_CLIENT, TCP_ACK, (int64_t)w->client.len, NULL, 0);
    }
    w->challenged = false;
}

/* Cut an IPv4 packet behind an Ethernet header. */
static void send_fragments(struct wire *w, uint16_t iface, const uint8_t *frame, size_t len,
                           size_t size)
{
    static uint16_t id;
    uint8_t part[14 + 20 + 1480];
    size_t payload = len - 34;
    cr_assert(size % 8 == 0 && size <= 1480);
    id++;
    for (size_t at = 0; at < payload; at += size) {
        size_t n = payload - at < size ? payload - at : size;
        uint16_t offset = (uint16_t)(at / 8 | (at + n < payload ? 0x2000 : 0));
        memcpy(part, frame, 34);
        part[16] = (uint8_t)((20 + n) >> 8);
        part[17] = (uint8_t)(20 + n);
        part[18] = (uint8_t)(id >> 8);
        part[19] = (uint8_t)id;
        part[20] = (uint8_t)(offset >> 8);
        part[21] = (uint8_t)offset;
        part[24] = part[25] = 0;
        uint16_t sum = checksum_finish(checksum_add(0, part + 14, 20));
        part[24] = (uint8_t)(sum >> 8);
        part[25] = (uint8_t)sum;
        memcpy(part + 34, frame + 34 + at, n);
        wire_frame(w, iface, part, 34 + n);
    }
}

void wire_send(struct wire *w, const struct wire_raw *raw)
{
    static uint8_t buf[70000];
    bool up = raw->dir == L7_TO_SERVER;
    uint8_t flags = raw->flags;
    int64_t offset = raw->offset;
    const void *bytes = raw->bytes;
    size_t len = raw->len;
    uint32_t seq =
        (up ? w->client_isn : w->server_isn) + (uint32_t)offset + ((flags & TCP_SYN) != 0 ? 0 : 1);
    struct wire_end *from = up ? &w->client : &w->server;
    uint32_t ack =
        (up ? w->server_isn : w->client_isn) + 1 + (uint32_t)from->len + (from->fin ? 1 : 0);
    if (raw->has_ack)
        ack = raw->ack;
    memset(buf, 0, 14);
    buf[5] = up ? 2 : 1;
    buf[11] = up ? 1 : 2;
    buf[12] = w->v6 ? 0x86 : 0x08;
    buf[13] = w->v6 ? 0xdd : 0x00;
    size_t at = 14 + put_ip(w, buf + 14, up, 20 + len);
    uint8_t *tcp = buf + at;
    memset(tcp, 0, 20);
    uint16_t sport = up ? w->sport : w->dport, dport = up ? w->dport : w->sport;
    tcp[0] = (uint8_t)(sport >> 8);
    tcp[1] = (uint8_t)sport;
    tcp[2] = (uint8_t)(dport >> 8);
    tcp[3] = (uint8_t)dport;
    put32(tcp + 4, seq);
    put32(tcp + 8, (flags & TCP_ACK) != 0 ? ack : 0);
    tcp[12] = 0x50;
    tcp[13] = flags;
    tcp[14] = 0xff;
    if (len > 0)
        memcpy(tcp + 20, bytes, len);
    struct packet p;
    struct l7_frame frame = {
        .size = sizeof(frame),
        .iface = up != raw->other_side ? 0 : 1,
        .link = L7_LINK_ETHERNET,
        .data = buf,
        .len = (uint32_t)(at + 20 + len),
        .wire_len = (uint32_t)(at + 20 + len),
        .time_ns = w->now_ns += 1000,
    };
    cr_assert_eq(decode_frame(&frame, false, &p), DECODE_PACKET);
    uint64_t sum = checksum_pseudo(&p.src, &p.dst, 6, (uint32_t)(20 + len));
    uint16_t c = checksum_finish(checksum_add(sum, tcp, 20 + len));
    c = (uint16_t)(c + raw->bad_checksum);
    tcp[16] = (uint8_t)(c >> 8);
    tcp[17] = (uint8_t)c;
    if (raw->fragment > 0)
        send_fragments(w, frame.iface, buf, frame.len, raw->fragment);
    else
        pipeline_frame(&w->worker, &frame);
    challenge(w);
}

void wire_connect(struct wire *w, uint16_t sport)
{
    w->sport = sport;
    w->said[0] = w->said[1] = 0;
    w->client_isn += 0xfffffff0u; /* sequence numbers wrap within the first bytes */
    w->server_isn += 0x7ffffff0u;
    end_init(&w->server);
    end_init(&w->client);
    w->server.isn = w->client_isn;
    w->client.isn = w->server_isn;
    wire_packet(w, L7_TO_SERVER, TCP_SYN, 0, NULL, 0);
    wire_packet(w, L7_TO_CLIENT, TCP_SYN | TCP_ACK, 0, NULL, 0);
    wire_packet(w, L7_TO_SERVER, TCP_ACK, 0, NULL, 0);
}

void wire_say(struct wire *w, enum l7_dir dir, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        size_t n = len < 1400 ? len : 1400;
        wire_packet(w, dir, TCP_ACK | TCP_PSH, (int64_t)w->said[dir], at, n);
        w->said[dir] += n;
        at += n;
        len -= n;
    }
    wire_packet(w, dir == L7_TO_SERVER ? L7_TO_CLIENT : L7_TO_SERVER, TCP_ACK,
                (int64_t)w->said[1 - dir], NULL, 0);
}

void wire_pass_time(struct wire *w, uint64_t ms)
{
    w->now_ns += ms * 1000000ull;
    worker_tick(&w->worker, w->now_ns);
    challenge(w);
}
