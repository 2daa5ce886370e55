#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Follow docs/plugin-guide.md from its first line to its last.

A block behind "<!-- file: NAME -->" is written to the end of that file; one behind
"<!-- follow -->" is run: an sh block must succeed, a console block must print what it shows ("...":
any lines). All happens in an empty folder, with the SDK as it is installed and l7ctl of the build.

usage: build.py --build DIR [--cc COMPILER] [--guide FILE]
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES_MOST = 200  # of the inspector: the guide promises a short one
MARK = re.compile(r"<!-- (?:file: (?P<name>\S+)|(?P<run>follow)) -->$")


def blocks(path):
    """(line number, file name or None, type, lines) of each marked block, in order."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for at, line in enumerate(lines):
        mark = MARK.match(line)
        if mark:
            kind = re.match(r"```(\w+)$", lines[at + 1])
            if not kind:
                sys.exit(f"{path}:{at + 1}: no block behind this mark")
            end = lines.index("```", at + 2)
            yield at + 2, mark["name"], kind[1], lines[at + 2:end]


def commands(kind, lines):
    """(command, lines it shall print or None). Functions that a console block defines hold for the
    commands behind them."""
    if kind == "sh":
        yield "\n".join(lines), None
        return
    before, command, shown = "", None, []
    for line in [*lines, "$ "]:
        if not line.startswith("$ "):
            shown.append(line)
            continue
        if command and "() {" in command:
            before += command + "\n"
        elif command:
            yield before + command, shown
        command, shown = line[2:], []


def fits(shown, printed):
    pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line + "\n") for line in shown)
    return re.fullmatch(pattern, printed) is not None


class Follower:
    def __init__(self, folder, options):
        self.folder = os.path.join(folder, "redis")
        self.wrong = 0
        prefix = os.path.join(folder, "sdk")
        os.mkdir(self.folder)
        subprocess.run(["cmake", "--install", options.build, "--component", "sdk", "--prefix", prefix],
                       check=True, stdout=subprocess.DEVNULL)
        self.env = dict(os.environ, CMAKE_PREFIX_PATH=prefix, CC=options.cc,
                        CFLAGS="-std=c11 -Wall -Wextra -Wshadow -Wconversion -Werror",
                        PATH=os.path.join(options.build, "bin") + ":" + os.environ["PATH"])
        for inherited in ("DESTDIR", "LDFLAGS"):
            self.env.pop(inherited, None)

    def write(self, name, lines):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def run(self, command, shown):
        done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", command], cwd=self.folder,
                              env=self.env, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        good = done.returncode == 0 and (shown is None or fits(shown, done.stdout))
        print(f"{command.splitlines()[-1]}: {'as shown' if good else 'not as shown'}", flush=True)
        if not good:
            self.wrong += 1
            print(f"exit {done.returncode}; it printed:\n{done.stdout}")

    def check_lines(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            count = len(file.readlines())
        print(f"{name}: {count} lines")
        self.wrong += count >= LINES_MOST


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True, type=os.path.abspath)
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--guide", default=os.path.join(TOP, "docs", "plugin-guide.md"))
    options = parser.parse_args()
    ran = 0
    with tempfile.TemporaryDirectory(prefix="l7t-guide-") as folder:
        follower = Follower(folder, options)
        for number, name, kind, lines in blocks(options.guide):
            if name:
                follower.write(name, lines)
                continue
            for command, shown in commands(kind, lines):
                print(f"{os.path.basename(options.guide)}:{number}: ", end="")
                follower.run(command, shown)
                ran += 1
        follower.check_lines("redis.c")
    print(f"{ran} commands, {follower.wrong} not as shown")
    sys.exit(1 if follower.wrong or ran < 2 else 0)


if __name__ == "__main__":
    main()
