# What the tests that go through nbdkit share.
# SPDX-License-Identifier: BSD-3-Clause
#
# A test sources this file, starts servers with start_nbdkit, and talks to
# them with ordinary clients.  Whatever way it ends, the servers are stopped
# and their end is part of the verdict: a server that crashed, did not exit
# with 0 or left a sanitizer's report fails the test.
#
# Set by the build, with defaults for running a test by hand:
#   abs_top_srcdir, abs_top_builddir
#   PLUGIN        what to serve (a test may be pointed at another plugin, to
#                 see it fail: PLUGIN=memory PLUGIN_ARGS=allocator=zstd)
#   PLUGIN_ARGS   parameters added after it
#
# Given to the tests:
#   plugin    array: the plugin with those parameters
#   tmpdir    a directory of the test's own, removed at the end
#   sock, port, uri, pid   of the server started last
#   seed      for random numbers; the test prints it, SEED=n replays it
#
# shellcheck shell=bash
# The variables above are read by the files that source this one.
# shellcheck disable=SC2034

set -eE -o pipefail

# Debian's own tools first: nbdsh runs the first python3 in the path.
export PATH=/usr/bin:/usr/sbin:/sbin:$PATH
export LC_ALL=C
unset LISTEN_FDS LISTEN_PID

seed=${SEED:-$RANDOM}

tests_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
abs_top_srcdir=${abs_top_srcdir:-$(dirname "$tests_dir")}
abs_top_builddir=${abs_top_builddir:-$(dirname "$tests_dir")}
PLUGIN=${PLUGIN:-$abs_top_builddir/zramplugin.so}
read -r -a plugin_args <<<"${PLUGIN_ARGS:-}"
plugin=("$PLUGIN" "${plugin_args[@]}")

# A name of its own for each server of a test; "server" unless told.
declare -A server_pid=()
# A server that is no child of the test, to be killed if the test fails.
daemon_pid=

# The path of a Unix socket may have 107 bytes, so keep it short.
tmpdir=$(mktemp -d "${TMPDIR:-/tmp}/zram.XXXXXX")

say ()
{
  printf '%s: %s\n' "$(basename "$0")" "$*"
}

fail ()
{
  say "FAILED: $*"
  exit 1
}

skip ()
{
  say "skipped: $*"
  exit 77
}

#----------------------------------------------------------------------
# Sanitizers.  nbdkit is not built with them, so their libraries must be
# loaded before it; its clients must run without.  The wrapper becomes the
# "nbdkit" of the test, so that also nbdsh and systemd find it.

sanitizer=none
sanitizer_libs ()
{
  case $PLUGIN in
    */*) ldd "$PLUGIN" | awk '/lib(asan|tsan|ubsan)\.so/ { print $3 }';;
  esac
}

# Loaded besides them:
# freelocale: the sanitizers upset a lock of glibc's before main (an early
#   dlsym that fails translates its message), and once any thread has
#   printed an errno, this function waits for that lock forever; libp11-kit
#   calls it when nbdkit exits.
# dlclose: reports come at the end and shall name functions of the plugin.
# unload: what nbdkit runs shall not load all this.
build_shim ()
{
  "${CC:-gcc}" -shared -fPIC -o "$1" -x c - <<'END'
#include <stdlib.h>
void freelocale (void *locale) { (void) locale; }
int dlclose (void *handle) { (void) handle; return 0; }
static void __attribute__ ((constructor)) unload (void)
{
  unsetenv ("LD_PRELOAD");
}
END
}

setup_sanitizer ()
{
  local libs real run=
  libs=$(sanitizer_libs | paste -sd :)
  case $libs in
    *libtsan*)
      # Its shadow memory has no room for a fully random address space.
      sanitizer=thread
      run="setarch $(uname -m) -R";;
    *lib[au]*san*)
      sanitizer=address;;
    *)
      return 0;;
  esac
  real=$(command -v nbdkit)
  mkdir "$tmpdir/bin"
  build_shim "$tmpdir/bin/shim.so"
  # Filters of nbdkit's leak, and nbdkit itself does when it ends while a
  # connection is still there.  What they allocate themselves is told from
  # the rest by the caller of malloc, so no more of the stack is kept.  Only
  # a server with our plugin is looked at for leaks at all.
  printf 'leak:%s\n' -filter.so "$(realpath "$real")" >"$tmpdir/bin/leaks"
  cat >"$tmpdir/bin/nbdkit" <<END
#!/bin/bash
case " \$* " in
  *" $PLUGIN "*) leaks=1;;
  *) leaks=0;;
esac
log=log_path=$tmpdir/sanitizer:exitcode=99
asan=detect_leaks=\$leaks:malloc_context_size=2
export ASAN_OPTIONS=\$log:\$asan
export LSAN_OPTIONS=suppressions=$tmpdir/bin/leaks:print_suppressions=0
export UBSAN_OPTIONS=\$log:print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=\$log:second_deadlock_stack=1
exec $run env LD_PRELOAD=$libs:$tmpdir/bin/shim.so "$real" "\$@"
END
  chmod +x "$tmpdir/bin/nbdkit"
  PATH=$tmpdir/bin:$PATH
}

sanitized ()
{
  [ "$sanitizer" != none ]
}

# The amount of work: all of it, or an eighth under a sanitizer.
scaled ()
{
  if sanitized; then echo $((($1 + 7) / 8)); else echo "$1"; fi
}

#----------------------------------------------------------------------
# The end of a test.

# Print what there is to see after a failure.
show_evidence ()
{
  local f
  for f in "$tmpdir"/*.log; do
    if [ -s "$f" ]; then
      say "the end of $(basename "$f"):"
      tail -n 30 "$f"
    fi
  done
}

# Say which command failed; its first line is enough.
on_error ()
{
  say "FAILED: line $1 of $2: ${3%%$'\n'*}"
}

cleanup ()
{
  local status=$? name f
  trap - EXIT ERR INT TERM
  set +e
  kill "$watchdog_pid" 2>/dev/null
  if [ -e "$tmpdir/timed-out" ]; then
    say "FAILED: still running after $test_timeout s"
    status=1
  fi
  for name in "${!server_pid[@]}"; do
    end_server "$name" || { [ "$status" -ne 0 ] || status=1; }
  done
  if [ -n "$daemon_pid" ]; then kill -KILL "$daemon_pid"; fi
  for f in "$tmpdir"/sanitizer.*; do
    if [ -s "$f" ]; then
      say "FAILED: a sanitizer reports:"
      head -n 100 "$f"
      status=1
    fi
  done
  case $status in 0|77) ;; *) show_evidence;; esac
  rm -rf "$tmpdir"
  exit "$status"
}

# The children of a process and theirs, deepest first.
descendants ()
{
  local child
  for child in $(ps -o pid= --ppid "$1"); do
    descendants "$child"
    echo "$child"
  done
}

# A test that hangs would hang the suite.  The watchdog ends whatever the
# test is waiting for; the test then fails by itself and cleans up.
watchdog ()
{
  local p
  trap - EXIT ERR
  read -r -t "$test_timeout" <>"$tmpdir/watchdog" || :
  [ -d "$tmpdir" ] || return 0
  : >"$tmpdir/timed-out"
  for p in $(descendants $$); do
    [ "$p" = "$BASHPID" ] || kill -KILL "$p" 2>/dev/null || :
  done
}

test_timeout=${test_timeout:-300}
mkfifo "$tmpdir/watchdog"
watchdog </dev/null >/dev/null 2>&1 &
watchdog_pid=$!
disown

trap cleanup EXIT
trap 'on_error "$LINENO" "${BASH_SOURCE[0]##*/}" "$BASH_COMMAND"' ERR
trap 'exit 130' INT
trap 'exit 143' TERM

setup_sanitizer

#----------------------------------------------------------------------
# Servers.

# start_nbdkit [-n NAME] ARGUMENT...
# Run nbdkit with these arguments on a Unix socket of its own until it
# serves.  It stays in the foreground, so that how it ends can be seen.
start_nbdkit ()
{
  local name=server
  if [ "$1" = -n ]; then name=$2; shift 2; fi
  sock=$tmpdir/$name.sock
  uri="nbd+unix:///?socket=$sock"
  try_nbdkit "$name" -U "$sock" "$@" ||
    fail "nbdkit $* does not serve: $(cat "$tmpdir/$name.log")"
}

# start_nbdkit_tcp [-n NAME] ARGUMENT...
# The same on a TCP port, which is in $port.
start_nbdkit_tcp ()
{
  local name=server i
  if [ "$1" = -n ]; then name=$2; shift 2; fi
  # Another program may take a port that was free just now.
  for ((i = 0; i < 5; i++)); do
    port=$(free_port)
    uri="nbd://127.0.0.1:$port"
    if try_nbdkit "$name" -i 127.0.0.1 -p "$port" "$@"; then return 0; fi
  done
  fail "nbdkit $* does not serve: $(cat "$tmpdir/$name.log")"
}

# try_nbdkit NAME ARGUMENT...: run it; non-zero if it ends before it serves.
try_nbdkit ()
{
  local name=$1 i
  shift
  rm -f "$tmpdir/$name.pid" "$tmpdir/$name.sock"
  nbdkit -f -P "$tmpdir/$name.pid" "$@" \
         </dev/null >"$tmpdir/$name.log" 2>&1 &
  pid=$!
  server_pid[$name]=$pid
  for ((i = 0; i < 3000; i++)); do
    if [ -s "$tmpdir/$name.pid" ]; then return 0; fi
    if ended "$pid"; then break; fi
    sleep 0.01
  done
  # One that never serves is stopped by the end of the test.
  if [ "$i" -lt 3000 ]; then
    unset "server_pid[$name]"
    wait "$pid" || :
  fi
  return 1
}

# Has a process ended?  Whoever started it may not have noticed yet.
ended ()
{
  local state
  { read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null || return 0
  [ "$state" = Z ]
}

# Stop a server.  Non-zero, with the reason said, unless it exits with 0.
end_server ()
{
  local name=$1 p=${server_pid[$1]} status=0 i
  unset "server_pid[$name]"
  kill -TERM "$p" 2>/dev/null || :
  for ((i = 0; i < 3000; i++)); do
    if ended "$p"; then break; fi
    sleep 0.01
    # The thread sanitizer puts a signal off that comes between two calls,
    # and forgets it if the next one waits.
    if [ "$sanitizer" = thread ] && [ $((i % 100)) -eq 99 ]; then
      kill -TERM "$p" 2>/dev/null || :
    fi
  done
  if ! ended "$p"; then
    say "FAILED: the server '$name' still runs 30 s after SIGTERM"
    kill -KILL "$p"
  fi
  wait "$p" || status=$?
  if [ "$status" -ne 0 ]; then
    say "FAILED: the server '$name' ended with status $status"
    return 1
  fi
}

# stop_nbdkit [NAME]: stop a server and check how it ended.
stop_nbdkit ()
{
  end_server "${1:-server}"
}

# A free TCP port of 127.0.0.1.
free_port ()
{
  python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# nbdkit_refuses PATTERN ARGUMENT...
# nbdkit must refuse to start, and say a line that matches the pattern.
nbdkit_refuses ()
{
  local pattern=$1 status=0
  shift
  timeout 20 nbdkit -f -U "$tmpdir/refused.sock" "$@" \
          </dev/null >"$tmpdir/refused.log" 2>&1 || status=$?
  if [ "$status" -ne 1 ]; then fail "nbdkit $*: status $status, not 1"; fi
  if ! grep -Eq -- "$pattern" "$tmpdir/refused.log"; then
    fail "nbdkit $*: no line matches '$pattern'"
  fi
}

# The codecs that the plugin was built with.
codecs ()
{
  nbdkit --dump-plugin "$PLUGIN" | sed -n 's/^zram_codecs=//p'
}

#----------------------------------------------------------------------
# What a process holds.

# Bytes resident.  The kernel's quick figures lag by some pages a thread;
# this one is counted.
rss ()
{
  awk '/^Rss:/ { printf "%.0f\n", $2 * 1024 }' "/proc/$1/smaps_rollup"
}

threads ()
{
  find "/proc/$1/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l
}

open_files ()
{
  find "/proc/$1/fd" -mindepth 1 | wc -l
}

#----------------------------------------------------------------------
# Data.

# real_data FILE BYTES: so many bytes of files of this machine.
real_data ()
{
  { find /usr/bin /usr/include /usr/lib /usr/share -xdev -type f \
         -readable -size -2048k -print0 2>/dev/null |
      tar --null -T - -cf - 2>/dev/null || :
  } | head -c "$2" >"$1"
  if [ "$(stat -c %s "$1")" -ne "$2" ]; then
    fail "this machine has no $2 bytes of files"
  fi
}

# An ext4 file system of so many MiB that holds files of this machine.
ext4_image ()
{
  local image=$1 mib=$2 files=$tmpdir/files
  mkdir "$files"
  # Two thirds full, so that it has holes too.
  { find /usr/include /usr/bin /usr/lib /usr/share -xdev -type f -readable \
         -size -512k -printf '%s %p\n' 2>/dev/null || :; } |
    awk -v room=$((mib * 1024 * 1024 * 2 / 3)) '
      { used += $1 + 4096 } used <= room { sub(/^[0-9]+ /, ""); print }
    ' >"$tmpdir/list"
  tar -C / -cf - -T "$tmpdir/list" 2>/dev/null | tar -C "$files" -xf -
  mke2fs -q -t ext4 -d "$files" "$image" "${mib}M"
  e2fsck -fn "$image" >/dev/null 2>&1 || fail "mke2fs made a bad image"
  rm -rf "$files" "$tmpdir/list"
}

# holds FILE [URI]: does the disk begin with what is in the file?
holds ()
{
  nbdcopy "${2:-$uri}" "$tmpdir/held"
  cmp -n "$(stat -c %s "$1")" "$1" "$tmpdir/held"
  rm "$tmpdir/held"
}

random_data ()
{
  head -c "$2" /dev/urandom >"$1"
}

# model URIS OPERATIONS [VARIABLE=VALUE...]
# Compare a disk with an array: see nbd-model.py for the variables.  URIS is
# a list in Python.
model ()
{
  local uris=$1 operations=$2
  shift 2
  nbdsh -c "uris = $uris; operations = $operations; seed = $seed" \
        -c "filtered = False; faults = False; trim_erases = True" \
        -c "$(printf '%s\n' "$@")" -c - <"$tests_dir/nbd-model.py"
}

#----------------------------------------------------------------------
# What a test needs besides the plugin.  All of it is installed by
# ./check, so a skip there says that something is wrong.

requires ()
{
  local tool
  for tool; do
    command -v "$tool" >/dev/null || skip "there is no $tool"
  done
}

requires_filter ()
{
  local filter dir
  dir=$(nbdkit --dump-config | sed -n 's/^filterdir=//p')
  for filter; do
    [ -e "$dir/nbdkit-$filter-filter.so" ] ||
      skip "there is no nbdkit filter $filter"
  done
}

requires_plugin ()
{
  local p
  for p; do
    nbdkit "$p" --version >/dev/null 2>&1 || skip "there is no nbdkit plugin $p"
  done
}

requires nbdkit nbdsh nbdinfo nbdcopy python3 ps
