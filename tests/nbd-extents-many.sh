#!/usr/bin/env bash
# Block status where every page differs from its neighbours: a reply has a
# bounded number of extents, and asking on gives all of them.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

start_nbdkit "${plugin[@]}" size=1G
nbdsh --base-allocation -u "$uri" -c - <<'END'
most = 65536
pages = most + most // 4
piece = 16384
for at in range(0, pages, piece):
    h.pwrite((b"x" * 4096 + bytes(4096)) * (piece // 2), at * 4096)

def ask(count, offset, flags=0):
    got = []
    h.block_status(count, offset,
                   lambda context, offset, entries, error:
                   got.extend(zip(entries[::2], entries[1::2])), flags)
    return got

data, zero = (4096, 0), (4096, nbd.STATE_ZERO)
hole = nbd.STATE_HOLE | nbd.STATE_ZERO
assert ask(h.get_size(), 0) == [data, zero] * (most // 2)
rest = ask(h.get_size() - most * 4096, most * 4096)
assert rest == [data, zero] * (most // 8) + [((1 << 30) - pages * 4096, hole)]
# To the last one that fits.
assert ask((most - 1) * 4096 + 1, 0)[-1] == (1, nbd.STATE_ZERO)
assert len(ask(most * 4096 + 1, 0)) == most
assert ask(1 << 20, 4095, nbd.CMD_FLAG_REQ_ONE) == [(1, 0)]
assert ask(10, 4090, nbd.CMD_FLAG_REQ_ONE) == [(6, 0)]
END
stop_nbdkit
