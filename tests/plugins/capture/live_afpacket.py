#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""live_afpacket: the afpacket plugin between real hosts, without an engine.

    client eth0 ---- left [forwarder] right ---- eth0 server

Three network namespaces, each held by a process that dies with this one, however it dies; with
the last of them the interfaces are gone too, and files lie in a mount of this process's own. The
forwarder (forwarder.c) judges nothing.

    live_afpacket.py [--bench] [NAME...]     all tests, or those named

L7_BUILD names the build directory whose plugin and compiler are used; without it the plugin is
built here, with CC and CFLAGS. Exit status 77: not possible here, skipped; 1: a test failed.
"""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
SDK = os.path.join(ROOT, "sdk", "include")
TOOLS = ["ip", "nsenter", "unshare", "setpriv", "ethtool", "curl", "nginx", "nstat", "tc", "clang"]
SIZE = 30 * 1000 * 1000
WORK = "/mnt"  # covered by a mount that only this process and its children see
WITH_ME = ["setpriv", "--pdeathsig", "KILL"]


class Failed(Exception):
    """A claim that does not hold."""


def claim(truth, text):
    if not truth:
        raise Failed(text)


def run(command, **options):
    return subprocess.run(command, text=True, capture_output=True, timeout=20, **options)


def must(command, **options):
    done = run(command, **options)
    if done.returncode:
        raise Failed(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def wait_until(truth, seconds=3.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if truth():
            return True
        time.sleep(0.02)
    return truth()


PING = """
import os, socket, struct, sys, time
address, size, timeout, whole = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
v6 = ":" in address
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW,
                  socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
if whole == "whole":
    s.setsockopt(socket.IPPROTO_IP, 10, 2) # IP_MTU_DISCOVER, IP_PMTUDISC_DO
body = os.urandom(size)
def echo(type, sum):
    return struct.pack("!BBHHH", type, 0, sum, os.getpid() & 0xffff, 1) + body
words = struct.unpack(f"!{(size + 9) // 2}H", echo(8, 0) + b"\\0" * (size % 2))
total = sum(words)
while total >> 16:
    total = (total & 0xffff) + (total >> 16)
s.sendto(echo(128, 0) if v6 else echo(8, total ^ 0xffff), (address, 0))
answer = echo(129 if v6 else 0, 0)[4:]
end = time.monotonic() + timeout
while time.monotonic() < end:
    s.settimeout(max(0.001, end - time.monotonic()))
    try:
        if s.recv(65536).endswith(answer):
            sys.exit(0)
    except TimeoutError:
        break
sys.exit(1)
"""


class Space:
    """A network namespace that lives as long as its holder."""

    def __init__(self, name):
        self.name = name
        self.holder = subprocess.Popen(
            WITH_ME + ["unshare", "--net", "sh", "-c", "echo ready; exec sleep 600"],
            stdout=subprocess.PIPE, text=True)
        claim(self.holder.stdout.readline() == "ready\n", "no namespace")
        self.enter = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        self.must("ip", "link", "set", "lo", "up")

    def must(self, *command, **options):
        return must(self.enter + list(command), **options)

    def run(self, *command, **options):
        return run(self.enter + list(command), **options)

    def ping(self, address, size=56, timeout=1.0, whole=False):
        """Whether one echo request was answered with its own bytes."""
        return self.run(sys.executable, "-c", PING, address, str(size), str(timeout),
                        "whole" if whole else "").returncode == 0

    def start(self, *command, **options):
        return subprocess.Popen(WITH_ME + self.enter + list(command), text=True, **options)

    def end(self):
        self.holder.kill()
        self.holder.wait()


class Net:
    """Two hosts, a node between them, and a web server on each host."""

    def __init__(self):
        self.client, self.node, self.server = Space("client"), Space("node"), Space("server")
        self.servers = []
        for key in ("all", "default"):
            self.node.must("sysctl", "-qw", f"net.ipv6.conf.{key}.disable_ipv6=1")
        self.cable("left", self.client, 1)
        self.cable("right", self.server, 2)
        for host in (self.client, self.server):
            self.serve(host)

    def cable(self, name, host, number):
        """veth from the node's `name` to the host's eth0, with its addresses."""
        self.node.must("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns",
                       str(host.holder.pid))
        self.node.must("ip", "link", "set", name, "up")
        host.must("ip", "link", "set", "eth0", "up")
        for address, net in ((f"10.99.0.{number}/24", "10.99.0.0/24"),
                             (f"fd99::{number}/64", "fd99::/64")):
            host.must("ip", "addr", "add", address, "dev", "eth0", "nodad", "noprefixroute")
            # Two tags need 8 bytes, and a host's interface carries 4 more than its MTU says.
            host.must("ip", "route", "add", net, "dev", "eth0", "mtu", "1496")

    def serve(self, host):
        folder = os.path.join(WORK, host.name)
        os.mkdir(folder)
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="ascii") as conf:
            conf.write(f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
                       "events {}\nhttp { access_log off; sendfile on;\n"
                       "  server { listen 80; listen [::]:80; "
                       f"root {WORK}/files; }} }}\n")
        self.servers.append(host.start("nginx", "-p", folder, "-c", f"{folder}/nginx.conf", "-e",
                                       "stderr", stderr=subprocess.DEVNULL))
        claim(wait_until(lambda: "LISTEN" in host.run("ss", "-Hltn", "sport", "=", "80").stdout),
              "nginx did not start")

    def end(self):
        for server in self.servers:
            server.kill()
            server.wait()
        for space in (self.client, self.node, self.server):
            space.end()


class Forwarder:
    """The forwarder in the node, from "ready" to its counters."""

    def __init__(self, net, tools, *orders):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = net.node.start(tools.forwarder, tools.plugin, "left", "right", *orders,
                                      stdout=subprocess.PIPE, stderr=self.errors)
        line = self.process.stdout.readline()
        if line != "ready\n":
            self.process.wait()
            raise Failed(f"the forwarder did not start: {line}{self.said()}")

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=5)
        claim(self.process.returncode == 0, f"exit {self.process.returncode}: {self.said()}")
        return json.loads(out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Tools:
    """The plugin and the forwarder, built where there is no build to take them from."""

    def __init__(self):
        flags = os.environ.get("CFLAGS", "-O2").split()
        compiler = os.environ.get("CC", "cc")
        build = os.environ.get("L7_BUILD")
        self.plugin = os.path.join(build, "plugins", "afpacket.so") if build else None
        if build:
            with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
                cache = dict(re.findall(r"^(\w+):\w+=(.+)$", file.read(), re.M))
            compiler = cache["CMAKE_C_COMPILER"]
            if "L7_SANITIZE" in cache:
                flags.append("-fsanitize=" + cache["L7_SANITIZE"])
        common = [compiler, "-std=gnu11", "-D_GNU_SOURCE", "-I", SDK] + flags
        if not self.plugin:
            folder = os.path.join(ROOT, "plugins", "capture", "afpacket")
            sources = [os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".c")]
            self.plugin = os.path.join(WORK, "afpacket.so")
            must(common + ["-fPIC", "-shared", "-o", self.plugin] + sources)
        self.forwarder = os.path.join(WORK, "forwarder")
        must(common + ["-o", self.forwarder, os.path.join(HERE, "forwarder.c"), "-ldl"])


def fetch(host, address, digest):
    """Get the file with curl and compare it with what it must be."""
    if ":" in address:
        address = f"[{address}]"
    body = subprocess.run(host.enter + ["curl", "-gsSf", "--max-time", "15",
                                        f"http://{address}/file"],
                          capture_output=True, timeout=20, check=False)
    claim(body.returncode == 0, f"{host.name}: curl {address}: {body.stderr.decode().strip()}")
    claim(hashlib.sha256(body.stdout).hexdigest() == digest, f"{address}: other bytes came")


def counter(host, name):
    out = host.must("nstat", "-asz", "--json", name)
    return int(json.loads(out)["kernel"][name])


def claim_nothing_lost(counts, large=True):
    claim(counts["lost"] == 0 and counts["send_errors"] == 0, f"frames were lost: {counts}")
    out = counts["forwarded"] + counts["injected"] + counts["dropped"]
    claim(counts["received"] == out, f"received is not forwarded + injected + dropped: {counts}")
    claim(not large or counts["gso"] > 0 and counts["longest"] > 30000,
          f"no large frames crossed whole: {counts}")


def test_bulk(net, tools, digest):
    """Bulk data crosses whole and unchanged, v4 and v6, both ways, offloads on."""
    with Forwarder(net, tools) as forwarder:
        bad = [counter(h, "TcpInCsumErrors") for h in (net.client, net.server)]
        for net_number in ("10.99.0.", "fd99::"):
            fetch(net.client, net_number + "2", digest)
            fetch(net.server, net_number + "1", digest)
        claim(bad == [counter(h, "TcpInCsumErrors") for h in (net.client, net.server)],
              "a receiver saw wrong checksums")
        counts = forwarder.stop()
        claim_nothing_lost(counts)
        claim(counts["needs_csum"] > counts["received"] // 2, f"checksums were done: {counts}")
        claim(counts["large"] * 10000 > 4 * SIZE // 10, f"few large frames: {counts}")


def test_tags(net, tools, digest):
    """VLAN tags survive: 802.1Q, 802.1ad, and one in the other."""
    tags = os.path.join(WORK, "tag.o")
    must(["clang", "-O2", "-target", "bpf", "-I", f"/usr/include/{os.uname().machine}-linux-gnu",
          "-c", os.path.join(HERE, "tag.bpf.c"), "-o", tags])
    hosts = (net.client, net.server)
    # To a packet socket, an outer 802.1ad tag is part of what the MTU limits.
    for name in ("left", "right"):
        net.node.must("ip", "link", "set", name, "mtu", "1504")
    for kind in ("q", "ad", "qinq"):
        try:
            for host in hosts:
                host.must("tc", "qdisc", "add", "dev", "eth0", "clsact")
                host.must("tc", "filter", "add", "dev", "eth0", "egress", "bpf", "da", "obj", tags,
                          "sec", kind)
                host.must("tc", "filter", "add", "dev", "eth0", "ingress", "bpf", "da", "obj",
                          tags, "sec", f"pop-{kind}")
                host.must("ip", "neigh", "flush", "all")
            with Forwarder(net, tools) as forwarder:
                claim(net.client.ping("10.99.0.2"), f"{kind}: no answer")
                fetch(net.client, "10.99.0.2", digest)
                fetch(net.server, "fd99::1", digest)
                counts = forwarder.stop()
                claim_nothing_lost(counts)
                claim(counts["tagged"] == counts["received"], f"{kind}: untagged: {counts}")
        finally:
            for host in hosts:
                host.run("tc", "qdisc", "del", "dev", "eth0", "clsact")
    for name in ("left", "right"):
        net.node.must("ip", "link", "set", name, "mtu", "1500")


def test_pings(net, tools, _):
    """ARP, neighbour discovery, echo and fragments cross."""
    with Forwarder(net, tools) as forwarder:
        for host in (net.client, net.server):
            host.must("ip", "neigh", "flush", "all")
        for address in ("10.99.0.2", "fd99::2"):
            claim(net.client.ping(address), f"{address}: no answer")
            claim(net.client.ping(address, 9000), f"{address}: no answer to fragments")
        claim_nothing_lost(forwarder.stop(), large=False)


def test_inject(net, tools, digest):
    """Injected frames keep their place among forwarded ones."""
    with Forwarder(net, tools, "inject=3") as forwarder:
        before = sum(counter(h, "TcpExtTCPOFOQueue") for h in (net.client, net.server))
        fetch(net.client, "10.99.0.2", digest)
        fetch(net.server, "fd99::1", digest)
        late = sum(counter(h, "TcpExtTCPOFOQueue") for h in (net.client, net.server)) - before
        counts = forwarder.stop()
        claim_nothing_lost(counts)
        claim(counts["injected"] >= counts["received"] // 3, f"few were injected: {counts}")
        # The kernel itself changes the order of a few, when a sender moves to another CPU.
        claim(late < counts["injected"] // 20, f"{late} segments came out of order: {counts}")


def test_drop(net, tools, _):
    """A dropped frame does not arrive, and others do."""
    with Forwarder(net, tools, "drop=forbidden") as forwarder:
        claim(net.client.run("curl", "-sS", "--max-time", "1",
                             "http://10.99.0.2/forbidden").returncode == 28,
              "the request was answered")
        net.client.must("curl", "-sSf", "--max-time", "2", "http://10.99.0.2/small")
        counts = forwarder.stop()
        claim(counts["dropped"] >= 1, f"nothing was dropped: {counts}")
        claim_nothing_lost(counts, large=False)


UDP_RECEIVE = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.bind(("10.99.0.2", 9)); s.settimeout(3); print("ready", flush=True)
got = [s.recv(2000) for _ in range(45)]
sys.exit(b"".join(got) != bytes(i % 251 for i in range(54000)))
"""
UDP_SEND = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, 103, 1200) # UDP_SEGMENT
s.sendto(bytes(i % 251 for i in range(54000)), ("10.99.0.2", 9))
"""


def test_udp_segmentation(net, tools, _):
    """A UDP segmentation offload frame crosses whole, or is counted as lost and said."""
    with Forwarder(net, tools) as forwarder:
        receiver = net.server.start(sys.executable, "-c", UDP_RECEIVE, stdout=subprocess.PIPE)
        receiver.stdout.readline()
        net.client.must(sys.executable, "-c", UDP_SEND)
        arrived = receiver.wait(timeout=5) == 0
        said = forwarder.said()
        counts = forwarder.stop()
        if arrived:
            claim(counts["gso"] == 1 and counts["longest"] > 54000, f"it was cut: {counts}")
        else:
            claim(counts["lost"] >= 1 and "segmentation offload frame was lost" in said,
                  f"lost silently: {counts} {said}")


def test_tunnel(net, tools, digest):
    """A tunnel crosses; segmented in the kernel's way it cannot, and that is said with a remedy."""
    features = ("tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation")
    for host, me, other in ((net.client, 1, 2), (net.server, 2, 1)):
        host.must("ip", "link", "add", "tun0", "type", "vxlan", "id", "5", "dstport", "4789",
                  "local", f"10.99.0.{me}", "remote", f"10.99.0.{other}", "dev", "eth0")
        host.must("ip", "addr", "add", f"10.98.0.{me}/24", "dev", "tun0")
        host.must("ip", "link", "set", "tun0", "mtu", "1440", "up")
    with Forwarder(net, tools) as forwarder:
        net.client.run("curl", "-sS", "--max-time", "0.5", "-o", "/dev/null",
                       "http://10.98.0.2/file")
        said = forwarder.said()
        counts = forwarder.stop()
        claim(said.count(" ".join(f"{feature} off" for feature in features)) == 1, f"said: {said}")
        claim(counts["received"] == counts["forwarded"] + counts["send_errors"],
              f"a frame is in no counter: {counts}")
    for host in (net.client, net.server):
        for feature in features:
            host.must("ethtool", "-K", "eth0", feature, "off")
    with Forwarder(net, tools) as forwarder:
        fetch(net.client, "10.98.0.2", digest)
        claim_nothing_lost(forwarder.stop(), large=False)


UDP_FLOOD = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(2000):
    s.sendto(bytes(1000), ("10.99.0.2", 9))
"""


def test_overrun(net, tools, _):
    """What the kernel had no room for is counted."""
    with Forwarder(net, tools, "buffer=100000") as forwarder:
        claim(net.client.ping("10.99.0.2"), "no answer")
        forwarder.process.send_signal(signal.SIGSTOP)
        net.client.must(sys.executable, "-c", UDP_FLOOD)
        forwarder.process.send_signal(signal.SIGCONT)
        claim(net.client.ping("10.99.0.2"), "no answer")
        counts = forwarder.stop()
        claim(counts["lost"] > 1000, f"lost silently: {counts}")
        claim(counts["received"] + counts["lost"] >= 2000, f"a frame is in no counter: {counts}")


def test_down_and_up(net, tools, _):
    """An interface may go down, and away, and come back."""
    with Forwarder(net, tools) as forwarder:
        claim(net.client.ping("10.99.0.2"), "no answer")
        net.node.must("ip", "link", "set", "right", "down")
        claim(not net.client.ping("10.99.0.2", timeout=0.2), "still there")
        claim(wait_until(lambda: "right is down; waiting" in forwarder.said()), "down: not said")
        net.node.must("ip", "link", "set", "right", "up")
        claim(wait_until(lambda: "right is up again" in forwarder.said()), "up: not said")
        claim(net.client.ping("10.99.0.2"), "no answer")

        net.node.must("ip", "link", "del", "right")
        claim(wait_until(lambda: forwarder.said().count("right is down") == 2), "gone: not said")
        claim(not net.client.ping("10.99.0.2", timeout=0.2), "still there")
        net.cable("right", net.server, 2)
        claim(wait_until(lambda: forwarder.said().count("right is up again") == 2),
              f"the new interface was not taken: {forwarder.said()}")
        net.client.must("ip", "neigh", "flush", "all")
        claim(net.client.ping("10.99.0.2"), "no answer")
        counts = forwarder.stop()
        claim(counts["send_errors"] >= 2, f"frames for a dead interface are not counted: {counts}")
        claim(counts["received"] == counts["forwarded"] + counts["send_errors"],
              f"a frame is in no counter: {counts}")


def test_mtu(net, tools, digest):
    """A frame larger than the other side's MTU is counted and said once; large frames are cut."""
    try:
        net.node.must("ip", "link", "set", "right", "mtu", "1400")
        with Forwarder(net, tools) as forwarder:
            for _ in range(3):
                claim(not net.client.ping("10.99.0.2", 1468, 0.1, whole=True), "it arrived")
            claim(net.client.ping("10.99.0.2", 1372, whole=True), "no answer")
            said = forwarder.said()
            claim(said.count("of 1510 bytes do not fit its MTU of 1400") == 1, f"said: {said}")
            claim(forwarder.stop()["send_errors"] == 3, "not counted")
    finally:
        net.node.must("ip", "link", "set", "right", "mtu", "1500")
    with Forwarder(net, tools) as forwarder:
        fetch(net.client, "10.99.0.2", digest)
        claim_nothing_lost(forwarder.stop())


def test_too_large(net, tools, _):
    """A frame larger than any IP packet is counted as lost and said, and the rest goes on."""
    net.server.must("ip", "link", "set", "eth0", "gso_max_size", "200000")
    try:
        with Forwarder(net, tools) as forwarder:
            net.client.run("curl", "-gsS", "--max-time", "1", "-o", "/dev/null",
                           "http://[fd99::2]/file")
            claim(net.client.ping("10.99.0.2"), "no answer")
            said = forwarder.said()
            counts = forwarder.stop()
            claim(counts["lost"] > 0, f"nothing was lost: {counts}")
            claim(said.count("larger than 65792; set gso_max_size") == 1, f"said: {said}")
            claim(counts["received"] == counts["forwarded"], f"a frame is in no counter: {counts}")
    finally:
        net.server.must("ip", "link", "set", "eth0", "gso_max_size", "65536")


def tx_checksum(net, name):
    return "tx-checksumming: on" in net.node.must("ethtool", "-k", name)


def test_tx_checksum(net, tools, digest):
    """The transmit checksum offload can be off while running, and is restored after."""
    claim(tx_checksum(net, "left") and tx_checksum(net, "right"), "off before")
    with Forwarder(net, tools, "no-tx-checksum") as forwarder:
        claim(not tx_checksum(net, "left") and not tx_checksum(net, "right"), "still on")
        fetch(net.client, "10.99.0.2", digest)
        fetch(net.client, "fd99::2", digest)
        claim_nothing_lost(forwarder.stop())
    claim(tx_checksum(net, "left") and tx_checksum(net, "right"), "not restored")


def test_errors(net, tools, _):
    """Errors name the interface and the remedy; a check opens nothing."""
    def opens(*arguments, prefix=()):
        done = net.node.run(*prefix, tools.forwarder, tools.plugin, *arguments)
        return done.returncode, done.stderr
    status, said = opens("left", "eth9")
    claim(status == 1 and "no such interface: eth9; create it or change" in said, said)
    status, said = opens("left", "lo", "check")
    claim(status == 1 and "lo is not an Ethernet interface (hardware type 772)" in said, said)
    status, said = opens("left", "left")
    claim(status == 1 and "names left twice" in said, said)
    claim(opens("left", "right", "check") == (0, ""), "check fails")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
    claim(opens("left", "right", "check", prefix=nobody) == (0, ""), "check needs privileges")
    status, said = opens("left", "right", prefix=nobody)
    claim(status == 1 and "left: packet socket: Operation not permitted; needs CAP_NET_RAW: run "
          "as root or grant the capability" in said, said)


def rate(net, megabytes=600):
    """Megabytes a second of one download, and of four at once."""
    with open(os.path.join(WORK, "files", "bench"), "wb") as file:
        file.truncate(megabytes * 1000 * 1000)
    results = []
    for streams in (1, 4):
        start = time.monotonic()
        clients = [net.client.start("curl", "-sSf", "-o", "/dev/null", "http://10.99.0.2/bench")
                   for _ in range(streams)]
        claim(all(c.wait(timeout=60) == 0 for c in clients), "a download failed")
        results.append(streams * megabytes / (time.monotonic() - start))
    return results


def requests(net):
    """Small requests a second on 32 connections that stay."""
    out = net.client.must("wrk", "-t1", "-c32", "-d3s", "http://10.99.0.2/small")
    return float(re.search(r"Requests/sec:\s*([0-9.]+)", out)[1])


def bench(net, tools):
    """Print the forwarder's rates beside a kernel bridge's (needs wrk)."""
    with Forwarder(net, tools) as forwarder:
        rate(net, 100)
        ours = rate(net) + [requests(net)]
        with open(f"/proc/{forwarder.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(") ", 1)[1].split()
        counts = forwarder.stop()
    net.node.must("ip", "link", "add", "br0", "type", "bridge")
    net.node.must("ip", "link", "set", "br0", "up")
    for name in ("left", "right"):
        net.node.must("ip", "link", "set", name, "master", "br0")
    net.client.ping("10.99.0.2")
    theirs = rate(net) + [requests(net)]
    net.node.must("ip", "link", "del", "br0")
    for title, unit, mine, other in zip(
            ("1 connection", "4 connections", "small requests"), ("MB/s", "MB/s", "/s"), ours,
            theirs):
        print(f"{title}: forwarder {mine:.0f} {unit}, bridge {other:.0f} {unit}, "
              f"ratio {mine / other:.2f}")
    print(f"forwarder CPU: user {int(fields[11]) / 100} s, system {int(fields[12]) / 100} s; "
          f"{counts}")


def unable():
    """Why this cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return "needs " + ", ".join(missing)
    if run(["unshare", "--net", "--mount", "true"]).returncode:
        return "namespaces are not allowed here"
    return None


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    reason = unable()
    if reason:
        print(f"skipped: {reason}")
        return 77
    if "L7_OWN_MOUNT" not in os.environ:
        os.environ["L7_OWN_MOUNT"] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, os.path.abspath(__file__)] +
                  sys.argv[1:])
    must(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", WORK])
    os.mkdir(os.path.join(WORK, "files"))
    content = os.urandom(SIZE)
    for name, data in (("file", content), ("small", b"small\n"), ("forbidden", b"no\n")):
        with open(os.path.join(WORK, "files", name), "wb") as file:
            file.write(data)
    digest = hashlib.sha256(content).hexdigest()
    tools = Tools()
    net = Net()
    if "--bench" in sys.argv:
        bench(net, tools)
        return 0
    failures = 0
    tests = {n[5:]: f for n, f in globals().items() if n.startswith("test_")}
    for name in sys.argv[1:] or tests:
        start = time.monotonic()
        try:
            tests[name](net, tools, digest)
            print(f"ok   {name}: {tests[name].__doc__} ({time.monotonic() - start:.1f} s)")
        except Failed as failure:
            failures += 1
            print(f"FAIL {name}: {failure}")
        sys.stdout.flush()
    net.end()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
