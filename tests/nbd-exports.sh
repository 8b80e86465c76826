#!/usr/bin/env bash
# The exports: what is listed can be opened, everything else is refused,
# and a name can do no harm in the log.  Text is exactly as long as it is,
# and stays what it was when it was opened.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

read -r -d '' -a attributes <<'END' || :
disksize initstate comp_algorithm algorithm_params recomp_algorithm
max_comp_streams
mem_limit mem_used_total mem_used_max orig_data_size compr_data_size
zero_pages num_reads num_writes failed_reads failed_writes invalid_io
notify_free mm_stat io_stat debug_stat block_state swap_safe upkeep
stats.json
END

# In each nbdsh: connect to an export.
connect='
def connect(name):
    h = nbd.NBD()
    h.set_opt_mode(True)
    h.set_full_info(True)
    h.connect_unix("'$tmpdir'/server.sock")
    h.set_export_name(name)
    h.opt_go()
    return h
def text(h):
    return h.pread(h.get_size(), 0)
'

start_nbdkit "${plugin[@]}" size=1M page-size=16K devices=2

say "what is listed can be opened"
# nbdinfo opens each of them.
nbdinfo --list --json "$uri" >"$tmpdir/list"
python3 - "$tmpdir/list" "${attributes[@]}" <<'END'
import json, sys
exports = json.load(open(sys.argv[1]))["exports"]
names = {e["export-name"]: e for e in exports}
assert len(names) == len(exports)
expected = {"control", "metrics", "stats.json"}
for device in "zram0", "zram1":
    expected |= {device} | {device + "/" + a for a in sys.argv[2:]}
assert set(names) == expected, set(names) ^ expected
for name, e in names.items():
    assert 10 < len(e["description"]) < 80, e
    if "/" in name or name in ("metrics", "stats.json"):
        assert e["is_read_only"] and e["export-size"] < 65536, e
        assert not e["can_multi_conn"], e
    # Filters ask for these on every export.
    assert e["can_flush"] and e["can_cache"], e
for device in "zram0", "zram1":
    assert "compressed" in names[device]["description"], names[device]
    assert "16 KiB" in names[device]["description"], names[device]
    assert names[device]["export-size"] == 1048576, names[device]
assert names["control"]["export-size"] == 256 * 1024
assert not names["control"]["can_multi_conn"]
END

say "the two names of the disk"
nbdsh -c "$connect" -c - <<'END'
a, b = connect(""), connect("zram0")
assert a.get_canonical_export_name() == "zram0"
a.pwrite(b"one disk", 0)
assert b.pread(8, 0) == b"one disk"
c = connect("zram1")
assert c.pread(8, 0) == bytes(8)
for h in a, b, c:
    assert h.can_flush() and h.can_fua() and h.can_trim() and h.can_zero()
    assert h.can_fast_zero() and h.can_cache() and h.can_multi_conn()
    assert not h.is_rotational() and not h.is_read_only()
    assert h.get_block_size(nbd.SIZE_MINIMUM) == 1
    assert h.get_block_size(nbd.SIZE_PREFERRED) == 16384
    assert h.get_block_size(nbd.SIZE_MAXIMUM) == 64 << 20
END

say "text is what it was when it was opened"
nbdsh -c "$connect" -c - <<'END'
disk = connect("zram0")
before = connect("zram0/num_writes")
seen = text(before)
disk.pwrite(b"x", 0)
assert text(before) == seen
after = connect("zram0/num_writes")
assert int(text(after)) == int(seen) + 1
# In pieces it is the same, and beyond its end there is nothing.
h = connect("zram0/mm_stat")
whole = text(h)
assert b"".join(h.pread(1, i) for i in range(h.get_size())) == whole
h.set_strict_mode(0)
for count, offset in (1, len(whole)), (len(whole), 1), (1, 1 << 62):
    try:
        h.pread(count, offset)
        assert False
    except nbd.Error as e:
        assert e.errno == "EINVAL", e
# An empty text is an export of no bytes.
assert connect("zram1/block_state").get_size() == 0
END
[ -z "$(nbdcopy "nbd+unix:///zram1/block_state?socket=$sock" - | cat)" ]
nbdcopy "nbd+unix:///zram0/disksize?socket=$sock" - | cat >"$tmpdir/size"
echo 1048576 | cmp - "$tmpdir/size"

say "block_state from a slot on"
nbdsh -c "$connect" -c - <<'END'
disk = connect("zram1")
for slot in 1, 5, 9, 63:
    disk.pwrite(b"page %d" % slot, slot * 16384)
def slots(name):
    h = connect(name)
    if h.get_size() == 0:
        return []
    lines = text(h).decode().splitlines(True)
    assert all(len(l) == 40 for l in lines), lines
    return [int(l.split()[0]) for l in lines]
assert slots("zram1/block_state") == [1, 5, 9, 63]
assert slots("zram1/block_state/0") == [1, 5, 9, 63]
assert slots("zram1/block_state/5") == [5, 9, 63]
assert slots("zram1/block_state/6") == [9, 63]
assert slots("zram1/block_state/64") == []
assert slots("zram1/block_state/999999999999999") == []
END

say "every other name"
nbdsh -c - <<END
import time
def refused(name):
    h = nbd.NBD()
    h.set_export_name(name)
    try:
        h.connect_unix("$sock")
        assert False, name
    except nbd.Error as e:
        assert "ENOENT" in str(e.errno), (name, e)
names = ["zram", "zram2", "zram00", "zram0/", "/zram0", "ZRAM0", "zram0 ",
         "zram0\n", "\n", "x" * 4096, "../zram0", "zram64", "zram-1",
         "zram4294967296", "zram0/reset", "zram0/compact", "zram0/idle",
         "zram0/mm_stat/", "zram0/mm_stat/0", "zram0/stat", "zram0//mm_stat",
         "zram2/mm_stat", "zram0/../zram1", "zram0/block_state/",
         "zram0/block_state/-1", "zram0/block_state/1x",
         "zram0/block_state/01", "zram0/block_state/9999999999999999",
         "control/", "metrics/zram0", "/etc/passwd", "zram0/" + "y" * 4000]
for name in names:
    refused(name)
# The log has one line a second: this one shall be there.
time.sleep(1.2)
refused("\x1b[2J\r\nnbdkit: error: forged\t\x7f\u009b5m\\\\")
END
stop_nbdkit
grep -q 'export ".*": there is no such' "$tmpdir/server.log" ||
  fail "nothing in the log"
[ "$(wc -l <"$tmpdir/server.log")" -le 10 ] || fail "a line for each name"
if LC_ALL=C grep -q '[^ -~]' "$tmpdir/server.log"; then
  fail "control characters in the log"
fi
if grep -q '.\{400\}' "$tmpdir/server.log"; then
  fail "a name of 4096 bytes in the log"
fi
grep -Fq '"\x1b[2J\x0d\x0anbdkit: error: forged\x09\x7f\xc2\x9b5m\x5c"' \
  "$tmpdir/server.log" || fail "the name is not escaped"

say "control=off"
start_nbdkit "${plugin[@]}" size=1M control=off
nbdinfo --list "$uri" >"$tmpdir/list"
grep -q '^export="zram0/mm_stat"' "$tmpdir/list"
if grep -q '^export="control"' "$tmpdir/list"; then
  fail "control is listed"
fi
if nbdinfo "nbd+unix:///control?socket=$sock" 2>/dev/null; then
  fail "control is there"
fi
stop_nbdkit

say "nbdkit -r"
start_nbdkit -r "${plugin[@]}" size=1M
nbdinfo --list "$uri" >/dev/null
nbdsh -u "$uri" -c - <<'END'
assert h.is_read_only()
assert h.pread(4096, 0) == bytes(4096)
END
nbdsh -u "nbd+unix:///control?socket=$sock" -c - <<'END'
assert h.is_read_only()
assert h.pread(256 * 1024, 0).startswith(b'{"version"')
END
stop_nbdkit
