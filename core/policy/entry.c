/* SPDX-License-Identifier: Apache-2.0 */
/* entry: one item of appliedTo, from or to: which fields it may have, and in which company. Not:
 * whom it selects (peer.c). */

#include "policy/entry.h"

#include <string.h>
#include "base/address.h"

/* Fields that stand alone in their entry [APT-3] [PEER-3]. */
#define ALONE (ENTRY_BLOCK | ENTRY_GROUP | ENTRY_ACCOUNT | ENTRY_SERVICE | ENTRY_NODE | ENTRY_FQDN)

static const char *const field_names[] = {
    "podSelector",
    "namespaceSelector",
    "namespaces",
    "ipBlock",
    "group",
    "serviceAccount",
    "service",
    "nodeSelector",
    "externalEntitySelector",
    "fqdn",
    "scope",
};

static unsigned entry_allowed(const struct entry_context *c)
{
    bool cluster = c->policy == OBJECT_ACNP;
    if (c->policy == OBJECT_KNP)
        return ENTRY_POD | ENTRY_NAMESPACE | ENTRY_BLOCK;
    switch (c->where) {
    case IN_APPLIED:
        return cluster ? ENTRY_POD | ENTRY_NAMESPACE | ENTRY_GROUP | ENTRY_ACCOUNT | ENTRY_SERVICE |
                             ENTRY_NODE
                       : ENTRY_POD | ENTRY_GROUP | ENTRY_ENTITY;
    case IN_RULE_APPLIED:
        return cluster ? ENTRY_POD | ENTRY_NAMESPACE | ENTRY_GROUP | ENTRY_ACCOUNT | ENTRY_SERVICE
                       : ENTRY_POD | ENTRY_GROUP;
    case IN_FROM:
    case IN_TO:
        break;
    }
    unsigned both = ENTRY_POD | ENTRY_NAMESPACE | ENTRY_BLOCK | ENTRY_GROUP | ENTRY_NODE |
                    (c->where == IN_FROM ? ENTRY_SCOPE : ENTRY_FQDN);
    return both | (cluster ? ENTRY_NAMESPACES | ENTRY_ACCOUNT : ENTRY_ENTITY);
}

static const char *entry_place(const struct entry_context *c)
{
    static const char *const places[2][4] = {
        {"appliedTo of a ClusterNetworkPolicy", "appliedTo of a ClusterNetworkPolicy's rule",
         "from of a ClusterNetworkPolicy", "to of a ClusterNetworkPolicy"},
        {"appliedTo of a NetworkPolicy", "appliedTo of a NetworkPolicy's rule",
         "from of a NetworkPolicy", "to of a NetworkPolicy"},
    };
    return places[c->policy != OBJECT_ACNP][c->where];
}

/* Which fields are there; unknown and misplaced ones are problems [V03] [V17]. */
static bool entry_fields(struct load *l, const struct at *at, const struct entry_context *c,
                         unsigned *given)
{
    unsigned allowed = entry_allowed(c);
    const char *known[COUNT_OF(field_names)];
    size_t known_count = 0;
    bool good = true;
    for (size_t i = 0; i < COUNT_OF(field_names); i++)
        if (allowed >> i & 1)
            known[known_count++] = field_names[i];
    for (size_t i = 0; i < at->node->count; i++) {
        const struct node *key = at->node->keys[i];
        size_t f = 0;
        while (f < COUNT_OF(field_names) && !key_is(key, field_names[f]))
            f++;
        if (f < COUNT_OF(field_names) && allowed >> f & 1) {
            struct at value = at_key(at, field_names[f]);
            if (read_given(l, &value))
                *given |= 1u << f;
            continue;
        }
        good = false;
        if (f == COUNT_OF(field_names)) {
            read_unknown_key(l, at, key, known, known_count);
        } else {
            struct at place = {.up = at, .key = field_names[f], .node = key};
            read_error(l, &place, "is not allowed in %s", entry_place(c));
        }
    }
    return good;
}

static const char *field_named(unsigned field)
{
    size_t i = 0;
    while (!(field >> i & 1))
        i++;
    return field_names[i];
}

/* Do the fields that are there go together? */
static bool entry_company(struct load *l, const struct at *at, const struct entry_context *c,
                          unsigned given)
{
    given &= ~(unsigned)ENTRY_SCOPE;
    unsigned alone = given & ALONE;
    if (!given) {
        read_error(l, at, "selects nothing; to select everything leave out %s",
                   c->where == IN_TO     ? "to"
                   : c->where == IN_FROM ? "from"
                                         : "nothing: use podSelector: {}");
        return false;
    }
    if (alone && given != (alone & (0 - alone))) {
        unsigned first = alone & (0 - alone), other = given & ~first;
        read_error(l, at, "%s cannot be combined with %s in one entry", field_named(first),
                   field_named(other));
        return false;
    }
    if ((given & ENTRY_NAMESPACES) && (given & ENTRY_NAMESPACE)) {
        read_error(l, at, "namespaces cannot be combined with namespaceSelector in one entry");
        return false;
    }
    if ((given & ENTRY_ENTITY) && (given & ENTRY_POD)) {
        read_error(l, at,
                   "externalEntitySelector cannot be combined with podSelector in one entry");
        return false;
    }
    return true;
}

bool address_is_multicast(const struct l7_address *a)
{
    return a->family == 6 ? a->bytes[0] == 0xff : a->bytes[0] >= 224 && a->bytes[0] < 240;
}

static bool cidr_read(struct load *l, const struct at *at, struct cidr *out, const char **text)
{
    *text = read_needed(l, at);
    if (!*text)
        return false;
    if (address_parse_cidr(*text, &out->net, &out->prefix))
        return true;
    read_error(l, at, "%s is no CIDR such as 10.0.0.0/8", read_show(l, *text, strlen(*text)));
    return false;
}

bool block_read(struct load *l, const struct at *at, struct block *out, const char **text)
{
    static const char *const known[] = {"cidr", "except"};
    if (!read_map(l, at))
        return false;
    read_known(l, at, known, COUNT_OF(known));
    struct at cidr = at_key(at, "cidr"), except = at_key(at, "except");
    const char *word;
    if (!cidr_read(l, &cidr, &out->cidr, &word))
        return false;
    out->multicast = address_is_multicast(&out->cidr.net);
    *text = arena_printf(&l->scratch, "ipBlock %s", word);
    size_t count = read_list(l, &except);
    struct cidr *list = arena_array(&l->scratch, count, sizeof *list);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(&except, i);
        if (!cidr_read(l, &item, &list[i], &word)) {
            good = false;
        } else if (list[i].prefix <= out->cidr.prefix ||
                   !address_in(&list[i].net, &out->cidr.net, out->cidr.prefix)) {
            read_error(l, &item, "is not strictly inside cidr"); /* [V28] [PEER-7] */
            good = false;
        }
    }
    if (count)
        *text =
            arena_printf(&l->scratch, "%s except %zu block%s", *text, count, count > 1 ? "s" : "");
    if (count == 1 && good)
        *text = arena_printf(&l->scratch, "ipBlock %s except %s", read_text(l, &cidr), word);
    out->except = list;
    out->except_count = count;
    return good;
}

bool reference_read(struct load *l, const struct at *at, const char *fallback,
                    struct reference *out)
{
    static const char *const known[] = {"name", "namespace"};
    if (!read_map(l, at))
        return false;
    read_known(l, at, known, COUNT_OF(known));
    struct at name = at_key(at, "name"), namespace_ = at_key(at, "namespace");
    out->name = read_needed(l, &name);
    out->namespace_ = fallback && !namespace_.node ? fallback : read_needed(l, &namespace_);
    return out->name && out->namespace_;
}

/* sameLabels: keys [PEER-4] [V22] [V23]. */
static bool same_labels_read(struct load *l, const struct at *at, struct entry *out)
{
    size_t count = read_list(l, at);
    bool good = count > 0;
    if (!good && at->node->kind == NODE_LIST)
        read_error(l, at, "needs at least one label key");
    uint32_t *list = arena_array(&l->scratch, count, sizeof *list);
    out->text = "namespaces sameLabels";
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(at, i);
        const char *key = read_text(l, &item);
        if (!key || !label_key_valid(key)) {
            if (key)
                read_error(l, &item, "%s is no label key", read_show(l, key, strlen(key)));
            good = false;
            continue;
        }
        list[i] = names_add(&l->words, key, NULL);
        if (i < 8)
            out->text = arena_printf(&l->scratch, "%s %s", out->text, key);
    }
    out->same_labels = list;
    out->same_label_count = count;
    return good;
}

static bool namespaces_read(struct load *l, const struct at *at, struct entry *out)
{
    static const char *const known[] = {"match", "sameLabels"};
    if (!read_map(l, at))
        return false;
    read_known(l, at, known, COUNT_OF(known));
    struct at match_at = at_key(at, "match"), same = at_key(at, "sameLabels");
    if (!match_at.node == !same.node) {
        read_error(l, at, "needs match or sameLabels, and only one of them");
        return false;
    }
    if (same.node)
        return same_labels_read(l, &same, out);
    const char *match = read_needed(l, &match_at);
    if (match && strcmp(match, "Self") != 0)
        read_error(l, &match_at, "%s is not known; known: Self",
                   read_show(l, match, strlen(match)));
    out->self = true;
    out->text = "namespaces Self";
    return match && strcmp(match, "Self") == 0;
}

static bool scope_read(struct load *l, const struct at *at)
{
    const char *text = read_needed(l, at);
    if (!text)
        return false;
    if (strcmp(text, "ClusterSet") == 0)
        read_warning(l, at, "there is one cluster only; ClusterSet means Cluster here");
    else if (strcmp(text, "Cluster") != 0) {
        read_error(l, at, "%s is not known; known: Cluster, ClusterSet",
                   read_show(l, text, strlen(text)));
        return false;
    }
    return true;
}

static bool fqdn_read(struct load *l, const struct at *at)
{
    const char *text = read_needed(l, at);
    if (!text)
        return false;
    if (text[strspn(text, "-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.*")])
        read_error(l, at, "%s has a character that names have not: letters, digits, '-', '.', '*'",
                   read_show(l, text, strlen(text)));
    else
        read_error(l, at, "peers by fqdn are not supported yet");
    return false;
}

/* "podSelector app=client in namespace default" */
static const char *selectors_text(struct load *l, const struct entry *e, const char *own)
{
    struct arena *a = &l->scratch;
    const char *what = e->entities.given ? "externalEntitySelector" : "podSelector";
    const char *who = e->entities.given ? e->entities.text : e->pods.text;
    if (e->given & ENTRY_NAMESPACES)
        return who ? arena_printf(a, "%s, %s %s", e->text, what, who) : e->text;
    if (e->namespaces.given && who)
        return arena_printf(a, "%s %s in namespaces with %s", what, who, e->namespaces.text);
    if (e->namespaces.given)
        return arena_printf(a, "namespaceSelector %s", e->namespaces.text);
    return own ? arena_printf(a, "%s %s in namespace %s", what, who, own)
               : arena_printf(a, "%s %s in all namespaces", what, who);
}

static bool entry_values(struct load *l, const struct at *at, const struct entry_context *c,
                         struct entry *e)
{
    struct arena *a = &l->scratch;
    struct at field = at_key(at, field_named(e->given & ~(unsigned)ENTRY_SCOPE));
    switch (e->given & ALONE) {
    case ENTRY_BLOCK:
        return block_read(l, &field, &e->block, &e->text);
    case ENTRY_GROUP:
        e->group = read_needed(l, &field);
        e->text = arena_printf(a, "group %s", e->group ? e->group : "");
        return e->group != NULL;
    case ENTRY_ACCOUNT:
        if (!reference_read(l, &field, NULL, &e->account))
            return false;
        e->text = arena_printf(a, "serviceAccount %s/%s", e->account.namespace_, e->account.name);
        return true;
    case ENTRY_SERVICE:
        if (!reference_read(l, &field, NULL, &e->service))
            return false;
        e->text = arena_printf(a, "service %s/%s", e->service.namespace_, e->service.name);
        return true;
    case ENTRY_NODE:
        selector_read(l, &field, &e->nodes);
        e->text = arena_printf(a, "nodeSelector %s", e->nodes.given ? e->nodes.text : "");
        if (c->where == IN_APPLIED && e->nodes.given) { /* [APT-9] */
            read_error(l, &field, "policies applied to Nodes are not supported yet");
            return false;
        }
        return e->nodes.given;
    case ENTRY_FQDN:
        return fqdn_read(l, &field);
    default:
        break;
    }
    struct at pods = at_key(at, "podSelector"), namespaces = at_key(at, "namespaceSelector");
    struct at entities = at_key(at, "externalEntitySelector"), relative = at_key(at, "namespaces");
    bool good = true;
    if (e->given & ENTRY_POD)
        selector_read(l, &pods, &e->pods);
    if (e->given & ENTRY_NAMESPACE)
        selector_read(l, &namespaces, &e->namespaces);
    if (e->given & ENTRY_ENTITY)
        selector_read(l, &entities, &e->entities);
    if (e->given & ENTRY_NAMESPACES)
        good = namespaces_read(l, &relative, e);
    /* What was given and is no mapping was told. */
    good = good && e->pods.given == !!(e->given & ENTRY_POD) &&
           e->namespaces.given == !!(e->given & ENTRY_NAMESPACE) &&
           e->entities.given == !!(e->given & ENTRY_ENTITY);
    if (good)
        e->text = selectors_text(l, e, c->namespace_);
    return good;
}

bool entry_read(struct load *l, const struct at *at, const struct entry_context *context,
                struct entry *out)
{
    *out = (struct entry){.text = ""};
    if (!read_map(l, at))
        return false;
    bool good = entry_fields(l, at, context, &out->given);
    if (out->given & ENTRY_SCOPE) {
        struct at scope = at_key(at, "scope");
        good = scope_read(l, &scope) && good;
    }
    if (!good && !(out->given & ~(unsigned)ENTRY_SCOPE))
        return false; /* only what was told already */
    return entry_company(l, at, context, out->given) && entry_values(l, at, context, out) && good;
}
