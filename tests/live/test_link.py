#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The link layer: VLAN tags are kept, do not hide a request, and are on the resets; what is not IP
passes as it came. Both ends are played here, frame by frame, for not every kernel has VLAN
interfaces."""

import os
import socket
import struct
import sys
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab.guard import Guard  # noqa: E402
from lab.tap import ACK, PSH, RST, SYN  # noqa: E402
from lab.wire import Wire  # noqa: E402

MACS = {"client": b"\x02\0\0\0\0\1", "web": b"\x02\0\0\0\0\2"}
POLICY = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: tagged, labels: {app: web}}
status: {podIPs: [{ip: 10.20.0.7}, {ip: "fd20::7"}]}
---
apiVersion: crd.antrea.io/v1beta1
kind: NetworkPolicy
metadata: {name: tagged, namespace: tagged}
spec:
  priority: 1
  appliedTo: [{podSelector: {}}]
  ingress:
    - {name: ok, action: Allow, l7Protocols: [{http: {path: "/ok"}}]}
"""


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Link(unittest.TestCase):
    def setUp(self):
        self.lab = Wire()
        self.addCleanup(self.lab.close)
        self.guard = Guard(self.lab)
        self.lab.write("guard/policies/all.yaml", POLICY)
        self.guard.start()
        self.addCleanup(self.guard.stop)
        self.raw = {}
        for where in MACS:
            self.raw[where] = self.lab.socket(where, socket.AF_PACKET, socket.SOCK_RAW)
            self.raw[where].bind(("eth0", 3))  # every protocol
            # Tags come beside the frame: struct tpacket_auxdata (packet(7)).
            self.raw[where].setsockopt(263, 8, 1)
            self.raw[where].settimeout(0.3)
            self.addCleanup(self.raw[where].close)

    def receive(self, where, wanted):
        """The next frame, its tags put back, for which wanted(frame) holds; None: none comes."""
        while True:
            try:
                frame, aside, _, _ = self.raw[where].recvmsg(65536, 256)
            except socket.timeout:
                return None
            for _, _, data in aside:
                status, tag, kind = struct.unpack_from("=I12xHH", data)
                if status & 0x10:  # TP_STATUS_VLAN_VALID
                    kind = kind if status & 0x40 else 0x8100
                    frame = frame[:12] + struct.pack("!HH", kind, tag) + frame[12:]
            if wanted(frame):
                return frame

    def frame(self, where, tags, family, port, seq, ack, flags, payload=b""):
        """A TCP segment from one end to the other."""
        source, target = ("client", "web") if where == "client" else ("web", "client")
        ports = (port, 80) if where == "client" else (80, port)
        pack = socket.inet_pton
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        ends = {"client": pack(kind, "10.20.0.8" if family == 4 else "fd20::8"),
                "web": pack(kind, "10.20.0.7" if family == 4 else "fd20::7")}
        tcp = struct.pack("!HHIIBBHHH", *ports, seq, ack, 5 << 4, flags, 65535, 0, 0) + payload
        pseudo = ends[source] + ends[target] + (
            struct.pack("!HH", 6, len(tcp)) if family == 4 else struct.pack("!II", len(tcp), 6))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        if family == 4:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0)
            head += ends[source] + ends[target]
            head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        else:
            head = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + ends[source] + ends[target]
        return (MACS[target] + MACS[source] + tags
                + (b"\x08\0" if family == 4 else b"\x86\xdd") + head + tcp)

    def crosses(self, where, frame):
        """Sent at one end, it comes out at the other, tags and all."""
        other = "web" if where == "client" else "client"
        self.raw[where].send(frame)
        return self.receive(other, lambda got: got[:len(frame)] == frame) is not None

    def tagged_connection(self, tags, family, port, request):
        """Open it; send the request. True: it arrived."""
        client, server = 1000, 5000
        self.assertTrue(self.crosses("client", self.frame("client", tags, family, port, client, 0,
                                                          SYN)))
        self.assertTrue(self.crosses("web", self.frame("web", tags, family, port, server,
                                                       client + 1, SYN | ACK)))
        self.assertTrue(self.crosses("client", self.frame("client", tags, family, port, client + 1,
                                                          server + 1, ACK)))
        return self.crosses("client", self.frame("client", tags, family, port, client + 1,
                                                 server + 1, PSH | ACK, request))

    def test_requests_are_judged_behind_vlan_tags(self):
        good, bad = (b"GET /%s HTTP/1.1\r\nHost: web\r\n\r\n" % path for path in (b"ok", b"no"))
        port = 50000
        for tags in (b"\x81\0\0\7", b"\x88\xa8\0\5\x81\0\0\7", b""):
            for family in (4, 6):
                with self.subTest(tags=tags.hex(), family=family):
                    port += 2
                    self.assertTrue(self.tagged_connection(tags, family, port, good))

                    def reset(frame, tags=tags, port=port + 1):
                        at = 12 + len(tags) + 2 + (20 if family == 4 else 40)
                        return (frame[12:12 + len(tags)] == tags and len(frame) >= at + 20
                                and port in struct.unpack_from("!HH", frame, at)
                                and frame[at + 13] & RST)

                    # The request is looked for at the server, and so is the reset.
                    client = self.frame("client", tags, family, port + 1, 1001, 5001, PSH | ACK,
                                        bad)
                    self.assertTrue(self.crosses("client", self.frame(
                        "client", tags, family, port + 1, 1000, 0, SYN)))
                    self.assertTrue(self.crosses("web", self.frame(
                        "web", tags, family, port + 1, 5000, 1001, SYN | ACK)))
                    self.raw["client"].send(client)
                    seen = []
                    self.assertIsNotNone(self.receive(
                        "web", lambda got: seen.append(got) or reset(got)))
                    self.assertNotIn(b"GET /no", b"".join(seen))
                    self.assertIsNotNone(self.receive("client", reset))
                    self.guard.wait_record(port + 1, "alert")

    def test_what_is_not_ip_passes_both_ways(self):
        for where, other in (("client", "web"), ("web", "client")):
            for tags in (b"", b"\x81\0\0\7"):
                # 0x88B5: for local experiments (IEEE 802).
                frame = b"\xff" * 6 + MACS[where] + tags + b"\x88\xb5" + os.urandom(64)
                self.assertTrue(self.crosses(where, frame))


if __name__ == "__main__":
    unittest.main(verbosity=2)
