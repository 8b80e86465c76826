#!/usr/bin/env bash
# The control export: a command is whole or does nothing, whatever is
# written there; each connection has its own answer; the examples of the
# manual work; statistics are read by many while data flows.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

manual=${MANUAL:-$abs_top_srcdir/man/nbdkit-zram-control.pod}

common='
import json, os, socket, struct, threading, time
SOCK = "'$tmpdir'/server.sock"
SIZE = 256 * 1024
def connect(name):
    h = nbd.NBD()
    h.set_export_name(name)
    h.set_strict_mode(0)
    h.connect_unix(SOCK)
    return h
def text(name):
    h = connect(name)
    n = h.get_size()
    return h.pread(n, 0).decode() if n else ""
def answer(h):
    return h.pread(SIZE, 0).decode().rstrip(" ")
def command(h, line):
    h.pwrite(line if isinstance(line, bytes) else line.encode(), 0)
    a = answer(h)
    assert a.startswith("ok\n"), a
    return a[3:]
def refused(h, data, offset=0):
    try:
        h.pwrite(data, offset)
        assert False, data[:100]
    except nbd.Error as e:
        assert e.errno == "EINVAL", (data[:100], e)
# What commands can change.
def state():
    d = json.loads(text("stats.json"))
    return [(x["name"], x["disksize"], x["algorithm"], x["level"],
             x["mem_limit"], x["pages_stored"]) for x in d["devices"]]
'

start_nbdkit "${plugin[@]}" size=16M mem-limit=1G
random_data "$tmpdir/data" 1000000
nbdcopy "$tmpdir/data" "$uri"

say "what ends a command"
nbdsh -c "$common" -c - <<'END'
h = connect("control")
for i, end in enumerate([b"", b"\n", b"\0", b"\n\0", b"\0" * 4000,
                         b"\n" + b"\0" * 4000, b"   \n", b"\t"]):
    command(h, b"zram0 mem_limit %dM" % (500 + i) + end)
    assert text("zram0/mem_limit") == "%d\n" % ((500 + i) << 20), end
command(h, b" \t zram0\t mem_limit  1G ")
assert text("zram0/mem_limit") == "1073741824\n"
# As large as the export is.
command(h, b"zram0 mem_limit 2G\n".ljust(SIZE, b"\0"))
assert text("zram0/mem_limit") == "2147483648\n"
command(h, b"zram0 mem_limit 1G".ljust(4096))
END

say "what is no command does nothing"
nbdsh -c "$common" -c "seed = $seed" -c - <<'END'
import random
random.seed(seed)
h = connect("control")
before = state()
reset = b"zram0 reset force"
bad = [
    b"\n", b"\0", b" ", b"zram0", b"zram0 reset", b"zram0 reset force now",
    b"zram0 reset\0force", b"\0" + reset, b"\n" + reset, reset + b"\n\n",
    reset + b"\n" + reset, reset + b"\r\n", reset + b"\0\n",
    reset + b"\0" * 100 + b"x", reset + b"\n" + b"\0" * 100 + b"x",
    reset + b"\x7f", reset + b"\x80", b"\xef\xbb\xbf" + reset,
    reset + b"\n" + b" " * 4000, b"ZRAM0 RESET FORCE",
    reset.ljust(4097), reset.ljust(SIZE), b"a" * 4096, b"a" * 4097,
    b"a" * SIZE, b" " * SIZE, b"\n" * SIZE, b"a " * 2048,
    b"zram0 mem_limit " + b"1" * 4000, b"zram0 mem_limit %n%s%s%s",
    b"zram0 algorithm_params " + b"level=1 " * 100,
    b"hot_remove 0 1", b"hot_remove", b"hot_remove -1", b"hot_remove zram",
    b"hot_remove 64", b"hot_remove 99999999999999999999", b"hot_add x",
    b"hot_add size=1M 2M", b"hot_add 1M size=2M",
    b"hot_add size=1M dict=/etc/passwd", b"hot_add size=1M size=2M",
    b"hot_add size=1M devices=2", b"hot_add size=1M control=rw",
    b"help me", b"show", b"show zram0", b"show zram0 mm_stat 1",
    b"show zram1 mm_stat", b"show /etc/passwd", b"show zram0 ../../etc",
]
for data in bad:
    refused(h, data)
    a = answer(h)
    assert a.startswith("error: ") and a.endswith("\n"), (data[:60], a)
    assert a.isprintable() or a[:-1].isprintable(), a
    assert a.count("\n") == 1, a
    assert state() == before, data[:60]
# Not at its beginning, and not beyond its end.
for offset in 1, 512, SIZE - len(reset), SIZE - 1:
    refused(h, reset[:SIZE - offset], offset)
for data, offset in (reset, SIZE), (b"x" * (SIZE + 1), 0):
    try:
        h.pwrite(data, offset)
        assert False
    except nbd.Error as e:
        assert e.errno in ("EINVAL", "ENOSPC"), e
# Binary.
for i in range(300):
    refused(h, random.randbytes(random.choice([1, 17, 512, 4096, 5000])))
# Not a write at all.
for request in (lambda: h.trim(512, 0), lambda: h.zero(512, 0)):
    try:
        request()
        assert False
    except nbd.Error as e:
        assert e.errno in ("EINVAL", "ENOTSUP", "EPERM"), e
assert state() == before
command(h, "help")
END

say "half a write"
nbdsh -c "$common" -c - <<'END'
def start(name):
    s = socket.socket(socket.AF_UNIX)
    s.connect(SOCK)
    f = s.makefile("rb")
    assert f.read(16) == b"NBDMAGICIHAVEOPT"
    f.read(2)
    s.sendall(struct.pack(">I", 3))             # FIXED_NEWSTYLE, NO_ZEROES
    s.sendall(b"IHAVEOPT" + struct.pack(">II", 1, len(name)) + name)
    f.read(10)
    return s
before = state()
for sent in 0, 1, 16, 17:
    for claimed in 17, 18, 4096, SIZE:
        s = start(b"control")
        s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, 1, 0, claimed))
        s.sendall(b"zram0 reset force"[:sent if claimed > 17 else sent - 1]
                  if sent else b"")
        s.close()
# All of the header but its end, and one that never ends.
s = start(b"control")
s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, 1, 0, 17)[:-1])
s.close()
time.sleep(0.3)
assert state() == before
END

say "without end"
nbdsh -c "$common" -c - <<'END'
before = state()
def flood():
    h = connect("control")
    for i in range(400):
        try:
            h.pwrite(b"x" * 4000, 0)
        except nbd.Error:
            pass
    h.shutdown()
threads = [threading.Thread(target=flood) for i in range(5)]
for t in threads: t.start()
for t in threads: t.join()
assert state() == before
END

say "answers belong to connections"
nbdsh -c "$common" -c - <<'END'
a, b, c = (connect("control") for i in range(3))
command(a, "show zram0 disksize")
refused(b, b"what")
assert answer(a) == "ok\n16777216\n"
assert answer(b).startswith("error: 'what'")
assert json.loads(answer(c))["devices"][0]["name"] == "zram0"
# In pieces too.
assert b"".join(a.pread(3, i) for i in range(0, 12, 3)) == b"ok\n16777216\n"
assert a.pread(SIZE - 12, 12) == b" " * (SIZE - 12)
# Without a command the JSON is new whenever it is read from its start.
disk = connect("zram0")
def writes():
    return json.loads(answer(c))["devices"][0]["writes"]
n = writes()
disk.pwrite(b"x", 0)
assert writes() == n + 1
d = json.loads(answer(c))["devices"][0]
assert d["connections"] == 1, d
assert d["pages_stored"] == \
    json.loads(command(a, "show stats.json"))["devices"][0]["pages_stored"]
assert command(a, "show metrics").startswith("# HELP nbdkit_zram_")
END

say "the log"
nbdsh -c "$common" -c - <<'END'
time.sleep(1.2)
refused(connect("control"), b"\x1b[2Jzram0 reset 1\nnbdkit: error: forged")
END
if LC_ALL=C grep -q '[^ -~]' "$tmpdir/server.log"; then
  fail "control characters in the log"
fi
grep -Fq 'command "\x1b[2Jzram0 reset 1": byte 0 of' "$tmpdir/server.log" ||
  fail "not in the log"
[ "$(wc -l <"$tmpdir/server.log")" -lt 100 ] || fail "the log is flooded"
stop_nbdkit

say "the examples of the manual"
# Its scripts, as they stand there, but for the socket.
awk '/^=head2 / { on = ($0 == "=head2 Examples") } /^=head1 / { on = 0 } on' \
    "$manual" | sed -n 's/^ //p' >"$tmpdir/examples"
grep -q nbdsh "$tmpdir/examples" || fail "the manual has no examples"
sed -i "s|/run/zram.sock|$tmpdir/server.sock|g" "$tmpdir/examples"
start_nbdkit "${plugin[@]}" size=64M
(cd "$tmpdir" && bash -e -o pipefail "$tmpdir/examples") \
  >"$tmpdir/examples.log" || fail "an example of the manual"
stop_nbdkit

say "many read statistics while data flows"
clients=100
if sanitized; then clients=20; fi
start_nbdkit -t 2 "${plugin[@]}" size=32M
nbdsh -c "$common" -c "clients, seed = $clients, $seed" -c - <<'END'
import random
stop = threading.Event()
errors = []
def guarded(f):
    def run(i):
        try:
            f(i)
        except BaseException as e:
            errors.append(e)
            stop.set()
            raise
    return run
@guarded
def write(i):
    h = connect("zram0")
    r = random.Random(seed + i)
    block = os.urandom(65536) + bytes(65536) + b"compress" * 8192
    while not stop.is_set():
        at = r.randrange(0, 32 << 20, 65536)
        h.pwrite(block[(k := r.randrange(0, 131072)):k + 65536], at)
        if r.random() < 0.2:
            h.trim(65536, at)
@guarded
def read(i):
    r = random.Random(seed + i)
    names = ["stats.json", "metrics", "zram0/mm_stat", "zram0/stats.json",
             "zram0/block_state", "zram0/io_stat"]
    c = connect("control")
    n = 0
    while not stop.is_set() or n < 3:
        n += 1
        d = json.loads(answer(c))["devices"][0]
        assert d["orig_data_size"] == 4096 * d["pages_stored"] <= 32 << 20
        assert d["mem_used_total"] < 64 << 20 and d["failed_writes"] == 0
        name = r.choice(names)
        t = text(name)
        if name.endswith("mm_stat"):
            assert len(t.split()) == 9
        elif name.endswith("json"):
            json.loads(t)
        elif name.endswith("block_state"):
            assert all(len(l) == 39 for l in t.splitlines())
        time.sleep(r.random() * 0.2)
@guarded
def work(i):
    c = connect("control")
    r = random.Random(seed + i)
    n = 0
    while not stop.is_set() or n < 5:
        n += 1
        command(c, r.choice(["zram0 compact 1", "zram0 idle all",
                             "zram0 mem_used_max 0", "zram0 reset force",
                             "zram0 disksize 64M",
                             "zram0 algorithm_params level=2",
                             "zram0 mem_limit 0"]))
threads = [threading.Thread(target=f, args=(i,)) for i, f in enumerate(
    [write] * 2 + [work] * 2 + [read] * clients)]
for t in threads: t.start()
time.sleep(4)
stop.set()
for t in threads: t.join()
assert not errors, errors
END
stop_nbdkit

say "listings have a bound together"
start_nbdkit -t 2 "${plugin[@]}" size=8G
nbdsh -c "$common" -c - <<'END'
disk = connect("zram0")
for at in range(0, 8 << 30, 1 << 30):
    disk.zero(1 << 30, at, nbd.CMD_FLAG_NO_HOLE)
lines = 1 << 20
first = connect("zram0/block_state")
assert first.get_size() == 40 * lines
assert int(first.pread(40, 40 * (lines - 1)).split()[0]) == lines - 1
second = connect("zram0/block_state/%d" % lines)
assert second.get_size() == 40 * lines
assert int(second.pread(40, 0).split()[0]) == lines
try:
    connect("zram0/block_state")
    assert False
except nbd.Error as e:
    assert e.errno == "ENOENT", e
# The others are not held up, and room comes back.
assert text("zram0/initstate") == "1\n"
json.loads(text("stats.json"))
first.shutdown()
for i in range(50):
    try:
        connect("zram0/block_state").shutdown()
        break
    except nbd.Error as e:
        time.sleep(0.1)
else:
    assert False
END
stop_nbdkit
grep -q 'zram0/block_state": too many' "$tmpdir/server.log" ||
  fail "the log does not say why"
