#!/usr/bin/env bash
# Who may write to the control export: every way to connect, against every
# value of control=.  Everybody may read it; a client that may not write
# changes nothing, whatever it sends.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"
requires psktool setpriv

keys=$tmpdir/keys.psk
psktool -u alice -p "$keys" >/dev/null 2>&1
chmod 644 "$keys"
# Other users connect to the sockets here, and servers that are another
# user write here.
chmod 1777 "$tmpdir"

# The client: is the export read-only to it, and does it stick to that?
cat >"$tmpdir/client.py" <<'END'
import nbd, sys
h = nbd.NBD()
h.set_uri_allow_local_file(True)
# Without this libnbd itself would refuse to write to a read-only export.
# Under TLS it shall: nbdkit 1.32 loses track of the stream when it refuses
# a write there.
if not sys.argv[1].startswith("nbds"):
    h.set_strict_mode(0)
try:
    h.connect_uri(sys.argv[1])
except nbd.Error as e:
    print("gone" if "ENOENT" in str(e.errno) else e)
    sys.exit()
assert h.pread(256 * 1024, 0).startswith(b'{"version"')
try:
    h.pwrite(b"zram0 mem_limit 1G", 0)
    wrote = True
    h.pwrite(b"zram0 mem_limit 0", 0)
except nbd.Error as e:
    assert e.errno == "EPERM", e
    wrote = False
answer = h.pread(1 << 18, 0)
assert answer.startswith(b"ok" if wrote else b'{"version"'), answer[:200]
assert b'"mem_limit":1' not in answer
assert wrote != h.is_read_only(), (wrote, h.is_read_only())
h.shutdown()
print("rw" if wrote else "ro")
END

# client UID URI: "rw", "ro" or "gone".
client ()
{
  if [ "$1" = "$(id -u)" ]; then
    python3 "$tmpdir/client.py" "$2"
  else
    setpriv --reuid="$1" --regid=65534 --clear-groups \
            python3 "$tmpdir/client.py" "$2"
  fi
}

# expect WANTED UID URI WHO
expect ()
{
  local got
  got=$(client "$2" "$3") || fail "control=$mode, $4: the client failed"
  [ "$got" = "$1" ] || fail "control=$mode, $4: $got, should be $1"
}

own=$(id -u)
if [ "$own" -eq 0 ]; then others=(65534 1); else others=(); fi

# Whom the mode lets write: own uid, another, TCP, TLS on TCP, TLS on a
# Unix socket by another uid.
while read -r mode by_own by_other by_tcp by_tls by_other_tls; do
  say "control=$mode"
  args=()
  if [ "$mode" != default ]; then args=("control=$mode"); fi
  start_nbdkit --tls=on --tls-psk="$keys" "${plugin[@]}" size=1M "${args[@]}"
  chmod 666 "$sock"
  plain="nbd+unix:///control?socket=$sock"
  tls="nbds+unix://alice@/control?socket=$sock&tls-psk-file=$keys"
  expect "$by_own" "$own" "$plain" "own uid"
  expect "$by_own" "$own" "$tls" "own uid with TLS"
  for other in "${others[@]}"; do
    expect "$by_other" "$other" "$plain" "uid $other"
    expect "$by_other_tls" "$other" "$tls" "uid $other with TLS"
  done
  stop_nbdkit
  start_nbdkit_tcp --tls=on --tls-psk="$keys" "${plugin[@]}" size=1M \
                   "${args[@]}"
  expect "$by_tcp" "$own" "nbd://127.0.0.1:$port/control" "TCP"
  expect "$by_tls" "$own" \
         "nbds://alice@127.0.0.1:$port/control?tls-psk-file=$keys" "TLS"
  stop_nbdkit
  # nbdkit says so of a uid that is asked for on TCP.
  if grep -q 'getsockopt\|peer' "$tmpdir/server.log"; then
    fail "the uid of a TCP client was asked for"
  fi
done <<'END'
default rw ro ro ro ro
local rw ro ro ro ro
tls rw ro ro rw rw
rw rw rw rw rw rw
ro ro ro ro ro ro
off gone gone gone gone gone
END

mode=rw
say "nbdkit -r"
start_nbdkit -r "${plugin[@]}" size=1M control=rw
expect ro "$own" "nbd+unix:///control?socket=$sock" "own uid under -r"
stop_nbdkit

mode=local
say "a pair of sockets"
# nbdkit -s, as a child of its client.
nbdsh -c - <<END
h.set_export_name("control")
h.connect_command(["nbdkit", "-s", "--exit-with-parent", "$PLUGIN", "1M"])
assert not h.is_read_only()
h.pwrite(b"zram0 mem_limit 1G", 0)
END

if [ "${#others[@]}" -gt 0 ]; then
  say "a server that is not root"
  start_nbdkit -u nobody -g nogroup "${plugin[@]}" size=1M
  chmod 666 "$sock"
  plain="nbd+unix:///control?socket=$sock"
  expect rw 0 "$plain" "root"
  expect rw 65534 "$plain" "the server's uid"
  expect ro 1 "$plain" "another uid"
  stop_nbdkit
fi
