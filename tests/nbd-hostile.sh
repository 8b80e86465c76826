#!/usr/bin/env bash
# Nonsense in the handshake, and thousands of clients that say nothing: the
# server lives, others are served, and afterwards nothing of it is left.
# With the filter that the manual recommends, the crowd costs nothing.
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

# crowd COUNT THREADS: so many clients that say nothing, some of them not even
# in the handshake; one more does its work.  The server's threads among them
# are printed; those of clients that are sent away take a moment to end.
crowd ()
{
  nbdsh -c "sock, uri, pid = '$sock', '$uri', $pid" \
        -c "count, most = $1, $2" -c - <<'END'
import os, resource, socket, struct, time
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
# Who is there first is not sent away.
h.connect_uri(uri)
crowd = []
for i in range(count):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sock)
    try:
        if i % 3 and s.recv(18) and i % 30 == 1:
            # The default export, by the oldest way to open it.
            s.sendall(struct.pack(">IQII", 3, 0x49484156454F5054, 1, 0))
    except OSError:             # sent away
        pass
    crowd.append(s)
h.pwrite(b"work" * 128, 4096)
assert h.pread(512, 4096) == b"work" * 128
def threads():
    return len(os.listdir("/proc/%d/task" % pid))
end = time.monotonic() + 60
while threads() > most and time.monotonic() < end:
    time.sleep(0.05)
print(threads())
for s in crowd:
    s.close()
h.shutdown()
END
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

say "$count clients that say nothing"
start_nbdkit "${plugin[@]}" size=1M
before=$(threads "$pid")
most=$(crowd "$count" $((17 * count)))
say "$most threads among them"
few "$before"
[ "$(nbdinfo --size "$uri")" = 1048576 ] || fail "it serves no more"
stop_nbdkit

say "and no more than 64"
start_nbdkit --filter=limit "${plugin[@]}" size=1M limit=64
before=$(threads "$pid")
# Each has one, and 16 more if its requests are served in parallel.
most=$(crowd "$count" $((before + 64 * 17)))
say "$most threads among them"
[ "$most" -le $((before + 64 * 17)) ] || fail "$most threads: no limit"
few "$before"
[ "$(nbdinfo --size "$uri")" = 1048576 ] || fail "it serves no more"
stop_nbdkit
