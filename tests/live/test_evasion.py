#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a client that makes its own packets gets past l7guard to a real server: docs/tcp.md, live.

Each test is one situation, over IPv4 and IPv6, with a request that the policy allows and with one
that it does not: `t.text`. `t.other` is the opposite one, of the same length. What is true in
every row is said in lab/rows.py.
"""

import glob
import os
import re
import ssl
import sys
import time
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import attacker, serve  # noqa: E402
from lab.attacker import URG  # noqa: E402
from lab.guard import TOP  # noqa: E402
from lab.rows import DEEP, FIRST, WEB, Rows, Talk, request, row  # noqa: E402
from lab.tap import ACK, FIN, RST, SYN  # noqa: E402
from lab.wire import address, socket_family  # noqa: E402


class Evasion(Rows):
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

    @row()
    def test_a_vlan_behind_a_priority_tag(self, t):
        self.insertion(t, tags=(0, 0, 5))

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

    @row(dport=serve.UPLOAD)
    def test_both_ends_open_at_once(self, t):
        """Nobody listens there; the server opens by itself, as a client cannot have it do."""
        t.send(at=-1, flags=SYN, bad_checksum=True)
        self.ear.wait("our SYN", 3, lambda: self.ear.segments(t.sport))
        with self.lab.socket("web", socket_family(t.family)) as server:
            server.setblocking(False)
            server.bind((WEB[t.family], t.dport))
            server.connect_ex((address("99.66", t.family), t.sport))
            self.ear.wait("the server's SYN", 3, lambda: any(
                s.flags & SYN for s in self.ear.segments(t.sport) if s.dport == t.sport))
            t.send(at=-1, flags=SYN | ACK, ack=1)
            t.send(t.text)
            t.ignored()
            self.assertEqual(t.heard, [])
        t.dropped("simultaneous-open", "simultaneous-open", "no-handshake")

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

    @row()
    def test_vlan_tags(self, t):
        """A tag of priority alone is none; another VLAN is another flow, without a handshake."""
        at = t.asked()
        t.send(t.good, at, tags=(5,))
        t.send(t.text, at, tags=(0,))
        t.judged(FIRST)
        t.dropped("not-in-step")

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


class Page(unittest.TestCase):
    def test_docs_tcp_names_every_row_and_only_tests_there_are(self):
        with open(os.path.join(TOP, "docs", "tcp.md"), encoding="utf-8") as file:
            page = file.read()
        rows = {name for name in dir(Evasion) if name.startswith("test_")}
        self.assertEqual(set(re.findall(r"`(test_\w+)`", page)), rows)
        units = set()
        for path in glob.glob(os.path.join(TOP, "tests", "core", "*", "test_*.c")):
            with open(path, encoding="utf-8") as file:
                units |= set(re.findall(r"^Test\((\w+), (\w+)", file.read(), re.M))
        named = set(re.findall(r"`([a-z0-9]+)\.(\w{9,})`", page))
        self.assertGreater(len(named), 30)
        self.assertEqual(named - units, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
