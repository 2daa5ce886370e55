# SPDX-License-Identifier: Apache-2.0
"""What the example policies are asked, and what they should say.

Each case is asked over IPv4 and IPv6, from a client port of its own (PORT + 2n, + 1 for IPv6), so
that records, server logs and captures can be matched with it.
"""

from typing import NamedTuple, Optional

from . import ask, serve
from .wire import OUTSIDE, address, place_of

PORT = 30000


class Case(NamedTuple):
    folder: str  # of docs/examples
    who: str  # as the table names them
    src: str
    dst: str
    kind: str  # http, tls, openssl, dns, or the name of another protocol
    what: str  # URL, server name, or the first words
    method: str
    expect: str  # allow, reject, drop
    rule: Optional[str]  # that decides
    number: int  # the server's port

    @property
    def asked(self):
        if self.kind == "http":
            return f"{self.method} {self.what}"
        if self.kind in ("tls", "openssl"):
            return f"TLS {self.what or '(no name)'} :{self.number}"
        if self.kind == "dns":
            return f"DNS {self.what}"
        return f"{self.kind} :{self.number}"

    @property
    def judged(self):
        """Whether an L7 rule decides: then there is a record in any case."""
        return self.rule not in (None, "allow-dns", "drop-other")

    def question(self, family, port):
        """As l7ctl explain --batch takes it."""
        asked = {"src": address(self.src, family), "sport": port,
                 "dst": address(self.dst, family), "dport": self.number,
                 "proto": "UDP" if self.kind == "dns" else "TCP"}
        if self.kind == "http":
            host, _, path = self.what.removeprefix("http://").partition("/")
            asked["http"] = {"method": self.method, "target": "/" + path,
                             "host": host.partition(":")[0]}
        elif self.kind in ("tls", "openssl"):
            asked["tls"] = {"sni": self.what or None}
        elif self.kind != "dns":
            asked["other"] = self.kind
        return asked

    def run(self, space, family, port):
        if self.kind == "http":
            return ask.curl(space, self.src, self.dst, self.what, "-X", self.method, family=family,
                            port=port)
        if self.kind == "tls":
            return ask.curl(space, self.src, self.dst, f"https://{self.what}:{self.number}/",
                            family=family, port=port)
        if self.kind == "openssl":
            return ask.openssl(space, self.src, self.dst, self.what, self.number, family=family,
                               port=port)
        if self.kind == "dns":
            return ask.lookup(space, self.src, self.dst, self.what, family=family, port=port)
        return ask.say(space, self.src, self.dst, self.number, self.what.encode(), family=family,
                       port=port)


def _http(folder, who, src, dst, url, expect, rule, method="GET"):
    number = int(url.removeprefix("http://").split("/")[0].partition(":")[2] or 80)
    return Case(folder, who, src, dst, "http", url, method, expect, rule, number)


def _tls(folder, who, src, dst, name, expect, rule, number=serve.HTTPS, kind="tls"):
    return Case(folder, who, src, dst, kind, name, "", expect, rule, number)


def _other(folder, who, src, dst, kind, words, number, expect, rule):
    return Case(folder, who, src, dst, kind, words, "", expect, rule, number)


_API, _ROLE, _DOMAIN = ("allow-http-request-to-api-v2", "privileged-url-to-admin-role",
                        "web-access-to-internal-domain")
_ONLY, _TLS, _NAMES, _SECURE = ("allow-http-only", "tls-handshake", "tls-handshake-to-internal",
                                "allow-tls-only")
_SSH = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
_REDIS = "*1\r\n$4\r\nPING\r\n"

CASES = [
    _http(_API, "client", "1.8", "1.7", "http://foo.bar.com/api/v2/users", "allow", "allow-http"),
    _http(_API, "client", "1.8", "1.7", "http://foo.bar.com/api/v1/users", "reject", "allow-http"),
    _http(_API, "client", "1.8", "1.7", "http://foo.bar.com/api/v2/users", "reject", "allow-http",
          "POST"),
    _http(_API, "client", "1.8", "1.7", "http://www.bar.com/api/v2/users", "reject", "allow-http"),
    _http(_API, "other Pod", "1.9", "1.7", "http://foo.bar.com/api/v2/users", "drop",
          "drop-other"),
    _http(_API, "stranger", "99.9", "1.7", "http://foo.bar.com/api/v2/users", "drop",
          "drop-other"),

    _http(_ROLE, "admin", "2.9", "2.7", "http://web/admin/panel", "allow", "for-admin"),
    _http(_ROLE, "admin", "2.9", "2.7", "http://web/public/main.html", "allow", "for-admin"),
    _http(_ROLE, "admin", "2.9", "2.7", "http://web/private", "reject", "for-admin"),
    _http(_ROLE, "client", "2.8", "2.7", "http://web/admin/panel", "reject", "for-public"),
    _http(_ROLE, "client", "2.8", "2.7", "http://web/public/main.html", "allow", "for-public"),
    _http(_ROLE, "client", "2.8", "2.7", "http://web/public/../admin/panel", "reject",
          "for-public"),
    _http(_ROLE, "stranger", "99.9", "2.7", "http://web/public/main.html", "allow", "for-public"),
    _http(_ROLE, "stranger", "99.9", "2.7", "http://web/admin/panel", "reject", "for-public"),

    _other(_DOMAIN, "client", "3.8", OUTSIDE, "dns", "www.bar.com", serve.DNS, "allow",
           "allow-dns"),
    _http(_DOMAIN, "client", "3.8", OUTSIDE, "http://www.bar.com/", "allow", "allow-http-only"),
    _http(_DOMAIN, "client", "3.8", OUTSIDE, "http://www.bar.com:8080/", "allow",
          "allow-http-only"),
    _http(_DOMAIN, "client", "3.8", OUTSIDE, "http://www.example.com/", "reject",
          "allow-http-only"),
    _tls(_DOMAIN, "client", "3.8", OUTSIDE, "www.bar.com", "reject", "allow-http-only"),
    _http(_DOMAIN, "free Pod", "3.9", OUTSIDE, "http://www.example.com/", "allow", None),

    _http(_ONLY, "client", "4.8", "4.7", "http://web/", "allow", "http-only"),
    _http(_ONLY, "stranger", "99.9", "4.7", "http://web:8080/x", "allow", "http-only"),
    _tls(_ONLY, "client", "4.8", "4.7", "web", "reject", "http-only"),
    _other(_ONLY, "client", "4.8", "4.7", "ssh", _SSH, serve.HTTP, "reject", "http-only"),
    _other(_ONLY, "client", "4.8", "4.7", "redis", _REDIS, serve.SINK, "reject", "http-only"),

    _tls(_TLS, "client", "5.8", "5.7", "foo.bar.com", "allow", "allow-tls"),
    _tls(_TLS, "client", "5.8", "5.7", "foo.bar.com", "allow", "allow-tls", serve.TLS_OTHER,
         "openssl"),
    _tls(_TLS, "client", "5.8", "5.7", "www.bar.com", "reject", "allow-tls"),
    _tls(_TLS, "client", "5.8", "5.7", "", "reject", "allow-tls", kind="openssl"),
    _http(_TLS, "client", "5.8", "5.7", "http://foo.bar.com/", "reject", "allow-tls"),
    _tls(_TLS, "other Pod", "5.9", "5.7", "foo.bar.com", "drop", "drop-other"),

    _other(_NAMES, "client", "6.8", OUTSIDE, "dns", "www.bar.com", serve.DNS, "allow",
           "allow-dns"),
    _tls(_NAMES, "client", "6.8", OUTSIDE, "www.bar.com", "allow", "allow-tls-only"),
    _tls(_NAMES, "client", "6.8", OUTSIDE, "www.example.com", "reject", "allow-tls-only"),
    _http(_NAMES, "client", "6.8", OUTSIDE, "http://www.bar.com/", "reject", "allow-tls-only"),
    _tls(_NAMES, "free Pod", "6.9", OUTSIDE, "www.example.com", "allow", None),

    _tls(_SECURE, "client", "7.8", "7.7", "web", "allow", "tls-only"),
    _tls(_SECURE, "stranger", "99.9", "7.7", "", "allow", "tls-only", serve.TLS_OTHER, "openssl"),
    _http(_SECURE, "client", "7.8", "7.7", "http://web/", "reject", "tls-only"),
    _other(_SECURE, "stranger", "99.9", "7.7", "ssh", _SSH, serve.HTTPS, "reject", "tls-only"),
]
assert all(place_of(case.src) != place_of(case.dst) for case in CASES)


def port_of(case, family):
    return PORT + 2 * CASES.index(case) + (family == 6)
