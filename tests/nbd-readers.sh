#!/usr/bin/env bash
# Whoever may only read the statistics cannot keep those out who look after
# the server, however many texts he holds open; nor make it large.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"
requires setpriv
[ "$(id -u)" -eq 0 ] || skip "only root can be another user"

MiB=$((1024 * 1024))
chmod 711 "$tmpdir"

# A server with so many devices that its texts are large.
devices=60
words=()
for ((i = 0; i < devices; i++)); do words+=("device=zram$i"); done
start_nbdkit -t 1 "${plugin[@]}" size=4G "${words[@]}"
chmod 666 "$sock"
export NBDZRAM_URI=$sock
# A listing of the pages of 40 MiB.
nbdsh -u "$uri" -c '
for at in range(0, 4 << 30, 1 << 30):
    h.zero(1 << 30, at, nbd.CMD_FLAG_NO_HOLE)'

# Hold what can be had of the export named, 200 times; say how many that is
# and stay until the standard input ends.
cat >"$tmpdir/hold.py" <<'END'
import nbd, sys
held = refused = 0
handles = []
for i in range(200):
    h = nbd.NBD()
    h.set_export_name(sys.argv[2])
    try:
        h.connect_unix(sys.argv[1])
        # Not to its end, which would be polite.
        h.pread(min(1000, h.get_size() - 1), 0)
        held += 1
    except nbd.Error as e:
        assert e.errno in ("ENOENT", "ENOMEM"), e
        refused += 1
    handles.append(h)
print(held, refused, flush=True)
sys.stdin.read()
END
chmod 644 "$tmpdir/hold.py"

as_reader=(setpriv --reuid=65534 --regid=65534 --clear-groups)
hold ()
{
  coproc READER { exec "${as_reader[@]}" python3 "$tmpdir/hold.py" \
                       "$sock" "$1" 2>"$tmpdir/hold.log"; }
  coproc_in=${READER[1]} coproc_out=${READER[0]} reader=$READER_PID
  read -r -t 100 held none <&"$coproc_out" || fail "$1: the readers fail"
  say "$1: $held held, $none refused"
}
let_go ()
{
  exec {coproc_in}>&-
  wait "$reader" || fail "the readers end badly"
}

# owner: everything that the owner of the server does with it.
owner ()
{
  local added
  [ "$(ctl -n | wc -l)" -eq "$devices" ] || fail "$1: the table"
  ctl stat zram0 >/dev/null || fail "$1: stat"
  ctl stat --json >/dev/null || fail "$1: stat --json"
  ctl prometheus >/dev/null || fail "$1: prometheus"
  ctl get zram0 mm_stat >/dev/null || fail "$1: get"
  ctl get zram0 block_state >/dev/null || fail "$1: get block_state"
  ctl set zram0 mem_limit 1G || fail "$1: set"
  ctl compact zram0 || fail "$1: compact"
  ctl reset zram1 || fail "$1: reset"
  added=$(ctl add size=1M) || fail "$1: add"
  ctl remove "$added" || fail "$1: remove"
  ctl top --once --interval 0.1 >/dev/null || fail "$1: top"
  nbdsh -u "nbd+unix:///control?socket=$sock" \
        -c 'h.pwrite(b"show zram0 mm_stat", 0); assert h.pread(2, 0) == b"ok"' ||
    fail "$1: show"
}

owner "nobody reads"
before=$(rss "$pid")
for name in metrics stats.json control zram0/block_state zram0/stats.json \
            zram0/mm_stat; do
  hold "$name"
  [ $((held + none)) -eq 200 ] || fail "$name: not 200 readers"
  case $name in
    # These cannot all be had, or the test would try nothing.
    metrics|zram0/block_state) [ "$none" -gt 0 ] || fail "$name: all held";;
  esac
  # The stated bound, and what 200 connections cost without any text.
  grown=$((($(rss "$pid") - before) / MiB))
  say "$name: $grown MiB more"
  sanitized || [ "$grown" -lt $((128 + 20)) ] || fail "$name: $grown MiB more"
  owner "$name"
  if [ "$name" = metrics ]; then
    say "other readers are told the truth"
    cp "$(realpath "$CTL")" "$tmpdir/ctl" && chmod 755 "$tmpdir/ctl"
    for command in "stat zram0" "prometheus"; do
      status=0
      # shellcheck disable=SC2086
      "${as_reader[@]}" "${ctl_words[@]/#$CTL/$tmpdir/ctl}" $command \
        >"$tmpdir/out" 2>"$tmpdir/err" || status=$?
      [ "$status" -eq 1 ] || fail "$command: status $status"
      grep -q 'too many readers' "$tmpdir/err" ||
        fail "$command: $(cat "$tmpdir/err")"
    done
  fi
  let_go
done
grep -q 'too many clients that may only read' "$tmpdir/server.log" ||
  fail "the log does not say who"
! grep -q 'too many clients of root' "$tmpdir/server.log" ||
  fail "the owner was refused"
stop_nbdkit
