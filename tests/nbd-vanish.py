# Clients that go away while the server has something to tell them.
# SPDX-License-Identifier: BSD-3-Clause
#
# nbd-vanish.py WHERE TLS KIND COUNT SEED: WHERE is a path of a Unix socket or
# a TCP port, TLS 0 or 1, KIND
#   unread     asks for 16 times 1 MiB and reads nothing, or little, of it
#   handshake  leaves somewhere in the handshake
#   middle     leaves in the middle of a request

import random
import socket
import struct
import sys

import nbdraw
from nbdraw import READ, WRITE, Client, Closed

where, tls, kind, count, seed = sys.argv[1:]
where = int(where) if where.isdigit() else where
tls = tls == "1"
r = random.Random(int(seed))
MiB = 1 << 20


def leave(s):
    """Hang up: politely, one way only, or with a reset."""
    how = r.randrange(4)
    try:
        if how == 0:
            s.shutdown(socket.SHUT_RD)
        elif how == 1:
            s.shutdown(socket.SHUT_WR)
        elif how == 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
    except OSError:             # it was faster
        pass
    s.close()


def unread():
    c = Client(where, tls)
    c.go("zram0", structured=r.random() < 0.5)
    for _ in range(16):
        c.request(READ, r.randrange(32) * MiB, MiB)
    # When the first has begun to come all are on their way.
    if r.random() < 0.8:
        c.receive(r.choice((1, 4, 16, 40000)))
    leave(c.sock)


def middle():
    c = Client(where, tls)
    c.go("zram1")
    reads = r.randrange(3)
    for _ in range(reads):
        c.request(READ, 0, MiB)
    if r.random() < 0.5:
        # No more than the socket takes, if the server waits for us to read.
        c.request(WRITE, 0, MiB, data=bytes(r.randrange(30000 if reads
                                                        else MiB)))
    else:
        c.send(struct.pack(">I", nbdraw.REQUEST) + bytes(r.randrange(23)))
    leave(c.sock)


def handshake():
    """All that a client says at first, up to any byte of it."""
    go = struct.pack(">I5sH", 5, b"zram0", 0)
    said = struct.pack(">I", 3)
    for option, data in ((nbdraw.OPT_STARTTLS, b"") if tls else
                         (nbdraw.OPT_STRUCTURED, b""),
                         (nbdraw.OPT_LIST, b""), (nbdraw.OPT_INFO, go),
                         (nbdraw.OPT_GO, go)):
        said += struct.pack(">QII", nbdraw.OPTION_MAGIC, option,
                            len(data)) + data
    s = nbdraw.connect(where)
    if r.random() < 0.7:
        s.recv(18)
    if r.random() < 0.9:
        s.sendall(said[:r.randrange(len(said) + 1)])
    leave(s)


kinds = {"unread": unread, "handshake": handshake, "middle": middle}
for n in range(int(count)):
    try:
        kinds[kind]()
    except Closed:
        raise SystemExit(f"{kind} {n}: the server hung up first") from None
    except OSError as error:
        if kind != "handshake" or isinstance(error, ConnectionRefusedError):
            raise SystemExit(f"{kind} {n}: {error}") from None
