#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The seven example policies, each alone in force, over IPv4 and IPv6: what they allow arrives and
is logged; what they deny never reaches the server, and is logged once."""

import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import serve  # noqa: E402
from lab.cases import CASES, port_of  # noqa: E402
from lab.guard import FOLDERS, Guard  # noqa: E402
from lab.tap import Tap, data_to  # noqa: E402
from lab.wire import Wire  # noqa: E402

POLICIES = {
    "allow-http-request-to-api-v2":
        "AntreaNetworkPolicy:api-v2/ingress-allow-http-request-to-api-v2",
    "privileged-url-to-admin-role":
        "AntreaNetworkPolicy:admin-role/allow-privileged-url-to-admin-role",
    "web-access-to-internal-domain":
        "AntreaClusterNetworkPolicy:allow-web-access-to-internal-domain",
    "allow-http-only": "AntreaNetworkPolicy:http-only/allow-http-only",
    "tls-handshake": "AntreaNetworkPolicy:tls-handshake/ingress-allow-tls-handshake",
    "tls-handshake-to-internal": "AntreaClusterNetworkPolicy:allow-tls-handshake-to-internal",
    "allow-tls-only": "AntreaNetworkPolicy:tls-only/allow-tls-only",
}


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Wire()
        cls.nginx, cls.servers = serve.all_of(cls.lab)

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def case(self, guard, case, family):
        port = port_of(case, family)
        answer = case.run(self.lab, family, port)
        if case.expect == "allow":
            self.assertTrue(answer.passed, answer)
        else:
            self.assertEqual(answer.got, "reset" if case.expect == "reject" else "silence")
        return port

    def logged(self, guard, case, port):
        """One record of the right kind, and no other, for this connection."""
        if case.expect == "allow":
            kind = "http" if case.kind == "http" else "tls"
            if case.judged:
                guard.wait_record(port, kind)
            self.assertEqual(len(guard.records(port)), 1 if case.judged else 0)
            return
        if case.expect == "drop":  # refused by a rule without l7Protocols, at its first packet
            self.assertEqual(guard.records(port, "http") + guard.records(port, "tls"), [])
            return
        guard.wait_record(port, "alert")
        records = guard.records(port)
        self.assertEqual([r["event_type"] for r in records], ["alert"])
        alert = records[0]
        self.assertEqual(alert["alert"]["action"], "blocked")
        self.assertEqual(alert["alert"]["signature"], "Reject by " + POLICIES[case.folder])
        self.assertEqual(alert["policy"]["rule"], case.rule)
        self.assertTrue(alert["policy"]["reason"])
        if case.kind == "http":
            host, _, path = case.what.removeprefix("http://").partition("/")
            self.assertEqual(alert["http"]["url"], "/" + path)
            self.assertEqual(alert["http"]["hostname"], host.partition(":")[0])
            self.assertEqual(alert["http"]["http_method"], case.method)
        if case.kind in ("tls", "openssl") and case.what:
            self.assertEqual(alert["tls"]["sni"], case.what)

    def example(self, folder):
        cases = [case for case in CASES if case.folder == folder]
        asked = []
        with Guard(self.lab, [folder], name=folder) as guard, Tap(self.lab, "web") as tap:
            for case in cases:
                for family in (4, 6):
                    with self.subTest(case=case.asked, who=case.who, family=family):
                        asked.append((case, family, self.case(guard, case, family)))
            for case, family, port in asked:
                with self.subTest("log", case=case.asked, who=case.who, family=family):
                    self.logged(guard, case, port)
            segments = tap.segments()
        for case, family, port in asked:
            with self.subTest("server", case=case.asked, who=case.who, family=family):
                if case.expect == "allow":
                    if case.kind != "dns":
                        self.assertGreater(data_to(segments, port), 0)
                else:
                    # Not one byte of it: hold is balanced, and these are short [L7-28].
                    self.assertEqual(data_to(segments, port), 0)
                    self.assertEqual(self.nginx.from_port(port), [])
                if case.expect == "drop":
                    self.assertEqual([s for s in segments if s.sport == port], [])
        self.assertEqual(guard.process.returncode, 0)


for _folder in FOLDERS:
    setattr(Examples, "test_" + _folder.replace("-", "_"),
            lambda self, folder=_folder: self.example(folder))

if __name__ == "__main__":
    unittest.main(verbosity=2)
