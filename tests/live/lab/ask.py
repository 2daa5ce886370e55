# SPDX-License-Identifier: Apache-2.0
"""The clients: curl, openssl, plain sockets. Each answer says what the client came to know."""

import itertools
import random
import socket
import struct
import subprocess
from typing import NamedTuple

from .wire import address, place_of, socket_family, url_address

PATIENCE = 1.5  # seconds until silence counts as silence
_ports = itertools.count(20000)


class Answer(NamedTuple):
    got: str  # "200", "handshake", "reply", "reset", "silence", or what the tool said
    port: int  # the client's

    @property
    def passed(self):
        return self.got in ("handshake", "reply") or self.got.isdigit()


def next_port():
    return next(_ports)


def curl(space, src, dst, url, *options, family=4, port=None, patience=PATIENCE):
    """GET `url` from spot `src`, its host taken to be spot `dst`. Options as curl's."""
    port = port or next_port()
    scheme, rest = url.split("://")
    host = rest.split("/")[0]
    host, _, number = host.partition(":")
    number = number or {"http": "80", "https": "443"}[scheme]
    done = subprocess.run(
        ["ip", "netns", "exec", space.names[place_of(src)], "curl", "-q", "-sk", "-o", "/dev/null",
         "-w", "%{http_code} %{errormsg}", "--interface", address(src, family), "--local-port", str(port),
         "--resolve", f"{host}:{number}:{url_address(dst, family)}", "--connect-timeout",
         str(patience), "--max-time", str(max(10, patience)), "--path-as-is", *options, url],
        capture_output=True, text=True)
    status, _, error = done.stdout.partition(" ")
    if done.returncode == 0:
        return Answer(status, port)
    # 7: no connection, for whatever reason; 35: in the TLS handshake; 55, 56: sending, receiving;
    # 28: waited long enough.
    if done.returncode == 7 and "refused" not in error and "reset" not in error:
        return Answer("silence", port)
    words = {7: "reset", 35: "reset", 55: "reset", 56: "reset", 28: "silence"}
    return Answer(words.get(done.returncode, f"curl: {done.returncode}: {error}"), port)


def openssl(space, src, dst, name, number, *options, family=4, port=None):
    """A TLS handshake with openssl; `name` None: without one."""
    port = port or next_port()
    naming = ["-servername", name] if name else ["-noservername"]
    try:
        done = subprocess.run(
            ["ip", "netns", "exec", space.names[place_of(src)], "openssl", "s_client", "-connect",
             f"{url_address(dst, family)}:{number}", "-bind", f"{url_address(src, family)}:{port}",
             "-brief", *naming, *options],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE)
    except subprocess.TimeoutExpired:
        return Answer("silence", port)
    if done.returncode == 0:
        return Answer("handshake", port)
    reset = "errno=104" in done.stderr or "Connection reset" in done.stderr
    return Answer("reset" if reset else f"openssl: {done.stderr.strip()}", port)


def connect(space, src, dst, number, family=4, port=None, patience=PATIENCE):
    """A connected socket from spot to spot; raises as connect() does."""
    port = port or next_port()
    client = space.socket(place_of(src), socket_family(family))
    client.settimeout(patience)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.bind((address(src, family), port))
    try:
        client.connect((address(dst, family), number))
    except BaseException:
        client.close()
        raise
    return client


def say(space, src, dst, number, words, family=4, port=None):
    """Send bytes (b"": only listen), wait for an answer."""
    port = port or next_port()
    try:
        with connect(space, src, dst, number, family, port) as client:
            if words:
                client.sendall(words)
            reply = client.recv(65536)
            return Answer("reply" if reply else "closed", port)
    except socket.timeout:
        return Answer("silence", port)
    except (ConnectionResetError, ConnectionRefusedError, BrokenPipeError):
        return Answer("reset", port)


def lookup(space, src, dst, name, family=4, port=None, tcp=False):
    """Ask dst for the address of a name."""
    port = port or next_port()
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = (struct.pack("!HHHHHH", random.randrange(65536), 0x0100, 1, 0, 0, 0) + labels
                + b"\0\0\1\0\1")
    if tcp:
        return say(space, src, dst, 53, len(question).to_bytes(2, "big") + question, family, port)
    with space.socket(place_of(src), socket_family(family), socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.bind((address(src, family), port))
        client.sendto(question, (address(dst, family), 53))
        try:
            client.recv(512)
            return Answer("reply", port)
        except socket.timeout:
            return Answer("silence", port)
        except ConnectionRefusedError:
            return Answer("reset", port)


class Keeping:
    """One HTTP connection, asked again and again."""

    def __init__(self, space, src, dst, number=80, family=4, patience=PATIENCE):
        self.port = next_port()
        self.socket = connect(space, src, dst, number, family, self.port, patience)
        self.stream = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def status(self):
        """The next response's status, its body read; 0 at the end."""
        line = self.stream.readline()
        if not line:
            return 0
        length = 0
        while True:
            header = self.stream.readline().strip().lower()
            if not header:
                break
            if header.startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        self.body = self.stream.read(length)
        return int(line.split()[1])

    def get(self, path, host="foo.bar.com", method="GET", extra=""):
        self.send(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n".encode())
        return self.status()

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
