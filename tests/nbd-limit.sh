#!/usr/bin/env bash
# At mem-limit a client sees ENOSPC and the log one line; what is stored
# stays, what needs no more room is written, a trim makes room, and the
# memory really held keeps to the limit, with four clients at once too.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

mib=32
say "SEED=$seed"
log_lines () { grep -c 'mem-limit' "$tmpdir/server.log" || :; }

# text_end: up to there it is filled with text, which is compressed to about
# half; then with what cannot be compressed.
for variant in "4K 4 << 20" "64K 4 << 20" "4K 1 << 30"; do
  page=${variant%% *} text_end=${variant#* }
  say "page-size=$page, text up to $text_end"
  start_nbdkit -n server "${plugin[@]}" size=1G page-size="$page" \
               mem-limit=${mib}M dictionary=off late=off
  nbdsh -u "$uri" -c "seed = $seed; mib = $mib; text_end = $text_end" \
        -c - <<'END'
import errno, random
random.seed(seed)
n = 64 << 10

def refused(call, *args):
    try:
        call(*args)
        return False
    except nbd.Error as e:
        assert e.errnum == errno.ENOSPC, e
        return True

def data(at):
    random_ = random.randbytes(n)
    return random_.hex().encode()[:n] if at < text_end else random_

def check(stored):
    for at, data in stored.items():
        assert h.pread(n, at) == data, "at %#x" % at

# Fill it.
stored = {}
at = 0
while True:
    piece = data(at)
    if refused(h.pwrite, piece, at):
        break
    stored[at] = piece
    at += n
# Of text there are two bytes in one; a little goes to the codec and into
# the table.
held = (at - min(at, text_end) // 2) >> 20
print("%d MiB were written, to be held in %d" % (at >> 20, held))
assert mib * 3 // 4 <= held <= mib * 5 // 4
check(stored)

# Many failures; what is there does not change.  Holes are not refused.
for i in range(200):
    assert refused(h.pwrite, random.randbytes(n), at + (i + 1) * n)
h.zero(n, 600 << 20)
h.trim(n, 700 << 20)
assert h.pread(n, 600 << 20) == bytes(n)
check(stored)

# What does not grow fits: all of it is overwritten, at the limit.  (Text
# by the same text: another might not be as short, by some bytes.)
order = list(stored)
random.shuffle(order)
for at in order:
    if at >= text_end:
        stored[at] = data(at)
    h.pwrite(stored[at], at)
check(stored)

# What does grow is refused, and page by page the old or the new is there.
# (Where the text was; some of it may fit.)
for at in range(0, 64 * n, n):
    new = random.randbytes(n)
    if refused(h.pwrite, new, at):
        got, old = h.pread(n, at), stored[at]
        for p in range(0, n, 4096):
            assert got[p:p + 4096] in (old[p:p + 4096], new[p:p + 4096])
        stored[at] = got
    else:
        stored[at] = new
check(stored)

# Trimming makes room.
gone = list(stored)[64:264]
for at in gone:
    h.trim(n, at)
    del stored[at]
for i in range(80):
    at = (800 << 20) + i * n
    stored[at] = random.randbytes(n)
    h.pwrite(stored[at], at)
check(stored)
for at in gone:
    assert h.pread(n, at) == bytes(n)
END
  lines=$(log_lines)
  [ "$lines" -eq 1 ] || fail "$lines lines in the log, not one"
  stop_nbdkit
done

# Four clients that write as fast as they can, to the limit and beyond.
# The memory is counted from outside.  The threads' own buffers for
# requests are nbdkit's: warm them up first, with data that is not kept.
say "four clients at once"
start_nbdkit "${plugin[@]}" size=1G mem-limit=${mib}M
hammer ()
{
  nbdsh -c "uri = '$uri'; what = '$1'" -c - <<'END'
import errno, os, random, sys
n = 64 << 10

def client(me):
    c = nbd.NBD()
    c.connect_uri(uri)
    full = 0
    # Twice what fits, in many requests at once.
    for i in range(256):
        at = (me << 28) + i * n
        try:
            c.pwrite(bytes(n) if what == "zeroes" else random.randbytes(n),
                     at)
        except nbd.Error as e:
            assert e.errnum == errno.ENOSPC, e
            full += 1
    assert full > 0 or what == "zeroes"

children = []
for me in range(4):
    pid = os.fork()
    if pid == 0:
        try:
            client(me)
            os._exit(0)
        except BaseException as e:
            sys.stderr.write("%d: %r\n" % (me, e))
            os._exit(1)
    children.append(pid)
assert all([os.waitpid(pid, 0)[1] == 0 for pid in children])
END
}
hammer zeroes
nbdsh -u "$uri" -c 'h.trim(1 << 30, 0)'
empty=$(rss "$pid")
hammer data
full=$(rss "$pid")
grown=$(((full - empty) / 1024))
say "the server grew by $grown KiB, the limit is $((mib * 1024)) KiB"
if ! sanitized; then
  # nbdkit's threads keep buffers of 64 KiB, and if there are 16 a connection
  # it is chance which of them had theirs before: so many more, at most.
  buffers=1024
  [ $grown -le $((mib * 1024 * 102 / 100 + buffers)) ] ||
    fail "more than the limit"
  [ $grown -ge $((mib * 1024 * 80 / 100)) ] || fail "far less than the limit"
fi
[ "$(log_lines)" -eq 1 ] || fail "not one line in the log"
stop_nbdkit
