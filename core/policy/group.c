/* SPDX-License-Identifier: Apache-2.0 */
/* group: ClusterGroups and Groups, resolved once before the policies that name them. [GRP-1..5]
 * [V18] [V47] [V48] */

#include "policy/group.h"

#include <string.h>
#include "policy/peer.h"

enum membership {
    BY_POD = 1 << 0,
    BY_NAMESPACE = 1 << 1,
    BY_ENTITY = 1 << 2,
    BY_BLOCKS = 1 << 3,
    BY_SERVICE = 1 << 4,
    BY_CHILDREN = 1 << 5,
    BY_NODE = 1 << 6,
};

static const char *const membership_names[] = {
    "podSelector",      "namespaceSelector", "externalEntitySelector", "ipBlocks",
    "serviceReference", "childGroups",       "nodeSelector",
};

static const char *group_key(struct arena *a, const char *namespace_, const char *name)
{
    return namespace_ ? arena_printf(a, "%s/%s", namespace_, name) : name;
}

const struct group *group_find(const struct load *l, const char *namespace_, const char *name)
{
    char full[600];
    if (namespace_) {
        if (strlen(namespace_) + strlen(name) + 2 > sizeof full)
            return NULL;
        strcpy(full, namespace_);
        strcat(full, "/");
        strcat(full, name);
        name = full;
    } else if (strchr(name, '/')) {
        return NULL; /* would be a Group */
    }
    uint32_t id = names_find(&l->group_names, name);
    return id == NAME_NONE ? NULL : l->groups[id];
}

static void group_blocks(struct load *l, const struct at *at, struct group *g)
{
    size_t count = read_list(l, at), multicast = 0;
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(at, i);
        struct block block = {0};
        const char *text;
        if (!item.node || !block_read(l, &item, &block, &text))
            continue;
        multicast += block.multicast;
        ranges_add_block(&l->snapshot->arena, &g->blocks, &block.cidr, block.except,
                         block.except_count);
    }
    if (multicast && multicast != count)
        read_error(l, at, "multicast and other blocks cannot be mixed in one group"); /* [GRP-5] */
}

static void group_children(struct load *l, const struct at *at, struct group *g)
{
    size_t count = read_list(l, at);
    g->children = arena_array(&l->scratch, count, sizeof *g->children);
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(at, i);
        const char *name = read_needed(l, &item);
        if (name)
            g->children[g->child_count++] = name;
    }
}

static void group_foreign(struct group *g, const char *field)
{
    g->foreign = true;
    g->foreign_by = field;
}

static void group_service(struct load *l, const struct at *at, struct group *g)
{
    struct reference service = {0};
    const char *own = g->object->namespace_;
    if (!reference_read(l, at, own, &service))
        return;
    if (own && strcmp(own, service.namespace_) != 0)
        group_foreign(g, "serviceReference");
    g->endpoints = pods_of_service(l, &service);
}

static void group_selectors(struct load *l, const struct at *spec, unsigned given, struct group *g)
{
    struct at pods_at = at_key(spec, "podSelector"),
              entities_at = at_key(spec, membership_names[2]);
    struct at namespaces_at = at_key(spec, "namespaceSelector");
    struct selector pods = {0}, namespaces = {0};
    bool entities = given & BY_ENTITY;
    selector_read(l, entities ? &entities_at : &pods_at, &pods);
    selector_read(l, &namespaces_at, &namespaces);
    if (g->object->namespace_ && (given & BY_NAMESPACE))
        group_foreign(g, "namespaceSelector");
    g->endpoints = pods_select(l, entities ? WORKLOAD_ENTITY : WORKLOAD_POD, g->object->namespace_,
                               &pods, &namespaces);
}

/* Which ways of membership are given; false when that is not one way. */
static bool group_membership(struct load *l, const struct at *spec, bool cluster, unsigned *given)
{
    size_t known = COUNT_OF(membership_names) - !cluster; /* nodeSelector is last [V47] */
    read_known(l, spec, membership_names, known);
    for (size_t i = 0; i < known; i++) {
        struct at at = at_key(spec, membership_names[i]);
        bool empty = at.node && at.node->kind == NODE_LIST && !at.node->count;
        if (read_given(l, &at) && !empty)
            *given |= 1u << i;
    }
    unsigned one = *given;
    if ((one & BY_NAMESPACE) && (one & (BY_POD | BY_ENTITY)))
        one &= ~(unsigned)BY_NAMESPACE;
    if (one && !(one & (one - 1)))
        return true;
    if (one)
        read_error(l, spec,
                   "more than one kind of membership; only namespaceSelector may join "
                   "podSelector or externalEntitySelector");
    else
        read_error(l, spec, "selects nothing");
    return false;
}

static void group_read(struct load *l, const struct object *object)
{
    static const char *const top[] = {"apiVersion", "kind", "metadata", "spec", "status"};
    struct at at = at_root(object->document), spec = at_key(&at, "spec");
    struct at blocks = at_key(&spec, "ipBlocks"), service = at_key(&spec, "serviceReference");
    struct at children = at_key(&spec, "childGroups"), node_at = at_key(&spec, "nodeSelector");
    bool fresh;
    struct group *g = arena_alloc(&l->scratch, sizeof *g);
    g->object = object;
    uint32_t id = names_add(&l->group_names,
                            group_key(&l->scratch, object->namespace_, object->name), &fresh);
    l->groups[id] = g;
    read_known(l, &at, top, COUNT_OF(top));
    unsigned given = 0;
    if (!spec.node)
        read_error(l, &spec, "is required");
    if (!read_map(l, &spec) || !group_membership(l, &spec, !object->namespace_, &given))
        return;
    if (given & BY_BLOCKS) {
        group_blocks(l, &blocks, g);
    } else if (given & BY_SERVICE) {
        group_service(l, &service, g);
    } else if (given & BY_CHILDREN) {
        group_children(l, &children, g);
    } else if (given & BY_NODE) {
        struct selector nodes;
        selector_read(l, &node_at, &nodes);
        nodes_select(l, &nodes, &g->blocks);
        g->nodes = true;
    } else {
        group_selectors(l, &spec, given, g);
    }
}

/* The union of the children; one level only [GRP-4]. */
static void group_join(struct load *l, struct group *g)
{
    struct at at = at_root(g->object->document), spec = at_key(&at, "spec");
    struct at list = at_key(&spec, "childGroups");
    struct bits *all = bits_new(&l->snapshot->arena, l->snapshot->endpoint_count);
    for (size_t i = 0; i < g->child_count; i++) {
        const struct group *child = group_find(l, g->object->namespace_, g->children[i]);
        if (!child) {
            read_warning(l, &list, "group %s is not in the set and adds nothing", g->children[i]);
        } else if (child == g) {
            read_error(l, &list, "a group cannot be its own child");
        } else if (child->child_count) {
            read_error(l, &list, "%s has children itself; there is one level only", g->children[i]);
        } else {
            bits_add(all, child->endpoints);
            if (child->foreign)
                group_foreign(g, child->foreign_by);
            g->nodes |= child->nodes;
            for (size_t k = 0; k < child->blocks.count; k++) {
                struct ranges *r = &g->blocks;
                r->list =
                    arena_grow(&l->snapshot->arena, r->list, r->count, &r->cap, sizeof *r->list);
                r->list[r->count++] = child->blocks.list[k];
            }
        }
    }
    g->endpoints = all;
}

void groups_read(struct load *l)
{
    l->groups = arena_array(&l->scratch, l->object_count, sizeof(struct group *));
    for (size_t i = 0; i < l->object_count; i++)
        if (l->objects[i].kind == OBJECT_CLUSTER_GROUP || l->objects[i].kind == OBJECT_GROUP)
            group_read(l, &l->objects[i]);
    for (size_t i = 0; i < l->group_names.count; i++)
        if (l->groups[i]->child_count)
            group_join(l, l->groups[i]);
}
