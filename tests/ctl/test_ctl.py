#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""l7ctl as people call it: what it prints where, and its exit status. Needs no daemon, no root and
no network."""

import base64
import json
import os
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("L7_BUILD", os.path.join(TOP, "build"))
CTL = os.path.join(BUILD, "bin", "l7ctl")
PLUGINS = os.path.join(BUILD, "plugins")
ENDS = ("--src", "10.0.0.1", "--dst", "10.0.0.2:80")
POLICY = """
apiVersion: crd.antrea.io/v1beta1
kind: NetworkPolicy
metadata: {name: shop, namespace: default}
spec:
  priority: 5
  appliedTo: [{podSelector: {matchLabels: {app: web}}}]
  ingress:
  - name: get
    action: Allow
    ports: [{port: 80}]
    l7Protocols: [{http: {path: "/api/*", method: GET}}, {tls: {sni: "*.shop"}}]
  - {name: rest, action: Reject}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default, labels: {app: web}}
spec: {nodeName: node-a}
status: {podIPs: [{ip: 10.0.0.2}, {ip: "fd00::2"}]}
"""


class Ctl(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.policies = os.path.join(self.dir.name, "policies")
        os.mkdir(self.policies)
        self.write(POLICY)

    def write(self, text):
        with open(os.path.join(self.policies, "policy.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def ctl(self, *words, said=None, status=0):
        done = subprocess.run([CTL, *words], input=said, capture_output=True, timeout=60,
                              text=not isinstance(said, bytes))
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done

    def explain(self, *words, **more):
        return self.ctl("explain", "-p", self.policies, "-P", PLUGINS, *words, **more)

    def verdict(self, *words, **more):
        told = json.loads(self.explain(*words, "--json", **more).stdout)
        return told["verdict"], told["rule"], told["reason"]

    # Usage

    def test_wrong_usage_is_one_line_that_says_how(self):
        for words in ([], ["nonsense"], ["status", "x"], ["status", "--nonsense"], ["-s"],
                      ["explain"], ["explain", "--src", "10.0.0.1"], ["help", "nonsense"],
                      ["explain", "--batch"], ["explain", *ENDS, "-P", PLUGINS],
                      ["status", "-p", self.policies], ["flows", "--limit", "0"],
                      ["explain", "-p", self.policies, *ENDS, "--nonsense"],
                      ["explain", "-p", self.policies, *ENDS, "--raw"],
                      ["explain", "-p", self.policies, *ENDS, "--tls", "a", "--other"],
                      ["explain", "-p", self.policies, "--src", "10.0.0.1", "--dst", "[::1"]):
            with self.subTest(words):
                done = self.ctl(*words, status=2)
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn("--help", done.stderr)

    def test_help_teaches_every_command(self):
        told = self.ctl("--help").stdout
        for command in ("status", "plugins", "policies", "flows", "reload", "explain"):
            self.assertIn(command, told)
            one = self.ctl("help", command).stdout
            self.assertIn(f"usage: l7ctl {command}", one)
            self.assertEqual(one, self.ctl(command, "--help").stdout)
        # What explain takes comes from the plugins.
        self.assertIn("--http METHOD URL", self.ctl("help", "explain").stdout)
        self.assertIn("--tls [SERVER-NAME]", self.ctl("help", "explain").stdout)

    def test_version(self):
        self.assertRegex(self.ctl("version").stdout, r"^l7ctl \d+\.\d+\.\d+ ")
        self.assertEqual(self.ctl("version").stdout, self.ctl("-V").stdout)

    def test_without_a_daemon_the_socket_is_named(self):
        path = os.path.join(self.dir.name, "none.sock")
        for words in (["status"], ["plugins"], ["policies"], ["flows"], ["reload"],
                      ["explain", *ENDS]):
            done = self.ctl(*words, "-s", path, status=1)
            self.assertIn(path, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_the_socket_comes_from_the_configuration(self):
        path = os.path.join(self.dir.name, "named.sock")
        config = os.path.join(self.dir.name, "l7guard.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"control-socket: {path}\n")
        self.assertIn(path, self.ctl("status", "-c", config, status=1).stderr)
        done = self.ctl("status", "-c", os.path.join(self.dir.name, "nowhere"), status=1)
        self.assertIn("nowhere", done.stderr)

    # Without a daemon

    def test_plugins_of_a_directory(self):
        self.assertIn("inspector", self.ctl("plugins", "-P", PLUGINS).stdout)
        told = json.loads(self.ctl("plugins", "-P", PLUGINS, "--json").stdout)
        keywords = {p.get("keyword"): p for p in told}
        self.assertIn("http", keywords)
        self.assertEqual([f["name"] for f in keywords["tls"]["fields"]], ["sni"])
        self.assertIn("sni", self.ctl("plugins", "tls", "-P", PLUGINS).stdout)
        self.ctl("plugins", "smtp", "-P", PLUGINS, status=1)

    def test_policies_of_a_directory(self):
        told = json.loads(self.ctl("policies", "-p", self.policies, "-P", PLUGINS, "--json").stdout)
        self.assertEqual([(r["rule"], r["action"], r["l7"], r["index"]) for r in told],
                         [("get", "Allow", True, 0), ("rest", "Reject", False, 1)])
        text = self.ctl("policies", "-p", self.policies, "-P", PLUGINS).stdout
        self.assertLess(text.index("get"), text.index("rest"))

    def test_names_do_not_drive_the_terminal(self):
        self.write(POLICY.replace("name: rest", 'name: "re\\e[2Jst\\u009b\\r"'))
        for words in (("policies",), ("explain", *ENDS, "--proto", "udp")):
            done = self.ctl(*words, "-p", self.policies, "-P", PLUGINS)
            self.assertIn("re?[2Jst", done.stdout)
            self.assertNotRegex(done.stdout, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    # Explain

    def test_what_is_said_in_words(self):
        self.assertEqual(self.verdict(*ENDS)[0], "allow")
        for words, expected in (
                (("--http", "GET http://a/api/x"), ("allow", "get", "matched")),
                (("--http", "PUT http://a/api/x"), ("reject", "get", "no-match")),
                (("--http=GET http://a/x",), ("reject", "get", "no-match")),
                (("--tls", "www.shop"), ("allow", "get", "matched")),
                (("--tls",), ("reject", "get", "no-match")),
                (("--other",), ("reject", "get", "unclaimed")),
                (("--other", "ssh"), ("reject", "get", "unclaimed")),
                (("--l7", "tls", "sni=a.shop"), ("allow", "get", "matched")),
                (("--l7", "http", "method=GET", "path=/api/", "host=a"),
                 ("allow", "get", "matched")),
                (("--proto", "udp"), ("reject", "rest", "matched"))):
            with self.subTest(words):
                self.assertEqual(self.verdict(*ENDS, *words), expected)
                self.assertEqual(self.verdict(*words, *ENDS), expected)

    def test_bytes_from_a_file_and_from_standard_input(self):
        good, bad = b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
        path = os.path.join(self.dir.name, "bytes")
        for said, expected in ((good, "allow"), (good + bad, "reject"), (good[:-1], "reject")):
            with open(path, "wb") as file:
                file.write(said)
            self.assertEqual(self.verdict(*ENDS, "--raw", path)[0], expected)
            self.assertEqual(self.verdict(*ENDS, "--raw", "-", said=said)[0], expected)
        self.assertIn("nowhere", self.explain(*ENDS, "--raw", "/nowhere", status=1).stderr)

    def test_the_other_family_and_the_other_node(self):
        six = ("--src", "fd00::1", "--dst", "[fd00::2]:80")
        self.assertEqual(self.verdict(*six, "--tls", "a.shop")[0], "allow")
        self.assertEqual(self.verdict("--src", "fd00::1", "--dst", "fd00::2", "--proto", "icmp"),
                         ("reject", "rest", "matched"))
        self.assertEqual(self.verdict(*ENDS, "--other", "--node", "node-a")[0], "reject")
        self.assertEqual(self.verdict(*ENDS, "--other", "--node", "node-b"),
                         ("allow", None, "no rule matched"))

    def test_text_says_the_same(self):
        told = self.explain(*ENDS, "--http", "GET http://a/x").stdout
        for part in ("reject", "no-match", "get", "default/shop", "Ingress", "application",
                     '"/x" does not match "/api/*"'):
            self.assertIn(part, told)

    def test_a_question_that_makes_no_sense(self):
        for words, part in ((("--src", "web", "--dst", "10.0.0.2:80"), "web"),
                            (("--src", "::1", "--dst", "10.0.0.2:80"), "families"),
                            (("--src", "10.0.0.1", "--dst", "10.0.0.2"), "dport"),
                            ((*ENDS, "--proto", "carrier-pigeon"), "carrier-pigeon"),
                            ((*ENDS, "--l7", "smtp"), "smtp"), ((*ENDS, "--http"), "http")):
            done = self.explain(*words, status=1)
            self.assertIn(part, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_wrong_policies_are_told_in_full(self):
        self.write(POLICY.replace("action: Allow", "action: Alow").replace("Reject", "Rejekt"))
        for words in (ENDS, ("--batch",)):
            done = self.explain(*words, status=1, said="")
            self.assertRegex(done.stderr, r"policy\.yaml:\d+:\d+: .*Alow(.|\n)*"
                                          r"policy\.yaml:\d+:\d+: .*Rejekt")
        done = self.ctl("explain", "-p", "/nowhere", *ENDS, status=1)
        self.assertIn("/nowhere", done.stderr)

    def test_warnings_do_not_mix_with_answers(self):
        self.write(POLICY.replace("/api/*", "api/*"))
        done = self.explain(*ENDS, "--json")
        self.assertIn("warning", done.stderr)
        self.assertEqual(json.loads(done.stdout)["verdict"], "allow")

    def test_batch(self):
        ends = {"src": "10.0.0.1", "dst": "10.0.0.2", "dport": 80}
        raw = base64.b64encode(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n").decode()
        lines = [({"http": {"method": "GET", "target": "/api/x", "host": None}}, "allow"),
                 ({"http": {"method": "GET", "target": "/x", "host": "a"}}, "reject"),
                 ({"tls": {"sni": None}}, "reject"), ({"tls": {"sni": "A.Shop."}}, "allow"),
                 ({"other": "ssh"}, "reject"), ({"raw": raw}, "allow"), ({"raw": "AAAA"}, "reject"),
                 ({"l7": {"tls": {"sni": "a.shop"}}}, "allow"), ({"smtp": {}}, None),
                 ({"proto": "udp"}, "reject"), ({"sport": 1}, "allow"), ({"src": 1}, None)]
        said = "".join(json.dumps({**ends, **line}) + "\n" for line, _ in lines)
        done = self.explain("--batch", said=said)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([one.get("verdict") for one in told], [expected for _, expected in lines])
        self.assertEqual(["error" in one for one in told], [e is None for _, e in lines])

    def test_batch_answers_before_the_next_question(self):
        with subprocess.Popen([CTL, "explain", "-p", self.policies, "-P", PLUGINS, "--batch"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ctl:
            for _ in range(3):
                ctl.stdin.write('{"src": "10.0.0.1", "dst": "10.0.0.2", "dport": 80}\n')
                ctl.stdin.flush()
                self.assertEqual(json.loads(ctl.stdout.readline())["verdict"], "allow")
            ctl.stdin.close()
            self.assertEqual(ctl.wait(10), 0)

    def test_batch_is_quick(self):
        line = json.dumps({"src": "10.0.0.1", "dst": "10.0.0.2", "dport": 80,
                           "http": {"method": "GET", "target": "/api/x", "host": "a"}}) + "\n"
        done = self.explain("--batch", said=line * 20000)
        self.assertEqual(done.stdout.count('"allow"'), 20000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
