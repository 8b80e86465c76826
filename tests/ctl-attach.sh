#!/usr/bin/env bash
# nbdzramctl attach, detach, swapon and swapoff do what they should in the
# right order, and take it back if a step fails or a signal comes.
# SPDX-License-Identifier: BSD-3-Clause
#
# The programs that they run are made up, and so are /sys, /proc and /run:
# the programs note how they were called, and change the files as the kernel
# would.

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

requires certtool psktool

root=$tmpdir/root
fakes=$tmpdir/fakes
export NBDZRAM_ROOT=$root FAKE=$tmpdir

# The machine as it is when it has started: three devices, nbd0 attached by
# somebody else, and other swap.
swaps=$'Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1 0 -2'
reset_machine ()
{
  rm -rf "$root" "$tmpdir"/{fail,hang,late,deaf}-*
  mkdir -p "$root"/sys/block/nbd{0,1,2}/holders "$root/proc/self" \
        "$root/run" "$root/sys/module/nbd"
  ln -s /proc/net "$root/proc/net"
  echo 2048 >"$root/sys/block/nbd0/size"
  echo 1 >"$root/sys/block/nbd0/pid"
  echo 0 | tee "$root"/sys/block/nbd{1,2}/size >/dev/null
  echo "$swaps" >"$root/proc/swaps"
  : >"$root/proc/self/mountinfo"
  : >"$tmpdir/calls"
}

# What a program does first: note the call; fail or hang if it shall.
mkdir "$fakes"
cat >"$fakes/common" <<'END2'
name=${0##*/}
words="$name $*"
echo "$words" >>"$FAKE/calls"
root=$NBDZRAM_ROOT
hang ()
{
  : >"$FAKE/hangs"
  trap 'exit 1' TERM
  while :; do sleep 0.02; done
}
if [ -e "$FAKE/hang-$name" ]; then hang; fi
if [ -e "$FAKE/deaf-$name" ]; then
  trap '' TERM INT HUP
  : >"$FAKE/hangs"
  while :; do sleep 0.02; done
fi
if [ -e "$FAKE/fail-$name" ]; then
  cat "$FAKE/fail-$name" >&2
  exit "$(cat "$FAKE/status-$name" 2>/dev/null || echo 1)"
fi
# Done, but it does not end before a signal comes.
late ()
{
  if [ -e "$FAKE/late-$name" ]; then hang; fi
}
END2
fake ()
{
  { printf '#!/bin/bash\n. %q\n' "$fakes/common"; cat; } >"$fakes/$1"
  chmod +x "$fakes/$1"
}
fake modprobe <<'END2'
mkdir -p "$root/sys/module/$1"
END2
fake nbd-client <<'END2'
for word; do
  case $word in /dev/nbd*) device=$root/sys/block/${word#/dev/};; esac
done
if [ "$1" = -d ]; then
  rm "$device/pid"
  echo 0 >"$device/size"
  exit 0
fi
# Another one was faster.
if [ -e "$FAKE/race" ]; then
  rm "$FAKE/race"
  echo 1 >"$device/pid"
fi
if [ -e "$device/pid" ]; then
  printf 'Error: Failed to setup device, check dmesg\n\nExiting.\n' >&2
  exit 1
fi
mkdir -p "$device" "$root/dev"
echo 131072 >"$device/size"
echo $$ >"$device/pid"
# What is read from, or waited for.
node=$root/dev/${device##*/}
rm -f "$node"
if [ -s "$FAKE/silent" ]; then
  sed -i 1d "$FAKE/silent"
  mkfifo "$node"
else
  head -c 4096 /dev/zero >"$node"
fi
echo "bs=4096, sz=67108864 bytes" >&2
late
END2
fake mkswap <<'END2'
late
END2
fake swapon <<'END2'
for device; do :; done
echo "$device partition 65532 20480 100" >>"$root/proc/swaps"
late
END2
fake swapoff <<'END2'
# The other swapoff.
if [ -e "$FAKE/other" ]; then
  if [ "$(cat "$FAKE/other")" = 0 ]; then
    rm "$FAKE/other"
    sed -i "\|^$1 |d" "$root/proc/swaps"
  else
    echo $(($(cat "$FAKE/other") - 1)) >"$FAKE/other"
  fi
  echo "swapoff: $1: swapoff failed: Invalid argument" >&2
  exit 4
fi
sed -i "\|^$1 |d" "$root/proc/swaps"
late
END2
fake blkdiscard <<'END2'
END2
PATH=$fakes:$PATH

calls ()
{
  is "calls of ${1:-the programs}" "$(cat "$tmpdir/calls")" "$2"
}
# Nothing is left of what was done.
clean ()
{
  is "$1: devices" "$(cd "$root/sys/block" && echo */pid)" nbd0/pid
  is "$1: swaps" "$(cat "$root/proc/swaps")" "$swaps"
  is "$1: notes" "$(ls "$root/run/nbdzramctl" 2>/dev/null || :)" ""
}

reset_machine
start_nbdkit "${plugin[@]}" size=64M
export NBDZRAM_URI=$sock
main_uri=$uri
unix="nbd-client -unix $sock"
options="-b 4096 -C 1"

say "attach and detach"
is "the device" "$(ctl attach)" /dev/nbd1
is "another" "$(ctl attach zram0 --connections 4 --nbd-timeout 7)" /dev/nbd2
is "a new one" "$(ctl attach)" /dev/nbd3
calls attach "$unix /dev/nbd1 -N zram0 $options
$unix /dev/nbd2 -N zram0 -b 4096 -C 4 -t 7
$unix /dev/nbd3 -N zram0 $options"
is "the table knows it" "$(ctl -n --raw -o DEVICE)" /dev/nbd1
! grep -q persist "$tmpdir/calls" || fail "-persist"
: >"$tmpdir/calls"
ctl detach zram0 nbd2 /dev/nbd3
calls detach "nbd-client -d /dev/nbd1
nbd-client -d /dev/nbd2
nbd-client -d /dev/nbd3"
clean detach
refused 1 'zram0: not known to be attached' detach zram0
refused 1 'nbd2: nothing is attached' detach nbd2
is "a device named" "$(ctl attach --device nbd2)" /dev/nbd2
refused 1 '/dev/nbd0 is in use' attach --device /dev/nbd0
say "the pid is another's: the note is stale"
echo 1 >"$root/sys/block/nbd2/pid"
refused 1 'zram0: not known' detach zram0

say "several: all are looked at before one is touched"
reset_machine
ctl attach >/dev/null
: >"$tmpdir/calls"
for command in detach swapoff; do
  refused 1 'nbd2: nothing is attached' $command nbd1 nbd2
  refused 1 'zram9: not known to be attached' $command zram0 zram9
  refused 1 'zram0 and /dev/nbd1 are the same' $command zram0 /dev/nbd1
done
ctl attach >/dev/null
echo "/dev/nbd2 partition 65532 0 100" >>"$root/proc/swaps"
: >"$tmpdir/calls"
refused 1 '/dev/nbd2 is swap' detach nbd1 nbd2
echo "$swaps" >"$root/proc/swaps"
echo "1 1 43:32 / /mnt/a rw - ext4 /dev/nbd2 rw" \
  >"$root/proc/self/mountinfo"
refused 1 '/dev/nbd2 is mounted' swapoff nbd1 nbd2
calls "refused" ""
: >"$root/proc/self/mountinfo"
ctl detach nbd1 nbd2
clean "several"

say "a device that is in use"
reset_machine
ctl attach >/dev/null
echo "/dev/nbd1 partition 65532 0 100" >>"$root/proc/swaps"
refused 1 '/dev/nbd1 is swap: say nbdzramctl swapoff' detach zram0
echo "$swaps" >"$root/proc/swaps"
echo "1 1 43:32 / /mnt/a rw - ext4 /dev/nbd1p1 rw" \
  >"$root/proc/self/mountinfo"
refused 1 '/dev/nbd1 is mounted: umount /mnt/a' detach nbd1
refused 1 '/dev/nbd1 is mounted' swapoff nbd1
: >"$root/proc/self/mountinfo"
mkdir "$root/sys/block/nbd1/holders/md0"
refused 1 '/dev/nbd1 is part of another' detach nbd1
rmdir "$root/sys/block/nbd1/holders/md0"
ctl detach nbd1
clean "in use"
echo 8 >"$root/sys/block/nbd1/size"
is "one held open by somebody" "$(ctl attach)" /dev/nbd2

say "a race for a device"
reset_machine
: >"$tmpdir/race"
is "the next one" "$(ctl attach)" /dev/nbd2
calls attach "$unix /dev/nbd1 -N zram0 $options
$unix /dev/nbd2 -N zram0 $options"
[ -e "$root/sys/block/nbd1/pid" ] || fail "the other's device is detached"

say "a device that does not answer is attached anew, three times at most"
reset_machine
again="$unix /dev/nbd1 -N zram0 -b 4096 -C 2"
echo once >"$tmpdir/silent"
is "the device" "$(ctl attach --connections 2)" /dev/nbd1
calls "once silent" "$again
nbd-client -d /dev/nbd1
$again"
ctl detach nbd1
reset_machine
printf '%s\n' once twice again >"$tmpdir/silent"
refused 1 '/dev/nbd1 does not answer on all of its 2' \
        swapon --force --connections 2
calls "silent" "$again -swap
nbd-client -d /dev/nbd1
$again -swap
nbd-client -d /dev/nbd1
$again -swap
nbd-client -d /dev/nbd1"
clean "silent"
[ ! -s "$tmpdir/silent" ] || fail "not three tries"
! pgrep -f "$root/dev" >/dev/null || fail "a process still waits"
echo once >"$tmpdir/silent"
is "one connection is not asked" "$(ctl attach)" /dev/nbd1
rm -f "$tmpdir/silent"

say "where the server is"
reset_machine
(cd "$tmpdir" && ctl attach -u server.sock >/dev/null)
calls attach "$unix /dev/nbd1 -N zram0 $options"
(cd "$tmpdir" && ctl detach zram0 -u server.sock)
refused 1 'no server at /nonexistent' attach -u /nonexistent
refused 1 'no export "zram5"' attach zram5
refused 1 'no export "zram5"' attach -u "nbd+unix:///zram5?socket=$sock"
refused 1 'not known to be' attach nbd0
refused 2 '--connections 0' attach --connections 0
refused 2 '--nbd-timeout x' attach --nbd-timeout x
refused 2 '--device /dev/sda' attach --device /dev/sda
refused 2 '--priority -1' swapon --priority -1
refused 2 '--discard all' swapon --discard all
refused 2 '--priority does not go with attach' attach --priority 1
clean "refused"
start_nbdkit_tcp -n tcp "${plugin[@]}" size=1536
reset_machine
ctl attach -u "nbd://127.0.0.1:$port" >/dev/null
calls "over TCP" \
  "nbd-client 127.0.0.1 $port /dev/nbd1 -N zram0 -b 512 -C 1"
stop_nbdkit tcp

say "swapon and swapoff"
reset_machine
refused 1 'no swap=true.*--force' swapon
is "nothing is done" "$(cat "$tmpdir/calls")" ""
on="$unix /dev/nbd1 -N zram0 $options -swap
mkswap -U clear /dev/nbd1
swapon -p 100 -d /dev/nbd1"
is "the device" "$(ctl swapon --force)" /dev/nbd1
calls swapon "$on"
is "the table knows it" "$(ctl -n --raw -o MOUNTPOINT)" '[SWAP]'
refused 1 '/dev/nbd1 is swap already' swapon /dev/nbd1 --force
: >"$tmpdir/calls"
ctl swapoff zram0
calls swapoff "swapoff /dev/nbd1
blkdiscard /dev/nbd1
nbd-client -d /dev/nbd1"
clean swapoff
: >"$tmpdir/calls"
ctl attach >/dev/null
ctl swapon /dev/nbd1 --force --priority 5 --discard pages >/dev/null
calls "swapon of what is attached" "$unix /dev/nbd1 -N zram0 $options
mkswap -U clear /dev/nbd1
swapon -p 5 -dpages /dev/nbd1"
ctl swapoff /dev/nbd1
: >"$tmpdir/calls"
ctl swapon --force --discard none >/dev/null
grep -qx 'swapon -p 100 /dev/nbd1' "$tmpdir/calls" || fail "--discard none"
say "swapon keeps the kernel from raising its watermarks"
reset_machine
boost=$root/proc/sys/vm/watermark_boost_factor
mkdir -p "${boost%/*}"
echo 15000 >"$boost"
is "--dry-run" "$(ctl swapon --force --dry-run | sed -n '/sysctl/p')" \
   'sysctl vm.watermark_boost_factor=0'
is "not by --dry-run" "$(cat "$boost")" 15000
ctl swapon --force >/dev/null
is "the factor" "$(head -n 1 "$boost")" 0
ctl swapoff nbd1
ctl swapon --force >/dev/null
say "swapoff wants room for what is swapped out"
meminfo ()
{
  printf '%s\n' 'MemTotal: 409600 kB' "MemAvailable: $1 kB" \
    'SwapTotal: 165532 kB' "SwapFree: $2 kB" >"$root/proc/meminfo"
}
: >"$tmpdir/calls"
meminfo 20479 45052
refused 1 '/dev/nbd1: 20M are swapped out, and there is room for 20M: .*force' \
        swapoff nbd1
meminfo 10000 46052
refused 1 '20M are swapped out, and there is room for 10.7M' swapoff nbd1
calls "no room" ""
meminfo 10000 55532
ctl swapoff nbd1
clean "room in other swap"
ctl swapon --force >/dev/null
meminfo 20480 0
ctl swapoff nbd1
clean "room in memory"
ctl swapon --force >/dev/null
meminfo 10000 0
echo 'SwapCached: 10480 kB' >>"$root/proc/meminfo"
ctl swapoff nbd1
clean "half is in memory as well"
ctl swapon --force >/dev/null
meminfo 0 45052
ctl swapoff --force nbd1
clean "forced"
rm "$root/proc/meminfo"
ctl swapon --force >/dev/null
say "somebody has done a part of it"
echo "$swaps" >"$root/proc/swaps"
: >"$tmpdir/calls"
ctl swapoff nbd1
calls swapoff "nbd-client -d /dev/nbd1"
clean "a part"

say "every step fails in turn"
# fails PROGRAM TEXT PATTERN LAST-CALLS
fails ()
{
  reset_machine
  if [ "$1" = modprobe ]; then
    rm -r "$root/sys/module/nbd" "$root"/sys/block/nbd0
  fi
  echo "$2" >"$tmpdir/fail-$1"
  refused 1 "$3" swapon --force
  mkdir -p "$root/sys/block/nbd0"
  echo 1 >"$root/sys/block/nbd0/pid"
  clean "$1 fails"
  is "$1 fails: calls after it" \
     "$(sed "1,/^$1 /d" "$tmpdir/calls")" "$4"
}
fails modprobe 'modprobe: FATAL: Module nbd not found in directory /x' \
      'no nbd devices.*modprobe failed: FATAL: Module nbd not found' ''
fails nbd-client $'Error: Socket failed: x\nExiting.' \
      'nbd-client failed: Error: Socket failed: x$' ''
fails mkswap 'mkswap: error: swap area needs to be at least 40 KiB' \
      'mkswap failed: error: swap area needs' 'nbd-client -d /dev/nbd1'
fails swapon 'swapon: /dev/nbd1: swapon failed: Operation not permitted' \
      'swapon failed: /dev/nbd1: .*not permitted' 'nbd-client -d /dev/nbd1'
reset_machine
ctl attach >/dev/null
echo no >"$tmpdir/fail-mkswap"
refused 1 'mkswap failed: no' swapon nbd1 --force
[ -e "$root/sys/block/nbd1/pid" ] || fail "what was attached is detached"
rm -r "$root/sys/module/nbd" "$root"/sys/block/nbd*
: >"$tmpdir/calls"
is "modprobe helps" "$(ctl attach)" /dev/nbd0
calls attach "modprobe nbd
$unix /dev/nbd0 -N zram0 $options"

say "swapoff fails"
reset_machine
ctl swapon --force >/dev/null
still ()
{
  grep -q '^/dev/nbd1 ' "$root/proc/swaps" || fail "$1: it is no swap now"
  [ -e "$root/sys/block/nbd1/pid" ] || fail "$1: it is detached"
}
echo 'swapoff: /dev/nbd1: swapoff failed: Cannot allocate memory' \
  >"$tmpdir/fail-swapoff"
refused 1 'not enough memory is free to take back the 20M on /dev/nbd1' \
        swapoff zram0
still "no memory"
echo 'swapoff: something' >"$tmpdir/fail-swapoff"
refused 1 'swapoff failed: something: /dev/nbd1 is still swap' swapoff zram0
still "it fails"
rm "$tmpdir/fail-swapoff"
echo 2 >"$tmpdir/other"
ctl swapoff zram0 2>"$tmpdir/err"
grep -q 'another swapoff is at work' "$tmpdir/err" || fail "says nothing"
clean "another swapoff"
ctl swapon --force >/dev/null
echo no >"$tmpdir/fail-blkdiscard"
ctl swapoff zram0 2>"$tmpdir/err"
grep -q 'blkdiscard failed: no; the server keeps' "$tmpdir/err" ||
  fail "says nothing of blkdiscard"
clean "no discard"

say "signals"
# signalled SIGNAL NUMBER FILE WORD...: while a program hangs; its status.
signalled ()
{
  local signal=$1 number=$2 file=$3 status=0 i
  shift 3
  rm -f "$tmpdir/hangs"
  : >"$tmpdir/$file"
  # What a child of this shell ignores it could not stop ignoring.
  env --default-signal=HUP,INT,TERM "${ctl_words[@]}" "$@" \
      >"$tmpdir/signal.out" 2>"$tmpdir/signal.err" &
  for ((i = 0; i < 1000; i++)); do
    [ ! -e "$tmpdir/hangs" ] || break
    sleep 0.02
  done
  [ -e "$tmpdir/hangs" ] || fail "$file: it does not hang"
  rm "$tmpdir/$file"
  kill "-$signal" $!
  wait $! || status=$?
  is "$file: status" "$status" $((128 + number))
  [ ! -s "$tmpdir/signal.out" ] || fail "$file: prints all the same"
  is "$file: one line" "$(wc -l <"$tmpdir/signal.err")" 1
  grep -q 'stopped by a signal' "$tmpdir/signal.err" || fail "$file: what?"
}
reset_machine
for step in hang-nbd-client late-nbd-client hang-mkswap late-mkswap \
            hang-swapon late-swapon; do
  signalled TERM 15 $step swapon --force
  clean "$step"
done
signalled HUP 1 late-nbd-client attach
clean "attach"
signalled INT 2 deaf-nbd-client attach
clean "a program that ignores signals"
ctl swapon --force >/dev/null
signalled TERM 15 hang-swapoff swapoff zram0
still "a signal"
grep -q '/dev/nbd1 is still swap, with 20M on it' "$tmpdir/signal.err" ||
  fail "does not say that it is still swap"
: >"$tmpdir/late-swapoff"
env --default-signal=TERM "${ctl_words[@]}" swapoff zram0 2>/dev/null &
for ((i = 0; i < 1000; i++)); do
  ! grep -q '^/dev/nbd1' "$root/proc/swaps" || { sleep 0.02; continue; }
  break
done
kill -TERM $!
wait $! || status=$?
is "swapoff is done to its end, and then stopped" "${status:-0}" 143
rm "$tmpdir/late-swapoff"
clean "late-swapoff"

say "what is taken back has a limit too"
status=0
echo 1000000 >"$tmpdir/other"
: >"$tmpdir/late-swapon"
rm -f "$tmpdir/hangs"
env --default-signal=TERM "${ctl_words[@]}" swapon --force --timeout 1 \
    2>"$tmpdir/err" &
tool=$!
for ((i = 0; i < 1000; i++)); do
  [ ! -e "$tmpdir/hangs" ] || break
  sleep 0.02
done
kill -TERM "$tool"
for ((i = 0; i < 3000; i++)); do
  if ended "$tool"; then break; fi
  sleep 0.02
done
ended "$tool" || { kill -KILL "$tool"; fail "it waits for ever"; }
wait "$tool" || status=$?
is "status" "$status" 143
grep -q '/dev/nbd1 is still swap' "$tmpdir/err" || fail "does not say so"
rm "$tmpdir/other" "$tmpdir/late-swapon"
ctl swapoff nbd1
clean "taken back in the end"

say "programs that take too long"
for step in nbd-client mkswap swapon; do
  : >"$tmpdir/hang-$step"
  refused 1 "$step took longer than 3 s and was ended; --timeout" \
          swapon --force --timeout 1
  rm "$tmpdir/hang-$step"
  clean "$step"
done
: >"$tmpdir/deaf-nbd-client"
refused 1 'nbd-client took longer than 3 s' attach --timeout 1
rm "$tmpdir/deaf-nbd-client"
clean "one that ignores signals"
! pgrep -f "$fakes" >/dev/null || fail "a program still runs"

say "--dry-run"
reset_machine
is "swapon" "$(ctl swapon --force --dry-run)" "$on"
is "attach" "$(ctl attach --dry-run --device /dev/nbd2)" \
   "$unix /dev/nbd2 -N zram0 $options"
start_nbdkit -n "a b" "${plugin[@]}" size=64M
is "words that need it are quoted" "$(ctl attach --dry-run -u "$sock")" \
   "nbd-client -unix '$sock' /dev/nbd1 -N zram0 $options"
stop_nbdkit "a b"
ctl attach >/dev/null
is "detach" "$(ctl detach --dry-run zram0)" "nbd-client -d /dev/nbd1"
ctl swapon --force nbd1 >/dev/null
: >"$tmpdir/calls"
is "swapoff" "$(ctl swapoff --dry-run zram0)" "swapoff /dev/nbd1
blkdiscard /dev/nbd1
nbd-client -d /dev/nbd1"
is "nothing is done" "$(cat "$tmpdir/calls")" ""
rm -r "$root/sys/module/nbd" "$root"/sys/block/nbd*
is "modprobe" "$(ctl attach --dry-run | head -n 1)" "modprobe nbd"

say "data, and a server that is not ready"
reset_machine
nbdcopy "$(command -v bash)" "$main_uri"
refused 1 'zram0 holds [0-9.]*[KM] of data that is no swap; --force' swapon
nbdsh -u "$main_uri" -c 'h.pwrite(b"SWAPSPACE2", 4086)'
refused 1 'no swap=true' swapon
stop_nbdkit
# serve_json PARTS: anything that says so is a server.
serve_json ()
{
  printf '{"version":"0","devices":[{"name":"zram0","disksize":8192%s}]}' \
         "${1:+,\"swap_safe\":$1}" >"$tmpdir/json"
  truncate -s 8192 "$tmpdir/json"
  tr '\0' ' ' <"$tmpdir/json" >"$tmpdir/disk"
  start_nbdkit file "$tmpdir/disk"
}
serve_json '{"safe":false,"locked":false,"oom":false,"realtime":false}'
refused 1 'zram0: the server is not.*(not in force: locked, realtime)' swapon
stop_nbdkit
serve_json '{"safe":true,"locked":true,"oom":false}'
is "safe" "$(ctl swapon)" /dev/nbd1
ctl swapoff zram0
clean "safe"
stop_nbdkit
serve_json ''
refused 1 'no swap=true' swapon
stop_nbdkit
start_nbdkit -r "${plugin[@]}" size=64M
refused 1 'zram0: the server lets nobody write' swapon --force
stop_nbdkit

say "a server of this machine, by whatever name"
reset_machine
start_nbdkit_everywhere ()
{
  local i
  for ((i = 0; i < 5; i++)); do
    port=$(free_port)
    if try_nbdkit server -p "$port" "${plugin[@]}" size=64M; then return; fi
  done
  fail "no port is free"
}
start_nbdkit_everywhere
own=(127.0.0.1 127.1.2.3 localhost 0.0.0.0 '[::ffff:127.0.0.1]')
if getent hosts "$(hostname)" >/dev/null; then own+=("$(hostname)"); fi
while read -r address; do
  case $address in
    fe80:*) ;;
    *:*) own+=("[$address]");;
    *) own+=("$address" "[::ffff:$address]");;
  esac
done < <(python3 - <<'END2'
import socket, struct, fcntl
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _, name in socket.if_nameindex():
    try:
        a = fcntl.ioctl(s, 0x8915, struct.pack("256s", name.encode()))
        print(socket.inet_ntoa(a[20:24]))
    except OSError:
        pass
try:
    for line in open("/proc/net/if_inet6"):
        print(socket.inet_ntop(socket.AF_INET6,
                               bytes.fromhex(line.split()[0])))
except OSError:
    pass
END2
)
tried=0
for host in "${own[@]}"; do
  # A machine may lack IPv6, or lead some of its addresses elsewhere.
  nbdinfo --size "nbd://$host:$port" >/dev/null 2>&1 || continue
  refused 1 'no swap=true.*--force' swapon -u "nbd://$host:$port"
  tried=$((tried + 1))
done
[ "$tried" -ge 3 ] || fail "only $tried addresses of this machine"
clean "own addresses"
stop_nbdkit

say "whoever cannot be found out is not trusted"
reset_machine
start_nbdkit_tcp -n tcp "${plugin[@]}" size=64M
rm "$root/proc/net"
refused 1 "$port: it cannot be found out which user.*--force" \
        swapon -u "nbd://127.0.0.1:$port"
is "--force" "$(ctl swapon --force -u "nbd://127.0.0.1:$port")" /dev/nbd1
ctl swapoff nbd1
mkdir "$root/proc/net"
# listens TABLE ADDRESS UID: a line as the kernel writes it.
listens ()
{
  printf '  sl  local_address\n   0: %s:%04X 0:0000 0A 00000000:00000000 %s\n' \
         "$2" "$port" "00:00000000 00000000 $3 0 4711 1 0" \
         >"$root/proc/net/$1"
}
me=$(id -u)
zeroes=$(printf '%032d' 0)
trusted='no swap=true'
strange='in the hands of the user 4242.*--force'
unknown='cannot be found out'
# Addresses are as a little-endian machine has them.
for case in "tcp 0100007F 4242 $strange" "tcp 00000000 4242 $strange" \
            "tcp 0200007F 4242 $unknown" "tcp 0100007F $me $trusted" \
            "tcp6 $zeroes 4242 $strange" \
            "tcp6 0000000000000000FFFF00000100007F 4242 $strange" \
            "tcp6 00000000000000000000000001000000 4242 $unknown"; do
  [ "$(python3 -c 'import sys; print(sys.byteorder)')" = little ] || break
  read -r table address user pattern <<<"$case"
  rm -f "$root"/proc/net/*
  listens "$table" "$address" "$user"
  refused 1 "$pattern" swapon -u "nbd://127.0.0.1:$port"
done
stop_nbdkit tcp

say "a port that any user can listen at is not taken unasked"
for words in attach swapon "swapon --force"; do
  # shellcheck disable=SC2086
  NBDZRAM_URI='' refused 1 'name one with -u URI.* -u nbd://localhost' $words
done
clean "unnamed"

say "a server of another user"
if [ "$(id -u)" = 0 ]; then
  reset_machine
  start_nbdkit "${plugin[@]}" size=64M swap=true
  mkdir "$tmpdir/theirs"
  chown 65534 "$tmpdir/theirs" "$sock"
  strange='in the hands of the user 65534.*--force'
  refused 1 "$strange" swapon
  chown 0 "$sock"
  ln "$sock" "$tmpdir/theirs/sock"
  refused 1 "$strange" swapon -u "$tmpdir/theirs/sock"
  chown 65534 "$sock"
  mkdir -p "$root/run/nbdkit-zram"
  chown 65534 "$root/run/nbdkit-zram"
  ctl swapon --dry-run >"$tmpdir/out" 2>&1 ||
    ! grep "$strange" "$tmpdir/out" || fail "the service's user is a stranger"
  chown 0 "$root/run/nbdkit-zram"
  is "--force" "$(ctl swapon --force)" /dev/nbd1
  ctl swapoff zram0
  chown 0 "$sock"
  say "root's socket, open to others"
  # opened MODE MODE: of the directories; what swapon says.
  mkdir -p "$tmpdir/way/in"
  ln "$sock" "$tmpdir/way/in/sock"
  opened ()
  {
    chmod "$1" "$tmpdir/way"
    chmod "$2" "$tmpdir/way/in"
    ctl swapon --dry-run -u "$tmpdir/way/in/sock" 2>&1 |
      grep -o 'others may write to [^ ,]*\|mode lets other users' || :
  }
  chmod 711 "$tmpdir"
  chmod 755 "$sock"
  is "only root" "$(opened 755 755)" ""
  is "only root, sticky" "$(opened 755 1777)" ""
  is "a directory" "$(opened 755 777)" "others may write to $tmpdir/way/in"
  is "one above it" "$(opened 777 755)" "others may write to $tmpdir/way"
  chmod 777 "$sock"
  is "the socket" "$(opened 755 755)" "mode lets other users"
  is "a way that is shut" "$(opened 700 755)" ""
  is "a socket that is shut in" "$(opened 755 700)" ""
  chmod 770 "$sock"
  is "root's group" "$(opened 755 755)" ""
  chgrp 65534 "$sock"
  is "another group" "$(opened 755 755)" "mode lets other users"
  chmod 700 "$sock" "$tmpdir"
  mkdir -p "$tmpdir/theirs/nbdkit-zram"
  ln "$sock" "$tmpdir/theirs/nbdkit-zram/nbdkit.sock"
  tables ()
  {
    NBDZRAM_URI='' XDG_RUNTIME_DIR=$tmpdir/theirs \
      ctl --timeout 1 -n --raw -b -o DISKSIZE 2>/dev/null || :
  }
  ! tables | grep -qx 67108864 || fail "another's XDG_RUNTIME_DIR is taken"
  chown 0 "$tmpdir/theirs"
  is "root's own XDG_RUNTIME_DIR" "$(tables)" 67108864
  chown 65534 "$tmpdir/theirs/nbdkit-zram"
  ! tables | grep -qx 67108864 || fail "another's directory in it is taken"
  chown 0 "$tmpdir/theirs/nbdkit-zram"
  chown 65534 "$sock"
  ! tables | grep -qx 67108864 || fail "another's socket in it is taken"
  chown 0 "$sock"
  chmod 777 "$tmpdir/theirs/nbdkit-zram"
  ! tables | grep -qx 67108864 || fail "a socket that all can make is taken"
  stop_nbdkit
  say "one who listens at root's socket"
  chmod 711 "$tmpdir"
  mkdir "$tmpdir/fake"
  printf '{"version":"0.1","devices":[{"name":"zram0"}]}%8146s' '' \
    >"$tmpdir/text"
  mkfifo "$tmpdir/end" "$tmpdir/ready"
  python3 "$tests_dir/ctl-server.py" "$tmpdir/fake" "$tmpdir/text" 65534 \
          <"$tmpdir/end" >"$tmpdir/ready" &
  fake=$!
  exec {fake_end}>"$tmpdir/end"
  read -r _ <"$tmpdir/ready"
  refused 1 "$strange" swapon -u "$tmpdir/fake/disk.sock"
  exec {fake_end}>&-
  wait "$fake"
else
  say "not tried: this is not root"
fi

say "TLS"
pki=$tmpdir/pki
mkdir "$pki"
# certificate NAME TEMPLATE-LINE...: signed by the CA, if there is one.
certificate ()
{
  local name=$1 how=(--generate-self-signed)
  shift
  printf '%s\n' "$@" >"$tmpdir/template"
  if [ -e "$pki/ca-cert.pem" ]; then
    how=(--generate-certificate --load-ca-certificate "$pki/ca-cert.pem"
         --load-ca-privkey "$pki/ca-key.pem")
  fi
  certtool --generate-privkey --outfile "$pki/$name-key.pem" 2>/dev/null
  certtool "${how[@]}" --load-privkey "$pki/$name-key.pem" \
           --template "$tmpdir/template" --outfile "$pki/$name-cert.pem" \
           2>/dev/null
}
certificate ca 'cn = Test' ca cert_signing_key
certificate server 'cn = localhost' 'dns_name = localhost' tls_www_server \
            encryption_key signing_key
start_nbdkit_tcp --tls=require --tls-certificates="$pki" \
                 "${plugin[@]}" size=64M
tls="nbds://localhost:$port/?tls-certificates=$pki"
reset_machine
ctl attach -u "$tls" >/dev/null
calls "attach with TLS" "nbd-client localhost $port /dev/nbd1 -N zram0 $(
  )$options -A $pki/ca-cert.pem -H localhost"
ctl detach nbd1 -u "$tls"
refused 1 'with TLS every page' swapon -u "$tls"
certificate client 'cn = Client' tls_www_client encryption_key signing_key
is "with a certificate of the client's own" \
   "$(ctl attach -u "$tls" --dry-run | sed 's/.*-H localhost//')" \
   " -F $pki/client-cert.pem -K $pki/client-key.pem"
stop_nbdkit
psktool -u alice -p "$tmpdir/psk" >/dev/null
start_nbdkit_tcp --tls=require --tls-psk="$tmpdir/psk" \
                 "${plugin[@]}" size=64M
refused 1 'nbd-client knows no pre-shared keys' attach \
        -u "nbds://alice@localhost:$port/?tls-psk-file=$tmpdir/psk"
stop_nbdkit
clean TLS
