#!/usr/bin/env bash
# What README.md says: the commands marked as tested work when pasted, and
# its tables name the parameters, codecs and levels that there are.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires nbdcopy nbdinfo

readme=$abs_top_srcdir/README.md

# Where a user would stand.
mkdir "$tmpdir/here"
cd "$tmpdir/here"
ln -s "$PLUGIN" zramplugin.so
ln -s "$abs_top_builddir/ctl" ctl
# Named as the README names it.
PLUGIN=./zramplugin.so

# Each block after "<!-- tested -->" becomes a script.
awk -v dir="$tmpdir" '
  /^<!-- tested -->$/ { next_block = 1; next }
  /^```/ && inside { inside = 0; close(file); next }
  /^```/ && next_block { next_block = 0; inside = 1; n++
                         file = dir "/block-" n ".sh"; next }
  inside { print >file }' "$readme"
blocks=("$tmpdir"/block-*.sh)
[ -e "${blocks[0]}" ] || fail "no tested blocks"
for block in "${blocks[@]}"; do
  # The tool is optional.
  if grep -q nbdzramctl "$block" && [ ! -x ctl/nbdzramctl ]; then continue; fi
  say "running: $(grep -v '^#' "$block" | head -n 1) ..."
  # As in a shell that stops at the first command that fails.
  status=0
  bash -euo pipefail "$block" </dev/null >"$block.log" 2>&1 || status=$?
  cat "$block.log"
  # A server that it leaves behind is for the cleanup, and a mistake.
  if [ -s zram.pid ] && ! ended "$(cat zram.pid)"; then
    sleep 1
    if ! ended "$(cat zram.pid)"; then
      daemon_pid=$(cat zram.pid)
      fail "the block leaves a server running"
    fi
  fi
  [ "$status" -eq 0 ] || fail "status $status"
done
grep -q '^hello$' "$tmpdir"/block-*.log || fail "the blocks print nothing"
cmp -n "$(stat -Lc %s /bin/bash)" /bin/bash disk.img

say "parameters"
nbdkit --help "$PLUGIN" | sed -n 's/^\([-a-z]*\)=.*/\1/p' >"$tmpdir/keys"
sed -n '/^## Parameters/,/^## Codecs/s/^| `\([-a-z]*\)=.*/\1/p' "$readme" \
  >"$tmpdir/readme-keys"
diff -u "$tmpdir/keys" "$tmpdir/readme-keys"
[ -s "$tmpdir/keys" ]

say "codecs"
nbdkit --dump-plugin "$PLUGIN" >"$tmpdir/dump"
for codec in $(codecs); do
  row=$(grep "^| \`$codec\`" "$readme") || fail "$codec is not in the table"
  levels=$(sed -n "s/^zram_codec_${codec}_levels=//p" "$tmpdir/dump")
  case $row in
    *"| ${levels%..*} to ${levels#*..}, default "*) ;;
    *"| none |") [ -z "$levels" ] || fail "$codec has levels: $levels";;
    *) fail "$codec has levels $levels, the table says: $row";;
  esac
done
