#!/usr/bin/env bash
# What make bench does, on next to no data: it measures, and writes tables,
# plots and figures that are whole; and killed in the middle it leaves no
# server, no directory and no device behind.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires jq gnuplot unshare

bench=$abs_top_builddir/bench
results=$tmpdir/results
# Where it makes its directory, in which everything is that it starts.
export TMPDIR=$tmpdir

"$abs_top_srcdir/bench/capture" --size 8 --mib 8 --programs python \
    "$tmpdir/corpus" >/dev/null 2>&1
"$abs_top_srcdir/bench/capture" --size 8 --image "$tmpdir/image" >/dev/null

run_bench=("$abs_top_srcdir/bench/run" --build "$bench"
           --corpus "$tmpdir/corpus" --image "$tmpdir/image"
           --results "$results" --seconds 0.03 --warmup 0 --repeats 1)

# The directories of runs, and what was started in them.
left_behind ()
{
  find "$tmpdir" -maxdepth 1 -name 'zram-bench.*'
  pgrep -af "$tmpdir/zram-bench" || :
}

say "a small run"
"${run_bench[@]}" --parts held,speed,profile \
    --targets zram-lz4,null,kernel-lz4,nbd-server 2>"$tmpdir/run.log"
jq -e '.failed == {} and .machine.kernel and (.goals | length > 20) and
       ([.speed.summary[] | select(.target == "zram-lz4" and .iops > 0)]
        | length >= 20) and
       .held["zram-lz4"].ends.trimmed.compressed > 0 and
       (.missing.profile or (.profile | length == 8))' "$results/results.json" \
   >/dev/null || fail "results.json is not whole"
for f in throughput latency memory; do
  # Cut off, it would not be well-formed.
  python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' \
          "$results/$f.svg" || fail "$f.svg is no SVG"
done
grep -q '^| zram-lz4 | ' "$results/results.md" || fail "no row in results.md"
[ -z "$(left_behind)" ] || fail "it leaves behind: $(left_behind)"

# end_with SIGNAL: kill a run in the middle.
end_with ()
{
  local i run n devices=
  say "ended by SIG$1"
  "${run_bench[@]}" --parts speed --targets zram-lz4,kernel-lz4 \
      2>"$tmpdir/run.log" &
  run=$!
  for ((i = 0; i < 3000; i++)); do
    if grep -q 1/1 "$tmpdir/run.log"; then break; fi
    sleep 0.02
  done
  pgrep -f "nbdkit .*$tmpdir/zram-bench" >/dev/null || fail "nothing runs"
  # Of the kernel's zram, where it has one.
  devices=$(cat "$tmpdir"/zram-bench.*/zram 2>/dev/null) || :
  kill -"$1" "$run"
  wait "$run" || :
  for ((i = 0; i < 1000; i++)); do
    if [ -z "$(left_behind)" ]; then break; fi
    sleep 0.02
  done
  [ -z "$(left_behind)" ] || fail "SIG$1 leaves behind: $(left_behind)"
  for n in $devices; do
    [ ! -e "/sys/block/zram$n" ] || fail "SIG$1 leaves /dev/zram$n behind"
  done
}
end_with TERM
end_with KILL
