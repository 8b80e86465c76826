#!/usr/bin/env bash
# A session under TLS with a pre-shared key, over TCP and a Unix socket;
# nobody else gets in.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires psktool

keys=$tmpdir/keys.psk
psktool -u alice -p "$keys" >/dev/null
real_data "$tmpdir/data" "$(scaled 16000000)"
tls=(--tls=require --tls-psk="$keys")

# check URI PLAIN-URI
check ()
{
  nbdinfo "$1" | grep -q '^protocol: .*with TLS' || fail "no TLS"
  nbdcopy "$tmpdir/data" "$1"
  holds "$tmpdir/data" "$1"
  nbdinfo --map "$1" | grep -q data
  if nbdinfo "$2" >"$tmpdir/plain.log" 2>&1; then
    fail "a client without TLS got in"
  fi
}

start_nbdkit "${tls[@]}" "${plugin[@]}" size=32M
check "nbds+unix://alice@/?socket=$sock&tls-psk-file=$keys" "$uri"

psktool -u mallory -p "$tmpdir/other.psk" >/dev/null
if nbdinfo "nbds+unix://mallory@/?socket=$sock&tls-psk-file=$tmpdir/other.psk" \
           >"$tmpdir/mallory.log" 2>&1; then
  fail "a client with another key got in"
fi
stop_nbdkit

start_nbdkit_tcp "${tls[@]}" "${plugin[@]}" size=32M
check "nbds://alice@127.0.0.1:$port/?tls-psk-file=$keys" "$uri"
stop_nbdkit
