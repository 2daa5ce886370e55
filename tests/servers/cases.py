# SPDX-License-Identifier: Apache-2.0
"""What is sent: the vectors of tests/data/corpus, and more of the same kind, by topic.

Decides which bytes, under which heading, and why they are odd. Who does what with them is in
results.json; nothing here says what should be done.
"""

import base64
import json
import os
import re

from topics import TOPICS

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(os.path.dirname(HERE), "data", "corpus", "http1-vectors.json")

CLASSES = {
    "absolute-form": "absolute", "asterisk-form": "connect", "authority-form": "connect",
    "chunked": "chunked", "content-length": "length", "headers": "headers", "host": "host",
    "limits": "limits", "lines": "lines", "method": "line", "not-http": "version",
    "path": "path", "pipelining": "between", "plain": "between", "request-line": "line",
    "smuggling": "length", "transfer-encoding": "length", "upgrade": "expect",
    "version": "version",
}
# Vectors that belong elsewhere than their class.
MOVED = {
    "leading-crlf": "between", "many-leading-crlf": "between", "expect-100": "expect",
    "http10-no-host": "host", "method-very-long": "limits", "chunk-ext-lf": "chunked",
    "cl-longer-than-data": "length", "path-raw-utf8": "target", "path-fragment": "target",
    "path-quotes": "target", "query-pipe": "target", "path-nul": "target", "path-del": "target",
    "path-tab": "target", "query-question-mark": "target", "path-bad-escape": "target",
    "path-u-escape": "target", "path-backslash": "target",
}

HOST = b"Host: example.com\r\n"
NEXT = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"


def get(target, host=HOST, version=b"HTTP/1.1"):
    return b"GET " + target + b" " + version + b"\r\n" + host + b"\r\n"


def with_host(value):
    return get(b"/", b"Host: " + value + b"\r\n")


def with_headers(lines):
    return get(b"/", HOST + lines)


def post(lines, body=b"", version=b"HTTP/1.1"):
    return b"POST /p " + version + b"\r\n" + HOST + lines + b"\r\n" + body


def chunks(body):
    return post(b"Transfer-Encoding: chunked\r\n", body)


OWN = {
    "between": (
        ("crlf-twice", b"\r\n\r\n" + get(b"/x"), "two empty lines; RFC 9112 §2.2 speaks of one"),
        ("lf-first", b"\n" + get(b"/x"), "an empty line that ends with LF"),
        ("cr-first", b"\r" + get(b"/x"), "half an empty line"),
        ("space-first", b" " + get(b"/x"), "a blank before the method"),
        ("crlf-after-body", post(b"Content-Length: 1\r\n", b"x\r\n") + NEXT,
         "old clients end a body with CRLF; RFC 9112 §2.2"),
        ("crlf-twice-after-body", post(b"Content-Length: 1\r\n", b"x\r\n\r\n") + NEXT,
         "two empty lines between requests"),
        ("close-in-list-then-more", with_headers(b"Connection: x, Close\r\n") + NEXT,
         "`close` among others; RFC 9112 §9.6"),
        ("http10-then-more", get(b"/a", version=b"HTTP/1.0") + NEXT,
         "HTTP/1.0 closes by itself: the second is judged, and not read"),
        ("http10-keep-alive-then-more",
         get(b"/a", HOST + b"Connection: keep-alive\r\n", b"HTTP/1.0") + NEXT,
         "an old way to go on; RFC 9112 §9.3"),
        ("get-with-body", with_headers(b"Content-Length: 3\r\n") + b"abc" + NEXT,
         "a body has a length, whatever the method; RFC 9110 §9.3.1"),
    ),
    "lines": (
        ("lf-after-request-line", b"GET /x HTTP/1.1\n" + HOST + b"\r\n", "LF after the first line"),
        ("lf-after-header", get(b"/x", b"Host: example.com\n"), "LF after a header"),
        ("lf-at-the-end", b"GET /x HTTP/1.1\r\n" + HOST + b"\n", "LF as the empty line"),
        ("cr-cr-lf", get(b"/x", b"Host: example.com\r\r\n"), "CR CR LF"),
        ("cr-in-value", with_headers(b"X: a\rb\r\n"), "bare CR in a value"),
        ("cr-as-empty-line", b"GET /x HTTP/1.1\r\n" + HOST + b"X: y\r\rGET /z HTTP/1.1\r\n\r\n",
         "CR CR as the end of the head"),
    ),
    "line": (
        ("two-spaces-before-version", b"GET /a  HTTP/1.1\r\n" + HOST + b"\r\n",
         "exactly one blank; RFC 9112 §3"),
        ("tab-before-version", b"GET /a\tHTTP/1.1\r\n" + HOST + b"\r\n", "HTAB as separator"),
        ("vt-after-method", b"GET\x0b/a HTTP/1.1\r\n" + HOST + b"\r\n", "VT as separator"),
        ("nul-in-method", b"GE\x00T /a HTTP/1.1\r\n" + HOST + b"\r\n", "NUL is no token byte"),
        ("method-unknown", b"BREW /pot HTTP/1.1\r\n" + HOST + b"\r\n",
         "a method nobody registered"),
        ("method-33-bytes", b"A" * 33 + b" /a HTTP/1.1\r\n" + HOST + b"\r\n", "a long method"),
        ("second-empty-target", NEXT + b"GET  HTTP/1.1\r\n" + HOST + b"\r\n",
         "no target, behind a good request"),
        ("second-method-33-bytes", NEXT + b"A" * 33 + b" /a HTTP/1.1\r\n" + HOST + b"\r\n",
         "a long method, behind a good request"),
        ("method-post-long", b"POST" + b"X" * 29 + b" /a HTTP/1.1\r\n" + HOST + b"\r\n",
         "a long method that begins like a known one"),
    ),
    "version": (
        ("version-1.9", get(b"/a", version=b"HTTP/1.9"), "a higher minor version"),
        ("version-0.9-with-headers", get(b"/a", version=b"HTTP/0.9"), "HTTP/0.9 has no headers"),
        ("http09-then-headers", b"GET /a\r\n" + HOST + b"\r\n",
         "HTTP/0.9, or HTTP/1.x with the version left out"),
        ("version-3.0", get(b"/a", version=b"HTTP/3.0"), "not spoken over TCP"),
        ("version-leading-zero", get(b"/a", version=b"HTTP/01.1"), "one digit; RFC 9112 §2.3"),
        ("h2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
         "HTTP/2 with prior knowledge: nobody here judges it"),
        ("proxy-line", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get(b"/x"),
         "PROXY protocol before the request [L7-23]"),
    ),
    "headers": (
        ("tab-before-colon", with_headers(b"X\t: y\r\n"), "RFC 9112 §5.1"),
        ("space-in-name", with_headers(b"X Y: z\r\n"), "a blank inside the name"),
        ("fold-with-tab", with_headers(b"X: y\r\n\tz\r\n"), "obs-fold with HTAB; RFC 9112 §5.2"),
        ("fold-of-nothing", with_headers(b"X: y\r\n \r\n"), "a line of one blank"),
        ("del-in-value", with_headers(b"X: a\x7fb\r\n"), "DEL in a value"),
        ("nul-in-name", with_headers(b"X\x00: y\r\n"), "NUL in a name"),
        ("tab-in-value", with_headers(b"X:\ta\tb\t\r\n"), "HTAB is white space; RFC 9110 §5.5"),
        ("slash-in-name", with_headers(b"X/Y: z\r\n"), "no token byte"),
    ),
    "limits": (
        ("headers-1025", with_headers(b"X: y\r\n" * 1024), "one header more than l7guard's limit"),
        ("header-70000", with_headers(b"X: " + b"y" * 70000 + b"\r\n"),
         "more than `max-head`"),
        ("host-256", with_host(b"a" * 63 + b"." + b"b" * 192), "longer than a DNS name can be"),
    ),
    "absolute": (
        ("absolute-http10-no-host", get(b"http://example.com/a", b"", b"HTTP/1.0"),
         "the host of the target, or none? RFC 9112 §3.2.2"),
        ("absolute-http11-no-host", get(b"http://example.com/a", b""), "RFC 9112 §3.2"),
        ("absolute-http10-host-differs",
         get(b"http://example.com/a", b"Host: foo.com\r\n", b"HTTP/1.0"), "RFC 9112 §3.2.2"),
        ("absolute-scheme-case", get(b"HTTP://example.com/a"),
         "schemes have no case; RFC 3986 §3.1"),
        ("absolute-https", get(b"https://example.com/a"), "https in clear"),
        ("second-https", NEXT + get(b"https://example.com/a"), "the same, behind a good request"),
        ("absolute-ws", get(b"ws://example.com/a"), "another scheme"),
        ("absolute-default-port", get(b"http://example.com:80/a"), "80 is the default"),
        ("absolute-empty-port", get(b"http://example.com:/a"), "an empty port; RFC 3986 §3.2.3"),
        ("absolute-host-case", get(b"http://EXAMPLE.com/a"), "hosts have no case"),
        ("absolute-host-dot", get(b"http://example.com./a"), "a final dot on one side"),
        ("absolute-host-escape", get(b"http://ex%61mple.com/a"), "an escaped letter in the host"),
        ("absolute-no-path", get(b"http://example.com"), "an empty path is `/`"),
        ("absolute-double-slash", get(b"http://example.com//a"), "an empty first segment"),
        ("absolute-dots", get(b"http://example.com/a/../b"), "dot segments"),
        ("absolute-backslash", get(b"http://example.com\\@evil.example/"),
         "WHATWG URL ends the host at a backslash"),
        ("absolute-fragment", get(b"http://example.com#@evil.example/"),
         "where does the host end?"),
        ("absolute-userinfo-host", get(b"http://example.com@example.com/"),
         "userinfo, even where nothing is to gain; RFC 9110 §4.2.4"),
        ("absolute-in-path", get(b"/http://evil.example/a"), "a URL inside a path is a path"),
        ("scheme-relative", get(b"http:example.com/a"), "a scheme without slashes"),
    ),
    "connect": (
        ("connect-http11", b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
         "as browsers send it"),
        ("connect-then-bytes",
         b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n" + NEXT,
         "a tunnel or a request? the answer tells [L7-32]"),
        ("connect-host-no-port", b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n",
         "many clients leave the port out of Host"),
        ("connect-host-differs",
         b"CONNECT example.com:443 HTTP/1.1\r\nHost: foo.com:443\r\n\r\n", "[L7-15]"),
        ("connect-port-differs",
         b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:444\r\n\r\n", "[L7-15]"),
        ("connect-ipv6", b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n",
         "an address in brackets"),
        ("connect-absolute", b"CONNECT http://example.com:80/ HTTP/1.1\r\n" + HOST + b"\r\n",
         "RFC 9112 §3.2.3"),
        ("connect-asterisk", b"CONNECT * HTTP/1.1\r\n" + HOST + b"\r\n", "RFC 9112 §3.2.3"),
        ("connect-port-letters", b"CONNECT example.com:https HTTP/1.1\r\n" + HOST + b"\r\n",
         "a port is a number"),
        ("connect-chunked",
         b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n"
         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "a body before the tunnel"),
        ("get-asterisk", get(b"*"), "`*` is for OPTIONS; RFC 9112 §3.2.4"),
        ("asterisk-query", b"OPTIONS *?x HTTP/1.1\r\n" + HOST + b"\r\n", "RFC 9112 §3.2.4"),
        ("options-absolute", b"OPTIONS http://example.com HTTP/1.1\r\n" + HOST + b"\r\n",
         "`*` in absolute form, or `/`; RFC 9112 §3.2.4"),
        ("options-absolute-slash", b"OPTIONS http://example.com/ HTTP/1.1\r\n" + HOST + b"\r\n",
         "with the slash it is a path"),
        ("connect-lower-case", b"connect example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n",
         "methods have case: this is not CONNECT"),
    ),
    "host": (
        ("host-twice-same", get(b"/", HOST + HOST), "RFC 9112 §3.2: more than one is 400"),
        ("host-twice-http10", get(b"/", b"Host: a.example\r\nHost: b.example\r\n", b"HTTP/1.0"),
         "in HTTP/1.0 too"),
        ("host-space-inside", with_host(b"a.example b.example"), "a blank inside"),
        ("host-tab-inside", with_host(b"a.example\tb.example"), "an HTAB inside"),
        ("host-blanks-around", get(b"/", b"Host:\t example.com \t\r\n"),
         "white space around a value is none of it; RFC 9110 §5.5"),
        ("host-slash", with_host(b"good.example/evil.example"), "a path in Host"),
        ("host-question-mark", with_host(b"good.example?.evil.example"), "a query in Host"),
        ("host-hash", with_host(b"good.example#.evil.example"), "a fragment in Host"),
        ("host-semicolon", with_host(b"good.example;evil.example"), "a sub-delim; RFC 3986 §3.2.2"),
        ("host-exclamation", with_host(b"good!example"), "a sub-delim"),
        ("host-star", with_host(b"*.example.com"), "a sub-delim"),
        ("host-tilde", with_host(b"a~b.example"), "unreserved in RFC 3986"),
        ("host-upper-case", with_host(b"EXAMPLE.com"), "hosts have no case"),
        ("host-two-final-dots", with_host(b"example.com.."), "an empty label"),
        ("host-inner-dots", with_host(b"example..com"), "an empty label"),
        ("host-first-dot", with_host(b".example.com"), "an empty label"),
        ("host-only-dot", with_host(b"."), "no name is left"),
        ("host-dash", with_host(b"-example.com"), "no host name, but a byte they have"),
        ("host-port-99999", with_host(b"example.com:99999"), "no such port"),
        ("host-port-letters", with_host(b"example.com:80x"), "a port is a number"),
        ("host-two-ports", with_host(b"example.com:80:81"), "two ports"),
        ("host-port-at", with_host(b"example.com:80@evil.example"), "a port or a password?"),
        ("host-ipv4-hex", with_host(b"0x7f.1"), "inet_aton() reads an address"),
        ("host-ipv6-bare", with_host(b"2001:db8::1"), "an IPv6 address without brackets"),
        ("host-ipv6-zone", with_host(b"[fe80::1%25eth0]"), "zones are local; RFC 6874"),
        ("host-ipvfuture", with_host(b"[v1.x]"), "nobody has it; RFC 3986 §3.2.2"),
        ("host-ipv6-then-more", with_host(b"[::1]evil.example"), "bytes behind the bracket"),
        ("host-empty-http10", get(b"/", b"Host:\r\n", b"HTTP/1.0"), "empty is not absent"),
        ("host-only-port", with_host(b":80"), "no name"),
        ("host-del", with_host(b"a.example\x7f"), "a control byte"),
        ("host-ff", with_host(b"a.example\x0c"), "a control byte that some trim"),
    ),
    "length": (
        ("cl-twice-same", post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"),
         "RFC 9112 §6.3 lets one pass or refuse"),
        ("cl-list-differ", post(b"Content-Length: 3, 4\r\n", b"abc"), "a list of lengths"),
        ("cl-negative", post(b"Content-Length: -1\r\n"), "digits only; RFC 9110 §8.6"),
        ("cl-space-inside", post(b"Content-Length: 3 3\r\n", b"abc"), "digits only"),
        ("cl-zero-twice", post(b"Content-Length: 0\r\nContent-Length: 0\r\n"), "twice nothing"),
        ("cl-blanks-around", post(b"Content-Length:\t 3 \r\n", b"abc"), "white space around"),
        ("cl-2-32", post(b"Content-Length: 4294967299\r\n", b"abc") + NEXT,
         "2^32+3 must not wrap to 3"),
        ("cl-2-63", post(b"Content-Length: 9223372036854775808\r\n", b"abc"), "2^63"),
        ("cl-fold", post(b"Content-Length:\r\n 3\r\n", b"abc"), "folded; RFC 9112 §5.2"),
        ("cl-zero-te", post(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
         "both, and no difference"),
        ("te-twice", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                          b"0\r\n\r\n"), "chunked once only; RFC 9112 §6.1"),
        ("te-twice-in-list", post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
         "chunked once only"),
        ("te-two-lines", post(b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
                              b"0\r\n\r\n"), "a list in two lines; RFC 9110 §5.3"),
        ("te-gzip-only", post(b"Transfer-Encoding: gzip\r\n", b"abc"),
         "a request cannot end by closing; RFC 9112 §6.3"),
        ("te-identity", post(b"Transfer-Encoding: identity\r\n"), "no longer a coding"),
        ("te-empty", post(b"Transfer-Encoding:\r\nContent-Length: 3\r\n", b"abc"),
         "empty, beside a length"),
        ("te-parameter", post(b"Transfer-Encoding: chunked;a=b\r\n", b"0\r\n\r\n"),
         "chunked has no parameters; RFC 9112 §7.1"),
        ("te-tab", post(b"Transfer-Encoding:\tchunked\t\r\n", b"0\r\n\r\n"), "white space around"),
        ("te-nul", post(b"Transfer-Encoding: chunked\x00\r\n", b"0\r\n\r\n"), "NUL in the value"),
        ("te-http10-no-keep-alive", post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n",
                                         b"HTTP/1.0"), "not in HTTP/1.0; RFC 9112 §6.1"),
        ("cl-underscore", post(b"Content_Length: 3\r\n") + NEXT,
         "another header; CGI makes `_` of `-`"),
        ("no-length", post(b"") + NEXT, "no length is no body; RFC 9112 §6.3"),
    ),
    "chunked": (
        ("chunk-size-upper", chunks(b"A\r\n0123456789\r\n0\r\n\r\n"), "hex digits have no case"),
        ("chunk-size-16-digits", chunks(b"0000000000000003\r\nabc\r\n0\r\n\r\n"), "leading zeros"),
        ("chunk-size-17-digits", chunks(b"00000000000000003\r\nabc\r\n0\r\n\r\n"),
         "more digits than 64 bits have"),
        ("chunk-size-2-63", chunks(b"8000000000000000\r\nabc"), "2^63"),
        ("chunk-size-2-31", chunks(b"80000000\r\nabc\r\n0\r\n\r\n") + NEXT,
         "2^31: some count in 32 bits"),
        ("chunk-size-2-31-less", chunks(b"7fffffff\r\nabc\r\n0\r\n\r\n") + NEXT,
         "2^31-1 fits them"),
        ("chunk-size-2-32", chunks(b"100000003\r\nabc\r\n0\r\n\r\n") + NEXT,
         "2^32+3 must not wrap to 3: the rest would be a request"),
        ("chunk-size-negative", chunks(b"-3\r\nabc\r\n0\r\n\r\n"), "hex digits only"),
        ("chunk-size-empty", chunks(b"\r\nabc\r\n0\r\n\r\n"), "no size"),
        ("chunk-size-space", chunks(b"3 \r\nabc\r\n0\r\n\r\n"), "a blank behind the size"),
        ("chunk-size-tab", chunks(b"3\t\r\nabc\r\n0\r\n\r\n"), "an HTAB behind the size"),
        ("chunk-size-letter", chunks(b"3g\r\nabc\r\n0\r\n\r\n"), "hex digits only"),
        ("chunk-size-lf", chunks(b"3\nabc\r\n0\r\n\r\n"), "LF behind the size"),
        ("chunk-size-cr", chunks(b"3\rabc\r\n0\r\n\r\n"), "CR behind the size"),
        ("chunk-data-lf", chunks(b"3\r\nabc\n0\r\n\r\n"), "LF behind the data"),
        ("chunk-data-longer", chunks(b"3\r\nabcd\r\n0\r\n\r\n"), "more data than its size"),
        ("chunk-data-xx", chunks(b"3\r\nabcXX0\r\n\r\n"), "two bytes that are not CRLF"),
        ("chunk-last-lf", chunks(b"3\r\nabc\r\n0\n\n") + NEXT, "LF at the end"),
        ("chunk-last-one-crlf", chunks(b"3\r\nabc\r\n0\r\n") + NEXT,
         "the last CRLF left out: the next request would be a trailer"),
        ("chunk-last-ext", chunks(b"3\r\nabc\r\n0;a=b\r\n\r\n"), "an extension of the last chunk"),
        ("chunk-ext-blank", chunks(b"3 ; a = b\r\nabc\r\n0\r\n\r\n"),
         "bad white space; RFC 9112 §7.1.1"),
        ("chunk-ext-quoted", chunks(b"3;a=\"b;\\\"c\"\r\nabc\r\n0\r\n\r\n"), "a quoted value"),
        ("chunk-ext-quoted-crlf", chunks(b"3;a=\"\r\nabc\r\n0\r\n\r\n\"\r\n"),
         "a line end in quotes"),
        ("chunk-ext-cr", chunks(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), "a bare CR in an extension"),
        ("chunk-ext-nul", chunks(b"3;a=\x00\r\nabc\r\n0\r\n\r\n"), "NUL in an extension"),
        ("chunk-ext-bytes", chunks(b"3;@=1\r\nabc\r\n0\r\n\r\n"), "no token byte"),
        ("chunk-ext-5000", chunks(b"3;" + b"a" * 5000 + b"\r\nabc\r\n0\r\n\r\n"),
         "4 KiB is l7guard's limit"),
        ("trailer", chunks(b"0\r\nX-Sum: 1\r\n\r\n") + NEXT, "a trailer; RFC 9112 §7.1.2"),
        ("trailer-length", chunks(b"0\r\nContent-Length: 5\r\n\r\n") + NEXT, "RFC 9110 §6.5.1"),
        ("trailer-te", chunks(b"0\r\nTransfer-Encoding: chunked\r\n\r\n") + NEXT,
         "RFC 9110 §6.5.1"),
        ("trailer-fold", chunks(b"0\r\nX: y\r\n z\r\n\r\n") + NEXT, "folded"),
        ("trailer-no-colon", chunks(b"0\r\nX\r\n\r\n") + NEXT, "no colon"),
        ("trailer-space-colon", chunks(b"0\r\nX : y\r\n\r\n") + NEXT, "RFC 9112 §5.1"),
        ("trailer-lf", chunks(b"0\r\nX: y\n\r\n") + NEXT, "LF behind a trailer"),
        ("trailer-nul", chunks(b"0\r\nX: \x00\r\n\r\n") + NEXT, "NUL in a trailer"),
        ("trailers-20000", chunks(b"0\r\n" + b"X: y\r\n" * 3334 + b"\r\n") + NEXT,
         "16 KiB is l7guard's limit"),
        ("chunk-crlf-after", chunks(b"0\r\n\r\n\r\n") + NEXT, "an empty line behind the body"),
    ),
    "expect": (
        ("expect-no-body-yet", post(b"Expect: 100-continue\r\nContent-Length: 3\r\n"),
         "the body waits for 100; RFC 9110 §10.1.1"),
        ("expect-other", post(b"Expect: 200-maybe\r\nContent-Length: 3\r\n", b"abc"),
         "417, or ignored"),
        ("expect-http10", post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc",
                               b"HTTP/1.0"), "to be ignored in HTTP/1.0"),
        ("expect-other-then-more", post(b"Expect: 200-maybe\r\nContent-Length: %d\r\n" % len(NEXT),
                                        NEXT),
         "after 417, is the body a request?"),
        ("upgrade-websocket",
         with_headers(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "RFC 6455 §4.1"),
        ("upgrade-then-more",
         with_headers(b"Connection: Upgrade\r\nUpgrade: websocket\r\n") + NEXT,
         "WebSocket frames or a request? the answer tells"),
        ("upgrade-h2c-then-more",
         with_headers(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                      b"HTTP2-Settings: AAMAAABk\r\n") + NEXT,
         "HTTP/2 or a request? the answer tells"),
        ("upgrade-tls", with_headers(b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"), "RFC 2817"),
        ("upgrade-without-connection", with_headers(b"Upgrade: h2c\r\n"),
         "to be ignored; RFC 9110 §7.8"),
    ),
    "target": (
        ("path-raw-byte", get(b"/\x80"), "a byte above 0x7f"),
        ("query-raw-utf8", get(b"/a?b=\xc3\xa9"), "raw UTF-8 in the query, as old browsers send"),
        ("path-caret", get(b"/a^b"), "no URI byte"),
        ("path-braces", get(b"/{a}"), "no URI byte; curl sends it raw"),
        ("path-angles", get(b"/<a>"), "no URI byte"),
        ("path-backtick", get(b"/a\x60b"), "no URI byte"),
        ("path-pipe", get(b"/a|b"), "no URI byte; browsers send it raw"),
        ("path-brackets", get(b"/a[1]"), "no path byte; browsers send it raw"),
        ("path-apostrophe", get(b"/a'b"), "a sub-delim"),
        ("path-subdelims", get(b"/!$&()*+,;=:@-._~"), "all that RFC 3986 allows"),
        ("query-braces", get(b"/a?{\"b\":[1]}"), "JSON in a query"),
        ("query-backslash", get(b"/a?b\\c"), "no URI byte"),
        ("query-caret", get(b"/a?b^c\x60d<e>"), "no URI bytes"),
        ("query-bad-escape", get(b"/a?b=%zz"), "a percent sign for itself"),
        ("query-nul-escape", get(b"/a?b=%00"), "NUL in the query, escaped"),
        ("query-dots", get(b"/a?/../b"), "dot segments of the query are none"),
        ("query-empty", get(b"/a?"), "an empty query"),
        ("query-space", get(b"/a?b c"), "a blank in the query"),
        ("fragment-first", get(b"/#/../admin"), "RFC 9110 §4.2.5: fragments are not sent"),
        ("fragment-empty", get(b"/a#"), "an empty fragment"),
        ("path-escape-cut", get(b"/a%4"), "half an escape"),
        ("path-escape-percent", get(b"/a%"), "a percent sign alone"),
        ("query-only", get(b"?a=b"), "no path"),
        ("dot-path", get(b"./a"), "a relative path"),
    ),
    "path": (
        ("path-dot", get(b"/public/./x"), "RFC 3986 §5.2.4; [L7-18]"),
        ("path-dots-in-prefix", get(b"/admin/../public/x"),
         "/public/x, or something below /admin?"),
        ("path-dots-half-encoded", get(b"/admin/.%2e/public/x"), "the same, half escaped"),
        ("path-dots-encoded-slash", get(b"/public/..%2fadmin"), "a parent for who decodes slashes"),
        ("path-dots-encoded-all", get(b"/public/%2e%2e%2fadmin"), "the same, all escaped"),
        ("path-dots-backslash", get(b"/public/..%5cadmin"), "a parent for who takes `\\` for `/`"),
        ("path-dots-double-encoded-slash", get(b"/public/..%252fadmin"),
         "a parent for who decodes twice"),
        ("path-dots-encoded-semicolon", get(b"/public/..%3b/admin"), "an escaped `;`"),
        ("path-dot-semicolon", get(b"/public/.;/x"), "a dot segment with a parameter"),
        ("path-semicolon-dots", get(b"/public;/../admin"), "a parameter before the parent"),
        ("path-semicolon-slash-dots", get(b"/public/;/../admin"), "an empty segment, or not"),
        ("path-semicolon-first", get(b"/;x/admin"), "a parameter of nothing"),
        ("path-semicolon-encoded", get(b"/app%3bx/list"), "an escaped `;`"),
        ("path-dots-only", get(b"/.."), "above the root"),
        ("path-dots-encoded-root", get(b"/%2e%2e/x"), "above the root"),
        ("path-dot-end", get(b"/a/."), "a dot at the end"),
        ("path-four-dots", get(b"/....//x"), "filters that delete `../` once leave one"),
        ("path-triple-encoded", get(b"/a%25252fb"), "three layers, the most that is followed"),
        ("path-four-times-encoded", get(b"/a%2525252fb"), "more layers than anyone means"),
        ("path-double-encoded-harmless", get(b"/100%2525"), "a percent sign, escaped twice"),
        ("path-percent", get(b"/100%25"), "an escaped percent sign"),
        ("path-encoded-slash-first", get(b"/%2fadmin"), "an escaped slash at the start"),
        ("path-encoded-backslash-harmless", get(b"/a%5cb"), "Windows servers read `/`"),
        ("path-encoded-question-mark", get(b"/a%3fb"), "part of the path"),
        ("path-encoded-hash", get(b"/a%23b"), "part of the path"),
        ("path-encoded-space", get(b"/a%20b+c"), "`+` is not decoded in paths"),
        ("path-encoded-del", get(b"/a%7fb"), "DEL, escaped"),
        ("path-encoded-tab", get(b"/a%09b"), "HTAB, escaped"),
        ("path-double-encoded-nul", get(b"/a%2500b"), "NUL for who decodes twice"),
        ("path-double-encoded-overlong", get(b"/%25c0%25ae/x"), "overlong for who decodes twice"),
        ("path-overlong-4", get(b"/%f0%80%80%af"), "overlong UTF-8 of four bytes; RFC 3629 §10"),
        ("path-overlong-slash", get(b"/a%c0%afb"), "an overlong slash"),
        ("path-latin1", get(b"/caf%e9"), "not UTF-8, and no overlong"),
        ("path-fullwidth", get(b"/%ef%bc%8e%ef%bc%8e/admin"), "full-width dots are no dots"),
        ("path-triple-slash", get(b"///x"), "a host behind two slashes?"),
        ("path-double-slash-end", get(b"/a//"), "an empty last segment"),
        ("path-final-slash", get(b"/a/"), "not the same as without"),
        ("path-final-dot", get(b"/a."), "Windows drops it"),
    ),
}


class Case:
    """One thing to send."""

    def __init__(self, name, topic, sent, why):
        self.name, self.topic, self.sent, self.why = name, topic, sent, why


def reason_of(vector):
    """The corpus' words, with the section of the RFC where it names one."""
    sections = [one.strip() for one in vector["source"].split(";")]
    rfc = [one for one in sections if one.startswith("RFC ")]
    if not rfc:
        return vector["why"]
    section = re.sub(r"^(RFC \d+) (?=\d)", r"\1 §", rfc[0])
    return f"{vector['why']}; {section}"


def load():
    """All cases, by topic in the order of the page, those of the corpus first."""
    with open(VECTORS, encoding="utf-8") as source:
        vectors = json.load(source)["vectors"]
    cases = []
    for topic in TOPICS:
        for vector in vectors:
            if MOVED.get(vector["name"], CLASSES[vector["class"]]) == topic:
                sent = base64.b64decode(vector["bytes_b64"])
                cases.append(Case(vector["name"], topic, sent, reason_of(vector)))
        cases += [Case(name, topic, sent, why) for name, sent, why in OWN[topic]]
    names = [case.name for case in cases]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    return cases
