#!/usr/bin/env bash
# What nbdkit's own compressed RAM disk (memory allocator=zstd, 1.32) gets
# wrong must work here: block status on an empty disk crashed it, a zero
# request across a boundary of its table lost the page before, an overwrite
# that found no memory lost what had been there.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

empty_disk ()
{
  start_nbdkit "${plugin[@]}" size=1G
  map=$(nbdinfo --map "$uri")
  say "$map"
  # One hole, whatever the columns' widths.
  read -r -a words <<<"$map"
  if [ "${words[*]}" != "0 1073741824 3 hole,zero" ]; then
    fail "an empty disk is not one hole"
  fi
  stop_nbdkit
}

# A fresh disk for each kind of request, so that what lies behind a boundary
# has never been touched.  Each power of two from 256 KiB to 8 TiB is the
# edge of some node of any table, and a few plain multiples are added.
across_boundaries ()
{
  for request in zero zero_no_hole trim; do
    say "$request across every boundary"
    start_nbdkit "${plugin[@]}" size=16T
    nbdsh -u "$uri" -c "request = '$request'" -c - <<'END'
K, M, T = 1 << 10, 1 << 20, 1 << 40

def run(count, offset):
    if request == "zero":
        h.zero(count, offset)
    elif request == "zero_no_hole":
        h.zero(count, offset, nbd.CMD_FLAG_NO_HOLE)
    else:
        h.trim(count, offset)

boundaries = [256 * K << n for n in range(26)]
boundaries += [384 * M, 3 * 16 * M, 5 * T]
assert boundaries[25] == 8 * T
before = bytes((i % 255) + 1 for i in range(64 * K))

for b in boundaries:
    # Written before the boundary, nothing behind it.
    h.pwrite(before, b - len(before))
    run(100 + 32 * K, b - 100)
    got = h.pread(len(before), b - len(before))
    assert got == before[:-100] + bytes(100), "before %#x" % b
    assert h.pread(32 * K, b) == bytes(32 * K), "behind %#x" % b

for b in boundaries:
    # And the other way round: nothing before it, written behind.
    h.trim(2 * 64 * K, b - 64 * K)
    h.pwrite(before, b)
    run(32 * K + 100, b - 32 * K)
    got = h.pread(len(before), b)
    assert got == bytes(100) + before[100:], "behind %#x" % b
    h.pwrite(before, b - 64 * K)
    got = h.pread(2 * len(before), b - 64 * K)
    assert got == before + bytes(100) + before[100:], "around %#x" % b
END
    stop_nbdkit
  done
}

# For the peer this was "ulimit -v"; here there is a limit to set.
no_room ()
{
  start_nbdkit "${plugin[@]}" size=256M mem-limit=8M
  nbdsh -u "$uri" -c - <<'END'
import errno, random
random.seed(2)
page = 64 << 10

def easy(n):
    return (b"%08d" % n) * (page // 8)

# Pages that take next to nothing, then others until the disk is full.
for n in range(64):
    h.pwrite(easy(n), n * page)
n = 64
try:
    while n < 4096:
        h.pwrite(random.randbytes(page), n * page)
        n += 1
    raise AssertionError("the limit was never met")
except nbd.Error as e:
    assert e.errnum == errno.ENOSPC, e

# No room for any of these; a multiple of the page size is written, so
# some of its pages may be new and the rest must be old.
lost = 0
for n in range(64):
    new = random.randbytes(page)
    try:
        h.pwrite(new, n * page)
        raise AssertionError("page %d fits" % n)
    except nbd.Error as e:
        assert e.errnum == errno.ENOSPC, e
    old, got = easy(n), h.pread(page, n * page)
    for at in range(0, page, 4096):
        piece = slice(at, at + 4096)
        lost += got[piece] not in (old[piece], new[piece])
assert lost == 0, "%d pages lost" % lost
END
  stop_nbdkit
}

# All of them, or those named on the command line.
if [ $# -eq 0 ]; then set -- empty_disk across_boundaries no_room; fi
for behaviour; do
  say "$behaviour"
  "$behaviour"
done
