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
# These and nothing else; the shells' completions and the rest of the tool.
diff -u - <(find "$root" ! -type d -printf '%f\n' | LC_ALL=C sort) <<'END'
_nbdzramctl
nbdkit-zram-control.7
nbdkit-zram-mount@.service
nbdkit-zram-plugin.1
nbdkit-zram-plugin.so
nbdkit-zram-swap.7
nbdkit-zram-swap@.service
nbdkit-zram.conf
nbdkit-zram.service.8
nbdkit-zram@.service
nbdkit-zram@.socket
nbdzramctl
nbdzramctl
nbdzramctl.1
nbdzramctl.fish
swap.conf
END
"$root/usr/bin/nbdzramctl" --version
# The units run what is installed, and where systemd looks.
grep -q '^ExecStart=/usr/bin/nbdzramctl ' \
     "$root$(pkg-config --variable=systemdsystemunitdir systemd)"/*.service

size=$(nbdkit -U - "$plugin" 64M --run 'nbdinfo --size "$uri"')
[ "$size" = 67108864 ]
nbdkit --help "$plugin" | grep -q '^size='

make -C "$build/packaged" uninstall DESTDIR="$root"
[ -z "$(find "$root" ! -type d)" ]
rm -rf "$root" "$build/packaged"
