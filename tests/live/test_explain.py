#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""l7ctl explain says, without a daemon, root or network, what the live tests see happen; and the
demo without a network says the same of the shipped capture."""

import json
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
from lab.cases import CASES, port_of  # noqa: E402
from lab.guard import BUILD, CTL, EXAMPLES, PLUGINS, explain  # noqa: E402


class Explain(unittest.TestCase):
    def test_every_case_of_the_examples(self):
        asked = [(case, family) for case in CASES for family in (4, 6)]
        told = explain(EXAMPLES, [case.question(family, port_of(case, family))
                                  for case, family in asked])
        self.assertEqual(len(told), len(asked))
        for (case, family), one in zip(asked, told):
            with self.subTest(case=case.asked, who=case.who, family=family):
                self.assertEqual(one["verdict"], case.expect, one)
                self.assertEqual(one["rule"], case.rule)
                self.assertTrue(one["reason"])

    def test_each_folder_alone_says_the_same(self):
        for case in CASES:
            with self.subTest(case=case.asked, who=case.who):
                one, = explain(os.path.join(EXAMPLES, case.folder),
                               [case.question(4, port_of(case, 4))])
                self.assertEqual((one["verdict"], one["rule"]), (case.expect, case.rule))

    def test_bad_lines_are_answered_in_their_place(self):
        good = json.dumps(CASES[0].question(4, 1))
        lines = [good, "{", '{"src": "10.10.1.8"}', '{"src": 7, "dst": "x"}', "[]", good]
        done = subprocess.run([CTL, "explain", "-p", EXAMPLES, "-P", PLUGINS, "--batch"],
                              input="\n".join(lines) + "\n", capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(["error" in one for one in told], [False, True, True, True, True, False])
        self.assertEqual(told[0]["verdict"], "allow")
        self.assertEqual(told[0], told[5])

    def one(self, *words):
        return subprocess.run([CTL, "explain", "-p", EXAMPLES, "-P", PLUGINS, *words],
                              capture_output=True, text=True)

    def test_one_question_in_words_and_in_json(self):
        ends = ("--src", "10.10.1.8", "--dst", "10.10.1.7:80", "--sport", "4000")
        for words, verdict in (
                (("--http", "GET http://foo.bar.com/api/v2/x"), "allow"),
                (("--http", "GET http://foo.bar.com/api/v1/x"), "reject"),
                (("--tls", "foo.bar.com"), "reject"), (("--tls",), "reject"),
                (("--other",), "reject"),
                (("--l7", "http", "path=/api/v2/x", "host=foo.bar.com", "method=GET"), "allow")):
            with self.subTest(words):
                done = self.one(*ends, *words, "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                told = json.loads(done.stdout)
                self.assertEqual(told["verdict"], verdict)
                self.assertEqual(told["policy"], "ingress-allow-http-request-to-api-v2")
                self.assertEqual(told["namespace"], "api-v2")
                self.assertEqual(told["rule"], "allow-http")
                self.assertEqual(told["tier"], "application")
                self.assertEqual(told["direction"].lower(), "ingress")
                self.assertTrue(told["steps"])
                plain = self.one(*ends, *words)
                self.assertEqual(plain.returncode, 0)
                self.assertIn(verdict, plain.stdout.lower())
                self.assertIn("ingress-allow-http-request-to-api-v2", plain.stdout)
        told = json.loads(self.one("--src", "10.10.99.9", "--dst", "fd10:10::1", "--json").stdout
                          or "{}")
        self.assertNotEqual(told.get("verdict"), "allow")  # two families: an error, no verdict

    def test_no_rule_decides_where_nothing_applies(self):
        told = json.loads(self.one("--src", "10.10.99.9", "--dst", "[fd10:10::88:80]:80",
                                   "--json").stdout or "{}")
        self.assertNotEqual(told.get("verdict"), "allow")
        told = json.loads(self.one("--src", "10.10.99.9", "--dst", "10.10.88.80:80",
                                   "--json").stdout)
        self.assertEqual((told["verdict"], told["policy"], told["rule"]), ("allow", None, None))

    def test_the_demo_works_without_a_network(self):
        done = subprocess.run([sys.executable, os.path.join(EXAMPLES, "demo.py"), "--offline"],
                              capture_output=True, text=True, env=dict(os.environ, L7_BUILD=BUILD))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("shipped capture", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
