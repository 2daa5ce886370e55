#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a running daemon says of itself: counters that add up, rules with their hits, flows with the
rule that governs them, plugins with their fields."""

import json
import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.cases import CASES, port_of  # noqa: E402
from lab.guard import FOLDERS, Guard  # noqa: E402
from lab.wire import Wire, address  # noqa: E402


class Control(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Wire()
        serve.all_of(cls.lab)
        cls.guard = Guard(cls.lab, FOLDERS).start()

    @classmethod
    def tearDownClass(cls):
        cls.guard.stop()
        cls.lab.close()

    def json(self, *words):
        done = self.guard.ctl(*words, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def add_up(self, status):
        frames = status["frames"]
        self.assertEqual(frames["received"], frames["forwarded"] + frames["dropped"]
                         + frames["rejected"] + frames["held"], frames)
        self.assertEqual(sum(frames["drops"].values()), frames["dropped"], frames)
        flows = status["flows"]
        self.assertEqual(sum(flows["refusals"].values()), flows["refused"], flows)
        self.assertEqual(status["capture"]["received"], frames["received"])
        self.assertEqual(status["capture"]["lost"], 0)
        self.assertEqual(status["capture"]["send_errors"], 0)
        self.assertEqual((status["records"]["lost"], status["records"]["failed"]), (0, 0))

    def test_every_frame_is_counted_once(self):
        before = self.json("status")
        self.add_up(before)
        for case in CASES:
            for family in (4, 6):
                case.run(self.lab, family, 10000 + port_of(case, family))
                status = self.json("status")
                with self.subTest(case=case.asked, family=family):
                    self.add_up(status)
        refused = 2 * sum(case.expect == "reject" for case in CASES)
        self.assertEqual(status["flows"]["refused"] - before["flows"]["refused"], refused)
        self.assertEqual(status["resets_sent"] - before["resets_sent"], 2 * refused)
        self.assertGreater(status["frames"]["received"], before["frames"]["received"])
        self.assertGreater(status["frames"]["rejected"] + status["frames"]["dropped"], 0)
        self.assertGreater(status["flows"]["denied"], before["flows"]["denied"])
        allowed = 2 * sum(case.expect == "allow" and case.judged for case in CASES)
        self.assertEqual(status["transactions"]["allowed"] - before["transactions"]["allowed"],
                         allowed)
        alerts = [r for r in self.guard.records(kind="alert") if r["src_port"] > 40000]
        self.assertEqual(len([r for r in alerts if r["policy"]["rule"] != "drop-other"]), refused)

    def test_rules_come_in_order_with_their_hits(self):
        def hits(name):
            return next(r["hits"] for r in self.json("policies") if r["rule"] == name)

        rules = self.json("policies")
        self.assertEqual(len(rules), 12)
        egress = [r["direction"] == "Egress" for r in rules]
        self.assertEqual(egress, sorted(egress, reverse=True))
        keys = [(r["direction"], r["tierPriority"], r["priority"], r["index"]) for r in rules]
        self.assertEqual(keys, sorted(keys))
        before = hits("http-only")
        for _ in range(3):
            self.assertEqual(ask.curl(self.lab, "4.8", "4.7", "http://web/").got, "200")
        self.assertEqual(hits("http-only"), before + 3)

    def test_a_live_flow_is_listed_with_its_rule(self):
        for family in (4, 6):
            with ask.Keeping(self.lab, "1.8", "1.7", family=family) as kept:
                self.assertEqual(kept.get("/api/v2/x"), 200)
                listed = self.guard.ctl("flows", "--json")
                self.assertEqual(listed.returncode, 0)
                self.assertIn(str(kept.port), listed.stdout)
                self.assertIn(address("1.8", family), listed.stdout)
                self.assertIn("allow-http", listed.stdout)
                self.assertIn(str(kept.port), self.guard.ctl("flows").stdout)

    def test_plugins_are_listed_with_their_fields(self):
        plugins = {p["name"]: p for p in self.json("plugins")}
        self.assertLessEqual({"http", "tls", "afpacket", "pcap", "eve"}, set(plugins))
        self.assertEqual({f["name"] for f in plugins["http"]["fields"]},
                         {"path", "host", "method"})
        self.assertEqual([f["name"] for f in plugins["tls"]["fields"]], ["sni"])

    def test_each_command_speaks_to_people_too(self):
        for command in ("status", "plugins", "policies", "flows"):
            done = self.guard.ctl(command)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            if command != "flows":
                self.assertTrue(done.stdout.strip())
                self.assertNotEqual(done.stdout.strip()[0], "{")

    def test_nonsense_on_the_socket_harms_nobody(self):
        import socket
        for text in (b"{\n", b"[]\n", b"\xff\xfe\n", b'{"command": "status"', b"x" * 100000,
                     b'{"command": "self-destruct"}\n'):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(2)
                client.connect(self.guard.socket)
                try:
                    client.sendall(text)
                    if text.endswith(b"\n"):
                        self.assertIn(b"error", client.recv(65536))
                except BrokenPipeError:
                    pass
        self.add_up(self.json("status"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
