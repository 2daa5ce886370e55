# SPDX-License-Identifier: Apache-2.0
"""The verdict on one connection and what is said on it: docs/policy.md, but for layer 7.

Part of the reference evaluator. Every rule is looked at for every question; nothing is prepared.
"""

import ipaddress

from said import allowed
from world import address

LAYERS_TOP, LAYER_BASELINE = "top", "baseline"
PROTOCOLS = {"TCP": 6, "UDP": 17, "SCTP": 132, "ICMP": 1, "ICMPv6": 58}
NEIGHBOUR_DISCOVERY = range(133, 138)


class Flow:
    def __init__(self, question):
        self.src, self.dst = address(question["src"]), address(question["dst"])
        proto = question.get("proto", "TCP")
        self.proto = proto if isinstance(proto, int) else PROTOCOLS[proto]
        if self.proto == 1 and self.src.version == 6:
            self.proto = 58
        self.sport, self.dport = question.get("sport", 0), question.get("dport", 0)
        icmp = question.get("icmp") or {}
        self.icmp = (icmp.get("type"), icmp.get("code"))


class Rule:
    """An ingress or egress rule of an ACNP or ANNP."""

    def __init__(self, world, doc, direction, index, body):
        spec, meta = doc["spec"], doc["metadata"]
        self.body, self.direction = body, direction
        cluster = doc["kind"] == "ClusterNetworkPolicy"
        self.policy = meta["name"]
        self.namespace = None if cluster else meta.get("namespace") or "default"
        self.applied = spec.get("appliedTo") or body["appliedTo"]
        self.action, self.items = body["action"], body.get("l7Protocols")
        # [NAME-2]: of a generated name only the beginning is fixed.
        self.name = body.get("name") or f"{direction}-{self.action.lower()}-*"
        tier = world.tier(spec)
        self.layer = LAYER_BASELINE if tier == 253 else LAYERS_TOP  # [TIER-7]
        strictness = ["Drop", "Reject", "L7", "Pass", "Allow"].index(
            "L7" if self.items else self.action)
        # [ORD-6], then [ORD-8].
        self.key = (tier, float(spec["priority"]), index, strictness, 0 if cluster else 1,
                    (self.namespace or "").encode(), self.policy.encode())

    def identity(self):
        return (self.policy, self.namespace, self.name, self.direction)


class Answer:
    """Of one question. `rules`: those that may be named, empty if none decided."""

    def __init__(self, action, rules=(), items=None):
        self.action, self.rules, self.items = action, list(rules), items


class Evaluator:
    def __init__(self, world, node=None):
        self.world, self.node = world, node
        self.read = False
        self.rules = []
        for doc in world.policies:
            for direction in ("ingress", "egress"):
                for index, body in enumerate(doc["spec"].get(direction) or []):
                    self.rules.append(Rule(world, doc, direction, index, body))
        self.rules.sort(key=lambda rule: rule.key)

    # ---- one rule ----

    def entry_applies(self, entry, own, endpoint, flow):
        world = self.world
        if "service" in entry:
            return self.is_node_port(entry["service"], flow)
        if endpoint is None:
            return False
        if "group" in entry:
            return world.in_group(own, entry["group"], endpoint, None)
        if "serviceAccount" in entry:
            return world.by_account(entry["serviceAccount"], endpoint)
        if "externalEntitySelector" in entry:
            return world.entity_by_selectors(entry, own, endpoint)
        return world.pod_by_selectors(entry, own, endpoint)

    def is_node_port(self, reference, flow):
        """[APT-8]: the destination as the client sees it is a Node's address and the Service's
        nodePort. Each Node answers for its own addresses, as for its own Pods [INV-3]."""
        service = self.world.services.get((reference["namespace"], reference["name"]))
        if service is None or service.get("type") not in ("NodePort", "LoadBalancer"):
            return False
        at_node = any(flow.dst in self.world.node_addresses(node) for node in self.world.nodes
                      if self.node in (None, node["metadata"]["name"]))
        return at_node and any(
            port.get("nodePort") == flow.dport and
            PROTOCOLS[port.get("protocol", "TCP")] == flow.proto for port in service["ports"])

    def peer_matches(self, entry, own, subject, peer, addr):
        """Section 6; `subject` is the endpoint under evaluation [PEER-5]."""
        world = self.world
        if "ipBlock" in entry:
            return world.in_block(entry["ipBlock"], addr)
        if "fqdn" in entry:
            return False  # [PEER-8]: nobody has asked for a name
        if "group" in entry:
            return world.in_group(own, entry["group"], peer, addr)
        if "serviceAccount" in entry:
            return world.by_account(entry["serviceAccount"], peer)
        if "nodeSelector" in entry:
            return world.by_node(entry["nodeSelector"], addr)
        if "externalEntitySelector" in entry:
            return world.entity_by_selectors(entry, own, peer)
        if "namespaces" in entry:
            if not self.namespaces_match(entry["namespaces"], subject, peer):
                return False
            return world.pod_by_selectors({"podSelector": entry.get("podSelector", {})}, None, peer)
        return world.pod_by_selectors(entry, own, peer)

    def namespaces_match(self, strategy, subject, peer):
        """[PEER-4] [PEER-5]."""
        if subject is None or peer is None:
            return False
        if "match" in strategy:
            return subject.namespace == peer.namespace
        mine, theirs = (self.world.namespaces[one.namespace] for one in (subject, peer))
        return all(key in mine and theirs.get(key) == mine[key] for key in strategy["sameLabels"])

    def service_matches(self, reference, own, flow):
        """[PEER-10]."""
        service = self.world.services.get((reference.get("namespace") or own, reference["name"]))
        if service is None:
            return False
        addresses = set(service.get("clusterIPs") or []) | {service.get("clusterIP")}
        addresses = {address(text) for text in addresses if text and text != "None"}
        return flow.dst in addresses and any(
            port["port"] == flow.dport and PROTOCOLS[port.get("protocol", "TCP")] == flow.proto
            for port in service["ports"])

    def peers_match(self, rule, subject, peer, addr, flow):
        entries = rule.body.get("from" if rule.direction == "ingress" else "to")
        services = rule.body.get("toServices")
        if services:
            return any(self.service_matches(one, rule.namespace, flow) for one in services)
        return not entries or any(self.peer_matches(entry, rule.namespace, subject, peer, addr)
                                  for entry in entries)

    def port_matches(self, port, flow):
        """[PORT-3] [PORT-4]."""
        protocol = port.get("protocol", "TCP")
        if PROTOCOLS[protocol] != flow.proto:
            return False
        if "sourcePort" in port:
            if not port["sourcePort"] <= flow.sport <= port.get("sourceEndPort",
                                                                port["sourcePort"]):
                return False
        if "port" not in port:
            return True
        if isinstance(port["port"], str):
            target = self.world.owner(flow.dst)
            return target is not None and target.named_port(port["port"], protocol) == flow.dport
        return port["port"] <= flow.dport <= port.get("endPort", port["port"])

    @staticmethod
    def protocol_matches(item, flow):
        """[PORT-5]."""
        if "icmp" not in item or flow.proto not in (1, 58):
            return False
        wanted = item["icmp"] or {}
        return all(wanted.get(key) in (None, number)
                   for key, number in zip(("icmpType", "icmpCode"), flow.icmp))

    def ports_match(self, body, flow):
        """[PORT-1] [PORT-2]."""
        ports, protocols = body.get("ports") or [], body.get("protocols") or []
        if not ports and not protocols:
            return True
        return any(self.port_matches(port, flow) for port in ports) or \
            any(self.protocol_matches(item, flow) for item in protocols)

    # ---- one question [ORD-2] ----

    def ordered(self, layer, direction, subject, peer, addr, flow):
        for rule in self.rules:
            if (rule.layer, rule.direction) == (layer, direction) and \
                    any(self.entry_applies(entry, rule.namespace, subject, flow)
                        for entry in rule.applied) and \
                    self.peers_match(rule, subject, peer, addr, flow) and \
                    self.ports_match(rule.body, flow):
                return rule
        return None

    def kubernetes(self, direction, subject, peer, addr, flow):
        """Section 4.4: (isolated, the rules that match)."""
        isolated, matching = False, []
        for doc in self.world.kubernetes:
            spec, name = doc["spec"], doc["metadata"]["name"]
            own = doc["metadata"].get("namespace") or "default"
            if subject is None or subject.namespace != own or \
                    not self.world.pod_by_selectors({"podSelector": spec.get("podSelector", {})},
                                                    own, subject):
                continue
            types = spec.get("policyTypes") or \
                ["Ingress"] + (["Egress"] if spec.get("egress") else [])  # [KNP-2]
            if direction.capitalize() not in types:
                continue
            isolated = True
            for index, body in enumerate(spec.get(direction) or []):
                entries = body.get("from" if direction == "ingress" else "to")
                if (not entries or any(self.peer_matches(entry, own, subject, peer, addr)
                                       for entry in entries)) and self.ports_match(body, flow):
                    matching.append((name, own, f"{name}/{direction}[{index}]", direction))
        return isolated, matching

    def ask(self, direction, subject, peer, addr, flow):
        rule = self.ordered(LAYERS_TOP, direction, subject, peer, addr, flow)
        if rule is None or rule.action == "Pass":
            isolated, matching = self.kubernetes(direction, subject, peer, addr, flow)
            if matching:
                return Answer("Allow", matching)
            if isolated:
                return Answer("Drop", [(None, None, None, direction)])
            rule = self.ordered(LAYER_BASELINE, direction, subject, peer, addr, flow)
        if rule is None:
            return Answer("Allow")
        return Answer(rule.action, [rule.identity()], rule.items)

    # ---- both questions ----

    def is_local(self, endpoint):
        """[INV-3]."""
        return endpoint is not None and (self.node is None or endpoint.node is None or
                                         endpoint.node == self.node)

    def is_probe(self, flow, target):
        """[BYP-3]. What does not say where it runs is taken to be here [INV-3]."""
        machine = target and (target.node or self.node)
        return machine is not None and any(
            node["metadata"]["name"] == machine and flow.src in self.world.node_addresses(node)
            for node in self.world.nodes)

    def questions(self, flow):
        """[ORD-1]: (egress, ingress); what is not asked is allowed by nobody."""
        source, target = self.world.owner(flow.src), self.world.owner(flow.dst)
        egress = ingress = Answer("Allow")
        if flow.proto == 58 and flow.icmp[0] in NEIGHBOUR_DISCOVERY:  # [BYP-7]
            return egress, ingress
        if self.is_local(source):
            egress = self.ask("egress", source, target, flow.dst, flow)
        itself = source is not None and source is target  # [BYP-4]
        if not itself and not self.is_probe(flow, target):
            subject = target if self.is_local(target) else None
            ingress = self.ask("ingress", subject, source, flow.src, flow)
        return egress, ingress

    def answer(self, question):
        """(verdict, the identities (policy, namespace, rule, direction) of which one is to be
        named). An empty list: no rule, no direction."""
        self.read = False  # were the words of the question looked at?
        flow = Flow(question)
        egress, ingress = self.questions(flow)
        for one in (egress, ingress):
            if one.action in ("Drop", "Reject"):
                return one.action.lower(), one.rules
        captures = [one for one in (egress, ingress) if one.items]
        matched = ingress.rules or egress.rules
        if not captures:
            return "allow", matched
        if flow.proto != 6:
            return "drop", captures[0].rules  # [L7-35]
        if not any(question.get(key) is not None for key in ("http", "tls", "other")):
            return "allow", matched  # [L7-27]
        self.read = True
        for one in captures:  # [L7-37] [L7-38]
            if not allowed(one.items, question):
                return "reject", one.rules
        return "allow", matched
