# What the scenarios share.  It runs in the machine, in busybox's shell.
# SPDX-License-Identifier: BSD-3-Clause
#
# shellcheck shell=dash
# The settings are what tests/vm/run was given.
# shellcheck disable=SC1091,SC2154

. /etc/settings

say ()
{
  echo "vm: $*"
}

# Something measured, which is shown also when the scenario passes.
figure ()
{
  echo "vm: figure: $*"
}

# The end: no marker of success can follow.
fail ()
{
  say "FAILED: $*"
  for log in /tmp/*.log; do
    [ -s "$log" ] && echo "--- $log" && tail -n 20 "$log"
  done
  dmesg | grep -E 'nbd|I/O error|Out of memory|md|XFS|EXT4|oom' | tail -n 20
  say "result: fail: $*"
  sleep 1
  poweroff -f
  sleep 100
}

# must COMMAND...: which fails only if something is wrong.
must ()
{
  "$@" || fail "$*: status $?"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for ()
{
  local seconds=$1 i=0
  shift
  until "$@" >/dev/null 2>&1; do
    i=$((i + 1))
    [ $i -le $((seconds * 10)) ] || return 1
    usleep 100000
  done
}

# serve NAME ARGUMENT...: nbdkit in the background, its process in NAME.pid.
# It daemonises, as it does in use.
serve ()
{
  local name=$1
  shift
  rm -f "/tmp/$name.pid"
  nbdkit -P "/tmp/$name.pid" "$@" >"/tmp/$name.log" 2>&1 ||
    fail "nbdkit $*: $(cat "/tmp/$name.log")"
  wait_for 30 test -s "/tmp/$name.pid" || fail "nbdkit $* does not serve"
}

alive ()
{
  kill -0 "$(cat "/tmp/$1.pid")" 2>/dev/null
}

# stop NAME: end a server, which must still be there.
stop ()
{
  local pid
  pid=$(cat "/tmp/$1.pid")
  alive "$1" || fail "the server $1 is gone"
  kill "$pid"
  wait_for 30 sh -c "! kill -0 $pid" || fail "the server $1 does not end"
}

# The number after a key of /proc/meminfo or the like, in KiB.
meminfo ()
{
  awk -v key="$1:" '$1 == key { print $2 }' "${2:-/proc/meminfo}"
}

# vmstat KEY
vmstat ()
{
  awk -v key="$1" '$1 == key { print $2 }' /proc/vmstat
}

# The size of a block device in sectors is set once it is attached.
attached ()
{
  [ "$(cat "/sys/block/$1/size")" -gt 0 ]
}

# attach DEVICE ARGUMENT...: nbd-client, and wait for the kernel.
attach ()
{
  local device=$1
  shift
  nbd-client "$@" "/dev/$device" -b 4096 >/tmp/nbd-client.log 2>&1 ||
    fail "nbd-client $*: $(cat /tmp/nbd-client.log)"
  wait_for 20 attached "$device" || fail "nbd-client $*: $device has no size"
}

detach ()
{
  must nbd-client -d "/dev/$1" >/tmp/nbd-client.log
  wait_for 20 test ! -e "/sys/block/$1/pid" || fail "$1 is not detached"
}

#----------------------------------------------------------------------
# Swap.

# Seconds since the start, with hundredths.
uptime_s ()
{
  cut -d ' ' -f 1 /proc/uptime
}

# since START: seconds.
since ()
{
  awk -v a="$1" -v b="$(uptime_s)" 'BEGIN { printf "%.2f", b - a }'
}

# MiB of anonymous memory that is 1.3 times what is free now.
overcommitted ()
{
  echo $(($(meminfo MemAvailable) * 13 / 10240))
}

# A line of the server's status.
server_status ()
{
  meminfo "$1" "/proc/$(cat /tmp/server.pid)/status"
}

# zram_swap SIZE CODEC: the kernel's own zram as swap, for comparison.
zram_swap ()
{
  must sh -c "echo $2 >/sys/block/zram0/comp_algorithm"
  must sh -c "echo $1 >/sys/block/zram0/disksize"
  tune
  must mkswap /dev/zram0 >/dev/null
  must swapon /dev/zram0
}

# It is not in use any more.
zram_end ()
{
  must sh -c 'echo 1 >/sys/block/zram0/reset'
}

tune ()
{
  if [ -n "$min_free" ]; then echo "$min_free" >/proc/sys/vm/min_free_kbytes; fi
  if [ -n "$cluster" ]; then echo "$cluster" >/proc/sys/vm/page-cluster; fi
}

# nbd_serve ARGUMENT...: a server for swap of this machine, and NBDZRAM_URI.
# The settings say how:
#   transport    unix (default) or tcp
#   threads      of the server for each connection, 4 unless told, if its
#                requests are served in parallel: parallel=on
#   options      of nbdkit, more of them
nbd_serve ()
{
  # shellcheck disable=SC2086
  set -- -t "${threads:-4}" $options "$@"
  if [ "$transport" = tcp ]; then
    serve server -i localhost -p 10809 "$@"
    export NBDZRAM_URI=nbd://localhost
  else
    serve server -U /tmp/server.sock "$@"
    export NBDZRAM_URI='nbd+unix:///?socket=/tmp/server.sock'
  fi
  figure "the server has $(server_status VmLck) KiB locked," \
         "$(server_status VmRSS) resident"
}

# nbd_swap ARGUMENT...: swap to a disk that this machine serves.  The arguments
# are the server's, the settings those above and
#   connections  1 unless told
#   discard      when swapon shall discard, pages unless told
#   force        swap there though the server is not ready for it
#   min_free     vm.min_free_kbytes
#   cluster      vm.page-cluster
#   boost        vm.watermark_boost_factor, which nbdzramctl makes 0
nbd_swap ()
{
  local device
  nbd_serve "$@"
  tune
  device=$(nbdzramctl swapon ${force:+--force} --discard "${discard:-pages}" \
             --connections "${connections:-1}") || fail 'nbdzramctl swapon'
  [ "$device" = /dev/nbd0 ] || fail "swap is at $device"
  [ "$(cat /proc/sys/vm/watermark_boost_factor)" = 0 ] ||
    fail 'watermarks may be boosted'
  if [ -n "$boost" ]; then
    echo "$boost" >/proc/sys/vm/watermark_boost_factor
  fi
}

# All comes back, and the device is free.
nbd_swapoff ()
{
  must nbdzramctl swapoff /dev/nbd0
  [ ! -e /sys/block/nbd0/pid ] || fail 'nbdzramctl swapoff does not detach'
}

# It is not in use any more.
nbd_swap_end ()
{
  nbd_swapoff
  stop server
}

# Did anybody run out of memory?
check_oom ()
{
  if dmesg | grep -E 'Out of memory|oom-kill|I/O error|allocation failure'; then
    fail 'the kernel complains'
  fi
}
