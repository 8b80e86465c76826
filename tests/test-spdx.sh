#!/usr/bin/env bash
# Every text file says under which licence it is, near its beginning.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"
requires git

cd "$abs_top_srcdir"
[ -e .git ] || skip "this is not a git checkout"
[ -n "$(git ls-files)" ] || skip "git has no files yet"

# The licence itself; what is shown to people as it is; plots.
excepted='LICENSE|[A-Z]+\.md|doc/.*\.(svg|md)'
line='SPDX-License-Identifier: BSD-3-Clause'

git ls-files --cached --others --exclude-standard |
  grep -Evx "$excepted" >"$tmpdir/files"
while read -r f; do
  if [ -f "$f" ] && grep -Iq . "$f" &&
     ! head -n 20 "$f" | grep -Eq "$line"; then
    echo "$f"
  fi
done <"$tmpdir/files" >"$tmpdir/without"
[ "$(wc -l <"$tmpdir/files")" -gt 100 ] || fail "git shows too few files"
[ ! -s "$tmpdir/without" ] ||
  fail "no SPDX line: $(paste -sd ' ' "$tmpdir/without")"
