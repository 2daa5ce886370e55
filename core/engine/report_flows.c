/* SPDX-License-Identifier: Apache-2.0 */
/* report_flows: the flows of all workers. A worker copies what is asked into plain rows and goes
 * on; rows become JSON on the main thread. */
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "engine/judged.h"
#include "engine/report.h"
#include "engine/session.h"
#include "flow/packet.h"

struct row {
    struct flow flow;
    struct snapshot *snapshot; /* one reference: keeps `rule` */
    const struct rule *rule;
    const char *keyword;
    uint64_t now_ns;
    uint8_t fate;
};

struct rows {
    struct row *list;
    size_t count, limit;
    bool truncated;
    uint64_t now_ns; /* of the worker at hand */
};

static bool copy_flow(void *ctx, struct flow *f)
{
    struct rows *rows = ctx;
    const struct judged *j = flow_extra(f);
    if (rows->count == rows->limit) {
        rows->truncated = true;
        return false;
    }
    struct row *row = &rows->list[rows->count++];
    *row = (struct row){.flow = *f, .fate = j->fate, .now_ns = rows->now_ns};
    row->rule = judged_rule(j);
    row->snapshot = row->rule != NULL ? snapshot_ref(j->snapshot) : NULL;
    if (j->session != NULL && j->session->claim != NULL)
        row->keyword = j->session->claim->inspector->keyword;
    return true;
}

static void copy_flows(struct worker *w, void *arg)
{
    struct rows *rows = arg;
    rows->now_ns = w->now_ns;
    table_visit(w->table, copy_flow, rows);
}

static json_t *text(const char *s)
{
    json_t *j = s != NULL ? json_string(s) : NULL;
    return j != NULL ? j : json_null();
}

static const char *proto_name(uint8_t proto, char buf[4])
{
    switch (proto) {
    case 1:
        return "ICMP";
    case IPPROTO_TCP:
        return "TCP";
    case IPPROTO_UDP:
        return "UDP";
    case 58:
        return "ICMPv6";
    case IPPROTO_SCTP:
        return "SCTP";
    default:
        snprintf(buf, 4, "%u", proto);
        return buf;
    }
}

static json_t *report_row(struct row *row)
{
    static const char *const fates[] = {
        [FATE_PASS] = "pass",
        [FATE_GOVERNED] = "governed",
        [FATE_DENIED] = "denied",
        [FATE_REFUSED] = "refused",
    };
    static const char *const lives[FLOW_LIVES] = {
        [FLOW_TCP_OPENING] = "opening",    [FLOW_TCP_OPEN] = "open",
        [FLOW_TCP_CLOSING] = "closing",    [FLOW_OTHER_NEW] = "unanswered",
        [FLOW_OTHER_REPLIED] = "answered", [FLOW_REFUSED] = "refused",
    };
    struct flow *f = &row->flow;
    const struct rule *r = row->rule;
    char client[ADDRESS_TEXT_MAX], server[ADDRESS_TEXT_MAX], proto[4];
    uint64_t age = row->now_ns > f->start_ns ? (row->now_ns - f->start_ns) / 1000000000ull : 0;
    return json_pack(
        "{s:I,s:s,s:i,s:s,s:i,s:s,s:s,s:s,s:o,s:{s:I,s:I},s:{s:I,s:I},s:I,s:o,s:o,s:o,s:o,s:o}",
        "id", (json_int_t)f->id, "client", address_text(flow_client(f), client), "clientPort",
        (int)flow_client_port(f), "server", address_text(flow_server(f), server), "serverPort",
        (int)flow_server_port(f), "proto", proto_name(f->key.proto, proto), "fate",
        row->fate <= FATE_REFUSED ? fates[row->fate] : "", "life",
        f->life < FLOW_LIVES ? lives[f->life] : "", "keyword", text(row->keyword), "packets",
        "toServer", (json_int_t)f->packets[L7_TO_SERVER], "toClient",
        (json_int_t)f->packets[L7_TO_CLIENT], "bytes", "toServer",
        (json_int_t)f->bytes[L7_TO_SERVER], "toClient", (json_int_t)f->bytes[L7_TO_CLIENT], "age",
        (json_int_t)age, "rule", text(r != NULL ? r->name : NULL), "policy",
        text(r != NULL ? r->policy : NULL), "namespace", text(r != NULL ? r->namespace_ : NULL),
        "tier", text(r != NULL ? r->tier : NULL), "direction",
        text(r != NULL ? direction_name(r->direction) : NULL));
}

json_t *report_flows(struct engine *e, size_t limit)
{
    struct rows rows = {.limit = limit < REPORT_FLOWS_MAX ? limit : REPORT_FLOWS_MAX};
    rows.list = calloc(rows.limit > 0 ? rows.limit : 1, sizeof(*rows.list));
    if (rows.list == NULL)
        return NULL;
    for (size_t i = 0; i < e->worker_count; i++)
        (void)worker_ask(e->workers[i], copy_flows, &rows);
    json_t *list = json_array();
    for (size_t i = 0; i < rows.count; i++) {
        json_array_append_new(list, report_row(&rows.list[i]));
        snapshot_unref(rows.list[i].snapshot);
    }
    free(rows.list);
    return json_pack("{s:o,s:b}", "flows", list, "truncated", rows.truncated);
}
