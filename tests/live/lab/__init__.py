# SPDX-License-Identifier: Apache-2.0
"""A small network in namespaces, with l7guard in the middle.

space.py  namespaces and processes, and their removal whatever happens
wire.py   who is where: client side, engine, server side; addresses
serve.py  the servers: nginx, openssl, and a few of ten lines
guard.py  l7guard itself: its configuration file, start, stop, log, control
ask.py    the clients: curl, openssl, plain sockets
tap.py    what tcpdump saw of it
cases.py  what the example policies are asked, and what they should say
"""
