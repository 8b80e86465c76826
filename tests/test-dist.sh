#!/usr/bin/env bash
# The tarball contains every file that git has, and with it what a user
# needs to build.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"
requires git make

cd "$abs_top_srcdir"
[ -e .git ] || skip "this is not a git checkout"
[ -n "$(git ls-files)" ] || skip "git has no files yet"

# New files too, unless they are to be ignored; a file that was deleted
# here is none any more.
git ls-files --cached --others --exclude-standard |
  while read -r f; do
    if [ -e "$f" ]; then echo "$f"; fi
  done | sort >"$tmpdir/git"

# Without the options of the make that runs the tests: with -j this one
# would look for its job server.
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
    make -C "$abs_top_builddir" list-dist >"$tmpdir/listed"
sed -n 's/^DIST //p' "$tmpdir/listed" | xargs realpath -ms |
  sed "s|^$(realpath -s "$abs_top_builddir")/||
       s|^$(realpath -s "$abs_top_srcdir")/||" |
  sort -u >"$tmpdir/tarball"

missing=$(comm -23 "$tmpdir/git" "$tmpdir/tarball")
[ -z "$missing" ] || fail "not in the tarball: $missing"
