#!/usr/bin/env bash
# nbdfuse makes a file of the disk: ordinary programs read and write it.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires nbdfuse fusermount3
[ -w /dev/fuse ] || skip "/dev/fuse cannot be used here"

real_data "$tmpdir/data" "$(scaled 16000000)"
size=$(stat -c %s "$tmpdir/data")
start_nbdkit "${plugin[@]}" size=32M
mkdir "$tmpdir/mnt"
nbdfuse -P "$tmpdir/nbdfuse.pid" "$tmpdir/mnt/disk" "$uri" \
        >"$tmpdir/nbdfuse.log" 2>&1 &
nbdfuse_pid=$!
for ((i = 0; i < 500; i++)); do
  if [ -s "$tmpdir/nbdfuse.pid" ]; then break; fi
  kill -0 "$nbdfuse_pid" || fail "nbdfuse does not start"
  sleep 0.02
done

file=$tmpdir/mnt/disk
# Whatever happens next, the mount must not be left behind.
status=0
(
  set -e
  [ "$(stat -c %s "$file")" -eq $((32 * 1024 * 1024)) ]
  dd if="$tmpdir/data" of="$file" bs=100000 conv=notrunc status=none
  cmp -n "$size" "$tmpdir/data" "$file"
  # Some bytes in the middle of a page.
  printf 'written through a file' |
    dd of="$file" bs=1 seek=12345 conv=notrunc status=none
  [ "$(dd if="$file" bs=1 skip=12345 count=22 status=none)" = \
    'written through a file' ]
  cmp -n 12345 "$tmpdir/data" "$file"
  cmp -i 12367 -n $((size - 12367)) "$tmpdir/data" "$file"
) || status=$?
fusermount3 -u "$tmpdir/mnt"
wait "$nbdfuse_pid" || status=$?
[ "$status" -eq 0 ] || fail "through nbdfuse: $status"

nbdsh -u "$uri" -c \
  'assert h.pread(22, 12345) == b"written through a file"'
stop_nbdkit
