# SPDX-License-Identifier: Apache-2.0
"""Namespaces and processes: made here, and removed here whatever happens.

A Space owns a temporary folder, namespaces called l7t-<pid>-<name>, and the processes it
started. close() ends and removes all of them; it also runs at exit, on SIGTERM, SIGINT and
SIGHUP. Processes get SIGKILL when their parent dies, and what a killed run left behind is swept
by the next one. Nothing is signalled that was not started here.
"""

import atexit
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIP = 77  # ctest's SKIP_RETURN_CODE
PREFIX = "l7t-"
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
# su(1) may leave root without them.
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
_libc = ctypes.CDLL(None, use_errno=True)


def missing():
    """Why namespaces cannot be made here, or None."""
    if os.geteuid() != 0:
        return "not root"
    for tool in ("ip", "nginx", "curl", "openssl", "tcpdump", "ethtool"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    name = f"{PREFIX}{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        return "no network namespaces: " + made.stderr.strip()
    up = subprocess.run(["ip", "-n", name, "link", "add", "v0", "type", "veth", "peer", "name",
                         "v1"], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", name], check=False)
    return None if up.returncode == 0 else "no veth interfaces: " + up.stderr.strip()


def need():
    """Leave with ctest's "skipped" when this machine cannot run a live test."""
    why = missing()
    if why:
        print(f"skipped: {why}")
        sys.exit(SKIP)


def sweep():
    """Remove namespaces and folders of runs that were killed."""
    def abandoned(name):
        owner = re.match(re.escape(PREFIX) + r"(\d+)-", name)
        return owner and not os.path.exists(f"/proc/{owner.group(1)}")

    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for line in listed.splitlines():
        name = line.split()[0] if line.split() else ""
        if abandoned(name):
            subprocess.run(["ip", "netns", "del", name], check=False)
    for name in os.listdir(tempfile.gettempdir()):
        if abandoned(name):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


def wait_for(what, seconds, test):
    """The first true answer of test(), asked until `seconds` are over."""
    end = time.monotonic() + seconds
    while True:
        answer = test()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)


class Space:
    def __init__(self):
        sweep()
        self.pid = os.getpid()
        self.dir = tempfile.mkdtemp(prefix=f"{PREFIX}{self.pid}-")
        self.names = {}
        self.processes = []
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._closers = []
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)

    @staticmethod
    def _signalled(number, _frame):
        sys.exit(128 + number)  # atexit closes

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    # Namespaces

    def add(self, name):
        full = f"{PREFIX}{self.pid}-{name}"
        subprocess.run(["ip", "netns", "add", full], check=True)
        self.names[name] = full
        # A namespace of ours speaks only when asked to: no router solicitations, no duplicate
        # address detection that would delay the first packet.
        self.run(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_ra=0",
                 "net.ipv6.conf.default.router_solicitations=0",
                 "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0")
        self.run(name, "ip", "link", "set", "lo", "up")
        return full

    def ip(self, batch):
        """Lines for ip -batch, with {name} for a namespace's full name."""
        subprocess.run(["ip", "-batch", "-"], input=batch.format(**self.names), text=True,
                       check=True)

    def run(self, where, *words, **more):
        return subprocess.run(["ip", "netns", "exec", self.names[where], *words], check=True,
                              **more)

    # Processes

    def start(self, where, *words, **more):
        """A process in namespace `where` (None: in ours). It dies with us."""
        if where is not None:
            words = ("ip", "netns", "exec", self.names[where], *words)
        process = subprocess.Popen(
            words, preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL), **more)
        self.processes.append(process)
        return process

    @staticmethod
    def end(process, seconds=5):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def on_close(self, call):
        self._closers.append(call)

    # Sockets: made inside a namespace, used from here.

    def socket(self, where, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        there = os.open(f"/run/netns/{self.names[where]}", os.O_RDONLY)
        try:
            _setns(there)
            return socket.socket(family, kind)
        finally:
            _setns(self._home)
            os.close(there)

    def close(self):
        if os.getpid() != self.pid or self.dir is None:
            return
        for call in self._closers:
            call()
        for process in reversed(self.processes):
            self.end(process, 2)
        for full in self.names.values():
            subprocess.run(["ip", "netns", "del", full], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir = None
        self.names = {}
        self.processes = []
        os.close(self._home)


def _setns(descriptor):
    # Of this thread alone; the kernel keeps a network namespace for each.
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
