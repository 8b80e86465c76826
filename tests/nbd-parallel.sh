#!/usr/bin/env bash
# parallel=: which nbdkit may serve requests of one connection in parallel,
# what the parameter makes of that, and where it is shown.  What it is good
# for is in nbd-vanish.sh.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

# dumped KEY [PARAMETER]: what --dump-plugin says.
dumped ()
{
  nbdkit --dump-plugin "$PLUGIN" "${@:2}" | sed -n "s/^$1=//p"
}

# is WHAT FOUND WANTED
is ()
{
  [ "$2" = "$3" ] || fail "$1 is '$2', should be '$3'"
}

say "wrong values"
for bad in yes no 1 ON automatic 'on '; do
  nbdkit_refuses "^nbdkit: error: parallel=$bad: must be auto, on or off$" \
                 "$PLUGIN" size=1M "parallel=$bad"
done
nbdkit_refuses 'parallel=on: given twice; the first was off' \
               "$PLUGIN" size=1M parallel=off parallel=on

say "which nbdkit"
# A function that came with 1.36, after the fix.  Not of the wrapper that the
# sanitizers want.
real=$(type -ap nbdkit | grep -v "^$tmpdir/" | head -n 1)
nm -D "$real" >"$tmpdir/functions"
safe=no
if grep -q ' nbdkit_parse_probability$' "$tmpdir/functions"; then
  safe=yes
fi
is zram_parallel_safe "$(dumped zram_parallel_safe)" "$safe"
is zram_parallel "$(dumped zram_parallel)" "$safe"
is "zram_parallel with on" "$(dumped zram_parallel parallel=on)" yes
is "zram_parallel with off" "$(dumped zram_parallel parallel=off)" no
is "thread_model with on" "$(dumped thread_model parallel=on)" parallel
is "thread_model with off" "$(dumped thread_model parallel=off)" \
   serialize_requests

# with_function NAME: what auto is with an nbdkit that has this function too.
with_function ()
{
  "${CC:-gcc}" -shared -fPIC -o "$tmpdir/$1.so" -x c - <<<"void $1 (void) {}"
  LD_PRELOAD=$tmpdir/$1.so nbdkit --dump-plugin "$PLUGIN" |
    sed -n 's/^zram_parallel=//p'
}
# The sanitizers' libraries are loaded in the same way.
if ! sanitized; then
  is "with one of 1.36" "$(with_function nbdkit_parse_probability)" yes
  # 1.33.3 has this one, and the defect.
  is "with one of 1.33.3" "$(with_function nbdkit_disconnect)" "$safe"
fi

# shown: what a server tells of itself.
shown ()
{
  nbdsh -c "sock = '$sock'" -c - <<'END'
import json
def text(export):
    c = nbd.NBD()
    c.connect_uri("nbd+unix:///%s?socket=%s" % (export, sock))
    return c.pread(c.get_size(), 0).decode().rstrip("\0 \n")
found = {json.loads(text("stats.json"))["parallel"],
         json.loads(text("control"))["parallel"],
         "\nnbdkit_zram_parallel 1\n" in text("metrics"),
         "\nnbdkit_zram_parallel 0\n" not in text("metrics")}
print({frozenset((True,)): "yes", frozenset((False,)): "no"}.get(
    frozenset(found), found))
END
}

# threads_a_connection WANTED: of a server that nobody has connected to yet,
# counted when they are so many, or after a while.
threads_a_connection ()
{
  local before i
  # Serves already, while its own thread may not be there yet.
  for ((i = 0; i < 1000; i++)); do
    if cat "/proc/$pid"/task/*/comm 2>/dev/null | grep -qx zram-keeper; then
      break
    fi
    sleep 0.01
  done
  before=$(threads "$pid")
  nbdsh -u "$uri" -c "
import os, time
h.pread(1, 0)
def more():
    return len(os.listdir('/proc/$pid/task')) - $before
end = time.monotonic() + 30
while more() != $1 and time.monotonic() < end:
    time.sleep(0.01)
print(more())"
}

# One of a connection that waits for the others, and they.
say "what runs"
start_nbdkit "$PLUGIN" size=1M parallel=off
is "threads with off" "$(threads_a_connection 1)" 1
is "shown with off" "$(shown)" no
[ ! -s "$tmpdir/server.log" ] || fail "off: says $(cat "$tmpdir/server.log")"
stop_nbdkit

start_nbdkit -t 5 "$PLUGIN" size=1M parallel=on
is "threads with on" "$(threads_a_connection 6)" 6
is "shown with on" "$(shown)" yes
is "warned with on" "$(grep -c 'warning: parallel=on: ' "$tmpdir/server.log")" \
   "$([ $safe = yes ] && echo 0 || echo 1)"
stop_nbdkit

start_nbdkit "$PLUGIN" size=1M
is "shown by itself" "$(shown)" "$safe"
stop_nbdkit
