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
  # Its parent may have gone before the file is there.
  for ((i = 0; i < 1000; i++)); do
    if [ -s "$tmpdir/daemon.pid" ]; then break; fi
    sleep 0.01
  done
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

# The thread that tidies up when nobody writes must be started after the
# fork.  Only it makes the server smaller while there are no requests.
say "a daemon that tidies up when it is idle"
real_data "$tmpdir/real" "$(scaled 64000000)"
start_daemon -t 2 "${plugin[@]}" size=1G
nbdsh -u "$uri" -c "pid = $pid; file = '$tmpdir/real'; seed = $seed" \
      -c "sanitized = $(sanitized && echo True || echo False)" -c - <<'END'
import random, time
random.seed(seed)
data = open(file, "rb").read()
pages = range(0, len(data) - 4095, 4096)

def rss():
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int([l for l in f if l.startswith("Rss:")][0].split()[1])

# Trimmed at random, what is left is spread over segments in part empty.
# If this client is held up for long, the tidying is over when it looks:
# then once more.
for attempt in range(5):
    for at in range(0, len(data), 65536):
        h.pwrite(data[at:at + 65536], at)
    for at in random.sample(pages, len(pages) // 2):
        h.trim(4096, at)
    before, less = rss(), 0
    start = time.monotonic()
    while less < 32 and time.monotonic() - start < 2 and not sanitized:
        time.sleep(0.05)
        less = before - rss()
    print("%d KiB less after %.2f s" % (less, time.monotonic() - start))
    if less >= 32 or sanitized:
        break
else:
    raise AssertionError("nobody tidies up")
END
stop_daemon 5000

say "nbdkit --run"
nbdkit -U - "${plugin[@]}" size=64M --run '
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
