#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab itself: with a plain wire in the middle everything passes, with nothing there nothing
does. What the other tests see refused is l7guard's doing."""

import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import serve  # noqa: E402
from lab.cases import CASES, port_of  # noqa: E402
from lab.tap import RST, Tap, data_to  # noqa: E402
from lab.wire import Wire  # noqa: E402


class Lab(unittest.TestCase):
    def setUp(self):
        self.lab = Wire()
        self.addCleanup(self.lab.close)
        self.nginx, self.servers = serve.all_of(self.lab)

    def test_nothing_passes_an_empty_gate_and_everything_a_plain_wire(self):
        case = CASES[0]
        for family in (4, 6):
            self.assertEqual(case.run(self.lab, family, 41000 + family).got, "silence")
        self.lab.plain()
        with Tap(self.lab, "web") as tap:
            for case in CASES:
                for family in (4, 6):
                    with self.subTest(case=case.asked, family=family):
                        answer = case.run(self.lab, family, port_of(case, family))
                        # To an HTTP server other protocols are bad requests; it answers them.
                        self.assertTrue(answer.passed, answer)
            segments = tap.segments()
        for case in CASES:
            if case.kind != "dns":
                for family in (4, 6):
                    self.assertGreater(data_to(segments, port_of(case, family)), 0, case.asked)
        self.assertTrue([s for s in segments if ":" in s.src])
        self.assertEqual(len(self.nginx.from_port(port_of(CASES[0], 4))), 1)
        self.assertLess(len([s for s in segments if s.flags & RST]), len(CASES))


if __name__ == "__main__":
    unittest.main(verbosity=2)
