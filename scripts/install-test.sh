#!/usr/bin/env bash
# Install as a distribution would, into a directory below build/, have
# nbdkit serve from what was installed, and uninstall it.
# SPDX-License-Identifier: BSD-3-Clause

set -e -o pipefail
# shellcheck source=common.sh
source "$(dirname "$0")/common.sh"

root=$build/root
rm -rf "$root" "$build/packaged"
mkdir -p "$build/packaged"
configure_tree "$build/packaged" --prefix=/usr
make -C "$build/packaged" -j"$(nproc)" install DESTDIR="$root"

# Where nbdkit of this machine looks for "nbdkit zram".
plugin=$root$(nbdkit --dump-config | sed -n 's/^plugindir=//p')
plugin+=/nbdkit-zram-plugin.so
ls -l "$plugin"
man=$(find "$root/usr/share/man/man1" -name 'nbdkit-zram-plugin.1*')
ls -l "$man"
# Nothing but these two.
find "$root" ! -type d | sort
[ "$(find "$root" ! -type d | wc -l)" -eq 2 ]

size=$(nbdkit -U - "$plugin" 64M --run 'nbdinfo --size "$uri"')
[ "$size" = 67108864 ]
nbdkit --help "$plugin" | grep -q '^size='

make -C "$build/packaged" uninstall DESTDIR="$root"
[ -z "$(find "$root" ! -type d)" ]
rm -rf "$root" "$build/packaged"
