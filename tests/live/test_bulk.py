#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Thirty megabytes cross whole with the offloads on: frames of up to 64 KiB, checksums left to
whoever finishes them; and the counters account for every frame."""

import hashlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import serve  # noqa: E402
from lab.guard import Guard  # noqa: E402
from lab.tap import Tap  # noqa: E402
from lab.wire import Wire, address, url_address  # noqa: E402


class Bulk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Wire()
        cls.nginx = serve.Nginx(cls.lab, big=True)
        with open(cls.lab.path("www/big"), "rb") as file:
            cls.digest = hashlib.sha256(file.read()).hexdigest()
        cls.guard = Guard(cls.lab, ["allow-http-request-to-api-v2"]).start()

    @classmethod
    def tearDownClass(cls):
        cls.guard.stop()
        cls.lab.close()

    def offloads(self):
        shown = subprocess.run(["ip", "netns", "exec", self.lab.names["gate"], "ethtool", "-k",
                                "eth1"], capture_output=True, text=True).stdout
        return [line.strip() for line in shown.splitlines()
                if line.startswith(("tx-checksumming", "tcp-segmentation-offload"))]

    def download(self, family):
        path = self.lab.path(f"got-{family}")
        done = subprocess.run(
            ["ip", "netns", "exec", self.lab.names["client"], "curl", "-q", "-s", "-o", path, "-w",
             "%{http_code} %{time_total}", "--interface", address("1.8", family), "--resolve",
             f"foo.bar.com:80:{url_address('1.7', family)}", "--max-time", "30",
             "http://foo.bar.com/api/v2/big"], capture_output=True, text=True)
        self.assertEqual(done.stdout.split()[0], "200", done)
        with open(path, "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), self.digest)
        seconds = float(done.stdout.split()[1])
        print(f"IPv{family}: 30 MiB in {seconds:.2f} s")

    def test_downloads_are_intact_and_come_in_large_frames(self):
        on = ["tx-checksumming: on", "tcp-segmentation-offload: on"]
        self.assertEqual(self.offloads(), on)
        for family in (4, 6):
            with self.subTest(family=family):
                with Tap(self.lab, "client", snap=128) as tap:
                    self.download(family)
                longest = max(s.length for s in tap.segments())
                print(f"IPv{family}: largest segment seen by the client: {longest} bytes")
                # Larger than any cable's: segmentation was left to the last interface.
                self.assertGreater(longest, 16000)
        self.assertEqual(self.offloads(), on)

    def test_uploads_are_intact(self):
        for family in (4, 6):
            done = subprocess.run(
                ["ip", "netns", "exec", self.lab.names["client"], "curl", "-q", "-s", "-o",
                 "/dev/null", "-w", "%{http_code} %{size_upload}", "--interface",
                 address("1.8", family), "--resolve",
                 f"foo.bar.com:80:{url_address('1.7', family)}", "--max-time", "30", "-X", "GET",
                 "--data-binary", "@" + self.lab.path("www/big"), "-H", "Expect:",
                 "http://foo.bar.com/api/v2/x"], capture_output=True, text=True)
            self.assertEqual(done.stdout, f"200 {serve.BIG}", done)


if __name__ == "__main__":
    unittest.main(verbosity=2)
