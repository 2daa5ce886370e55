# SPDX-License-Identifier: Apache-2.0
"""How sent bytes may be read: the requests in input that nobody doubts, the two forms of a path of
[L7-18], and whether what a server understood is covered by them.

A reading is covered when a rule that fits both forms cannot be surprised by it: it is one of the
forms, or does some of the steps between them (decodes slashes, merges them, takes a backslash for
one, drops parameters), and has no parent segment left. Written from the rule, not from the
inspector, so that each checks the other.
"""

import itertools
import re

KEPT = b"/\\%?#\x7f" + bytes(range(0x20))
ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
ROUNDS = 3


def decode(text, kept=b""):
    def one(match):
        octet = bytes([int(match.group(1), 16)])
        return match.group(0).upper() if octet in kept else octet
    return ESCAPE.sub(one, text)


def remove_dots(path):
    """RFC 3986 §5.2.4; an empty segment is a segment."""
    if not path.startswith(b"/"):
        return path
    out, parts = [], path.split(b"/")[1:]
    for i, part in enumerate(parts):
        if part == b"..":
            out = out[:-1]
        elif part != b".":
            out.append(part)
            continue
        if i == len(parts) - 1:
            out.append(b"")
    return b"/" + b"/".join(out)


def merge(path):
    return re.sub(rb"/+", b"/", path)


def cut_parameters(path):
    return b"/".join(part.split(b";")[0] for part in path.split(b"/"))


def forms(raw):
    """The careful reading and the most obliging one."""
    careful = remove_dots(decode(raw, KEPT))
    obliging = raw
    for _ in range(ROUNDS):
        obliging = decode(obliging)
    obliging = merge(cut_parameters(obliging.replace(b"\\", b"/")))
    return careful, remove_dots(obliging)


def between(raw):
    """Every reading that takes some of the steps and leaves no parent segment."""
    found = set(forms(raw))
    steps = [lambda p: p.replace(b"\\", b"/"), cut_parameters, merge, remove_dots]
    for start in (decode(raw, KEPT), decode(raw)):
        for taken in itertools.product((False, True), repeat=len(steps)):
            path = start
            for step, do in zip(steps, taken):
                path = step(path) if do else path
            if b".." not in re.split(rb"[/\\]", path):
                found.add(path)
    return found


def path_of(target):
    """A URL's path; what is none stays as it is."""
    path = re.sub(rb"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", b"", target)
    return b"/" + path if path != target and not path.startswith(b"/") else path


def name_of(host):
    """A host without port, brackets and final dots, in lower case."""
    host = host.lower()
    if host.startswith(b"["):
        return host[1:].split(b"]")[0]
    return host.split(b":")[0].rstrip(b".")


def body_end(data, fields):
    """Where a body that nobody doubts ends."""
    if b"transfer-encoding" not in fields:
        return int(fields.get(b"content-length", b"0"))
    at, size, line = 0, 1, b"x"
    while size or line:
        line = data[at:].partition(b"\r\n")[0]
        at += len(line) + 2
        if size:
            size = int(line.split(b";")[0], 16)
            at += size + 2 if size else 0
    return at


def requests(sent, count):
    """The first `count` requests of bytes in which they are clean, as (method, host, raw path)."""
    found, data = [], sent
    while len(found) < count:
        if data.startswith(b"\r\n"):
            data = data[2:]
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        method, target, _ = lines[0].split(b" ")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip(b" \t")
        authority = re.match(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)", target)
        host = authority.group(1) if authority else fields.get(b"host", b"")
        path = path_of(target.split(b"?")[0])
        if method == b"CONNECT":
            host, path = target, b""
        found.append((method, name_of(host), path))
        if len(found) < count:
            data = rest[body_end(rest, fields):]
    return found


def bytes_of(text):
    """A recorded reading, as the bytes that it was."""
    return re.sub(r"\\(\\|x[0-9a-f]{2})",
                  lambda m: "\\" if m.group(1) == "\\" else chr(int(m.group(1)[1:], 16)),
                  text).encode("latin-1")


def understood(entries):
    """What a server took for requests, as (method, host, path); None for a reply that does not
    tell, nothing for interim ones."""
    found = []
    for entry in entries[:-1]:
        status, _, text = entry.partition(" ")
        told = status in ("200", "0.9") and text.count("|") >= 2
        if not status.startswith("1"):
            found.append(tuple(bytes_of(text).split(b"|", 2)) if told else None)
    return found


def cut_long(text):
    return b"...(" in text


def covered(request, read):
    """None, or in which field a server's reading is none that a rule was asked about."""
    if any(cut_long(part) for part in read):
        return None  # the record shows its beginning only
    method, host, path = request
    if read[0] != method:
        return "method"
    if name_of(read[1]) != host:
        return "host"
    if method == b"CONNECT":
        return None  # has no path
    seen = path_of(read[2])
    # Java writes what is not UTF-8 as U+FFFD; those that show escapes leave decoding to others.
    loose = {p.decode("utf-8", "replace").encode() for p in between(path)} | between(path)
    if seen in loose or (seen == path and decode(seen, KEPT) in loose):
        return None
    return "path"


def holes(sent, allowed, whole, entries):
    """How a server's readings go beyond the requests that were let through, `whole`: with all that
    stands behind them."""
    reads = understood(entries)
    mine = requests(sent, allowed)
    found = ["number of requests"] if whole and any(reads[allowed:]) else []
    for request, read in zip(mine, reads):
        field = covered(request, read) if read else None
        if field is not None:
            found.append(field)
    return found


def alike(outcomes):
    """All servers took the same requests for good: what they read, or None."""
    reads = []
    for entries in outcomes:
        told = understood(entries)
        if not told or None in told:
            return None
        reads.append([(m, name_of(h), decode(path_of(p))) for m, h, p in told])
    return reads[0] if all(one == reads[0] for one in reads) else None
