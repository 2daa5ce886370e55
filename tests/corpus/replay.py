#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judge every capture of tests/data/corpus and compare what l7guard read in it with what other
tools read.

For each capture: `l7guard -r`, with no policy, so that every recognised transaction is logged.
Its http and tls records are compared with the oracle's, and only with those on which at least two
independent tools agree (tests/data/corpus/README.md). A record matches when method, host, target
and status are equal, or the server name is, on the same flow.

Fails when less than --least percent match, when l7guard ends by a signal, does not end within
--seconds, or treats a damaged file otherwise than it should.

usage: replay.py --build DIR [--least 95] [--seconds 20] [--verbose] [CAPTURE...]
"""

import argparse
import glob
import ipaddress
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(os.path.dirname(HERE), "data", "corpus")
MISSES_SHOWN = 5  # of one capture; --verbose shows all

# Refused as a whole, in one line, exit 1: no capture at all; interfaces of different link types in
# one file (pcap's README).
REFUSED = {"file-bad-magic", "file-pcapng-be-102"}
# Files that end in the middle or turn to nonsense: what is whole before is judged and its records
# count; then one line, exit 1.
DAMAGED = {"file-corrupt-record", "file-cut-short", "file-cut-in-packet"}


class Finding:
    """What one capture came to."""

    def __init__(self, name):
        self.name = name
        self.matched, self.expected = 0, 0
        self.misses, self.faults = [], []


def ends(record, src="src_ip", sport="src_port", dst="dest_ip", dport="dest_port"):
    return (ipaddress.ip_address(record[src]), record[sport],
            ipaddress.ip_address(record[dst]), record[dport])


def host(text):
    return text.strip("[]").lower() if text else None


def expected(oracle):
    """(kind, flow, facts) of each record that two tools agree on."""
    for record in oracle["http"]:
        if record.get("agree"):
            yield ("http", ends(record, "src", "sport", "dst", "dport"),
                   (record["method"], host(record["host"]), record["uri"], record["status"]))
    for record in oracle["tls"]:
        if record.get("agree"):
            yield ("tls", ends(record, "src", "sport", "dst", "dport"), (host(record["sni"]),))


def found(folder):
    """The same of what l7guard logged."""
    for path in sorted(glob.glob(os.path.join(folder, "eve-*.json"))):
        with open(path, encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                if record["event_type"] == "http":
                    http = record["http"]
                    yield ("http", ends(record),
                           (http.get("http_method"), host(http.get("hostname")), http.get("url"),
                            http.get("status")))
                elif record["event_type"] == "tls":
                    yield "tls", ends(record), (host(record["tls"].get("sni")),)


def said_well(name, done, finding):
    lines = done.stderr.strip().splitlines()
    if name in REFUSED:
        if done.returncode != 1 or len(lines) != 1 or name not in done.stderr:
            finding.faults.append(f"should be refused in one line, exit 1: {done}")
    elif name in DAMAGED:
        if done.returncode != 1 or len(lines) != 1 or name not in done.stderr:
            finding.faults.append(f"the damage should be told in one line, exit 1: {done}")
    elif done.returncode != 0:
        finding.faults.append(f"exit {done.returncode}: {done.stderr.strip()}")
    if done.returncode < 0 or "Sanitizer" in done.stderr:
        finding.faults.append("crashed")


def judge(path, options):
    name = os.path.basename(path).rsplit(".", 1)[0]
    finding = Finding(name)
    with open(os.path.join(CORPUS, name + ".json"), encoding="utf-8") as file:
        oracle = json.load(file)
    with tempfile.TemporaryDirectory(prefix="l7t-corpus-") as folder:
        policies = os.path.join(folder, "policies")
        os.mkdir(policies)
        try:
            done = subprocess.run(
                [os.path.join(options.build, "bin", "l7guard"), "-r", path, "-P",
                 os.path.join(options.build, "plugins"), "-p", policies, "-l", folder],
                capture_output=True, text=True, errors="replace", timeout=options.seconds)
        except subprocess.TimeoutExpired:
            finding.faults.append(f"not done after {options.seconds} s")
            return finding
        said_well(name, done, finding)
        have = list(found(folder))
    for want in expected(oracle):
        finding.expected += 1
        if want in have:
            have.remove(want)  # each record answers for one
            finding.matched += 1
        else:
            near = [h for h in have if h[:2] == want[:2]]
            finding.misses.append(f"{want[0]} port {want[1][1]}: expected {want[2]}, "
                                  f"have {[h[2] for h in near[:2]]}")
    return finding


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--least", type=float, default=95.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("captures", nargs="*")
    options = parser.parse_args()

    captures = options.captures or sorted(glob.glob(os.path.join(CORPUS, "*.pcap"))
                                          + glob.glob(os.path.join(CORPUS, "*.pcapng")))
    if not captures:
        sys.exit(f"no captures in {CORPUS}")
    findings = [judge(path, options) for path in captures]
    for one in findings:
        if one.misses or one.faults or options.verbose:
            print(f"{one.name}: {one.matched} of {one.expected}")
            for text in one.misses[:None if options.verbose else MISSES_SHOWN]:
                print(f"    missed: {text}")
            for text in one.faults:
                print(f"    fault: {text}")
    matched = sum(one.matched for one in findings)
    total = sum(one.expected for one in findings)
    faults = sum(len(one.faults) for one in findings)
    share = 100.0 * matched / total if total else 100.0
    print(f"{len(findings)} captures, {matched} of {total} records ({share:.1f} %), "
          f"{faults} faults")
    sys.exit(1 if faults or share < options.least else 0)


if __name__ == "__main__":
    main()
