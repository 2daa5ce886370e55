#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The antrea-config ConfigMap is obeyed [OBJ-3]: checksum offload off while l7guard runs and back
on afterwards; a closed feature gate refuses L7 policies by name."""

import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.guard import EXAMPLES, GUARD, Guard  # noqa: E402
from lab.wire import Wire  # noqa: E402

FILE = "antrea-config.yaml"


class ConfigMap(unittest.TestCase):
    def setUp(self):
        self.lab = Wire()
        self.addCleanup(self.lab.close)
        self.nginx = serve.Nginx(self.lab)
        self.guard = Guard(self.lab, ["allow-http-request-to-api-v2"])
        shutil.copy(os.path.join(EXAMPLES, "antrea-config", FILE), self.guard.policies)

    def offload(self, iface):
        shown = subprocess.run(["ip", "netns", "exec", self.lab.names["gate"], "ethtool", "-k",
                                iface], capture_output=True, text=True).stdout
        return next(line.split()[1] for line in shown.splitlines()
                    if line.startswith("tx-checksumming"))

    def both(self):
        return self.offload("eth1"), self.offload("eth2")

    def test_checksum_offload_is_off_while_it_runs(self):
        self.assertEqual(self.both(), ("on", "on"))
        self.guard.start()
        self.assertEqual(self.both(), ("off", "off"))
        for family in (4, 6):
            self.assertEqual(ask.curl(self.lab, "1.8", "1.7", "http://foo.bar.com/api/v2/x",
                                      family=family).got, "200")
            self.assertEqual(ask.curl(self.lab, "1.8", "1.7", "http://foo.bar.com/x",
                                      family=family).got, "reset")
        self.assertEqual(self.guard.stop(), 0)
        self.assertEqual(self.both(), ("on", "on"))

    def test_a_closed_gate_refuses_l7_policies(self):
        path = os.path.join(self.guard.policies, FILE)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("L7NetworkPolicy: true", "L7NetworkPolicy: false"))
        self.guard.write_config()
        done = subprocess.run(["ip", "netns", "exec", self.lab.names["gate"], GUARD, "-c",
                               self.guard.config], capture_output=True, text=True, timeout=10)
        self.assertEqual(done.returncode, 1)
        self.assertIn("L7NetworkPolicy", done.stderr)
        self.assertEqual(self.both(), ("on", "on"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
