/* SPDX-License-Identifier: Apache-2.0 */
/* antrea: ClusterNetworkPolicies and NetworkPolicies of Antrea as rules. What one list of a rule
 * may say is read by its own file (entry.c, port.c, keyword.c); here are the checks of a whole
 * rule or policy. Not: the order of rules (order.c). */

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "policy/content.h"
#include "policy/keyword.h"
#include "policy/load.h"
#include "policy/peer.h"
#include "policy/port.h"

#define LABEL_MAX 63
#define PRIORITY_LOW 1.0
#define PRIORITY_HIGH 10000.0

/* An appliedTo list as it was found. */
struct applied {
    struct reach reach;
    size_t entries, services;
};

struct policy {
    const struct object *object;
    bool cluster;
    const struct tier *tier;
    double priority;
    struct applied applied; /* of spec */
    struct at spec;
    const char *reference; /* [NAME-3] */
    struct names names;    /* of its rules [NAME-1] */
};

struct rule_read {
    struct load *l;
    struct policy *p;
    const struct at *at;
    enum direction direction;
    struct compiled *c;
    struct port_kinds ports;
    struct peer_kinds peers;
    size_t to_services;
    struct applied applied; /* the rule's own, or the policy's */
};

static void applied_read(struct load *l, const struct at *list, const struct policy *p,
                         enum entry_where where, struct applied *out)
{
    struct entry_context context = {p->object->kind, p->object->namespace_, where};
    out->entries = read_list(l, list);
    for (size_t i = 0; i < out->entries; i++) {
        struct at item = at_item(list, i);
        struct entry entry;
        if (!entry_read(l, &item, &context, &entry))
            continue;
        out->services += !!(entry.given & ENTRY_SERVICE);
        reach_entry(l, &item, &context, &entry, &out->reach);
    }
    if (out->services && out->services != out->entries) /* [V15] */
        read_error(l, list, "service cannot be mixed with other entries in one appliedTo");
}

static bool action_read(struct rule_read *r)
{
    static const char *const words[] = {"Allow", "Drop", "Reject", "Pass"};
    struct at at = at_key(r->at, "action");
    const char *text = read_needed(r->l, &at);
    for (size_t i = 0; text && i < COUNT_OF(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            r->c->rule.action = (enum action)(ACTION_ALLOW + i);
            if (r->c->rule.action == ACTION_PASS && r->p->tier &&
                r->p->tier->priority == TIER_BASELINE)
                read_error(r->l, &at, "Pass is not possible in tier baseline"); /* [V05] */
            return true;
        }
    }
    if (text)
        read_error(r->l, &at, "%s is not known; known: Allow, Drop, Reject, Pass",
                   read_show(r->l, text, strlen(text)));
    return false;
}

static bool log_label_valid(const char *text)
{
    size_t len = strlen(text);
    if (!len)
        return true;
    if (len > LABEL_MAX || !isalnum((unsigned char)text[0]) ||
        !isalnum((unsigned char)text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
            return false;
    return true;
}

static void logging_read(struct rule_read *r)
{
    struct at enable = at_key(r->at, "enableLogging"), label = at_key(r->at, "logLabel");
    read_bool(r->l, &enable, &r->c->rule.enable_logging);
    const char *text = read_text(r->l, &label);
    if (text && !log_label_valid(text)) /* [NAME-5] [V45] */
        read_error(
            r->l, &label,
            "at most 63 letters, digits, '-', '_', '.', with a letter or digit at both ends");
    r->c->rule.log_label = text && *text ? keep(r->l, text) : NULL;
}

/* {name, namespace, scope} of toServices: addresses and ports as clients use them [PEER-10]. */
static void to_service_read(struct rule_read *r, const struct at *at, struct service_match **list,
                            size_t *cap)
{
    static const char *const known[] = {"name", "namespace", "scope"};
    struct load *l = r->l;
    if (!read_map(l, at))
        return;
    read_known(l, at, known, COUNT_OF(known));
    struct at name_at = at_key(at, "name"), namespace_at = at_key(at, "namespace");
    struct at scope = at_key(at, "scope");
    const char *own = r->p->object->namespace_;
    const char *name = read_needed(l, &name_at);
    const char *namespace_ = own && !namespace_at.node ? own : read_needed(l, &namespace_at);
    const char *word = read_text(l, &scope);
    if (word && strcmp(word, "Cluster") != 0) /* [V31] */
        read_error(l, &scope, "only Cluster is possible here");
    const struct service *s = name && namespace_ ? inventory_service(l, namespace_, name) : NULL;
    for (size_t i = 0; s && i < s->address_count * s->port_count; i++) {
        const struct service_port *p = &s->ports[i % s->port_count];
        struct peer *peer = &r->c->peer;
        *list = arena_grow(&l->snapshot->arena, *list, peer->service_count, cap, sizeof **list);
        (*list)[peer->service_count++] =
            (struct service_match){s->addresses[i / s->port_count], p->proto, p->port};
    }
    if (name && namespace_ && !s)
        read_warning(l, at, "Service %s/%s is not in the set; nothing matches", namespace_, name);
}

static void to_services_read(struct rule_read *r)
{
    struct at at = at_key(r->at, "toServices");
    struct service_match *list = NULL;
    size_t cap = 0;
    r->to_services = read_list(r->l, &at);
    if (!r->to_services)
        return; /* absent and empty: no restriction [PEER-1] */
    for (size_t i = 0; i < r->to_services; i++) {
        struct at item = at_item(&at, i);
        to_service_read(r, &item, &list, &cap);
    }
    if (r->peers.entries || r->ports.ports || r->ports.protocols) /* [V30] */
        read_error(r->l, &at, "cannot be combined with to, ports or protocols");
    struct at l7 = at_key(r->at, "l7Protocols");
    if (l7.node) /* [V38] */
        read_error(r->l, &l7, "cannot be combined with toServices");
    read_warning(r->l, &at,
                 "matches only where the Service's own address is seen, that is in "
                 "front of the translation to an endpoint");
    r->c->peer.any = false;
    r->c->peer.services = list;
    r->c->peer.text = "toServices";
}

/* Rules about multicast [V35] [V36]. */
static void multicast_check(struct rule_read *r)
{
    struct at protocols = at_key(r->at, "protocols"), to = at_key(r->at, "to");
    enum action action = r->c->rule.action;
    bool soft = action == ACTION_PASS || action == ACTION_REJECT;
    if (r->ports.igmp) {
        if (soft)
            read_error(r->l, &protocols, "igmp needs Allow or Drop");
        if (r->ports.igmp != r->ports.protocols || r->ports.ports || r->peers.entries ||
            r->to_services)
            read_error(r->l, &protocols,
                       "igmp cannot be combined with icmp, ports, from, to or toServices");
    }
    if (r->direction == DIRECTION_EGRESS && r->peers.multicast) {
        if (soft)
            read_error(r->l, &to, "multicast blocks need Allow or Drop");
        if (r->peers.multicast != r->peers.entries)
            read_error(r->l, &to, "multicast blocks cannot be mixed with other peers");
    }
}

static void rule_applied(struct rule_read *r)
{
    struct at at = at_key(r->at, "appliedTo"), peers = at_key(r->at, "from");
    applied_read(r->l, &at, r->p, IN_RULE_APPLIED, &r->applied);
    if (r->p->applied.entries)
        r->applied = r->p->applied; /* both: told by applied_places() */
    if (!r->applied.services)
        return;
    if (r->direction == DIRECTION_EGRESS) /* [V14] */
        read_error(r->l, r->at, "a rule applied to a service has to be an ingress rule");
    if (r->peers.blocks != r->peers.entries) /* [V16] */
        read_error(r->l, &peers, "a rule applied to a service takes ipBlock peers only");
}

static const char *action_word(enum action a)
{
    static const char *const words[] = {"none", "allow", "drop", "reject", "pass"};
    return words[a];
}

/* The given name, or one made of the content [NAME-2]; unique in the policy [V06]. */
static void name_read(struct rule_read *r, struct content content)
{
    struct load *l = r->l;
    struct at at = at_key(r->at, "name");
    const char *name = read_text(l, &at);
    bool given = name && *name, fresh;
    if (!given)
        name = arena_printf(&l->scratch, "%s-%s-%07x",
                            r->direction == DIRECTION_INGRESS ? "ingress" : "egress",
                            action_word(r->c->rule.action), (unsigned)(content.a & 0xfffffff));
    names_add(&r->p->names, name, &fresh);
    if (!fresh && given)
        read_error(l, &at, "another rule of this policy has this name");
    else if (!fresh)
        read_error(l, r->at, "another rule of this policy says the same; give them names");
    r->c->rule.name = keep(l, name);
}

static void rule_fields(struct rule_read *r)
{
    static const char *const known[2][10] = {
        [DIRECTION_INGRESS] = {"name", "action", "from", "ports", "protocols", "l7Protocols",
                               "appliedTo", "enableLogging", "logLabel"},
        [DIRECTION_EGRESS] = {"name", "action", "to", "toServices", "ports", "protocols",
                              "l7Protocols", "appliedTo", "enableLogging", "logLabel"},
    };
    static const char *const misplaced[2][2] = {
        [DIRECTION_INGRESS] = {"to", "toServices"},
        [DIRECTION_EGRESS] = {"from", NULL},
    };
    bool ingress = r->direction == DIRECTION_INGRESS;
    const char *const *list = known[r->direction];
    for (size_t i = 0; i < r->at->node->count; i++) {
        const struct node *key = r->at->node->keys[i];
        bool found = false, wrong = false;
        for (size_t k = 0; k < (ingress ? 9u : 10u); k++)
            found |= key_is(key, list[k]);
        for (size_t k = 0; k < 2; k++)
            wrong |=
                misplaced[r->direction][k] && strcmp(misplaced[r->direction][k], key->text) == 0;
        if (wrong) {
            struct at place = {.up = r->at, .key = key->text, .node = key};
            read_error(r->l, &place, "is not allowed in an %s rule",
                       ingress ? "ingress" : "egress");
        } else if (!found) {
            read_unknown_key(r->l, r->at, key, list, ingress ? 9 : 10);
        }
    }
}

static void l7_check(struct rule_read *r)
{
    struct at at = at_key(r->at, "l7Protocols");
    l7_read(r->l, &at, &r->ports, &r->c->rule);
    if (r->c->rule.l7 && r->c->rule.action != ACTION_ALLOW && r->c->rule.action != ACTION_NONE)
        read_error(r->l, &at, "needs action Allow"); /* [V37] */
}

static void rule_read(struct load *l, struct policy *p, const struct at *at,
                      enum direction direction, size_t index)
{
    struct rule_read r = {.l = l, .p = p, .at = at, .direction = direction};
    struct entry_context context = {p->object->kind, p->object->namespace_,
                                    direction == DIRECTION_INGRESS ? IN_FROM : IN_TO};
    if (!read_map(l, at))
        return;
    struct compiled *c = r.c = arena_alloc(&l->snapshot->arena, sizeof *c);
    c->cluster = p->cluster;
    c->layer = p->tier && p->tier->priority == TIER_BASELINE ? LAYER_BASELINE : LAYER_ANTREA;
    c->rule = (struct rule){
        .policy_ref = p->reference,
        .policy_kind = p->cluster ? "ClusterNetworkPolicy" : "NetworkPolicy",
        .namespace_ = keep(l, p->object->namespace_),
        .policy = keep(l, p->object->name),
        .tier = p->tier ? keep(l, p->tier->name) : "",
        .file = keep(l, at->node->file),
        .line = at->node->line,
        .tier_priority = p->tier ? p->tier->priority : 0,
        .priority = p->priority,
        .index = (unsigned)index,
        .direction = direction,
    };
    struct at peers = at_key(at, direction == DIRECTION_INGRESS ? "from" : "to");
    struct at ports = at_key(at, "ports"), protocols = at_key(at, "protocols");
    rule_fields(&r);
    action_read(&r);
    peers_read(l, &peers, &context, &c->peer, &r.peers);
    ports_read_all(l, &ports, &protocols, direction, false, &c->ports, &r.ports);
    if (direction == DIRECTION_EGRESS)
        to_services_read(&r);
    l7_check(&r);
    logging_read(&r);
    rule_applied(&r);
    multicast_check(&r);

    struct content content = content_of_node(at->node);
    name_read(&r, content);
    struct content way = {(uint64_t)direction, (uint64_t)direction};
    content = content_join(content_join(content_of_text(p->reference), way), content);
    c->content[0] = content.a;
    c->content[1] = content.b;
    c->applied = r.applied.reach.endpoints;
    c->nodes = r.applied.reach.services;
    c->node_count = r.applied.reach.service_count;
    l->rules = arena_grow(&l->scratch, l->rules, l->rule_count, &l->rule_cap, sizeof *l->rules);
    l->rules[l->rule_count++] = c;
}

/* appliedTo has one place: spec, or every rule [APT-1] [V07] [V08] [V09]. */
static void applied_places(struct load *l, const struct policy *p, const struct at lists[2])
{
    size_t rules = 0, with = 0;
    struct at applied = at_key(&p->spec, "appliedTo");
    for (int d = 0; d < 2; d++) {
        bool list = lists[d].node && lists[d].node->kind == NODE_LIST;
        for (size_t i = 0; list && i < lists[d].node->count; i++) {
            const struct node *own = node_get(lists[d].node->values[i], "appliedTo");
            rules++;
            with += own && own->kind == NODE_LIST && own->count;
        }
    }
    if (p->applied.entries && with)
        read_error(l, &applied, "is given for the policy and for a rule; only one is possible");
    else if (!p->applied.entries && !with)
        read_error(l, &applied, "is required, here or in every rule");
    else if (!p->applied.entries && with < rules)
        read_error(l, &applied, "is given in some rules but not in all");
}

static void policy_priority(struct load *l, struct policy *p)
{
    struct at at = at_key(&p->spec, "priority");
    if (!at.node) {
        read_error(l, &at, "is required");
        return;
    }
    if (!read_given(l, &at))
        return;
    double value;
    if (at.node->kind != NODE_SCALAR || !node_double(at.node, &value))
        read_error(l, &at, "must be a number from 1.0 to 10000.0, without quotes");
    else if (!(value >= PRIORITY_LOW && value <= PRIORITY_HIGH))
        read_error(l, &at, "must be from 1.0 to 10000.0");
    else
        p->priority = value;
}

static void policy_tier(struct load *l, struct policy *p)
{
    struct at at = at_key(&p->spec, "tier");
    const char *text = read_text(l, &at);
    p->tier = tier_find(l, text);
    if (!p->tier) { /* [V04] */
        const char *near = tier_suggest(l, text);
        read_error(l, &at, "there is no tier %s%s%s%s", read_show(l, text, strlen(text)),
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
}

void antrea_read(struct load *l, const struct object *object)
{
    static const char *const top[] = {"apiVersion", "kind", "metadata", "spec", "status"};
    static const char *const known[] = {"tier", "priority", "appliedTo", "ingress", "egress"};
    struct at root = at_root(object->document);
    struct policy p = {.object = object, .cluster = object->kind == OBJECT_ACNP};
    read_known(l, &root, top, COUNT_OF(top));
    p.spec = at_key(&root, "spec");
    if (!p.spec.node)
        read_error(l, &p.spec, "is required");
    if (!read_map(l, &p.spec))
        return;
    read_known(l, &p.spec, known, COUNT_OF(known));
    p.reference =
        p.cluster ? arena_printf(&l->snapshot->arena, "AntreaClusterNetworkPolicy:%s", object->name)
                  : arena_printf(&l->snapshot->arena, "AntreaNetworkPolicy:%s/%s",
                                 object->namespace_, object->name);
    names_init(&p.names, &l->scratch);
    policy_tier(l, &p);
    policy_priority(l, &p);
    struct at applied = at_key(&p.spec, "appliedTo");
    struct at lists[2] = {at_key(&p.spec, "ingress"), at_key(&p.spec, "egress")};
    applied_read(l, &applied, &p, IN_APPLIED, &p.applied);
    applied_places(l, &p, lists);
    for (int d = 0; d < 2; d++) {
        size_t count = read_list(l, &lists[d]);
        if (d && count && p.applied.services) /* [V14]; told once, not for each rule */
            read_error(l, &lists[d], "a policy applied to a service has no egress rules");
        for (size_t i = 0; i < count; i++) {
            struct at item = at_item(&lists[d], i);
            rule_read(l, &p, &item, d ? DIRECTION_EGRESS : DIRECTION_INGRESS, i);
        }
    }
    l->policy_count++;
}
