#!/usr/bin/env bash
# A disk of 16 TiB costs nothing until it is used: it starts as fast as
# nbdkit's null plugin and in next to no memory, to the last byte of it.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

# How long it takes until a client is served: the median of several starts
# of each, by turns, in ms; and the largest memory in KiB.
python3 - "$tmpdir" "$PLUGIN" >"$tmpdir/figures" <<'END'
import os, socket, statistics, subprocess, sys, time
tmpdir, plugin = sys.argv[1:]
sock = tmpdir + "/start.sock"
log = open(tmpdir + "/start.log", "w")

def start(*args):
    if os.path.exists(sock):
        os.unlink(sock)
    began = time.monotonic()
    p = subprocess.Popen(["nbdkit", "-f", "-U", sock, *args],
                         stdin=subprocess.DEVNULL, stderr=log)
    while True:
        assert p.poll() is None, "nbdkit does not start"
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect(sock)
            assert s.recv(8) == b"NBDMAGIC"
            break
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.0002)
    took = time.monotonic() - began
    with open("/proc/%d/smaps_rollup" % p.pid) as f:
        kib = int([l for l in f if l.startswith("Rss:")][0].split()[1])
    s.close()
    p.terminate()
    try:
        assert p.wait(30) == 0
    finally:
        p.kill()
    return took * 1000, kib

null, ours = [], []
for i in range(9):
    null.append(start("null", "size=16T"))
    ours.append(start(plugin, "size=16T"))
median = lambda runs: statistics.median(ms for ms, kib in runs)
print("%.1f %.1f %d %d" % (median(null), median(ours),
                           max(kib for ms, kib in null),
                           max(kib for ms, kib in ours)))
END
read -r null_ms ms null_kib kib <"$tmpdir/figures"
say "starts in $ms ms and $kib KiB; nbdkit null in $null_ms ms, $null_kib KiB"
if ! sanitized; then
  awk -v a="$null_ms" -v b="$ms" 'BEGIN { exit !(b - a < 50) }' ||
    fail "50 ms or more slower to start"
  [ "$kib" -lt 10240 ] || fail "10 MiB or more for an empty disk"
fi

for page in 4K 64K; do
  start_nbdkit "${plugin[@]}" size=16T page-size=$page
  nbdsh -u "$uri" -c - <<'END'
size = h.get_size()
assert size == 1 << 44
# The last bytes, the last page, and both sides of the middle.
for at, n in [(size - 1, 1), (size - 511, 511), (size - 4096, 4096),
              (size - 65536, 65536), (size // 2 - 5, 10), (0, 1)]:
    data = bytes(at * 7 + i & 0xff for i in range(n))
    assert h.pread(n, at) == bytes(n)
    h.pwrite(data, at)
    assert h.pread(n, at) == data, "%d bytes at %d" % (n, at)
    h.zero(n, at)
    assert h.pread(n, at) == bytes(n)
    h.pwrite(data, at)
    h.trim(n, at)
    assert h.pread(n, at) == bytes(n)
# Everything, in the largest requests there are.
at = 0
while at < size and at < 1 << 40:
    n = min((1 << 32) - 4096, size - at)
    h.trim(n, at)
    at += n
END
  [ "$(nbdinfo --size "$uri")" = 17592186044416 ]
  stop_nbdkit
done

nbdkit_refuses '16 ?T|17592186044416' "${plugin[@]}" size=17592186044928
nbdkit_refuses '16 ?T|17592186044416' "${plugin[@]}" size=1E
