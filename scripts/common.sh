# What ./check and ./quickstart share: the packages and the build.
# SPDX-License-Identifier: BSD-3-Clause
#
# Nothing here needs root or apt when all packages are installed already.
# Builds are made below build/, so that the source tree stays clean but for
# what autoreconf puts there.
#
# shellcheck shell=bash
# Its variables are read by the scripts that source it.
# shellcheck disable=SC2034

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$top/build
logs=$build/logs

# Debian 12's names.
build_packages=(
  autoconf
  automake
  gcc
  libc6-dev
  libdeflate-dev
  libjson-c-dev
  liblz4-dev
  liblzo2-dev
  libnbd-dev
  libncurses-dev
  libsmartcols-dev
  libtool
  libzstd-dev
  make
  nbdkit
  nbdkit-plugin-dev
  perl
  pkgconf
)
# nbdcopy and nbdinfo, and ps for looking at the server.
client_packages=(
  libnbd-bin
  procps
)
test_packages=(
  e2fsprogs
  fio
  fish
  fuse3
  gnutls-bin
  jq
  python3
  python3-libnbd
  qemu-utils
  shellcheck
  systemd
  tmux
  util-linux
  xz-utils
  zsh
  zstd
)
# What tests/vm/run makes its machines of, besides packages that it takes
# apart without installing them.
vm_packages=(
  cpio
  e2fsprogs
  iproute2
  kmod
  libc6-dev
  mdadm
  nbd-client
  qemu-system-x86
  util-linux
  xfsprogs
)

# What make bench wants, and a test of it.
bench_packages=(
  gnuplot-nox
  nbd-server
  qemu-utils
)

say ()
{
  printf '%s\n' "$*"
}

die ()
{
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Those of the packages named that are not installed.
missing_packages ()
{
  local p
  for p; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = \
      installed ] || echo "$p"
  done
}

# Install what is missing of the packages named.
install_packages ()
{
  local missing as_root=()
  if ! command -v dpkg-query >/dev/null; then
    say "This is no Debian system; needed are its packages or their like:"
    say "  $*"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi

  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      say "Some packages are missing.  Please run, as root:"
      say ""
      say "  apt-get install ${missing[*]}"
      say ""
      die "cannot install packages without being root"
    fi
    as_root=(sudo -n)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  say "Installing ${missing[*]}"
  # The lists of packages of a fresh machine are empty or old.
  run packages-update "${as_root[@]}" apt-get -q update || :
  run packages "${as_root[@]}" apt-get -qy --no-install-recommends \
      install "${missing[@]}" ||
    die "apt-get cannot install ${missing[*]}"
}

# run NAME COMMAND...: a step, with its output in a file of that name.
run ()
{
  local name=$1 status=0 seconds=$SECONDS
  shift
  mkdir -p "$logs"
  printf '%-32s' "  $name "
  "$@" </dev/null >"$logs/$name.log" 2>&1 || status=$?
  seconds=$((SECONDS - seconds))
  if [ "$status" -eq 0 ]; then
    say "ok, $seconds s"
  else
    say "FAILED (status $status), $seconds s; the end of $logs/$name.log:"
    tail -n 25 "$logs/$name.log"
  fi
  return "$status"
}

# Make ./configure where it is missing; later changes are make's business.
bootstrap ()
{
  local f
  cd "$top" || return
  if [ -e config.status ]; then
    die "the source tree itself is configured: run \"make distclean\" first"
  fi
  for f in Makefile.am */Makefile.am; do
    if [ ! -e configure ] || [ configure.ac -nt configure ] ||
         [ ! -e "${f%.am}.in" ]; then
      run bootstrap autoreconf -fi
      return
    fi
  done
}

# build_tree NAME CONFIGURE-ARGUMENT...: build/NAME, up to date.
build_tree ()
{
  local name=$1 dir=$build/$1
  shift
  mkdir -p "$dir"
  # Configured before, but otherwise?
  if [ ! -e "$dir/config.status" ] || [ ! -e "$dir/arguments" ] ||
       [ "$(cat "$dir/arguments")" != "$*" ]; then
    run "$name: configure" configure_tree "$dir" "$@" || return
    printf '%s\n' "$*" >"$dir/arguments"
  fi
  run "$name: make" make -C "$dir" -j"$(nproc)"
}

configure_tree ()
{
  cd "$1" && shift && "$top/configure" "$@"
}

# The build that people use; warnings are errors.
build_normal ()
{
  build_tree normal --enable-gcc-warnings
}
