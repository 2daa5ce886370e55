# SPDX-License-Identifier: Apache-2.0
"""Headings of the table in docs/http.md, in the order of the page, and what the decisions below
each have in common. The cases themselves are in cases.py."""

TOPICS = {
    "between": (
        "Before, between and after requests",
        "One empty line before a request is ignored, as RFC 9112 §2.2 asks; more are"
        " refused. Behind a request with `Connection: close` there is no other (§9.6): what"
        " comes is held back and never delivered, because some servers read on."),
    "lines": (
        "Line ends",
        "CRLF and nothing else. RFC 9112 §2.2 lets a reader take a bare LF for a line end"
        " and makes a bare CR an error or a blank: a header that one reader sees and another"
        " does not is how requests are smuggled."),
    "line": (
        "Request line",
        "Three words and two single blanks (RFC 9112 §3). Readers that split at any white"
        " space see another target."),
    "version": (
        "Versions and other protocols",
        "`HTTP/1.0` and `HTTP/1.1` only [L7-23]. HTTP/0.9 has no headers, so the next line"
        " would be a request or not; a version nobody speaks is framed by guesswork."
        " `unclaimed`: no inspector takes these bytes for its protocol."),
    "headers": (
        "Header lines",
        "RFC 9112 §5: a name, a colon, a value on one line. White space before the colon"
        " and folded lines hide headers from some readers; NUL and other control bytes end"
        " values early for others (RFC 9110 §5.5)."),
    "limits": (
        "Limits",
        "Beyond some size every reader stops somewhere else. l7guard's own limits [L7-29]"
        " are 64 KiB of head (`max-head`), 1024 headers, 32 bytes of method, 255 of host."),
    "absolute": (
        "Absolute form and userinfo",
        "RFC 9112 §3.2.2 says that the target wins over Host; servers that look at Host"
        " only are common. Target and Host have to agree [L7-15], port included (80 where"
        " none is written)."),
    "connect": (
        "CONNECT, OPTIONS and the asterisk",
        "CONNECT takes `host:port` and nothing else, with a port (RFC 9110 §9.3.6). Bytes"
        " behind it wait for the server's answer [L7-32]: they are a tunnel or a request."
        " Its path is empty, that of `*` is `*`."),
    "host": (
        "Host",
        "Exactly one, of bytes that names and addresses have [L7-14], [L7-15]. Letter case,"
        " a port, brackets and final dots do not count. A host with anything else in it is"
        " cut at different places by different readers. Without a Host, HTTP/1.0 only,"
        " `host` cannot match [L7-16]."),
    "length": (
        "Content-Length and Transfer-Encoding",
        "RFC 9112 §6: where two readers see a body end in two places, the rest of it is a"
        " request to one of them. So one length of digits, or `chunked` as the last coding,"
        " never both, nothing doubtful in either."),
    "chunked": (
        "Chunks and trailers",
        "RFC 9112 §7.1 to the letter: hex digits, clean extensions, CRLF; and no chunk of 2^31"
        " bytes or more. Trailers pass unless they would frame or route the message (RFC 9110"
        " §6.5.1)."),
    "expect": (
        "Expect, Upgrade, h2c",
        "`Expect` changes nothing for l7guard: the body is skipped whenever it comes."
        " Behind an `Upgrade` the client's bytes wait for the answer: 101 releases the flow,"
        " or ends it when it is to HTTP/2 (`h2c-not-supported`)."),
    "target": (
        "Odd bytes in targets",
        "RFC 3986 bytes, and those that browsers send raw and servers leave alone. What"
        " some servers cut off, decode or refuse does not pass."),
    "path": (
        "Paths",
        "[L7-18] compares a pattern with two readings of the path: a careful one (decoded once,"
        " dot segments gone) and the most obliging one (decoded to the end, `\\` is `/`, `;...`"
        " and empty segments gone); both have to match. Where the two differ, the row shows"
        " them; what servers made of it lies between. A parent segment is refused, whoever"
        " would see it: some remove it, others go by what stands before it."),
}
