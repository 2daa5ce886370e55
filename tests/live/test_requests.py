#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every request on a connection is judged, however its bytes come; other protocols are refused."""

import hashlib
import socket
import sys
import time
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.guard import Guard  # noqa: E402
from lab.tap import Tap, data_to  # noqa: E402
from lab.wire import OUTSIDE, Wire  # noqa: E402

GOOD = b"GET /api/v2/x HTTP/1.1\r\nHost: foo.bar.com\r\n\r\n"
BAD = b"GET /secret HTTP/1.1\r\nHost: foo.bar.com\r\n\r\n"
FOLDERS = ["allow-http-request-to-api-v2", "privileged-url-to-admin-role", "allow-http-only",
           "web-access-to-internal-domain", "allow-tls-only"]


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Wire()
        cls.nginx, cls.servers = serve.all_of(cls.lab)
        cls.guard = Guard(cls.lab, FOLDERS).start()

    @classmethod
    def tearDownClass(cls):
        cls.guard.stop()
        cls.lab.close()

    def reached(self, port):
        """The paths the server was asked for."""
        return [target for _, _, _, target in self.nginx.from_port(port)]

    def one_alert(self, port):
        self.guard.wait_record(port, "alert")
        time.sleep(0.1)
        self.assertEqual(len(self.guard.records(port, "alert")), 1)

    def test_the_second_request_of_a_connection_is_judged(self):
        for family in (4, 6):
            with self.subTest(family=family), \
                    ask.Keeping(self.lab, "1.8", "1.7", family=family) as kept:
                self.assertEqual(kept.get("/api/v2/a"), 200)
                self.assertEqual(kept.get("/api/v2/b"), 200)
                with self.assertRaises(ConnectionResetError):
                    kept.get("/secret")
                self.assertEqual(self.reached(kept.port), ["/api/v2/a", "/api/v2/b"])
                self.one_alert(kept.port)
                allowed = self.guard.records(kept.port, "http")
                self.assertEqual([r["http"]["url"] for r in allowed], ["/api/v2/a", "/api/v2/b"])
                self.assertEqual([r["tx_id"] for r in allowed], [0, 1])
                self.assertEqual(len({r["flow_id"] for r in self.guard.records(kept.port)}), 1)

    def test_pipelined_requests_are_judged_one_by_one(self):
        with ask.Keeping(self.lab, "1.8", "1.7") as kept:
            kept.send(GOOD * 3)
            self.assertEqual([kept.status() for _ in range(3)], [200, 200, 200])
            self.assertEqual(len(self.reached(kept.port)), 3)
        with ask.Keeping(self.lab, "1.8", "1.7") as kept:
            kept.send(GOOD + BAD + GOOD)
            with self.assertRaises(ConnectionResetError):
                while kept.status():
                    pass
            self.one_alert(kept.port)
            self.assertNotIn("/secret", self.reached(kept.port))
            self.assertLessEqual(len(self.reached(kept.port)), 1)

    def test_a_request_in_single_bytes_is_judged_the_same(self):
        for request, allowed in ((GOOD, True), (BAD, False)):
            with self.subTest(allowed=allowed), Tap(self.lab, "web") as tap, \
                    ask.Keeping(self.lab, "1.8", "1.7") as kept:
                try:
                    for at in range(len(request)):
                        kept.send(request[at:at + 1])
                    status = kept.status()
                except (ConnectionResetError, BrokenPipeError):
                    status = None
                self.assertEqual(status, 200 if allowed else None)
                self.assertEqual(self.reached(kept.port), ["/api/v2/x"] if allowed else [])
                if not allowed:
                    self.one_alert(kept.port)
                    self.assertLess(data_to(tap.segments(), kept.port), len(request))

    def test_a_cookie_of_20_kilobytes_before_host_is_allowed(self):
        cookie = "Cookie: " + "a" * 20000
        for family in (4, 6):
            answer = ask.curl(self.lab, "1.8", "1.7", "http://foo.bar.com/api/v2/big-cookie", "-H",
                              "Host:", "-H", cookie, "-H", "Host: foo.bar.com", family=family)
            self.assertEqual(answer.got, "200")
            kept = ask.Keeping(self.lab, "1.8", "1.7", family=family)
            with kept:
                kept.send(f"GET /api/v2/y HTTP/1.1\r\n{cookie}\r\nHost: foo.bar.com\r\n\r\n"
                          .encode())
                self.assertEqual(kept.status(), 200)

    def test_a_denied_request_of_20_kilobytes_is_refused_before_it_is_whole(self):
        with Tap(self.lab, "web") as tap, ask.Keeping(self.lab, "1.8", "1.7") as kept:
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                kept.send(b"GET /api/v2/x HTTP/1.1\r\nCookie: " + b"a" * 20000
                          + b"\r\nHost: www.bar.com\r\n\r\n")
                kept.status()
            self.one_alert(kept.port)
            self.assertEqual(self.reached(kept.port), [])
            got = b"".join(s.payload for s in tap.segments() if s.sport == kept.port)
            self.assertNotIn(b"www.bar.com", got)

    def test_bodies_pass_whole(self):
        body = bytes(range(256)) * 4096  # 1 MiB
        digest = hashlib.sha256(body).hexdigest().encode()
        for family in (4, 6):
            with self.subTest(family=family), \
                    ask.Keeping(self.lab, "4.8", "4.7", serve.UPLOAD, family, 10) as kept:
                kept.send(b"POST /one HTTP/1.1\r\nHost: web\r\nContent-Length: %d\r\n\r\n"
                          % len(body) + body)
                self.assertEqual((kept.status(), kept.body), (200, digest))
                kept.send(b"POST /two HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n")
                for at in range(0, len(body), 10000):
                    piece = body[at:at + 10000]
                    kept.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                kept.send(b"0\r\n\r\n")
                self.assertEqual((kept.status(), kept.body), (200, digest))
                self.assertEqual(kept.get("/three"), 200)

    def test_what_looks_like_a_request_inside_a_body_is_body(self):
        with ask.Keeping(self.lab, "2.9", "2.7") as kept:
            self.assertEqual(kept.get("/admin/x", method="POST",
                                      extra=f"Content-Length: {len(BAD)}\r\n"), 200)
            kept.send(BAD)
            self.assertEqual(kept.get("/public/x"), 200)

    def test_other_protocols_are_refused_whatever_the_port(self):
        said = {"ssh": b"SSH-2.0-OpenSSH_9.2p1\r\n", "redis": b"*1\r\n$4\r\nPING\r\n",
                "inline": b"PING\r\n", "binary": bytes(range(128, 192)),
                "h2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"}
        for name, words in said.items():
            for number in (serve.HTTP, serve.SINK):
                for family in (4, 6):
                    with self.subTest(name, number=number, family=family), \
                            Tap(self.lab, "web") as tap:
                        answer = ask.say(self.lab, "4.8", "4.7", number, words, family)
                        self.assertEqual(answer.got, "reset")
                        self.one_alert(answer.port)
                        self.assertEqual(data_to(tap.segments(), answer.port), 0)

    def test_a_server_that_speaks_first_is_refused(self):
        for family in (4, 6):
            for src, dst in (("4.8", "4.7"), ("7.8", "7.7"), ("3.8", OUTSIDE)):
                with self.subTest(src=src, family=family):
                    answer = ask.say(self.lab, src, dst, serve.GREETER, b"", family)
                    self.assertEqual(answer.got, "reset")
                    self.one_alert(answer.port)

    def test_datagrams_under_an_l7_rule_are_dropped(self):
        with Tap(self.lab, "web") as tap:
            answer = ask.lookup(self.lab, "4.8", "4.7", "www.bar.com")
            self.assertIn(answer.got, ("silence", "reset"))
            self.assertNotIn(answer.port, self.servers["dns"].asked)
        self.assertEqual(tap.segments(answer.port), [])

    def test_dns_by_tcp_passes_where_a_rule_before_allows_it(self):
        for family in (4, 6):
            self.assertEqual(ask.lookup(self.lab, "3.8", OUTSIDE, "a.bar.com", family,
                                        tcp=True).got, "reply")

    def test_a_connection_without_a_word_ends_in_peace(self):
        client = ask.connect(self.lab, "1.8", "1.7", 80)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")
        port = client.getsockname()[1]
        client.close()
        self.assertEqual(self.guard.records(port, "alert"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
