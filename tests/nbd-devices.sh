#!/usr/bin/env bash
# Several devices: on the command line, alike and different; added, changed
# and removed by command, also while clients are connected and while many
# do it at once.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

first_codec=$(codecs | cut -d ' ' -f 1)

common='
import json, threading, time
def connect(name):
    h = nbd.NBD()
    h.set_export_name(name)
    h.connect_unix("'$tmpdir'/server.sock")
    return h
def text(name):
    h = connect(name)
    n = h.get_size()
    return h.pread(n, 0).decode() if n else ""
def try_command(h, line):
    try:
        h.pwrite(line.encode(), 0)
    except nbd.Error as e:
        assert e.errno in ("EINVAL", "ENOSPC", "ENOMEM"), e
    return h.pread(256 * 1024, 0).decode().rstrip(" ")
def command(line):
    a = try_command(connect("control"), line)
    assert a.startswith("ok\n"), a
    return a[3:]
def refused(line):
    a = try_command(connect("control"), line)
    assert a.startswith("error: "), a
    return a
def devices():
    return {d["name"]: d for d in json.loads(text("stats.json"))["devices"]}
'

# refused PATTERN PARAMETER...: by one line.
refused ()
{
  nbdkit_refuses "$1" "$PLUGIN" "${@:2}"
  if [ "$(wc -l <"$tmpdir/refused.log")" -ne 1 ]; then
    fail "${*:2}: more than one line"
  fi
}

say "the command line"
for bad in 0 65 -1 1.5 2x '' 99999999999999999999; do
  refused 'devices=.*(whole number from 1 to 64|missing)' \
          size=1M devices="$bad"
done
refused 'devices=2: given twice' size=1M devices=2 devices=2
for bad in zram1 zram zram00 sda 0 ZRAM0; do
  refused "device=$bad: must be zram0" size=1M device="$bad"
done
refused 'device=: .*missing' size=1M device=
refused 'device=zram0: must be zram1' size=1M device=zram0 device=zram0
refused 'device=zram2: must be zram1' size=1M device=zram0 device=zram2
refused 'device=zram0: devices=2 makes' size=1M devices=2 device=zram0
refused 'devices=2: .*device= already' size=1M device=zram0 devices=2
refused 'device=zram1: .*size=SIZE is required' \
        device=zram0 size=1M device=zram1
refused 'size=2M: given twice' device=zram0 size=1M size=2M
refused 'device=zram1: .*level' \
        size=1M device=zram0 device=zram1 algo="$first_codec" level=99999999
refused "zram1: mem-limit 1024 is too small" \
        size=1M device=zram0 device=zram1 mem-limit=1K
for bad in yes '' LOCAL local,tls 1; do
  refused 'control=.*(must be local, tls, rw, ro or off|missing)' \
          size=1M control="$bad"
done
refused 'control=ro: given twice' size=1M control=rw control=ro
for bad in maybe 2 ''; do
  refused 'track-access=.*(true or false|missing)' size=1M track-access="$bad"
done
names=()
for ((i = 0; i < 64; i++)); do names+=("device=zram$i"); done
refused 'device=zram64: too many; there can be 64' \
        size=1M "${names[@]}" device=zram64

say "alike"
start_nbdkit "${plugin[@]}" size=3M devices=3 page_size=8K
nbdsh -c "$common" -c - <<'END'
d = devices()
assert list(d) == ["zram0", "zram1", "zram2"], d
for x in d.values():
    assert x["disksize"] == 3 << 20 and x["page_size"] == 8192
a, b = connect("zram0"), connect("zram2")
a.pwrite(b"a" * 8192, 0)
b.pwrite(b"b" * 8192, 8192)
assert a.pread(16384, 0) == b"a" * 8192 + bytes(8192)
assert connect("").pread(1, 0) == b"a"
assert connect("zram1").pread(16384, 0) == bytes(16384)
END
stop_nbdkit

start_nbdkit -t 1 "${plugin[@]}" size=1M "${names[@]}"
nbdsh -c "$common" -c - <<'END'
assert len(devices()) == 64
connect("zram63").pwrite(b"last", 0)
assert "64 devices already" in refused("hot_add size=1M")
assert text("metrics").count("nbdkit_zram_orig_bytes{") == 64
json.loads(connect("control").pread(256 * 1024, 0))
END
stop_nbdkit

say "different"
start_nbdkit "${plugin[@]}" size=1M level=3 track-access=on control=local \
             device=zram0 device=zram1 algo="$first_codec" size=4M \
             mem-limit=64M device=zram2 level=2 page-size=64K \
             track-access=false
nbdsh -c "$common" -c "first = '$first_codec'" -c - <<'END'
d = devices()
assert [(x["disksize"], x["page_size"], x["mem_limit"])
        for x in d.values()] == [(1 << 20, 4096, 0), (4 << 20, 4096, 64 << 20),
                                 (1 << 20, 65536, 0)]
# A level belongs to the algorithm it was given with.
assert d["zram0"]["level"] == 3 and d["zram2"]["level"] == 2
assert d["zram1"]["algorithm"] == first
assert d["zram1"]["level"] != 3 or first not in ("lz4", "zstd"), d
assert d["zram0"]["algorithm"] == d["zram2"]["algorithm"]
command("zram1 idle 1")
assert "track-access" in refused("zram2 idle 1")
END
stop_nbdkit

say "added and removed"
start_nbdkit "${plugin[@]}" size=1M
nbdsh -c "$common" -c "first = '$first_codec'" -c - <<'END'
assert command("hot_add size=2M") == "1\n"
assert command("hot_add size=16T algo=%s page_size=16K mem-limit=64M "
               "track-access=true" % first) == "2\n"
d = devices()
assert d["zram2"]["disksize"] == 16 << 40
assert d["zram2"]["page_size"] == 16384 and d["zram2"]["algorithm"] == first
assert d["zram2"]["mem_limit"] == 64 << 20
connect("zram1").pwrite(b"gone soon", 0)
command("hot_remove 1")
for name in "zram1", "zram1/mm_stat":
    try:
        connect(name)
        assert False, name
    except nbd.Error as e:
        assert e.errno == "ENOENT", e
assert "no device zram1" in refused("hot_remove 1")
assert "no device 'zram1'" in refused("zram1 reset 1")
assert "no device 'zram1'" in refused("show zram1 mm_stat")
# The number is used again; the data is not there.
assert command("hot_add size=1M") == "1\n"
assert connect("zram1").pread(9, 0) == bytes(9)
assert command("hot_add 1.5M algo=%s" % first) == "3\n"
# The same messages as on the command line.
assert "size=SIZE is required" in refused("hot_add algo=" + first)
assert "size=513: not a multiple of 512" in refused("hot_add size=513")
assert "'lzw' is not known" in refused("hot_add size=1M algo=lzw")
assert "mem-limit 1024 is too small" in \
    refused("hot_add size=1M mem-limit=1K")
assert "given twice" in refused("hot_add size=1M size=1M")
assert "no such parameter; there are size, algo" in \
    refused("hot_add disksize=1M")
assert list(devices()) == ["zram0", "zram1", "zram2", "zram3"]
# The default device too.
command("hot_remove 0")
try:
    connect("")
    assert False
except nbd.Error as e:
    assert e.errno == "ENOENT", e
assert command("hot_add size=5M") == "0\n"
assert connect("").get_size() == 5 << 20
# The keeper gives memory back in those that were added, too.
h = connect("zram0")
import os
h.pwrite(os.urandom(4 << 20), 0)
held = devices()["zram0"]["mem_used_total"]
h.trim(4 << 20, 0)
for i in range(50):
    if devices()["zram0"]["mem_used_total"] < held - (3 << 20):
        break
    time.sleep(0.1)
else:
    assert False
END
nbdinfo --list "$uri" | grep -c '^export="zram[0-3]"' >"$tmpdir/count"
[ "$(cat "$tmpdir/count")" -eq 4 ] || fail "they are not listed"
stop_nbdkit

say "under a connected client"
start_nbdkit "${plugin[@]}" size=16M devices=2
nbdsh -c "$common" -c - <<'END'
a, b = connect("zram1"), connect("zram1")
a.pwrite(b"stays", 0)
assert devices()["zram1"]["connections"] == 2
for line in "hot_remove 1", "zram1 reset 1", "zram1 disksize 8M":
    began = time.time()
    why = refused(line)
    assert "2 clients are connected to zram1" in why, why
    assert time.time() - began < 3
    assert a.pread(5, 0) == b"stays"
assert "reset force" in refused("zram1 reset 1")
assert a.get_size() == 16 << 20
# What takes nothing away is done.
command("zram1 disksize 32M")
assert a.get_size() == 16 << 20 and connect("zram1").get_size() == 32 << 20
command("zram1 compact 1")
command("zram1 reset force")
assert a.pread(5, 0) == bytes(5)
a.pwrite(b"again", 4096)
assert b.pread(5, 4096) == b"again"
# Statistics and the control export are no clients of the disk.
s, c = connect("zram1/mm_stat"), connect("control")
a.shutdown()
assert "1 client is connected" in refused("hot_remove 1")
# One who is just leaving is waited for.
b.shutdown()
assert "holds data" in refused("zram1 disksize 1K")
command("zram1 disksize 8M")
command("zram1 reset 1")
command("hot_remove 1")
assert s.pread(s.get_size(), 0).count(b"\n") == 1
# zram0 was not concerned.
assert list(devices()) == ["zram0"]
END
stop_nbdkit

say "all at once"
start_nbdkit -t 2 "${plugin[@]}" size=4M devices=2
nbdsh -c "$common" -c "rounds, seed = $(scaled 160), $seed" \
      -c "first = '$first_codec'" -c - <<'END'
import random
errors = []
done = {"ok": 0, "error": 0}
def guarded(f):
    def run(i):
        try:
            f(random.Random(seed + i))
        except BaseException as e:
            errors.append(e)
            raise
    return run
@guarded
def manage(r):
    c = connect("control")
    for i in range(rounds):
        n = r.randrange(1, 5)
        a = try_command(c, r.choice([
            "hot_add size=1M", "hot_add size=2M track-access=1",
            "hot_remove %d" % n, "zram%d reset 1" % n,
            "zram%d reset force" % n, "zram%d disksize 2M" % n,
            "zram%d disksize 512K" % n, "zram%d compact 1" % n,
            "zram%d comp_algorithm %s" % (n, first), "show stats.json",
            "zram%d idle all" % n, "show zram%d block_state" % n]))
        done[a.split()[0].rstrip(":")] += 1
@guarded
def use(r):
    for i in range(rounds):
        try:
            h = connect("zram%d" % r.randrange(0, 5))
        except nbd.Error as e:
            assert e.errno == "ENOENT", e
            continue
        size = h.get_size()
        for k in range(r.randrange(8)):
            at = r.randrange(0, size - 4096)
            h.pwrite(r.randbytes(4096), at)
            h.pread(4096, at)
        h.shutdown()
@guarded
def look(r):
    for i in range(rounds):
        try:
            text(r.choice(["stats.json", "metrics", "zram%d/mm_stat"
                 % r.randrange(5), "zram%d/block_state" % r.randrange(5)]))
        except nbd.Error as e:
            assert e.errno == "ENOENT", e
threads = [threading.Thread(target=f, args=(i,)) for i, f in
           enumerate([manage] * 3 + [use] * 4 + [look] * 2)]
for t in threads: t.start()
for t in threads: t.join()
assert not errors, errors
assert done["ok"] > rounds / 4 and done["error"] > 0, done
for d in devices().values():
    assert d["connections"] <= 1
# zram0 was never removed, and nothing is left that is in use.
for name in list(devices()):
    if name != "zram0":
        command("hot_remove " + name[4:])
assert list(devices()) == ["zram0"]
END
stop_nbdkit
