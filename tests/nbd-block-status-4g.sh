#!/usr/bin/env bash
# Block status of 2^32-1 bytes, the longest a client can ask about.  nbdkit
# 1.32 aborts if a plugin describes more than was asked (CVE-2025-47711), so
# the answer must be clipped, on an empty disk and on one that holds data.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

for size in 8G 16T; do
  say "size=$size"
  start_nbdkit "${plugin[@]}" size=$size
  nbdsh --base-allocation -u "$uri" -c - <<'END'
most = (1 << 32) - 1
size = h.get_size()
HOLE = nbd.STATE_HOLE | nbd.STATE_ZERO

# The pieces that a request of count bytes at offset is told, joined.
def ask(count, offset, flags=0):
    pieces = []
    def extent(context, at, entries, error):
        assert context == nbd.CONTEXT_BASE_ALLOCATION and at == offset
        for length, state in zip(entries[0::2], entries[1::2]):
            if pieces and pieces[-1][1] == state:
                pieces[-1][0] += length
            else:
                pieces.append([length, state])
    h.block_status(count, offset, extent, flags)
    return pieces

# Does the answer, from the start, say the same as the truth?  A server
# may describe less than it was asked about, but never nothing.
def check(got, truth):
    total = sum(length for length, state in got)
    assert 0 < total <= sum(length for length, state in truth), got
    for (length, state), (true_length, true_state) in zip(got, truth):
        assert state == true_state, (got, truth)
        assert length <= true_length, (got, truth)
        if length < true_length:
            break

offsets = [0, 1, 4096, most, size // 2 - 5, size - most]
for offset in offsets:
    got = ask(most, offset)
    check(got, [[most, HOLE]])
    # Nothing is there to cut the answer short.
    assert got == [[most, HOLE]], got
    assert ask(most, offset, nbd.CMD_FLAG_REQ_ONE) == [[most, HOLE]]

h.pwrite(b"x" * 65536, size // 4)
h.pwrite(b"x" * 65536, size - 65536)
at = size // 4 - 5
rest = most - 5 - 65536
assert ask(most, at) == [[5, HOLE], [65536, 0], [rest, HOLE]], ask(most, at)
got = ask(most, at, nbd.CMD_FLAG_REQ_ONE)
assert got == [[5, HOLE]], got
assert ask(most, size - most)[-1] == [65536, 0]
assert sum(n for n, s in ask(most, size - most)) == most
h.pread(1, size - 1)
END
  stop_nbdkit
done
