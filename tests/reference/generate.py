# SPDX-License-Identifier: Apache-2.0
"""Random inventories and policies that a loader has to accept, and questions that are likely to
meet them. Decides nothing about verdicts. Everything comes from the random generator handed in.
"""

import ipaddress
import json

NAMESPACES = ["red", "green", "blue", "default"]
KEYS, VALUES = ["app", "env", "tier"], ["a", "b", "c", ""]
ACCOUNTS = ["default", "web", "robot"]
PORT_NAMES = ["http", "dns", "admin"]
PORTS = [53, 80, 443, 1000, 1005, 8080, 65535]
TIERS = ["", "emergency", "securityops", "Platform", "application", "application", "Baseline",
         "baseline"]
PRIORITIES = [1, 1.0, 1.001, 1.002, 5, 5.5, 10000]
EXTERNAL = ["192.0.2.1", "192.0.2.127", "192.0.2.128", "192.0.2.255", "198.51.103.255",
            "198.51.100.7", "203.0.113.200", "2001:db8::1", "2001:db8:1::9"]
BLOCKS = ["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.1.0.0/24", "10.1.0.16/28", "10.1.0.3/32",
          "192.0.2.77/24", "192.0.2.128/25", "198.51.100.0/22", "fd00:1::/64", "fd00:1::/125",
          "2001:db8::/32", "2001:db8::1/128", "172.16.0.0/12"]
NODE_NAMES = ["node-a", "node-b"]
GROUPS = ["g0", "g1", "g2", "g3", "none"]
SERVICES = ["s0", "s1", "s2", "absent"]

HOSTS = ["foo.bar.com", "FOO.Bar.com", "www.foo.com", "foo.com", "a.b.foo.com", "foo.bar.com.",
         "foo.bar.com:80", "10.0.0.1", "[2001:db8::1]:8080", "xfoo.com", "bar.foo.", "foo.com..:81"]
BAD_HOSTS = ["me@foo.com", "foo.com/x", "foo com", "foo,com", "foo?com", "foo\\com"]
HOST_PATTERNS = ["*", "**", "", "foo.bar.com", "FOO.bar.com", "*.foo.com", "*foo*", "*.bar.*",
                 "f*r.com", "10.*", "2001:db8::1", "w*.*.com", "foo.com", "foo.com.", "*.com..",
                 "foo.bar.com:80", "*:80"]
SNIS = ["foo.bar.com", "www.foo.com", "FOO.bar.com", "foo.com.", "a.b.foo.com", "xfoo.com"]
SEGMENTS = ["public", "admin", "api", "v2", "x", "a.html", ".", "..", "...", "", "%2e", "%2E%2e",
            "..;x", "x;y", ";", ".;", "%70ublic", "a%2fb", "a%5cb", "\\", "\\..\\", "%252e%252e",
            "%25252e", "%2525252e", "%252525252e", "%3f", "%23x", "%00", "%0a", "%7f", "%zz", "%4",
            "a#b", "%25", "%2541", "%c3%a9", "\u00e9", "*", "%2a", "a:b", "~", "A", "%41", "%3b",
            "public%3bx", "..%3b", "%5c%2e%2e"]
QUERIES = ["", "?", "?a=1", "?x=.html", "?x=/v2/", "?a=%41", "??", "?a=1?b", "?x=/public/../"]
PATH_PATTERNS = ["", "*", "**", "/*", "/public/*", "/public", "/admin", "*/v2/*", "*.html", "/a*b",
                 "/api/v2/*", "*public*", "/x", "/public/*?a=1", "*?*", "/*?x=*", "/%70ublic/*",
                 "/%41*", "*A", "/*/*", "/*/x", "x*", "/api//v2", "/public/../*", "*%2f*", "*%2e*",
                 "/%c3%a9*", "*/;*", "/", "*/", "?a=1", "*/*?", "/*%zz*", "*%5C*", "/a:b",
                 "*?a=%41", "*?a=A", "/*%3f*", "/x%3B*", "*?*=1?b", "/*%25*"]
METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "TRACE", "OPTIONS", "CONNECT", "PATCH"]


class Generator:
    def __init__(self, random):
        self.random = random
        self.docs = []
        self.pods, self.names = [], 0
        self.few = random.random() < 0.5  # small worlds tie and shadow more
        self.crowd = not self.few and random.random() < 0.15  # lists that are not walked
        self.priorities = self.some(PRIORITIES, 1, 2) if self.few else PRIORITIES

    # ---- small things ----

    def chance(self, p):
        return self.random.random() < p

    def pick(self, items):
        return self.random.choice(items)

    def some(self, items, least=0, most=3):
        count = min(len(items), self.random.randint(least, most))
        return self.random.sample(items, count)

    def labels(self):
        return {key: self.pick(VALUES) for key in self.some(KEYS, 1)}

    def selector(self):
        found = {}
        if self.chance(0.2):
            return found
        if self.chance(0.6):
            found["matchLabels"] = {key: self.pick(VALUES[:3]) for key in self.some(KEYS, 0, 1)}
        if self.chance(0.4):
            found["matchExpressions"] = [self.expression() for _ in range(self.pick([0, 1, 1, 2]))]
        return found

    def expression(self):
        operator = self.pick(["In", "NotIn", "Exists", "DoesNotExist"])
        found = {"key": self.pick(KEYS), "operator": operator}
        if operator in ("In", "NotIn"):
            found["values"] = self.some(VALUES, 1, 3)
        return found

    def namespace_selector(self):
        if self.chance(0.3):
            return {"matchLabels": {"kubernetes.io/metadata.name": self.pick(NAMESPACES)}}
        return self.selector()

    def add(self, version, kind, name, namespace=None, **rest):
        meta = {"name": name}
        if namespace not in (None, "default") or (namespace == "default" and self.chance(0.5)):
            meta["namespace"] = namespace
        meta.update(rest.pop("meta", {}))
        self.docs.append({"apiVersion": version, "kind": kind, "metadata": meta, **rest})

    # ---- inventory ----

    def inventory(self):
        for name in NAMESPACES[:3]:
            labels = self.labels()
            if self.chance(0.2):
                labels["kubernetes.io/metadata.name"] = "wrong"
            self.add("v1", "Namespace", name, meta={"labels": labels})
        if self.chance(0.5):
            self.add("v1", "Namespace", "default", meta={"labels": self.labels()})
        for index in range(self.random.randint(3, 7 if self.few else 14)):
            self.pod(index)
        for index in range(self.random.randint(0, 3)):
            self.entity(index)
        for name in SERVICES[:3]:
            if self.chance(0.7):
                self.service(name)
        for index, name in enumerate(NODE_NAMES):
            if self.chance(0.7):
                self.node(index, name)

    def pod(self, index):
        spec, status = {}, {}
        last = index if self.chance(0.9) else self.random.randint(0, index)  # [INV-4]
        v4, v6 = f"10.1.0.{last + 1}", f"fd00:1::{last + 1:x}"
        if self.chance(0.9):
            status["podIP"] = v4
        if self.chance(0.7):
            status["podIPs"] = [{"ip": v4}] + ([{"ip": v6}] if self.chance(0.8) else [])
        if self.chance(0.06):
            status["phase"] = self.pick(["Succeeded", "Failed"])
        elif self.chance(0.5):
            status["phase"] = "Running"
        if self.chance(0.05):
            spec["hostNetwork"] = True
        if self.chance(0.6):
            spec["nodeName"] = self.pick(NODE_NAMES)
        if self.chance(0.6):
            spec["serviceAccountName"] = self.pick(ACCOUNTS)
        spec["containers"] = [{"name": "c", "image": "i", "ports": self.container_ports()}
                              for _ in range(self.random.randint(1, 2))]
        if self.chance(0.2):
            spec["initContainers"] = [{"name": "i", "ports": self.container_ports()}]
        meta = {"labels": self.labels()}
        if self.chance(0.7):
            meta["creationTimestamp"] = f"2026-01-0{self.random.randint(1, 5)}T00:00:00Z"
        namespace = self.pick(NAMESPACES) if self.chance(0.95) else "unheard-of"
        self.add("v1", "Pod", f"pod-{index}", namespace, meta=meta, spec=spec, status=status)
        self.pods.append((v4, v6))

    def container_ports(self):
        found = []
        for name in self.some(PORT_NAMES, 0, 2):
            port = {"name": name, "containerPort": self.pick(PORTS)}
            if self.chance(0.4):
                port["protocol"] = self.pick(["TCP", "UDP", "SCTP"])
            found.append(port)
        return found

    def entity(self, index):
        v4, v6 = f"172.16.0.{index + 1}", f"fd00:2::{index + 1}"
        ports = [{"name": name, "port": self.pick(PORTS), **(
            {"protocol": "UDP"} if self.chance(0.3) else {})} for name in self.some(PORT_NAMES)]
        spec = {"endpoints": [{"ip": v4}] + ([{"ip": v6}] if self.chance(0.5) else []),
                "ports": ports}
        if self.chance(0.5):
            spec["externalNode"] = self.pick(NODE_NAMES + ["vm"])
        self.add("crd.antrea.io/v1alpha2", "ExternalEntity", f"vm-{index}",
                 self.pick(NAMESPACES[:3]), meta={"labels": self.labels()}, spec=spec)
        self.pods.append((v4, v6))

    def service(self, name):
        kind = self.pick(["ClusterIP", "NodePort", "LoadBalancer"])
        number = int(name[1:]) + 1
        spec = {"type": kind, "clusterIP": f"10.96.0.{number}", "ports": []}
        if self.chance(0.15):
            spec = {"clusterIP": "None", "ports": []}
            kind = "ClusterIP"
        elif self.chance(0.4):
            spec["clusterIPs"] = [f"10.96.0.{number}", f"fd00:96::{number}"]
        if self.chance(0.85):
            spec["selector"] = {self.pick(KEYS): self.pick(VALUES[:3])}
        for port in self.some(PORTS[:4], 1, 2):
            one = {"name": f"p{port}", "port": port, "targetPort": 8080}
            if kind != "ClusterIP":
                one["nodePort"] = 30000 + port
            if self.chance(0.3):
                one["protocol"] = "UDP"
            spec["ports"].append(one)
        self.add("v1", "Service", name, self.pick(NAMESPACES[:2]), spec=spec)

    def node(self, index, name):
        addresses = []
        if self.chance(0.8):
            addresses.append({"type": "InternalIP", "address": f"10.9.0.{index + 1}"})
            if self.chance(0.3):
                addresses.append({"type": "InternalIP", "address": f"10.9.0.{index + 101}"})
        if self.chance(0.6):
            addresses.append({"type": "ExternalIP", "address": f"203.0.113.{index + 1}"})
        if self.chance(0.4):
            addresses.append({"type": "InternalIP", "address": f"fd00:9::{index + 1}"})
        addresses.append({"type": "Hostname", "address": name})
        meta = {"labels": self.labels()}
        if self.chance(0.2):
            meta["annotations"] = {"node.antrea.io/transport-addresses": f"10.8.0.{index + 1}"}
        spec = {"podCIDR": f"10.{index + 2}.0.0/24"} if self.chance(0.6) else {}
        self.add("v1", "Node", name, meta=meta, spec=spec, status={"addresses": addresses})

    # ---- groups ----

    def groups(self):
        for namespace in [None] + NAMESPACES[:3]:
            for name in GROUPS[:4]:
                if self.chance(0.8 if namespace is None else 0.5):
                    spec = self.group(namespace, name)
                    self.add("crd.antrea.io/v1beta1", "ClusterGroup" if namespace is None else
                             "Group", name, namespace, spec=spec)

    def group(self, namespace, name):
        """g0, g1: Pods of one's own scope, so that they may stand in an appliedTo [APT-5]."""
        if name == "g0":
            return {"podSelector": self.selector()}
        if name == "g1":
            return {"externalEntitySelector": self.selector()} if self.chance(0.3) else \
                {"podSelector": self.selector()}
        if name == "g3":
            return {"childGroups": self.some(["g0", "g1", "g2", "none"], 1, 3)}
        kinds = ["blocks", "namespaces", "both", "service", "entity"]
        kind = self.pick(kinds + (["node"] if namespace is None else []))
        if kind == "blocks":
            return {"ipBlocks": [self.block() for _ in range(self.random.randint(1, 2))]}
        if kind == "service":
            return {"serviceReference": {"name": self.pick(SERVICES),
                                         "namespace": namespace or self.pick(NAMESPACES[:2])}}
        if kind == "entity":
            return {"externalEntitySelector": self.selector(),
                    "namespaceSelector": self.namespace_selector()}
        if kind == "node":
            return {"nodeSelector": self.selector()}
        found = {"namespaceSelector": self.namespace_selector()}
        if kind == "both":
            found["podSelector"] = self.selector()
        return found

    def block(self):
        cidr = self.pick(BLOCKS)
        network = ipaddress.ip_network(cidr, strict=False)
        found = {"cidr": cidr}
        if network.prefixlen < network.max_prefixlen and self.chance(0.4):
            inside = [b for b in BLOCKS if ipaddress.ip_network(b, strict=False) != network and
                      ipaddress.ip_network(b, strict=False).version == network.version and
                      ipaddress.ip_network(b, strict=False).subnet_of(network)]
            found["except"] = self.some(inside, 0, 2)
        return found

    # ---- policies ----

    def tiers(self):
        found = []
        for priority in self.some([0, 10, 49, 120, 220, 249], 0, 2):
            name = f"tier-{priority}"
            self.add("crd.antrea.io/v1beta1", "Tier", name,
                     spec={"priority": priority, "description": "custom"})
            found.append(name)
        if self.chance(0.1):
            self.add("crd.antrea.io/v1beta1", "Tier", "emergency", spec={"priority": 50})
        return found

    def policies(self):
        tiers = TIERS + self.tiers() * 2
        for _ in range(self.random.randint(2, 6 if self.few else 80 if self.crowd else 16)):
            self.policy(self.pick(tiers))
        for _ in range(self.pick([0, 0, 1, 2, 3])):
            self.kubernetes()

    def policy(self, tier):
        cluster = self.chance(0.5)
        namespace = None if cluster else self.pick(NAMESPACES)
        spec = {"priority": self.pick(self.priorities)}
        if tier or self.chance(0.5):
            spec["tier"] = tier
        by_rule = self.chance(0.3)
        service = cluster and not self.crowd and self.chance(0.1)
        if not by_rule:
            spec["appliedTo"] = self.applied(namespace, False, service)
        for direction in ["ingress"] if service else ["ingress", "egress"]:
            count = self.pick([0, 1, 1, 2, 3])
            if by_rule and direction == "ingress" and count == 0:
                count = 1
            rules = [self.rule(direction, namespace, tier.lower() == "baseline", by_rule, service)
                     for _ in range(count)]
            if rules and self.chance(0.2):
                del rules[0]["name"]
            if rules or self.chance(0.3):
                spec[direction] = rules
        name = f"{self.pick(['p', 'q', 'z'])}{self.names}"
        self.names += 1
        self.add("crd.antrea.io/v1beta1", "ClusterNetworkPolicy" if cluster else "NetworkPolicy",
                 name, namespace, spec=spec)

    def applied(self, namespace, in_rule, service):
        if self.crowd and self.chance(0.4):
            return [{"podSelector": {}}]
        if service:
            return [{"service": {"name": self.pick(SERVICES), "namespace": self.pick(["red",
                                                                                     "green"])}}]
        return [self.applied_entry(namespace, in_rule) for _ in range(self.pick([1, 1, 2]))]

    def applied_entry(self, namespace, in_rule):
        if namespace is None:
            kind = self.pick(["pod", "pod", "namespace", "both", "group", "account"])
            if kind == "namespace":
                return {"namespaceSelector": self.namespace_selector()}
            if kind == "both":
                return {"namespaceSelector": self.namespace_selector(),
                        "podSelector": self.selector()}
            if kind == "account":
                return {"serviceAccount": {"name": self.pick(ACCOUNTS),
                                           "namespace": self.pick(NAMESPACES)}}
        else:
            kind = self.pick(["pod", "pod", "pod", "group", "entity"])
            if kind == "entity" and not in_rule:
                return {"externalEntitySelector": self.selector()}
        if kind == "group":
            return {"group": self.pick(["g0", "g1", "none"])}
        return {"podSelector": {} if self.chance(0.35) else self.selector()}

    def rule(self, direction, namespace, baseline, by_rule, service):
        actions = ["Allow", "Allow", "Allow", "Drop", "Reject"] + ([] if baseline else ["Pass"])
        self.names += 1
        body = {"name": f"r{self.names}", "action": self.pick(actions)}
        if by_rule:
            body["appliedTo"] = self.applied(namespace, True, service)
        if direction == "egress" and self.chance(0.08):
            body["toServices"] = self.services(namespace)
            return body
        if direction == "ingress" and body["action"] in ("Allow", "Drop") and \
                not service and self.chance(0.02):
            body["protocols"] = [{"igmp": {"igmpType": 0x11, "groupAddress": "224.0.0.1"}}]
            return body
        if self.chance(0.9 if self.crowd else 0.6):
            body["from" if direction == "ingress" else "to"] = [
                {"ipBlock": self.block()} if service else self.peer(direction, namespace)
                for _ in range(self.pick([0, 1, 1, 2, 3]))]
        if self.chance(0.8 if self.crowd else 0.35):
            body["ports"] = [self.port() for _ in range(self.pick([0, 1, 1, 2]))]
        if self.chance(0.15):
            body["protocols"] = [{"icmp": self.icmp()} for _ in range(self.pick([1, 1, 2]))]
        if body["action"] == "Allow" and self.chance(0.55):
            body["l7Protocols"] = self.items()
            if any("http" in item for item in body["l7Protocols"]):  # V39, V40
                body.pop("protocols", None)
                for port in body.get("ports", []):
                    port.pop("protocol", None)
        return body

    def services(self, namespace):
        found = []
        for name in self.some(SERVICES, 0, 2):
            one = {"name": name}
            if namespace is None or self.chance(0.6):
                one["namespace"] = self.pick(NAMESPACES[:2])
            found.append(one)
        return found

    def peer(self, direction, namespace):
        kind = self.pick(["pod", "pod", "namespace", "both", "block", "block", "group"] +
                         (["self", "same", "account", "node"] if namespace is None else
                          ["entity", "entity-ns", "node"]))
        entry = {
            "pod": lambda: {"podSelector": self.selector()},
            "namespace": lambda: {"namespaceSelector": self.namespace_selector()},
            "both": lambda: {"podSelector": self.selector(),
                             "namespaceSelector": self.namespace_selector()},
            "block": lambda: {"ipBlock": self.block()},
            "group": lambda: {"group": self.pick(GROUPS)},
            "self": lambda: {"namespaces": {"match": "Self"}},
            "same": lambda: {"namespaces": {"sameLabels": self.some(KEYS, 1, 2)}},
            "account": lambda: {"serviceAccount": {"name": self.pick(ACCOUNTS),
                                                   "namespace": self.pick(NAMESPACES)}},
            "node": lambda: {"nodeSelector": self.selector()},
            "entity": lambda: {"externalEntitySelector": self.selector()},
            "entity-ns": lambda: {"externalEntitySelector": self.selector(),
                                  "namespaceSelector": self.namespace_selector()},
        }[kind]()
        if kind in ("self", "same") and self.chance(0.4):
            entry["podSelector"] = self.selector()
        if direction == "ingress" and self.chance(0.05):
            entry["scope"] = "Cluster"
        return entry

    def port(self, kubernetes=False):
        found = {}
        if self.chance(0.6):
            found["protocol"] = self.pick(["TCP", "TCP", "UDP", "SCTP"])
        kind = self.pick(["number", "number", "range", "name", "any"])
        if kind == "name":
            found["port"] = self.pick(PORT_NAMES + ["nowhere"])
        elif kind == "number":
            found["port"] = self.pick(PORTS)
        elif kind == "range":
            found["port"] = self.pick(PORTS)
            found["endPort"] = min(65535, found["port"] + self.pick([0, 5, 1000]))
        if not kubernetes and self.chance(0.15):
            found["sourcePort"] = self.pick([1000, 1005, 40000])
            if self.chance(0.5):
                found["sourceEndPort"] = found["sourcePort"] + self.pick([0, 5])
        return found

    def icmp(self):
        found = {}
        if self.chance(0.6):
            found["icmpType"] = self.pick([0, 3, 8, 128])
        if self.chance(0.3):
            found["icmpCode"] = self.pick([0, 1])
        return found

    def items(self):
        return [self.item() for _ in range(30 if self.chance(0.1) else self.pick([1, 1, 2, 3]))]

    def item(self):
        if self.chance(0.25):
            return {"tls": {"sni": self.pick(HOST_PATTERNS + ["*."])} if self.chance(0.7) else {}}
        fields = {}
        if self.chance(0.6):
            fields["path"] = self.pick(PATH_PATTERNS)
        if self.chance(0.4):
            fields["host"] = self.pick(HOST_PATTERNS)
        if self.chance(0.3):
            fields["method"] = self.pick(METHODS)
        return {"http": fields}

    def kubernetes(self):
        spec = {}
        if self.chance(0.9):
            spec["podSelector"] = self.selector()
        for direction in ("ingress", "egress"):
            if self.chance(0.6):
                spec[direction] = [self.kubernetes_rule(direction)
                                   for _ in range(self.pick([0, 1, 1, 2]))]
        if self.chance(0.5):
            spec["policyTypes"] = self.some(["Ingress", "Egress"], 1, 2)
        self.add("networking.k8s.io/v1", "NetworkPolicy", f"k{self.names}",
                 self.pick(NAMESPACES), spec=spec)
        self.names += 1

    def kubernetes_rule(self, direction):
        body = {}
        if self.chance(0.7):
            body["from" if direction == "ingress" else "to"] = [
                self.pick([lambda: {"ipBlock": self.block()},
                           lambda: {"podSelector": self.selector()},
                           lambda: {"namespaceSelector": self.namespace_selector()},
                           lambda: {"podSelector": self.selector(),
                                    "namespaceSelector": self.namespace_selector()}])()
                for _ in range(self.pick([0, 1, 1, 2]))]
        if self.chance(0.5):
            body["ports"] = [self.port(True) for _ in range(self.pick([0, 1, 2]))]
        return body

    # ---- questions ----

    def ends(self):
        family = 4 if self.chance(0.75) else 6
        pods = [pair[0 if family == 4 else 1] for pair in self.pods]
        others = [one for one in EXTERNAL if ("." in one) == (family == 4)]
        others += ["10.9.0.1", "10.9.0.101", "203.0.113.1", "10.2.0.1", "10.8.0.1", "10.96.0.1",
                   "10.96.0.2", "10.9.0.2"] if family == 4 else ["fd00:9::1", "fd00:96::1"]
        pods = pods or others
        src = self.pick(pods if self.chance(0.8) else others)
        dst = self.pick(pods if self.chance(0.8) else others)
        return src, dst

    def question(self):
        src, dst = self.ends()
        found = {"src": src, "dst": dst,
                 "proto": self.random.choices(["TCP", "UDP", "SCTP", "ICMP", 47, 2],
                                              [75, 9, 4, 8, 3, 1])[0]}
        if found["proto"] in ("TCP", "UDP", "SCTP"):
            found["sport"] = self.pick([1000, 1003, 1005, 40000])
            found["dport"] = self.pick(PORTS + [81, 1003, 30053, 30080])
        elif found["proto"] == "ICMP":
            found["icmp"] = {"type": self.pick([0, 3, 8, 128, 135]), "code": self.pick([0, 1, 2])}
        if found["proto"] == "TCP" or self.chance(0.2):
            self.say(found)
        return found

    def say(self, question):
        kind = self.random.choices(["http", "tls", "other", "nothing"], [75, 13, 5, 7])[0]
        if kind == "http":
            question["http"] = self.http()
        elif kind == "tls":
            question["tls"] = {"sni": self.pick(SNIS) if self.chance(0.85) else None}
        elif kind == "other":
            question["other"] = "ssh"

    def http(self):
        host = self.pick(HOSTS) if self.chance(0.8) else None
        if self.chance(0.03):
            host = self.pick(BAD_HOSTS)
        method = self.pick(["GET", "GET", "GET", "POST", "PUT", "OPTIONS", "PATCH", "get",
                            "FORGET"])
        target = "/" + "/".join(self.some(SEGMENTS, 0, 4)) if self.chance(0.6) else \
            "/" + self.pick(["public/", "admin", "api/v2/", "public", "x", "a.html", ""]) + \
            self.pick(["", "x", "a.html", "../admin", "./x"])
        if self.chance(0.35):
            target += self.pick(QUERIES)
        if self.chance(0.08):
            target = self.pick(["http", "HTTP"]) + "://" + self.pick(HOSTS) + \
                ("" if self.chance(0.15) else target)
        elif method == "OPTIONS" and self.chance(0.3):
            target = "*"
        elif self.chance(0.03):
            method, target = "CONNECT", self.pick(["foo.bar.com:443", "www.foo.com:80"])
        return {"method": method, "target": target, "host": host}

    # ---- all ----

    def write(self, path):
        self.inventory()
        self.groups()
        self.policies()
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "kind": "List", "items": self.docs}, file, indent=1)
