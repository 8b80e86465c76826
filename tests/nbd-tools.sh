#!/usr/bin/env bash
# The tools that people have: nbdinfo, nbdcopy, nbdsh, qemu-img, qemu-io and
# nbd-client's listing, over a Unix socket and over TCP.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires qemu-img qemu-io jq

size=67108864
real_data "$tmpdir/data" "$(scaled 32000000)"
data_size=$(stat -c %s "$tmpdir/data")
# The same with the end of the disk, as the whole of it reads.
cp "$tmpdir/data" "$tmpdir/whole"
truncate -s $size "$tmpdir/whole"

use_nbdinfo ()
{
  nbdinfo "$uri" >"$tmpdir/info"
  grep -q "export-size: $size" "$tmpdir/info"
  [ "$(nbdinfo --size "$uri")" = $size ]

  nbdinfo --json "$uri" >"$tmpdir/json"
  jq -e '.exports | length == 1' "$tmpdir/json" >/dev/null
  jq -e ".exports[0] | .\"export-size\" == $size
    and .can_cache and .can_df and .can_fast_zero and .can_flush
    and .can_fua and .can_multi_conn and .can_trim and .can_zero
    and (.is_read_only | not) and (.is_rotational | not)
    and .block_size_minimum == 1 and .block_size_preferred == 4096
    and .block_size_maximum == 67108864
    and (.contexts | index(\"base:allocation\") != null)" "$tmpdir/json" \
    >/dev/null || fail "nbdinfo --json: $(cat "$tmpdir/json")"

  nbdinfo --list --json "$uri" >"$tmpdir/json"
  jq -e '.exports | map(select(."export-name" == "zram0")) | length == 1
    and (.[0].description | test("compressed"))' "$tmpdir/json" \
    >/dev/null || fail "nbdinfo --list: $(cat "$tmpdir/json")"

  local can
  for can in cache df fast-zero flush fua multi-conn trim zero write; do
    nbdinfo --can $can "$uri" || fail "nbdinfo --can $can"
  done
  if nbdinfo --is read-only "$uri"; then fail "nbdinfo --is read-only"; fi
  if nbdinfo --is rotational "$uri"; then fail "nbdinfo --is rotational"; fi
}

use_nbdcopy ()
{
  nbdcopy "$tmpdir/data" "$uri"
  nbdcopy "$uri" "$tmpdir/back"
  cmp "$tmpdir/whole" "$tmpdir/back"
  nbdcopy --synchronous "$uri" - | cmp - "$tmpdir/whole"
  nbdcopy --connections=4 --requests=32 "$uri" null:
  nbdinfo --map "$uri" | grep -q hole
  rm "$tmpdir/back"
}

use_nbdsh ()
{
  nbdsh -u "$uri" -c "at = $size - 1000" -c - <<'END'
h.pwrite(b"nbdsh" * 200, at, nbd.CMD_FLAG_FUA)
assert h.pread(1000, at) == b"nbdsh" * 200
h.flush()
h.trim(1000, at)
assert h.pread(1000, at) == bytes(1000)
try:
    h.set_strict_mode(0)
    h.pread(2, h.get_size() - 1)
    raise AssertionError("read past the end")
except nbd.Error as e:
    pass
END
}

use_qemu ()
{
  qemu-img info --output=json "$1" |
    jq -e ".\"virtual-size\" == $size" >/dev/null
  qemu-img compare -f raw -F raw "$tmpdir/whole" "$1"
  qemu-img convert -f raw -O raw "$1" "$tmpdir/back"
  cmp "$tmpdir/whole" "$tmpdir/back"
  # Block status as qemu sees it.
  qemu-img map --output=json "$1" |
    jq -e 'any(.[]; .data) and any(.[]; .zero)' >/dev/null
  # Onto the disk, over what is there.
  qemu-img create -q -f raw "$tmpdir/empty" $size
  qemu-img convert -n -f raw -O raw "$tmpdir/empty" "$1"
  nbdcopy "$uri" - | cmp - "$tmpdir/empty"
  qemu-img convert -n -f raw -O raw "$tmpdir/back" "$1"
  nbdcopy "$uri" - | cmp - "$tmpdir/whole"
  # Patterns, unaligned too; qemu-io says so if one does not match.
  qemu-io -f raw -c "write -P 0x5a 1000 70000" -c "read -P 0x5a 1000 70000" \
          -c "write -z 5000 20000" -c "read -P 0 5000 20000" \
          -c "discard 30000 10000" -c "write -z -u 65536 65536" \
          -c "read -P 0 65536 65536" -c "flush" -c "read -P 0x5a 1000 4000" \
          "$1" >"$tmpdir/qemu-io.log"
  if grep -Eqi 'failed|error' "$tmpdir/qemu-io.log"; then fail "qemu-io"; fi
  rm "$tmpdir/back" "$tmpdir/empty"
}

# Both ways to reach it; qemu has its own spelling of a socket's URI.
start_nbdkit "${plugin[@]}" size=$size
say "over a Unix socket"
use_nbdinfo
use_nbdcopy
use_nbdsh
use_qemu "nbd+unix:///?socket=$sock"
stop_nbdkit

start_nbdkit_tcp "${plugin[@]}" size=$size
say "over TCP"
use_nbdinfo
use_nbdcopy
use_nbdsh
use_qemu "nbd://127.0.0.1:$port"
uri="nbd://127.0.0.1:$port/zram0"
say "by its name"
use_nbdcopy
if nbdinfo "nbd://127.0.0.1:$port/zram1" >/dev/null 2>&1; then
  fail "an export that is not there can be opened"
fi
stop_nbdkit
say "$data_size bytes of data"
