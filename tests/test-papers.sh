#!/usr/bin/env bash
# The papers for those who work on it name what there is: tests/README.md each
# test and helper, HACKING.md files that exist, CHANGELOG.md the version.  What
# they link to exists.  PAPERS=DIR looks at those of another directory.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

src=$abs_top_srcdir
papers=${PAPERS:-$src}

# first_column FILE: the words in backquotes of the first column of all tables.
first_column ()
{
  awk -F '|' '/^\| `/ { print $2 }' "$1" | grep -o '`[^`]*`' | tr -d '`'
}

say "tests and helpers"
# Programs are named without their suffix.
(cd "$src/tests" &&
   find . -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -path './vm/run' \
        -o -path './vm/init' -o -path './vm/scenarios/*') |
  sed 's|^\./||; s|^\(test-.*\)\.c$|\1|' | sort >"$tmpdir/there"
first_column "$papers/tests/README.md" | sort >"$tmpdir/listed"
diff -u "$tmpdir/there" "$tmpdir/listed" ||
  fail "tests/README.md has other tests (+) than there are (-)"
[ "$(wc -l <"$tmpdir/there")" -ge 70 ] || fail "too few tests"

say "what is listed is run"
sed -n 's/^\t\([^ ]*\) \\$/\1/p' "$src/tests/Makefile.am" | sort -u \
  >"$tmpdir/in-makefile"
grep -Ev '\.[ch]$' "$tmpdir/there" >"$tmpdir/to-run"
not_run=$(comm -23 "$tmpdir/to-run" "$tmpdir/in-makefile")
[ -z "$not_run" ] || fail "not in tests/Makefile.am: $not_run"

say "files that HACKING.md names"
awk -F '|' '/^\| [a-zA-Z]/ && $3 ~ /`/ { print $3 }' "$papers/HACKING.md" |
  grep -o '`[^`]*`' | tr -d '`' >"$tmpdir/files"
[ "$(wc -l <"$tmpdir/files")" -ge 20 ] || fail "HACKING.md names too few files"
while read -r f; do
  [ -e "$src/$f" ] || fail "HACKING.md names $f, which is not there"
done <"$tmpdir/files"
# And the names that its steps use are in the table.
sed -n 's/^| \([a-zA-Z][^|]*[^ |]\) *| `.*/\1/p' "$papers/HACKING.md" \
  >"$tmpdir/names"
sed -n '/^## Add a codec/,/^## Commit/p; /^## Release/,$p' \
    "$papers/HACKING.md" | tr '\n' ' ' | tr -s ' ' | sed 's/\*\*//g' |
  grep -o '\*[a-z][^*]*\*' | tr -d '*' | sort -u >"$tmpdir/used"
[ "$(wc -l <"$tmpdir/used")" -ge 15 ] || fail "its steps name too few files"
while read -r name; do
  grep -qxF -- "$name" "$tmpdir/names" ||
    fail "HACKING.md: '$name' is not in the table of files"
done <"$tmpdir/used"

say "functions and invariants that doc/ARCHITECTURE.md names"
grep -o '`[a-z]*_[a-z_]*`' "$papers/doc/ARCHITECTURE.md" | tr -d '`' |
  sort -u >"$tmpdir/functions"
[ "$(wc -l <"$tmpdir/functions")" -ge 30 ] || fail "it names too few functions"
while read -r f; do
  grep -qE "^$f \\(" "$src"/lib/*/*.[ch] ||
    fail "doc/ARCHITECTURE.md names $f, which is no function of lib/"
done <"$tmpdir/functions"
sed -n 's/^ \*   \(I[0-9]*\) .*/\1/p' "$src/lib/base/invariant.h" >"$tmpdir/said"
sed -n 's/^- \*\*\(I[0-9]*\)\*\*.*/\1/p' "$papers/doc/ARCHITECTURE.md" |
  diff -u "$tmpdir/said" - ||
  fail "doc/ARCHITECTURE.md has other invariants than lib/base/invariant.h"
[ "$(wc -l <"$tmpdir/said")" -ge 8 ] || fail "too few invariants"

say "links"
for f in README.md HACKING.md SECURITY.md CHANGELOG.md tests/README.md \
         doc/ARCHITECTURE.md; do
  { grep -o ']([^)]*)' "$papers/$f" || :; } | sed 's/^](//; s/)$//; s/#.*//' |
    while read -r link; do
      case $link in
        ''|*://*) continue;;
      esac
      [ -e "$src/$(dirname "$f")/$link" ] || fail "$f: there is no $link"
    done
done

say "the version"
version=$(sed -n 's/^AC_INIT(\[nbdkit-zram\], \[\(.*\)\])/\1/p' \
              "$src/configure.ac")
mapfile -t sections < <(sed -n 's/^## //p' "$papers/CHANGELOG.md")
[ "${sections[0]}" = Unreleased ] ||
  fail "CHANGELOG.md does not begin with Unreleased"
[[ ${sections[1]} =~ ^"$version ("[0-9]{4}-[0-9]{2}-[0-9]{2}")"$ ]] ||
  fail "CHANGELOG.md: after Unreleased comes ${sections[1]}," \
       "not $version and its date"
