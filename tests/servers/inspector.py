# SPDX-License-Identifier: Apache-2.0
"""What l7guard says to bytes: asked of `l7ctl explain --batch`, which judges them as live traffic.

Decides under which policies they are asked; the programs are those of $L7_BUILD.
"""

import base64
import json
import os
import re
import subprocess
import tempfile

import reading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("L7_BUILD", os.path.join(ROOT, "build"))
SERVER, CLIENT = "10.0.0.1", "10.0.0.2"
METHODS = "GET POST PUT HEAD DELETE TRACE OPTIONS CONNECT PATCH".split()
ANY = [{"http": {}}]
FIELDS = {"path": [{"http": {"path": "*"}}], "host": [{"http": {"host": "*"}}],
          "method": [{"http": {"method": one}} for one in METHODS]}
NOTE = re.compile(r"(\d+) bytes from the client, (\d+) reached the server; (\d+) transactions")


class Answer:
    """The verdict on one case."""

    def __init__(self, told):
        self.allowed = told["verdict"] == "allow"
        self.reason = told["reason"]
        note = NOTE.search(" ".join(step.get("note", "") for step in told["steps"]))
        self.sent, self.reached, self.requests = (int(one) for one in note.groups())


def policy(lists):
    """One rule for each list of l7Protocols, told apart by port."""
    rules = [{"name": f"r{port}", "action": "Allow", "l7Protocols": protocols,
              "ports": [{"protocol": "TCP", "port": port}]}
             for port, protocols in enumerate(lists, 1)]
    labels = {"app": "server"}
    return [
        {"apiVersion": "v1", "kind": "Pod",
         "metadata": {"name": "server", "namespace": "docs", "labels": labels},
         "status": {"podIPs": [{"ip": SERVER}]}},
        {"apiVersion": "crd.antrea.io/v1beta1", "kind": "NetworkPolicy",
         "metadata": {"name": "docs", "namespace": "docs"},
         "spec": {"priority": 5, "tier": "application",
                  "appliedTo": [{"podSelector": {"matchLabels": labels}}], "ingress": rules}},
    ]


def ask(questions):
    """[(l7Protocols, bytes)] -> [Answer]."""
    lists = []
    for protocols, _ in questions:
        if protocols not in lists:
            lists.append(protocols)
    lines = [json.dumps({"src": CLIENT, "sport": 40000, "dst": SERVER, "proto": "TCP",
                         "dport": lists.index(protocols) + 1,
                         "raw": base64.b64encode(sent).decode()})
             for protocols, sent in questions]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as plugins:
        # Alone, so that no other inspector has a word on what is not HTTP.
        os.symlink(os.path.join(BUILD, "plugins", "http.so"), os.path.join(plugins, "http.so"))
        for number, document in enumerate(policy(lists)):
            with open(os.path.join(folder, f"{number}.json"), "w", encoding="utf-8") as out:
                json.dump(document, out)
        done = subprocess.run(
            [os.path.join(BUILD, "bin", "l7ctl"), "explain", "-p", folder, "-P", plugins,
             "--batch"],
            input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(told) != len(questions):
        raise SystemExit(f"l7ctl explain: {done.stderr.strip() or 'answers are missing'}")
    return [Answer(one) for one in told]


def judge(cases):
    """{name: Answer}, each with `unmatchable`: the fields in which no pattern fits."""
    answers = dict(zip((case.name for case in cases), ask([(ANY, case.sent) for case in cases])))
    good = [case for case in cases if answers[case.name].allowed]
    asked = [(case, field) for case in good for field in FIELDS]
    for (case, field), answer in zip(asked, ask([(FIELDS[f], c.sent) for c, f in asked])):
        one = answers[case.name]
        one.unmatchable = getattr(one, "unmatchable", []) + ([] if answer.allowed else [field])
    return answers


def plain(path):
    """Can be written as a pattern that means itself."""
    return path.isascii() and path.decode().isprintable() and b"*" not in path and b"?" not in path


def doubtful_forms(cases, answers):
    """Names of cases whose path is not matched exactly when a pattern is both of its forms."""
    asked = []
    for case in cases:
        answer = answers[case.name]
        if not answer.allowed or answer.requests != 1 or "path" in answer.unmatchable:
            continue
        forms = reading.forms(reading.requests(case.sent, 1)[0][2])
        if forms[0] and all(plain(one) for one in forms):
            asked += [(case, one, forms[0] == forms[1]) for one in sorted(set(forms))]
    told = ask([([{"http": {"path": one.decode()}}], case.sent) for case, one, _ in asked])
    return [case.name for (case, _, same), answer in zip(asked, told) if answer.allowed != same]
