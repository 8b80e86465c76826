#!/usr/bin/env bash
# The disk under nbdkit's filters: what goes through them is compared with
# an array (nbd-model.py), and each is seen to do its own work.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires qemu-img
requires_filter partition offset cow luks stats error delay blocksize \
                readahead multi-conn
requires_plugin nbd

operations=$(scaled 600)
say "SEED=$seed"

# behind FILTER PARAMETER...: compare through a filter with parameters.
behind ()
{
  local filter=$1
  shift
  say "$filter $*"
  start_nbdkit --filter="$filter" "${plugin[@]}" size=12M "$@"
  model "['$uri', '$uri']" "$operations" filtered=True "$also"
  stop_nbdkit
}

also=
behind offset offset=1000001 range=8000000
behind multi-conn multi-conn-mode=emulate
behind multi-conn multi-conn-mode=auto
behind readahead
behind nozero
behind nozero zeromode=notrim
behind fua fuamode=emulate
behind noextents
behind noparallel serialize=all-requests
behind truncate truncate=10000001
behind log logfile="$tmpdir/requests"
grep -q 'Write .*offset' "$tmpdir/requests"
# These do not pass on a trim as it is: some leave its ends out, others keep
# data of their own.
also=trim_erases=False
behind blocksize minblock=4K maxdata=64K maxlen=1M
behind blocksize minblock=512
behind cache
behind cow

say "cow: the disk below stays as it was"
start_nbdkit -n below "${plugin[@]}" size=4M
below=$uri below_sock=$sock
nbdsh -u "$below" -c 'h.pwrite(b"below" * 100, 5000)'
start_nbdkit -n above --filter=cow nbd socket="$below_sock"
nbdsh -u "$uri" -c 'assert h.pread(500, 5000) == b"below" * 100
h.pwrite(b"above" * 100, 5000)
assert h.pread(500, 5000) == b"above" * 100'
nbdsh -u "$below" -c 'assert h.pread(500, 5000) == b"below" * 100'
stop_nbdkit above
stop_nbdkit below

say "stats"
start_nbdkit --filter=stats "${plugin[@]}" size=12M statsfile="$tmpdir/stats"
nbdsh -u "$uri" -c 'h.pwrite(bytes(3000000), 0); h.pread(1000, 0)'
stop_nbdkit
cat "$tmpdir/stats"
grep -Eq '^write: 1 ops' "$tmpdir/stats"
grep -Eq '^read: 1 ops' "$tmpdir/stats"

say "error: what failed is tried again, and nothing else is lost"
start_nbdkit --filter=error "${plugin[@]}" size=12M error=EIO error-rate=20%
model "['$uri', '$uri']" "$operations" filtered=True faults=True
grep -q 'injecting EIO' "$tmpdir/server.log"
stop_nbdkit

say "delay"
start_nbdkit --filter=delay "${plugin[@]}" size=12M wdelay=300ms
nbdsh -u "$uri" -c - <<'END'
import time
start = time.monotonic()
h.pwrite(b"late" * 1000, 12345)
assert time.monotonic() - start >= 0.3
assert h.pread(4000, 12345) == b"late" * 1000
END
stop_nbdkit

# These two read the disk when a client connects, so it is filled first and
# they stand before it, as another server.
say "partition"
start_nbdkit -n disk "${plugin[@]}" size=16M
disk_sock=$sock disk=$uri
nbdsh -u "$disk" -c - <<'END'
# A master boot record: partition 1 is 4 MiB from 1 MiB, 2 the 8 after.
def entry(first, count):
    return (bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) +
            first.to_bytes(4, "little") + count.to_bytes(4, "little"))
h.pwrite(bytes(446) + entry(2048, 8192) + entry(10240, 16384) + bytes(32) +
         b"\x55\xaa", 0)
h.pwrite(b"first", 1 << 20)
h.pwrite(b"second", 5 << 20)
END
start_nbdkit -n one --filter=partition nbd socket="$disk_sock" partition=1
nbdsh -u "$uri" -c 'assert h.get_size() == 4 << 20
assert h.pread(5, 0) == b"first"
h.trim(5, 0)'
model "['$uri', '$uri']" "$operations" filtered=True
stop_nbdkit one
nbdsh -u "$disk" -c 'assert h.pread(6, 5 << 20) == b"second"
assert h.pread(2, 510) == b"\x55\xaa"'
stop_nbdkit disk

say "luks"
printf secret >"$tmpdir/passphrase"
# Few iterations: what counts here is the cipher, not the key.  qemu-img
# measures how many those are, and fails if the clock did not tick meanwhile.
for ((i = 0; i < 20; i++)); do
  if qemu-img create -q -f luks -o key-secret=s,iter-time=10 \
              --object secret,id=s,file="$tmpdir/passphrase" \
              "$tmpdir/luks" 8M >"$tmpdir/qemu-img.log" 2>&1; then break; fi
done
start_nbdkit -n disk "${plugin[@]}" size="$(stat -c %s "$tmpdir/luks")"
disk_sock=$sock disk=$uri
nbdcopy "$tmpdir/luks" "$disk"
start_nbdkit -n plain --filter=luks nbd socket="$disk_sock" \
             passphrase=secret
nbdsh -u "$uri" -c 'assert h.get_size() == 8 << 20
h.pwrite(b"plaintxt" * 8192, 512)
assert h.pread(65536, 512) == b"plaintxt" * 8192'
nbdsh -u "$disk" -c 'at = 0
while at < h.get_size():
    n = min(1 << 20, h.get_size() - at)
    assert b"plaintxt" not in h.pread(n, at)
    at += n'
stop_nbdkit plain
stop_nbdkit disk
