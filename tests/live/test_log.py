#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the log says of live traffic, as its readers expect it (docs/eve.md)."""

import base64
import os
import re
import sys
import time
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.guard import EXAMPLES, Guard  # noqa: E402
from lab.wire import Wire  # noqa: E402

FOLDER = "allow-http-request-to-api-v2"


class Log(unittest.TestCase):
    def setUp(self):
        self.lab = Wire()
        self.addCleanup(self.lab.close)
        self.nginx = serve.Nginx(self.lab)

    def guard(self, dialect, logging):
        guard = Guard(self.lab, [FOLDER], {"log": [{"eve": {"dialect": dialect}}]})
        with open(os.path.join(EXAMPLES, FOLDER, "policy.yaml"), encoding="utf-8") as file:
            text = file.read()
        if logging:
            text = text.replace("- name: allow-http\n",
                                "- name: allow-http\n      enableLogging: true\n")
        self.lab.write(f"guard/policies/{FOLDER}/policy.yaml", text)
        self.addCleanup(guard.stop)
        return guard.start()

    def denied(self, guard, family):
        port = ask.curl(self.lab, "1.8", "1.7", "http://foo.bar.com/secret", family=family).port
        guard.wait_record(port, "alert")
        time.sleep(0.1)
        return guard.records(port)

    def test_with_logging_the_denied_frame_is_an_event(self):
        guard = self.guard("guide", True)
        for family in (4, 6):
            records = self.denied(guard, family)
            self.assertEqual(sorted(r["event_type"] for r in records), ["alert", "packet"])
            packet = next(r for r in records if r["event_type"] == "packet")
            self.assertIn(b"GET /secret HTTP/1.1", base64.b64decode(packet["packet"]))
            self.assertEqual(packet["packet_info"], {"linktype": 1})
            self.assertEqual(len({r["flow_id"] for r in records}), 1)

    def test_without_logging_there_is_the_alert_alone(self):
        guard = self.guard("guide", False)
        for family in (4, 6):
            alert, = self.denied(guard, family)
            self.assertNotIn("packet", alert)
            self.assertEqual(alert["http"]["length"], 0)
            self.assertEqual(len(alert["src_ip"]), 39 if family == 6 else len("10.10.1.8"))

    def test_the_other_dialect_has_the_frame_in_the_alert(self):
        guard = self.guard("suricata-7", True)
        for family in (4, 6):
            alert, = self.denied(guard, family)
            self.assertNotIn("http", alert)
            self.assertIn(b"GET /secret HTTP/1.1", base64.b64decode(alert["packet"]))

    def test_lines_and_their_order(self):
        guard = self.guard("guide", False)
        with ask.Keeping(self.lab, "1.8", "1.7", family=6) as kept:
            for _ in range(3):
                self.assertEqual(kept.get("/api/v2/x"), 200)
        self.denied(guard, 6)
        path = os.path.join(guard.logs, os.listdir(guard.logs)[0])
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
        self.assertEqual(lines.pop(), b"")
        self.assertEqual(len(lines), 4)
        for line in lines:
            self.assertIsNone(re.search(rb"[\x00-\x1f]", line))
            self.assertRegex(line, rb'^\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d{4}"'
                                   rb',"flow_id":\d+,"in_iface":"eth[12]","event_type":"')
        self.assertRegex(lines[3], rb'"alert":\{"action":"blocked","gid":1,"signature_id":1,"rev":0,'
                                   rb'"signature":"Reject by AntreaNetworkPolicy:api-v2/')
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)


if __name__ == "__main__":
    unittest.main(verbosity=2)
