#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reload under traffic: no connection is lost, the new policy governs the next request, and a bad
file changes nothing."""

import os
import signal
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.guard import EXAMPLES, Guard  # noqa: E402
from lab.space import wait_for  # noqa: E402
from lab.wire import Wire  # noqa: E402

FOLDER = "allow-http-request-to-api-v2"
CLIENTS = 8
RELOADS = 30


class Reload(unittest.TestCase):
    def setUp(self):
        self.lab = Wire()
        self.addCleanup(self.lab.close)
        self.nginx = serve.Nginx(self.lab)
        self.guard = Guard(self.lab, [FOLDER]).start()
        self.addCleanup(self.guard.stop)
        with open(os.path.join(EXAMPLES, FOLDER, "policy.yaml"), encoding="utf-8") as file:
            self.policy = file.read()

    def write(self, text, name=f"{FOLDER}/policy.yaml"):
        with open(os.path.join(self.guard.policies, name), "w", encoding="utf-8") as file:
            file.write(text)

    def reload(self):
        done = self.guard.ctl("reload")
        self.assertEqual(done.returncode, 0, done.stderr)

    def get(self, path, family=4):
        return ask.curl(self.lab, "1.8", "1.7", f"http://foo.bar.com{path}", family=family).got

    def test_no_connection_is_lost(self):
        stop = threading.Event()
        done, lost = [0] * CLIENTS, []
        kept = [ask.Keeping(self.lab, "1.8", "1.7", family=6 if n % 2 else 4, patience=5)
                for n in range(CLIENTS)]

        def keep_asking(n):
            try:
                while not stop.is_set():
                    if kept[n].get(f"/api/v2/{n}") != 200:
                        raise ConnectionError("no answer")
                    done[n] += 1
            except OSError as error:
                lost.append((n, error))

        threads = [threading.Thread(target=keep_asking, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        other = self.policy.replace("priority: 5", "priority: 7").replace(
            '"/api/v2/*"', '"/api/*"')
        for turn in range(RELOADS):
            self.write(other if turn % 2 == 0 else self.policy)
            before = list(done)
            if turn % 3 == 2:
                self.guard.signal(signal.SIGHUP)
            else:
                self.reload()
            # Every connection is asked again under the new snapshot before the next one.
            wait_for("every client to go on", 5,
                     lambda: lost or all(now > then for now, then in zip(done, before)))
        stop.set()
        for thread in threads:
            thread.join()
        for one in kept:
            one.close()
        self.assertEqual(lost, [])
        print(f"{sum(done)} requests on {CLIENTS} connections over {RELOADS} reloads")
        self.assertEqual(self.guard.records(kind="alert"), [])

    def test_the_new_policy_governs_the_next_request_of_a_live_connection(self):
        for family in (4, 6):
            self.write(self.policy)
            self.reload()
            with ask.Keeping(self.lab, "1.8", "1.7", family=family) as kept:
                self.assertEqual(kept.get("/api/v2/x"), 200)
                self.write(self.policy.replace("/api/v2/*", "/api/v3/*"))
                self.reload()
                self.assertEqual(kept.get("/api/v3/x"), 200)
                with self.assertRaises(ConnectionResetError):
                    kept.get("/api/v2/x")
            self.guard.wait_record(kept.port, "alert")
            self.assertEqual(self.get("/api/v2/x", family), "reset")
            self.assertEqual(self.get("/api/v3/x", family), "200")

    def test_a_bad_file_changes_nothing(self):
        for name, text, field in (
                ("unknown field", self.policy.replace("host:", "hots:"), "hots"),
                ("bad value", self.policy.replace("action: Drop", "action: Dorp"), "action"),
                ("not YAML", self.policy.replace("spec:", "spec: ]"), "")):
            with self.subTest(name):
                self.write(text)
                done = self.guard.ctl("reload")
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"policy\.yaml:\d+:\d+: .*" + field)
                self.assertEqual(self.get("/api/v2/x"), "200")
                self.assertEqual(self.get("/api/v1/x"), "reset")
        # By signal the daemon says the same itself.
        generation = self.guard.status().get("generation")
        size = len(self.guard.said())
        self.guard.signal(signal.SIGHUP)
        wait_for("the daemon to name the place", 5,
                 lambda: "policy.yaml:" in self.guard.said()[size:])
        self.assertEqual(self.guard.status().get("generation"), generation)
        self.assertEqual(self.get("/api/v2/x"), "200")
        # Mended, it is taken.
        self.write(self.policy.replace("/api/v2/*", "/api/v4/*"))
        self.reload()
        self.assertEqual(self.get("/api/v4/x"), "200")

    def test_an_idle_connection_survives(self):
        with ask.Keeping(self.lab, "1.8", "1.7") as kept:
            self.assertEqual(kept.get("/api/v2/x"), 200)
            for _ in range(3):
                self.reload()
                time.sleep(0.2)
            self.assertEqual(kept.get("/api/v2/y"), 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
