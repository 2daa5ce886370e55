# SPDX-License-Identifier: Apache-2.0
"""The servers in namespace web: nginx, openssl, and a few of ten lines."""

import hashlib
import os
import socket
import subprocess
import threading

from .space import wait_for

HTTP, HTTP_ALT, HTTPS, TLS_OTHER = 80, 8080, 443, 8443
GREETER, SINK, UPLOAD, DNS = 2525, 6379, 8090, 53
BIG = 30 * 1024 * 1024

_NGINX = """
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/nginx-error.log warn;
events {{ worker_connections 512; }}
http {{
    log_format line '$remote_port|$request_method|$host|$request_uri|$status';
    access_log {dir}/access.log line;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    keepalive_requests 100000; client_max_body_size 0; large_client_header_buffers 8 64k;
    default_type text/plain;
    server {{
        listen 80; listen [::]:80; listen 8080; listen [::]:8080;
        listen 443 ssl; listen [::]:443 ssl;
        ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
        root {dir}/www;
        location = /api/v2/big {{ alias {dir}/www/big; }}
        location / {{ return 200 "$request_method $host $request_uri\\n"; }}
    }}
}}
"""


def certificate(space):
    """A self-signed one; small, so that captures are."""
    if not os.path.exists(space.path("cert.pem")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "30", "-subj", "/CN=foo.bar.com", "-keyout",
             space.path("key.pem"), "-out", space.path("cert.pem")],
            check=True, stderr=subprocess.DEVNULL)


def _listening(space, where, port):
    shown = subprocess.run(["ip", "netns", "exec", space.names[where], "ss", "-Hlnt",
                            f"sport = :{port}"], capture_output=True, text=True).stdout
    return len(shown.splitlines())


class Nginx:
    def __init__(self, space, where="web", big=False):
        certificate(space)
        self.log = space.path("access.log")
        self.errors = space.path("nginx-error.log")
        os.makedirs(space.path("www"), exist_ok=True)
        if big:
            with open(space.path("www/big"), "wb") as file:
                file.write(os.urandom(BIG))
        space.write("nginx.conf", _NGINX.format(dir=space.dir))
        self.process = space.start(where, "nginx", "-p", space.dir, "-e", self.errors, "-c",
                                   space.path("nginx.conf"))
        wait_for("nginx to listen", 10, lambda: _listening(space, where, HTTPS))

    def requests(self):
        """(client port, method, host, target) of the requests that reached the server whole. What
        was cut short nginx logs too, as a bad request."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip("\n").split("|") for line in file]
        return [(int(port), method, host, target) for port, method, host, target, status
                in lines if status != "400"]

    def from_port(self, port):
        return [request for request in self.requests() if request[0] == port]


class OpensslServer:
    """A TLS server that is not nginx, on a port that is not 443."""

    def __init__(self, space, where="web", port=TLS_OTHER):
        certificate(space)
        for family in ("-4", "-6"):
            space.start(where, "openssl", "s_server", family, "-accept", str(port), "-cert",
                        space.path("cert.pem"), "-key", space.path("key.pem"), "-quiet", "-www",
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("openssl to listen", 10, lambda: _listening(space, where, port) == 2)


class Server:
    """A TCP server from a function of one connection; on IPv4 and IPv6. `seen` has what clients
    sent, by client port."""

    def __init__(self, space, port, talk, where="web"):
        self.seen = {}
        self.errors = {}
        self._talk = talk
        self._socket = space.socket(where, socket.AF_INET6)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._socket.bind(("::", port))
        self._socket.listen(64)
        space.on_close(self._socket.close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            self.seen[peer[1]] = b""
            threading.Thread(target=self._one, args=(connection, peer[1]), daemon=True).start()

    def _one(self, connection, port):
        with connection:
            try:
                self._talk(self, connection, port)
            except OSError as error:
                self.errors[port] = error


def sink(server, connection, port):
    """Takes everything, says +PONG after each piece, as redis would to PING."""
    while True:
        piece = connection.recv(65536)
        if not piece:
            return
        server.seen[port] += piece
        connection.sendall(b"+PONG\r\n")


def greeter(server, connection, port):
    """Speaks first, as mail servers do."""
    connection.sendall(b"220 mail.bar.com ESMTP\r\n")
    server.seen[port] = connection.recv(65536)


def upload(server, connection, port):
    """HTTP: takes requests with Content-Length or chunked bodies; answers with the SHA-256 of each
    body."""
    stream = connection.makefile("rb")
    while True:
        line = stream.readline()
        if not line:
            return
        server.seen[port] += line
        length, chunked = 0, False
        while True:
            header = stream.readline().strip().lower()
            if not header:
                break
            if header.startswith(b"content-length:"):
                length = int(header.split(b":")[1])
            if header == b"transfer-encoding: chunked":
                chunked = True
        digest = hashlib.sha256()
        if chunked:
            while True:
                size = int(stream.readline(), 16)
                digest.update(stream.read(size))
                stream.readline()
                if size == 0:
                    break
        else:
            digest.update(stream.read(length))
        body = digest.hexdigest().encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


class DnsServer:
    """Answers every question with 10.10.88.80, by UDP and TCP."""

    def __init__(self, space, where="web"):
        self.asked = []
        # One socket for both families; it answers from the address that was asked, for the
        # server has several.
        self._udp = space.socket(where, socket.AF_INET6, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self._udp.bind(("::", DNS))
        space.on_close(self._udp.close)
        threading.Thread(target=self._serve, daemon=True).start()
        self.tcp = Server(space, DNS, self._stream, where)

    def _serve(self):
        while True:
            try:
                question, aside, _, peer = self._udp.recvmsg(512, 128)
                self.asked.append(peer[1])
                self._udp.sendmsg([self.answer(question)], aside, 0, peer)
            except OSError:
                return

    def _stream(self, server, connection, port):
        while True:
            head = connection.recv(2)
            if len(head) < 2:
                return
            question = connection.recv(int.from_bytes(head, "big"))
            server.seen[port] += question
            answer = self.answer(question)
            connection.sendall(len(answer).to_bytes(2, "big") + answer)

    @staticmethod
    def answer(question):
        return (question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:]
                + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("10.10.88.80"))


def all_of(space, big=False):
    """Everything the example policies are asked about."""
    nginx = Nginx(space, big=big)
    OpensslServer(space)
    servers = {"greeter": Server(space, GREETER, greeter), "sink": Server(space, SINK, sink),
               "upload": Server(space, UPLOAD, upload), "dns": DnsServer(space)}
    return nginx, servers
