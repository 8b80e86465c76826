#!/usr/bin/env bash
# Nonsense in the handshake, and thousands of clients that say nothing: the
# server lives, others are served, and afterwards nothing of it is left.
# What the manual recommends bounds what a crowd costs.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires_filter limit
export PYTHONDONTWRITEBYTECODE=1
say "SEED=$seed"

say "nonsense in the handshake"
start_nbdkit "${plugin[@]}" size=1G
haggle ()
{
  python3 "$tests_dir/nbd-haggle.py" "$sock" "$1" "$2" ||
    fail "see above"
}
haggle "$(scaled 400)" "$seed"
before=$(rss "$pid")
haggle "$(scaled 1600)" $((seed + 1))
grown=$((($(rss "$pid") - before) / 1024))
say "$grown KiB more than after the first"
if ! sanitized && [ "$grown" -gt 1024 ]; then fail "it keeps memory"; fi
stop_nbdkit

# crowd COUNT EVERY: so many clients that say nothing, a third of them not even
# reading; one in EVERY opens the disk first.  One more does its work.  Prints
# the threads of the server among them, and how many have the disk open.
crowd ()
{
  nbdsh -c "sock, uri, pid = '$sock', '$uri', $pid" \
        -c "count, every = $1, $2" -c - <<'END'
import json, os, resource, socket, struct
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
# Who is there first is not sent away.
h.connect_uri(uri)
control = nbd.NBD()
control.connect_uri("nbd+unix:///control?socket=" + sock)
crowd = []
for i in range(count):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sock)
    try:
        if i % every == 0:
            # The default export, by the oldest way to open it.
            s.recv(18)
            s.sendall(struct.pack(">IQII", 3, 0x49484156454F5054, 1, 0))
            s.recv(10)
        elif i % 3:
            s.recv(18)
    except OSError:             # sent away
        pass
    crowd.append(s)
h.pwrite(b"work" * 128, 4096)
assert h.pread(512, 4096) == b"work" * 128
is_open = json.loads(control.pread(1 << 18, 0))["devices"][0]["connections"]
print(len(os.listdir("/proc/%d/task" % pid)), is_open)
for s in crowd:
    s.close()
h.shutdown()
control.shutdown()
END
}

# settle: wait until the server has started its threads.  Sets before.
settle ()
{
  local last=0
  before=$(threads "$pid")
  while [ "$before" != "$last" ]; do
    last=$before
    sleep 0.3
    before=$(threads "$pid")
  done
}

# few: wait until the threads of connections are gone.
few ()
{
  local i
  for ((i = 0; i < 600; i++)); do
    if [ "$(threads "$pid")" -le "$1" ]; then return 0; fi
    sleep 0.1
  done
  fail "$(threads "$pid") threads are left"
}

count=$(scaled 3000)
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -gt $((count + 100)) ] ||
  count=$(($(ulimit -n) - 100))

# served: it still does, and no thread of the others is left.
served ()
{
  few "$1"
  [ "$(nbdinfo --size "$uri")" = 1048576 ] || fail "it serves no more"
  stop_nbdkit
}

say "$count clients that say nothing"
start_nbdkit "${plugin[@]}" size=1M
settle
read -r most is_open <<<"$(crowd "$count" 30)"
say "$most threads, $is_open have the disk open"
served "$before"

say "no more than 64 that have something open"
start_nbdkit --filter=limit "${plugin[@]}" size=1M limit=64
settle
read -r most is_open <<<"$(crowd "$(scaled 600)" 1)"
say "$most threads, $is_open have the disk open"
# And one control.
[ "$is_open" -eq 63 ] || fail "$is_open have it open, not 63"
served "$before"

# The filter does not see those who have opened nothing: the system does.
if [ "$(id -u)" -eq 0 ]; then
  say "no more than 200 threads"
  chmod 1777 "$tmpdir"
  processes=$(ulimit -Su)
  ulimit -Su 200
  start_nbdkit -u 54321 "${plugin[@]}" size=1M
  ulimit -Su "$processes"
  settle
  read -r most is_open <<<"$(crowd "$(scaled 1000)" 1000)"
  say "$most threads, $is_open have the disk open"
  [ "$most" -le 200 ] || fail "$most threads: no limit"
  served "$before"
fi
