#!/usr/bin/env bash
# Memory goes back to the system without being asked: after all data was
# trimmed, zeroed, or overwritten with pages that need no room, the server
# is nearly as small as before within 3 seconds.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

real_data "$tmpdir/data" "$(scaled 160000000)"

for args in "algo=zstd" "algo=lz4 page-size=16K"; do
  say "$args"
  # Few threads and one connection, so that nbdkit's own buffers are few and
  # can be warmed up: they are no memory of the disk.
  # shellcheck disable=SC2086
  start_nbdkit -t 2 "${plugin[@]}" size=256M $args
  nbdsh -u "$uri" -c "file = '$tmpdir/data'; pid = $pid" \
        -c "sanitized = $(sanitized && echo True || echo False)" -c - <<'END'
import time
size, n = h.get_size(), 1 << 20
data = open(file, "rb").read()

# Resident KiB.  A sanitizer's own memory grows and does not go back.
def rss():
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int([l for l in f if l.startswith("Rss:")][0].split()[1])

def fill():
    for at in range(0, len(data), n):
        h.pwrite(data[at:at + n], at)

def holds_data():
    return all(h.pread(len(data[at:at + n]), at) == data[at:at + n]
               for at in range(0, len(data), n))

def pieces():
    return [(min(n, size - at), at) for at in range(0, size, n)]

def trim():
    h.trim(size, 0)

def trim_at_random():
    import random
    pages = list(range(0, size, 65536))
    random.shuffle(pages)
    for at in pages:
        h.trim(65536, at)

def zero():
    h.zero(size, 0, nbd.CMD_FLAG_NO_HOLE)

def overwrite_with_zeroes():
    for count, at in pieces():
        h.pwrite(bytes(count), at)

# The codec's memory is taken when it is first used, and kept.
for i in range(20):
    h.pwrite(data[:n], 0)
    h.pread(n, 0)
trim()
time.sleep(0.5)
empty = rss()
for how in trim, trim_at_random, zero, overwrite_with_zeroes:
    fill()
    full = rss() - empty
    assert holds_data()
    assert sanitized or full > len(data) >> 13, full
    how()
    start = time.monotonic()
    while True:
        left, after = rss() - empty, time.monotonic() - start
        if sanitized or left < 1024 or after > 3:
            break
        time.sleep(0.05)
    print("%d KiB of files in %d KiB; %s: %d KiB left after %.2f s"
          % (len(data) >> 10, full, how.__name__, left, after))
    assert sanitized or left < 1024
    assert h.pread(n, size // 2) == bytes(n)
    trim()
END
  stop_nbdkit
done
