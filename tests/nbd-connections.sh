#!/usr/bin/env bash
# A thousand short connections, some of them rude, leave nothing behind: the
# server's files and memory after them are what they were before.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

connections=$(scaled 1000)
start_nbdkit "${plugin[@]}" size=256M

# connect COUNT: a write, a read and different ways to leave.
connect ()
{
  nbdsh -c "uri = '$uri'; sock = '$sock'; count = $1" -c - <<'END'
import socket
for n in range(count):
    if n % 10 == 9:
        # Hangs up within the handshake.
        s = socket.socket(socket.AF_UNIX)
        s.connect(sock)
        s.recv(8)
        s.close()
        continue
    c = nbd.NBD()
    c.connect_uri(uri)
    # Always the same data: what the disk holds must not grow either.
    at = n % 10 * 8192
    c.pwrite(b"connection" * 400, at)
    assert c.pread(4000, at) == b"connection" * 400
    if n % 2:
        c.shutdown()
    # else hangs up without a word
    del c
END
}

# The threads of closed connections may take a moment to end.
settle ()
{
  local before now=-1 i
  for ((i = 0; i < 50; i++)); do
    before=$now
    now=$(open_files "$pid"):$(threads "$pid")
    if [ "$now" = "$before" ]; then return 0; fi
    sleep 0.1
  done
}

connect 100
settle
files=$(open_files "$pid") memory=$(rss "$pid")
connect "$connections"
settle
files_after=$(open_files "$pid") memory_after=$(rss "$pid")
grown=$(((memory_after - memory) / 1024))
say "$connections connections: $files files open, then $files_after;" \
    "$((memory / 1024)) KiB, then $grown more"
[ "$files_after" -eq "$files" ] || fail "it keeps files open"
# Sanitizers keep memory that was freed, so that its use is noticed.
if ! sanitized && [ "$grown" -gt 1024 ]; then fail "it keeps memory"; fi
stop_nbdkit
