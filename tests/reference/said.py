# SPDX-License-Identifier: Apache-2.0
"""What l7Protocols say about one request: [L7-1] to [L7-22] by the letter.

Part of the reference evaluator. Requests are described in words ({"method", "target", "host"},
{"sni"}), never as raw bytes: a request whose path nobody can agree on matches no item with `path`
[L7-18] here, while on the wire it is refused whatever the items say.
"""

import re

MALFORMED = object()
HEX = re.compile(rb"%([0-9A-Fa-f]{2})")
KEPT = set(b"/\\%?#") | set(range(0x20)) | {0x7F}
BAD_IN_HOST = re.compile(rb"[@/#?\\\s,\x00-\x1f\x7f]")


def glob_fits(pattern, text):
    """[L7-10]: `*` is any run; the whole has to match. A pattern is a list of literals between
    stars."""
    rest = text
    if len(pattern) == 1:
        return text == pattern[0]
    if not rest.startswith(pattern[0]):
        return False
    rest = rest[len(pattern[0]):]
    for literal in pattern[1:-1]:
        at = rest.find(literal)
        if at < 0:
            return False
        rest = rest[at + len(literal):]
    return rest.endswith(pattern[-1])


def split_stars(text):
    return text.split(b"*")


# ---- paths [L7-18] ----

def decode_once(text):
    """Step 3: octets that would change the structure stay escaped, in upper case."""
    def one(match):
        octet = int(match[1], 16)
        return b"%" + match[1].upper() if octet in KEPT else bytes([octet])
    return HEX.sub(one, text)


def decode_all(text):
    """Step 4: at most three rounds. None: still changing."""
    for _ in range(3):
        text = HEX.sub(lambda match: bytes([int(match[1], 16)]), text)
    return text if not HEX.search(text) else None


def remove_dots(path):
    """RFC 3986 5.2.4, literally."""
    out = b""
    while path:
        if path.startswith(b"../"):
            path = path[3:]
        elif path.startswith(b"./"):
            path = path[2:]
        elif path.startswith(b"/./"):
            path = path[2:]
        elif path == b"/.":
            path = b"/"
        elif path.startswith(b"/../"):
            path, out = path[3:], out[:max(out.rfind(b"/"), 0)]
        elif path == b"/..":
            path, out = b"/", out[:max(out.rfind(b"/"), 0)]
        elif path in (b".", b".."):
            path = b""
        else:
            end = path.find(b"/", 1)
            end = len(path) if end < 0 else end
            path, out = path[end:], out + path[:end]
    return out


def path_forms(raw):
    """(A, B), or None if no item with `path` may match."""
    if b"#" in raw or re.search(rb"%(?![0-9A-Fa-f]{2})", raw):
        return None
    decoded = decode_all(raw)
    if decoded is None:
        return None
    segments = decoded.replace(b"\\", b"/").split(b"/")
    merged = re.sub(rb"/+", b"/", b"/".join(part.split(b";")[0] for part in segments))
    return remove_dots(decode_once(raw)), remove_dots(merged)


def path_fits(pattern, forms, query):
    if forms is None:
        return False
    left, mark, right = pattern.encode().partition(b"?")
    # An escaped star is a star of the path, not a wildcard.
    literals = [decode_once(part) for part in split_stars(left)]
    if not all(glob_fits(literals, form) for form in forms):
        return False
    return not mark or (query is not None and glob_fits(split_stars(right), query))


# ---- hosts [L7-14] ----

def host_name(text):
    """Without port, brackets and final dots, in lower case; MALFORMED, or None if there is none."""
    if not text:
        return None
    if BAD_IN_HOST.search(text):
        return MALFORMED
    if text.startswith(b"["):
        name = text[1:text.index(b"]")]
    else:
        name = text.partition(b":")[0]
    return name.rstrip(b".").lower()


class Http:
    def __init__(self, words):
        self.method = words["method"]
        target = words["target"].encode()
        authority, raw = None, target
        if self.method == "CONNECT":
            authority, raw = target, b""
        elif not target.startswith(b"/") and target != b"*":
            match = re.match(rb"[a-z]+://([^/?#]*)(.*)", target, re.S | re.I)
            authority, raw = match[1], match[2]
            raw = raw if raw[:1] == b"/" else b"/" + raw
        path, mark, query = raw.partition(b"?")
        self.query = query if mark else None
        self.forms = path_forms(path)
        named = host_name(authority)
        said = host_name((words.get("host") or "").encode())
        self.malformed = MALFORMED in (named, said)
        self.host = named if named is not None else said
        if named is not None and said is not None and named != said:
            self.host = None  # [L7-15]

    def fits(self, item):
        fields = item["http"] or {}
        if fields.get("method") and fields["method"] != self.method:
            return False
        if fields.get("host"):
            # A pattern with a final dot names the same hosts as one without, as in [L7-20].
            wanted = split_stars(fields["host"].encode().lower().rstrip(b"."))
            if self.host is None or not glob_fits(wanted, self.host):
                return False
        return not fields.get("path") or path_fits(fields["path"], self.forms, self.query)


class Tls:
    malformed = False

    def __init__(self, words):
        sni = words["sni"]
        self.sni = None if sni is None else sni.encode().lower().rstrip(b".")

    def fits(self, item):
        wanted = (item["tls"] or {}).get("sni")
        if not wanted:
            return True
        literals = split_stars(wanted.encode().lower().rstrip(b"."))
        return self.sni is not None and glob_fits(literals, self.sni)  # [L7-12] [L7-20]


def allowed(items, question):
    """Do the items of one capturing rule let through what is said? [L7-2]"""
    for keyword, kind in (("http", Http), ("tls", Tls)):
        if question.get(keyword) is not None:
            said = kind(question[keyword])
            return not said.malformed and any(keyword in item and said.fits(item)
                                              for item in items)
    return False  # other [L7-24]
