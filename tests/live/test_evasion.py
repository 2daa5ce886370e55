#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a client that makes its own packets gets past l7guard to a real server: docs/tcp.md, live.

Each test is one situation. It runs with a request that the policy allows, which must be served
exactly once, and with one that it does not, of which not a byte may be seen at the server; over
IPv4 and IPv6. `t.text` is the request under test, `t.other` the opposite one, of the same length.
"""

import functools
import json
import ssl
import sys
import time
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import attacker, serve  # noqa: E402
from lab.attacker import URG, Connection, Ear, Host, in_order  # noqa: E402
from lab.guard import Guard  # noqa: E402
from lab.tap import ACK, FIN, RST, SYN  # noqa: E402
from lab.wire import Wire, address  # noqa: E402

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
        self.wait("a reset", lambda: self.was_reset)
        self._happened(before, (reason,))
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
            self.test.assertEqual(drops.get(one, 0) - before.get(one, 0), (reason, *more).count(one),
                                  f"dropped: {one}")


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


class Evasion(unittest.TestCase):
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
            seen = {port: cls.seen(port) for port in cls.expected}
            assert seen == cls.expected, f"{seen} is not {cls.expected}"
            alerts = sum(len(reasons) for _, reasons in cls.expected.values())
            refused = cls.guard.status()["flows"]["refused"]
            assert refused == alerts == len(cls.guard.records(kind="alert")), (refused, alerts)
        finally:
            cls.guard.stop()
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

    # Segments

    @row()
    def test_one_segment(self, t):
        t.open()
        t.send(t.text)
        t.judged()

    @row()
    def test_segments_of_one_byte(self, t):
        t.open()
        for at in range(len(t.text)):
            t.send(t.text[at:at + 1], at)
        t.judged()

    @row()
    def test_halves_in_the_wrong_order(self, t):
        half = len(t.text) // 2
        t.open()
        t.send(t.text[half:], half)
        t.send(t.text[:half])
        t.judged()

    @row()
    def test_single_bytes_from_the_last_to_the_first(self, t):
        t.open()
        for at in reversed(range(len(t.text))):
            t.send(t.text[at:at + 1], at)
        t.judged()

    @row()
    def test_a_cut_anywhere_in_the_empty_line(self, t):
        for cut in (1, 2, 3):
            s = t.sibling()
            s.open()
            s.send(s.text[:-cut])
            s.send(s.text[-cut:], len(s.text) - cut)
            s.judged()

    @row()
    def test_sequence_numbers_that_wrap(self, t):
        for isn in (2**32 - 1, 2**32 - 2, 2**32 - 10, 2**32 - len(t.text) - 1, 2**32 - 60):
            s = t.sibling(isn=isn)
            at = s.asked()
            s.send(s.text[:9], at)
            s.send(s.text[9:], at + 9)
            s.judged(FIRST)

    @row()
    def test_two_requests_in_one_segment(self, t):
        t.open()
        t.send(request(FIRST) + t.text)
        t.judged(FIRST)
        s = t.sibling()
        s.open()
        s.send(s.text + request(FIRST))
        if s.allowed:
            s.served(s.path, FIRST)
        else:
            s.refused("no-match")

    # Bytes that are sent twice

    @row()
    def test_overlaps_that_agree(self, t):
        t.open()
        for start, end in ((0, 20), (10, 30), (25, None), (5, None), (0, None)):
            t.send(t.text[start:end], start)
        t.judged()

    @row()
    def test_an_overlap_of_undecided_bytes_that_differs(self, t):
        t.open()
        t.send(t.other[:20])
        t.send(t.text)
        t.refused("overlap-conflict")

    @row()
    def test_of_two_copies_behind_a_hole_the_first_counts(self, t):
        t.open()
        t.send(t.text[5:], 5)
        t.send(t.other[5:], 5)
        t.send(t.text[:5])
        t.judged()
        t.dropped("repeat-of-held")

    @row()
    def test_overlaps_behind_a_hole_that_differ(self, t):
        t.open()
        t.send(t.text[4:], 4)
        t.send(t.other[5:], 5)
        t.send(t.text[:4])
        if t.allowed:
            t.refused("overlap-conflict", t.path)
        else:
            t.refused("no-match")

    @row()
    def test_other_bytes_in_place_of_acknowledged_ones(self, t):
        at = t.asked(t.path.replace("secret", "public"))
        self.secret_is_old = True
        t.send(t.bad)  # as long as the first
        t.send(t.bad[:20])
        t.send(t.bad[-9:] + t.text, at - 9)
        t.judged(t.path.replace("secret", "public"))

    @row()
    def test_a_segment_that_begins_before_the_first_byte(self, t):
        t.open()
        t.send(b"*" * 5 + t.other, -5)
        t.send(t.text)
        t.judged()
        t.dropped("out-of-window")

    @row()
    def test_a_segment_beyond_the_window(self, t):
        t.open()
        t.send(t.other, 200000)
        t.send(t.other, 2**30 + 200000)
        t.send(t.text)
        t.judged()
        t.dropped("out-of-window")

    # Segments that l7guard reads and the server discards

    def insertion(self, t, **how):
        if t.answer is None:
            t.open()
        t.send(t.good, **how)
        time.sleep(0.05)
        self.assertEqual((t.data, t.acked), (b"", 0), "the server took it")
        t.send(t.text)
        t.judged(reason="overlap-conflict")

    @row()
    def test_a_wrong_tcp_checksum(self, t):
        self.insertion(t, bad_checksum=True)

    @row()
    def test_a_denied_request_with_a_wrong_tcp_checksum(self, t):
        t.open()
        t.send(t.bad, bad_checksum=True)
        t.refused("no-match")

    @row(families=(4,))
    def test_a_wrong_ip_checksum(self, t):
        self.insertion(t, bad_ip_checksum=True)

    @row(families=(4,))
    def test_an_ip_source_route(self, t):
        self.insertion(t, ip_options=attacker.SOURCE_ROUTE)

    @row(families=(6,))
    def test_an_unknown_ipv6_option(self, t):
        self.insertion(t, headers=[attacker.UNKNOWN_OPTION])

    @row()
    def test_a_time_to_live_that_ends_behind_us(self, t):
        s = t.sibling(server=DEEP[t.family], dport=serve.UPLOAD)
        self.insertion(s, ttl=1)

    @row(clock=100000)
    def test_a_time_stamp_of_the_past(self, t):
        self.insertion(t, clock=99000)

    @row()
    def test_a_segment_without_ack(self, t):
        self.insertion(t, flags=0)

    @row()
    def test_an_acknowledgement_of_what_was_never_sent(self, t):
        t.open()
        self.insertion(t, ack=(t.answer.seq + 100000) % 2**32)

    @row()
    def test_an_md5_signature_nobody_asked_for(self, t):
        self.insertion(t, options=attacker.MD5)

    # Segments in the server's name

    @row()
    def test_an_acknowledgement_in_the_servers_name(self, t):
        t.open()
        t.send(t.good, bad_checksum=True)
        t.forge(at=len(t.good))
        t.send(t.text)
        t.judged(reason="overlap-conflict")
        t.dropped("wrong-side")

    @row()
    def test_a_handshake_in_the_servers_name(self, t):
        at = t.asked()
        t.send(flags=SYN, at=at + 99)
        t.forge(flags=SYN | ACK, seq=1, at=at + 100)
        t.send(t.good, at + 100)
        t.send(t.text, at)
        t.judged(FIRST)
        t.dropped("wrong-side")

    # Probes

    @row()
    def test_a_client_whose_window_is_closed(self, t):
        t.open(window=0)
        t.send(t.text, window=0)
        time.sleep(0.3)
        self.assertEqual(t.data, b"")
        if t.allowed:
            t.send(at=len(t.text))
        t.judged()

    @row()
    def test_window_probes(self, t):
        t.open()
        t.send(at=-1)
        t.send(t.text[:1])
        t.send(t.text[:1])
        t.send(t.text[1:2], 1)
        t.send(t.text[2:], 2)
        t.judged()

    @row()
    def test_keep_alive_probes(self, t):
        t.open()
        for probe in (b"", b"\0"):
            t.send(probe, -1)
        t.send(request(FIRST))
        t.answered()
        at = len(request(FIRST))
        for probe in (b"", b"\0"):
            heard = len(t.heard)
            t.send(probe, at - 1)
            t.wait("the server's sign of life", lambda: len(t.heard) > heard)
        t.send(t.text, at)
        t.judged(FIRST)

    @row()
    def test_urgent_data(self, t):
        for data, urgent in ((t.text, 1), (t.text, 20), (t.text, 0), (b"", 5), (b"", 0)):
            s = t.sibling()
            s.open()
            s.send(data, flags=ACK | URG, urgent=urgent)
            s.refused("urgent-data")

    @row()
    def test_an_urgent_pointer_without_the_flag(self, t):
        t.open()
        t.send(t.text, urgent=5)
        t.judged()

    # Handshakes

    def test_the_server_takes_data_on_a_syn_where_no_policy_forbids(self):
        """So that the next two tests are about something."""
        self.talks = []
        for family in (4, 6):
            for options in (b"", attacker.FAST_OPEN_COOKIE):
                t = Talk(self, family, True, dport=serve.HTTP_ALT)
                t.open(t.text, options)
                self.assertEqual(t.answered(), [200])
                self.expected[t.sport] = ([t.path], [])
                t.abort()

    @row()
    def test_data_on_a_syn(self, t):
        t.open(t.other)
        time.sleep(0.05)
        self.assertEqual((t.data, t.acked), (b"", 0), "the server got it")
        t.send(t.text)
        t.judged()

    @row()
    def test_fast_open(self, t):
        for options, data in ((attacker.FAST_OPEN_REQUEST, b""),
                              (attacker.FAST_OPEN_REQUEST, t.other),
                              (attacker.FAST_OPEN_COOKIE, t.other)):
            s = t.sibling()
            s.open(data, options)
            s.send(s.text)
            s.judged()

    @row()
    def test_a_request_without_a_handshake(self, t):
        t.send(t.text, ack=1)
        t.ignored()
        t.dropped("not-in-step")

    @row()
    def test_a_syn_ack_from_the_client(self, t):
        at = t.asked()
        t.send(at=-1, flags=SYN | ACK)
        t.send(t.other, at, flags=SYN | ACK)
        t.send(t.text, at)
        t.judged(FIRST)
        t.dropped("simultaneous-open", "simultaneous-open")

    @row()
    def test_a_second_syn_on_a_live_connection(self, t):
        at = t.asked()
        t.send(flags=SYN, at=-1)
        t.send(flags=SYN, at=at + 999)
        t.send(t.good, at + 1000)
        t.send(t.good, at, flags=SYN)  # it is cut off
        t.send(t.text, at)
        t.judged(FIRST)

    @row()
    def test_the_same_ports_after_a_refusal(self, t):
        t.open()
        t.send(t.bad)
        t.refused("no-match")
        s = t.sibling(sport=t.sport)
        s.open()
        s.send(s.text)
        s.judged()

    @row()
    def test_the_same_ports_after_a_reset(self, t):
        t.asked()
        t.ignored(FIRST)
        t.abort()
        s = t.sibling(sport=t.sport, isn=t.isn)
        s.asked()
        s.ignored(FIRST)
        s.abort()
        s = t.sibling(sport=t.sport, isn=t.isn - 9)
        s.open()
        s.send(s.text)
        s.judged()

    @row(dport=serve.HTTPS)
    def test_the_same_ports_and_numbers_after_tls(self, t):
        self.over_tls(t, FIRST)
        t.served(FIRST)
        t.abort()
        s = t.sibling(sport=t.sport, dport=t.dport, isn=t.isn)
        if s.allowed:
            self.over_tls(s, s.path)
            s.served(s.path)
        else:
            s.open()
            s.send(s.text)
            s.refused("no-match")

    def over_tls(self, t, path):
        """A request in a TLS connection, of which l7guard reads the handshake."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(coming, going, server_hostname="web")
        sent = taken = 0

        def turn(step):
            nonlocal sent, taken
            while True:
                try:
                    step()
                    break
                except ssl.SSLWantReadError:
                    flush()
                    t.wait("more of TLS", lambda: len(t.data) > taken)
                    data = t.data
                    coming.write(data[taken:])
                    taken = len(data)
            flush()

        def flush():
            nonlocal sent
            out = going.read()
            for at in range(0, len(out), 500):
                t.send(out[at:at + 500], sent)
                sent += len(out[at:at + 500])
        t.open()
        turn(tls.do_handshake)
        turn(lambda: tls.write(request(path)))
        turn(lambda: tls.read(1))

    # Ends

    @row()
    def test_resets_the_server_does_not_believe(self, t):
        at = t.asked()
        t.send(at=at + 200000, flags=RST)
        t.send(at=at - 1000, flags=RST | ACK)
        t.send(at=at + 1, flags=RST)
        t.send(at=at, flags=RST, bad_checksum=True)
        t.send(t.good, at, flags=RST | ACK)
        t.send(t.text, at)
        t.judged(FIRST)
        t.dropped("data-on-reset")

    @row()
    def test_a_reset_with_a_wrong_acknowledgement(self, t):
        """Linux believes it: what comes behind it reaches nobody."""
        at = t.asked()
        t.send(at=at, flags=RST | ACK, ack=12345)
        t.send(t.text, at)
        if t.allowed:
            t.wait("the server to be gone", lambda: t.was_reset)
            t.ignored(FIRST)
        else:
            t.refused("no-match", FIRST)

    @row()
    def test_ends_the_server_does_not_believe(self, t):
        t.open()
        t.send(at=-5, flags=FIN | ACK)
        t.send(at=200000, flags=FIN | ACK)
        t.send(at=2**30 + 200000, flags=FIN | ACK)
        t.send(at=0, flags=FIN | ACK, bad_checksum=True)
        t.send(t.text)
        t.judged()
        t.dropped("out-of-window", "out-of-window")

    @row()
    def test_data_behind_the_end(self, t):
        for shift in (0, 1):
            s = t.sibling()
            at = s.asked()
            s.send(at=at, flags=FIN | ACK)
            s.wait("the server's end", lambda: any(one.flags & FIN for one in s.heard))
            s.send(s.text, at + shift)
            if s.allowed or shift:
                s.ignored(FIRST)
            else:
                s.refused("no-match", FIRST)

    @row()
    def test_an_end_inside_a_request(self, t):
        t.open()
        t.send(t.text[:-2], flags=FIN | ACK)
        t.refused("incomplete" if t.allowed else "no-match")

    @row()
    def test_a_half_closed_client(self, t):
        t.open()
        t.send(t.text, flags=FIN | ACK)
        t.judged()
        s = t.sibling()
        s.open()
        s.send(at=len(s.text), flags=FIN | ACK)
        s.send(s.text)
        s.judged()

    @row()
    def test_what_follows_a_refusal(self, t):
        t.open()
        t.send(t.bad)
        t.refused("no-match")
        t.send(t.good)
        t.send(t.text, len(t.bad))
        t.ignored()
        t.dropped("late-packet", "late-packet")

    # Fragments

    @row()
    def test_fragments_in_order(self, t):
        t.open()
        t.send(t.text, pieces=[(0, 24), (24, 48), (48, None)])
        t.judged()

    @row()
    def test_fragments_from_the_last_to_the_first(self, t):
        t.open()
        t.send(t.text, pieces=[(48, None), (24, 48), (0, 24)])
        t.judged()

    @row()
    def test_fragments_that_overlap(self, t):
        t.open()
        other = t.tcp(t.other)
        for pieces in ([(0, 32), (24, None)], [(24, None), (0, 32)],
                       [(0, 32, other), (24, 48), (48, None)], [(24, None, other), (0, 32)]):
            t.send(t.text, pieces=pieces)
        t.send(t.text)
        t.judged()
        t.dropped(*["fragment-overlap"] * 4, "fragment-spoiled")

    @row()
    def test_a_fragment_again(self, t):
        t.open()
        t.send(t.text, pieces=[(24, None), (24, None), (0, 24)])
        t.judged()
        t.dropped("fragment-repeat", "fragment-joined")

    @row()
    def test_a_fragment_again_when_the_datagram_is_complete(self, t):
        at = t.asked()
        other = t.tcp(t.other, at)
        t.send(t.text, at, pieces=[(0, 24), (24, None)], number=t.sport)
        t.send(t.text, at, pieces=[(24, None, other), (0, 24, other)], number=t.sport)
        t.judged(FIRST)
        t.dropped("fragment-late", "fragment-late")

    @row()
    def test_a_first_fragment_without_all_of_its_header(self, t):
        t.open()
        t.send(t.text, pieces=[(0, 8), (8, None)])
        t.send(t.text, pieces=[(0, 16), (16, None)])
        t.send(t.text)
        t.judged()
        t.dropped("fragment-tiny-head", "fragment-tiny-head")

    @row()
    def test_fragments_with_a_wrong_tcp_checksum(self, t):
        t.open()
        t.send(t.good, pieces=[(0, 32), (32, None)], bad_checksum=True)
        t.send(t.text)
        t.judged()
        t.dropped("fragment-checksum", "fragment-checksum")

    @row()
    def test_a_fragment_that_never_comes(self, t):
        t.open()
        t.send(t.other, pieces=[(0, 32)])
        t.send(t.other, pieces=[(32, None)])
        t.send(t.text)
        t.judged()

    # Headers

    @row(families=(6,))
    def test_ipv6_extension_headers(self, t):
        a = attacker
        for headers in ([a.HOP_BY_HOP], [a.DESTINATION], [a.HOP_BY_HOP, a.DESTINATION], [a.ATOMIC],
                        [a.HOP_BY_HOP, a.DESTINATION, a.ATOMIC, a.DESTINATION]):
            s = t.sibling()
            s.open()
            s.send(s.text, headers=headers)
            s.judged()
        t.open()
        t.send(t.text, headers=[a.HOP_BY_HOP, a.DESTINATION], pieces=[(0, 24), (24, None)])
        t.judged()

    @row(families=(6,))
    def test_headers_that_are_none(self, t):
        a = attacker
        t.open()
        for headers in ([a.ROUTING_0], [a.DESTINATION, a.HOP_BY_HOP], [a.DESTINATION] * 17):
            t.send(t.other, headers=headers)
        t.send(t.text)
        t.judged()
        t.dropped(*["broken-packet"] * 3)

    @row(families=(4,))
    def test_ip_options(self, t):
        t.open()
        t.send(t.text, ip_options=attacker.ROUTER_ALERT)
        t.judged()

    # Requests after which the connection may be another's

    @row()
    def test_bytes_behind_an_upgrade(self, t):
        t.open()
        t.send(request(FIRST, extra="Connection: Upgrade\r\nUpgrade: websocket\r\n") + t.text)
        t.judged(FIRST)  # the server does not change over

    @row()
    def test_bytes_behind_connect(self, t):
        t.open()
        t.send(request("web:80", "CONNECT").replace(b"Host: web", b"Host: web:80") + t.text)
        t.refused("no-match")


if __name__ == "__main__":
    unittest.main(verbosity=2)
