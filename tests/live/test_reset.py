#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Both ends of a refused connection get a reset, within a millisecond of the segment that decided
it, as two captures saw it; and no end speaks again."""

import statistics
import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.guard import Guard  # noqa: E402
from lab.tap import ACK, RST, Tap, data_to, resets  # noqa: E402
from lab.wire import Wire, address  # noqa: E402

TIMES = 25
BAD = b"GET /secret HTTP/1.1\r\nHost: foo.bar.com\r\n\r\n"


class Reset(unittest.TestCase):
    def setUp(self):
        self.lab = Wire()
        self.addCleanup(self.lab.close)
        self.nginx = serve.Nginx(self.lab)
        self.guard = Guard(self.lab, ["allow-http-request-to-api-v2"]).start()
        self.addCleanup(self.guard.stop)

    def refuse(self, family):
        """Ask what is refused, TIMES times, once after an allowed request and once without."""
        ports = []
        for turn in range(TIMES):
            with ask.Keeping(self.lab, "1.8", "1.7", family=family) as kept:
                if turn % 2:
                    self.assertEqual(kept.get("/api/v2/x"), 200)
                with self.assertRaises(ConnectionResetError):
                    kept.send(BAD)
                    kept.status()
                ports.append(kept.port)
        return ports

    def measure(self, family):
        with Tap(self.lab, "client") as near, Tap(self.lab, "web") as far:
            ports = self.refuse(family)
            near.stop()
            far.stop()
        near_all, far_all = near.segments(), far.segments()
        server = address("1.7", family)
        to_client, to_server = [], []
        for port in ports:
            here = [s for s in near_all if port in (s.sport, s.dport)]
            there = [s for s in far_all if port in (s.sport, s.dport)]
            deciding = [s for s in here if s.sport == port and s.payload.startswith(b"GET /secret")]
            self.assertTrue(deciding)
            sent = deciding[0]
            back = [s for s in resets(here) if s.src == server]
            forth = [s for s in resets(there) if s.sport == port]
            self.assertEqual(len(back), 1, "one reset to the client")
            self.assertEqual(len(forth), 1, "one reset to the server")
            # Numbers each side takes at once: the next byte it expects [L7-34].
            self.assertTrue(back[0].flags & RST and forth[0].flags & RST)
            self.assertEqual(back[0].seq, sent.ack)
            if back[0].flags & ACK:
                self.assertIn(back[0].ack, (sent.seq, sent.seq + sent.length))
            self.assertEqual(forth[0].seq, sent.seq)
            self.assertNotIn(b"/secret", b"".join(s.payload for s in there))
            self.assertEqual([s for s in there if s.time > forth[0].time], [],
                             "silence after the reset")
            to_client.append((back[0].time - sent.time) * 1e3)
            to_server.append((forth[0].time - sent.time) * 1e3)
        for name, times in (("client", to_client), ("server", to_server)):
            times.sort()
            print(f"IPv{family}, reset to the {name}: median {statistics.median(times):.3f} ms, "
                  f"longest {times[-1]:.3f} ms, of {len(times)}")
            # The machine may be busy; what it does most of the time is the engine's own.
            self.assertLess(statistics.median(times), 1.0)

    def test_ipv4(self):
        self.measure(4)

    def test_ipv6(self):
        self.measure(6)

    def test_no_reset_where_nothing_is_refused(self):
        with Tap(self.lab, "client") as near, Tap(self.lab, "web") as far:
            ports = []
            for family in (4, 6):
                with ask.Keeping(self.lab, "1.8", "1.7", family=family) as kept:
                    self.assertEqual(kept.get("/api/v2/x"), 200)
                    ports.append(kept.port)
        self.assertEqual(resets(near.segments()) + resets(far.segments()), [])
        for port in ports:
            self.assertGreater(data_to(far.segments(), port), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
