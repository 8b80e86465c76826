#!/usr/bin/env bash
# nbdzramctl stat: the kinds of memory add up and say what is data and what is
# only ready for it; the ratio is that of the table; swap.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

MiB=$((1024 * 1024))

# kind NAME: bytes of memory of a kind, of $tmpdir/stat, made with -b.
kind ()
{
  awk -v name="$1" '/^  memory / { on = 1; next } /^  [a-z]/ { on = 0 }
                    on && $1 == name { print $2 }' "$tmpdir/stat"
}
look ()
{
  ctl stat -b "$@" >"$tmpdir/stat"
  cat "$tmpdir/stat"
}
add_up ()
{
  awk '/^  memory / { on = 1; want = $2 + 0; next } /^  [a-z]/ { on = 0 }
       on { sum += $2 } END { exit want == 0 || sum != want }' "$tmpdir/stat" ||
    fail "$1: the kinds of memory do not add up"
}

say "nothing written, and a reserve"
start_nbdkit "${plugin[@]}" size=64M swap=true swap-reserve=8M
export NBDZRAM_URI=$sock
look zram0
add_up "empty"
[ "$(kind objects)" -lt "$MiB" ] || fail "the reserve is shown as objects"
[ "$(kind raw)" -lt "$MiB" ] || fail "the reserve is shown as raw pages"
[ "$(kind ready)" -ge $((7 * MiB)) ] || fail "there is no ready memory"
grep -q '^  swap  *\(safe\|unsafe, not in force: [a-z, ]*\); [0-9]* ready' \
     "$tmpdir/stat" || fail "stat says nothing of swap"
missing=$(ctl stat -J zram0 | jq -r '.devices[0] | if .swap_safe.safe then
  empty else .swap_safe | to_entries[] | select (.value | not) | .key end')
for step in $missing; do
  case $step in
    safe) continue;;
    # It is no reason why swap is not safe.
    oom) ! grep "^  swap .* oom[,;]" "$tmpdir/stat" || fail "oom is no reason"
         continue;;
  esac
  grep -q "^  swap .*not in force:.* ${step}[,;]" "$tmpdir/stat" ||
    fail "stat does not say that $step is missing"
done

say "with data of each kind"
real_data "$tmpdir/data" $((4 * MiB))
head -c $((2 * MiB)) /dev/urandom >>"$tmpdir/data"
nbdcopy "$tmpdir/data" "nbd+unix:///zram0?socket=$sock"
look zram0
# What the server moves meanwhile may be counted twice: wait for a quiet look.
for ((i = 0; i < 100; i++)); do
  if (add_up "data") 2>/dev/null; then break; fi
  sleep 0.1
  look zram0 >/dev/null
done
add_up "data"
[ "$(kind raw)" -ge $((2 * MiB)) ] || fail "raw pages are not shown"
[ "$(kind raw)" -lt $((3 * MiB)) ] || fail "more raw pages than written"
compressed=$(awk '$1 == "compressed" { print $2 }' "$tmpdir/stat")
objects=$(kind objects)
[ $((objects + $(kind raw))) -ge "$compressed" ] || fail "objects are missing"
[ $((objects + $(kind raw))) -le $((compressed + MiB)) ] ||
  fail "more objects than there are"

say "the ratio is that of the table"
ctl stat zram0 | sed -n 's/^  memory .*ratio \([0-9.]*\);.*/\1/p' \
  >"$tmpdir/ratio"
is "ratio" "$(cat "$tmpdir/ratio")" "$(ctl -n --raw -o COMP-RATIO zram0)"
stop_nbdkit

say "no swap=true; no requests; other servers"
start_nbdkit "${plugin[@]}" size=64M
NBDZRAM_URI=$sock
look zram0
grep -qx '  swap         off' "$tmpdir/stat" || fail "swap is not off"
grep -q '^  upkeep       waits: 0K are stored, ' "$tmpdir/stat" ||
  fail "what upkeep waits for"
grep -q '^    read  *0  *0  *-  *-  *-  *-$' "$tmpdir/stat" ||
  fail "times of requests that there were none of"
stop_nbdkit
# Counts of two moments, and a server that knows of nothing ready.
echo '{"version":"0.1","devices":[{"name":"zram0","zero_pages":5,
"same_pages":3,"mem_used_total":10,"memory":{"segments":10,"directories":9,
"free":9,"raw":1,"ready_raw":7}}]}' >"$tmpdir/answer"
start_nbdkit file "$tmpdir/answer"
NBDZRAM_URI=$sock
look
! grep -q '[0-9]\{10\}' "$tmpdir/stat" || fail "a count went below zero"
is "raw" "$(kind raw)" 0
is "ready" "$(kind ready)" 1
