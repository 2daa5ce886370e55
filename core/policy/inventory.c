/* SPDX-License-Identifier: Apache-2.0 */
/* inventory: reading Pods, Namespaces, Services, Nodes and ExternalEntities. Fields we do not
 * know are normal here [PRI-3]. Not: who owns which address (ownership.c), what is selected
 * (peer.c). */

#include "policy/inventory.h"

#include <string.h>
#include "base/address.h"
#include "policy/load.h"

#define NAMESPACE_LABEL "kubernetes.io/metadata.name"
#define LOGGING_ANNOTATION "networkpolicy.antrea.io/enable-logging"
#define TRANSPORT_ANNOTATION "node.antrea.io/transport-addresses"

void inventory_init(struct load *l)
{
    struct inventory *v = &l->inventory;
    names_init(&v->namespace_names, &l->scratch);
    names_init(&v->service_names, &l->scratch);
    names_init(&v->machine_names, &l->scratch);
}

/* Labels with the one that names the Namespace, whatever was written [INV-1]. */
static struct labels namespace_labels(struct load *l, const struct labels *written,
                                      const char *name)
{
    struct label *list = arena_array(&l->scratch, written->count + 1, sizeof *list);
    struct labels out = {list, 0};
    list[out.count++] = (struct label){names_add(&l->words, NAMESPACE_LABEL, NULL),
                                       names_add(&l->words, name, NULL)};
    for (size_t i = 0; i < written->count; i++)
        if (written->list[i].key != list[0].key)
            list[out.count++] = written->list[i];
    return out;
}

uint32_t inventory_namespace(struct load *l, const char *name)
{
    struct inventory *v = &l->inventory;
    bool fresh;
    uint32_t id = names_add(&v->namespace_names, name, &fresh);
    if (fresh) {
        v->namespaces =
            arena_grow(&l->scratch, v->namespaces, id, &v->namespace_cap, sizeof *v->namespaces);
        struct labels none = {0};
        v->namespaces[id] =
            (struct namespace_){.name = name, .labels = namespace_labels(l, &none, name)};
    }
    return id;
}

void inventory_read_namespace(struct load *l, const struct at *document, const char *name)
{
    struct at metadata = at_key(document, "metadata"), labels_at = at_key(&metadata, "labels");
    struct at annotations = at_key(&metadata, "annotations");
    struct at logging = at_key(&annotations, LOGGING_ANNOTATION);
    uint32_t id = inventory_namespace(l, name);
    struct namespace_ *n = &l->inventory.namespaces[id];
    struct labels labels;
    labels_read(l, &labels_at, &labels);
    n->labels = namespace_labels(l, &labels, name);
    n->described = true;
    const char *value = read_text(l, &logging);
    if (value && strcmp(value, "true") == 0)
        n->logging = true;
    else if (value && strcmp(value, "false") != 0)
        read_warning(l, &logging, "is neither \"true\" nor \"false\"; nothing is logged");
}

static void address_add(struct load *l, struct l7_address **list, size_t *count, size_t *cap,
                        const struct l7_address *address)
{
    for (size_t i = 0; i < *count; i++)
        if (address_equal(&(*list)[i], address))
            return;
    *list = arena_grow(&l->scratch, *list, *count, cap, sizeof **list);
    (*list)[(*count)++] = *address;
}

#define ADDRESSES_MAX 64 /* of one object; Kubernetes gives two */

static void address_read(struct load *l, const struct at *at, struct l7_address **list,
                         size_t *count, size_t *cap)
{
    const char *text = read_text(l, at);
    struct l7_address address;
    if (!text || !*text)
        return;
    if (!address_parse(text, &address))
        read_error(l, at, "%s is no IP address", read_show(l, text, strlen(text)));
    else if (*count < ADDRESSES_MAX)
        address_add(l, list, count, cap, &address);
    else
        read_error(l, at, "is one address too many; %d are read", ADDRESSES_MAX);
}

static bool proto_read(struct load *l, const struct at *at, uint8_t *proto)
{
    const char *text = read_text(l, at);
    *proto = 6;
    if (!text || strcmp(text, "TCP") == 0)
        return true;
    if (strcmp(text, "UDP") == 0)
        *proto = 17;
    else if (strcmp(text, "SCTP") == 0)
        *proto = 132;
    else
        return false;
    return true;
}

/* Named ports of one container or entity; `number` is the key of the port's number. */
static void ports_read(struct load *l, const struct at *list, const char *number,
                       struct workload *w, size_t *cap)
{
    size_t count = read_list(l, list);
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(list, i), name_at = at_key(&item, "name");
        struct at number_at = at_key(&item, number), proto_at = at_key(&item, "protocol");
        const char *name = read_text(l, &name_at);
        struct named_port p = {0};
        int64_t port;
        if (!name || !*name || !read_int(l, &number_at, 1, 65535, &port) ||
            !proto_read(l, &proto_at, &p.proto))
            continue;
        p.name = names_add(&l->words, name, NULL);
        p.port = (uint16_t)port;
        w->ports = arena_grow(&l->scratch, w->ports, w->port_count, cap, sizeof *w->ports);
        w->ports[w->port_count++] = p;
    }
}

static struct workload *workload_new(struct load *l, const struct at *document,
                                     enum workload_kind kind, const char *namespace_,
                                     const char *name)
{
    struct inventory *v = &l->inventory;
    struct at metadata = at_key(document, "metadata"), labels = at_key(&metadata, "labels");
    struct at created = at_key(&metadata, "creationTimestamp");
    v->workloads = arena_grow(&l->scratch, v->workloads, v->workload_count, &v->workload_cap,
                              sizeof *v->workloads);
    struct workload *w = &v->workloads[v->workload_count++];
    *w = (struct workload){.kind = kind,
                           .namespace_ = inventory_namespace(l, namespace_),
                           .name = name,
                           .account = NAME_NONE,
                           .document = document->node};
    labels_read(l, &labels, &w->labels);
    /* YAML reads an unquoted time as a time; its text is what counts. */
    w->created = created.node && created.node->kind == NODE_SCALAR ? created.node->text : "";
    return w;
}

/* Is it a member of sets at all [INV-2]? */
static bool pod_counts(struct load *l, const struct at *spec, const struct at *status)
{
    struct at network = at_key(spec, "hostNetwork"), phase_at = at_key(status, "phase");
    bool host = false;
    read_bool(l, &network, &host);
    const char *phase = read_text(l, &phase_at);
    return !host && !(phase && (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0));
}

void inventory_read_pod(struct load *l, const struct at *document, const char *namespace_,
                        const char *name)
{
    struct at spec = at_key(document, "spec"), status = at_key(document, "status");
    struct at node = at_key(&spec, "nodeName"), account_at = at_key(&spec, "serviceAccountName");
    struct at containers = at_key(&spec, "containers");
    struct at address = at_key(&status, "podIP"), addresses = at_key(&status, "podIPs");
    size_t port_cap = 0, address_cap = 0;
    l->inventory.pod_count++;
    inventory_namespace(l, namespace_);
    if (!pod_counts(l, &spec, &status))
        return;
    struct workload *w = workload_new(l, document, WORKLOAD_POD, namespace_, name);
    const char *account = read_text(l, &account_at);
    w->account = names_add(&l->words, account && *account ? account : "default", NULL);
    w->node = read_text(l, &node);
    size_t count = read_list(l, &containers);
    for (size_t i = 0; i < count; i++) {
        struct at container = at_item(&containers, i), ports = at_key(&container, "ports");
        ports_read(l, &ports, "containerPort", w, &port_cap);
    }
    address_read(l, &address, &w->addresses, &w->address_count, &address_cap);
    count = read_list(l, &addresses);
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(&addresses, i), ip = at_key(&item, "ip");
        address_read(l, &ip, &w->addresses, &w->address_count, &address_cap);
    }
}

void inventory_read_entity(struct load *l, const struct at *document, const char *namespace_,
                           const char *name)
{
    struct at spec = at_key(document, "spec"), endpoints = at_key(&spec, "endpoints");
    struct at ports = at_key(&spec, "ports"), node = at_key(&spec, "externalNode");
    size_t port_cap = 0, address_cap = 0, count = read_list(l, &endpoints);
    struct workload *w = workload_new(l, document, WORKLOAD_ENTITY, namespace_, name);
    w->node = read_text(l, &node);
    ports_read(l, &ports, "port", w, &port_cap);
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(&endpoints, i), ip = at_key(&item, "ip");
        address_read(l, &ip, &w->addresses, &w->address_count, &address_cap);
    }
}

static uint16_t port_read(struct load *l, const struct at *at)
{
    int64_t port = 0;
    read_int(l, at, 0, 65535, &port);
    return (uint16_t)port;
}

void inventory_read_service(struct load *l, const struct at *document, const char *namespace_,
                            const char *name)
{
    struct inventory *v = &l->inventory;
    struct at spec = at_key(document, "spec"), selector = at_key(&spec, "selector");
    struct at type_at = at_key(&spec, "type"), ports = at_key(&spec, "ports");
    struct at one = at_key(&spec, "clusterIP"), all = at_key(&spec, "clusterIPs");
    char *full = arena_printf(&l->scratch, "%s/%s", namespace_, name);
    uint32_t id = names_add(&v->service_names, full, NULL);
    v->services = arena_grow(&l->scratch, v->services, id, &v->service_cap, sizeof *v->services);
    struct service *s = &v->services[id];
    *s = (struct service){0};
    labels_read(l, &selector, &s->selector);
    const char *type = read_text(l, &type_at);
    s->node_ports = type && (strcmp(type, "NodePort") == 0 || strcmp(type, "LoadBalancer") == 0);
    size_t cap = 0, count = read_list(l, &all);
    /* "None": headless, without an address [PEER-10] */
    for (size_t i = 0; i <= count; i++) {
        struct at item = i ? at_item(&all, i - 1) : one;
        const char *text = read_text(l, &item);
        if (text && strcmp(text, "None") != 0)
            address_read(l, &item, &s->addresses, &s->address_count, &cap);
    }
    count = read_list(l, &ports);
    s->ports = arena_array(&l->scratch, count, sizeof *s->ports);
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(&ports, i), proto = at_key(&item, "protocol");
        struct at port = at_key(&item, "port"), node_port = at_key(&item, "nodePort");
        struct service_port *p = &s->ports[s->port_count];
        p->port = port_read(l, &port);
        p->node_port = port_read(l, &node_port);
        if (proto_read(l, &proto, &p->proto))
            s->port_count++;
    }
}

const struct service *inventory_service(const struct load *l, const char *namespace_,
                                        const char *name)
{
    const struct inventory *v = &l->inventory;
    char full[600]; /* two object names of at most 253 bytes each */
    if (strlen(namespace_) + strlen(name) + 2 > sizeof full)
        return NULL;
    strcpy(full, namespace_);
    strcat(full, "/");
    strcat(full, name);
    uint32_t id = names_find(&v->service_names, full);
    return id == NAME_NONE ? NULL : &v->services[id];
}

struct machine_read {
    struct machine *machine;
    size_t own_cap, peer_cap;
};

static void machine_add(struct load *l, struct machine_read *r, const struct l7_address *address,
                        bool peer)
{
    struct machine *m = r->machine;
    if (m->own_count >= ADDRESSES_MAX)
        return;
    address_add(l, &m->own, &m->own_count, &r->own_cap, address);
    if (peer)
        address_add(l, &m->peer, &m->peer_count, &r->peer_cap, address);
}

/* status.addresses: peers are the first of each family of InternalIP, or of ExternalIP when there
 * is no InternalIP [PEER-9]. */
static void machine_addresses(struct load *l, const struct at *list, struct machine_read *r)
{
    static const char *const types[] = {"InternalIP", "ExternalIP"};
    size_t count = read_list(l, list);
    bool internal = false;
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        bool seen4 = false, seen6 = false;
        for (size_t i = 0; i < count; i++) {
            struct at item = at_item(list, i), type_at = at_key(&item, "type");
            struct at address_at = at_key(&item, "address");
            const char *type = read_text(l, &type_at), *text = read_text(l, &address_at);
            struct l7_address address;
            if (!type || !text || strcmp(type, types[t]) != 0 || !address_parse(text, &address))
                continue;
            bool *seen = address.family == 6 ? &seen6 : &seen4;
            machine_add(l, r, &address, !*seen && (t == 0 || !internal));
            *seen = true;
            internal |= t == 0;
        }
    }
}

/* The gateway: the Pod network's address plus one. */
static void machine_gateway(struct load *l, const struct at *at, struct machine_read *r)
{
    const char *text = read_text(l, at);
    struct l7_address net;
    unsigned prefix;
    if (!text || !*text)
        return;
    if (!address_parse_cidr(text, &net, &prefix)) {
        read_error(l, at, "%s is no CIDR", read_show(l, text, strlen(text)));
        return;
    }
    net.bytes[net.family == 6 ? 15 : 3] |= 1;
    machine_add(l, r, &net, true);
}

static void machine_transport(struct load *l, const struct at *at, struct machine_read *r)
{
    const char *text = read_text(l, at);
    while (text && *text) {
        size_t len = strcspn(text, ",");
        char word[ADDRESS_TEXT_MAX];
        struct l7_address address;
        const char *start = text + strspn(text, " ");
        size_t size = start < text + len ? (size_t)(text + len - start) : 0;
        while (size && start[size - 1] == ' ')
            size--;
        if (size && size < sizeof word) {
            memcpy(word, start, size);
            word[size] = '\0';
            if (address_parse(word, &address))
                machine_add(l, r, &address, true);
            else
                read_warning(l, at, "%s is no IP address", read_show(l, word, size));
        }
        text += len + (text[len] == ',');
    }
}

void inventory_read_node(struct load *l, const struct at *document, const char *name)
{
    struct inventory *v = &l->inventory;
    struct at metadata = at_key(document, "metadata"), labels = at_key(&metadata, "labels");
    struct at annotations = at_key(&metadata, "annotations");
    struct at transport = at_key(&annotations, TRANSPORT_ANNOTATION);
    struct at spec = at_key(document, "spec"), cidr = at_key(&spec, "podCIDR");
    struct at cidrs = at_key(&spec, "podCIDRs");
    struct at status = at_key(document, "status"), addresses = at_key(&status, "addresses");
    uint32_t id = names_add(&v->machine_names, name, NULL);
    v->machines = arena_grow(&l->scratch, v->machines, id, &v->machine_cap, sizeof *v->machines);
    struct machine_read r = {.machine = &v->machines[id]};
    *r.machine = (struct machine){.name = name};
    labels_read(l, &labels, &r.machine->labels);
    machine_addresses(l, &addresses, &r);
    machine_gateway(l, &cidr, &r);
    size_t count = read_list(l, &cidrs);
    for (size_t i = 0; i < count; i++) {
        struct at item = at_item(&cidrs, i);
        machine_gateway(l, &item, &r);
    }
    machine_transport(l, &transport, &r);
}
