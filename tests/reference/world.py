# SPDX-License-Identifier: Apache-2.0
"""What a policy directory says exists: Pods, Namespaces, Services, Nodes, groups, tiers, policies.

Part of the reference evaluator: written from docs/policy.md alone, with no thought for speed. It
decides who owns an address and what a selector selects. Documents are taken to be valid; refusing
is not judged here. Input is JSON: one object or one List a file.
"""

import glob
import ipaddress
import json
import os

ANTREA = ("crd.antrea.io/v1beta1", "l7guard.io/v1")  # [EXT-1]
BUILT_IN_TIERS = {"emergency": 50, "securityops": 100, "networkops": 150,
                  "platform": 200, "application": 250, "baseline": 253}  # [TIER-1]
TIER_ALIASES = {"Emergency", "SecurityOps", "NetworkOps", "Platform", "Application", "Baseline"}
NAME_LABEL = "kubernetes.io/metadata.name"


def address(text):
    return ipaddress.ip_address(text)


def selects(selector, labels):
    """Section 2.3. An empty selector selects every object."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for wanted in selector.get("matchExpressions") or []:
        key, operator, values = wanted["key"], wanted["operator"], wanted.get("values") or []
        there = key in labels
        fits = {"In": there and labels.get(key) in values,
                "NotIn": not there or labels[key] not in values,
                "Exists": there,
                "DoesNotExist": not there}[operator]
        if not fits:
            return False
    return True


class Endpoint:
    """A Pod or an ExternalEntity: what can be selected by labels."""

    def __init__(self, kind, meta):
        self.kind = kind
        self.namespace = meta.get("namespace") or "default"
        self.name = meta["name"]
        self.labels = meta.get("labels") or {}
        self.addresses, self.ports = set(), []
        self.account, self.node, self.created = None, None, ""

    def named_port(self, name, protocol):
        """[PORT-4] [INV-2]: the first by (name, protocol)."""
        for port_name, port_protocol, number in self.ports:
            if (port_name, port_protocol) == (name, protocol):
                return number
        return None


def read_pod(doc):
    """A Pod that can be selected, or None [INV-2]."""
    spec, status = doc.get("spec") or {}, doc.get("status") or {}
    if spec.get("hostNetwork") or status.get("phase") in ("Succeeded", "Failed"):
        return None
    pod = Endpoint("pod", doc["metadata"])
    pod.account = spec.get("serviceAccountName") or "default"
    pod.node = spec.get("nodeName") or None
    pod.created = doc["metadata"].get("creationTimestamp") or ""
    texts = [status.get("podIP")] + [one["ip"] for one in status.get("podIPs") or []]
    pod.addresses = {address(text) for text in texts if text}
    for container in spec.get("containers") or []:
        for port in container.get("ports") or []:
            pod.ports.append((port.get("name"), port.get("protocol", "TCP"),
                              port["containerPort"]))
    return pod


def read_entity(doc):
    entity = Endpoint("entity", doc["metadata"])
    spec = doc.get("spec") or {}
    entity.node = spec.get("externalNode") or None  # where it is enforced, as [INV-3] for Pods
    entity.addresses = {address(one["ip"]) for one in spec.get("endpoints") or []}
    entity.ports = [(port.get("name"), port.get("protocol", "TCP"), port["port"])
                    for port in spec.get("ports") or []]
    return entity


def documents(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, encoding="utf-8") as file:
            doc = json.load(file)
        yield from doc["items"] if doc.get("kind") == "List" else [doc]


class World:
    def __init__(self, folder):
        self.namespaces, self.endpoints, self.services, self.nodes = {}, [], {}, []
        self.groups, self.tiers = {}, dict(BUILT_IN_TIERS)
        self.policies, self.kubernetes = [], []
        for doc in documents(folder):
            self.take(doc)
        for endpoint in self.endpoints:
            if endpoint.kind == "pod" and endpoint.namespace not in self.namespaces:
                self.namespaces[endpoint.namespace] = {NAME_LABEL: endpoint.namespace}  # [INV-1]

    def take(self, doc):
        version, kind, meta = doc["apiVersion"], doc["kind"], doc["metadata"]
        key = (meta.get("namespace") or "default", meta["name"])
        if kind == "Namespace":
            labels = dict(meta.get("labels") or {})
            labels[NAME_LABEL] = meta["name"]
            self.namespaces[meta["name"]] = labels
        elif kind == "Pod":
            pod = read_pod(doc)
            self.endpoints += [pod] if pod else []
        elif kind == "ExternalEntity":
            self.endpoints.append(read_entity(doc))
        elif kind == "Service":
            self.services[key] = doc["spec"]
        elif kind == "Node":
            self.nodes.append(doc)
        elif kind == "Tier":
            self.tiers[meta["name"]] = doc["spec"]["priority"]
        elif kind == "ClusterGroup":
            self.groups[(None, meta["name"])] = doc["spec"]
        elif kind == "Group":
            self.groups[key] = doc["spec"]
        elif version in ANTREA:
            self.policies.append(doc)
        elif kind == "NetworkPolicy":
            self.kubernetes.append(doc)

    def tier(self, spec):
        """[TIER-2] [TIER-3]."""
        name = spec.get("tier") or "application"
        return self.tiers[name.lower() if name in TIER_ALIASES else name]

    # ---- addresses ----

    def owner(self, addr):
        """The Pod or ExternalEntity at an address; of several Pods the newest, then the last
        [INV-4]. None: external [INV-5]."""
        best = None
        for one in self.endpoints:
            if addr in one.addresses and (best is None or one.created >= best.created):
                best = one
        return best

    def node_addresses(self, node):
        """Every address a Node has."""
        return {address(one["address"]) for one in (node.get("status") or {}).get("addresses", [])
                if one["type"] in ("InternalIP", "ExternalIP")} | self.node_extras(node)

    @staticmethod
    def node_extras(node):
        """Gateways (network address of each podCIDR plus one) and transport addresses [PEER-9]."""
        spec = node.get("spec") or {}
        cidrs = set(spec.get("podCIDRs") or []) | {spec.get("podCIDR")}
        found = {ipaddress.ip_network(cidr).network_address + 1 for cidr in cidrs if cidr}
        annotations = node["metadata"].get("annotations") or {}
        texts = annotations.get("node.antrea.io/transport-addresses", "").split(",")
        return found | {address(text) for text in texts if text}

    def node_peers(self, node):
        """What a nodeSelector peer stands for [PEER-9]."""
        listed = (node.get("status") or {}).get("addresses", [])
        found = set()
        wanted = "InternalIP" if any(a["type"] == "InternalIP" for a in listed) else "ExternalIP"
        for version in (4, 6):
            of_family = [address(a["address"]) for a in listed
                         if a["type"] == wanted and address(a["address"]).version == version]
            found |= set(of_family[:1])
        return found | self.node_extras(node)

    # ---- membership ----

    def pod_by_selectors(self, entry, own, endpoint):
        """podSelector, namespaceSelector or both; `own` limits a lone podSelector, if not None."""
        if endpoint is None or endpoint.kind != "pod":
            return False
        if "namespaceSelector" in entry:
            if not selects(entry["namespaceSelector"], self.namespaces[endpoint.namespace]):
                return False
        elif own is not None and endpoint.namespace != own:
            return False
        return selects(entry.get("podSelector", {}), endpoint.labels)

    def entity_by_selectors(self, entry, own, endpoint):
        if endpoint is None or endpoint.kind != "entity":
            return False
        if "namespaceSelector" in entry:
            if not selects(entry["namespaceSelector"], self.namespaces[endpoint.namespace]):
                return False
        elif own is not None and endpoint.namespace != own:
            return False
        return selects(entry["externalEntitySelector"], endpoint.labels)

    @staticmethod
    def in_block(block, addr):
        """[PEER-7]. No address: asked for an appliedTo, to which blocks contribute nothing."""
        if addr is None:
            return False
        inside = lambda cidr: addr in ipaddress.ip_network(cidr, strict=False)
        return inside(block["cidr"]) and not any(inside(c) for c in block.get("except") or [])

    def by_account(self, account, endpoint):
        return (endpoint is not None and endpoint.kind == "pod" and
                (endpoint.namespace, endpoint.account) == (account["namespace"], account["name"]))

    def by_node(self, selector, addr):
        return addr is not None and any(
            selects(selector, node["metadata"].get("labels") or {}) and
            addr in self.node_peers(node) for node in self.nodes)

    def in_group(self, own, name, endpoint, addr):
        """Section 6.1; a group that is missing has no member [APT-5]."""
        spec = self.groups.get((own, name))
        if spec is None:
            return False
        if spec.get("childGroups"):
            return any(self.in_group(own, child, endpoint, addr) for child in spec["childGroups"])
        if spec.get("ipBlocks"):
            return any(self.in_block(block, addr) for block in spec["ipBlocks"])
        if "serviceReference" in spec:
            return self.behind_service(spec["serviceReference"], own, endpoint)
        if "nodeSelector" in spec:
            return self.by_node(spec["nodeSelector"], addr)
        if "externalEntitySelector" in spec:
            return self.entity_by_selectors(spec, own, endpoint)
        return self.pod_by_selectors(spec, own, endpoint)

    def behind_service(self, reference, own, endpoint):
        """[GRP-3]."""
        namespace = reference.get("namespace") or own
        service = self.services.get((namespace, reference["name"]))
        wanted = (service or {}).get("selector")
        return bool(wanted) and endpoint is not None and endpoint.kind == "pod" and \
            endpoint.namespace == namespace and selects({"matchLabels": wanted}, endpoint.labels)
