/* SPDX-License-Identifier: Apache-2.0 */
/* object: which object a document is, and who reads it. Inventory is read at once, the rest when
 * all of it is known. Not: which files there are (files.c), what an object says. */

#include <string.h>
#include "base/suggest.h"
#include "policy/load.h"

enum reader {
    READ_LATER, /* kept as a struct object */
    READ_NAMESPACE,
    READ_POD,
    READ_SERVICE,
    READ_NODE,
    READ_ENTITY,
    READ_CONFIG,
};

struct known {
    const char *api, *kind;
    enum reader reader;
    enum object_kind object;
    bool namespaced;
};

#define ANTREA_GROUP "crd.antrea.io"
#define ANTREA_API ANTREA_GROUP "/v1beta1"
#define ENTITY_API ANTREA_GROUP "/v1alpha2"
#define KUBERNETES_GROUP "networking.k8s.io"

static const struct known known_kinds[] = {
    {ANTREA_API, "ClusterNetworkPolicy", READ_LATER, OBJECT_ACNP, false},
    {ANTREA_API, "NetworkPolicy", READ_LATER, OBJECT_ANNP, true},
    {ANTREA_API, "Tier", READ_LATER, OBJECT_TIER, false},
    {ANTREA_API, "ClusterGroup", READ_LATER, OBJECT_CLUSTER_GROUP, false},
    {ANTREA_API, "Group", READ_LATER, OBJECT_GROUP, true},
    {KUBERNETES_GROUP "/v1", "NetworkPolicy", READ_LATER, OBJECT_KNP, true},
    {ENTITY_API, "ExternalEntity", READ_ENTITY, OBJECT_KNP, true},
    {"v1", "Namespace", READ_NAMESPACE, OBJECT_KNP, false},
    {"v1", "Pod", READ_POD, OBJECT_KNP, true},
    {"v1", "Service", READ_SERVICE, OBJECT_KNP, true},
    {"v1", "Node", READ_NODE, OBJECT_KNP, false},
    {"v1", "ConfigMap", READ_CONFIG, OBJECT_KNP, true},
};

static const char *const policy_kinds[] = {"NetworkPolicy", "ClusterNetworkPolicy", "Tier",
                                           "ClusterGroup", "Group"};

static bool is_policy_kind(const char *kind)
{
    for (size_t i = 0; i < COUNT_OF(policy_kinds); i++)
        if (strcmp(kind, policy_kinds[i]) == 0)
            return true;
    return false;
}

static bool in_group(const char *api, const char *group)
{
    size_t len = strlen(group);
    return strncmp(api, group, len) == 0 && api[len] == '/';
}

/* A kind that we do not read: refused when leaving it out would enforce less than its author
 * wrote [OBJ-3], otherwise skipped with one line. */
static void object_unknown(struct load *l, const struct at *at, const char *api, const char *kind)
{
    static const char *const refused[] = {"policy.networking.k8s.io",
                                          "security.antrea.tanzu.vmware.com",
                                          "core.antrea.tanzu.vmware.com"};
    const char *shown = read_show(l, api, strlen(api));
    struct at place = at_key(at, "apiVersion");
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (in_group(api, refused[i])) {
            read_error(l, &place, "objects of %s are not supported", refused[i]);
            return;
        }
    }
    if (in_group(api, "l7guard.io")) {
        read_error(l, &place, "objects of l7guard.io are not supported yet; write %s", ANTREA_API);
        return;
    }
    bool antrea = in_group(api, ANTREA_GROUP);
    if (antrea && is_policy_kind(kind)) {
        read_error(l, &place, "%s is not a supported version of %s; use %s", shown, kind,
                   ANTREA_API);
    } else if (antrea && strcmp(kind, "ExternalEntity") == 0) {
        read_error(l, &place, "%s is not a supported version of %s; use %s", shown, kind,
                   ENTITY_API);
    } else if (in_group(api, KUBERNETES_GROUP) && strcmp(kind, "NetworkPolicy") == 0) {
        read_error(l, &place, "%s is not a supported version of NetworkPolicy; use %s/v1", shown,
                   KUBERNETES_GROUP);
    } else if (strcmp(kind, "NetworkPolicy") == 0 || strcmp(kind, "ClusterNetworkPolicy") == 0) {
        read_error(l, &place, "%s has no %s that is supported; known: %s and %s/v1", shown, kind,
                   ANTREA_API, KUBERNETES_GROUP);
    } else if (antrea && suggest(kind, policy_kinds, COUNT_OF(policy_kinds))) {
        struct at kind_at = at_key(at, "kind");
        read_error(l, &kind_at, "unknown kind %s; did you mean %s?",
                   read_show(l, kind, strlen(kind)),
                   suggest(kind, policy_kinds, COUNT_OF(policy_kinds)));
    } else {
        bool fresh;
        names_add(&l->skipped, arena_printf(&l->scratch, "%s %s", api, kind), &fresh);
        if (fresh)
            read_warning(l, at, "%s of %s is not used here; such objects are skipped",
                         read_show(l, kind, strlen(kind)), shown);
    }
}

static bool object_name(struct load *l, const struct at *at, const char **name)
{
    *name = read_needed(l, at);
    if (*name && !object_name_valid(*name)) {
        read_error(l, at, "%s is no object name: lower-case letters, digits, '-' and '.'",
                   read_show(l, *name, strlen(*name)));
        *name = NULL;
    }
    return *name != NULL;
}

/* Name and Namespace; false with a problem. [OBJ-2] [V50] */
static bool object_metadata(struct load *l, const struct at *at, const struct known *k,
                            const char **namespace_, const char **name)
{
    struct at metadata = at_key(at, "metadata"), name_at = at_key(&metadata, "name");
    struct at namespace_at = at_key(&metadata, "namespace");
    if (!metadata.node) {
        read_error(l, at, "has no metadata");
        return false;
    }
    if (!read_map(l, &metadata) || !object_name(l, &name_at, name))
        return false;
    const char *text = read_text(l, &namespace_at);
    bool given = text && *text;
    if (given && !k->namespaced) {
        read_error(l, &namespace_at, "%s is cluster-scoped and has no namespace", k->kind);
        return false;
    }
    if (given && !object_name(l, &namespace_at, &text))
        return false;
    *namespace_ = given ? text : k->namespaced ? "default" : NULL;
    return true;
}

/* Two settings of Antrea's agent count [OBJ-3]. */
static void config_read(struct load *l, const struct at *at, const char *name)
{
    struct at data = at_key(at, "data"), conf_at = at_key(&data, "antrea-agent.conf");
    if (strcmp(name, "antrea-config") != 0)
        return;
    const char *text = read_text(l, &conf_at);
    if (!text)
        return;
    struct yaml_file *file = NULL;
    char *file_name = arena_printf(&l->scratch, "%s (antrea-agent.conf)", at->node->file);
    l->files = arena_grow(&l->scratch, l->files, l->file_count, &l->file_cap, sizeof *l->files);
    if (yaml_parse(file_name, text, conf_at.node->len, false, l->problems, &file))
        return;
    l->files[l->file_count++] = file;
    if (!file->count)
        return;
    struct at conf = at_root(file->documents[0]);
    struct at checksum = at_key(&conf, "disableTXChecksumOffload");
    struct at gates = at_key(&conf, "featureGates"), gate = at_key(&gates, "L7NetworkPolicy");
    bool value;
    if (read_bool(l, &checksum, &value) && value)
        l->snapshot->disable_tx_checksum = true;
    if (read_bool(l, &gate, &value) && !value)
        l->l7_refused = true;
}

static void object_dispatch(struct load *l, const struct at *at, const struct known *k,
                            const char *namespace_, const char *name)
{
    switch (k->reader) {
    case READ_LATER:
        l->objects = arena_grow(&l->scratch, l->objects, l->object_count, &l->object_cap,
                                sizeof *l->objects);
        l->objects[l->object_count++] = (struct object){at->node, k->object, name, namespace_};
        break;
    case READ_NAMESPACE:
        inventory_read_namespace(l, at, name);
        break;
    case READ_POD:
        inventory_read_pod(l, at, namespace_, name);
        break;
    case READ_SERVICE:
        inventory_read_service(l, at, namespace_, name);
        break;
    case READ_NODE:
        inventory_read_node(l, at, name);
        break;
    case READ_ENTITY:
        inventory_read_entity(l, at, namespace_, name);
        break;
    case READ_CONFIG:
        config_read(l, at, name);
        break;
    }
}

static void object_read(struct load *l, const struct at *at, const char *api, const char *kind)
{
    const struct known *k = NULL;
    const char *namespace_ = NULL, *name;
    for (size_t i = 0; i < COUNT_OF(known_kinds); i++)
        if (strcmp(known_kinds[i].api, api) == 0 && strcmp(known_kinds[i].kind, kind) == 0)
            k = &known_kinds[i];
    if (!k) {
        object_unknown(l, at, api, kind);
        return;
    }
    if (!object_metadata(l, at, k, &namespace_, &name))
        return;
    const char *slash = strchr(api, '/');
    int group = slash ? (int)(slash - api) : 0;
    bool fresh;
    names_add(&l->identities,
              arena_printf(&l->scratch, "%.*s|%s|%s|%s", group, api, kind,
                           namespace_ ? namespace_ : "", name),
              &fresh);
    if (!fresh) {
        struct at metadata = at_key(at, "metadata"), place = at_key(&metadata, "name");
        read_error(l, &place, "%s %s%s%s is in the set twice", kind, namespace_ ? namespace_ : "",
                   namespace_ ? "/" : "", name);
        return;
    }
    object_dispatch(l, at, k, namespace_, name);
}

/* apiVersion and kind, or what the list around the object gives. */
static bool object_type(struct load *l, const struct at *at, const char **api, const char **kind)
{
    struct at api_at = at_key(at, "apiVersion"), kind_at = at_key(at, "kind");
    if (api_at.node || !*api)
        *api = read_needed(l, &api_at);
    if (kind_at.node || !*kind)
        *kind = read_needed(l, &kind_at);
    return *api && *kind;
}

static const char *list_item_kind(struct load *l, const char *kind)
{
    size_t len = strlen(kind), tail = strlen("List");
    if (len < tail || strcmp(kind + len - tail, "List") != 0)
        return NULL;
    char *item = arena_copy(&l->scratch, kind);
    item[len - tail] = '\0';
    return item;
}

static void document_read(struct load *l, const struct node *document)
{
    struct at at = at_root(document);
    const char *api = NULL, *kind = NULL, *item_kind;
    if (!read_map(l, &at) || !object_type(l, &at, &api, &kind))
        return;
    struct at items = at_key(&at, "items");
    if (!items.node || !(item_kind = list_item_kind(l, kind))) {
        object_read(l, &at, api, kind);
        return;
    }
    size_t count = read_list(l, &items);
    for (size_t i = 0; i < count; i++) {
        /* A problem's path is the object's own; file and line tell which item it is. */
        struct at item = at_root(items.node->values[i]);
        const char *of = *item_kind ? api : NULL, *what = *item_kind ? item_kind : NULL;
        if (!read_map(l, &item) || !object_type(l, &item, &of, &what))
            continue;
        const char *inner = list_item_kind(l, what);
        if (inner && node_get(item.node, "items"))
            read_error(l, &item, "a %s inside a list is not supported",
                       read_show(l, what, strlen(what)));
        else
            object_read(l, &item, of, what);
    }
}

void objects_read(struct load *l)
{
    size_t files = l->file_count; /* a ConfigMap may add one */
    l->null_is_absent = true;
    for (size_t i = 0; i < files; i++)
        for (size_t k = 0; k < l->files[i]->count; k++)
            document_read(l, l->files[i]->documents[k]);
    l->null_is_absent = false;
}
