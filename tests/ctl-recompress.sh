#!/usr/bin/env bash
# nbdzramctl recompress: what it says, which algorithm gets which priority, and
# how it ends when the server or its user has enough.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

for codec in lz4 zstd; do
  codecs | grep -qw $codec || skip "there is no $codec"
done

start_nbdkit "${plugin[@]}" size=64M algo=lz4 late=off
export NBDZRAM_URI=$sock
random_data "$tmpdir/noise" 40960
{ real_data "$tmpdir/real" 12000000; cat "$tmpdir/real" "$tmpdir/noise"; } \
  >"$tmpdir/data"
nbdcopy "$tmpdir/data" "nbd+unix:///zram0?socket=$sock"

json ()
{
  ctl stat -J zram0 | jq -r ".devices[0] | $1"
}

say "wrong words"
refused 2 '--type cold: must be idle, huge or huge_idle' \
        recompress --type cold
refused 2 '--threshold 1X: not a size' recompress --threshold 1X
refused 2 '--max-pages 0: must be a number from 1' recompress --max-pages 0
refused 2 '-a zstd:x: must be an algorithm' recompress -a zstd:x
refused 2 '-a :: must be an algorithm' recompress -a :
refused 2 'usage: nbdzramctl recompress' recompress zram0 zram1
refused 2 '--type does not go with compact' compact zram0 --type idle
refused 1 'say which, for example --algorithm zstd:6' recompress
refused 1 "'lzw' is not known" recompress -a lzw
refused 1 'threshold 5120 is larger than a page' \
        recompress -a zstd --threshold 5K
refused 1 'zram7' recompress zram7 -a zstd

say "what was gained"
before=$(json .compr_data_size)
ctl recompress -a zstd --max-pages 1000 >"$tmpdir/out"
cat "$tmpdir/out"
size='[0-9.]+[MK]'
grep -Eqx "recompressed [0-9]+ of 1000 pages: $size -> $size, $size less" \
     "$tmpdir/out" || fail "that was not understood"
done=$(sed 's/recompressed \([0-9]*\) .*/\1/' "$tmpdir/out")
is "pages recompressed" "$(json .recompressed_pages)" "$done"
is "bytes gained" "$(json .recompress_gained)" \
   "$((before - $(json .compr_data_size)))"
is "codings" "$(json '[.codings[] | "\(.algorithm):\(.level) \(.priority)"] |
                      sort | join(", ")')" "lz4:1 0, zstd:1 1"
ctl recompress >"$tmpdir/out"
cat "$tmpdir/out"
ctl recompress --type huge >"$tmpdir/out"
is "all is done" "$(cat "$tmpdir/out")" "there is nothing to recompress"
ctl stat zram0 >"$tmpdir/out"
grep -q '^    zstd:1 .* pages, recompressed$' "$tmpdir/out" ||
  fail "stat does not list the coding"
grep -q '^  recompressed [0-9]* pages now, [0-9]* incompressible; ' \
     "$tmpdir/out" || fail "stat does not say what was recompressed"
ctl top --once | grep 'recompressed .* gained' ||
  fail "top does not say what was recompressed"
holds "$tmpdir/data"

say "priorities"
params ()
{
  ctl get zram0 algorithm_params | sed 1d | paste -sd ,
}
ctl recompress -a zstd --max-pages 1 >/dev/null
is "the same one" "$(params)" "algo=zstd level=1 priority=1"
ctl recompress -a zstd:5 --max-pages 1 >/dev/null
ctl recompress -a zstd:7 --max-pages 1 >/dev/null
ctl recompress -a zstd:5 --max-pages 1 >/dev/null
is "one after another" "$(params)" "algo=zstd level=1 priority=1,\
algo=zstd level=5 priority=2,algo=zstd level=7 priority=3"
ctl recompress -a zstd:9 --max-pages 1 >/dev/null
is "in the place of the last" "$(params)" "algo=zstd level=1 priority=1,\
algo=zstd level=5 priority=2,algo=zstd level=9 priority=3"

# Data that takes long, also beside a sanitizer, which slows no library down:
# each page is other text.
say "a run that takes longer than --timeout"
ctl add size=128M algo=lz4
python3 - "$tmpdir/text" 64000000 <<'END'
import random, sys
r = random.Random(5)
words = [bytes(r.choices(b"etaoinshrdlu", k=r.randrange(2, 9)))
         for i in range(4000)]
with open(sys.argv[1], "wb") as f:
    while f.tell() < int(sys.argv[2]):
        f.write(b" ".join(r.choices(words, k=20000)))
END
nbdcopy "$tmpdir/text" "nbd+unix:///zram1?socket=$sock"
SECONDS=0
ctl recompress zram1 -a zstd:19 --timeout 1 --max-pages 5000 >"$tmpdir/out"
cat "$tmpdir/out"
say "it took $SECONDS s"

# wait_for JQ: until the second device is so.
wait_for ()
{
  local i
  for ((i = 0; i < 600; i++)); do
    if ctl stat -J zram1 | jq -e ".devices[0] | $1" >/dev/null; then return; fi
    sleep 0.1
  done
  fail "it does not become $1"
}

say "progress on a terminal"
ctl set zram1 recomp_algorithm algo=zstd:22 priority=2
python3 - "${ctl_words[@]}" <<'END'
import os, pty, select, signal, sys, time
pid, fd = pty.fork()
if pid == 0:
    # Whoever runs the tests in the background may have it ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:] + ["recompress", "zram1", "-a",
                                           "zstd:22"])
out, end = b"", time.time() + 60
while out.count(b" less so far") < 3 and time.time() < end:
    if select.select([fd], [], [], 0.1)[0]:
        out += os.read(fd, 4096)
assert b" pages, " in out, out
print(out.split(b"\r")[-1])
os.write(fd, b"\x03")                           # Ctrl-C
pid, status = os.waitpid(pid, 0)
assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status
END
say "the server ends the run of a tool that is gone"
wait_for ".recompress_found == 0"

say "a server that ends"
"${ctl_words[@]}" recompress zram1 -a zstd:22 \
                  >"$tmpdir/out" 2>"$tmpdir/err" &
tool=$!
wait_for ".recompress_handled > 0"
stop=$(date +%s%N)
stop_nbdkit
stop=$((($(date +%s%N) - stop) / 1000000))
say "the server has ended after $stop ms"
sanitized || [ "$stop" -lt 3000 ] || fail "that is too long"
if wait $tool; then fail "it has not noticed that the server is gone"; fi
cat "$tmpdir/err"
[ ! -s "$tmpdir/out" ] || fail "it says that it was done"
