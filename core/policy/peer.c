/* SPDX-License-Identifier: Apache-2.0 */
/* peer: whom entries select, resolved against the inventory. Not: what an entry may say
 * (entry.c), when a rule looks at it (classify.c). */

#include "policy/peer.h"

#include <stdio.h>
#include <string.h>
#include "policy/group.h"

#define TEXT_ENTRIES 8 /* of a list, told to people */

struct bits *bits_new(struct arena *arena, size_t count)
{
    size_t words = count / 64 + 1;
    struct bits *b = arena_alloc(arena, sizeof *b + words * sizeof b->list[0]);
    b->words = words;
    return b;
}

void bits_add(struct bits *to, const struct bits *from)
{
    for (size_t i = 0; from && i < to->words; i++)
        to->list[i] |= from->list[i];
}

/* The set of that name, and whether it is there already. A name says all that was asked for. */
static struct bits **set_slot(struct load *l, const char *name, bool *fresh)
{
    uint32_t id = names_add(&l->sets, name, fresh);
    if (*fresh) {
        l->set_list = arena_grow(&l->scratch, l->set_list, id, &l->set_cap, sizeof *l->set_list);
        l->set_list[id] = bits_new(&l->snapshot->arena, l->snapshot->endpoint_count);
    }
    return &l->set_list[id];
}

const struct bits *pods_select(struct load *l, enum workload_kind kind, const char *namespace_,
                               const struct selector *pods, const struct selector *namespaces)
{
    const struct inventory *v = &l->inventory;
    bool by_label = namespaces && namespaces->given, fresh;
    struct bits *out = *set_slot(l,
                                 arena_printf(&l->scratch, "%d|%s|%s|%s", (int)kind,
                                              namespace_ && !by_label ? namespace_ : "",
                                              by_label ? namespaces->text : "",
                                              pods && pods->given ? pods->text : "{}"),
                                 &fresh);
    if (!fresh)
        return out;
    uint32_t own = namespace_ ? names_find(&v->namespace_names, namespace_) : NAME_NONE;
    bool *wanted = arena_array(&l->scratch, v->namespace_names.count, sizeof *wanted);
    for (size_t i = 0; i < v->namespace_names.count; i++)
        wanted[i] = by_label ? selector_matches(namespaces, &v->namespaces[i].labels)
                             : !namespace_ || i == own;
    for (size_t i = 0; i < v->workload_count; i++) {
        const struct workload *w = &v->workloads[i];
        if (w->kind == kind && wanted[w->namespace_] &&
            (!pods || !pods->given || selector_matches(pods, &w->labels)))
            bits_set(out, i);
    }
    return out;
}

static const struct bits *pods_of_account(struct load *l, const struct reference *account)
{
    const struct inventory *v = &l->inventory;
    bool fresh;
    struct bits *out = *set_slot(
        l, arena_printf(&l->scratch, "a|%s|%s", account->namespace_, account->name), &fresh);
    uint32_t own = names_find(&v->namespace_names, account->namespace_);
    uint32_t name = names_find(&l->words, account->name);
    if (!fresh || own == NAME_NONE || name == NAME_NONE)
        return out;
    for (size_t i = 0; i < v->workload_count; i++)
        if (v->workloads[i].namespace_ == own && v->workloads[i].account == name)
            bits_set(out, i);
    return out;
}

const struct bits *pods_of_service(struct load *l, const struct reference *service)
{
    const struct inventory *v = &l->inventory;
    const struct service *s = inventory_service(l, service->namespace_, service->name);
    bool fresh;
    struct bits *out = *set_slot(
        l, arena_printf(&l->scratch, "s|%s|%s", service->namespace_, service->name), &fresh);
    uint32_t own = names_find(&v->namespace_names, service->namespace_);
    if (!fresh || !s || !s->selector.count || own == NAME_NONE)
        return out;
    for (size_t i = 0; i < v->workload_count; i++) {
        const struct workload *w = &v->workloads[i];
        bool all = w->kind == WORKLOAD_POD && w->namespace_ == own;
        for (size_t k = 0; all && k < s->selector.count; k++) {
            uint32_t value;
            all = labels_find(&w->labels, s->selector.list[k].key, &value) &&
                  value == s->selector.list[k].value;
        }
        if (all)
            bits_set(out, i);
    }
    return out;
}

void nodes_select(struct load *l, const struct selector *nodes, struct ranges *out)
{
    const struct inventory *v = &l->inventory;
    for (size_t i = 0; i < v->machine_names.count; i++) {
        const struct machine *m = &v->machines[i];
        for (size_t k = 0; k < m->peer_count && selector_matches(nodes, &m->labels); k++)
            ranges_add_address(&l->snapshot->arena, out, &m->peer[k]);
    }
}

void reach_add(struct load *l, struct reach *r, const struct bits *endpoints)
{
    if (!r->endpoints) {
        r->endpoints = endpoints;
        return;
    }
    if (!r->own) { /* most peers are one entry and need no set of their own */
        r->own = bits_new(&l->snapshot->arena, l->snapshot->endpoint_count);
        bits_add(r->own, r->endpoints);
        r->endpoints = r->own;
    }
    bits_add(r->own, endpoints);
}

/* Namespaces are alike when they have all the keys, with equal values [PEER-4]. */
static void classes_by_label(struct load *l, const struct entry *e, uint32_t *classes)
{
    const struct inventory *v = &l->inventory;
    struct names seen;
    names_init(&seen, &l->scratch);
    for (size_t i = 0; i < v->namespace_names.count; i++) {
        char *values = arena_array(&l->scratch, e->same_label_count * 9 + 1, 1), *p = values;
        bool all = true;
        for (size_t k = 0; all && k < e->same_label_count; k++) {
            uint32_t value = 0;
            all = labels_find(&v->namespaces[i].labels, e->same_labels[k], &value);
            p += sprintf(p, "%08x,", value);
        }
        classes[i] = all ? names_add(&seen, values, NULL) + 1 : 0;
    }
}

/* For `Self` each is only like itself [PEER-5]. */
static const uint32_t *namespace_classes(struct load *l, const struct entry *e)
{
    char *key = arena_array(&l->scratch, e->same_label_count * 9 + 1, 1), *p = key;
    bool fresh;
    for (size_t k = 0; k < e->same_label_count; k++)
        p += sprintf(p, "%08x,", e->same_labels[k]);
    uint32_t id = names_add(&l->classes, key, &fresh);
    if (fresh) {
        size_t count = l->inventory.namespace_names.count;
        uint32_t *classes = arena_array(&l->snapshot->arena, count, sizeof *classes);
        l->class_list =
            arena_grow(&l->scratch, l->class_list, id, &l->class_cap, sizeof *l->class_list);
        l->class_list[id] = classes;
        for (size_t i = 0; e->self && i < count; i++)
            classes[i] = (uint32_t)i + 1;
        if (!e->self)
            classes_by_label(l, e, classes);
    }
    return l->class_list[id];
}

static void reach_relative(struct load *l, const struct entry *e, struct reach *out)
{
    struct arena *a = &l->snapshot->arena;
    struct relative r = {.pods = pods_select(l, WORKLOAD_POD, NULL, &e->pods, NULL),
                         .classes = namespace_classes(l, e)};
    out->relatives = arena_grow(a, out->relatives, out->relative_count, &out->relative_cap,
                                sizeof *out->relatives);
    out->relatives[out->relative_count++] = r;
}

static void reach_group(struct load *l, const struct at *at, const struct entry_context *c,
                        const struct entry *e, struct reach *out)
{
    struct at place = at_key(at, "group");
    const struct group *g = group_find(l, c->namespace_, e->group);
    bool applied = c->where == IN_APPLIED || c->where == IN_RULE_APPLIED;
    if (!g) { /* [APT-5] [VAL-1] */
        read_warning(l, &place, "%s %s is not in the set and selects nothing",
                     c->namespace_ ? "Group" : "ClusterGroup", e->group);
        return;
    }
    if (applied && c->namespace_ && g->foreign) /* [V49] */
        read_error(l, &place,
                   "Group %s reaches other Namespaces (%s), where a NetworkPolicy "
                   "cannot be applied",
                   e->group, g->foreign_by);
    if (applied && g->nodes) /* [APT-9] */
        read_error(l, &place, "policies applied to Nodes are not supported yet");
    reach_add(l, out, g->endpoints);
    for (size_t i = 0; !applied && i < g->blocks.count; i++) { /* [APT-4] */
        struct ranges *r = &out->blocks;
        r->list = arena_grow(&l->snapshot->arena, r->list, r->count, &r->cap, sizeof *r->list);
        r->list[r->count++] = g->blocks.list[i];
    }
}

/* Node addresses with the Service's nodePorts [APT-8]. */
static void reach_service(struct load *l, const struct at *at, const struct entry *e,
                          struct reach *out)
{
    const struct inventory *v = &l->inventory;
    const struct service *s = inventory_service(l, e->service.namespace_, e->service.name);
    if (!s || !s->node_ports) {
        read_warning(l, at, "Service %s/%s is not in the set or has no nodePort; nothing matches",
                     e->service.namespace_, e->service.name);
        return;
    }
    for (size_t i = 0; i < v->machine_names.count; i++) {
        const struct machine *m = &v->machines[i];
        if (l->source->node_name && strcmp(l->source->node_name, m->name) != 0)
            continue; /* [INV-3] */
        for (size_t k = 0; k < m->own_count * s->port_count; k++) {
            const struct service_port *p = &s->ports[k % s->port_count];
            if (!p->node_port)
                continue;
            out->services = arena_grow(&l->snapshot->arena, out->services, out->service_count,
                                       &out->service_cap, sizeof *out->services);
            out->services[out->service_count++] =
                (struct service_match){m->own[k / s->port_count], p->proto, p->node_port};
        }
    }
}

static void reach_say(struct load *l, struct reach *r, const char *text)
{
    if (r->entries++ < TEXT_ENTRIES)
        r->text = r->text ? arena_printf(&l->scratch, "%s; %s", r->text, text) : text;
}

bool bits_any(const struct bits *b)
{
    for (size_t i = 0; b && i < b->words; i++)
        if (b->list[i])
            return true;
    return false;
}

/* Does what one entry adds select anything? In an appliedTo of a Service that is its nodePorts. */
static bool reach_any(const struct reach *r)
{
    bool relative = false;
    for (size_t i = 0; i < r->relative_count; i++)
        relative |= bits_any(r->relatives[i].pods);
    return relative || r->blocks.count || r->service_count || bits_any(r->endpoints);
}

/* Add `from`, which is one entry's. */
static void reach_join(struct load *l, struct reach *to, const struct reach *from)
{
    struct arena *a = &l->snapshot->arena;
    if (from->endpoints)
        reach_add(l, to, from->endpoints);
    for (size_t i = 0; i < from->blocks.count; i++) {
        struct ranges *r = &to->blocks;
        r->list = arena_grow(a, r->list, r->count, &r->cap, sizeof *r->list);
        r->list[r->count++] = from->blocks.list[i];
    }
    for (size_t i = 0; i < from->relative_count; i++) {
        to->relatives = arena_grow(a, to->relatives, to->relative_count, &to->relative_cap,
                                   sizeof *to->relatives);
        to->relatives[to->relative_count++] = from->relatives[i];
    }
    for (size_t i = 0; i < from->service_count; i++) {
        to->services =
            arena_grow(a, to->services, to->service_count, &to->service_cap, sizeof *to->services);
        to->services[to->service_count++] = from->services[i];
    }
}

static void entry_reach(struct load *l, const struct at *at, const struct entry_context *context,
                        const struct entry *entry, struct reach *out)
{
    struct arena *a = &l->snapshot->arena;
    if (entry->given & ENTRY_BLOCK)
        ranges_add_block(a, &out->blocks, &entry->block.cidr, entry->block.except,
                         entry->block.except_count);
    else if (entry->given & ENTRY_GROUP)
        reach_group(l, at, context, entry, out);
    else if (entry->given & ENTRY_ACCOUNT)
        reach_add(l, out, pods_of_account(l, &entry->account));
    else if (entry->given & ENTRY_SERVICE)
        reach_service(l, at, entry, out);
    else if (entry->given & ENTRY_NODE)
        nodes_select(l, &entry->nodes, &out->blocks);
    else if (entry->given & ENTRY_NAMESPACES)
        reach_relative(l, entry, out);
    else if (entry->given & ENTRY_ENTITY)
        reach_add(l, out,
                  pods_select(l, WORKLOAD_ENTITY, context->namespace_, &entry->entities,
                              &entry->namespaces));
    else if (entry->given & (ENTRY_POD | ENTRY_NAMESPACE))
        reach_add(
            l, out,
            pods_select(l, WORKLOAD_POD, context->namespace_, &entry->pods, &entry->namespaces));
}

void reach_entry(struct load *l, const struct at *at, const struct entry_context *context,
                 const struct entry *entry, struct reach *out)
{
    struct reach one = {0};
    reach_say(l, out, entry->text);
    entry_reach(l, at, context, entry, &one);
    if (!reach_any(&one))
        load_remark(l, REMARK_EMPTY, at, entry->text);
    if (out->endpoints || out->blocks.list || out->relatives || out->services) {
        reach_join(l, out, &one);
        return;
    }
    one.text = out->text; /* most lists have one entry: it is taken as it is */
    one.entries = out->entries;
    *out = one;
}

void peers_read(struct load *l, const struct at *list, const struct entry_context *context,
                struct peer *out, struct peer_kinds *kinds)
{
    size_t count = read_list(l, list);
    struct reach reach = {0};
    *out = (struct peer){.any = !count, .text = "anywhere"};
    *kinds = (struct peer_kinds){.entries = count};
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(list, i);
        struct entry entry;
        if (!entry_read(l, &item, context, &entry))
            continue;
        kinds->blocks += !!(entry.given & ENTRY_BLOCK);
        kinds->multicast += (entry.given & ENTRY_BLOCK) && entry.block.multicast;
        reach_entry(l, &item, context, &entry, &reach);
    }
    if (!count)
        return;
    ranges_seal(&reach.blocks);
    out->endpoints = reach.endpoints;
    out->blocks = reach.blocks;
    out->relatives = reach.relatives;
    out->relative_count = reach.relative_count;
    out->text = reach.entries > TEXT_ENTRIES
                    ? arena_printf(&l->snapshot->arena, "%s; and %zu more", reach.text,
                                   reach.entries - TEXT_ENTRIES)
                    : keep(l, reach.text ? reach.text : "");
}
