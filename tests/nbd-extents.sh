#!/usr/bin/env bash
# Block status tells holes, zeroes and data apart, exactly to the page:
# what was never written or was trimmed is a hole, what was zeroed with the
# wish to keep the space is allocated zeroes, the rest is data.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

for page in 4K 16K 64K; do
  say "page-size=$page"
  start_nbdkit "${plugin[@]}" size=1G page-size=$page
  page=$((${page%K} * 1024))

  # nbdinfo prints offset, length, number and name of each extent.
  # expect FILE of "OFFSET LENGTH NAME" in pages, at the end of every step.
  expect ()
  {
    local what=$1
    nbdinfo --map "$uri" | awk -v p=$page \
      '{ print $1 / p, $2 / p, $4 }' >"$tmpdir/got"
    if ! diff -u - "$tmpdir/got"; then fail "$what"; fi
  }
  pages=$((1024 * 1024 * 1024 / page))
  # python, with p the page size and d(n) n pages of data
  python=("p = $page" -c 'd = lambda n: b"data" * (n * p // 4)')
  run () { nbdsh -u "$uri" -c "${python[@]}" -c "$1"; }

  expect "an empty disk" <<END
0 $pages hole,zero
END

  run 'h.pwrite(d(10), 100 * p)'
  expect "ten pages written" <<END
0 100 hole,zero
100 10 data
110 $((pages - 110)) hole,zero
END

  run 'h.zero(2 * p, 102 * p); h.zero(2 * p, 106 * p, nbd.CMD_FLAG_NO_HOLE)'
  expect "two pages zeroed, and two kept allocated" <<END
0 100 hole,zero
100 2 data
102 2 hole,zero
104 2 data
106 2 zero
108 2 data
110 $((pages - 110)) hole,zero
END

  run 'h.trim(5 * p, 104 * p)'
  expect "trimmed over data and zeroes" <<END
0 100 hole,zero
100 2 data
102 7 hole,zero
109 1 data
110 $((pages - 110)) hole,zero
END

  # The pages at the ragged ends keep the bytes that were not meant.
  run 'h.pwrite(d(8), 200 * p); h.trim(4 * p, 201 * p + 1)'
  run 'h.zero(4 * p - 2, 300 * p + 1, nbd.CMD_FLAG_NO_HOLE)'
  run 'h.pwrite(d(8), 400 * p);
h.zero(4 * p - 2, 401 * p + 1, nbd.CMD_FLAG_NO_HOLE)'
  nbdinfo --map "$uri" | awk -v p=$page '$1 / p >= 200 && $1 / p < 300 {
      print $1 / p, $2 / p, $4 }' >"$tmpdir/got"
  diff -u - "$tmpdir/got" <<END || fail "trimmed, unaligned"
200 2 data
202 3 hole,zero
205 3 data
208 92 hole,zero
END
  nbdinfo --map "$uri" | awk -v p=$page '$1 / p >= 400 {
      print $1 / p, $2 / p, $4 }' >"$tmpdir/got"
  diff -u - "$tmpdir/got" <<END || fail "zeroed, unaligned"
400 2 data
402 2 zero
404 4 data
408 $((pages - 408)) hole,zero
END

  # Pages of zeroes written as data take no room and read as zeroes; so
  # does a page that is zeroed in two halves, as the last one says.
  run 'h.trim(p * 500, 0); h.pwrite(bytes(4 * p), 2 * p)'
  run 'h.pwrite(d(3), 10 * p)
for at in (10, 12):
    flag = nbd.CMD_FLAG_NO_HOLE if at == 12 else 0
    h.zero(p // 2, at * p, flag)
    h.zero(p // 2, at * p + p // 2, flag)'
  expect "zeroes written, and pages zeroed in two halves" <<END
0 2 hole,zero
2 4 zero
6 5 hole,zero
11 1 data
12 1 zero
13 $((pages - 13)) hole,zero
END

  # Stripes over the whole disk, however it is divided inside.
  run 'h.trim(1 << 30, 0)
for at in range(64 * p, 1 << 30, 128 * p):
    h.zero(64 * p, at, nbd.CMD_FLAG_NO_HOLE)'
  for ((at = 0; at < pages; at += 128)); do
    echo "$at 64 hole,zero"
    echo "$((at + 64)) 64 zero"
  done | expect "stripes of holes and zeroes"
  run 'h.trim(1 << 30, 0)'

  # The map of a part starts and ends where it was asked to.
  run 'h.pwrite(d(3), 20 * p)'
  nbdsh --base-allocation -u "$uri" -c "${python[@]}" -c - <<'END'
def ask(count, offset, flags=0):
    got = []
    def extent(context, at, entries, error):
        got.extend(zip(entries[0::2], entries[1::2]))
    h.block_status(count, offset, extent, flags)
    return got

HOLE = nbd.STATE_HOLE | nbd.STATE_ZERO
assert ask(1, 20 * p) == [(1, 0)]
assert ask(1, 20 * p - 1) == [(1, HOLE)]
got = ask(2 * p + 1, 19 * p + 7)
assert got == [(p - 7, HOLE), (p + 8, 0)], got
got = ask(2 * p, 19 * p + 7, nbd.CMD_FLAG_REQ_ONE)
assert got == [(p - 7, HOLE)], got
END
  stop_nbdkit
done

# A last page that is not whole.
start_nbdkit "${plugin[@]}" size=$((1024 * 1024 + 512)) page-size=64K
nbdsh -u "$uri" -c 'h.pwrite(b"end", h.get_size() - 3)'
nbdinfo --map "$uri" | awk '{ print $1, $2, $4 }' >"$tmpdir/got"
diff -u - "$tmpdir/got" <<END || fail "a last page that is not whole"
0 1048576 hole,zero
1048576 512 data
END
nbdsh -u "$uri" -c 'h.trim(512, 1048576)'
nbdinfo --map "$uri" | awk '{ print $1, $2, $4 }' >"$tmpdir/got"
diff -u - "$tmpdir/got" <<END || fail "the same, trimmed"
0 1049088 hole,zero
END
