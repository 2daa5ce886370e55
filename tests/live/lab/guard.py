# SPDX-License-Identifier: Apache-2.0
"""l7guard itself, from a build tree: configuration, start, stop, log, control."""

import glob
import json
import os
import shutil
import subprocess

from .space import wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("L7_BUILD", os.path.join(TOP, "build"))
GUARD = os.path.join(BUILD, "bin", "l7guard")
CTL = os.path.join(BUILD, "bin", "l7ctl")
PLUGINS = os.path.join(BUILD, "plugins")
EXAMPLES = os.path.join(TOP, "docs", "examples")
FOLDERS = ("allow-http-request-to-api-v2", "privileged-url-to-admin-role",
           "web-access-to-internal-domain", "allow-http-only", "tls-handshake",
           "tls-handshake-to-internal", "allow-tls-only")


def records(log_dir):
    """Every record in the folder, in order."""
    found = []
    for path in sorted(glob.glob(os.path.join(log_dir, "eve-*.json"))):
        with open(path, encoding="utf-8") as file:
            found += [json.loads(line) for line in file if line.endswith("\n")]
    return found


def copy_examples(to, folders=FOLDERS):
    for folder in folders:
        shutil.copytree(os.path.join(EXAMPLES, folder), os.path.join(to, folder))
    return to


class Guard:
    """A daemon at the gate. `examples`: which folders of docs/examples are its policies."""

    def __init__(self, space, examples=(), settings=None, name="guard"):
        self.space, self.name = space, name
        self.policies = space.path(f"{name}/policies")
        self.logs = space.path(f"{name}/log")
        self.socket = space.path(f"{name}/control.sock")
        self.errors = space.path(f"{name}/stderr")
        os.makedirs(self.policies)
        os.makedirs(self.logs)
        copy_examples(self.policies, examples)
        self.settings = {
            "plugin-dir": PLUGINS, "policy-dir": self.policies, "log-dir": self.logs,
            "control-socket": self.socket, "metrics": "",
            "capture": [{"afpacket": {"interfaces": ["eth1", "eth2"]}}],
            "log": [{"eve": {"types": ["http", "tls", "alert", "packet"], "dialect": "guide"}}],
        }
        self.settings.update(settings or {})
        self.process = None
        self._said_before = 0

    @property
    def config(self):
        return self.space.path(f"{self.name}/l7guard.yaml")

    def write_config(self):
        # JSON is YAML.
        return self.space.write(f"{self.name}/l7guard.yaml", json.dumps(self.settings, indent=1))

    def start(self, wait=True):
        self.write_config()
        # ip netns exec becomes the daemon: signals and exit status are its own.
        with open(self.errors, "ab") as errors:
            self._said_before = errors.tell()
            self.process = self.space.start("gate", GUARD, "-c", self.config, stderr=errors)
        if wait:
            wait_for("l7guard to be ready", 20, self._ready)
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"l7guard ended ({self.process.returncode}): {self.said()}")
        return "ready" in self.said()

    def said(self):
        """The diagnostics since the last start."""
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            file.seek(self._said_before)
            return file.read()

    def ctl(self, *words):
        return subprocess.run([CTL, *words, "--socket", self.socket], capture_output=True,
                              text=True)

    def status(self):
        return json.loads(self.ctl("status", "--json").stdout)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=10):
        """SIGTERM; the exit status."""
        return self.space.end(self.process, seconds)

    def __enter__(self):
        return self.start() if self.process is None else self

    def __exit__(self, *_):
        self.stop()

    # The log

    def records(self, port=None, kind=None):
        return [r for r in records(self.logs)
                if (port is None or port in (r.get("src_port"), r.get("dest_port")))
                and (kind is None or r["event_type"] == kind)]

    def wait_record(self, port, kind, seconds=5):
        return wait_for(f"a record of type {kind} for port {port}", seconds,
                        lambda: self.records(port, kind))


def judge(capture, policies, log_dir, *options, build=BUILD, seconds=20, **more):
    """l7guard -r; the finished process."""
    return subprocess.run(
        [os.path.join(build, "bin", "l7guard"), "-r", capture, "-p", policies, "-l", log_dir, "-P",
         os.path.join(build, "plugins"), *options], capture_output=True, text=True,
        timeout=seconds, **more)


def explain(policies, questions):
    """What the policies say to each question (see l7ctl explain --batch)."""
    done = subprocess.run([CTL, "explain", "-p", policies, "-P", PLUGINS, "--batch"],
                          input="".join(json.dumps(q) + "\n" for q in questions),
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"l7ctl explain: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]
