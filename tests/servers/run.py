#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What servers and l7guard make of odd requests: the table of docs/http.md.

    run.py            start nginx, Apache httpd, Node and Java's HttpServer on loopback ports, send
                      each every case, write results.json and the table
    run.py --table    write the table from results.json
    run.py --check    no servers: does the table equal what results.json and l7guard give, does it
                      have every reason of plugins/http/README.md, and is nothing let through that
                      a server reads otherwise than the rules did
    run.py --doubts   what l7guard refuses although all servers read it alike

l7guard's answers come from $L7_BUILD/bin/l7ctl (default: build). Servers that are not installed are
named in the table's head, and their columns say "not seen".
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
import inspector  # noqa: E402
import reading  # noqa: E402
import servers  # noqa: E402
import table  # noqa: E402
from cases import load  # noqa: E402

RESULTS = os.path.join(servers.HERE, "results.json")
PAGE = os.path.join(inspector.ROOT, "docs", "http.md")
REASONS = os.path.join(inspector.ROOT, "plugins", "http", "README.md")
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
TOGETHER = 16  # connections at a time
NOT_SEEN = ["not seen", "closed"]
# What no bytes of a client alone bring about; the page says so.
ELSEWHERE = {"h2c-not-supported", "reply-unreadable", "transaction-limit", "no-memory",
             "pipeline-limit", "connect-answer"}


def digest(case):
    return hashlib.sha256(case.sent).hexdigest()[:16]


def record(cases):
    seen = {case.name: {"sha256": digest(case)} for case in cases}
    versions = {}
    for server in servers.SERVERS:
        if server.missing():
            versions[server.name] = f"{server.name} not installed"
            for case in cases:
                seen[case.name][server.name] = NOT_SEEN
            continue
        versions[server.name] = server.version()
        with tempfile.TemporaryDirectory() as folder:
            server.start(folder)
            try:
                with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
                    sent = (case.sent for case in cases)
                    outcomes = pool.map(lambda one: servers.converse(server.port, one), sent)
                    for case, outcome in zip(cases, outcomes):
                        seen[case.name][server.name] = outcome
            finally:
                server.stop()
        print(f"{versions[server.name]}: {len(cases)} cases")
    lines = [f'  {json.dumps(name)}: {json.dumps(one)}' for name, one in seen.items()]
    with open(RESULTS, "w", encoding="utf-8") as out:
        out.write('{\n "servers": ' + json.dumps(versions) + ',\n "cases": {\n' +
                  ",\n".join(lines) + "\n }\n}\n")


def stale(cases, results):
    """Names of cases that were not sent as they are now, and of results of none."""
    known = results["cases"]
    names = {case.name for case in cases}
    return ([case.name for case in cases
             if known.get(case.name, {}).get("sha256") != digest(case)] +
            [name for name in known if name not in names])


def page():
    with open(PAGE, encoding="utf-8") as text:
        before, _, rest = text.read().partition(BEGIN)
    old, _, after = rest.partition(END)
    return before, old, after


def holes(cases, answers, results):
    """Where a server reads another request than was let through."""
    found = []
    for case in cases:
        answer = answers[case.name]
        count = answer.requests if answer.reached else 0
        whole = answer.reached == answer.sent  # of what is held back no server reads a request
        for name in results["servers"]:
            entries = results["cases"][case.name][name]
            for what in reading.holes(case.sent, count, whole, entries):
                found.append(f"{case.name}: {name} reads another {what}: {entries}")
    return found


def doubts(cases, answers, results):
    for case in cases:
        outcomes = [results["cases"][case.name][name] for name in results["servers"]]
        answer = answers[case.name]
        reads = reading.alike(outcomes)
        if not answer.allowed and reads:
            yield f"{case.name}: {answer.reason}, but all read {reads}"


def reasons_of_readme():
    """What its table of reasons names, and its table of limits."""
    with open(REASONS, encoding="utf-8") as text:
        lines = text.read()
    reasons = lines.partition("| reason | |\n")[2].partition("\n\n")[0].splitlines()
    limits = re.findall(r"^\| `max-.*$", lines, re.M)
    cells = [line.split("|")[1] for line in reasons] + [line.split("|")[3] for line in limits]
    return {slug for cell in cells for slug in re.findall(r"`([a-z0-9-]+)`", cell)}


def check(cases, answers, results):
    """Sentences about what is wrong."""
    wrong = holes(cases, answers, results)
    wrong += [f"{name}: l7guard's forms of its path are not those of [L7-18]"
              for name in inspector.doubtful_forms(cases, answers)]
    reasons = reasons_of_readme()
    shown = {answer.reason for answer in answers.values()}
    wrong += [f"{slug}: in plugins/http/README.md, but no case has it"
              for slug in sorted(reasons - shown - ELSEWHERE)]
    wrong += [f"{slug}: no reason of plugins/http/README.md"
              for slug in sorted(ELSEWHERE - reasons)]
    wrong += [f"{slug}: an answer, but not in plugins/http/README.md"
              for slug in sorted(shown - reasons - {"matched", "incomplete", "unclaimed"})]
    old, new = page()[1], table.render(cases, answers, results)
    if old != new:
        lines = [(a, b) for a, b in zip(old.split("\n"), new.split("\n")) if a != b]
        wrong.append("docs/http.md is not what results.json and l7guard give; run.py --table "
                     "writes it anew" + "".join(f"\n  - {a}\n  + {b}" for a, b in lines[:5]))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    mode = parser.add_mutually_exclusive_group()
    for name in ("table", "check", "doubts"):
        mode.add_argument(f"--{name}", action="store_true")
    asked = parser.parse_args()
    cases = load()
    if not (asked.table or asked.check or asked.doubts):
        record(cases)
    with open(RESULTS, encoding="utf-8") as source:
        results = json.load(source)
    if stale(cases, results):
        raise SystemExit(f"{RESULTS} is of other cases: {', '.join(stale(cases, results))}")
    answers = inspector.judge(cases)
    if asked.doubts:
        print("\n".join(doubts(cases, answers, results)))
        return
    if not asked.check:
        before, _, after = page()
        with open(PAGE, "w", encoding="utf-8") as out:
            out.write(before + BEGIN + table.render(cases, answers, results) + END + after)
    wrong = check(cases, answers, results)
    print("\n".join(wrong) if wrong else f"{len(cases)} cases: the page is right")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
