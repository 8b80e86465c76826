#!/usr/bin/env bash
# nbdzramctl mount and unmount do what they should in the right order, and
# take it back if a step fails or a signal comes.
# SPDX-License-Identifier: BSD-3-Clause
#
# The programs that they run are made up, and so are /sys and /proc, as in
# ctl-attach.sh.

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

root=$tmpdir/root
fakes=$tmpdir/fakes
export NBDZRAM_ROOT=$root FAKE=$tmpdir

reset_machine ()
{
  rm -rf "$root" "$tmpdir"/fail-* "$tmpdir"/hang-* "$tmpdir"/late-*
  mkdir -p "$root"/sys/block/nbd{0,1}/holders "$root/proc/self" \
        "$root/run" "$root/sys/module/nbd" "$root/mnt"
  echo 0 | tee "$root"/sys/block/nbd{0,1}/size >/dev/null
  echo 43:0 >"$root/sys/block/nbd0/dev"
  echo 'Filename Type Size Used Priority' >"$root/proc/swaps"
  : >"$root/proc/self/mountinfo"
  : >"$tmpdir/calls"
}

# What each does first: note the call; fail or hang if it shall.
mkdir "$fakes"
cat >"$fakes/common" <<'END2'
name=${0##*/}
echo "$name $*" >>"$FAKE/calls"
root=$NBDZRAM_ROOT
hang ()
{
  : >"$FAKE/hangs"
  trap 'exit 1' TERM
  while :; do sleep 0.02; done
}
if [ -e "$FAKE/hang-$name" ]; then hang; fi
if [ -e "$FAKE/fail-$name" ]; then
  cat "$FAKE/fail-$name" >&2
  exit 1
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
fake nbd-client <<'END2'
for word; do
  case $word in /dev/nbd*) device=$root/sys/block/${word#/dev/};; esac
done
if [ "$1" = -d ]; then
  rm "$device/pid"
  echo 0 >"$device/size"
  exit 0
fi
echo 131072 >"$device/size"
echo $$ >"$device/pid"
late
END2
for word in mkfs.ext4 mkfs.xfs mkfs.vfat blkdiscard; do
  echo late | fake $word
done
fake mount <<'END2'
for dir; do :; done
device=${*: -2:1}
echo "1 1 43:0 / $dir rw - ext4 $device rw" >>"$root/proc/self/mountinfo"
late
END2
fake umount <<'END2'
# systemd has just done it.
if [ -e "$FAKE/other" ]; then
  rm "$FAKE/other"
  sed -i "\| / $1 |d" "$root/proc/self/mountinfo"
  echo "umount: $1: not mounted." >&2
  exit 32
fi
sed -i "\| / $1 |d" "$root/proc/self/mountinfo"
late
END2
PATH=$fakes:$PATH

calls ()
{
  is "calls of $1" "$(cat "$tmpdir/calls")" "$2"
  : >"$tmpdir/calls"
}
# Nothing is left of what was done.
clean ()
{
  is "$1: devices" "$(cd "$root/sys/block" && echo */pid)" '*/pid'
  is "$1: mounts" "$(cat "$root/proc/self/mountinfo")" ""
  is "$1: notes" "$(ls "$root/run/nbdzramctl" 2>/dev/null || :)" ""
}

reset_machine
start_nbdkit "${plugin[@]}" size=64M
export NBDZRAM_URI=$sock
client="nbd-client -unix $sock /dev/nbd0 -N zram0 -b 4096 -C"
on="$client 1
mkfs.ext4 -q -F -O ^has_journal /dev/nbd0
mount -t ext4 -o discard /dev/nbd0 /mnt"
off="umount /mnt
blkdiscard /dev/nbd0
nbd-client -d /dev/nbd0"

say "mount and unmount"
is "the device" "$(ctl mount --mount-point /mnt)" /dev/nbd0
calls mount "$on"
is "the table knows it" "$(ctl -n --raw -o MOUNTPOINT)" /mnt
refused 1 'nbd0 is mounted: umount /mnt' detach nbd0
ctl unmount zram0
calls unmount "$off"
clean unmount
ctl mount zram0 --mount-point /srv --fs-type xfs --connections 1 \
    --mount-options discard,noatime >/dev/null
calls "mount with options" "$client 1
mkfs.xfs -q -f /dev/nbd0
mount -t xfs -o discard,noatime /dev/nbd0 /srv"
[ -d "$root/srv" ] || fail "the directory is not made"
echo "2 1 43:0 / /mnt rw - ext4 /dev/nbd0 rw" >>"$root/proc/self/mountinfo"
: >"$tmpdir/other"
ctl unmount /dev/nbd0
calls "unmount, mounted twice and one of them gone" "umount /srv
umount /mnt
blkdiscard /dev/nbd0
nbd-client -d /dev/nbd0"
clean "mounted twice"

say "from a file"
printf '%s\n' size=64M fs-type=vfat mount-point=/mnt mount-options=ro \
       >"$tmpdir/x.conf"
ctl mount --config "$tmpdir/x.conf" >/dev/null
calls "mount of a file" "$client 1
mkfs.vfat /dev/nbd0
mount -t vfat -o ro /dev/nbd0 /mnt"
ctl unmount nbd0
ctl serve --dry-run --config "$tmpdir/x.conf" | grep -q 'fs-type\|mount-' &&
  fail "the plugin gets what is not for it"

say "what is refused"
: >"$tmpdir/calls"
refused 2 'mount needs --mount-point' mount
refused 2 '--mount-point mnt: must begin with a /' mount --mount-point mnt
refused 2 '--fs-type ../x: must be a type' \
        mount --mount-point /mnt --fs-type ../x
refused 2 '--mount-options -x: must be a list' \
        mount --mount-point /mnt --mount-options=-x
refused 2 '--fs-type does not go with attach' attach --fs-type xfs
: >"$root/file"
refused 1 '/file is no directory' mount --mount-point /file
refused 1 '/no/where: No such file' mount --mount-point /no/where
refused 1 'no export "zram5"' mount zram5 --mount-point /mnt
refused 1 'zram0: not known' unmount zram0
calls "what is refused" ""
clean "refused"
nbdsh -u "$uri" -c 'h.pwrite(b"data" * 2048, 0)'
refused 1 'zram0 holds 8K of data; --force' mount --mount-point /mnt
calls "data" ""
ctl mount --force --mount-point /mnt >/dev/null
calls "--force" "$on"
ctl unmount zram0
nbdsh -u "$uri" -c 'h.trim(8192, 0)'

say "every step fails in turn"
# fails PROGRAM PATTERN LAST-CALLS
fails ()
{
  reset_machine
  echo "$1: it does not" >"$tmpdir/fail-$1"
  refused 1 "$2" mount --mount-point /new
  is "$1 fails: calls after it" "$(sed "1,/^$1 /d" "$tmpdir/calls")" "$3"
  clean "$1 fails"
  [ ! -e "$root/new" ] || fail "$1 fails: its directory stays"
}
fails nbd-client 'nbd-client failed: it does not$' ''
fails mkfs.ext4 'mkfs.ext4 failed: it does not$' 'nbd-client -d /dev/nbd0'
fails mount 'mount failed: it does not$' 'nbd-client -d /dev/nbd0'
reset_machine
refused 1 'mkfs.nosuch: there is no such program|No such file' \
        mount --mount-point /mnt --fs-type nosuch
clean "no such file system"

say "a busy file system stays, with all on it"
reset_machine
ctl mount --mount-point /mnt >/dev/null
: >"$tmpdir/calls"
echo 'umount: /mnt: target is busy.' >"$tmpdir/fail-umount"
refused 1 'umount failed: /mnt: target is busy' unmount zram0
calls "busy" "umount /mnt"
[ -e "$root/sys/block/nbd0/pid" ] || fail "it is detached"
rm "$tmpdir/fail-umount"
echo "/dev/nbd0 partition 8 0 7" >>"$root/proc/swaps"
refused 1 '/dev/nbd0 is swap' unmount nbd0
calls "swap" ""

say "signals"
for step in hang-nbd-client late-nbd-client hang-mkfs.ext4 late-mkfs.ext4 \
            hang-mount late-mount; do
  reset_machine
  rm -f "$tmpdir/hangs"
  : >"$tmpdir/$step"
  "${ctl_words[@]}" mount --mount-point /new >"$tmpdir/out" 2>"$tmpdir/err" &
  for ((i = 0; i < 1000; i++)); do
    [ ! -e "$tmpdir/hangs" ] || break
    sleep 0.02
  done
  [ -e "$tmpdir/hangs" ] || fail "$step: it does not hang"
  rm "$tmpdir/$step"
  kill -TERM $!
  status=0
  wait $! || status=$?
  is "$step: status" "$status" 143
  [ ! -s "$tmpdir/out" ] || fail "$step: prints all the same"
  grep -q 'stopped by a signal' "$tmpdir/err" || fail "$step: what?"
  clean "$step"
  [ ! -e "$root/new" ] || fail "$step: its directory stays"
done

say "--dry-run"
reset_machine
is "mount" "$(ctl mount --dry-run --mount-point /mnt | tr -d "'")" "$on"
is "the directory" \
   "$(ctl mount --dry-run --mount-point /new | head -n 1)" "mkdir /new"
[ ! -e "$root/new" ] || fail "it is made all the same"
ctl mount --mount-point /mnt >/dev/null
: >"$tmpdir/calls"
is "unmount" "$(ctl unmount --dry-run zram0)" "$off"
calls "--dry-run" ""

if [ "$(id -u)" = 0 ]; then
  say "a server of another user"
  reset_machine
  chown 65534 "$sock"
  refused 1 'in the hands of the user 65534.*--force' mount --mount-point /mnt
  NBDZRAM_URI='' refused 1 'name one with -u' mount --force --mount-point /mnt
  clean "a stranger"
  is "--force" "$(ctl mount --force --dry-run --mount-point /mnt |
                    tr -d "'")" "$on"
fi
stop_nbdkit

start_nbdkit -r "${plugin[@]}" size=64M
reset_machine
refused 1 'zram0: the server lets nobody write' \
        mount --force --mount-point /mnt
clean "read-only"
stop_nbdkit
