# SPDX-License-Identifier: Apache-2.0
"""Who is where.

    client  -+
    admin   -+- switch === eth1 gate eth2 === web
    stranger-+   (bridge)      (l7guard)

One flat network: 10.10.0.0/16 and fd10:10::/64. "n.h" stands for 10.10.n.h and fd10:10::n:h; the
Pods' addresses are those of docs/examples/*/inventory.yaml. What the gate does not forward is not
forwarded by anything else.
"""

import socket
import subprocess

from .space import Space

# What each namespace owns. Example n has its web Pod at n.7, clients at n.8, others at n.9.
PLACES = {
    "client": [f"{n}.8" for n in range(1, 8)] + [f"{n}.9" for n in (1, 3, 5, 6)],
    "admin": ["2.9"],
    "stranger": ["99.9"],
    "web": [f"{n}.7" for n in (1, 2, 4, 5, 7)] + ["88.80"],
}
CLIENTS = ("client", "admin", "stranger")
OUTSIDE = "88.80"  # a server that is no Pod
MAX_DESCRIPTORS = 4096


def address(spot, family=4):
    n, host = spot.split(".")
    return f"10.10.{n}.{host}" if family == 4 else f"fd10:10::{n}:{host}"


def url_address(spot, family=4):
    return address(spot, 4) if family == 4 else f"[{address(spot, 6)}]"


def place_of(spot):
    """The namespace that owns an address."""
    for name, spots in PLACES.items():
        if spot in spots:
            return name
    raise KeyError(spot)


def socket_family(family):
    return socket.AF_INET if family == 4 else socket.AF_INET6


class Wire(Space):
    """The network, with nothing at the gate yet: neither side reaches the other."""

    def __init__(self):
        super().__init__()
        for name in (*CLIENTS, "switch", "gate", "web"):
            self.add(name)
        lines = ["link add br0 netns {switch} type bridge",
                 "link add eth1 netns {gate} type veth peer name p-gate netns {switch}",
                 "link add eth2 netns {gate} type veth peer name eth0 netns {web}"]
        for name in CLIENTS:
            lines.append(f"link add eth0 netns {{{name}}} type veth peer name p-{name} "
                         "netns {switch}")
        self.ip("\n".join(lines) + "\n")
        # The gate has no address and answers nobody.
        self.run("gate", "sysctl", "-qw", "net.ipv6.conf.eth1.disable_ipv6=1",
                 "net.ipv6.conf.eth2.disable_ipv6=1")
        self.run("switch", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        for port in ("p-gate", *(f"p-{name}" for name in CLIENTS)):
            self.run("switch", "ip", "link", "set", "dev", port, "master", "br0", "up")
        self.run("switch", "ip", "link", "set", "dev", "br0", "type", "bridge", "mcast_snooping", "0",
                 "forward_delay", "0")
        self.run("switch", "ip", "link", "set", "dev", "br0", "up")
        for port in ("eth1", "eth2"):
            self.run("gate", "ip", "link", "set", "dev", port, "up")
        for name in PLACES:
            lines = ["link set eth0 up"]
            for spot in PLACES[name]:
                lines.append(f"addr add {address(spot, 4)}/16 dev eth0")
                lines.append(f"addr add {address(spot, 6)}/64 dev eth0 nodad")
            self.run(name, "ip", "-batch", "-", input="\n".join(lines) + "\n", text=True)

    def plain(self):
        """Join both sides by a kernel bridge: no engine, nothing enforced. Frames are of wire
        size and checksums complete, as a capture on a cable would have them."""
        self.run("gate", "ip", "link", "add", "br9", "type", "bridge", "mcast_snooping", "0",
                 "forward_delay", "0")
        for port in ("eth1", "eth2"):
            self.run("gate", "ip", "link", "set", "dev", port, "master", "br9")
        self.run("gate", "ip", "link", "set", "dev", "br9", "up")
        for name in PLACES:
            self.run(name, "ip", "neigh", "flush", "all", stderr=subprocess.DEVNULL)
            self.run(name, "ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off",
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def unplain(self):
        self.run("gate", "ip", "link", "del", "br9")
