# SPDX-License-Identifier: Apache-2.0
"""The table of docs/http.md, made of what the servers were seen to do and what l7guard answers."""

import re
import textwrap

import reading
from cases import HOST, NEXT
from topics import TOPICS

BYTES_SHOWN = 100
# Under these headings a reading is shown even when it is what was written.
SHOW = {"host": ("host",), "path": ("path",), "target": ("path",),
        "absolute": ("host", "path"), "connect": ("host", "path")}
FIRST = re.compile(rb"^\s*(\S+)\s+(\S+)")
HOST_LINE = re.compile(rb"\r\nhost[ \t]*:[ \t]*([^\r\n]*)", re.I)


def code(text):
    """A code span inside a table cell."""
    text = text.replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def escape(raw):
    text = "".join(chr(c) if 0x20 <= c < 0x7f else f"\\x{c:02x}" for c in raw)
    return text.replace("\\x0d\\x0a", "⏎").replace("\\x09", "\\t").replace("\\x0a", "\\n") \
               .replace("\\x0d", "\\r").replace("\\x00", "\\0")


def shorten(text):
    """Runs of the same few characters once, and how often."""
    text = re.sub(r"(.{1,8}?)\1{11,}",
                  lambda m: f"{m.group(1)}…×{len(m.group(0)) // len(m.group(1))}", text)
    return text if len(text) <= BYTES_SHOWN else text[:BYTES_SHOWN] + "…"


def bytes_cell(case):
    """The bytes without what goes without saying."""
    sent = case.sent
    if case.topic not in ("lines", "version", "between"):
        sent = sent.replace(HOST, b"", 1) if sent.count(b"ost:") == sent.count(HOST) else sent
    if case.topic not in ("lines", "version", "between", "line"):
        sent = re.sub(rb"^(\S+ \S+) HTTP/1\.1\r\n", rb"\1\r\n", sent)
        if sent.endswith(b"\r\n\r\n") and sent.count(b"\r\n\r\n") == 1:
            sent = sent[:-4]
    text = escape(sent.replace(NEXT, b"\0NEXT\0")).replace("\\0NEXT\\0", "[next]")
    return code(shorten(text))


def l7guard_cell(case, answer):
    if not answer.allowed:
        if answer.reason == "incomplete":
            return "waits"
        before = answer.requests if answer.reached else 0
        words = f"{before} allowed, then " if before else ""
        return f"{words}refused: `{answer.reason}`"
    words = ["allowed" if answer.requests == 1 else f"allowed, {answer.requests} requests"]
    if answer.reached < answer.sent:
        words.append("the rest waits")
    path = reading.requests(case.sent, 1)[0][2]
    careful, obliging = reading.forms(path)
    if careful != obliging:
        words.append(f"path {code(escape(careful))} and {code(escape(obliging))}")
    elif careful != path and case.topic in ("path", "absolute", "target"):
        words.append(f"path {code(escape(careful))}")
    words += [f"`{field}` unmatchable" for field in answer.unmatchable]
    return "; ".join(words)


def written(case):
    """Method, host and path as they stand in the bytes."""
    first, host = FIRST.match(case.sent), HOST_LINE.search(case.sent)
    method, target = first.groups() if first else (b"", b"")
    return method, host.group(1) if host else b"", target.split(b"?")[0]


def reply_cell(case, entry, plain):
    status, _, text = entry.partition(" ")
    if status == "not":
        return entry  # not seen: the server was not there
    if text.count("|") < 2 or reading.cut_long(text.encode()):
        return status
    parts = escape(reading.bytes_of(text)).split("|", 2)
    read = dict(zip(("method", "host", "path"), parts))
    shown = [name for name in read
             if name in SHOW.get(case.topic, ()) or
             (plain is not None and read[name] != escape(plain[name]))]
    if not shown:
        return status
    return f"{status} " + code(" ".join(read[name] or "(none)" for name in shown))


def server_cell(case, entries):
    """Replies in order; how the connection was left only where that is not what it usually is."""
    left, replies = entries[-1], entries[:-1]
    if not replies:
        return "waits" if left == "open" else "closed"
    method, host, path = written(case)
    plain = {"method": method, "host": host, "path": path}
    cells = []
    for i, entry in enumerate(replies):
        # What a second request says is seen by its path.
        cells.append(reply_cell(case, entry, plain if i == 0 else None))
        if i > 0 and entry.count("|") >= 2 and cells[-1] == entry.split(" ")[0]:
            cells[-1] += " " + code(entry.split("|", 2)[-1])
    last = replies[-1].split(" ")[0]
    usual = "open" if last in ("100", "200") else "closed"
    return ", ".join(cells + ([left] if left != usual else []))


def why_cell(case):
    return re.sub(r"(?<!`)\|", "\\|", case.why)


def render(cases, answers, results):
    """The text between the markers."""
    servers = results["servers"]
    heads = [f"{title}" for title in ("nginx", "Apache", "Node", "Java")]
    lines = ["Seen with " + ", ".join(servers.values()) + ".", ""]
    for topic, (title, text) in TOPICS.items():
        lines += [f"### {title}", "", textwrap.fill(text, 100, break_on_hyphens=False), "",
                  "| bytes | l7guard | " + " | ".join(heads) + " | why it is odd |",
                  "| --- | --- | --- | --- | --- | --- | --- |"]
        for case in cases:
            if case.topic != topic:
                continue
            seen = results["cases"][case.name]
            cells = [bytes_cell(case), l7guard_cell(case, answers[case.name])]
            cells += [server_cell(case, seen[name]) for name in servers]
            lines.append("| " + " | ".join(cells + [why_cell(case)]) + " |")
        lines.append("")
    return "\n".join(lines)
