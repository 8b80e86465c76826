# Nonsense in the handshake: it is answered or hung up on, and the server is
# there for the next one.
# SPDX-License-Identifier: BSD-3-Clause
#
# nbd-haggle.py SOCKET COUNT SEED: what is listed, then COUNT handshakes at
# random.

import random
import struct
import sys

import nbdraw
from nbdraw import (OPT_ABORT, OPT_EXPORT_NAME, OPT_GO, OPT_INFO, OPT_LIST,
                    OPT_LIST_META, OPT_SET_META, OPT_STARTTLS, OPT_STRUCTURED,
                    REP_ACK, REP_ERROR, Client, Closed)

sock, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
r = random.Random(seed)
ERRORS = {REP_ERROR + n for n in range(1, 10)}
ALL = [OPT_LIST, OPT_STARTTLS, OPT_INFO, OPT_GO, OPT_STRUCTURED,
       OPT_LIST_META, OPT_SET_META]
NAMES = [b"", b"zram0", b"zram99", b"x" * 4096, b"x" * 4097, b"\0", b"a\0b",
         b"\n\r\x1b[2J\x07", b"\xff\xfe", b"%s%n%s%n", b"../../etc/passwd",
         b"zram0/mm_stat", b"zram0/block_state/18446744073709551616",
         b"control", b"/" * 4096]


def go(name, infos=(), claimed=None, n=None):
    return (struct.pack(">I", len(name) if claimed is None else claimed)
            + name + struct.pack(">H", len(infos) if n is None else n)
            + b"".join(struct.pack(">H", i) for i in infos))


def meta(name, queries, n=None, claimed=None):
    return (struct.pack(">I", len(name) if claimed is None else claimed)
            + name + struct.pack(">I", len(queries) if n is None else n)
            + b"".join(struct.pack(">I", len(q)) + q for q in queries))


def refused(option, data, length=None):
    """An error, or the end of the connection; nothing else."""
    c = Client(sock)
    try:
        c.send_option(option, data, length)
        c.sock.shutdown(nbdraw.socket.SHUT_WR)
        kind = 0
        while kind not in ERRORS:
            magic, of, kind, n = struct.unpack(">QIII", c.receive(20))
            assert (magic, of) == (nbdraw.REPLY_MAGIC, option), (magic, of)
            c.receive(n)
            assert kind != REP_ACK, (option, data[:40], length)
    except Closed:
        pass
    c.close()


def listed():
    for option in (0, 4, 11, 99, 1 << 31, (1 << 32) - 1):
        refused(option, b"")
        refused(option, b"z" * 1000)
    for option in [0, *ALL]:            # no data comes
        refused(option, b"", 1 << 20)
        refused(option, b"", (1 << 32) - 1)
    for option in (OPT_INFO, OPT_GO):
        for data in (b"", b"\0", struct.pack(">I", 0), go(b"zram0")[:-1],
                     go(b"zram0") + b"x", go(b"zram0", n=65535),
                     go(b"zram0", [3], n=0), go(b"zram0", claimed=1 << 31),
                     go(b"zram0", claimed=6), go(b"zram0", claimed=4),
                     go(b"zram99"), go(b"x" * 4097), go(b"a\0b")):
            refused(option, data)
    for option in (OPT_LIST_META, OPT_SET_META):
        for data in (b"", b"\0" * 7, meta(b"zram0", [], n=1),
                     meta(b"zram0", [b"base:"], n=(1 << 32) - 1),
                     meta(b"zram0", [b"x" * 5000]),
                     meta(b"zram0", [b"base:allocation"], claimed=1 << 31)):
            refused(option, data)
    refused(OPT_LIST, b"x")
    refused(OPT_STARTTLS, b"")          # there is none


def names():
    """Both ways to open each; what opens can be read."""
    for name in NAMES:
        c = Client(sock)
        try:
            if c.option(OPT_GO, go(name, [0, 1, 2, 3, 77]))[-1][0] == REP_ACK:
                c.request(nbdraw.DISC)
        except Closed:
            assert len(name) > 4096, name[:40]
        c.close()
        c = Client(sock)
        c.send_option(OPT_EXPORT_NAME, name)
        try:
            c.receive(10)
        except Closed:
            pass
        c.close()


def many():
    """It need not listen to them for ever."""
    c = Client(sock)
    try:
        for n in range(10000):
            c.option(99)
    except Closed:
        pass
    else:
        raise AssertionError("10,000 options and still no end")
    c.close()


def some_option():
    option = r.choice((*ALL, *ALL, OPT_EXPORT_NAME, OPT_ABORT,
                       r.randrange(1 << 32)))
    name = r.choice(NAMES)
    data = r.choice((
        lambda: b"", lambda: r.randbytes(r.randrange(64)),
        lambda: go(name, [r.randrange(5) for _ in range(r.randrange(9))]),
        lambda: meta(name, [b"base:allocation", b"", r.randbytes(9)][
            :r.randrange(4)])))()
    if r.random() < 0.3 and data:       # a bit of it is wrong
        i = r.randrange(len(data))
        data = data[:i] + bytes([r.randrange(256)]) + data[i + 1:]
    length = len(data) if r.random() < 0.9 else r.randrange(1 << r.choice(
        (4, 13, 32)))
    return struct.pack(">QII", nbdraw.OPTION_MAGIC if r.random() < 0.98
                       else r.randrange(1 << 64), option, length) + data


def at_random():
    """All at once, and whatever comes back until it ends."""
    s = nbdraw.connect(sock)
    said = struct.pack(">I", r.choice((3, 3, 3, 1, 0, r.randrange(1 << 32))))
    said += b"".join(some_option() for _ in range(r.randrange(12)))
    try:
        s.sendall(said + r.randbytes(r.choice((0, 0, 28, 500))))
        s.shutdown(nbdraw.socket.SHUT_WR)
        while s.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    s.close()


listed()
names()
many()
for n in range(count):
    at_random()
c = Client(sock)
assert c.go("zram0") == REP_ACK
c.request(nbdraw.READ, 0, 512)
assert c.reply({1: 512}) == (1, 0, bytes(512))
