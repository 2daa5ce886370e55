#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9: traffic stops rather than pass unjudged, nothing is left in the namespaces, and a new
start works."""

import signal
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.guard import Guard  # noqa: E402
from lab.tap import Tap, data_to  # noqa: E402
from lab.wire import Wire  # noqa: E402


class Crash(unittest.TestCase):
    def setUp(self):
        self.lab = Wire()
        self.addCleanup(self.lab.close)
        self.nginx = serve.Nginx(self.lab)
        self.guard = Guard(self.lab, ["allow-http-request-to-api-v2"])

    def state(self):
        """Links, queueing, filters and offloads at the gate."""
        said = ""
        for words in (["ip", "-br", "link"], ["tc", "qdisc"], ["ip", "rule"],
                      ["tc", "filter", "show", "dev", "eth1", "ingress"],
                      ["tc", "filter", "show", "dev", "eth2", "ingress"],
                      ["ethtool", "-k", "eth1"], ["ethtool", "-k", "eth2"]):
            said += subprocess.run(["ip", "netns", "exec", self.lab.names["gate"], *words],
                                   capture_output=True, text=True).stdout
        return said

    def get(self, family):
        return ask.curl(self.lab, "1.8", "1.7", "http://foo.bar.com/api/v2/x", family=family).got

    def test_kill_leaves_nothing_and_lets_nothing_through(self):
        before = self.state()
        for _ in range(3):
            self.guard.start()
            for family in (4, 6):
                self.assertEqual(self.get(family), "200")
            kept = ask.Keeping(self.lab, "1.8", "1.7")
            self.assertEqual(kept.get("/api/v2/x"), 200)
            self.guard.signal(signal.SIGKILL)
            self.assertEqual(self.guard.process.wait(5), -signal.SIGKILL)
            self.assertEqual(self.state(), before)
            with Tap(self.lab, "web") as tap:
                # Nobody forwards any more: neither the live connection nor new ones.
                kept.socket.settimeout(1)
                with self.assertRaises(TimeoutError):
                    kept.get("/secret")
                for family in (4, 6):
                    self.assertEqual(self.get(family), "silence")
                self.assertEqual(data_to(tap.segments(), kept.port), 0)
            kept.close()
        # The socket of the killed one is in the way of nobody.
        self.guard.start()
        self.assertEqual(self.get(4), "200")
        self.assertEqual(ask.curl(self.lab, "1.8", "1.7", "http://foo.bar.com/x").got, "reset")
        self.assertEqual(self.guard.stop(), 0)
        self.assertEqual(self.state(), before)

    def test_a_second_daemon_is_refused_while_the_first_lives(self):
        self.guard.start()
        second = subprocess.run(["ip", "netns", "exec", self.lab.names["gate"],
                                 *self.command()], capture_output=True, text=True, timeout=10)
        self.assertEqual(second.returncode, 1)
        self.assertIn(self.guard.socket, second.stderr)
        self.assertEqual(self.get(4), "200")
        self.assertEqual(self.guard.ctl("status").returncode, 0)
        self.assertEqual(self.guard.stop(), 0)

    def command(self):
        from lab.guard import GUARD
        return [GUARD, "-c", self.guard.config]


if __name__ == "__main__":
    unittest.main(verbosity=2)
