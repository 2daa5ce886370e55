#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the commands that README.md and docs/ show.

A fenced block of type sh or console counts when the line before it is "<!-- run -->". Of a sh block
all lines are run as one script; of a console block those that begin with "$ ", and what stands
under each must be what it prints, where a line "..." stands for any lines. All run in the top
folder. What a page says about PATH in a marked block holds to its end, as it does for a reader.

usage: docs.py [FILE...]
"""

import glob
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MARK = "<!-- run -->"
SECONDS = 300


def blocks(path):
    """(line number, type, lines) of each marked block."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    at = 0
    while at < len(lines):
        fence = re.match(r"```(sh|console)$", lines[at])
        if fence and at > 0 and lines[at - 1].strip() == MARK:
            end = lines.index("```", at)
            yield at + 1, fence.group(1), lines[at + 1:end]
            at = end
        at += 1


def commands(kind, lines):
    """(command, expected lines or None)"""
    if kind == "sh":
        return [("\n".join(lines), None)]
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and not found[-1][1] and found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0] + "\n" + line, [])
        else:
            found[-1][1].append(line)
    return found


def fits(expected, printed):
    pattern = "\n".join("(?:.*\n?)*?" if line == "..." else re.escape(line) for line in expected)
    # A "..." may stand for no line at all.
    pattern = pattern.replace("(?:.*\n?)*?\n", "(?:.*\n)*?")
    return re.fullmatch(pattern, "\n".join(printed)) is not None


def run(command, before):
    return subprocess.run(["bash", "-eu", "-c", "\n".join([*before, command])], cwd=TOP, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS)


def main():
    paths = sys.argv[1:] or [os.path.join(TOP, "README.md"),
                             *sorted(glob.glob(os.path.join(TOP, "docs", "*.md")))]
    count, wrong = 0, 0
    for path in paths:
        before = []  # the page's lines that set PATH
        for number, kind, lines in blocks(path):
            for command, expected in commands(kind, lines):
                count += 1
                done = run(command, before)
                before += [line for line in command.splitlines() if line.startswith("PATH=")]
                printed = done.stdout.rstrip("\n").splitlines()
                good = fits(expected, printed) if expected else done.returncode == 0
                print(f"{os.path.relpath(path, TOP)}:{number}: {command.splitlines()[0]}: "
                      f"{'as shown' if good else 'not as shown'}", flush=True)
                if not good:
                    wrong += 1
                    print(f"exit {done.returncode}; it printed:\n{done.stdout}")
    print(f"{count} commands, {wrong} not as shown")
    sys.exit(1 if wrong or not count else 0)


if __name__ == "__main__":
    main()
