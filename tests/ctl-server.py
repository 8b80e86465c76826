# A server that does what no server should: for tests of nbdzramctl.
# SPDX-License-Identifier: BSD-3-Clause
#
# ctl-server.py DIRECTORY [TEXT-FILE [UID]]
# makes a Unix socket DIRECTORY/MODE.sock for each mode below, and a TCP port
# for the mode "trickle-tls", whose number is in DIRECTORY/trickle-tls.port,
# says "ready", and serves until its standard input ends.  TEXT-FILE is what exports hold,
# in the modes "text" and "disk"; it is read anew for each client.  UID is who
# listens, at sockets that belong to whoever started it.

import os
import socket
import struct
import sys
import threading
import time

JSON = b'{"version":"0.1","devices":[{"name":"zram0"}]}'
CONTROL = JSON + b" " * (256 * 1024 - len(JSON))
GREETING = b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3)
REPLY = 0x3e889045565a9
RECORD = b"\x16\x03\x03\x40\x00"   # of 16384 bytes
ABORT, LIST, STARTTLS, GO = 2, 3, 5, 7
ACK, SERVER, INFO = 1, 2, 3
UNSUPPORTED, TLS_REQUIRED, UNKNOWN = (2**31 + n for n in (1, 5, 6))


class Gone(Exception):
    pass


class Client:
    """One connection; what a mode does differently it says by its name."""

    def __init__(self, sock, mode):
        self.sock, self.mode = sock, mode

    def receive(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise Gone
            data += more
        return data

    def silence(self):
        while self.sock.recv(65536):
            pass
        raise Gone

    def trickle(self, data):
        for byte in data:
            self.sock.sendall(bytes([byte]))
            time.sleep(0.3)

    def answer(self, option, kind, data=b""):
        self.sock.sendall(struct.pack(">QIII", REPLY, option, kind,
                                      len(data)) + data)

    def list(self):
        if self.mode == "endless-list":
            self.flood(LIST, SERVER, struct.pack(">I", 0))
        if self.mode == "endless-names":
            name = b"zram0/" + b"x" * 1000
            self.flood(LIST, SERVER, struct.pack(">I", len(name)) + name)
        self.answer(LIST, ACK)

    def flood(self, option, kind, data):
        """More than a client can read, so that it never has to wait."""
        one = struct.pack(">QIII", REPLY, option, kind, len(data)) + data
        while True:
            self.sock.sendall(one * 10000)

    def go(self, name):
        if self.mode == "endless-info":
            self.flood(GO, INFO, struct.pack(">H", 99))
        if self.mode == "tls":
            self.answer(GO, TLS_REQUIRED)
            return False
        if self.mode == "no-export":
            self.answer(GO, UNKNOWN)
            return False
        if self.mode == "forbidden":
            self.answer(GO, 2**31 + 2)
            return False
        self.data = CONTROL
        flags = 1
        if self.mode in ("text", "disk"):
            with open(sys.argv[2], "rb") as f:
                self.data = f.read()
        if self.mode == "text":
            flags |= 2
        size = 2**63 - 1 if self.mode == "huge" else len(self.data)
        self.answer(GO, INFO, struct.pack(">HQH", 0, size, flags |
                                          (2 if self.mode == "huge" else 0)))
        self.answer(GO, ACK)
        return True

    def negotiate(self):
        while True:
            _, option, n = struct.unpack(">QII", self.receive(16))
            data = self.receive(n)
            if self.mode == "silent-options":
                self.silence()
            if option == GO:
                n, = struct.unpack(">I", data[:4])
                if self.go(data[4:4 + n]):
                    return
            elif option == LIST:
                self.list()
            elif option == STARTTLS and self.mode == "silent-tls":
                self.answer(option, ACK)
                self.silence()
            elif option == ABORT:
                self.answer(option, ACK)
                raise Gone
            else:
                self.answer(option, UNSUPPORTED)

    def begin_tls(self):
        """Answer before anything is asked, then send a long record slowly."""
        self.sock.sendall(GREETING + struct.pack(">QIII", REPLY, STARTTLS,
                                                 ACK, 0) + RECORD)
        while True:
            self.sock.sendall(b"\x02")
            time.sleep(0.2)

    def requests(self):
        while True:
            _, _, kind, cookie, at, n = struct.unpack(">IHHQQI",
                                                      self.receive(28))
            head = struct.pack(">IIQ", 0x67446698, 0, cookie)
            if kind == 2:
                raise Gone
            if kind == 1:
                self.receive(n)
                if self.mode == "silent-write":
                    self.silence()
                if self.mode == "close-write":
                    raise Gone
                self.sock.sendall(head)
                if self.mode == "close-answer":
                    raise Gone
                continue
            data = self.data[at:at + n]
            data += bytes(n - len(data))
            if self.mode == "silent-read":
                self.silence()
            if self.mode == "half-read":
                self.sock.sendall(head + data[:n // 2])
                self.silence()
            if self.mode == "trickle-read":
                self.trickle(head + data)
            self.sock.sendall(head + data)

    def run(self):
        if self.mode == "silent":
            self.silence()
        if self.mode == "close":
            raise Gone
        if self.mode == "http":
            self.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n"
                              b"Content-Type: text/html\r\n\r\n\x1b[2J")
            raise Gone
        if self.mode == "trickle-tls":
            self.begin_tls()
        if self.mode == "half":
            self.sock.sendall(GREETING[:9])
            self.silence()
        if self.mode == "trickle":
            self.trickle(GREETING)
        else:
            self.sock.sendall(GREETING)
        self.receive(4)
        self.negotiate()
        self.requests()


def serve(client):
    try:
        client.run()
    except (Gone, OSError, struct.error):
        pass
    client.sock.close()


def listen(s, mode):
    while True:
        client = Client(s.accept()[0], mode)
        threading.Thread(target=serve, args=(client,), daemon=True).start()


MODES = """silent half trickle http close silent-options silent-read half-read
    trickle-read silent-write close-write close-answer endless-list
    endless-names endless-info silent-tls tls no-export forbidden huge
    text disk""".split()
sockets = {}
tcp = socket.create_server(("127.0.0.1", 0), backlog=128)
with open(os.path.join(sys.argv[1], "trickle-tls.port"), "w") as port:
    print(tcp.getsockname()[1], file=port)
for m in MODES:
    sockets[m] = socket.socket(socket.AF_UNIX)
    sockets[m].bind(os.path.join(sys.argv[1], m + ".sock"))
if len(sys.argv) > 3:
    os.setuid(int(sys.argv[3]))
for m in MODES:
    # Clients may come before the thread is there.
    sockets[m].listen(128)
    threading.Thread(target=listen, args=(sockets[m], m), daemon=True).start()
threading.Thread(target=listen, args=(tcp, "trickle-tls"), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
