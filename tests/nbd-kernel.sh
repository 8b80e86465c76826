#!/usr/bin/env bash
# Beside the kernel's own zram, where there is one: the same texts to the
# last space, the same values taken and refused, and the same sequence of
# writes with lz4 gives the same counts.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

kernel=/sys/block/zram0
[ -d $kernel ] || skip "this kernel has no $kernel"
[ "$(id -u)" -eq 0 ] || skip "only root can use $kernel"
grep -qw lz4 $kernel/comp_algorithm || skip "the kernel's zram has no lz4"
[[ " $(codecs) " = *" lz4 "* ]] || skip "the plugin was built without lz4"
requires flock

# One test at a time; and whatever somebody keeps on it stays there.
exec 9<$kernel/disksize
flock -w 100 9 || skip "$kernel is in use by another test"
[ "$(cat $kernel/initstate)" = 0 ] || skip "$kernel is in use"

# Leave it as it was, whatever happens.
restore ()
{
  status=$?
  trap - ERR
  set +e
  echo 1 >$kernel/reset
  (exit "$status")
  cleanup
}
trap restore EXIT

node=$tmpdir/zram0
# shellcheck disable=SC2046
mknod "$node" b $(tr : ' ' <$kernel/dev)
# A file system may refuse to open nodes.
if ! head -c 0 "$node" 2>/dev/null; then
  node=/dev/zram0
  # shellcheck disable=SC2046
  [ -b $node ] || mknod $node b $(tr : ' ' <$kernel/dev)
fi

say "beside $(uname -r)"
mib=64
echo lz4 >$kernel/comp_algorithm
echo ${mib}M >$kernel/disksize
start_nbdkit "${plugin[@]}" size=${mib}M algo=lz4 late=off

nbdsh -c "sock, node, kernel, seed = '$sock', '$node', '$kernel', $seed" \
      -c - <<'END'
import fcntl, mmap, os, random, re, struct
random.seed(seed)

def connect(name):
    h = nbd.NBD()
    h.set_export_name(name)
    h.connect_unix(sock)
    return h
def ours(name):
    h = connect("zram0/" + name)
    return h.pread(h.get_size(), 0).decode()
def theirs(name):
    with open(kernel + "/" + name) as f:
        return f.read()
control = connect("control")

def set_both(name, value):
    """Whether each of them takes it."""
    taken = []
    try:
        control.pwrite(("zram0 %s %s" % (name, value)).encode(), 0)
        taken.append(True)
    except nbd.Error:
        taken.append(False)
    try:
        fd = os.open(kernel + "/" + name, os.O_WRONLY)
        try:
            os.write(fd, value.encode())
            taken.append(True)
        finally:
            os.close(fd)
    except OSError:
        taken.append(False)
    return taken

disk = connect("zram0")
device = os.open(node, os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 4096)      # aligned, for O_DIRECT
BLKDISCARD = 0x1277

def write(slot, data):
    assert len(data) == 4096
    disk.pwrite(data, slot * 4096)
    page[:] = data
    assert os.pwritev(device, [page], slot * 4096) == 4096
def trim(slot):
    disk.trim(4096, slot * 4096)
    fcntl.ioctl(device, BLKDISCARD, struct.pack("QQ", slot * 4096, 4096))

def widths(line):
    return [len(f) for f in re.findall(r" *\S+", line)], \
        len(line) - len(line.rstrip()), line.endswith("\n")
def check_texts():
    for name in "disksize", "initstate", "io_stat", "debug_stat":
        assert ours(name) == theirs(name), (name, ours(name), theirs(name))
    for a, b in zip(ours("mm_stat"), theirs("mm_stat")):
        assert a.isdigit() == b.isdigit() or a == " " or b == " "
    assert widths(ours("mm_stat")) == widths(theirs("mm_stat")), \
        (ours("mm_stat"), theirs("mm_stat"))
    for text in ours("comp_algorithm"), theirs("comp_algorithm"):
        assert re.fullmatch(r"([a-z0-9-]+ )*\[lz4\] ([a-z0-9-]+ )*\n",
                            text), text

ORIG, COMPR, USED, LIMIT, PEAK, SAME, COMPACTED, HUGE, HUGE_SINCE = range(9)
def compare():
    a = [int(x) for x in ours("mm_stat").split()]
    b = [int(x) for x in theirs("mm_stat").split()]
    for column in ORIG, LIMIT, SAME, HUGE, HUGE_SINCE:
        assert a[column] == b[column], (column, a, b)
    # Two versions of the library.
    assert abs(a[COMPR] - b[COMPR]) <= b[COMPR] * 0.03, (a, b)
    check_texts()
    return a

assert compare()[ORIG] == 0

# The kernel keeps a page as it is if lz4 makes more than 3625 bytes of it
# (with zsmalloc's usual chains of 8 pages), we from 3969 on.  These pages
# are on one side for both: noise of 4096 bytes, or of up to 3000.
def compressible():
    n = random.randrange(16, 3000)
    return (random.randbytes(n) + b"=" * 4096)[:4096]
kinds = [
    lambda: bytes(4096),
    lambda: random.randbytes(8) * 512,
    lambda: b"\xff" * 4096,
    lambda: random.randbytes(4) * 1024,
    # Not the same all over, though nearly.
    lambda: b"x" * 4095 + b"y", lambda: b"y" + b"x" * 4095,
    lambda: bytes(2048) + b"z" + bytes(2047),
    lambda: random.randbytes(4096),
    compressible, compressible, compressible, compressible,
]
slots = 1500
held = {}
for i in range(4000):
    slot = random.randrange(slots)
    # What holds more than zeroes, so that both count it as freed.
    if random.random() < 0.1 and held.get(slot):
        trim(slot)
        del held[slot]
    else:
        data = random.choice(kinds)()
        write(slot, data)
        held[slot] = data.strip(b"\0")
    if i % 500 == 0:
        compare()
mm = compare()
assert mm[ORIG] == 4096 * len(held)
assert mm[SAME] > 100 and mm[HUGE] > 50 and mm[HUGE_SINCE] > mm[HUGE]

# Both hold the same.
for slot in range(slots):
    assert os.preadv(device, [page], slot * 4096) == 4096
    assert disk.pread(4096, slot * 4096) == page[:], slot

# Values.
for value, limit in ("64M", 64 << 20), ("0x4000000", 64 << 20), \
        ("0400000000", 64 << 20), ("1g", 1 << 30), ("2T", 2 << 40), \
        ("65536k", 64 << 20), ("0", 0):
    assert set_both("mem_limit", value) == [True, True], value
    assert compare()[LIMIT] == limit
assert set_both("mem_limit", "none") == [False, False]
for value, taken in ("0", True), ("1", False), ("x", False):
    assert set_both("mem_used_max", value) == [taken, taken], value
assert set_both("compact", "1") == [True, True]
assert set_both("idle", "all")[0]
assert set_both("idle", "some") == [False, False]
assert set_both("comp_algorithm", "lzw") == [False, False]
assert set_both("reset", "0") == [False, False]
# Both are open.
assert set_both("reset", "1") == [False, False]
compare()
disk.shutdown()
os.close(device)
assert set_both("reset", "1") == [True, True]
with open(kernel + "/comp_algorithm", "w") as f:
    f.write("lz4")
assert set_both("disksize", "0") == [False, False]
assert set_both("disksize", "32M") == [True, True]
assert compare()[ORIG] == 0
END
stop_nbdkit
