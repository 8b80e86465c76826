#!/usr/bin/env bash
# One export, zram0, which is also the default; whatever else a client asks
# for is refused, and its name can do no harm in the log.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

start_nbdkit "${plugin[@]}" size=1M page-size=16K

say "what is listed can be opened"
nbdinfo --list --json "$uri" >"$tmpdir/list"
python3 - "$tmpdir/list" <<'END'
import json, sys
exports = json.load(open(sys.argv[1]))["exports"]
assert [e["export-name"] for e in exports] == ["zram0"], exports
e = exports[0]
assert "compressed" in e["description"], e
assert "16 KiB" in e["description"], e
assert e["export-size"] == 1048576, e
END

say "the two names of the disk"
nbdsh -c - <<END
def connect(name):
    h = nbd.NBD()
    h.set_opt_mode(True)
    h.set_full_info(True)
    h.connect_unix("$sock")
    h.set_export_name(name)
    h.opt_go()
    return h
a, b = connect(""), connect("zram0")
assert a.get_canonical_export_name() == "zram0"
a.pwrite(b"one disk", 0)
assert b.pread(8, 0) == b"one disk"
for h in a, b:
    assert h.can_flush() and h.can_fua() and h.can_trim() and h.can_zero()
    assert h.can_fast_zero() and h.can_cache() and h.can_multi_conn()
    assert not h.is_rotational() and not h.is_read_only()
    assert h.get_block_size(nbd.SIZE_MINIMUM) == 1
    assert h.get_block_size(nbd.SIZE_PREFERRED) == 16384
    assert h.get_block_size(nbd.SIZE_MAXIMUM) == 64 << 20
END

say "every other name"
nbdsh -c - <<END
names = ["zram", "zram1", "zram00", "zram0/", "/zram0", "ZRAM0", "zram0 ",
         "zram0\n", "\n", "control", "x" * 4096, "../zram0",
         "\x1b[2J\r\nnbdkit: error: forged\t\x7f\u009b5m\\\\"]
for name in names:
    h = nbd.NBD()
    h.set_export_name(name)
    try:
        h.connect_unix("$sock")
        assert False, name
    except nbd.Error as e:
        assert "ENOENT" in str(e.errno), (name, e)
END
stop_nbdkit
grep -c 'there is no export' "$tmpdir/server.log" >"$tmpdir/count" || :
[ "$(cat "$tmpdir/count")" -eq 13 ] || fail "not one line for each name"
[ "$(wc -l <"$tmpdir/server.log")" -eq 13 ] || fail "more than these lines"
if LC_ALL=C grep -q '[^ -~]' "$tmpdir/server.log"; then
  fail "control characters in the log"
fi
if grep -q '.\{300\}' "$tmpdir/server.log"; then
  fail "a name of 4096 bytes in the log"
fi
grep -Fq '"\x1b[2J\x0d\x0anbdkit: error: forged\x09\x7f\xc2\x9b5m\x5c"' \
     "$tmpdir/server.log" || fail "a name is not shown as it was"

say "clients of the oldest kind, who cannot ask"
start_nbdkit -o "${plugin[@]}" size=1M
[ "$(nbdinfo --size "$uri")" = 1048576 ] || fail "no disk"
stop_nbdkit

say "read-only"
start_nbdkit -r "${plugin[@]}" size=1M
nbdsh -u "$uri" -c - <<'END'
assert h.is_read_only()
assert h.pread(4096, 0) == bytes(4096)
END
stop_nbdkit
