#!/usr/bin/env bash
# An ext4 file system of files of this machine makes the round trip with
# every codec and page size: nothing differs, and fsck finds nothing.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires mke2fs e2fsck

mib=$(scaled 64)
ext4_image "$tmpdir/image" "$mib"
read -r -a algorithms <<<"$(codecs)"
say "$mib MiB, $(du -m "$tmpdir/image" | cut -f 1) of them used;" \
    "codecs: ${algorithms[*]}"
[ ${#algorithms[@]} -gt 0 ] || fail "no codecs"

for algo in "${algorithms[@]}"; do
  for page in 4K 16K 64K; do
    start_nbdkit "${plugin[@]}" size="${mib}M" algo="$algo" page-size=$page
    empty=$(rss "$pid")
    nbdcopy "$tmpdir/image" "$uri"
    held=$(($(rss "$pid") - empty))
    nbdcopy "$uri" "$tmpdir/back"
    cmp "$tmpdir/image" "$tmpdir/back"
    e2fsck -fn "$tmpdir/back" >"$tmpdir/e2fsck.log" 2>&1 ||
      fail "algo=$algo page-size=$page: e2fsck finds errors"
    rm "$tmpdir/back"
    stop_nbdkit
    say "algo=$algo page-size=$page: identical," \
        "the server grew by $((held / 1024)) KiB"
  done
done
