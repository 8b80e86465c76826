# An NBD client that speaks the protocol byte by byte, for tests that send
# what no decent client sends.
# SPDX-License-Identifier: BSD-3-Clause
#
# Whatever the server does, a test gets a value or one of these exceptions:
# Closed (the server hung up) or TimeoutError (it is silent).

import socket
import ssl
import struct

OPTION_MAGIC, REPLY_MAGIC = 0x49484156454F5054, 0x3E889045565A9
REQUEST, SIMPLE, CHUNK = 0x25609513, 0x67446698, 0x668E33EF

OPT_EXPORT_NAME, OPT_ABORT, OPT_LIST, OPT_STARTTLS = 1, 2, 3, 5
OPT_INFO, OPT_GO, OPT_STRUCTURED, OPT_LIST_META, OPT_SET_META = 6, 7, 8, 9, 10
REP_ACK, REP_ERROR = 1, 1 << 31

READ, WRITE, DISC, FLUSH, TRIM, CACHE, ZEROES, STATUS = range(8)
FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO = 1, 2, 4, 8, 16
READ_ONLY = 1 << 1              # of the flags of an export

PATIENCE = 60


class Closed(Exception):
    pass


def connect(where):
    """A path of a Unix socket, or a TCP port of this machine."""
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(PATIENCE)
    s.connect(where if isinstance(where, str) else ("127.0.0.1", where))
    return s


class Client:
    def __init__(self, where, tls=False):
        self.handle = 0
        self.structured = self.meta = self.oldstyle = False
        self.size = self.flags = None
        self.sock = connect(where)
        self.greet()
        if tls:
            self.start_tls()

    def close(self):
        self.sock.close()

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionError):
            raise Closed from None

    def receive(self, n):
        got = bytearray()
        while len(got) < n:
            try:
                piece = self.sock.recv(min(n - len(got), 1 << 20))
            except (ConnectionError, ssl.SSLError):
                piece = b""
            if not piece:
                raise Closed
            got += piece
        return bytes(got)

    # Handshake.

    def greet(self):
        magic, = struct.unpack(">8s", self.receive(8))
        assert magic == b"NBDMAGIC", magic
        magic, = struct.unpack(">Q", self.receive(8))
        if magic != OPTION_MAGIC:       # oldstyle: it begins at once
            self.oldstyle = True
            self.size, _, self.flags = struct.unpack(">QHH",
                                                     self.receive(12))
            self.receive(124)
            return
        flags, = struct.unpack(">H", self.receive(2))
        assert flags & 3 == 3, flags
        self.send(struct.pack(">I", 3))

    def start_tls(self):
        assert self.option(OPT_STARTTLS)[-1][0] == REP_ACK
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)

    def send_option(self, option, data=b"", length=None):
        self.send(struct.pack(">QII", OPTION_MAGIC, option,
                              len(data) if length is None else length)
                  + data)

    def option(self, option, data=b""):
        """All replies to it: [(type, data)...]."""
        self.send_option(option, data)
        replies = []
        while not replies or 1 < replies[-1][0] < REP_ERROR:
            magic, of, kind, n = struct.unpack(">QIII", self.receive(20))
            assert magic == REPLY_MAGIC and of == option, (magic, of)
            replies.append((kind, self.receive(n)))
        return replies

    def go(self, name, structured=False, meta=False):
        """Open an export.  The type of the last reply."""
        name = name.encode()
        named = struct.pack(">I", len(name)) + name
        if structured or meta:
            assert self.option(OPT_STRUCTURED)[-1][0] == REP_ACK
            self.structured = True
        if meta:
            query = b"base:allocation"
            replies = self.option(OPT_SET_META, named + struct.pack(
                ">II", 1, len(query)) + query)
            self.meta = replies[0][0] == 4
        replies = self.option(OPT_GO, named + struct.pack(">H", 0))
        for kind, data in replies:
            if kind == 3 and data[:2] == b"\0\0":
                self.size, self.flags = struct.unpack(">QH", data[2:])
        return replies[-1][0]

    # Requests.

    def request(self, command, offset=0, length=0, flags=0, data=b""):
        """Send one; its handle."""
        self.handle += 1
        self.send(struct.pack(">IHHQQI", REQUEST, flags, command,
                              self.handle, offset, length) + data)
        return self.handle

    def reply(self, lengths):
        """Receive one.  lengths: of reads, by handle.  Returns handle,
        error, and what came: bytes of a read, extents of block status."""
        magic, = struct.unpack(">I", self.receive(4))
        if magic == SIMPLE:
            error, handle = struct.unpack(">IQ", self.receive(12))
            n = 0 if error else lengths.get(handle, 0)
            return handle, error, self.receive(n)
        assert magic == CHUNK, hex(magic)
        error, result = 0, b""
        while True:
            flags, kind, handle, n = struct.unpack(">HHQI", self.receive(16))
            data = self.receive(n)
            if kind >> 15:
                error, = struct.unpack(">I", data[:4])
            elif kind == 1:
                result += data[8:]
            elif kind == 2:
                result += bytes(struct.unpack(">QI", data)[1])
            elif kind == 5:
                result = [struct.unpack(">II", data[i:i + 8])
                          for i in range(4, n, 8)]
            else:
                assert kind == 0 and n == 0, (kind, n)
            if flags & 1:
                return handle, error, result
            magic, = struct.unpack(">I", self.receive(4))
            assert magic == CHUNK, hex(magic)
