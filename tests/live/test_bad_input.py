#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What cannot be used is refused with one line that names the place and the reason, and exit 1;
wrong options with exit 2. Needs neither root nor namespaces: captures are judged, or -T asked."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from lab.guard import CTL, EXAMPLES, GUARD, PLUGINS, copy_examples, records  # noqa: E402

CAPTURE = os.path.join(EXAMPLES, "demo.pcap")
FOLDER = "allow-http-only"


class BadInput(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="l7t-bad-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.policies, self.logs = self.path("policies"), self.path("log")
        os.makedirs(self.logs)
        copy_examples(self.policies, [FOLDER])

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def run_guard(self, *words, **more):
        return subprocess.run([GUARD, *words], capture_output=True, text=True, timeout=20, **more)

    def judge(self, capture=CAPTURE, policies=None, plugins=PLUGINS, logs=None, **more):
        return self.run_guard("-r", capture, "-p", policies or self.policies, "-P", plugins, "-l",
                              logs or self.logs, **more)

    def refused(self, done, *words, lines=1):
        """Exit 1, and one line with the place and the reason."""
        self.assertEqual(done.returncode, 1, done)
        said = done.stderr.strip().splitlines()
        self.assertEqual(len(said), lines, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotRegex(done.stderr, r"Sanitizer|Assertion|core dumped")

    def test_good_input_is_not_refused(self):
        done = self.judge()
        self.assertEqual((done.returncode, done.stderr.count("error")), (0, 0), done.stderr)
        self.assertTrue(records(self.logs))

    def config(self, more="", **changes):
        settings = {"plugin-dir": PLUGINS, "policy-dir": self.policies, "log-dir": self.logs,
                    "control-socket": self.path("sock"), "metrics": ""}
        settings.update(changes)
        text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
        return self.write("l7guard.yaml", text + more)

    def test_configuration(self):
        for name, more, words in (
                ("unknown key", "policy-dri: /x\n",
                 ["l7guard.yaml:6:1", "policy-dri", "policy-dir"]),
                ("bad value", "hold: sometimes\n", ["l7guard.yaml:6:7", "hold", "balanced"]),
                ("not YAML", "capture: [\n", ["l7guard.yaml:7:1"]),
                ("unknown log", "log: [{syslog: {}}]\n", ["l7guard.yaml:6:8", "syslog"]),
                ("unknown log option", "log: [{eve: {dialekt: guide}}]\n",
                 ["l7guard.yaml:6:14", "dialekt", "dialect"]),
                ("bad log option", "log: [{eve: {dialect: latin}}]\n", ["eve", "dialect"])):
            with self.subTest(name):
                self.refused(self.run_guard("-r", CAPTURE, "-c", self.config(more)), *words)
                self.assertEqual(records(self.logs), [])
        for name, more, words in (
                ("no capture", "", ["capture"]),
                ("unknown capture", "capture: [{carrier-pigeon: {}}]\n",
                 ["l7guard.yaml:6:12", "carrier-pigeon"]),
                ("unknown option", "capture: [{afpacket: {interface: [a, b]}}]\n",
                 ["l7guard.yaml:6:23", "interface", "interfaces"])):
            with self.subTest(name):
                path = self.config(more)
                for done in (self.run_guard("-T", "-c", path), self.run_guard("-c", path)):
                    self.assertEqual(done.returncode, 1, done)
                    for word in words:
                        self.assertIn(word, done.stderr)
        self.refused(self.run_guard("-c", self.path("none.yaml")), self.path("none.yaml"),
                     "No such file")

    def test_interfaces(self):
        path = self.config("capture: [{afpacket: {interfaces: [l7t-none1, l7t-none2]}}]\n")
        done = self.run_guard("-c", path)
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, "l7t-none1|not permitted|CAP_NET_RAW")

    def test_policies(self):
        with open(os.path.join(self.policies, FOLDER, "policy.yaml"), encoding="utf-8") as file:
            good = file.read()
        for name, text, words in (
                ("unknown field", good.replace("appliedTo:", "appliesTo:"),
                 [":11:3", "appliesTo", "appliedTo"]),
                ("bad action", good.replace("action: Allow", "action: Permit"), [":17:15", "Permit"]),
                ("unknown keyword", good.replace("http: {}", "gopher: {}"), [":19:11", "gopher"]),
                ("unknown http field", good.replace("http: {}", "http: {paht: /x}"),
                 [":19:18", "paht", "path"]),
                ("no priority", good.replace("  priority: 5\n", ""), ["priority"]),
                ("not YAML", good + "\t: [", ["bad.yaml:"]),
                ("binary", b"\x00\xff\xfe\x01", ["bad.yaml"]),
                ("alpha version", good.replace("v1beta1", "v1alpha1"), [":3:13", "v1alpha1"])):
            with self.subTest(name):
                shutil.rmtree(os.path.join(self.policies, FOLDER))
                copy_examples(self.policies, [FOLDER])
                os.remove(os.path.join(self.policies, FOLDER, "policy.yaml"))
                path = self.write(f"policies/{FOLDER}/bad.yaml", text)
                done = self.judge()
                self.assertEqual(done.returncode, 1, done)
                self.assertIn(path, done.stderr)
                for word in words:
                    self.assertIn(word, done.stderr)
                self.assertEqual(records(self.logs), [], "nothing was judged")
        self.refused(self.judge(policies=self.path("nowhere")), self.path("nowhere"))

    def test_every_problem_is_told_not_the_first_alone(self):
        self.write(f"policies/{FOLDER}/policy.yaml", """\
apiVersion: crd.antrea.io/v1beta1
kind: NetworkPolicy
metadata: {name: many, namespace: http-only}
spec:
  priority: 50000
  appliedTo: [{podSelector: {}}]
  ingress:
    - {name: a, action: Perhaps}
    - {name: b, action: Allow, l7Protocols: [{http: {hots: x}}]}
""")
        done = self.run_guard("-T", "-c", self.config(
            "capture: [{afpacket: {interfaces: [lo, lo]}}]\n"))
        self.assertEqual(done.returncode, 1)
        for place in (":5:", ":8:", ":9:"):
            self.assertIn(f"policy.yaml{place}", done.stderr + done.stdout)

    def test_captures(self):
        for name, text, words in (
                ("empty", b"", []),
                ("text", b"this is not a capture file at all\n" * 10, []),
                ("short", b"\xd4\xc3\xb2\xa1\x02\x00", [])):
            with self.subTest(name):
                path = self.write(f"{name}.pcap", text)
                self.refused(self.judge(path), path, *words)
        self.refused(self.judge(self.path("none.pcap")), self.path("none.pcap"), "No such file")
        self.refused(self.judge(self.dir), self.dir)

    def test_a_capture_from_standard_input(self):
        with open(CAPTURE, "rb") as file:
            done = self.judge("-", stdin=file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(records(self.logs))
        done = self.judge("-", input="no capture")
        self.assertEqual(done.returncode, 1)

    def patched(self, where, value):
        """http.so with two bytes of its descriptor's head changed; `where` counts from it."""
        with open(os.path.join(PLUGINS, "http.so"), "rb") as file:
            data = bytearray(file.read())
        head = data.index(b"l7guard\0" + b"\2\0\0\0") - 8  # the magic, and the kind behind it
        data[head + where:head + where + 2] = value.to_bytes(2, "little")
        return bytes(data)

    def test_plugins(self):
        with open(os.path.join(PLUGINS, "http.so"), "rb") as file:
            http = file.read()
        with open(GUARD, "rb") as file:
            program = file.read()
        for name, file, text, words in (
                ("text", "bad.so", b"not a shared object", ["bad.so"]),
                ("empty", "bad.so", b"", ["bad.so"]),
                ("cut", "bad.so", http[:len(http) // 2], ["bad.so"]),
                ("no plugin", "bad.so", program, ["bad.so", "l7_plugin"]),
                ("other major", "http.so", self.patched(0, 99), ["http.so", "99"]),
                ("newer minor", "http.so", self.patched(2, 99), ["http.so", "99"]),
                ("other name", "httq.so", http, ["httq.so", "http"])):
            with self.subTest(name):
                plugins = self.path("plugins")
                shutil.rmtree(plugins, ignore_errors=True)
                shutil.copytree(PLUGINS, plugins)
                if file != "http.so" and name == "other name":
                    os.remove(os.path.join(plugins, "http.so"))
                self.write(f"plugins/{file}", text)
                self.refused(self.judge(plugins=plugins), *words)
                done = self.run_guard("-T", "-c", self.config(**{"plugin-dir": plugins}))
                self.assertEqual(done.returncode, 1)
                self.assertIn(words[0], done.stderr)
        self.refused(self.judge(plugins=self.path("nowhere")), self.path("nowhere"))

    def test_without_the_http_plugin_its_keyword_is_unknown(self):
        plugins = self.path("plugins")
        shutil.copytree(PLUGINS, plugins)
        os.remove(os.path.join(plugins, "http.so"))
        self.refused(self.judge(plugins=plugins), "policy.yaml:19:11", "http")

    def test_a_log_folder_that_cannot_be_written(self):
        self.refused(self.judge(logs=self.write("file", "")), self.path("file"))

    def test_usage(self):
        for words in (["-x"], ["-c"], ["-r"], ["left", "over"], ["--nonsense"]):
            with self.subTest(words):
                done = self.run_guard(*words)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn("--help", done.stderr)
        for words in ([], ["nonsense"], ["explain"], ["status", "--nonsense"]):
            with self.subTest(ctl=words):
                done = subprocess.run([CTL, *words], capture_output=True, text=True, timeout=10)
                self.assertEqual(done.returncode, 2, done)
                self.assertTrue(done.stderr)

    def test_control_without_a_daemon(self):
        done = subprocess.run([CTL, "status", "--socket", self.path("none.sock")],
                              capture_output=True, text=True, timeout=10)
        self.refused(done, self.path("none.sock"))

    def test_version(self):
        done = self.run_guard("-V")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^l7guard \d+\.\d+\.\d+")


if __name__ == "__main__":
    unittest.main(verbosity=2)
