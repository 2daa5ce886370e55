/* SPDX-License-Identifier: Apache-2.0 */
/* ownership: which endpoint or Node an address belongs to; fills the snapshot's map. Of two live
 * Pods with one address the newer has it [INV-4]. */

#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "policy/load.h"

struct claim {
    struct l7_address address;
    size_t workload;
};

static size_t owner_slot(const struct snapshot *s, const struct l7_address *address)
{
    uint64_t h = address->family * UINT64_C(0x9e3779b97f4a7c15);
    size_t len = address->family == 6 ? 16 : 4;
    for (size_t i = 0; i < len; i++)
        h = (h ^ address->bytes[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 32;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h >> 32) & (s->owner_slots - 1);
    while (s->owners[i].address.family && !address_equal(&s->owners[i].address, address))
        i = (i + 1) & (s->owner_slots - 1);
    return i;
}

const struct owner *snapshot_owner(const struct snapshot *s, const struct l7_address *address)
{
    if (!s->owner_slots)
        return NULL;
    const struct owner *o = &s->owners[owner_slot(s, address)];
    return o->address.family ? o : NULL;
}

struct owner *snapshot_own(struct snapshot *s, const struct l7_address *address)
{
    struct owner *o = &s->owners[owner_slot(s, address)];
    if (!o->address.family)
        *o = (struct owner){*address, UINT32_MAX, UINT32_MAX};
    return o;
}

void snapshot_reserve(struct snapshot *s, size_t addresses)
{
    s->owner_slots = 16;
    while (s->owner_slots < addresses * 2)
        s->owner_slots *= 2;
    s->owners = arena_array(&s->arena, s->owner_slots, sizeof *s->owners);
}

static int claim_compare(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->address.family != y->address.family)
        return x->address.family < y->address.family ? -1 : 1;
    int order = memcmp(x->address.bytes, y->address.bytes, x->address.family == 6 ? 16 : 4);
    if (order)
        return order;
    return x->workload < y->workload ? -1 : x->workload > y->workload;
}

static const char *workload_text(struct load *l, const struct workload *w)
{
    return arena_printf(&l->scratch, "%s %s/%s", w->kind == WORKLOAD_POD ? "Pod" : "ExternalEntity",
                        l->inventory.namespaces[w->namespace_].name, w->name);
}

static void claim_warn(struct load *l, const struct claim *loser, const struct claim *winner)
{
    char text[ADDRESS_TEXT_MAX];
    const struct workload *lost = &l->inventory.workloads[loser->workload];
    struct at at = at_root(lost->document);
    read_warning(l, &at, "address %s of %s is also that of %s, which is newer and has it",
                 address_text(&loser->address, text), workload_text(l, lost),
                 workload_text(l, &l->inventory.workloads[winner->workload]));
}

/* Leave in `claims` one claim an address: the newest object's, then the last one's [INV-4]. */
static size_t claims_settle(struct load *l, struct claim *claims, size_t count)
{
    const struct workload *list = l->inventory.workloads;
    size_t kept = 0;
    if (count)
        qsort(claims, count, sizeof *claims, claim_compare);
    for (size_t i = 0; i < count; i++) {
        struct claim *last = kept ? &claims[kept - 1] : NULL;
        if (!last || !address_equal(&last->address, &claims[i].address)) {
            claims[kept++] = claims[i];
        } else if (strcmp(list[claims[i].workload].created, list[last->workload].created) >= 0) {
            claim_warn(l, last, &claims[i]);
            *last = claims[i];
        } else {
            claim_warn(l, &claims[i], last);
        }
    }
    return kept;
}

static void endpoint_fill(struct load *l, const struct workload *w, struct endpoint *e)
{
    const char *here = l->source->node_name, *node = w->node && *w->node ? w->node : NULL;
    e->namespace_ = w->namespace_;
    e->local = !here || !node || strcmp(here, node) == 0; /* [INV-3] */
    if (!node)
        node = here;
    e->machine = node ? names_find(&l->inventory.machine_names, node) : UINT32_MAX;
    e->port_count = w->port_count;
    e->ports = arena_copy_bytes(&l->snapshot->arena, w->ports, w->port_count * sizeof *w->ports);
}

void inventory_finish(struct load *l)
{
    struct inventory *v = &l->inventory;
    struct snapshot *s = l->snapshot;
    size_t count = 0, total = 0, kept = 0;
    for (size_t i = 0; i < v->workload_count; i++)
        count += v->workloads[i].address_count;
    struct claim *claims = arena_array(&l->scratch, count, sizeof *claims);
    for (size_t i = 0, n = 0; i < v->workload_count; i++)
        for (size_t k = 0; k < v->workloads[i].address_count; k++)
            claims[n++] = (struct claim){v->workloads[i].addresses[k], i};
    count = claims_settle(l, claims, count);
    for (size_t i = 0; i < count; i++)
        v->workloads[claims[i].workload].owned++;
    total = count;
    for (size_t i = 0; i < v->machine_names.count; i++)
        total += v->machines[i].own_count;
    snapshot_reserve(s, total);

    uint32_t *number = arena_array(&l->scratch, v->workload_count, sizeof *number);
    for (size_t i = 0; i < v->workload_count; i++) {
        if (v->workloads[i].owned) {
            v->workloads[kept] = v->workloads[i];
            number[i] = (uint32_t)kept++;
        }
    }
    v->workload_count = kept;
    for (size_t i = 0; i < count; i++)
        snapshot_own(s, &claims[i].address)->endpoint = number[claims[i].workload];
    for (size_t i = 0; i < v->machine_names.count; i++)
        for (size_t k = 0; k < v->machines[i].own_count; k++)
            snapshot_own(s, &v->machines[i].own[k])->machine = (uint32_t)i;

    s->endpoint_count = kept;
    s->endpoints = arena_array(&s->arena, kept, sizeof *s->endpoints);
    for (size_t i = 0; i < kept; i++)
        endpoint_fill(l, &v->workloads[i], &s->endpoints[i]);
    s->counts.pods = v->pod_count;
    s->counts.namespaces = v->namespace_names.count;
}
