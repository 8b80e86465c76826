#!/usr/bin/env bash
# The sources keep to the structure that scripts/structure states: includes
# point downwards, modules make no circles, functions and files are short.
# And that script sees what is wrong: a copy of the sources is made wrong in
# each way, one at a time.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

structure=$abs_top_srcdir/scripts/structure

python3 "$structure" "$abs_top_srcdir" >"$tmpdir/faults.log" ||
  fail "the sources: $(cat "$tmpdir/faults.log")"

copy=$tmpdir/copy

# A house of our own, small and right.
house ()
{
  rm -rf "$copy"
  mkdir -p "$copy"/{lib/store,lib/disk,lib/os,control,plugin,ctl,bench,tests}
  echo '/* everybody */' >"$copy/lib/zram.h"
  printf 'extern int os_map (void);\n' >"$copy/lib/os/os.h"
  printf '#include "os.h"\n\nint\nos_map (void)\n{\n  return 0;\n}\n' \
         >"$copy/lib/os/os.c"
  printf '#include "os/os.h"\nextern int pool_get (void);\n' \
         >"$copy/lib/store/pool.h"
  printf '#include "pool.h"\n\nint\npool_get (void)\n{\n  return os_map ();\n}\n' \
         >"$copy/lib/store/pool.c"
  printf '#include "store/pool.h"\n#include "zram.h"\n' >"$copy/lib/disk/disk.c"
  printf '#include "zram.h"\n' >"$copy/ctl/trial.c"
  printf '#include <nbdkit-plugin.h>\n#include "../lib/zram.h"\n' \
         >"$copy/plugin/zram.c"
}

# The script with tables that know no exceptions: the house has none.
without_exceptions=$tmpdir/structure
sed '/^CIRCLES = \[/,/^\]/ { /^ /d }
     /^LONG_[A-Z]* = \[/,/^\]/ { /^ /d }' "$structure" >"$without_exceptions"

# sees REGEX: it finds exactly one fault, and a line of it matches.
sees ()
{
  local status=0
  python3 "$without_exceptions" "$copy" >"$tmpdir/seen.log" 2>&1 || status=$?
  [ "$status" -eq 1 ] || fail "status $status, not 1, where it should see $1"
  [ "$(wc -l <"$tmpdir/seen.log")" -eq 1 ] || fail "more than one fault"
  grep -Eq -- "$1" "$tmpdir/seen.log" || fail "no line matches $1"
  house
}

# lines N: so many lines of C.
lines ()
{
  yes '  n++;' | head -n "$1" || :
}

house
python3 "$without_exceptions" "$copy" >"$tmpdir/seen.log" ||
  fail "the house is right: $(cat "$tmpdir/seen.log")"

say "includes that point up"
echo '#include "disk/extents.h"' >>"$copy/lib/store/pool.c"
: >"$copy/lib/disk/extents.h"
sees '^lib/store/pool.c includes lib/disk/extents.h: lib/store/ may'

: >"$copy/control/attr.h"
echo '#include "../control/attr.h"' >>"$copy/lib/disk/disk.c"
sees '^lib/disk/disk.c includes control/attr.h: lib/disk/ may'

: >"$copy/plugin/log.h"
echo '#include "../plugin/log.h"' >"$copy/control/names.c"
sees '^control/names.c includes plugin/log.h: control/ may'

echo '  #  include "store/pool.h"' >>"$copy/ctl/trial.c"
sees '^ctl/trial.c includes lib/store/pool.h: ctl/ may'

echo '#include "gone.h"' >>"$copy/ctl/trial.c"
sees '^ctl/trial.c includes "gone.h", which is nowhere'

echo '/* #include "os/os.h" */' >>"$copy/ctl/trial.c"
python3 "$without_exceptions" "$copy" || fail "a comment includes nothing"
house

say "libraries out of their place"
echo '#include <nbdkit-plugin.h>' >"$copy/control/names.c"
sees '^control/names.c includes <nbdkit-plugin.h>, which only plugin'

say "circles"
# By includes.
printf '#include "os.h"\n' >"$copy/lib/os/time.h"
printf '#include "time.h"\n' >>"$copy/lib/os/os.c"
sees '^a circle: lib/os/os -> lib/os/time, lib/os/time -> lib/os/os$'

# By a function that the header of another declares.
printf 'extern int ages_get (void);\n' >>"$copy/lib/store/pool.h"
printf '#include "pool.h"\n\nint\nages_get (void)\n{\n  return 1;\n}\n' \
       >"$copy/lib/store/ages.c"
sed -i 's/return os_map ()/return ages_get ()/' "$copy/lib/store/pool.c"
sees '^a circle: .*lib/store/pool -> lib/store/ages'

# But a part of a module is no other module.
printf 'extern int ages_get (void);\n' >>"$copy/lib/store/pool.h"
printf '#include "pool.h"\n\nint\nages_get (void)\n{\n  return 1;\n}\n' \
       >"$copy/lib/store/pool-ages.c"
sed -i 's/return os_map ()/return ages_get ()/' "$copy/lib/store/pool.c"
python3 "$without_exceptions" "$copy" || fail "pool-ages.c is a part of pool"
house

say "lengths"
{ printf 'int\nlong_one (int n)\n{\n'; lines 57; printf '}\n'; } \
  >"$copy/bench/long.c"
python3 "$without_exceptions" "$copy" || fail "60 lines are right"
{ printf 'int\nlong_one (int n)\n{\n'; lines 58; printf '}\n'; } \
  >"$copy/bench/long.c"
sees '^bench/long.c: long_one has 61 lines'

lines 500 >"$copy/tests/long.sh"
python3 "$without_exceptions" "$copy" || fail "500 lines are right"
lines 501 >"$copy/tests/long.sh"
sees '^tests/long.sh has 501 lines'

for i in 1 2 3 4 5; do
  printf 'int\nf%d (int n)\n{\n' "$i"; lines 12; printf '}\n\n'
done >"$copy/ctl/middling.c"
sees '^ctl/: the median function has 15 lines'

say "an exception that is none any more"
sed 's|^CIRCLES = \[|&("lib/os/os", "lib/zram")|' "$without_exceptions" \
    >"$tmpdir/stale"
! python3 "$tmpdir/stale" "$copy" >"$tmpdir/seen.log" ||
  fail "an exception may stay for ever"
grep -q 'remove it from CIRCLES' "$tmpdir/seen.log"

say "nothing to read"
rm -rf "$copy"
mkdir "$copy"
sees 'there are no C files'
