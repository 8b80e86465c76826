#!/usr/bin/env bash
# The ratios that the project stands on: CPU time of the server an operation
# against the yardstick plugin, which runs the same codec and does nothing
# else, and memory held over the compressed bytes.  Never a time by itself:
# this runs beside other tests, on machines that are busy.  The limits are
# far from what is reached, so that what passes them is broken and not
# noise; what is reached is told by make bench.
# SPDX-License-Identifier: BSD-3-Clause
#
# Only in builds without sanitizers, which slow down the disk and not the
# yardstick's memcpy.

source "$(dirname "$0")/functions.sh"
requires jq taskset unshare perl

# Requests of 4 KiB at random, in which the socket has its part, and of
# 128 KiB in order, in which only the disk counts.
declare -A cpu_limits=(
  # (Late pages take a second processor, and more of both.)
  [write-32]=1.4 [read-32]=1.4 [seq-write]=1.7 [seq-read]=1.4
)
# Of 32 MiB, where a codec's context is a per cent or three by itself, and a
# dictionary, which makes the pages smaller, as much again:
# per cent over the compressed bytes after each phase.
declare -A memory_limits=(
  [lz4]='filled=5 churned=7 trimmed=11'
  [zstd]='filled=10 churned=13 trimmed=24'
)

bench=$abs_top_builddir/bench
corpus=$tmpdir/corpus.raw
"$abs_top_srcdir/bench/capture" --size 32 --mib 16 \
    --programs python,perl "$corpus" 2>/dev/null

# cpu_ratios FILE: writes a line for each codec and load.
cpu_ratios ()
{
  "$abs_top_srcdir/bench/compare" --build "$bench" --corpus "$corpus" \
      --targets zram-lz4,yardstick-lz4,zram-zstd,yardstick-zstd \
      --rows write-32,read-32,seq-write,seq-read --peer zram-lz4 \
      --seconds 0.15 --warmup 0.05 --repeats 5 --json "$tmpdir/cpu.json" >"$tmpdir/cpu.md" \
      2>"$tmpdir/compare.log" || return
  jq -r '.summary[] | select(.yardstick_cpu) |
         "\(.target) \(.row) \(.yardstick_cpu * 100 | round / 100)"' "$tmpdir/cpu.json" >"$1"
  [ "$(wc -l <"$1")" -eq 8 ]
}

# above FILE: the lines of it that pass their limit.
above ()
{
  local target row over
  while read -r target row over; do
    awk -v a="$over" -v b="${cpu_limits[$row]}" 'BEGIN { exit !(a > b) }' &&
      echo "$target $row $over"
  done <"$1" || :
}

# check_memory CODEC: its rows against the limits.
check_memory ()
{
  local codec=$1 row phase limit over
  for row in ${memory_limits[$codec]}; do
    phase=${row%=*} limit=${row#*=}
    over=$(awk -v phase="$phase" '$1 == phase { print $4 + 0 }' \
               "$tmpdir/memory-$codec")
    [ -n "$over" ] || fail "no figure for $phase with $codec"
    say "$codec, $phase: $over % over the compressed bytes, limit $limit"
    awk -v a="$over" -v b="$limit" 'BEGIN { exit !(a <= b) }' ||
      fail "$codec holds $over % more than its pages when $phase"
  done
}

declare -A memory_pid
for codec in "${!memory_limits[@]}"; do
  # It sleeps nearly all the time, to see what the idle disk gives back.
  "$bench/memory" "$corpus" "$codec" >"$tmpdir/memory-$codec" &
  memory_pid[$codec]=$!
done

cpu_ratios "$tmpdir/first" || fail "no measurement: $(cat "$tmpdir/compare.log")"
cat "$tmpdir/first"
above "$tmpdir/first" >"$tmpdir/above"
if [ -s "$tmpdir/above" ]; then
  say "once more"
  cpu_ratios "$tmpdir/second" || fail "no second measurement"
  cat "$tmpdir/second"
  # What is slow is so both times.
  while read -r target row over; do
    if grep -q "^$target $row " "$tmpdir/above"; then
      fail "$target takes $over times the yardstick's CPU time for $row;" \
           "the limit is ${cpu_limits[$row]}"
    fi
  done < <(above "$tmpdir/second")
fi

for codec in "${!memory_pid[@]}"; do
  wait "${memory_pid[$codec]}"
  check_memory "$codec"
done
