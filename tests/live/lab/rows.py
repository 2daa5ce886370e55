# SPDX-License-Identifier: Apache-2.0
"""Rows of test_evasion.py: the network with an attacker in it, what a row may say, and what is true
after every one.

A row runs with a request that the policy allows, which must be served exactly once, and with one
that it does not allow, of which not even the path may be seen at the server's interface.
"""

import functools
import json
import time
import unittest

from . import serve
from .attacker import Connection, Ear, Host, in_order
from .guard import Guard
from .tap import RST
from .wire import Wire, address

WEB = {4: address("1.7", 4), 6: address("1.7", 6)}
DEEP = {4: "10.30.0.2", 6: "fd10:30::2"}  # behind a router
POLICY = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: evasion, labels: {app: web}}
status: {podIPs: [{ip: 10.10.1.7}, {ip: "fd10:10::1:7"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: deep, namespace: evasion, labels: {app: web}}
status: {podIPs: [{ip: 10.30.0.2}, {ip: "fd10:30::2"}]}
---
apiVersion: crd.antrea.io/v1beta1
kind: NetworkPolicy
metadata: {name: public, namespace: evasion}
spec:
  priority: 5
  tier: application
  appliedTo: [{podSelector: {matchLabels: {app: web}}}]
  ingress:
    - name: get-public
      action: Allow
      ports: [{protocol: TCP, port: 80}, {protocol: TCP, port: 8090}]
      l7Protocols: [{http: {method: GET, path: "/public/*"}}]
    - name: tls
      action: Allow
      ports: [{protocol: TCP, port: 443}]
      l7Protocols: [{tls: {}}]
"""
FAST_OPEN = 0x603  # server, cookie not required, on every listener
SECRET = b"/secret/"
FIRST = "/public/first"  # allowed in every row
HTTP_PORTS = (serve.HTTP, serve.UPLOAD)


def request(path, method="GET", extra=""):
    return f"{method} {path} HTTP/1.1\r\nHost: web\r\n{extra}\r\n".encode()


class Talk(Connection):
    """A connection of one row: what it may send, and what should have become of it."""

    def __init__(self, test, family, allowed, server=None, **how):
        self.test, self.allowed = test, allowed
        super().__init__(test.host, server or WEB[family], **how)
        self.path, other = f"/public/{self.sport}", f"/secret/{self.sport}"
        if not allowed:
            self.path, other = other, self.path
        self.text, self.other = request(self.path), request(other)
        self.good, self.bad = (self.text, self.other) if allowed else (self.other, self.text)
        test.talks.append(self)

    def sibling(self, **how):
        """Another connection of this row; with `sport`: by the same addresses and ports again."""
        return Talk(self.test, self.family, self.allowed, **how)

    def asked(self, first=FIRST, **how):
        """Open, have a first request answered; where the next one begins."""
        self.open(**how)
        self.send(request(first))
        self.answered()
        return len(request(first))

    # What should have happened: requests that were served, and alerts, since the row began.

    def served(self, *paths):
        """These requests reached the server and were answered, no other; nobody was refused."""
        self._happened(paths, ())
        if self.dport in HTTP_PORTS:
            self.test.assertEqual(self.answered(len(paths)), [200] * len(paths))
        self.test.assertFalse(self.was_reset, "reset")

    def refused(self, reason, *before):
        """One alert, both ends were reset, and only `before` reached the server."""
        self.wait("an end", lambda: self.was_reset or len(self.statuses()) > len(before))
        self._happened(before, (reason,))
        self.test.assertTrue(self.was_reset, "no reset")
        self.test.ear.wait("a reset to the server", 3, lambda: any(
            s.flags & RST for s in self.test.ear.segments(self.sport) if s.sport == self.sport))

    def judged(self, *before, reason="no-match"):
        if self.allowed:
            self.served(*before, self.path)
        else:
            self.refused(reason, *before)

    def ignored(self, *before):
        """Nothing came of it: only `before` reached the server, no alert."""
        time.sleep(0.1)
        self._happened(before, ())

    def _happened(self, paths, reasons):
        expected = self.test.expected.setdefault(self.sport, ([], []))
        expected[0].extend(paths)
        expected[1].extend(reasons)

        def there():
            seen = self.test.seen(self.sport)
            return len(seen[0]) >= len(expected[0]) and len(seen[1]) >= len(expected[1])
        end = time.monotonic() + 3
        while not there() and time.monotonic() < end:
            time.sleep(0.01)
        self.test.assertEqual(self.test.seen(self.sport), expected, "(requests, alerts)")

    def dropped(self, reason, *more):
        """Frames were dropped for these reasons, as often as they are named."""
        drops = self.test.guard.status()["frames"]["drops"]
        before = self.test.status["frames"]["drops"]
        for one in {reason, *more}:
            count = drops.get(one, 0) - before.get(one, 0)
            self.test.assertEqual(count, (reason, *more).count(one), f"dropped: {one}")


def row(families=(4, 6), **how):
    """A test with a request that is allowed and one that is not, for each family. `how`: as
    Talk()."""
    def decorate(test):
        @functools.wraps(test)
        def run(self):
            for family in families:
                for allowed in (True, False):
                    with self.subTest(family=family, allowed=allowed):
                        self.one(test, family, allowed, how)
        return run
    return decorate


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Wire()
        cls.router()
        # Where bridges are given a firewall, it discards wrong checksums before we see them.
        cls.lab.run("switch", "sysctl", "-eqw", "net.bridge.bridge-nf-call-iptables=0",
                    "net.bridge.bridge-nf-call-ip6tables=0")
        # The server would take data on a SYN from anybody, if it got any.
        cls.lab.run("web", "sysctl", "-qw", f"net.ipv4.tcp_fastopen={FAST_OPEN}")
        cls.nginx = serve.Nginx(cls.lab)
        cls.deep = serve.Server(cls.lab, serve.UPLOAD, serve.upload, "deep")
        cls.guard = Guard(cls.lab)
        cls.lab.write("guard/policies/evasion.yaml", POLICY)
        cls.guard.start()
        link = cls.lab.run("web", "ip", "-j", "link", "show", "eth0", capture_output=True)
        cls.host = Host(cls.lab, "stranger", "99.66", json.loads(link.stdout)[0]["address"])
        cls.ear = Ear(cls.lab, "web")
        cls.status = cls.guard.status()  # when the row began
        cls.expected = {}  # by client port: paths served, reasons of alerts

    @classmethod
    def router(cls):
        """web forwards to deep, for packets that do not live that long."""
        cls.lab.add("deep")
        cls.lab.ip("link add eth1 netns {web} type veth peer name eth0 netns {deep}\n")
        for where, iface, host, more in (
                ("web", "eth1", 1, ""),
                ("deep", "eth0", 2, "route add default via 10.30.0.1\n"
                                    "route add fd10::/16 via fd10:30::1\n")):
            cls.lab.run(where, "ip", "-batch", "-", text=True, input=(
                f"link set {iface} up\naddr add 10.30.0.{host}/24 dev {iface}\n"
                f"addr add fd10:30::{host}/64 dev {iface} nodad\n{more}"))
        cls.lab.run("web", "sysctl", "-qw", "net.ipv4.ip_forward=1",
                    "net.ipv6.conf.all.forwarding=1")

    @classmethod
    def tearDownClass(cls):
        try:
            # What came late would have come by now.
            for port, expected in cls.expected.items():
                assert cls.seen(port) == expected, f"port {port}: {cls.seen(port)}, {expected}"
            alerts = sum(len(reasons) for _, reasons in cls.expected.values())
            refused = cls.guard.status()["flows"]["refused"]
            assert refused == alerts == len(cls.guard.records(kind="alert")), (refused, alerts)
            assert cls.guard.stop() == 0, cls.guard.said()
        finally:
            cls.lab.close()

    @classmethod
    def seen(cls, port):
        """What one client port has got through, and why it was refused."""
        deep = cls.deep.seen.get(port, b"").decode()
        return ([target for _, _, _, target in cls.nginx.from_port(port)]
                + [line.split()[1] for line in deep.splitlines()],
                [r["policy"]["reason"] for r in cls.guard.records(port, "alert")])

    def one(self, test, family, allowed, how):
        """A row, and what is true after each."""
        self.talks, self.secret_is_old = [], False
        fragments = self.ear.fragments
        t = Talk(self, family, allowed, **how)
        try:
            test(self, t)
        finally:
            for talk in self.talks:
                if not talk.was_reset:
                    talk.abort()
            type(self).status = self.guard.status()
        for talk in self.talks:
            at_server = [s for s in self.ear.segments(talk.sport) if s.sport == talk.sport]
            shown = b"|".join(s.payload for s in at_server) + in_order(at_server, talk.isn + 1)
            self.assertTrue(self.secret_is_old or SECRET not in shown, f"at the server: {shown}")
        self.assertEqual(self.ear.fragments, fragments, "fragments of TCP go on as segments")
        status, frames = self.status, self.status["frames"]
        self.assertEqual(frames["received"], frames["forwarded"] + frames["dropped"]
                         + frames["rejected"] + frames["held"])
        self.assertEqual(frames["dropped"], sum(frames["drops"].values()))
        self.assertEqual((status["records"]["lost"], status["capture"]["lost"],
                          status["capture"]["send_errors"]), (0, 0, 0))
