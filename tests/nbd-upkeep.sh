#!/usr/bin/env bash
# Upkeep: what upkeep= takes and refuses; idle pages get smaller and then cold
# ones, and the attribute, JSON and metrics say so; data stays what it was; and
# as the system counts it takes no more than its share of a processor.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

[[ " $(codecs) " = *" zstd "* ]] || skip "there is no zstd"
MiB=$((1024 * 1024))

# wait_until SECONDS COMMAND
wait_until ()
{
  local i
  for ((i = 0; i < $1 * 10; i++)); do
    if "$2"; then return 0; fi
    sleep 0.1
  done
  fail "not within $1 s: $2: $(attribute zram0/upkeep)"
}

# refused REGEX PARAMETER...: one line, that matches it.
refused ()
{
  local regex=$1
  shift
  nbdkit_refuses "^nbdkit: error: $regex" "${plugin[@]}" size=64M "$@"
  [ "$(wc -l <"$tmpdir/refused.log")" -eq 1 ] || fail "$*: not one line"
}

say "what is refused"
refused "upkeep=on: must be off or auto" upkeep=on
refused "upkeep=: the value is missing" upkeep=
refused "upkeep=auto,x=1: 'x' is not known; there are idle-min" upkeep=auto,x=1
refused "upkeep=auto,cpu=0%: cpu=0%: must be a percentage from 1% to 100%" \
        upkeep=auto,cpu=0%
refused "upkeep=auto,cold=5h: idle-max .* longer than cold" upkeep=auto,cold=5h
refused "upkeep=auto: not with swap=true" swap=true upkeep=auto

say "off, and why"
attribute ()
{
  nbdcopy "nbd+unix:///$1?socket=$sock" -
}
start_nbdkit "${plugin[@]}" size=64M upkeep=off device=zram0 \
             device=zram1 upkeep=auto
attribute zram0/upkeep | grep -q '^now: off: upkeep=off$'
attribute zram1/upkeep | grep -q '^now: waits: 0K are stored'
stop_nbdkit

say "it works"
# At once idle, soon cold; and a disk that is neither.
fast=auto,speed=10000,short=1s,idle-min=1h,idle-max=2h,cold=4h
fast=$fast,pressure=100%,least=0
# Little data, and no training: on a busy machine all this gets hardly any time.
real_data "$tmpdir/data" $((4 * MiB))
start_nbdkit "${plugin[@]}" size=32M algo=lz4 dictionary=off device=zram0 upkeep=$fast,cpu=100% \
             device=zram1 upkeep=$fast,cpu=5%
nbdcopy "$tmpdir/data" "nbd+unix:///zram0?socket=$sock"
before=$(attribute zram0/mm_stat | awk '{ print $2 }')
json ()
{
  attribute "$1/stats.json" | jq -r "$2"
}
both ()
{
  [ "$(json zram0 '.upkeep_cold_pages > 100 and .upkeep.state == "waits-idle"')" \
    = true ]
}
wait_until 300 both
after=$(attribute zram0/mm_stat | awk '{ print $2 }')
gained=$(json zram0 .upkeep_gained)
[ $((before - after)) -eq "$gained" ] || fail "$before $after $gained"
[ "$gained" -gt $((before / 10)) ] || fail "it gained $gained of $before"
attribute zram0/upkeep >"$tmpdir/text"
grep -qE '^now: waits: no more pages are idle for [12] h( [0-9]+ min)?$' \
     "$tmpdir/text"
grep -qE '^last: [0-9]+ of [0-9]+ cold pages became smaller by [0-9]+ bytes' \
     "$tmpdir/text"
grep -qE "^gained: $gained bytes, of [0-9]+ idle and [0-9]+ cold pages" \
     "$tmpdir/text"
attribute metrics |
  grep -q "^nbdkit_zram_upkeep_gained_bytes_total{device=\"zram0\"} $gained\$"
attribute metrics |
  grep -q '^nbdkit_zram_upkeep_state{device="zram0",state="waits-idle"} 1$'
nbdcopy "nbd+unix:///zram0?socket=$sock" "$tmpdir/read"
cmp -n $((4 * MiB)) "$tmpdir/data" "$tmpdir/read" || fail "the data differs"

say "a share of a processor"
# Ticks of the threads of upkeep, and of those that train for it.
ticks ()
{
  local task sum=0 n
  for task in "/proc/$(cat "$tmpdir/server.pid")/task"/*; do
    case $(cat "$task/comm" 2>/dev/null) in
      zram-upkeep)
        n=$(sed 's/.*) //' "$task/stat" | awk '{ print $12 + $13 }')
        sum=$((sum + n));;
    esac
  done
  echo "$sum"
}
works ()
{
  [ "$(json zram1 .upkeep.state)" = works ]
}
nbdcopy "$tmpdir/data" "nbd+unix:///zram1?socket=$sock"
wait_until 60 works
start=$(ticks) from=$(date +%s%N)
sleep 5
used=$(($(ticks) - start)) took=$((($(date +%s%N) - from) / 1000000))
hz=$(getconf CLK_TCK)
say "$((used * 1000 / hz)) ms of $took ms"
# 5 percent, and two ticks and a page of what is counted late.
[ $((used * 20 * 1000 / hz)) -le $((took + 20 * 40)) ] ||
  fail "upkeep used $((used * 1000 / hz)) ms in $took ms"
stop_nbdkit
