#!/usr/bin/env bash
# nbdzramctl estimate: what it says of a file is what a disk then holds; a
# process's memory is looked at; a sample is near the whole.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"
requires jq

real_data "$tmpdir/data" $((8 << 20))
read -r -a codecs < <(codecs)
codec=${codecs[0]}

say "the whole of a file"
for page in 4096 65536; do
  ctl estimate "$tmpdir/data" --sample all -a "$codec" --page-size $page \
      -J -b >"$tmpdir/estimate"
  start_nbdkit "${plugin[@]}" size=8M algo="$codec" page-size=$page late=off
  nbdcopy "$tmpdir/data" "nbd+unix:///zram0?socket=$sock"
  # nbdcopy does not write what is zero, so that compressed bytes are equal.
  read -r _ compr _ < <(nbdcopy "nbd+unix:///zram0/mm_stat?socket=$sock" -)
  is "$codec, pages of $page" "$(jq '.estimates[0].compr' "$tmpdir/estimate")" \
     "$compr"
  jq -e --argjson page "$page" '.estimates | length == 1 and
       (.[0] | ."page-size" == $page and .total >= .compr and .ratio > 0 and
               ."write-page" > 0 and ."read-page" > 0)' \
     "$tmpdir/estimate" >/dev/null || fail "$(cat "$tmpdir/estimate")"
  stop_nbdkit
done

say "a sample"
ctl estimate "$tmpdir/data" -a "$codec" --page-size 4K -J -b --sample 2M |
  jq '.estimates[0].compr' >"$tmpdir/part"
ctl estimate "$tmpdir/data" -a "$codec" --page-size 4K -J -b --sample all |
  jq '.estimates[0].compr' >"$tmpdir/all"
awk -v a="$(cat "$tmpdir/part")" -v b="$(cat "$tmpdir/all")" \
    'BEGIN { exit !(a > b * 0.7 && a < b * 1.4) }' ||
  fail "a quarter says $(cat "$tmpdir/part"), all $(cat "$tmpdir/all")"

say "raw: a word for each column"
ctl estimate "$tmpdir/data" --sample 256K --raw -n | awk 'NF != 9' >"$tmpdir/odd"
[ ! -s "$tmpdir/odd" ] || fail "other than 9 words: $(cat "$tmpdir/odd")"

# What upkeep makes of it: less than any codec at its level, and no less than
# zstd at upkeep's levels without the help of a dictionary leaves room for.
if [[ " ${codecs[*]} " = *" zstd "* ]]; then
  say "in a day"
  ctl estimate "$tmpdir/data" --sample all -a zstd:1,lz4,zstd:15 \
      --page-size 4K,16K -J -b >"$tmpdir/estimate"
  jq -e '[.estimates[] | select(."page-size" == 4096)] |
         (map(."in-a-day") | max <= min * 1.02) and
         .[0]."in-a-day" < .[0].total * 0.99 and
         .[0]."in-a-day" > .[2].total * 0.8 and
         .[1]."in-a-day" < .[1].total * 0.9' "$tmpdir/estimate" >/dev/null ||
    fail "$(cat "$tmpdir/estimate")"
  jq -e '.estimates | map(."in-a-day" > 0) | all' "$tmpdir/estimate" >/dev/null
fi

say "all codecs and page sizes"
ctl estimate "$tmpdir/data" --sample 256K 2>"$tmpdir/err" >"$tmpdir/table"
for c in "${codecs[@]}"; do
  for page in 4K 16K 64K; do
    grep -Eq "^$c .* $page +[0-9.]+ " "$tmpdir/table" ||
      fail "no line for $c and $page"
  done
done
grep -q 'data: 8M, of which' "$tmpdir/err" || fail "what was looked at?"

say "progress on a terminal, and only there"
! grep -q '\[#' "$tmpdir/err" || fail "a bar in a file"
script -qec "$(printf '%q ' "${ctl_words[@]}") estimate $tmpdir/data \
--sample 256K -a $codec" /dev/null >"$tmpdir/typescript"
grep -q '\[#* *\.*\]' "$tmpdir/typescript" || fail "no bar"

say "a process"
python3 -c '
import os, sys
noise = os.urandom(12 << 20)
print(flush=True)
sys.stdin.read()' < <(sleep 60) >"$tmpdir/ready" &
p=$!
for ((i = 0; i < 200; i++)); do
  if [ -s "$tmpdir/ready" ]; then break; fi
  sleep 0.05
done
ctl estimate --pid $p -a "$codec" --page-size 4K -J -b --sample all \
    >"$tmpdir/estimate"
kill $p
wait $p || :
# 12 MiB of noise are kept as they are; the rest compresses.
jq -e '.estimates[0] | .compr > 12000000 and .compr < 30000000 and
       .ratio > 0.9' "$tmpdir/estimate" >/dev/null ||
  fail "$(cat "$tmpdir/estimate")"

say "a file that ends within a page"
head -c 1234567 "$tmpdir/data" >"$tmpdir/odd"
ctl estimate "$tmpdir/odd" -a "$codec" --page-size 4K -J -b >"$tmpdir/estimate"
jq -e '.estimates[0] | .total > .compr and .total < .compr + 1500000' \
   "$tmpdir/estimate" >/dev/null || fail "$(cat "$tmpdir/estimate")"

say "holes"
truncate -s 15T "$tmpdir/sparse"
dd if="$tmpdir/data" of="$tmpdir/sparse" bs=64K seek=$((100 << 20)) \
   count=32 conv=notrunc status=none
# Sanitizers want terabytes of address space.
limit=unlimited
[ -n "$sanitizer" ] || limit=1000000
(ulimit -v $limit
 timeout 60 "${ctl_words[@]}" estimate "$tmpdir/sparse" -a "$codec" \
         --page-size 4K -J -b --sample all) >"$tmpdir/estimate" ||
  fail "2M of data in 15T"
head -c 2M "$tmpdir/data" >"$tmpdir/dense"
ctl estimate "$tmpdir/dense" -a "$codec" --page-size 4K -J -b --sample all |
  jq '.estimates[0] | .compr, .total, .ratio' >"$tmpdir/wanted"
jq '.estimates[0] | .compr, .total, .ratio' "$tmpdir/estimate" |
  diff "$tmpdir/wanted" - || fail "holes make a difference"
rm "$tmpdir/sparse"
for where in "$tmpdir" /dev/shm; do
  sparse=$(mktemp "$where/zram-XXXXXX") || continue
  if truncate -s 7E "$sparse" 2>"$tmpdir/err"; then
    (ulimit -v $limit
     timeout 60 "${ctl_words[@]}" estimate "$sparse" -a "$codec") \
      >"$tmpdir/estimate" 2>"$tmpdir/err" || status=$?
    rm "$sparse"
    [ "${status:-0}" -eq 0 ] || fail "7E of nothing: $(cat "$tmpdir/err")"
    grep -q '7E, of which 7E are holes and 0B were tried' "$tmpdir/err" ||
      fail "$(cat "$tmpdir/err")"
  else
    rm "$sparse"
  fi
done

say "interrupted"
python3 - "${ctl_words[@]}" estimate "$tmpdir/data" --sample all <<'END'
import signal, subprocess, sys, time
# Whoever runs the tests in the background may have it ignored.
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL,
                     preexec_fn=lambda: signal.signal(signal.SIGINT,
                                                      signal.SIG_DFL))
# Of many seconds.
time.sleep(0.2)
p.send_signal(signal.SIGINT)
assert p.wait(60) == -signal.SIGINT, p.returncode
END

say "what cannot be"
: >"$tmpdir/empty"
refused 1 'empty' estimate "$tmpdir/empty"
refused 1 'No such file' estimate "$tmpdir/nonexistent"
refused 1 'Is a directory' estimate "$tmpdir"
refused 1 'no such process' estimate --pid 999999999
refused 1 'not the number' estimate --pid x
refused 2 'estimate what' estimate
refused 2 'estimate what' estimate x --pid 1
refused 2 'no such codec' estimate "$tmpdir/data" -a nosuch
refused 2 'level' estimate "$tmpdir/data" -a "$codec:99999999"
refused 2 'level is no number' estimate "$tmpdir/data" -a "$codec:x"
refused 2 'power of two' estimate "$tmpdir/data" --page-size 5K
for list in '' ',' '4K,' ,4K 4K,,64K; do
  refused 2 '--page-size "": must be a power of two' \
          estimate "$tmpdir/data" --page-size "$list"
done
head -c 35600 /dev/urandom >"$tmpdir/odd"
ctl estimate "$tmpdir/odd" --page-size 4K 2>&1 >/dev/null |
  grep -q ': 34.8K, of which 34.8K were tried' ||
  fail "more was tried than there is"
refused 2 'not a size' estimate "$tmpdir/data" --sample x
refused 2 '--uri does not go' estimate "$tmpdir/data" -u x
