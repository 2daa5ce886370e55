#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the transcripts of this folder: real handshakes of OpenSSL with itself, without a network.

Two ssl objects of Python talk through memory; every flight is one line of the transcript. What
records should say of the certificate comes from the openssl command. See README.md.
"""
import datetime
import os
import re
import ssl
import subprocess
import sys
import tempfile

CERT_SUBJECTS = {
    "plain": "/C=ZZ/O=Lab/CN=lab.foo.com",
    "odd": "/C=ZZ/O=Caf\u00e9, \"Lab\" + Co/OU=one+OU=two/CN=*.foo.com/emailAddress=a@foo.com",
}


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, text=True).stdout


def certificate(folder, name, serial):
    key, cert = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".pem")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-utf8",
            "-multivalue-rdn", "-subj", CERT_SUBJECTS[name], "-days", "3650",
            "-set_serial", serial)
    return cert, key


def iso(text):
    when = datetime.datetime.strptime(text.split("=")[1].strip(), "%b %d %H:%M:%S %Y %Z")
    return when.strftime("%Y-%m-%dT%H:%M:%S")


def described(cert):
    """The attributes of docs/eve.md (`tls`), as the openssl command gives them."""
    show = lambda *args: openssl("x509", "-in", cert, "-noout", *args).strip()
    name = ["-nameopt", "sep_comma_plus_space,sname,utf8"]
    parsed = openssl("asn1parse", "-in", cert).splitlines()
    serial = next(l for l in parsed if "INTEGER" in l and "d=2" in l).rsplit(":", 1)[1].strip()
    if int(serial[0], 16) >= 8:
        serial = "00" + serial  # the sign octet, which asn1parse leaves out
    return {
        "subject": show("-subject", *name).split("=", 1)[1],
        "issuerdn": show("-issuer", *name).split("=", 1)[1],
        "serial": ":".join(re.findall("..", serial)),
        "fingerprint": show("-fingerprint", "-sha1").split("=")[1].lower(),
        "notbefore": iso(show("-startdate")),
        "notafter": iso(show("-enddate")),
    }


class Side:
    def __init__(self, context, server, name=None, session=None):
        self.input, self.output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.input, self.output, server_side=server,
                                    server_hostname=name, session=session)
        self.done = False

    def step(self):
        if not self.done:
            try:
                self.tls.do_handshake()
                self.done = True
            except ssl.SSLWantReadError:
                pass
        return self.output.read()


def talk(client, server):
    """All flights of a handshake, then one line of data each way."""
    flights = []
    while not (client.done and server.done):
        for mark, one, other in ((">", client, server), ("<", server, client)):
            data = one.step()
            if data:
                flights.append((mark, data))
                other.input.write(data)
    for mark, one, other in ((">", client, server), ("<", server, client)):
        one.tls.write(b"hello")
        data = one.output.read()
        flights.append((mark, data))
        other.input.write(data)
        other.tls.read(5)
    return flights


def contexts(cert, version, sigalgs=True):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server.load_cert_chain(*cert)
    for context in (server, client):
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    return client, server


def write(name, text, flights, expect):
    with open(name + ".txt", "w", encoding="utf-8") as out:
        out.write(f"# {text}\n")
        for key, value in expect.items():
            out.write(f"= {key} {value}\n")
        for mark, data in flights:
            out.write(f"{mark} {data.hex()}\n")


def main():
    version = ssl.TLSVersion
    with tempfile.TemporaryDirectory() as folder:
        plain = certificate(folder, "plain", "0x1234")
        odd = certificate(folder, "odd", "0xfedcba9876543210aabb")
        sni = {"sni": "lab.foo.com"}

        for name, number, shown in (("tls10", version.TLSv1, "TLSv1"),
                                    ("tls11", version.TLSv1_1, "TLS 1.1"),
                                    ("tls12", version.TLSv1_2, "TLS 1.2")):
            client, server = contexts(plain, number)
            flights = talk(Side(client, False, "lab.foo.com"), Side(server, True))
            write(name, f"{shown}, full handshake", flights,
                  {**described(plain[0]), **sni, "version": shown})

        client, server = contexts(odd, version.TLSv1_2)
        flights = talk(Side(client, False), Side(server, True))
        write("tls12-odd-certificate", "no name sent; a subject that needs care", flights,
              {**described(odd[0]), "version": "TLS 1.2"})

        client, server = contexts(plain, version.TLSv1_2)
        client.load_cert_chain(*odd)
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(odd[0])
        flights = talk(Side(client, False, "lab.foo.com"), Side(server, True))
        write("tls12-client-certificate", "the client shows a certificate, too", flights,
              {**described(plain[0]), **sni, "version": "TLS 1.2"})

        client, server = contexts(plain, version.TLSv1_2)
        first = Side(client, False, "lab.foo.com")
        talk(first, Side(server, True))
        flights = talk(Side(client, False, "lab.foo.com", first.tls.session), Side(server, True))
        write("tls12-resumed", "resumed by a session ticket", flights,
              {**sni, "session_resumed": "true", "version": "TLS 1.2"})

        client, server = contexts(plain, version.TLSv1_2)
        server.set_ciphers("aNULL:@SECLEVEL=0")
        flights = talk(Side(client, False, "lab.foo.com"), Side(server, True))
        write("tls12-anonymous", "a full handshake without a certificate", flights,
              {**sni, "version": "TLS 1.2"})

        client, server = contexts(plain, version.TLSv1_3)
        flights = talk(Side(client, False, "LAB.foo.com"), Side(server, True))
        write("tls13", "TLS 1.3, a name with capitals", flights,
              {"sni": "LAB.foo.com", "version": "TLS 1.3"})

        client, server = contexts(plain, version.TLSv1_3)
        server.set_ecdh_curve("secp521r1")
        flights = talk(Side(client, False, "lab.foo.com"), Side(server, True))
        write("tls13-retry", "TLS 1.3 with a HelloRetryRequest", flights,
              {**sni, "version": "TLS 1.3"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
