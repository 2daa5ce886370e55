/* SPDX-License-Identifier: Apache-2.0 */
/* knp: Kubernetes' own NetworkPolicies: a union of what is allowed, and isolation. [KNP-1..6]
 * Null is as good as absent here, as it is for Kubernetes. */

#include <string.h>
#include "policy/content.h"
#include "policy/load.h"
#include "policy/peer.h"
#include "policy/port.h"

struct knp {
    const struct object *object;
    const struct bits *pods;
    const char *reference;
    bool covers[2]; /* by direction */
};

static void knp_rule(struct load *l, const struct knp *k, const struct at *at,
                     enum direction direction, size_t index)
{
    static const char *const known[2][2] = {{"from", "ports"}, {"to", "ports"}};
    bool ingress = direction == DIRECTION_INGRESS;
    struct entry_context context = {OBJECT_KNP, k->object->namespace_, ingress ? IN_FROM : IN_TO};
    struct peer_kinds peers;
    struct port_kinds ports;
    if (!read_map(l, at))
        return;
    read_known(l, at, known[!ingress], 2);
    struct at peers_at = at_key(at, ingress ? "from" : "to"), ports_at = at_key(at, "ports");
    struct compiled *c = arena_alloc(&l->snapshot->arena, sizeof *c);
    uint32_t own = names_find(&l->inventory.namespace_names, k->object->namespace_);
    peers_read(l, &peers_at, &context, &c->peer, &peers);
    ports_read_all(l, &ports_at, NULL, direction, true, &c->ports, &ports);
    c->layer = LAYER_KUBERNETES;
    c->applied = k->pods;
    c->rule = (struct rule){
        .policy_ref = k->reference,
        .policy_kind = "NetworkPolicy",
        .namespace_ = keep(l, k->object->namespace_),
        .policy = keep(l, k->object->name),
        .name = arena_printf(&l->snapshot->arena, "%s/%s[%zu]", k->object->name,
                             ingress ? "ingress" : "egress", index), /* [KNP-6] */
        .tier = "",
        .file = keep(l, at->node->file),
        .line = at->node->line,
        .index = (unsigned)index,
        .direction = direction,
        .action = ACTION_ALLOW,
        .enable_logging = own != NAME_NONE && l->inventory.namespaces[own].logging, /* [NAME-6] */
    };
    if (!k->covers[direction])
        return; /* checked, and then left aside [KNP-3] */
    l->rules = arena_grow(&l->scratch, l->rules, l->rule_count, &l->rule_cap, sizeof *l->rules);
    l->rules[l->rule_count++] = c;
}

/* [KNP-2] */
static void knp_types(struct load *l, const struct at *at, size_t egress, struct knp *k)
{
    size_t count = read_list(l, at);
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(at, i);
        const char *text = read_needed(l, &item);
        if (text && strcmp(text, "Ingress") == 0)
            k->covers[DIRECTION_INGRESS] = true;
        else if (text && strcmp(text, "Egress") == 0)
            k->covers[DIRECTION_EGRESS] = true;
        else if (text)
            read_error(l, &item, "%s is not known; known: Ingress, Egress",
                       read_show(l, text, strlen(text)));
    }
    if (!count) {
        k->covers[DIRECTION_INGRESS] = true;
        k->covers[DIRECTION_EGRESS] = egress > 0;
    }
}

void knp_read(struct load *l, const struct object *object)
{
    static const char *const top[] = {"apiVersion", "kind", "metadata", "spec", "status"};
    static const char *const known[] = {"podSelector", "policyTypes", "ingress", "egress"};
    struct at root = at_root(object->document), spec = at_key(&root, "spec");
    struct at pods_at = at_key(&spec, "podSelector"), types = at_key(&spec, "policyTypes");
    struct at lists[2] = {at_key(&spec, "ingress"), at_key(&spec, "egress")};
    struct selector pods = {0};
    struct knp k = {.object = object};
    l->null_is_absent = true;
    read_known(l, &root, top, COUNT_OF(top));
    /* No spec is an empty one, which isolates. */
    bool given = read_map(l, &spec);
    if (given || !spec.node || node_is_null(spec.node)) {
        if (given)
            read_known(l, &spec, known, COUNT_OF(known));
        selector_read(l, &pods_at, &pods);
        k.pods = pods_select(l, WORKLOAD_POD, object->namespace_, &pods, NULL);
        if (!bits_any(k.pods))
            load_remark(l, REMARK_EMPTY, pods_at.node ? &pods_at : &root,
                        pods.given ? pods.text : "podSelector");
        k.reference = arena_printf(&l->snapshot->arena, "K8sNetworkPolicy:%s/%s",
                                   object->namespace_, object->name);
        size_t egress = read_list(l, &lists[1]);
        knp_types(l, &types, egress, &k);
        for (int d = 0; d < 2; d++) {
            size_t count = read_list(l, &lists[d]);
            enum direction direction = d ? DIRECTION_EGRESS : DIRECTION_INGRESS;
            for (size_t i = 0; i < count; i++) {
                struct at item = at_item(&lists[d], i);
                knp_rule(l, &k, &item, direction, i);
            }
            if (k.covers[direction])
                bits_add(l->isolated[direction], k.pods);
        }
    }
    l->null_is_absent = false;
    l->policy_count++;
}
