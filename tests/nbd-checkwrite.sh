#!/usr/bin/env bash
# nbdkit's checkwrite filter compares every write, zero and trim with what
# is there: a copy from our disk and one onto it, both looked at so.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires mke2fs e2fsck
requires_filter checkwrite
requires_plugin file nbd

mib=$(scaled 64)
ext4_image "$tmpdir/image" "$mib"

start_nbdkit -n ours "${plugin[@]}" size="${mib}M"
ours=$uri ours_sock=$sock
nbdcopy "$tmpdir/image" "$ours"

# What we say we hold, data and holes, is what the file holds.
start_nbdkit -n file --filter=checkwrite file "$tmpdir/image"
nbdcopy "$ours" "$uri"
nbdcopy --request-size=4096 "$ours" "$uri"
stop_nbdkit file

# What the file holds is what we hold.
start_nbdkit -n checked --filter=checkwrite nbd socket="$ours_sock"
nbdcopy "$tmpdir/image" "$uri"
nbdcopy "$ours" "$uri"

# It does notice a difference of one byte.  Not by nbdcopy, which would leave
# in the middle of its other requests, and nbdkit 1.32 may die of that.
nbdsh -u "$ours" -c 'b = h.pread(1, 2000); h.pwrite(bytes([b[0] ^ 1]), 2000)'
image=$tmpdir/image nbdsh -u "$uri" -c - <<'END'
import os
with open(os.environ["image"], "rb") as f:
    page = f.read(4096)
try:
    h.pwrite(page, 0)
    raise SystemExit("the filter does not notice a changed byte")
except nbd.Error as e:
    assert e.errno == "EIO", e
h.shutdown()
END
stop_nbdkit checked
stop_nbdkit ours
