#!/usr/bin/env bash
# Requests of any alignment and length from one byte, against a plain array:
# first thousands of them one by one over two connections, then two clients
# at once that write to different bytes of the same pages.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"

say "SEED=$seed"
for page in 4K 64K; do
  say "page-size=$page, one by one"
  start_nbdkit "${plugin[@]}" size=$((24 * 1024 * 1024 + 1536)) page-size=$page
  model "['$uri', '$uri']" "$(scaled 8000)"
  stop_nbdkit

  say "page-size=$page, two clients in the same pages"
  start_nbdkit "${plugin[@]}" size=1M page-size=$page
  nbdsh -c "uri = '$uri'; seed = $seed; operations = $(scaled 4000)" \
        -c - <<'END'
import os, random, sys
size, stripe = 1 << 20, 1000

# Each client owns every second stripe of 1000 bytes; no write of the one
# may be lost for a write of the other to the same page.
def client(me):
    random.seed(seed + me)
    c = nbd.NBD()
    c.connect_uri(uri)
    model = {}
    for n in range(operations):
        at = (2 * random.randrange(size // stripe // 2 - 1) + me) * stripe
        old = model.get(at, bytes(stripe))
        a = random.randrange(stripe)
        b = random.randrange(a, stripe) + 1
        what = random.randrange(4)
        if what == 0:
            new = bytes(b - a)
            c.zero(b - a, at + a)
        elif what == 1:
            new = bytes(b - a)
            c.trim(b - a, at + a)
        else:
            new = random.choice([b"%d," % n * 1000,
                                 random.randbytes(stripe)])[:b - a]
            c.pwrite(new, at + a)
        model[at] = old[:a] + new + old[b:]
        if n % 8 == 0:
            assert c.pread(stripe, at) == model[at], "%d: stripe %d" % (me, at)
    for at, bytes_ in model.items():
        assert c.pread(stripe, at) == bytes_, "%d: at the end, %d" % (me, at)
    c.shutdown()

children = []
for me in (0, 1):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            client(me)
            status = 0
        finally:
            sys.stdout.flush()
            sys.excepthook(*sys.exc_info()) if status else None
            os._exit(status)
    children.append(pid)
assert all([os.waitpid(pid, 0)[1] == 0 for pid in children])
END
  stop_nbdkit
done
