#!/usr/bin/env bash
# nbdzramctl top: as text, as lines for programs, and on a terminal, which may
# change its size.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

# Late pages would be a large part of what so little data is held in.
start_nbdkit "${plugin[@]}" size=64M late=off
export NBDZRAM_URI=$sock
real_data "$tmpdir/data" $((4 << 20))
nbdcopy "$tmpdir/data" "nbd+unix:///zram0?socket=$sock"
ctl add size=1M >/dev/null

# A writer, so that there is something to see.
nbdsh -u "nbd+unix:///zram0?socket=$sock" -c - <<END &
import os
data = open("$tmpdir/data", "rb").read(1 << 20)
while not os.path.exists("$tmpdir/enough"):
    for i in range(0, 1 << 20, 4096):
        h.pwrite(data[i:i+4096], i)
        h.pread(4096, i)
END
writer=$!

say "--once"
# A writer on a slow machine may have got nowhere yet.
for ((i = 0; i < 40; i++)); do
  ctl top --once --interval 0.5 >"$tmpdir/once"
  awk '$1 == "read" || $1 == "write" { n += $4 ~ /s$/ }
       END { exit n != 2 }' "$tmpdir/once" && break
done
for what in '^ zram0 ' '^ zram1 ' '^   data .*###' '^   held .*x #' \
            '^   objects .*%' '^   read  *[0-9.]*k*/s .*us' \
            'the limit\|no limit'; do
  grep -q "$what" "$tmpdir/once" || fail "--once shows no $what"
done
! grep -q '^   read  *0/s' "$tmpdir/once" || fail "no reads are seen"
! grep -q '.\{81\}' "$tmpdir/once" || fail "wider than 80"
! grep -q ' $' "$tmpdir/once" || fail "spaces at ends of lines"
COLUMNS=120 ctl top --once --interval 0.1 | grep -q '.\{100\}' ||
  fail "a wide screen is not used"
# Times are of the interval, not of all that ever was: the copy at the start
# took far longer a request than the writer's do.
awk '$1 == "read" || $1 == "write" { n++
       for (i = 4; i <= 7; i++) bad += $i !~ /^[0-9.]+(ns|us|ms|s)$/ }
     END { exit n != 2 || bad }' "$tmpdir/once" || fail "times are missing"
awk '$1 == "zero" || $1 == "trim" { n += $3 $4 $5 $6 == "----" }
     END { exit n != 2 }' "$tmpdir/once" || fail "times of no requests"
COLUMNS=200 ctl top --once --interval 0.1 >"$tmpdir/wide"
for what in SWAP LIMIT COMPR MOUNTPOINT READ/S SAME HUGE WRITE-P99; do
  head -n 2 "$tmpdir/wide" | grep -q " $what\( \|\$\)" ||
    fail "a wide screen has no $what"
done
ctl set zram1 mem_limit 10M
ctl top --once --interval 0.1 | grep -A 1 '^ zram1 ' |
  grep -q '^   .*limit 10M' || fail "a narrow screen has no second line"
ctl set zram1 mem_limit 0
LC_ALL=C.UTF-8 ctl top --once --interval 0.1 >"$tmpdir/utf8"
LC_ALL=C.UTF-8 grep -q '^   data .*████████' "$tmpdir/utf8" ||
  fail "no blocks in UTF-8"
# To an eighth of a cell: of some bar the end is no whole block.
LC_ALL=C.UTF-8 grep -q '[▏▎▍▌▋▊▉]$' "$tmpdir/utf8" || fail "no eighths"
LC_ALL=C.UTF-8 grep -q '#' "$tmpdir/utf8" && fail "# in UTF-8"
LC_ALL=C grep -q '[^ -~]' "$tmpdir/once" && fail "no ASCII in C"

say "some devices"
ctl top --once --interval 0.1 zram1 >"$tmpdir/one"
! grep -q zram0 "$tmpdir/one" || fail "a device that was not asked for"
grep -q '^ zram1  0 pages' "$tmpdir/one" || fail "zram1 is not shown in full"
refused 1 'zram7' top --once --interval 0.1 zram7
refused 1 'zram7' top zram0 zram7

say "lines"
"${ctl_words[@]}" top --interval 0.2 >"$tmpdir/lines" &
top=$!
# Until there are three lines of each device with all that they should have.
for ((i = 0; i < 1200; i++)); do
  awk '$2 == "zram0" && $6 > 0 && $7 > 0 { a++ }
       $2 == "zram1" && $6 == 0 && $10 == "-" { b++ }
       END { exit a < 4 || b < 4 }' "$tmpdir/lines" && break
  sleep 0.05
done
kill "$top" || fail "it ended by itself"
wait "$top" || :
# Not the line that was being written.
sed -i '$d' "$tmpdir/lines"
head -n 1 "$tmpdir/lines" | grep -q '^TIME  *NAME  *DATA' || fail "heading"
awk '$2 == "zram0" && $6 > 0 && $7 > 0 { n++ } END { exit n < 3 }' \
    "$tmpdir/lines" || fail "no rates in the lines"
awk '{ print NF }' "$tmpdir/lines" | sort -u >"$tmpdir/fields"
is "fields" "$(cat "$tmpdir/fields")" 11
awk '$2 == "zram1" && $6 == 0 && $10 == "-" { n++ } END { exit n < 3 }' \
    "$tmpdir/lines" || fail "times of a device that nobody uses"

# What the last interval took, whatever there was before: a million requests
# of 1 us and more, then a hundred of 1 ms, five of 100 ms.
say "times of the interval"
answer ()
{
  printf '{"version":"0.1","devices":[{"name":"zram0","reads":%d,"latency":{
"read":{"count":%d,"sum_ns":%d,"mean_ns":1000,"p50_ns":1024,"p99_ns":1024,
"p999_ns":1024,"buckets":{"1024":1000000%s}}}}]}' \
    "$1" "$1" "$2" "$3" >"$tmpdir/next"
  printf '%-4096s' "$(cat "$tmpdir/next")" >"$tmpdir/next"
  dd if="$tmpdir/next" of="$tmpdir/answer" conv=notrunc status=none
}
first=$sock first_pid=$pid
: >"$tmpdir/answer"
start_nbdkit -n made-up file "$tmpdir/answer"
# On a slow machine the first look may come too late to see the first answer.
for delay in 1 3 9; do
  answer 1000000 1000000000 ''
  ctl -u "$sock" top --once --interval $((3 * delay)) >"$tmpdir/interval" &
  top=$!
  sleep "$delay"
  answer 1000105 1600000000 ',"1000000":100,"100000000":5'
  wait "$top"
  times=$(awk '$1 == "read" { print $4, $5, $6, $7 }' "$tmpdir/interval")
  if [ "$times" != "- - - -" ]; then break; fi
done
sock=$first pid=$first_pid
is "times" "$times" "5.7ms 1ms 100ms 100ms"

if ! command -v tmux >/dev/null; then
  say "not on a terminal: there is no tmux"
  : >"$tmpdir/enough"
  wait "$writer"
  exit 0
fi

say "terminals that cannot be used"
unset TMUX
# refuses_terminal TERM PATTERN [WORDS]
refuses_terminal ()
{
  local status=0
  TERM=$1 script -qec "${ctl_words[*]@Q} top ${3-}" /dev/null </dev/null \
    >"$tmpdir/term" 2>&1 || status=$?
  is "status with TERM=$1" "$status" 1
  is "lines with TERM=$1" "$(wc -l <"$tmpdir/term")" 1
  grep -q "^nbdzramctl: .*$2.*--once" "$tmpdir/term" ||
    fail "TERM=$1: $(cat "$tmpdir/term")"
}
if command -v script >/dev/null; then
  refuses_terminal dumb 'dumb (TERM) cannot move'
  refuses_terminal '' 'TERM is not set'
  refuses_terminal no-such-thing 'no-such-thing (TERM) is not known'
  # Whatever the server does, or if there is none.
  refuses_terminal dumb 'dumb (TERM) cannot move' "-u $tmpdir/nobody"
fi

say "on a terminal"
export TERM=xterm-256color
mux=(tmux -S "$tmpdir/tmux" -f /dev/null)
screen ()
{
  "${mux[@]}" capture-pane -p -t top
}
keys ()
{
  "${mux[@]}" send-keys -t top "$@"
}
# until_screen PATTERN: wait until it shows.
until_screen ()
{
  local i
  for ((i = 0; i < 1200; i++)); do
    if screen | grep -q -- "$1"; then return 0; fi
    sleep 0.05
  done
  screen
  fail "the screen does not show $1"
}
resize ()
{
  "${mux[@]}" resize-window -t top -x "$1" -y "$2"
}
# The names of the devices, as the list has them.
order ()
{
  screen | sed -n 's/^ \(zram[0-9]*\) .* [0-9.]*[A-Z] .*/\1/p' | head -n 2 |
    tr '\n' ' '
}
until_order ()
{
  local i
  for ((i = 0; i < 1200; i++)); do
    if [ "$(order)" = "$1" ]; then return 0; fi
    sleep 0.05
  done
  screen
  fail "the order is not $1"
}
# What runs in tmux is no child of ours.
end_screen ()
{
  local status=$?
  trap - ERR
  set +e
  "${mux[@]}" kill-server 2>/dev/null
  (exit "$status")
  cleanup
}
trap end_screen EXIT
"${mux[@]}" new-session -d -x 80 -y 24 -s top "PS1='$ ' bash --norc -i"
until_screen '^\$'
keys "${ctl_words[*]@Q} top --interval 0.2; echo status=\$?" Enter
until_screen '^   trim'
until_screen '^   read  *[1-9][0-9.]*k*/s'
is "title" "$(screen | head -n 1 | cut -c 1-15)" " nbdzramctl top"
# Bars reach almost to the edge, and no line is broken in two.
screen | grep -q '^   data .*#\{40\}' || fail "a short bar"
is "lines" "$(screen | grep -c '^ [a-z]')" 6

say "keys"
keys Down
until_screen '^ zram1  0 pages'
keys Up
until_screen '^ zram0  [1-9][0-9]* pages'
keys End
until_screen '^ zram1  0 pages'
keys g
until_screen '^ zram0  [1-9][0-9]* pages'
keys '?'
until_screen '^   s, >  *sort'
keys q
until_screen '^   trim'
keys s s s
until_screen 'by DATA'
until_order 'zram0 zram1 '
keys r
until_screen 'by DATA, reversed'
until_order 'zram1 zram0 '
# The device that was selected still is.
screen | grep -q '^ zram0  [1-9][0-9]* pages' || fail "another is selected"
keys r '<' '<' '<' '<'
until_screen 'by WRITE-P99'
keys '>'
until_order 'zram0 zram1 '
keys d
for ((i = 0; i < 1200; i++)); do
  screen | grep -q '^   trim' || break
  sleep 0.05
done
! screen | grep -q '^   trim' || fail "d leaves the device in full"
until_screen '^   compressed [1-9]'
keys d
until_screen '^   trim'

say "sizes"
resize 200 50
until_screen '^   data .*#\{90\}'
until_screen ' MOUNTPOINT '
resize 20 5
until_screen '^ NAME     ALGORITHM *$'
until_screen '^ and 1 more'
keys Down
until_screen '^ zram1 '
keys Up
until_screen '^ zram0 '
is "lines" "$(screen | wc -l)" 5
resize 1 1
keys '?' '?'
resize 80 24
until_screen '^   trim'

say "stopped and continued"
keys C-z
until_screen 'Stopped'
keys 'fg' Enter
until_screen '^   trim'
keys q
until_screen '^\$ *$'

say "a silent server"
# This shell sees the terminal as top leaves it; the one above mends it.
cat >"$tmpdir/run" <<END
trap : INT
${ctl_words[*]@Q} top --interval 0.2
stty -a | tr ' ' '\n' | grep -x -e '-*icanon' -e '-*echo'
END
keys "clear; bash '$tmpdir/run'" Enter
until_screen '^   read  *[1-9][0-9.]*k*/s'
kill -STOP "$pid"
until_screen 'last answer [2-9][0-9]* s ago: '
until_screen '^   read  *-  *-  *-'
# The keys live, and the age grows.
keys Down
until_screen '^ zram1  0 pages'
keys Up
until_screen '^ zram0  [1-9][0-9]* pages'
age=$(screen | sed -n 's/^ last answer \([0-9]*\) s ago.*/\1/p')
until_screen "last answer $((age + 1))"
kill -CONT "$pid"
until_screen '^   read  *[1-9][0-9.]*k*/s'
! screen | grep -q 'last answer' || fail "the trouble stays"

say "a server that goes away and comes back"
: >"$tmpdir/enough"
wait "$writer"
stop_nbdkit
until_screen 'last answer [0-9]* s ago: there is no server'
until_screen '^ zram0 .*  -  *-  '
start_nbdkit "${plugin[@]}" size=32M
until_screen '^ zram0 .* 32M '
until_screen '^   read  *0/s'

say "Ctrl-C"
keys C-c
until_screen '^icanon'
until_screen '^echo'

say "one device, UTF-8, and q while the server is silent"
ctl add size=1M >/dev/null
"${mux[@]}" kill-server
# Its socket goes a moment later.
for ((i = 0; i < 500; i++)); do
  if ! "${mux[@]}" list-sessions >/dev/null 2>&1; then break; fi
  sleep 0.02
done
LC_ALL=C.UTF-8 "${mux[@]}" -u new-session -d -x 80 -y 24 -s top \
  "LC_ALL=C.UTF-8 ${ctl_words[*]@Q} top --interval 0.2 zram1
   echo status=\$?; sleep 60"
screen ()
{
  LC_ALL=C.UTF-8 "${mux[@]}" -u capture-pane -p -t top
}
until_screen '^   held .*x █'
! screen | grep -q zram0 || fail "a device that was not asked for"
kill -STOP "$pid"
until_screen 'last answer'
keys q
until_screen 'status=0'
kill -CONT "$pid"
