#!/usr/bin/env bash
# Where the compiler can, the plugin says that it can live with a shadow
# stack: programs that have one load no library that does not.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"
requires readelf

case $(uname -m) in
  x86_64) ;;
  *) skip "shadow stacks are for x86_64 here" ;;
esac
echo 'int x;' >"$tmpdir/x.c"
"${CC:-gcc}" -fcf-protection -Wl,-z,shstk -shared -fPIC \
    -o "$tmpdir/x.so" "$tmpdir/x.c" 2>/dev/null ||
  skip "the compiler does not know -fcf-protection"

readelf -n "$PLUGIN" >"$tmpdir/notes"
grep -q 'x86 feature:.*SHSTK' "$tmpdir/notes" ||
  fail "$PLUGIN does not say SHSTK"

# It would be a lie if indirect calls had not been compiled for it either.
readelf -n "$abs_top_builddir/lib/disk/.libs/libzram_la-disk.o" \
    >"$tmpdir/object"
grep -q 'x86 feature:.*IBT.*SHSTK' "$tmpdir/object" ||
  fail "objects are not compiled with -fcf-protection"
