#!/usr/bin/env bash
# nbdzramctl waits for no server without end, says in one line what is wrong,
# and a signal ends it whatever it waits for.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

export NBDZRAM_ROOT=$tmpdir/root
mkdir -p "$NBDZRAM_ROOT/sys/module/nbd" "$tmpdir/sockets"

# The server ends with the pipe to it.
mkfifo "$tmpdir/end" "$tmpdir/ready"
python3 "$tests_dir/ctl-server.py" "$tmpdir/sockets" \
        <"$tmpdir/end" >"$tmpdir/ready" &
fake=$!
exec {server_end}>"$tmpdir/end"
read -r _ <"$tmpdir/ready"

# begin NAME WORD...: run it beside others.  end NAME PATTERN: it must have
# said one line that matches, and have failed before the time that `timeout'
# gives it.
declare -A started=()
begin ()
{
  local name=$1
  shift
  timeout -k 1 60 "${ctl_words[@]}" "$@" \
          >"$tmpdir/$name.out" 2>"$tmpdir/$name.err" </dev/null &
  started[$name]=$!
}
end ()
{
  local name=$1 status=0
  wait "${started[$name]}" || status=$?
  if [ "$status" -ne 1 ] || [ -s "$tmpdir/$name.out" ] ||
     [ "$(wc -l <"$tmpdir/$name.err")" -ne 1 ] ||
     ! grep -Eq -- "^nbdzramctl: .*$2" "$tmpdir/$name.err" ||
     tr -d '\n\t' <"$tmpdir/$name.err" | grep -q '[^ -~]'; then
    cat "$tmpdir/$name.err"
    fail "$name: status $status, wanted one line that matches '$2'"
  fi
}

say "servers that say nothing, half of it, or something else"
silence='has not answered within 1 s'
patterns=(
  silent "$silence" half "$silence" trickle "$silence"
  silent-options "$silence" silent-read "$silence" half-read "$silence"
  trickle-read "$silence"
  http 'http.sock: connecting: ' close 'close.sock: connecting: '
  tls 'wants TLS.*nbds://' no-export 'no export|neither an export'
  forbidden 'cannot open the export'
)
# each DOES: begin or end.
each ()
{
  local i mode command words
  for ((i = 0; i < ${#patterns[@]}; i += 2)); do
    mode=${patterns[i]}
    for command in stat "set zram0 a b" "swapon --force"; do
      words=$mode-${command%% *}
      if [ "$1" = begin ]; then
        # shellcheck disable=SC2086
        begin "$words" $command --timeout 1 -u "$tmpdir/sockets/$mode.sock"
      else
        end "$words" "${patterns[i + 1]}"
      fi
    done
  done
}
each begin
begin write set zram0 a b --timeout 1 -u "$tmpdir/sockets/silent-write.sock"
for mode in close-write close-answer; do
  begin $mode-set set zram0 a b -u "$tmpdir/sockets/$mode.sock"
  begin $mode-add add 1G -u "$tmpdir/sockets/$mode.sock"
  for command in reset remove compact; do
    begin $mode-$command $command zram0 -u "$tmpdir/sockets/$mode.sock"
  done
done
for mode in endless-list endless-names; do
  begin $mode get zram0 --timeout 30 -u "$tmpdir/sockets/$mode.sock"
done
begin info stat --timeout 1 -u "$tmpdir/sockets/endless-info.sock"
begin tls stat --timeout 1 \
      -u "nbds+unix:///?socket=$tmpdir/sockets/silent-tls.sock"
begin huge get zram0 x -u "$tmpdir/sockets/huge.sock"
begin huge-metrics prometheus -u "$tmpdir/sockets/huge.sock"
each end
unknown='no answer: the command may have been carried out or not'
end write "$silence.*$unknown"
for mode in close-write close-answer; do
  for command in set reset remove add compact; do
    end $mode-$command "$mode.sock: .*$unknown"
  done
done
end endless-list 'lists exports without end'
end endless-names 'lists exports without end'
end info "$silence"
end tls "$silence"
end huge 'is no text, but 9223372036854775807 bytes'
end huge-metrics 'is no text, but 9223372036854775807 bytes'

say "TLS that begins at once and never comes to its end"
# Whether connecting has to wait is a matter of luck: hence many.
port=$(cat "$tmpdir/sockets/trickle-tls.port")
for ((i = 0; i < 30; i++)); do
  begin "quick$i" stat --timeout 1 -u "nbds://127.0.0.1:$port"
done
for ((i = 0; i < 30; i++)); do
  end "quick$i" "$silence"
done

say "a server that is stopped"
start_nbdkit "${plugin[@]}" size=1M
kill -STOP "$pid"
begin stopped stat --timeout 1 -u "$sock"
begin stopped-uri attach --timeout 1 -u "$uri"
end stopped "$silence"
end stopped-uri "$silence"
kill -CONT "$pid"
is "and goes on" "$(ctl -u "$sock" -n --raw -o NAME)" zram0
stop_nbdkit

say "a port whose queue of clients is full"
python3 - "$tmpdir" <<'END2' &
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(0)
clients = []
for _ in range(8):
    c = socket.socket()
    c.setblocking(False)
    c.connect_ex(s.getsockname())
    clients.append(c)
with open(sys.argv[1] + "/port.new", "w") as f:
    print(s.getsockname()[1], file=f)
import os
os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
while os.path.exists(sys.argv[1] + "/port"):
    time.sleep(0.1)
END2
full=$!
for ((i = 0; i < 1000; i++)); do
  [ ! -e "$tmpdir/port" ] || break
  sleep 0.02
done
begin full stat --timeout 1 -u "nbd://127.0.0.1:$(cat "$tmpdir/port")"
begin full-name stat --timeout 1 -u "nbd://localhost:$(cat "$tmpdir/port")"
end full "$silence"
end full-name "$silence|there is no server"
rm "$tmpdir/port"
wait "$full"

say "signals"
# What a child of this shell ignores it could not stop ignoring.
for case in "HUP 129 attach" "INT 130 swapon" "TERM 143 swapon --force" \
            "TERM 143 attach" "INT 130 stat"; do
  read -r signal want words <<<"$case"
  rm -f "$tmpdir/signal.err"
  # shellcheck disable=SC2086
  env --default-signal=HUP,INT,TERM "${ctl_words[@]}" $words --timeout 3600 \
      -u "$tmpdir/sockets/silent.sock" >"$tmpdir/signal.out" \
      2>"$tmpdir/signal.err" &
  tool=$!
  # It sleeps in poll, with its connection made.
  for ((i = 0; i < 1000; i++)); do
    if [ -n "$(find "/proc/$tool/fd" -lname 'socket:*' 2>/dev/null)" ]; then
      break
    fi
    sleep 0.02
  done
  kill "-$signal" "$tool"
  for ((i = 0; i < 1000; i++)); do
    if ended "$tool"; then break; fi
    sleep 0.02
  done
  ended "$tool" || { kill -KILL "$tool"; fail "$case: it waits on"; }
  status=0
  wait "$tool" || status=$?
  is "$case" "$status" "$want"
  case $words in
    stat) ;;
    *) grep -q 'stopped by a signal' "$tmpdir/signal.err" ||
         fail "$case: does not say so";;
  esac
done

say "limits that are none"
for word in 0 -1 x 1.5 86401 ''; do
  refused 2 "--timeout $word: must be seconds from 1" stat --timeout "$word"
done
refused 2 '--timeout does not go with estimate' estimate x --timeout 1

exec {server_end}>&-
wait "$fake"
