# SPDX-License-Identifier: Apache-2.0
"""The four servers, each on a loopback port with a handler that answers what it understood.

Decides how each is started and stopped, and what one connection came to: a list such as
["200 GET|example.com|/a", "400", "closed"], one entry for each reply and one for how the connection
was left. Leaves to others what that means.
"""

import os
import re
import shutil
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS = 30
QUIET_SECONDS = 1.0  # nothing more comes: the connection is open
SHOWN = 120  # of a reading; the rest is length


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


class Server:
    """A process of ours: what needs which program, how it is started, which version it has."""

    def __init__(self, name, program, version, arguments, files=()):
        self.name, self.program, self.arguments, self.files = name, program, arguments, files
        self.version_of = version
        self.port, self.process = None, None

    def missing(self):
        return shutil.which(self.program, path=os.environ["PATH"] + ":/usr/sbin") is None

    def version(self):
        return self.version_of()

    def start(self, folder):
        self.port = free_port()
        user = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
        os.chmod(folder, 0o755)
        for name in self.files:
            with open(os.path.join(HERE, name), encoding="utf-8") as source:
                text = source.read()
            if name.endswith(".conf"):
                for key, value in (("dir", folder), ("port", str(self.port)), ("user", user)):
                    text = text.replace("{%s}" % key, value)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as copy:
                copy.write(text)
            os.chmod(copy.name, 0o755)
        command = [part.format(dir=folder, port=self.port) for part in self.arguments]
        with open(os.path.join(folder, f"{self.name}.out"), "wb") as out:
            path = {"PATH": os.environ["PATH"] + ":/usr/sbin", "LC_ALL": "C.UTF-8"}
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=path)
        self.wait(folder)

    def wait(self, folder):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        with open(os.path.join(folder, f"{self.name}.out"), encoding="utf-8") as out:
            raise SystemExit(f"{self.name} does not start: {out.read()}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def first_match(pattern, *command):
    return re.search(pattern, output(*command)).group(1)


SERVERS = (
    Server("nginx", "nginx",
           lambda: "nginx " + first_match(r"nginx/(\S+)", "/usr/sbin/nginx", "-v"),
           ["nginx", "-p", "{dir}", "-c", "{dir}/nginx.conf", "-e", "{dir}/nginx.log"],
           ["nginx.conf"]),
    Server("apache", "apache2",
           lambda: "Apache httpd " + first_match(r"Apache/(\S+)", "/usr/sbin/apache2", "-v"),
           ["apache2", "-D", "FOREGROUND", "-f", "{dir}/apache.conf"],
           ["apache.conf", "read.sh"]),
    Server("node", "node",
           lambda: "Node.js {}, llhttp {}".format(*output(
               "node", "-p", "process.versions.node + ' ' + process.versions.llhttp").split()),
           ["node", "{dir}/server.js", "{port}"], ["server.js"]),
    Server("java", "java",
           lambda: "Java " + first_match(r'version "(\S+)"', "java", "-version")
           + " com.sun.net.httpserver",
           ["java", "{dir}/Server.java", "{port}"], ["Server.java"]),
)


# ---- one connection ----


def text_of(raw):
    """Printable ASCII as it is, other bytes as \\xNN; the long cut."""
    text = "".join(chr(c) if 0x20 <= c < 0x7f and c != 0x5c else f"\\x{c:02x}" for c in raw)
    text = text.replace("\\x5c", "\\\\")
    return text if len(text) <= SHOWN else f"{text[:SHOWN // 2]}...({len(raw)})"


def take_chunked(data):
    """The body and what follows it; None while it is not complete."""
    body = b""
    while True:
        size, mark, rest = data.partition(b"\r\n")
        if not mark:
            return None
        count = int(size.split(b";")[0], 16)
        if len(rest) < count + 2:
            return None
        body, data = body + rest[:count], rest[count + 2:]
        if count == 0:
            return body, data


def take_reply(data, ended):
    """(entry, rest) of the first reply in what a server sent; None while it is not complete."""
    if not data.startswith(b"HTTP/"):
        if not b"HTTP/".startswith(data[:5]) or ended:
            return ("0.9 " + text_of(data), b"") if ended else None
        return None
    head, mark, rest = data.partition(b"\r\n\r\n")
    if not mark:
        return None
    lines = head.decode("latin-1").split("\r\n")
    status = lines[0].split(" ")[1]
    fields = dict((line.partition(":")[0].lower(), line.partition(":")[2].strip())
                  for line in lines[1:])
    body = b""
    if "x-head" in fields:
        body = fields["x-head"].encode("latin-1")
    elif status[0] == "1" or status in ("204", "304"):
        pass
    elif "chunked" in fields.get("transfer-encoding", ""):
        taken = take_chunked(rest)
        if taken is None:
            return None
        body, rest = taken
    elif "content-length" in fields:
        length = int(fields["content-length"])
        if len(rest) < length:
            return None
        body, rest = rest[:length], rest[length:]
    else:
        if not ended:
            return None
        body, rest = rest, b""
    read = " " + text_of(body) if status == "200" and body.count(b"|") >= 2 else ""
    return status + read, rest


def converse(port, sent):
    """Send all of it, read until nothing more comes."""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.settimeout(QUIET_SECONDS)
        data, left = b"", "open"
        try:
            peer.sendall(sent)
        except OSError:
            left = "closed"
        try:
            while True:
                more = peer.recv(65536)
                if not more:
                    left = "closed"
                    break
                data += more
        except TimeoutError:
            pass
        except OSError:
            left = "closed"
    entries = []
    while data:
        taken = take_reply(data, left == "closed")
        if taken is None:
            entries.append("partial reply")
            break
        entries.append(taken[0])
        data = taken[1]
    return entries + [left]
