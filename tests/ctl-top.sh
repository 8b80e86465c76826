#!/usr/bin/env bash
# nbdzramctl top: as text, as lines for programs, and on a terminal, which may
# change its size.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

start_nbdkit "${plugin[@]}" size=64M
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
ctl top --once --interval 0.5 >"$tmpdir/once"
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

say "lines"
status=0
timeout 3 "${ctl_words[@]}" top --interval 0.2 >"$tmpdir/lines" || status=$?
[ "$status" -eq 124 ] || fail "it ended by itself, status $status"
head -n 1 "$tmpdir/lines" | grep -q '^TIME  *NAME  *DATA' || fail "heading"
awk '$2 == "zram0" && $6 > 0 && $7 > 0 { n++ } END { exit n < 3 }' \
    "$tmpdir/lines" || fail "no rates in the lines"
awk '{ print NF }' "$tmpdir/lines" | sort -u >"$tmpdir/fields"
is "fields" "$(cat "$tmpdir/fields")" 11

if command -v tmux >/dev/null; then
  say "on a terminal"
  unset TMUX
  export TERM=xterm-256color
  mux=(tmux -S "$tmpdir/tmux" -f /dev/null)
  screen ()
  {
    "${mux[@]}" capture-pane -p -t top
  }
  # until_screen PATTERN: wait until it shows.
  until_screen ()
  {
    local i
    for ((i = 0; i < 200; i++)); do
      if screen | grep -q -- "$1"; then return 0; fi
      sleep 0.05
    done
    screen
    "${mux[@]}" kill-server
    fail "the screen does not show $1"
  }
  "${mux[@]}" new-session -d -x 80 -y 24 -s top \
    "${ctl_words[*]@Q} top --interval 0.2; echo status=\$?; sleep 60"
  until_screen '^   trim'
  until_screen '^   read  *[1-9][0-9.]*k*/s'
  is "title" "$(screen | head -n 1 | cut -c 1-15)" " nbdzramctl top"
  # Bars reach almost to the edge, and no line is broken in two.
  screen | grep -q '^   data .*#\{40\}' || fail "a short bar"
  is "lines" "$(screen | grep -c '^ [a-z]')" 6
  "${mux[@]}" send-keys -t top Down
  until_screen '^ zram1  0 pages'
  "${mux[@]}" send-keys -t top Up
  until_screen '^ zram0  [1-9][0-9]* pages'
  "${mux[@]}" resize-window -t top -x 200 -y 50
  until_screen '^   data .*#\{90\}'
  "${mux[@]}" resize-window -t top -x 20 -y 5
  until_screen '^ NAME'
  "${mux[@]}" resize-window -t top -x 80 -y 24
  until_screen '^   trim'
  # The server goes away and comes back.
  : >"$tmpdir/enough"
  wait "$writer"
  stop_nbdkit
  until_screen 'there is no server'
  start_nbdkit "${plugin[@]}" size=32M
  until_screen '^ zram0 .* 32M '
  "${mux[@]}" send-keys -t top q
  until_screen 'status=0'
  "${mux[@]}" kill-server
else
  say "not on a terminal: there is no tmux"
  : >"$tmpdir/enough"
  wait "$writer"
fi
