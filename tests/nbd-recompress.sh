#!/usr/bin/env bash
# Recompression while the disk is in use: clients read what they wrote,
# statistics do not wait, a second run does; a client that leaves, and a disk
# that is removed, end it.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

requires nbdsh
for codec in lz4 zstd; do
  codecs | grep -qw $codec || skip "there is no $codec"
done

start_nbdkit "${plugin[@]}" size=64M algo=lz4 devices=2
python3 - "$tmpdir/text" "$(scaled 48000000)" <<'END'
import random, sys
r = random.Random(5)
words = [bytes(r.choices(b"etaoinshrdlu", k=r.randrange(2, 9)))
         for i in range(4000)]
with open(sys.argv[1], "wb") as f:
    while f.tell() < int(sys.argv[2]):
        f.write(b" ".join(r.choices(words, k=20000)))
END
export sock
nbdcopy "$tmpdir/text" "nbd+unix:///zram0?socket=$sock"
nbdcopy "$tmpdir/text" "nbd+unix:///zram1?socket=$sock"

common='
import json, os, threading, time
def connect(export):
    h = nbd.NBD()
    h.set_export_name(export)
    h.connect_unix(os.environ["sock"])
    return h
def text(name):
    h = connect(name)
    n = h.get_size()
    t = h.pread(n, 0).decode() if n else ""
    h.shutdown()
    return t
def stats(device):
    return json.loads(text(device + "/stats.json"))
def command(line):
    h = connect("control")
    try:
        h.pwrite(line.encode(), 0)
    finally:
        answer = h.pread(4096, 0).decode().rstrip(" ")
        h.shutdown()
    return answer
def wait_for(what):
    end = time.time() + 120
    while not what():
        assert time.time() < end
        time.sleep(0.02)
'

say "beside clients and statistics"
nbdsh -c "$common" -c "data = open('$tmpdir/text', 'rb').read()" -c - <<'END'
assert command("zram0 recomp_algorithm algo=zstd:12") == "ok\n"
assert text("zram0/recomp_algorithm").startswith("#1: ")
assert text("zram0/recomp_algorithm") == \
    command("show zram0 recomp_algorithm")[3:]
before = stats("zram0")
answers = []
runs = [threading.Thread(target=lambda: answers.append(
            command("zram0 recompress max_pages=4000"))) for i in range(2)]
for t in runs:
    t.start()
wait_for(lambda: stats("zram0")["recompress_handled"] > 0)
disk, slowest, looks = connect("zram0"), 0, 0
page = 4096
mine = len(data) // page // 7 * page     # what is written meanwhile
while any(t.is_alive() for t in runs):
    start = time.time()
    d = stats("zram0")
    assert d["recompress_handled"] <= d["recompress_found"]
    slowest = max(slowest, time.time() - start)
    looks += 1
    at = looks % 100 * page
    disk.pwrite(data[mine + at:mine + at + page], at)
    assert disk.pread(page, at) == data[mine + at:mine + at + page]
    at = (looks * 37 + 1000) * page % (len(data) // page * page)
    want = data[mine + at:mine + at + page] if at < 100 * page \
        else data[at:at + page]
    if at >= 100 * page:
        assert disk.pread(page, at) == want
print("%d looks at statistics, the slowest %.3f s" % (looks, slowest))
assert looks > 3
numbers = []
for a in answers:
    assert a.startswith("ok\ntried="), a
    numbers.append({k: int(v) for k, v in
                    (w.split("=") for w in a[3:].split())})
d = stats("zram0")
# The second has waited for the first, and gone on where that ended.
assert sum(n["tried"] for n in numbers) == d["recompress_tried"]
assert all(n["tried"] == 4000 for n in numbers) or len(data) < 40000000
assert sum(n["gained"] for n in numbers) == d["recompress_gained"] > 0
assert d["recompress_found"] == d["recompress_handled"] == 0
r = text("zram0/block_state").splitlines()
assert sum(l[-2] == "r" for l in r) == d["recompressed_pages"]
priorities = {c["priority"]: c["pages"] for c in d["codings"]}
assert priorities[1] == d["recompressed_pages"]
END

say "errors through the mailbox"
nbdsh -c "$common" -c - <<'END'
def refused(line, why, errno="EINVAL"):
    h = connect("control")
    try:
        h.pwrite(line.encode(), 0)
        assert False, line
    except nbd.Error as e:
        assert e.errno == errno, (line, e)
    answer = h.pread(4096, 0).decode().rstrip(" ")
    assert answer.startswith("error: ") and why in answer, (line, answer)
refused("zram1 recompress", "no algorithm is set for priority 1")
refused("zram0 recompress type=cold", "must be idle, huge or huge_idle")
refused("zram0 recompress speed=9", "there is no 'speed' here")
refused("zram0 recompress threshold=4097", "larger than a page")
refused("zram0 recompress priority=2", "no algorithm is set for priority 2")
refused("zram0 recompress algo=lz4", "not set for any priority")
refused("zram0 recomp_algorithm", "the value is missing")
refused("zram0 recomp_algorithm algo=zstd priority=4", "from 1 to 3")
refused("zram0 algorithm_params priority=2 level=1", "no algorithm is set")
END

say "a client that leaves ends its run"
nbdsh -c "$common" -c - <<'END'
assert command("zram0 recomp_algorithm algo=zstd:22 priority=2") == "ok\n"
h = connect("control")
h.aio_pwrite(nbd.Buffer.from_bytearray(
    bytearray(b"zram0 recompress priority=2")), 0)
wait_for(lambda: [h.poll(0), stats("zram0")["recompress_handled"] > 0][1])
del h
start = time.time()
wait_for(lambda: stats("zram0")["recompress_found"] == 0)
print("it ended after %.1f s" % (time.time() - start))
END

say "a disk that is removed ends it too"
nbdsh -c "$common" -c - <<'END'
assert command("zram1 recomp_algorithm algo=zstd:22") == "ok\n"
h = connect("control")
h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(b"zram1 recompress")), 0)
wait_for(lambda: [h.poll(0), stats("zram1")["recompress_handled"] > 0][1])
start = time.time()
assert command("hot_remove 1") == "ok\n"
print("it was removed after %.1f s" % (time.time() - start))
wait_for(lambda: [h.poll(10), h.aio_in_flight() == 0][1])
answer = h.pread(4096, 0).decode()
assert "it was told to end" in answer, answer
END

say "what was written is there"
nbdsh -c "$common" -c "data = open('$tmpdir/text', 'rb').read()" -c - <<'END'
disk = connect("zram0")
for at in range(100 * 4096, len(data), 1 << 20):
    n = min(1 << 20, len(data) - at)
    assert disk.pread(n, at) == data[at:at + n], at
END
stop_nbdkit
