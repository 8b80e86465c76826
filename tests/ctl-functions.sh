# What the tests of nbdzramctl share.
# SPDX-License-Identifier: BSD-3-Clause
#
# A test sources this file instead of functions.sh.
#   CTL    the tool (a test may be pointed at another one, to see it fail)
#
# shellcheck shell=bash
# shellcheck source=functions.sh
source "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

CTL=${CTL:-$abs_top_builddir/ctl/nbdzramctl}
[ -x "$CTL" ] || skip "there is no nbdzramctl: configure found no libraries"
unset XDG_RUNTIME_DIR NBDZRAM_URI COLUMNS

# How to run it: thread sanitizer's memory has no room for a random layout.
ctl_words=("$CTL")
if [ "$sanitizer" = thread ]; then
  ctl_words=(setarch "$(uname -m)" -R "$CTL")
fi

ctl ()
{
  "${ctl_words[@]}" "$@"
}

# refused STATUS PATTERN ARGUMENT...
# It must exit with this status, print nothing but to stderr, and say there a
# line that matches; two lines at most, the second a hint.
refused ()
{
  local want=$1 pattern=$2 status=0
  shift 2
  timeout 60 "${ctl_words[@]}" "$@" \
          >"$tmpdir/refused.out" 2>"$tmpdir/refused.err" || status=$?
  if [ "$status" -ne "$want" ]; then
    cat "$tmpdir/refused.err"
    fail "nbdzramctl $*: status $status, not $want"
  fi
  if ! head -n 1 "$tmpdir/refused.err" |
         grep -Eq -- "^nbdzramctl: .*$pattern"; then
    cat "$tmpdir/refused.err"
    fail "nbdzramctl $*: no line matches '$pattern'"
  fi
  [ ! -s "$tmpdir/refused.out" ] || fail "nbdzramctl $*: prints all the same"
  [ "$(wc -l <"$tmpdir/refused.err")" -le 2 ] ||
    fail "nbdzramctl $*: more than two lines"
}

# is WHAT GOT WANTED
is ()
{
  if [ "$2" != "$3" ]; then
    printf 'got:\n%s\nwanted:\n%s\n' "$2" "$3"
    fail "$1"
  fi
}
