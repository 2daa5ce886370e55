/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* inventory: what selectors resolve against: Pods, Namespaces, Services, Nodes, ExternalEntities.
 *
 * In    inventory objects as documents
 * Out   workloads that have an address of their own, numbered; who owns which address
 * Life  init (read)* finish
 */

#include "policy/label.h"
#include "policy/names.h"
#include "policy/ranges.h"
#include "policy/snapshot.h"

struct namespace_ {
    const char *name;
    struct labels labels;
    bool logging;   /* [NAME-6] */
    bool described; /* by an object; otherwise implied [INV-1] */
};

struct workload {
    enum workload_kind { WORKLOAD_POD, WORKLOAD_ENTITY } kind;
    uint32_t namespace_; /* number in inventory.namespaces */
    const char *name;
    struct labels labels;
    uint32_t account; /* load.words; NAME_NONE for entities */
    const char *node; /* where it is enforced; NULL: not said */
    const char *created;
    struct named_port *ports;
    size_t port_count;
    struct l7_address *addresses;
    size_t address_count;
    const struct node *document;
    size_t owned; /* addresses that no newer Pod has */
};

struct service_port {
    uint8_t proto;
    uint16_t port, node_port; /* 0: none */
};

struct service {
    struct labels selector; /* none: selects nothing */
    struct l7_address *addresses;
    size_t address_count;
    struct service_port *ports;
    size_t port_count;
    bool node_ports; /* type NodePort or LoadBalancer */
};

/* A cluster node. */
struct machine {
    const char *name;
    struct labels labels;
    struct l7_address *own; /* every address it has [BYP-3] */
    size_t own_count;
    struct l7_address *peer; /* those that nodeSelector means [PEER-9] */
    size_t peer_count;
};

struct inventory {
    struct names namespace_names;
    struct namespace_ *namespaces; /* by number */
    size_t namespace_cap;
    struct workload *workloads; /* after inventory_finish() only those that own an address */
    size_t workload_count, workload_cap;
    size_t pod_count;           /* described Pods */
    struct names service_names; /* "namespace/name" */
    struct service *services;
    size_t service_cap;
    struct names machine_names;
    struct machine *machines; /* by number */
    size_t machine_cap;
};

struct load;

void inventory_init(struct load *l);
/* The Namespace's number; unknown ones are implied by being named. */
uint32_t inventory_namespace(struct load *l, const char *name);
void inventory_read_namespace(struct load *l, const struct at *document, const char *name);
void inventory_read_pod(struct load *l, const struct at *document, const char *namespace_,
                        const char *name);
void inventory_read_service(struct load *l, const struct at *document, const char *namespace_,
                            const char *name);
void inventory_read_node(struct load *l, const struct at *document, const char *name);
void inventory_read_entity(struct load *l, const struct at *document, const char *namespace_,
                           const char *name);
/* All documents were read: settle who owns which address [INV-4] and fill the snapshot's map. */
void inventory_finish(struct load *l);

const struct service *inventory_service(const struct load *l, const char *namespace_,
                                        const char *name);
