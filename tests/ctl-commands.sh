#!/usr/bin/env bash
# nbdzramctl changes and shows what it is told to, in both its languages, and
# says in one line what is wrong.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"
requires jq

start_nbdkit "${plugin[@]}" size=64M
export NBDZRAM_URI=$sock

attribute ()
{
  nbdcopy "nbd+unix:///$1?socket=$sock" -
}
column ()
{
  ctl -n --raw -b -o "$2" "$1"
}

say "attributes"
ctl set zram0 mem_limit 32M
is "mem_limit" "$(attribute zram0/mem_limit)" 33554432
is "get" "$(ctl get zram0 mem_limit)" 33554432
is "get is the export" "$(ctl get zram0 mm_stat)" "$(attribute zram0/mm_stat)"
is "/dev/ before a name" "$(ctl get /dev/zram0 disksize)" 67108864
ctl get zram0 >"$tmpdir/attributes"
grep -q '^mm_stat  *[a-z]' "$tmpdir/attributes" || fail "get lists nothing"
nbdinfo --list --json "$uri" |
  jq -r '.exports[]."export-name" | select(startswith("zram0/")) | .[6:]' |
  sort >"$tmpdir/exports"
cut -d ' ' -f 1 "$tmpdir/attributes" | sort | diff "$tmpdir/exports" - ||
  fail "get lists others than there are"
refused 1 'zram0 has no attribute no_such that can be read; .* get zram0 lists' \
        get zram0 no_such
refused 1 'zram0 has no attribute reset that can be read' get zram0 reset
refused 1 'zram9: there is no such device' get zram9
refused 1 'zram9: there is no such device' get zram9 disksize
refused 1 "no attribute 'no_such'" set zram0 no_such 1
refused 1 "mem_limit.*'1X'" set zram0 mem_limit 1X
refused 1 "no device 'zram9'" set zram9 mem_limit 1
refused 1 'one line' set zram0 mem_limit "1
zram0 reset 1"

say "devices come and go"
is "add" "$(ctl add size=1M algo=lz4)" zram1
is "add SIZE" "$(ctl add 1.5M algo=zstd:3)" zram2
is "its size and level" "$(column zram2 DISKSIZE,LEVEL)" "1572864 3"
ctl remove zram2
is "-f -a" "$(ctl -f -s 1.3M -a zstd:3 -p level=3)" zram2
is "its size and level" "$(column zram2 DISKSIZE,LEVEL)" "1362944 3"
ctl zram2 -a zstd:7
is "-a" "$(column zram2 LEVEL)" 7
refused 1 "algo=zstd:3 contradicts level=5" zram2 -a zstd:3 -p level=5
is "unchanged" "$(column zram2 LEVEL)" 7
refused 1 "algo=zstd:3" -f -s 1M -a zstd:3 -p level=5
refused 1 "size=1X: not understood.*for example 512M" add 1X
refused 1 "'2M' is not KEY=VALUE" add size=1M 2M
ctl remove zram2
is "-f -s" "$(ctl -f -s 1.5M -a zstd -p level=3)" zram2
is "size" "$(column zram2 DISKSIZE)" 1572864
is "algorithm" "$(column zram2 ALGORITHM,LEVEL)" "zstd 3"
is "list" "$(ctl -n --raw -o name | paste -sd ' ')" "zram0 zram1 zram2"
ctl zram1 --size 2048KB || fail "decimal suffixes are of no use"
is "resized" "$(column zram1 disksize)" 2048000
ctl -a zstd zram1
is "changed" "$(column zram1 ALGORITHM)" zstd
refused 1 'alg=zstd' add size=1M alg=zstd
refused 1 "no_such" -f -s 1M -a no_such
nbdsh -u "nbd+unix:///zram2?socket=$sock" -c - <<END
import subprocess
r = subprocess.run(["$CTL", "remove", "zram2"], stderr=subprocess.PIPE)
assert r.returncode == 1, r
assert b"zram2" in r.stderr and r.stderr.count(b"\n") == 1, r.stderr
h.pwrite(b"still there", 0)
END
ctl remove zram1 zram2
is "left" "$(ctl -n --raw -o name)" zram0
refused 1 'zram2' remove zram2

say "data"
real_data "$tmpdir/data" $((2 << 20))
is "numbers agree" "$(column zram0 DATA)" 0
nbdcopy "$tmpdir/data" "nbd+unix:///zram0?socket=$sock"
# An idle server gives memory back: look until it did not meanwhile.
for ((i = 0; i < 100; i++)); do
  mm_stat=$(attribute zram0/mm_stat)
  numbers=$(column zram0 DATA,COMPR,TOTAL,COMP-RATIO)
  [ "$(attribute zram0/mm_stat)" != "$mm_stat" ] || break
done
read -r orig compr used _ <<<"$mm_stat"
[ "$orig" -gt 1000000 ] || fail "nothing is stored"
ratio=$(awk -v a="$orig" -v b="$used" \
            'BEGIN { printf "%.4f", int(a * 10000 / b) / 10000 }')
is "numbers and ratio" "$numbers" "$orig $compr $used $ratio"
ctl stat zram0 | grep -q '^zram0: 64M, ' || fail "stat"
is "stat --json" "$(ctl stat -J | jq -r '.devices[0].orig_data_size')" "$orig"
ctl prometheus >"$tmpdir/metrics"
grep -q '^# TYPE nbdkit_zram_' "$tmpdir/metrics" || fail "prometheus"
ctl compact zram0
ctl -r zram0
is "reset" "$(column zram0 DATA)" 0
nbdsh -u "nbd+unix:///zram0?socket=$sock" -c - <<END
import subprocess
h.pwrite(b"data", 0)
run = lambda *words: subprocess.run(["$CTL", *words],
                                    stderr=subprocess.PIPE)
r = run("reset", "zram0")
assert r.returncode == 1 and b"; --force does it" in r.stderr, r
assert h.pread(4, 0) == b"data"
r = run("reset", "zram0", "--force")
assert r.returncode == 0, r
assert h.pread(4, 0) == bytes(4)
END

say "several devices: all or none"
ctl add size=1M >/dev/null
ctl add size=1M >/dev/null
devices=$(ctl -n --raw -o NAME)
nbdcopy "$tmpdir/data" "nbd+unix:///zram0?socket=$sock"
for words in "reset zram0 zram50" "reset --force zram0 zram50" \
             "-r zram0 zram50" "remove zram1 zram50 zram2" \
             "compact zram0 zram50"; do
  # shellcheck disable=SC2086
  refused 1 'zram50: there is no such device' $words
done
refused 1 'zram0 is named twice' reset zram0 /dev/zram0
refused 1 'zram1 is named twice' remove zram1 zram1
refused 1 "'2' is not understood: must be 1" set zram0 reset 2
nbdsh -u "nbd+unix:///zram2?socket=$sock" -c - <<END
import subprocess
for words in ["reset", "zram0", "zram2"], ["remove", "zram1", "zram2"]:
    r = subprocess.run(["$CTL", *words], stderr=subprocess.PIPE)
    assert r.returncode == 1, r
    assert b"zram2 is in use: 1 client is connected" in r.stderr, r
END
is "none is gone" "$(ctl -n --raw -o NAME)" "$devices"
holds "$tmpdir/data" "nbd+unix:///zram0?socket=$sock"
ctl reset zram0 zram1 zram2
is "all are empty" "$(column zram0 DATA)" 0
ctl remove zram1 zram2

say "wrong command lines"
refused 2 'unknown option -x' -x
refused 2 'unknown option --no-such' --no-such
refused 2 '-s needs a value' -s
refused 2 '--uri needs a value' --uri
refused 2 '-f needs -s' -f
refused 2 'zram0 cannot be named' -f -s 1M zram0
refused 2 'not a size' zram0 -s 12Q
refused 2 'not a size' zram0 -s 0
refused 2 'not a number of streams' zram0 -t many
refused 2 '-p level: must be KEY=VALUE, as in level=3' zram0 -p level
refused 2 '-p level: must be KEY=VALUE, as in level=3' -f -s 1M -p level
refused 2 'which device' -s 1M
refused 2 'one device' -s 1M zram0 zram1
refused 2 'unknown column: nosuch' -o name,nosuch
refused 2 'no column' -o ''
refused 2 'usage: nbdzramctl set DEVICE' set zram0 mem_limit
refused 2 'usage: nbdzramctl get' get
refused 2 '--size does not go with top' top -s 1M
refused 2 '--once alone' --once
refused 2 'usage: nbdzramctl -r' -r
refused 2 '--interval 0' top --once --interval 0
for seconds in 0x10 1e1 +1 ' 1' inf; do
  refused 2 "--interval [^:]*: say a number" top --once --interval "$seconds"
done
refused 1 'zram7: there is no such device' zram7
refused 1 'zram7: there is no such device' stat zram7
refused 2 'list: neither a command nor a device' list
refused 2 'list: neither a command nor a device' list -u /nonexistent
refused 1 'nbd77: not known' nbd77
refused 1 'this is no device' get zram0/mm_stat disksize
ctl -t 4 zram0 2>"$tmpdir/err" || fail "-t"
grep -q 'does nothing' "$tmpdir/err" || fail "-t says nothing"
is "--version" "$(ctl --version | cut -d ' ' -f 1)" nbdzramctl

say "the server is found"
refused 1 'no server at /nonexistent.*-u' -u /nonexistent
refused 1 'there is no server at foo:' -u foo:
refused 1 'localhost:1;.*for a host say nbd://localhost:1$' -u localhost:1
refused 1 'tls-psk-file=/nonexistent: No such file' \
        -u 'nbds://alice@localhost/?tls-psk-file=/nonexistent'
refused 1 'tls-certificates=/nonexistent: No such file' \
        -u 'nbds://localhost/?tls-certificates=/nonexistent'
refused 1 'no-such-host\.invalid' -u nbd://no-such-host.invalid
ctl -u "nbd+unix:///zram0?socket=$sock" -n --raw -o name >/dev/null
NBDZRAM_URI=/nonexistent ctl -u "$sock" >/dev/null
mkdir "$tmpdir/nbdkit-zram"
ln -s "$sock" "$tmpdir/nbdkit-zram/nbdkit.sock"
is "the user's own" \
   "$(NBDZRAM_URI='' XDG_RUNTIME_DIR=$tmpdir ctl -n --raw -o name)" zram0
stop_nbdkit

say "who may not change may look"
start_nbdkit "${plugin[@]}" size=1M control=ro
NBDZRAM_URI=$sock
is "table" "$(ctl -n --raw -o name)" zram0
is "get" "$(ctl get zram0 disksize)" 1048576
refused 1 'does not allow changes' set zram0 mem_limit 1M
refused 1 'does not allow changes' add size=1M
stop_nbdkit
start_nbdkit -r "${plugin[@]}" size=1M
NBDZRAM_URI=$sock
refused 1 'nobody if it is read-only \(nbdkit -r\)' set zram0 mem_limit 1M
stop_nbdkit
start_nbdkit "${plugin[@]}" size=1M control=off
NBDZRAM_URI=$sock
is "table" "$(ctl -n --raw -o name)" zram0
refused 1 'no export "control"' set zram0 mem_limit 1M
stop_nbdkit

say "what is quoted is one line, harmless and not too long"
NBDZRAM_URI=$tmpdir/nonexistent
long=$(head -c 100000 /dev/zero | tr '\0' x)
for bad in $'a\x1b[2J\nb' "$long"; do
  for words in "" "stat" "stat -u" "-o" "zram0 -s" "zram0 -p" "-f -s" "--bad" \
               "top --interval" "estimate" "estimate --pid" "estimate -a" \
               "estimate /bin/true --page-size" "estimate /bin/true --sample" \
               "stat --timeout" "attach --device" "attach --connections" \
               "swapon --priority" "swapon --discard" "swapon --config" \
               "mount --fs-type" "mount --mount-point" "serve --config" \
               "get zram0" "set zram0 mem_limit"; do
    status=0
    # shellcheck disable=SC2086
    timeout 60 "${ctl_words[@]}" $words "$bad" >"$tmpdir/out" 2>&1 \
      <<<"" || status=$?
    case $status in
      1 | 2) ;;
      *) fail "$words: status $status";;
    esac
    ! tr -d '\n' <"$tmpdir/out" | grep -q '[^ -~]' || fail "$words: raw"
    [ "$(wc -l <"$tmpdir/out")" -le 2 ] || fail "$words: lines"
    [ "$(wc -c <"$tmpdir/out")" -le 1100 ] || fail "$words: too long"
  done
done
refused 2 '--timeout xx.* \.\.\. xx*: must be seconds from 1 to' \
        stat --timeout "$long"
refused 2 '--timeout a.x1b\[2J.x0ab: must be' stat --timeout $'a\x1b[2J\nb'
