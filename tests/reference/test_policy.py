#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put the same random questions to l7ctl and to the reference evaluator; they have to agree.

Each set is an inventory with policies; each question a connection and what is said on it. Compared
are the verdict and the rule that decided; and no rule may decide of which `l7ctl lint` says that
it never does. Set N of seed S is always the same, so a difference can be looked at again: the
command is printed with it.

usage: test_policy.py [--count 30000] [--seed 1] [--each 150] [--first N] [--keep DIR]
environment: L7_BUILD, the build directory (default: build)
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile

from evaluate import Evaluator
from generate import NODE_NAMES, Generator
from world import World

SHOWN = 10  # differences printed in full
FOUND_ENOUGH = 200  # differences after which there is no point in going on


def ask(program, folder, node, questions):
    """The answers of l7ctl, or a string that says why there are none."""
    command = [program, "explain", "-p", folder, "--batch"] + (["--node", node] if node else [])
    lines = "".join(json.dumps(one) + "\n" for one in questions)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(questions):
        said = [line for line in done.stderr.splitlines() if ": warning: " not in line]
        return f"exit {done.returncode}: " + "\n".join(said)[-2000:]
    return answers


def never(program, folder, node):
    """The rules that lint finds dead, as they are named in answers."""
    command = [program, "lint", "-p", folder, "--json"] + (["--node", node] if node else [])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {(one["policy"], one["namespace"], one["rule"], one["direction"])
            for one in json.loads(done.stdout or "[]")
            if one["kind"] in ("shadowed", "unreachable")}


def same_rule(wanted, named):
    """A generated name is known by its beginning only."""
    if wanted[2] is not None and wanted[2].endswith("-*"):
        stem = wanted[2][:-1]
        shaped = (named[2] or "").startswith(stem) and len(named[2]) == len(stem) + 7
        return shaped and wanted[:2] + wanted[3:] == named[:2] + named[3:]
    return wanted == named


def agrees(expected, answer):
    verdict, rules = expected
    if answer.get("verdict") != verdict:
        return False
    named = tuple(answer[key] for key in ("policy", "namespace", "rule"))
    named += (answer["direction"] and answer["direction"].lower(),)
    return any(same_rule(one, named) for one in rules or [(None, None, None, None)])


class Comparison:
    def __init__(self, options):
        self.options = options
        self.program = os.path.join(os.environ.get("L7_BUILD", "build"), "bin", "l7ctl")
        self.asked, self.differences = 0, 0
        self.read = 0  # questions in which it came to what is said
        self.dead = 0  # rules
        self.tally = collections.Counter()

    def one_set(self, number, count):
        rng = random.Random(f"{self.options.seed}/{number}")
        generator = Generator(rng)
        with tempfile.TemporaryDirectory(prefix="l7-reference-") as folder:
            folder = self.options.keep or folder
            generator.write(os.path.join(folder, "set.json"))
            node = rng.choice(NODE_NAMES) if rng.random() < 0.15 else None
            questions = [generator.question() for _ in range(self.options.each)][:count]
            answers = ask(self.program, folder, node, questions)
            if isinstance(answers, str):
                self.differ(number, f"l7ctl did not answer: {answers}")
                return
            dead = never(self.program, folder, node)
            self.dead += len(dead)
            reference = Evaluator(World(folder), node)
        for question, answer in zip(questions, answers):
            expected = reference.answer(question)
            self.asked += 1
            self.tally[expected[0] if expected[1] else expected[0] + " by none"] += 1
            self.read += reference.read
            named = tuple(answer.get(key) for key in ("policy", "namespace", "rule", "direction"))
            if named in dead:
                self.differ(number, f"lint calls {named} dead, and it decides"
                                    f" {json.dumps(question)}")
            if not agrees(expected, answer):
                answer.pop("steps", None)
                self.differ(number, f"question {json.dumps(question)}\n  reference {expected}\n"
                                    f"  l7ctl     {json.dumps(answer)}")

    def differ(self, number, text):
        self.differences += 1
        if self.differences <= SHOWN:
            print(f"set {number} of seed {self.options.seed}: {text}\n  again: {sys.argv[0]} --seed"
                  f" {self.options.seed} --first {number} --count {self.options.each}"
                  f" --keep DIR", flush=True)

    def run(self):
        number = self.options.first
        while self.asked < self.options.count and self.differences < FOUND_ENOUGH:
            self.one_set(number, self.options.count - self.asked)
            number += 1
        shares = ", ".join(f"{what} {100 * n / max(self.asked, 1):.1f} %"
                           for what, n in sorted(self.tally.items()))
        print(f"{self.asked} questions in {number - self.options.first} sets, "
              f"{self.differences} differences ({shares}; words decided "
              f"{100 * self.read / max(self.asked, 1):.1f} %; {self.dead} rules dead by lint)")
        return 1 if self.differences or self.asked == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=30000, help="questions in all")
    parser.add_argument("--each", type=int, default=150, help="questions to one set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first set")
    parser.add_argument("--keep", metavar="DIR", help="leave the last set's documents here")
    return Comparison(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
