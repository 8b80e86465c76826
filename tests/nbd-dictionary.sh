#!/usr/bin/env bash
# Dictionaries: what dictionary= takes and refuses; one is trained and used by
# itself, and the statistics say so; one from a file; none from a client.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

[[ " $(codecs) " = *" zstd "* ]] || skip "there is no zstd"
MiB=$((1024 * 1024))
other=$(codecs | tr ' ' '\n' | grep -vx zstd | head -n 1)
dict=$tmpdir/my.dict

common='
import json, time
def connect(name):
    h = nbd.NBD()
    h.set_export_name(name)
    h.connect_unix("'$tmpdir'/server.sock")
    return h
def disk():
    h = connect("zram0/stats.json")
    return json.loads(h.pread(h.get_size(), 0))
def run(line):
    h = connect("control")
    try:
        h.pwrite(line.encode(), 0)
    except nbd.Error:
        pass
    return h.pread(4096, 0).decode().rstrip(" \n")
'

# refused REGEX PARAMETER...: one line, that matches it.
refused ()
{
  local regex=$1
  shift
  nbdkit_refuses "^nbdkit: error: dictionary=$regex" "$PLUGIN" size=64M "$@"
  if [ "$(wc -l <"$tmpdir/refused.log")" -ne 1 ]; then
    cat "$tmpdir/refused.log"
    fail "$*: more than one line"
  fi
}

real_data "$tmpdir/data" $((40 * MiB))
zstd -q --train -B4096 --maxdict=65536 "$tmpdir/data" -o "$dict"

say "what is refused"
must='must be auto, off or a file'
refused ": the value is missing" dictionary=
refused "none: No such file.*; $must" dictionary=none
refused "$tmpdir: not a regular file; $must" dictionary="$tmpdir"
refused "/dev/zero: not a regular file" dictionary=/dev/zero
mkfifo "$tmpdir/fifo"
refused "$tmpdir/fifo: not a regular file" dictionary="$tmpdir/fifo"
: >"$tmpdir/empty"
refused "$tmpdir/empty: the file is empty" dictionary="$tmpdir/empty"
head -c $((MiB + 1)) /dev/zero >"$tmpdir/large"
refused "$tmpdir/large: too large: .* at most 1M" dictionary="$tmpdir/large"
head -c 5000 "$tmpdir/data" >"$tmpdir/other"
refused "$tmpdir/other: .*no dictionary of zstd: zstd --train" \
        dictionary="$tmpdir/other"
{ head -c 8 "$dict"; head -c 3000 /dev/zero; } >"$tmpdir/damaged"
refused "$tmpdir/damaged: zstd cannot use .* damaged" \
        dictionary="$tmpdir/damaged"
refused "$dict: algo $other takes no dictionary: only zstd" \
        dictionary="$dict" algo="$other"
refused "$dict: given twice; the first was off" dictionary=off \
        dictionary="$dict"

say "a file"
cd "$tmpdir"
start_nbdkit "${plugin[@]}" size=64M dictionary=my.dict control=rw
rm "$dict"                      # it has been read
nbdsh -c "$common" -c - <<'END'
d = disk()
assert d["dictionary"] == "in use" and d["dictionaries"] == 1, d
assert 1 << 16 < d["dictionary_bytes"] < 1 << 20, d
END
nbdcopy "$tmpdir/data" "$uri"
nbdcopy "$uri" "$tmpdir/back"
cmp -n $((40 * MiB)) "$tmpdir/data" "$tmpdir/back"
nbdsh -c "$common" -c - <<'END'
with open("data", "rb") as f:
    data = f.read(4096 * 16)
assert disk()["dictionary_trainings"] == 0
# A client can choose, but cannot have a file opened.
for bad in "my.dict", "/etc/passwd", "data":
    answer = run("hot_add size=64M dictionary=" + bad)
    assert answer.startswith("error: dictionary=" + bad), answer
    assert "only read when the server starts" in answer, answer
assert run("hot_add size=64M dictionary=off") == "ok\n1"
assert run("hot_add size=64M dictionary=auto") == "ok\n2"
assert run("zram0 reset force") == "ok"
assert disk()["dictionary"] == "in use"
h = connect("zram0")
h.pwrite(data, 0)
assert h.pread(len(data), 0) == data
END
stop_nbdkit
cd /

say "none, if it is said"
start_nbdkit "${plugin[@]}" size=64M dictionary=off
nbdcopy "$tmpdir/data" "$uri"
nbdsh -c "$common" -c - <<'END'
assert disk()["dictionary"] == "off" and disk()["dictionaries"] == 0
END
stop_nbdkit

# Pages that have much in common, so that there is something to be gained on a
# small disk: lines of words, in another order on each page.
say "by itself"
start_nbdkit "${plugin[@]}" size=64M control=rw
nbdsh -c "$common" -c "first = '$other'" -c - <<'END'
import random
random.seed(1)
words = [random.randbytes(24) for i in range(500)]
def page(n):
    random.seed(n)
    return b"".join(random.choice(words) + random.randbytes(2)
                    for i in range(158))[:4096]
h = connect("zram0")
assert "until more is stored" in disk()["dictionary"]
pages = [page(i) for i in range(6000)]
for i, p in enumerate(pages):
    h.pwrite(p, i * 4096)
for i in range(600):
    before = disk()
    if before["dictionaries"]:
        break
    time.sleep(0.1)
assert before["dictionary"] == "in use", before
assert before["dictionary_trainings"] >= 1, before
assert before["dictionary_gain"] >= 10, before
# Old pages are read, new ones are smaller.
for i, p in enumerate(pages):
    if i % 7 == 0:
        assert h.pread(4096, i * 4096) == p
    h.pwrite(p, i * 4096)
after = disk()
assert after["compr_data_size"] < before["compr_data_size"], after
for i, p in enumerate(pages):
    if i % 7 == 0:
        assert h.pread(4096, i * 4096) == p
m = connect("metrics")
text = m.pread(m.get_size(), 0).decode()
for name in ("dictionaries", "dictionary_bytes",
             "dictionary_trainings_total", "dictionary_gain_per_mille"):
    assert "\nnbdkit_zram_%s{" % name in text, name
# Another codec has none; a reset forgets what was learnt.
assert run("zram0 comp_algorithm " + first) == "ok"
assert "takes no dictionary" in disk()["dictionary"]
assert run("zram0 comp_algorithm zstd:2") == "ok"
assert disk()["dictionary"] == "in use"
del h
END
if [ -x "$abs_top_builddir/ctl/nbdzramctl" ]; then
  "$abs_top_builddir/ctl/nbdzramctl" -u "$sock" stat zram0 |
    grep -q '^  dictionary   in use; 1 of .*K; [1-9][0-9]* trained, .*%$' ||
    fail "stat says nothing of it"
fi
nbdsh -c "$common" -c - <<'END'
assert run("zram0 reset force") == "ok"
d = disk()
assert d["dictionaries"] == 0 and d["dictionary_bytes"] == 0, d
END
stop_nbdkit
