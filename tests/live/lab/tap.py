# SPDX-License-Identifier: Apache-2.0
"""What tcpdump saw on an interface of a namespace, as a list of TCP segments."""

import ipaddress
import os
import struct
import subprocess
import time
from typing import NamedTuple

from .space import wait_for

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Segment(NamedTuple):
    time: float  # seconds
    src: str
    sport: int
    dst: str
    dport: int
    seq: int
    ack: int
    flags: int
    payload: bytes  # as much as was captured
    length: int  # of the payload on the wire


class Tap:
    """with Tap(lab, "web") as tap: ...; then tap.segments()"""

    def __init__(self, space, where, iface="eth0", path=None, snap=0):
        self.space, self.where = space, where
        self.path = path or space.path(f"tap-{where}-{time.monotonic_ns()}.pcap")
        # Immediate mode hands each frame over as it comes; -U writes it at once.
        self.process = space.start(
            where, "tcpdump", "-i", iface, "-w", self.path, "-U", "--immediate-mode", "-Z", "root",
            "--time-stamp-precision=nano", "-s", str(snap), "-n", "-B", "16384",
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:  # "listening on ..." comes when the socket is there
            if "listening on" in line:
                break
        else:
            raise AssertionError("tcpdump ended at once")

    def stop(self):
        if self.process.poll() is None:
            self._settle()
            self.space.end(self.process)
            self.process.stderr.close()

    def _settle(self):
        """Until the file has stopped growing: frames on their way are in it."""
        seen = [-1, 0]

        def still():
            size = os.path.getsize(self.path)
            seen[1] = seen[1] + 1 if size == seen[0] else 0
            seen[0] = size
            return seen[1] >= 5
        wait_for("tcpdump to be done", 5, still)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def segments(self, port=None):
        """All TCP segments, or those of one client port."""
        self.stop()
        return [s for s in read(self.path) if port is None or port in (s.sport, s.dport)]


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    magic = struct.unpack_from("<I", data)[0]
    unit = {0xA1B23C4D: 1e-9, 0xA1B2C3D4: 1e-6}[magic]
    at, found = 24, []
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + kept]
        at += 16 + kept
        segment = _segment(seconds + fraction * unit, frame)
        if segment:
            found.append(segment)
    return found


def _segment(when, frame):
    kind, at = struct.unpack_from("!H", frame, 12)[0], 14
    if kind == 0x0800 and frame[at + 9] == 6:
        total = struct.unpack_from("!H", frame, at + 2)[0]
        src, dst = frame[at + 12:at + 16], frame[at + 16:at + 20]
        head = (frame[at] & 15) * 4
        length, at = total - head, at + head
    elif kind == 0x86DD and frame[at + 6] == 6:
        length = struct.unpack_from("!H", frame, at + 4)[0]
        src, dst = frame[at + 8:at + 24], frame[at + 24:at + 40]
        at += 40
    else:
        return None
    sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", frame, at)
    head = (offset >> 4) * 4
    return Segment(when, str(ipaddress.ip_address(src)), sport, str(ipaddress.ip_address(dst)),
                   dport, seq, ack, flags, frame[at + head:at + length], length - head)


def data_to(segments, port):
    """Payload bytes the client at `port` got through to this place."""
    return sum(s.length for s in segments if s.sport == port)


def resets(segments):
    return [s for s in segments if s.flags & RST]
