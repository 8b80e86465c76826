# The other client: nobody else who goes away may disturb it.  For nbdsh;
# given are uri and stop, the name of a file that ends it when it is there.
# SPDX-License-Identifier: BSD-3-Clause

import os

PIECE, AT = 64 * 1024, 48 << 20
pieces = [os.urandom(PIECE // 2) + bytes(PIECE // 2) for _ in range(64)]
h = nbd.NBD()                   # noqa: F821, nbdsh has imported it
h.set_uri_allow_local_file(True)        # the certificates
h.connect_uri(uri)              # noqa: F821
rounds = 0
while rounds < 2 or not os.path.exists(stop):   # noqa: F821
    for i in range(64):
        h.pwrite(pieces[(i + rounds) % 64], AT + i * PIECE)
    for i in range(64):
        assert h.pread(PIECE, AT + i * PIECE) == pieces[(i + rounds) % 64], i
    rounds += 1
h.shutdown()
print(rounds, "rounds")
