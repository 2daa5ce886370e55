# SPDX-License-Identifier: Apache-2.0
"""A client that makes its own packets, byte by byte.

It has an address and a MAC that no kernel owns, so that no kernel answers in its name: resets,
retransmissions and acknowledgements are those that a test sends. ARP and neighbour solicitations
it answers itself. Offsets (`at`) count from the first byte of payload, whatever the sequence
number is.
"""

import ipaddress
import itertools
import os
import re
import socket
import struct
import threading
import time
from typing import NamedTuple

from .tap import ACK, RST, SYN
from .wire import address

URG = 32
TCP, FRAGMENT = 6, 44
_EXTENSIONS = (0, 43, FRAGMENT, 60)
_ETH_ALL, _IP4, _IP6, _ARP = 3, 0x0800, 0x86DD, 0x0806

# TCP options
FAST_OPEN_REQUEST = b"\x22\2\1\1"
FAST_OPEN_COOKIE = b"\x22\x0acookie!!\1\1"
MD5 = b"\x13\x12" + bytes(16) + b"\1\1"


def stamp(value, echo):
    """The option of RFC 7323."""
    return b"\1\1\x08\x0a" + struct.pack("!II", value, echo)


# IPv6 extension headers: (type, everything behind "next header")
HOP_BY_HOP = (0, b"\0\1\4\0\0\0\0")
DESTINATION = (60, b"\0\1\4\0\0\0\0")
UNKNOWN_OPTION = (60, b"\0\x9e\4\0\0\0\0")  # 10xxxxxx: who does not know it discards the packet
ROUTING_0 = (43, b"\2\0\1\0\0\0\0" + bytes(16))
ATOMIC = (FRAGMENT, b"\0\0\0\0\0\0\x2a")

# IPv4 options
ROUTER_ALERT = b"\x94\4\0\0"
SOURCE_ROUTE = b"\x83\7\x08\x0a\x0a\1\7\0"  # loose, and already at its end


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _pseudo(ends, proto, length):
    """`ends`: source and destination."""
    return ends + struct.pack("!BBH" if len(ends) == 8 else "!HHL", 0, proto, length)


def _tcp(ends, sport, dport, seq, ack, flags, data=b"", options=b"", window=65535, urgent=0,
         bad_checksum=False):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32,
                       (5 + len(options) // 4) << 4, flags, window, 0, urgent) + options
    total = checksum(_pseudo(ends, TCP, len(head + data)) + head + data)
    total ^= 0x5555 if bad_checksum else 0
    return head[:16] + struct.pack("!H", total) + head[18:] + data


def _ip4(ends, part, start, more, number, ttl, bad_checksum, options):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(part), number & 0xFFFF,
                       (0x2000 if more else 0) | start // 8, ttl, TCP, 0) + ends + options
    total = checksum(head) ^ (0x5555 if bad_checksum else 0)
    return head[:10] + struct.pack("!H", total) + head[12:] + part


def _ip6(ends, part, start, more, number, ttl, headers, fragment):
    chain = list(headers)
    if fragment:
        chain.append((FRAGMENT, struct.pack("!BHI", 0, start | int(more), number)))
    first, rest = TCP, b""
    for kind, body in reversed(chain):
        rest = bytes([first]) + body + rest
        first = kind
    return struct.pack("!IHBB", 0x60000000, len(rest + part), first, ttl) + ends + rest + part


class Segment(NamedTuple):
    src: bytes
    sport: int
    dst: bytes
    dport: int
    seq: int
    ack: int
    flags: int
    options: bytes
    payload: bytes


def _datagram(frame):
    """(source, destination, what is behind the headers, protocol), or None. A fragment's protocol
    is FRAGMENT."""
    kind, at = struct.unpack_from("!H", frame, 12)[0], 14
    if kind == _IP4:
        total, _, place = struct.unpack_from("!HHH", frame, at + 2)
        proto = FRAGMENT if place & 0x3FFF else frame[at + 9]
        head = (frame[at] & 15) * 4
        return frame[at + 12:at + 16], frame[at + 16:at + 20], frame[at + head:at + total], proto
    if kind == _IP6:
        end = at + 40 + struct.unpack_from("!H", frame, at + 4)[0]
        proto, src, dst = frame[at + 6], frame[at + 8:at + 24], frame[at + 24:at + 40]
        at += 40
        while proto in _EXTENSIONS:
            if proto == FRAGMENT and struct.unpack_from("!H", frame, at + 2)[0] & 0xFFF9:
                break
            proto, at = frame[at], at + (8 if proto == FRAGMENT else (frame[at + 1] + 1) * 8)
        return src, dst, frame[at:end], proto
    return None


def _segment(src, dst, tcp):
    sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", tcp)
    head = (offset >> 4) * 4
    return Segment(src, sport, dst, dport, seq, ack, flags, tcp[20:head], tcp[head:])


def in_order(segments, origin):
    """Their bytes from sequence number `origin` on, as far as there is no hole; of what was sent
    twice the first."""
    got = b""
    for one in sorted((s for s in segments if s.payload), key=lambda s: (s.seq - origin) % 2**32):
        at = (one.seq - origin) % 2**32
        if at <= len(got) < at + len(one.payload):
            got += one.payload[len(got) - at:]
    return got


class Ear:
    """Hears every frame at an interface. Segments are kept by the port that is not the server's."""

    def __init__(self, space, where, iface="eth0"):
        self.changed = threading.Condition()
        self._segments = {}
        self._closed = False
        self.fragments = 0  # of anything, on their way to the interface
        self.socket = space.socket(where, socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((iface, _ETH_ALL))
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()
        space.on_close(self.close)

    def close(self):
        if not self._closed:
            self._closed = True
            self.socket.close()

    def _listen(self):
        while True:
            try:
                frame, about = self.socket.recvfrom(1 << 17)
            except OSError:
                return
            try:
                self.hear(frame, about[2] == socket.PACKET_OUTGOING)
            except (IndexError, struct.error):
                pass  # not for us: nobody makes broken frames for our address

    def hear(self, frame, outgoing):
        found = _datagram(frame)
        if found is None:
            return
        src, dst, rest, proto = found
        if proto == FRAGMENT and not outgoing:
            self.fragments += 1
        if proto == TCP:
            one = _segment(src, dst, rest)
            with self.changed:
                self._segments.setdefault(max(one.sport, one.dport), []).append(one)
                self.changed.notify_all()

    def segments(self, port):
        with self.changed:
            return list(self._segments.get(port, ()))

    def wait(self, what, seconds, test):
        """The first true answer of test(), asked whenever something was heard."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                answer = test()
                if answer:
                    return answer
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"waited {seconds} s in vain: {what}")
                self.changed.wait(left)


class Host(Ear):
    """The machine of the attacker, at `where`'s interface. `gateway`: MAC of all it talks to."""

    def __init__(self, space, where, spot, gateway):
        self.mac = b"\2\x66" + os.urandom(4)
        self.gateway = bytes.fromhex(gateway.replace(":", ""))
        self.address = {f: ipaddress.ip_address(address(spot, f)).packed for f in (4, 6)}
        self.ports = itertools.count(33000)
        self._ids = itertools.count(1)
        super().__init__(space, where)

    def hear(self, frame, outgoing):
        if outgoing or len(frame) < 14:
            return
        kind = struct.unpack_from("!H", frame, 12)[0]
        if kind == _ARP and frame[20:22] == b"\0\1" and frame[38:42] == self.address[4]:
            self.socket.send(frame[6:12] + self.mac + frame[12:20] + b"\0\2" + self.mac
                             + self.address[4] + frame[22:32])
        elif kind == _IP6 and frame[20] == 58 and frame[54] == 135 \
                and frame[62:78] == self.address[6]:
            self._advertise(frame)
        elif frame[:6] == self.mac:
            super().hear(frame, outgoing)

    def _advertise(self, frame):
        body = self.address[6] + b"\2\1" + self.mac
        head = struct.pack("!BBHI", 136, 0, 0, 0x60000000)
        ends = self.address[6] + frame[22:38]
        total = checksum(_pseudo(ends, 58, len(head + body)) + head + body)
        message = head[:2] + struct.pack("!H", total) + head[4:] + body
        self.socket.send(frame[6:12] + self.mac + struct.pack("!HIHBB", _IP6, 0x60000000,
                                                              len(message), 58, 255)
                         + ends + message)

    def datagrams(self, dst, payload, src=None, tags=(), pieces=None, number=None, ttl=64,
                  bad_ip_checksum=False, ip_options=b"", headers=()):
        """Send `payload`, a segment, whole or as fragments: `pieces` are (start, end) and end where
        the segment does if they say None, or (start, end, a segment to take these bytes from)."""
        number = next(self._ids) if number is None else number
        family = 4 if len(dst) == 4 else 6
        ends = (src or self.address[family]) + dst
        link = self.gateway + self.mac + b"".join(struct.pack("!HH", 0x8100, t) for t in tags)
        for start, end, *other in pieces or [(0, None)]:
            part = (other[0] if other else payload)[start:end]
            more = end is not None
            if family == 4:
                packet = _ip4(ends, part, start, more, number, ttl, bad_ip_checksum, ip_options)
            else:
                packet = _ip6(ends, part, start, more, number, ttl, headers, bool(pieces))
            self.socket.send(link + struct.pack("!H", _IP4 if family == 4 else _IP6) + packet)


class Connection:
    """A TCP connection of the attacker's, or what looks like one."""

    def __init__(self, host, server, dport=80, sport=None, isn=None, clock=None):
        self.host = host
        self.server = ipaddress.ip_address(server).packed
        self.family = 4 if len(self.server) == 4 else 6
        self.dport, self.sport = dport, sport or next(host.ports)
        self.isn = int.from_bytes(os.urandom(4), "big") if isn is None else isn
        self.clock = clock  # of time stamps, on every segment; None: without
        self.before = len(host.segments(self.sport))  # what an earlier connection heard

    # What was heard

    @property
    def heard(self):
        return self.host.segments(self.sport)[self.before:]

    @property
    def answer(self):
        """The server's SYN-ACK to this SYN."""
        for one in self.heard:
            if one.flags & (SYN | ACK) == SYN | ACK:
                return one
        return None

    @property
    def data(self):
        """The server's bytes in order, as far as there is no hole."""
        return in_order(self.heard, (self.answer.seq + 1) % 2**32) if self.answer else b""

    @property
    def acked(self):
        """Bytes that the server has acknowledged."""
        return max([0] + [at for s in self.heard if s.flags & ACK and not s.flags & RST
                          for at in [(s.ack - self.isn - 1) % 2**32] if at < 2**30])

    @property
    def was_reset(self):
        return any(s.flags & RST for s in self.heard)

    def statuses(self):
        """Of the responses that are complete."""
        found, data = [], self.data
        while b"\r\n\r\n" in data:
            head, _, rest = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            length = int(length.group(1)) if length else 0
            if len(rest) < length:
                break
            found.append(int(head.split()[1]))
            data = rest[length:]
        return found

    def wait(self, what, test, seconds=3):
        return self.host.wait(f"{what} (port {self.sport})", seconds, test)

    def answered(self, count=1):
        """Wait until that many responses are here."""
        self.wait(f"{count} responses", lambda: len(self.statuses()) >= count)
        return self.statuses()

    # What is sent

    def tcp(self, data=b"", at=0, flags=ACK, ack=None, clock=None, options=b"", **how):
        """The bytes of a segment. `how`: window, urgent, bad_checksum."""
        answer, clock = self.answer, self.clock if clock is None else clock
        if ack is None:
            ack = answer.seq + 1 + len(self.data) if answer else 0
        if clock is not None:
            found = answer.options.find(b"\x08\x0a") if answer else -1
            echo = answer.options[found + 2:found + 6] if found >= 0 else bytes(4)
            options += stamp(clock, int.from_bytes(echo, "big"))
        return _tcp(self.host.address[self.family] + self.server, self.sport, self.dport,
                    self.isn + 1 + at, ack, flags, data, options, **how)

    def send(self, data=b"", at=0, flags=ACK, **how):
        """One segment. `how`: as tcp() and Host.datagrams()."""
        in_tcp = {key: how.pop(key) for key in
                  ("ack", "clock", "options", "window", "urgent", "bad_checksum") if key in how}
        self.host.datagrams(self.server, self.tcp(data, at, flags, **in_tcp), **how)

    def forge(self, data=b"", flags=ACK, seq=None, at=0):
        """A segment in the server's name, acknowledging what is before `at`."""
        mine = self.host.address[self.family]
        seq = self.answer.seq + 1 + len(self.data) if seq is None else seq
        self.host.datagrams(mine, _tcp(self.server + mine, self.dport, self.sport, seq,
                                       self.isn + 1 + at, flags, data), src=self.server)

    def open(self, data=b"", options=b"", **how):
        """The handshake; `data` and `options` go with the SYN, `how` with the last segment."""
        self.send(data, -1, SYN, options=options)
        self.wait("SYN-ACK", lambda: self.answer)
        self.send(**how)
        return self

    def abort(self):
        """Have the server forget it."""
        self.send(flags=RST, at=self.acked)
