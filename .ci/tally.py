#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count a ctest JUnit file: "PASSED FAILED SKIPPED NAME..." with the names of what failed.

Skipped is only what said so itself. A test that could not be started is a failure.
"""

import sys
import xml.etree.ElementTree as tree

passed, skipped, failed = 0, 0, []
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    skip = case.find("skipped")
    if case.get("status") == "run":
        passed += 1
    elif skip is not None and "SKIP_RETURN_CODE" in (skip.get("message") or ""):
        skipped += 1
    else:
        failed.append(case.get("name"))
print(passed, len(failed), skipped, *failed)
