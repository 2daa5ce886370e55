#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example policies at work, in one table: who asked what, what the policy says, what happened.

As root it makes a network of its own in namespaces (a client, an admin, a stranger, a web server
with nginx and openssl), puts l7guard inline in the middle, asks with curl and openssl, and removes
all of it. Without root or namespaces l7guard judges demo.pcap, the same questions as a capture.

usage: demo.py [--offline | --record]       (the build tree is ../../build, or $L7_BUILD)
"""

import json
import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "live"))
from lab import serve, space  # noqa: E402
from lab.ask import Answer  # noqa: E402
from lab.cases import CASES, port_of  # noqa: E402
from lab.guard import BUILD, GUARD, Guard, copy_examples, explain, judge, records  # noqa: E402
from lab.tap import Tap  # noqa: E402
from lab.wire import Wire  # noqa: E402

CAPTURE = os.path.join(HERE, "demo.pcap")
FAMILIES = (4, 6)
TITLES = ("who", "asked", "policy says", "rule", "IPv4", "IPv6", "logged")
# What each verdict looks like from the client's side.
LOOKS = {"allow": "passed", "reject": "reset", "drop": "silence"}


def say(text):
    print(text, flush=True)


def answers_of(lab):
    """Ask everything."""
    return {port_of(case, family): case.run(lab, family, port_of(case, family))
            for case in CASES for family in FAMILIES}


def live():
    """Ask for real. What the policies say, what clients got, the log, and what went wrong."""
    lab = Wire()
    say(f"namespaces: {', '.join(sorted(lab.names.values()))}")
    nginx, _ = serve.all_of(lab)
    folders = sorted({case.folder for case in CASES})
    guard = Guard(lab, folders).start()
    say(f"l7guard:    inline between eth1 and eth2, {len(folders)} policies")
    said = opinions(guard.policies)
    say("asking:     " + ", ".join(f"{len(CASES)} questions over IPv{f}" for f in FAMILIES) + "\n")
    answers = answers_of(lab)
    status = guard.stop()
    log = records(guard.logs)
    reached = {port for port, *_ in nginx.requests()}
    problems = [f"l7guard ended with {status}: {guard.said()}"] if status else []
    for case in CASES:
        for family in FAMILIES:
            if case.expect != "allow" and port_of(case, family) in reached:
                problems.append(f"a refused request reached the server: {case.asked}")
    lab.close()
    return said, answers, log, problems


def offline():
    """The same from the capture: what would have happened is what the log says."""
    with tempfile.TemporaryDirectory(prefix="l7t-demo-") as folder:
        policies = copy_examples(os.path.join(folder, "policies"))
        logs = os.path.join(folder, "log")
        os.mkdir(logs)
        say(f"l7guard:    judging {os.path.relpath(CAPTURE)}\n")
        said = opinions(policies)
        done = judge(CAPTURE, policies, logs)
        problems = [] if done.returncode == 0 else [done.stderr.strip()]
        log = records(logs)
    answers = {}
    for case in CASES:
        for family in FAMILIES:
            port = port_of(case, family)
            kinds = {r["event_type"] for r in log if r["src_port"] == port}
            if "alert" in kinds:
                got = "reset"
            elif kinds:
                got = "reply"
            elif case.judged:
                got = "not logged"
            else:  # by addresses and ports alone: that is never in the log
                got = "silence" if said[port].get("verdict") == "drop" else "reply"
            answers[port] = Answer(got, port)
    return said, answers, log, problems


def opinions(policies):
    """What the policies say to each question, by client port; l7guard is not asked, l7ctl is."""
    asked = [(port_of(case, family), case.question(family, port_of(case, family)))
             for case in CASES for family in FAMILIES]
    told = explain(policies, [question for _, question in asked])
    return {port: one for (port, _), one in zip(asked, told)}


def look(answer):
    return "passed" if answer.passed else answer.got


def row_of(case, said, answers, log):
    ports = [port_of(case, family) for family in FAMILIES]
    happened = [look(answers[port]) + (f" ({answers[port].got})" if answers[port].got.isdigit()
                                       else "") for port in ports]
    kinds = sorted({r["event_type"] for r in log if r["src_port"] in ports})
    told = said[ports[0]]
    return (case.who, case.asked, str(told.get("verdict") or told.get("error")),
            str(told.get("rule") or "-"), *happened, ", ".join(kinds) or "-")


def show(said, answers, log):
    """The table; a sentence for each cell that is not as it should be."""
    rows = {case: row_of(case, said, answers, log) for case in CASES}
    widths = [max(map(len, column)) for column in zip(TITLES, *rows.values())]

    def line(cells):
        say("  " + "  ".join(c.ljust(w) for c, w in zip(cells, widths)).rstrip())

    line(TITLES)
    line("-" * width for width in widths)
    folder, wrong = None, []
    for case, row in rows.items():
        if case.folder != folder:
            folder = case.folder
            say(f"\n{folder}")
        line(row)
        for family in FAMILIES:
            port = port_of(case, family)
            if said[port].get("verdict") != case.expect:
                wrong.append(f"{case.who}, {case.asked}: the policy says {said[port]}")
            if look(answers[port]) != LOOKS[case.expect]:
                wrong.append(f"{case.who}, {case.asked}, IPv{family}: {look(answers[port])} "
                             f"instead of {LOOKS[case.expect]}")
    return wrong


def log_lines(log):
    """The first line of each type, as it is in the file."""
    say("\nfrom the log, the first line of each type:\n")
    for kind in dict.fromkeys(r["event_type"] for r in log):
        first = next(r for r in log if r["event_type"] == kind)
        say(json.dumps(first, separators=(",", ":"), ensure_ascii=False) + "\n")


def record():
    """Make demo.pcap anew: the questions and their answers on a plain wire, nothing enforced."""
    lab = Wire()
    serve.all_of(lab)
    lab.plain()
    path = lab.path("demo.pcap")
    with Tap(lab, "gate", "eth1", path):
        answers_of(lab)
    shutil.copy(path, CAPTURE)
    lab.close()
    say(f"{CAPTURE}: {os.path.getsize(CAPTURE)} bytes")


def main():
    if "--record" in sys.argv:
        space.need()
        record()
        return
    if not os.path.exists(GUARD):
        sys.exit(f"{GUARD} is not there; ./demo builds it")
    say(f"programs:   {BUILD}/bin")
    why_not = "asked for by --offline" if "--offline" in sys.argv else space.missing()
    if why_not:
        say(f"no live network ({why_not}): the shipped capture instead. What clients would have "
            "met\nis taken from the log.")
        said, answers, log, problems = offline()
    else:
        said, answers, log, problems = live()
    wrong = show(said, answers, log) + problems
    log_lines(log)
    say(f"{len(CASES)} questions, each over IPv4 and IPv6; {len(log)} lines logged; "
        "everything made for this is removed.")
    if wrong:
        say("\nnot as it should be:")
        for line in wrong:
            say("  " + line)
        sys.exit(1)
    say("Everything went as the policies say.")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
