#!/usr/bin/env bash
# A thousand clients that go away while the server has something to tell
# them, in six ways, over a Unix socket, TCP and TLS.  None of them ends the
# server or disturbs another client, whose data is verified all the while.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires certtool fio qemu-img
export PYTHONDONTWRITEBYTECODE=1
say "SEED=$seed"
RANDOM=$seed

# parallel=on shows what the default is good for: this test fails with it.
random_data "$tmpdir/data" $((32 * 1024 * 1024))
disks=(device=zram0 size=64M device=zram1 size=256M mem-limit=8M)

certificates ()
{
  local dir=$tmpdir/pki
  mkdir "$dir"
  { certtool --generate-privkey --key-type=ecdsa --outfile "$dir/ca-key.pem"
    printf 'cn = "test"\nca\ncert_signing_key\nexpiration_days = 9\n' \
      >"$dir/ca.info"
    certtool --generate-self-signed --load-privkey "$dir/ca-key.pem" \
             --template "$dir/ca.info" --outfile "$dir/ca-cert.pem"
    certtool --generate-privkey --key-type=ecdsa \
             --outfile "$dir/server-key.pem"
    printf '%s\n' 'cn = "test"' 'ip_address = "127.0.0.1"' tls_www_server \
           signing_key 'expiration_days = 9' >"$dir/server.info"
    certtool --generate-certificate --load-privkey "$dir/server-key.pem" \
             --load-ca-certificate "$dir/ca-cert.pem" \
             --load-ca-privkey "$dir/ca-key.pem" \
             --template "$dir/server.info" --outfile "$dir/server-cert.pem"
  } >"$tmpdir/certtool.out" 2>&1
}

# killed COMMAND...: run it, and kill it at some time soon.
killed ()
{
  "$@" </dev/null >/dev/null 2>&1 &
  local p=$!
  sleep "0.$(printf %03d $((20 + RANDOM % 100)))"
  kill -KILL "$p" 2>/dev/null || :
  wait "$p" 2>/dev/null || :
}

# The pid of the server is that of a child, so a kill says if it is there.
alive ()
{
  if ended "$pid"; then fail "$1 ended the server"; fi
}

# vanish WHERE TLS DISK0 DISK1: all of them, at a server that runs.
vanish ()
{
  local where=$1 tls=$2 zram0=$3 zram1=$4 kind i
  local -A raw=([unread]=120 [handshake]=120 [middle]=60)
  for kind in "${!raw[@]}"; do
    python3 "$tests_dir/nbd-vanish.py" "$where" "$tls" "$kind" \
            "$(scaled "${raw[$kind]}")" "$seed" ||
      fail "$kind: see above"
    alive "$kind"
  done
  for ((i = 0; i < $(scaled 16); i++)); do
    killed nbdcopy "$zram0" null:
    killed nbdcopy "$tmpdir/data" "$zram1"
    # The limit is far below that: it stops at the first error.
    if nbdcopy "$tmpdir/data" "$zram1" >/dev/null 2>&1; then
      fail "zram1 has no limit"
    fi
  done
  alive "nbdcopy"
  for ((i = 0; i < $(scaled 8); i++)); do
    killed fio --name=x --ioengine=nbd --uri="$zram0" --rw=randread \
           --bs=256k --iodepth=16 --size=32M --thread
    # qemu's URIs have no certificates.
    [ "$tls" = 1 ] ||
      killed qemu-img convert -f raw -O raw -n "$zram0" "$zram1"
  done
  alive "fio or qemu-img"
}

# around WHERE TLS DISK0 DISK1: the same with another client beside it.
around ()
{
  local other status=0
  nbdcopy "$tmpdir/data" "$3"
  rm -f "$tmpdir/stop"
  nbdsh -c "uri = '$3'; stop = '$tmpdir/stop'" -c - \
        <"$tests_dir/nbd-vanish-other.py" >"$tmpdir/other.log" 2>&1 &
  other=$!
  vanish "$@"
  : >"$tmpdir/stop"
  wait "$other" || status=$?
  [ "$status" -eq 0 ] || fail "the other client was disturbed"
  say "the other client: $(cat "$tmpdir/other.log")"
  holds "$tmpdir/data" "$3"
  stop_nbdkit
}

say "Unix socket"
start_nbdkit "${plugin[@]}" "${disks[@]}"
around "$sock" 0 "nbd+unix:///zram0?socket=$sock" \
       "nbd+unix:///zram1?socket=$sock"

say "TCP"
start_nbdkit_tcp "${plugin[@]}" "${disks[@]}"
around "$port" 0 "nbd://127.0.0.1:$port/zram0" "nbd://127.0.0.1:$port/zram1"

say "TLS"
certificates
start_nbdkit_tcp --tls=require --tls-certificates="$tmpdir/pki" \
                 "${plugin[@]}" "${disks[@]}"
query="?tls-certificates=$tmpdir/pki"
around "$port" 1 "nbds://127.0.0.1:$port/zram0$query" \
       "nbds://127.0.0.1:$port/zram1$query"
