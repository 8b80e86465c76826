#!/usr/bin/env bash
# The units of systemd are understood by it, fit together at any time of a
# boot, and run what they should.
# SPDX-License-Identifier: BSD-3-Clause
#
# No system is started here: systemd-analyze reads the units, and their
# commands run by themselves, the server on a socket that it did not open.

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"
requires systemd-analyze systemd-socket-activate

units=$abs_top_builddir/units
if [ ! -e "$units/nbdkit-zram@.service" ]; then
  skip "configured without units"
fi

# The programs that are not installed: ours, and nbdkit with our plugin.
bin=$tmpdir/path
mkdir "$bin"
printf '#!/bin/bash\nexec %s "$@"\n' "${ctl_words[*]@Q}" >"$bin/nbdzramctl"
cat >"$bin/nbdkit" <<END2
#!/bin/bash
words=()
for word; do
  case \$word in
    zram|*/nbdkit-zram-plugin.so) word=$(printf %q "$PLUGIN");;
  esac
  words+=("\$word")
done
exec $(command -v nbdkit) "\${words[@]}"
END2
chmod +x "$bin"/*
PATH=$bin:$PATH

# The units as installed there.
installed=$tmpdir/units
mkdir "$installed"
bindir=$(sed -n 's|^ExecStart=\(.*\)/nbdzramctl serve.*|\1|p' \
             "$units/nbdkit-zram@.service")
[ -n "$bindir" ] || fail "the service does not run nbdzramctl serve"
for unit in "$units"/*.service "$units"/*.socket; do
  ! grep -n '@[a-z]*@' "$unit" || fail "$unit: not filled in"
  sed "s|=$bindir/|=$bin/|" "$unit" >"$installed/$(basename "$unit")"
done

# verify UNIT...: not a word about ours, and none of a cycle.
verify ()
{
  SYSTEMD_UNIT_PATH=$installed: systemd-analyze verify --man=no "$@" \
                    >"$tmpdir/verify.log" 2>&1 ||
    fail "systemd-analyze verify $*"
  ! grep -E 'nbdkit-zram|cycle' "$tmpdir/verify.log" ||
    fail "systemd-analyze verify $*"
}
# instance UNIT: a unit file of the instance "x", for tools that know no
# templates.
instance ()
{
  sed 's/%i/x/g' "$installed/$1" >"$tmpdir/${1/@/@x}"
}

say "systemd understands them"
verify "$installed/nbdkit-zram@.service"
verify "$installed/nbdkit-zram@.socket"
verify "$installed/nbdkit-zram-mount@.service"
verify "$installed/nbdkit-zram-swap@.service"
echo "Foo=yes" >"$installed/nbdkit-zram-bad@.service"
if SYSTEMD_UNIT_PATH=$installed: systemd-analyze verify --man=no \
     "$installed/nbdkit-zram-bad@.service" >"$tmpdir/bad.log" 2>&1 &&
   ! grep -q nbdkit-zram "$tmpdir/bad.log"; then
  fail "verify finds nothing wrong with a wrong unit"
fi
rm "$installed/nbdkit-zram-bad@.service"

say "the order of a boot has no cycle"
# With a /tmp in memory, which waits for swap; and all units enabled.
wants ()
{
  mkdir -p "$installed/$1.wants"
  ln -s "$2" "$installed/$1.wants/$3"
}
cat >"$installed/tmp.mount" <<'END2'
[Unit]
DefaultDependencies=no
Conflicts=umount.target
Before=local-fs.target umount.target
After=swap.target
[Mount]
What=tmpfs
Where=/tmp
Type=tmpfs
END2
wants local-fs.target ../tmp.mount tmp.mount
wants local-fs.target ../nbdkit-zram-mount@.service nbdkit-zram-mount@y.service
wants sockets.target ../nbdkit-zram@.socket nbdkit-zram@y.socket
wants swap.target ../nbdkit-zram-swap@.service nbdkit-zram-swap@x.service
wants sockets.target ../nbdkit-zram@.socket nbdkit-zram@x.socket
wants multi-user.target ../nbdkit-zram@.service nbdkit-zram@x.service
# Only units in files of its own are looked at; so targets are named by
# their path.
find /lib/systemd/system /usr/lib/systemd/system -maxdepth 1 \
     -name multi-user.target | head -n 1 >"$tmpdir/target"
verify "$(cat "$tmpdir/target")"

say "it is not restarted, and its socket goes with it"
# setting UNIT KEY: its value.
setting ()
{
  sed -n "s/^$2=//p" "$units/$1"
}
is "Restart" "$(setting nbdkit-zram@.service Restart)" no
is "the socket" "$(setting nbdkit-zram@.socket BindsTo)" \
   "nbdkit-zram@%i.service"
is "the swap" "$(setting nbdkit-zram-swap@.service BindsTo)" \
   "nbdkit-zram@%i.service"
is "the file system" "$(setting nbdkit-zram-mount@.service BindsTo)" \
   "nbdkit-zram@%i.service"
is "the server ends after the file system" \
   "$(setting nbdkit-zram-mount@.service After | head -n 1)" \
   "nbdkit-zram@%i.service"
is "the server ends after the swap" \
   "$(setting nbdkit-zram-swap@.service After | head -n 1)" \
   "nbdkit-zram@%i.service"

say "what an attacker could do"
instance nbdkit-zram@.service
systemd-analyze security --offline=true --threshold=30 --no-pager \
                "$tmpdir/nbdkit-zram@x.service" >"$tmpdir/security" 2>&1 ||
  { cat "$tmpdir/security"; fail "it is less hardened than it was"; }
# And it may still do what swap=true does.
for word in CAP_IPC_LOCK CAP_SYS_NICE CAP_SYS_RESOURCE; do
  setting nbdkit-zram@.service AmbientCapabilities | grep -qw "$word" ||
    fail "no $word"
done
is "memory to lock" "$(setting nbdkit-zram@.service LimitMEMLOCK)" infinity
is "out of memory" "$(setting nbdkit-zram@.service OOMScoreAdjust)" -1000
for word in RestrictRealtime PrivateUsers MemoryMax MemoryHigh; do
  [ -z "$(setting nbdkit-zram@.service $word)" ] || fail "$word is set"
done
instance nbdkit-zram-swap@.service
systemd-analyze security --offline=true --threshold=25 --no-pager \
                "$tmpdir/nbdkit-zram-swap@x.service" >"$tmpdir/security" 2>&1 ||
  { cat "$tmpdir/security"; fail "the swap is less hardened than it was"; }
# What it runs needs of the kernel (nbd's netlink has no other network).
is "capabilities for swap" \
   "$(setting nbdkit-zram-swap@.service CapabilityBoundingSet)" CAP_SYS_ADMIN
is "devices for swap" \
   "$(setting nbdkit-zram-swap@.service DeviceAllow)" "block-nbd rw"
setting nbdkit-zram-swap@.service RestrictAddressFamilies | grep -qw AF_NETLINK
for word in PrivateNetwork PrivateDevices ProtectKernelTunables; do
  [ -z "$(setting nbdkit-zram-swap@.service $word)" ] || fail "$word is set"
done
# A view of its own of the file systems, and nobody sees what it mounts.
! grep -E '^(Protect(System|Home|Proc|Clock|Control|Kernel)|Private|Temporary|[A-Za-z]*Paths?=)' \
  "$units/nbdkit-zram-mount@.service" | grep -v AssertPathExists ||
  fail "the file system is mounted for itself alone"
instance nbdkit-zram-mount@.service
systemd-analyze security --offline=true --threshold=55 --no-pager \
                "$tmpdir/nbdkit-zram-mount@x.service" >"$tmpdir/security" 2>&1 ||
  { cat "$tmpdir/security"; fail "the mount is less hardened than it was"; }
# What is allowed, of the sets that are named.
allowed=$tmpdir/allowed
expand ()
{
  local word
  for word in $(systemd-analyze syscall-filter "$1" | sed 1d |
                  grep -v '#'); do
    case $word in
      @*) expand "$word";;
      *) echo "$word" >>"$allowed";;
    esac
  done
}
# may UNIT SYSCALL...
may ()
{
  local unit=$1 word
  shift
  : >"$allowed"
  for word in $(setting "$unit" SystemCallFilter); do
    expand "$word"
  done
  for word; do
    grep -qx "$word" "$allowed" || fail "$unit may not use $word"
  done
  ! grep -qx init_module "$allowed" || fail "the list is not understood"
}
may nbdkit-zram@.service \
    mlockall sched_setscheduler prctl madvise mmap accept4 capget
may nbdkit-zram-swap@.service swapon swapoff ioctl sendto recvmsg sendmsg \
    memfd_create rt_sigtimedwait clone clone3 vfork wait4 kill setpgid \
    sched_setaffinity mlockall fadvise64 fsync rename unlink mkdir

may nbdkit-zram-mount@.service mount umount2 ioctl sendto recvmsg sendmsg \
    memfd_create rt_sigtimedwait clone vfork wait4 mkdir rmdir fsync

say "threads run out before files do"
# Else nbdkit, without a file for the next client, fills the log.
[ "$(setting nbdkit-zram@.service TasksMax)" -lt \
  "$(setting nbdkit-zram@.service LimitNOFILE)" ] ||
  fail "a crowd of clients takes the last file first"

say "a stop has a bound"
# seconds UNIT KEY: how long that is.
seconds ()
{
  local text us
  text=$(setting "$1" "$2")
  us=$(systemd-analyze timespan "$text" | 
         sed -n 's/^ *[^ ]*s: *\([0-9]*\)$/\1/p')
  [ -n "$us" ] || fail "$1: $2=$text is no time"
  echo $((us / 1000000))
}
# It must do for what may be swapped, and be over well before systemd forces
# a shutdown, after half an hour.
swap_stop=$(seconds nbdkit-zram-swap@.service TimeoutStopSec)
if [ "$swap_stop" -lt 900 ] || [ "$swap_stop" -gt 1200 ]; then
  fail "to stop the swap may take $swap_stop s"
fi
# Each program may take 30 s, each exchange with the server 10 s.
swap_start=$(seconds nbdkit-zram-swap@.service TimeoutStartSec)
if [ "$swap_start" -lt 180 ]; then
  fail "to start the swap may take only $swap_start s"
fi
# The server waits for a silent client; systemd does not.
server_stop=$(seconds nbdkit-zram@.service TimeoutStopSec)
[ "$server_stop" -le 10 ] || fail "to stop the server may take $server_stop s"
start_nbdkit "${plugin[@]}" size=16M
python3 - "$sock" "$tmpdir/silent" <<'END2' &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
open(sys.argv[2], "w").write("connected")
while s.recv(4096):
    pass
END2
silent=$!
for ((i = 0; i < 500; i++)); do
  [ ! -s "$tmpdir/silent" ] || break
  sleep 0.02
done
kill -TERM "$pid"
for ((i = 0; i < server_stop * 10; i++)); do
  ! ended "$pid" || break
  sleep 0.1
done
if ! ended "$pid"; then
  say "after $server_stop s it is killed, as systemd does it"
  kill -KILL "$pid"
fi
wait "$pid" 2>/dev/null || :
unset 'server_pid[server]'
wait "$silent" || fail "the client is not told"

say "the service serves"
cat >"$tmpdir/x.conf" <<'END2'
# A comment, and an empty line

size = 10%   # of the RAM
algo=lz4
	mem-limit	=	64M
threads = 2
swap-priority = 7
nbd-connections = 3
swap-discard = once
END2
# command_of UNIT KEY: what it says, with our files.
command_of ()
{
  setting "$1" "$2" |
    sed "s|^$bindir/|$bin/|; s|/etc/nbdkit-zram/%i.conf|$tmpdir/x.conf|
         s|/run/nbdkit-zram/%i.sock|$tmpdir/x.sock|; s|^NBDZRAM_URI=||"
}
ram=$(($(getconf _PHYS_PAGES) * $(getconf PAGESIZE) >> 20))
mib=$((ram * 10 / 100))
read -r -a serve < <(command_of nbdkit-zram@.service ExecStart)
is "the command" "$(LISTEN_FDS=1 "${serve[@]}" --dry-run |
                      sed 's|[^ ]*/nbdkit-zram-plugin.so|zram|')" \
   "nbdkit -f -t 2 --filter=limit zram size=${mib}M algo=lz4 mem-limit=64M $(
     )limit=128"
systemd-socket-activate -l "$tmpdir/x.sock" -E PATH "${serve[@]}" \
                        >"$tmpdir/activate.log" 2>&1 &
server_pid[activated]=$!
for ((i = 0; i < 500; i++)); do
  [ ! -S "$tmpdir/x.sock" ] || break
  sleep 0.02
done
is "its size" "$(nbdinfo --size "nbd+unix:///?socket=$tmpdir/x.sock")" \
   $((mib * 1048576))
is "its codec" "$(ctl -u "$tmpdir/x.sock" -n --raw -o ALGORITHM,MEM-LIMIT)" \
   "lz4 64M"

say "the swap swaps"
export NBDZRAM_ROOT=$tmpdir/root
mkdir -p "$NBDZRAM_ROOT/sys/block/nbd0"
echo 0 >"$NBDZRAM_ROOT/sys/block/nbd0/size"
NBDZRAM_URI=$(command_of nbdkit-zram-swap@.service Environment)
export NBDZRAM_URI
is "where" "$NBDZRAM_URI" "$tmpdir/x.sock"
read -r -a on < <(command_of nbdkit-zram-swap@.service ExecStart)
read -r -a off < <(command_of nbdkit-zram-swap@.service ExecStop)
refused_status=0
"${on[@]}" 2>"$tmpdir/err" || refused_status=$?
is "without swap=true" "$refused_status" 1
grep -q 'no swap=true' "$tmpdir/err" || fail "it does not say why"
is "on" "$("${on[@]}" --dry-run --force)" \
   "nbd-client -unix $tmpdir/x.sock /dev/nbd0 -N zram0 -b 4096 -C 3 -swap
mkswap -U clear /dev/nbd0
swapon -p 7 -donce /dev/nbd0"
is "the command line counts more" \
   "$("${on[@]}" --dry-run --force --priority 9 | tail -n 1)" \
   "swapon -p 9 -donce /dev/nbd0"
mkdir -p "$NBDZRAM_ROOT"/{proc,run/nbdzramctl}
echo 8 >"$NBDZRAM_ROOT/sys/block/nbd0/size"
echo 77 | tee "$NBDZRAM_ROOT/sys/block/nbd0/pid" \
              >"$NBDZRAM_ROOT/run/nbdzramctl/nbd0"
printf '%s\nzram0\n' "$tmpdir/x.sock" >>"$NBDZRAM_ROOT/run/nbdzramctl/nbd0"
printf 'head\n/dev/nbd0 partition 8 0 7\n' >"$NBDZRAM_ROOT/proc/swaps"
is "off" "$("${off[@]}" --dry-run)" "swapoff /dev/nbd0
blkdiscard /dev/nbd0
nbd-client -d /dev/nbd0"
end_server activated
is "off, after the server has gone" "$(rm -f "$tmpdir/x.sock"
                                       "${off[@]}" --dry-run | head -n 1)" \
   "swapoff /dev/nbd0"

say "the file system is mounted"
echo 0 >"$NBDZRAM_ROOT/sys/block/nbd0/size"
rm -r "$NBDZRAM_ROOT/sys/block/nbd0/pid" "$NBDZRAM_ROOT/run/nbdzramctl" \
   "$NBDZRAM_ROOT/proc/swaps"
printf '%s\n' fs-type=xfs mount-point=/scratch mount-options=noatime \
       >>"$tmpdir/x.conf"
systemd-socket-activate -l "$tmpdir/x.sock" -E PATH "${serve[@]}" \
                        >"$tmpdir/activate.log" 2>&1 &
server_pid[activated]=$!
for ((i = 0; i < 500; i++)); do
  [ ! -S "$tmpdir/x.sock" ] || break
  sleep 0.02
done
read -r -a on < <(command_of nbdkit-zram-mount@.service ExecStart)
read -r -a off < <(command_of nbdkit-zram-mount@.service ExecStop)
is "on" "$("${on[@]}" --dry-run)" "mkdir /scratch
nbd-client -unix $tmpdir/x.sock /dev/nbd0 -N zram0 -b 4096 -C 3
mkfs.xfs -q -f /dev/nbd0
mount -t xfs -o noatime /dev/nbd0 /scratch"
end_server activated
echo 8 >"$NBDZRAM_ROOT/sys/block/nbd0/size"
echo 77 >"$NBDZRAM_ROOT/sys/block/nbd0/pid"
mkdir -p "$NBDZRAM_ROOT"/{run/nbdzramctl,proc/self}
printf '77\n%s\nzram0\n' "$tmpdir/x.sock" \
       >"$NBDZRAM_ROOT/run/nbdzramctl/nbd0"
echo "1 1 43:0 / /scratch rw - xfs /dev/nbd0 rw" \
     >"$NBDZRAM_ROOT/proc/self/mountinfo"
is "off" "$("${off[@]}" --dry-run)" "umount /scratch
blkdiscard /dev/nbd0
nbd-client -d /dev/nbd0"
unset NBDZRAM_ROOT NBDZRAM_URI

say "no more clients than max-clients"
printf '%s\n' size=16M threads=1 max-clients=3 >"$tmpdir/few.conf"
"${ctl_words[@]}" serve -u "$tmpdir/few.sock" --config "$tmpdir/few.conf" \
                  >"$tmpdir/few.log" 2>&1 &
server_pid[few]=$!
for ((i = 0; i < 500; i++)); do
  [ ! -S "$tmpdir/few.sock" ] || break
  sleep 0.02
done
nbdsh -c "sock = '$tmpdir/few.sock'" -c - <<'END2'
import time
def connect():
    h = nbd.NBD()
    h.connect_unix(sock)
    return h
first = [connect() for i in range(3)]
try:
    connect().pread(1, 0)
    assert False, "a fourth"
except nbd.Error:
    pass
for h in first:
    h.pwrite(b"abcd", 0)
    assert h.pread(4, 0) == b"abcd"
first.pop().shutdown()
for i in range(500):
    try:
        connect().pread(1, 0)
        break
    except nbd.Error:
        time.sleep(0.02)
else:
    assert False, "there is room again"
END2
end_server few
printf '%s\n' size=16M max-clients=0 >"$tmpdir/many.conf"
is "without a limit" "$(ctl serve -u /s --dry-run \
                            --config "$tmpdir/many.conf" |
                          sed 's|[^ ]*/nbdkit-zram-plugin.so|zram|')" \
   "nbdkit -f -U /s zram size=16M"

say "--dry-run needs no socket, and a socket's path may be relative"
printf 'size=1M\n' >"$tmpdir/small.conf"
dry ()
{
  ctl serve --dry-run --config "$tmpdir/small.conf" "$@" |
    sed 's|[^ ]*/nbdkit-zram-plugin.so|zram|'
}
rest="--filter=limit zram size=1M limit=128"
is "none" "$(dry)" "nbdkit -f $rest"
is "./s" "$(dry -u ./s)" "nbdkit -f -U ./s $rest"
is "a URI" "$(dry -u 'nbd+unix:///?socket=/s')" "nbdkit -f -U /s $rest"
refused 1 'serve needs -u' serve --config "$tmpdir/small.conf"
(cd "$tmpdir" && exec "${ctl_words[@]}" serve -u ./relative.sock \
   --config small.conf) >"$tmpdir/relative.log" 2>&1 &
server_pid[relative]=$!
for ((i = 0; i < 500; i++)); do
  [ ! -S "$tmpdir/relative.sock" ] || break
  sleep 0.02
done
is "serves" "$(ctl -u "$tmpdir/relative.sock" -n --raw -o DISKSIZE)" 1M
end_server relative

say "the example is right"
right=$abs_top_srcdir/units/swap.conf
is "the example" "$(ctl serve --check --config "$right")" "$right: OK"
ctl serve --dry-run -u "$tmpdir/s" \
    --config "$abs_top_srcdir/units/swap.conf" | grep -q ' swap=true' ||
  fail "no swap=true"
is "the manual's is the same" \
   "$(sed -n '/swap.conf>, as it comes/,/^ systemctl/s/^ \([a-z].*=\)/\1/p' \
          "$abs_top_srcdir/man/nbdkit-zram.service.pod")" \
   "$(grep -v '^#\|^$' "$abs_top_srcdir/units/swap.conf")"
