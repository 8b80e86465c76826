#!/usr/bin/env bash
# The ways to run it that are not the foreground: as a daemon, whose threads
# must start after the fork; for one command; on standard input and output;
# on a socket that another program opened.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

mib=$(scaled 300)

# A daemon.  It is no child of ours, so that its end must be watched for.
start_daemon ()
{
  sock=$tmpdir/daemon.sock uri="nbd+unix:///?socket=$tmpdir/daemon.sock"
  rm -f "$sock" "$tmpdir/daemon.pid"
  nbdkit -P "$tmpdir/daemon.pid" -U "$sock" "$@"
  pid=$(cat "$tmpdir/daemon.pid")
  daemon_pid=$pid
}

# End it, at the latest after some seconds.
stop_daemon ()
{
  local start now
  start=$(date +%s%N)
  kill -TERM "$pid"
  while ! ended "$pid"; do
    now=$(date +%s%N)
    if [ $((now - start)) -gt "$(($1 * 1000000))" ]; then
      kill -KILL "$pid"
      fail "the daemon still runs $1 ms after SIGTERM"
    fi
    sleep 0.01
  done
  now=$(date +%s%N)
  daemon_pid=
  say "the daemon ended $(((now - start) / 1000000)) ms after SIGTERM"
}

random_data "$tmpdir/data" $((mib * 1024 * 1024))

say "a daemon with $mib MiB that cannot be compressed"
start_daemon "${plugin[@]}" size=1G
[ "$(ps -o ppid= -p "$pid" | tr -d ' ')" -ne $$ ] || fail "it is no daemon"
nbdcopy "$tmpdir/data" "$uri"
holds "$tmpdir/data"
# Ending it must not mean to look at every page.
stop_daemon "$(sanitized && echo 30000 || echo 2000)"

# The thread that tidies up when nobody writes was started after the fork:
# what is trimmed away goes back without a request that could do it.
say "a daemon that gives memory back"
start_daemon "${plugin[@]}" size=1G
nbdsh -u "$uri" -c 'h.pwrite(bytes(1 << 20), 0)'
empty=$(rss "$pid")
real_data "$tmpdir/real" "$(scaled 64000000)"
nbdcopy "$tmpdir/real" "$uri"
nbdsh -u "$uri" -c 'h.trim(1 << 30, 0)'
for ((i = 0; i < 30; i++)); do
  grown=$(($(rss "$pid") - empty))
  if [ $grown -lt $((16 << 20)) ]; then break; fi
  sleep 0.1
done
say "$((grown / 1024)) KiB more than when it was empty"
if ! sanitized && [ "$grown" -ge $((16 << 20)) ]; then fail "it keeps them"; fi
stop_daemon 5000

# Clients of a server with a sanitizer must not load it themselves.
say "nbdkit --run"
nbdkit -U - "${plugin[@]}" size=64M --run 'unset LD_PRELOAD
  nbdcopy "$uri" null: && nbdinfo --size "$uri"' >"$tmpdir/size"
[ "$(cat "$tmpdir/size")" = 67108864 ]

# Plugin and parameters as a list in Python.
list=$(printf '"%s", ' "${plugin[@]}" size=64M)
say "nbdkit -s"
nbdsh -c "plugin = [$list]" -c - <<'END'
h.connect_command(["nbdkit", "-s", "--exit-with-parent"] + plugin)
h.pwrite(b"standard input" * 1000, 1234567)
assert h.pread(14000, 1234567) == b"standard input" * 1000
h.shutdown()
END

say "socket activation"
nbdsh -c "plugin = [$list]" -c - <<'END'
h.connect_systemd_socket_activation(["nbdkit"] + plugin)
h.pwrite(b"activated" * 1000, 7654321)
assert h.pread(9000, 7654321) == b"activated" * 1000
h.shutdown()
END
