#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGINT drain and exit 0; SIGUSR1 reopens the logs, SIGHUP too."""

import glob
import json
import os
import signal
import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.guard import Guard  # noqa: E402
from lab.space import wait_for  # noqa: E402
from lab.wire import Wire  # noqa: E402


class Signals(unittest.TestCase):
    def setUp(self):
        self.lab = Wire()
        self.addCleanup(self.lab.close)
        self.nginx = serve.Nginx(self.lab)
        self.guard = Guard(self.lab, ["allow-http-request-to-api-v2"]).start()
        self.addCleanup(self.guard.stop)

    def get(self, path="/api/v2/x"):
        return ask.curl(self.lab, "1.8", "1.7", f"http://foo.bar.com{path}")

    def log(self):
        found = glob.glob(os.path.join(self.guard.logs, "eve-*.json"))
        self.assertEqual(len(found), 1)
        return found[0]

    def test_terminated_it_writes_what_it_knows_and_exits_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                if self.guard.process.poll() is not None:
                    self.guard.start()
                allowed, denied = self.get(), self.get("/secret")
                self.guard.signal(number)
                self.assertEqual(self.guard.process.wait(5), 0)
                # No waiting: what happened before the signal is in the file.
                self.assertEqual(len(self.guard.records(allowed.port, "http")), 1)
                self.assertEqual(len(self.guard.records(denied.port, "alert")), 1)
                self.assertFalse(os.path.exists(self.guard.socket))

    def test_the_log_is_there_before_any_traffic(self):
        self.assertEqual(os.path.getsize(self.log()), 0)

    def test_a_renamed_log_is_opened_anew(self):
        for number in (signal.SIGUSR1, signal.SIGHUP):
            with self.subTest(number):
                path, old = self.log(), self.lab.path(f"old-{number}")
                first = self.get()
                self.guard.wait_record(first.port, "http")
                os.rename(path, old)
                self.guard.signal(number)
                second = self.get()
                wait_for("the new file", 5,
                         lambda: os.path.exists(path) and os.path.getsize(path))
                self.guard.wait_record(second.port, "http")
                with open(old, encoding="utf-8") as file:
                    ports = [json.loads(line)["src_port"] for line in file]
                self.assertIn(first.port, ports)
                self.assertNotIn(second.port, ports)

    def test_a_truncated_log_goes_on_at_its_start(self):
        self.guard.wait_record(self.get().port, "http")
        os.truncate(self.log(), 0)
        port = self.get().port
        self.guard.wait_record(port, "http")
        with open(self.log(), "rb") as file:
            self.assertEqual(file.read(1), b"{")
        self.assertEqual(len(self.guard.records()), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
