#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real Redis and a real sshd behind rules of their protocols: which commands reach the one, who
may talk first to the other, and how both are called where a rule wants something else."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
from lab import space  # noqa: E402

space.need()
from lab import ask, serve  # noqa: E402
from lab.guard import Guard  # noqa: E402
from lab.tap import Tap, data_to  # noqa: E402
from lab.wire import Wire, address  # noqa: E402

REDIS, SSH, PATIENT, HASTY = 6379, 2222, 2223, 2224
CLIENT, SERVER = b"SSH-2.0-lab_1.0 test\r\n", b"SSH-2.0-shed_7 test\r\n"
SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
HAVE_REDIS = shutil.which("redis-server") and shutil.which("redis-cli")
HAVE_SSH = SSHD and shutil.which("ssh") and shutil.which("ssh-keyscan")
if not HAVE_REDIS and not HAVE_SSH:
    print("skipped: neither redis-server nor openssh-server is installed")
    sys.exit(space.SKIP)

# Who is asked for what: n.7 is the Pod of rule n.
RULES = {
    1: [{"redis": {"command": "GET"}}, {"redis": {"command": "ping"}}],
    2: [{"redis": {"command": "*", "key": "user:*"}}],
    4: [{"ssh": {"software": "OpenSSH_*", "version": "2.0"}}, {"ssh": {"software": "lab_*"}}],
    5: [{"http": {}}],
}
FREE = "7.7"  # no rule


def objects():
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}}
    for n, items in RULES.items():
        yield {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": f"p{n}", "namespace": "lab", "labels": {"n": f"p{n}"}},
               "status": {"podIPs": [{"ip": address(f"{n}.7", family)} for family in (4, 6)]}}
        yield {"apiVersion": "crd.antrea.io/v1beta1", "kind": "NetworkPolicy",
               "metadata": {"name": f"only-{n}", "namespace": "lab"},
               "spec": {"priority": 5, "appliedTo": [{"podSelector": {"matchLabels": {
                   "n": f"p{n}"}}}],
                        "ingress": [{"name": f"rule-{n}", "action": "Allow",
                                     "l7Protocols": items}]}}


class RedisServer:
    """With a client of its own, beside l7guard, to see what became of the data."""

    def __init__(self, lab):
        self.lab = lab
        self.process = lab.start(
            "web", "redis-server", "--port", str(REDIS), "--bind", "*", "-::*", "--save", "",
            "--protected-mode", "no", "--dir", lab.dir, stdout=subprocess.DEVNULL)
        space.wait_for("redis to listen", 10, lambda: self.ask("PING") == "PONG")

    def ask(self, *words):
        done = subprocess.run(["ip", "netns", "exec", self.lab.names["web"], "redis-cli", "-p",
                               str(REDIS), *words], capture_output=True, text=True)
        return done.stdout.strip()


class SshServer:
    """Debian's sshd with a configuration and a key of its own. /run is a private one: there sshd
    wants a folder that only its service makes."""

    def __init__(self, lab):
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                            lab.path(f"{name}_key")], check=True)
        lab.write("sshd_config", f"Port {SSH}\nHostKey {lab.path('host_key')}\nPidFile none\n"
                  f"AuthorizedKeysFile {lab.path('user_key.pub')}\nStrictModes no\nUsePAM no\n"
                  "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                  "MaxStartups 100\nPermitRootLogin yes\n")
        self.log = lab.path("sshd.log")
        with open(self.log, "wb") as log:
            self.process = lab.start(
                "web", "unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /run && "
                f"mkdir -m 755 /run/sshd && exec {SSHD} -D -e -f {lab.path('sshd_config')}",
                stderr=log)
        space.wait_for("sshd to listen", 10, lambda: "listening" in self.said())

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Wire()
        cls.servers()
        cls.guard = Guard(cls.lab, (), {
            "inspect": "all", "log": [{"eve": {"types": ["redis", "ssh", "http", "alert"],
                                               "dialect": "guide"}}]})
        with open(os.path.join(cls.guard.policies, "lab.json"), "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "kind": "List", "items": list(objects())}, file)
        cls.guard.start()

    @classmethod
    def tearDownClass(cls):
        cls.guard.stop()
        cls.lab.close()

    def one_alert(self, port, app, reason):
        self.guard.wait_record(port, "alert")
        time.sleep(0.1)
        alert, = self.guard.records(port, "alert")
        self.assertEqual((alert["app_proto"], alert["policy"]["reason"]), (app, reason))


def array(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


@unittest.skipUnless(HAVE_REDIS, "redis-server is not installed")
class Redis(Base):
    @classmethod
    def servers(cls):
        cls.redis = RedisServer(cls.lab)

    def setUp(self):
        self.redis.ask("FLUSHALL")
        self.redis.ask("MSET", "user:1", "ada", "other", "x")

    def talk(self, words, n=1, family=4, pieces=None):
        """(what the server answered before the end or a pause, client port, was it reset)"""
        port, answer = ask.next_port(), b""
        with ask.connect(self.lab, f"{n}.8", f"{n}.7", REDIS, family, port, 0.7) as client:
            try:
                for at in range(0, len(words), pieces or len(words)):
                    client.sendall(words[at:at + (pieces or len(words))])
                while True:
                    more = client.recv(65536)
                    if not more:
                        return answer, port, False
                    answer += more
            except socket.timeout:
                return answer, port, False
            except (ConnectionResetError, BrokenPipeError):
                return answer, port, True

    def cli(self, *words, n=1, family=4):
        return subprocess.run(
            ["ip", "netns", "exec", self.lab.names["client"], "redis-cli", "-h",
             address(f"{n}.7", family), "-p", str(REDIS), *words], capture_output=True, text=True)

    def test_what_is_allowed_is_answered(self):
        for family in (4, 6):
            with self.subTest(family=family):
                self.assertEqual(self.cli("GET", "user:1", family=family).stdout, "ada\n")
                for words in (array(b"GET", b"user:1"), array(b"get", b"user:1"),
                              b"GET user:1\r\n", b"gEt user:1\r\n"):
                    for pieces in (None, 1):
                        answer, port, reset = self.talk(words, family=family, pieces=pieces)
                        self.assertEqual((answer, reset), (b"$3\r\nada\r\n", False), words)
                        self.assertEqual(self.guard.records(port, "alert"), [])

    def test_what_is_not_allowed_never_reaches_the_server(self):
        for words in ([b"SET", b"user:1", b"eve"], [b"FLUSHALL"], [b"CONFIG", b"SET", b"maxclients",
                                                                   b"1"], [b"GETDEL", b"user:1"]):
            for form in (array(*words), array(words[0].lower(), *words[1:]),
                         b" ".join(words) + b"\r\n", b" ".join(words).lower() + b"\r\n"):
                for pieces in (None, 1):
                    with self.subTest(form=form, pieces=pieces):
                        answer, port, reset = self.talk(form, pieces=pieces)
                        self.assertEqual((answer, reset), (b"", True))
                        self.one_alert(port, "redis", "no-match")
        self.assertEqual(self.redis.ask("GET", "user:1"), "ada")
        self.assertNotEqual(self.redis.ask("CONFIG", "GET", "maxclients"), "maxclients\n1")

    def test_behind_an_allowed_command_as_well(self):
        good = array(b"GET", b"user:1")
        for bad in (array(b"SET", b"user:1", b"eve"), array(b"FLUSHALL"), b"flushall\r\n",
                    array(b"EVAL", b"redis.call('FLUSHALL')", b"0")):
            for words in (good + bad, b"GET user:1\r\n" + bad, good * 20 + bad + good):
                with self.subTest(words=words):
                    _, port, reset = self.talk(words)
                    self.assertTrue(reset)
                    self.one_alert(port, "redis", "no-match")
        self.assertEqual(self.redis.ask("GET", "user:1"), "ada")

    def test_many_commands_in_one_piece_are_answered_one_by_one(self):
        answer, port, reset = self.talk(array(b"GET", b"user:1") * 500 + array(b"PING"))
        self.assertEqual((answer, reset), (b"$3\r\nada\r\n" * 500 + b"+PONG\r\n", False))
        space.wait_for("501 records", 5, lambda: len(self.guard.records(port, "redis")) == 501)
        first = self.guard.records(port, "redis")[0]
        self.assertEqual(first["redis"], {"command": "GET", "key": "user:1", "arguments": 1})
        self.assertEqual(first["tx_id"], 0)

    def test_keys_are_judged(self):
        body = bytes(range(256)) * 2048  # 512 KiB
        self.assertEqual(self.talk(array(b"SET", b"user:2", body), n=2)[0], b"+OK\r\n")
        self.assertEqual(self.talk(array(b"STRLEN", b"user:2"), n=2)[0], b":524288\r\n")
        for words in ([b"GET", b"other"], [b"DEL", b"user:2", b"other"],
                      [b"RENAME", b"user:2", b"other"], [b"DBSIZE"]):
            with self.subTest(words):
                answer, port, reset = self.talk(array(*words), n=2)
                self.assertEqual((answer, reset), (b"", True))
                self.one_alert(port, "redis", "no-match")
        self.assertEqual(self.redis.ask("GET", "other"), "x")

    def test_what_is_loosely_written_is_refused(self):
        for words, reason in ((b"*2\r\n$3\r\nGETxx$6\r\nuser:1\r\n", "bad-end"),
                              (b"*2\rx$3\r\nGET\r\n$6\r\nuser:1\r\n", "unclaimed"),
                              (array(b"PING") + b"*0\r\n", "empty-command"),
                              (array(b"PING") + b"GET \"user:1\"\r\n", "quoted-word")):
            with self.subTest(words):
                _, port, reset = self.talk(words)
                self.assertTrue(reset)
                self.one_alert(port, "failed" if reason == "unclaimed" else "redis", reason)

    def test_it_has_a_name_where_something_else_is_allowed(self):
        for words in (array(b"PING"), b"PING\r\n"):
            _, port, reset = self.talk(words, n=5)
            self.assertTrue(reset)
            self.one_alert(port, "redis", "no-match")


def patient(server, connection, port):
    """An SSH server that lets the client speak first."""
    answered = False
    while more := connection.recv(4096):
        server.seen[port] += more
        if b"\n" in server.seen[port] and not answered:
            connection.sendall(b"welcome\r\n" + SERVER + b"\0\1secret")
            answered = True


def hasty(server, connection, port):
    """One that does not."""
    connection.sendall(SERVER)
    server.seen[port] = connection.recv(4096)


@unittest.skipUnless(HAVE_SSH, "openssh-server is not installed")
class Ssh(Base):
    @classmethod
    def servers(cls):
        cls.sshd = SshServer(cls.lab)
        cls.patient = serve.Server(cls.lab, PATIENT, patient)
        cls.hasty = serve.Server(cls.lab, HASTY, hasty)

    def ssh(self, n, family=4):
        """A command of ssh(1), with a key."""
        return subprocess.run(
            ["ip", "netns", "exec", self.lab.names["client"], "ssh", "-F", "none", "-p", str(SSH),
             "-i", self.lab.path("user_key"), "-o", "StrictHostKeyChecking=no", "-o",
             "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-b",
             address(f"{n}.8", family), f"root@{address(f'{n}.7', family)}", "echo", "hello"],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)

    def of_sshd(self, spot, kind):
        """The records of connections to sshd at this address."""
        return [r for r in self.guard.records(SSH, kind)
                if address(spot) in (r["src_ip"], r["dest_ip"])]

    def test_openssh_passes_when_its_client_is_faster_than_the_server(self):
        # Both speak at once. The server has to fork first, so the client wins, unless the machine
        # is so busy that it does not; then the connection is refused, and never half open.
        before, passed = len(self.of_sshd("4.7", "ssh")), 0
        for _ in range(8):
            done = self.ssh(4)
            if done.returncode == 0:
                self.assertEqual(done.stdout, "hello\n")
                passed += 1
        self.assertGreater(passed, 0)
        for alert in self.of_sshd("4.7", "alert"):
            self.assertEqual(alert["policy"]["reason"], "server-first")
        space.wait_for("a record of each", 5,
                       lambda: len(self.of_sshd("4.7", "ssh")) == before + passed)
        ends = self.of_sshd("4.7", "ssh")[-1]["ssh"]
        self.assertEqual(set(ends), {"client", "server"})
        for end in ends.values():
            self.assertEqual(end["proto_version"], "2.0")
            self.assertRegex(end["software_version"], r"^OpenSSH_[0-9.p]+$")

    def test_without_a_rule_it_passes_whoever_is_first(self):
        for family in (4, 6):
            done = self.ssh(7, family)
            self.assertEqual((done.returncode, done.stdout), (0, "hello\n"), done.stderr)
        space.wait_for("a record", 5, lambda: self.of_sshd(FREE, "ssh"))
        with ask.connect(self.lab, "7.8", FREE, HASTY) as client:
            self.assertEqual(client.recv(100), SERVER)
            client.sendall(CLIENT)
            port = client.getsockname()[1]
            record, = self.guard.wait_record(port, "ssh")
        self.assertEqual(record["ssh"]["client"]["software_version"], "lab_1.0")
        self.assertEqual(record["ssh"]["server"]["software_version"], "shed_7")

    def test_a_server_that_is_first_is_refused(self):
        for family in (4, 6):
            answer = ask.say(self.lab, "4.8", "4.7", HASTY, b"", family)
            self.assertEqual(answer.got, "reset")
            self.one_alert(answer.port, "failed", "server-first")
            self.assertEqual(self.hasty.seen.get(answer.port, b""), b"")

    def test_a_client_that_waits_for_the_server_is_refused(self):
        # ssh-keyscan asks for nothing before it has seen the server's identification.
        done = subprocess.run(
            ["ip", "netns", "exec", self.lab.names["client"], "ssh-keyscan", "-T", "3", "-t",
             "ed25519", "-p", str(SSH), address("4.7")], capture_output=True, text=True)
        self.assertEqual(done.stdout, "")

    def test_a_client_that_is_first_is_judged_and_both_are_recorded(self):
        for family in (4, 6):
            for pieces in (1, 1000):
                with self.subTest(family=family, pieces=pieces), \
                        ask.connect(self.lab, "4.8", "4.7", PATIENT, family) as client:
                    for at in range(0, len(CLIENT), pieces):
                        client.sendall(CLIENT[at:at + pieces])
                    port = client.getsockname()[1]
                    said = b""
                    while not said.endswith(b"secret"):
                        said += client.recv(4096)
                    client.sendall(b"\xff SET x y")
                    space.wait_for("what follows", 5,
                                   lambda: self.patient.seen[port] == CLIENT + b"\xff SET x y")
                    record, = self.guard.wait_record(port, "ssh")
                    self.assertEqual(record["ssh"], {
                        "client": {"proto_version": "2.0", "software_version": "lab_1.0"},
                        "server": {"proto_version": "2.0", "software_version": "shed_7"}})
                    self.assertEqual(self.guard.records(port, "alert"), [])

    def test_a_client_of_another_kind_never_reaches_the_server(self):
        for words, reason in ((b"SSH-2.0-other_1.0\r\n", "no-match"),
                              (b"SSH-1.5-lab_1.0\r\n", "ssh-version"),
                              (b"SSH-2.0-lab_1.0\n", "bare-lf"),
                              (b"SSH-2.0-" + b"a" * 248, "identification-too-long")):
            with self.subTest(words), Tap(self.lab, "web") as tap:
                answer = ask.say(self.lab, "4.8", "4.7", PATIENT, words)
                self.assertEqual(answer.got, "reset")
                self.one_alert(answer.port, "ssh", reason)
                self.assertEqual(data_to(tap.segments(), answer.port), 0)

    def test_it_has_a_name_where_something_else_is_allowed(self):
        for family in (4, 6):
            answer = ask.say(self.lab, "5.8", "5.7", PATIENT, CLIENT, family)
            self.assertEqual(answer.got, "reset")
            self.one_alert(answer.port, "ssh", "no-match")


if __name__ == "__main__":
    unittest.main(verbosity=2)
