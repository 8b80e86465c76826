#!/usr/bin/env bash
# Attributes and statistics: every attribute is read through both doors,
# its export and the command show, and written through the command; texts
# have the kernel's columns; JSON, metrics and attributes say the same.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

read -r -a algos < <(codecs)

# In each nbdsh: exports, commands and their answers.
common='
import json, re, time
def connect(name):
    h = nbd.NBD()
    h.set_export_name(name)
    h.connect_unix("'$tmpdir'/server.sock")
    return h
def text(name):
    h = connect(name)
    n = h.get_size()
    return h.pread(n, 0).decode() if n else ""
control = connect("control")
SIZE = 256 * 1024
def command(line):
    control.pwrite(line.encode(), 0)
    answer = control.pread(SIZE, 0).decode()
    assert len(answer) == SIZE and answer.startswith("ok\n"), answer[:200]
    return answer[3:].rstrip(" ")
def refused(line, errno="EINVAL"):
    try:
        control.pwrite(line.encode(), 0)
        assert False, line
    except nbd.Error as e:
        assert e.errno == errno, (line, e)
    answer = control.pread(SIZE, 0).decode().rstrip(" ")
    assert answer.startswith("error: "), answer
    assert answer.endswith("\n") and answer.count("\n") == 1, answer
    return answer[7:-1]
'

start_nbdkit "${plugin[@]}" size=64M track-access=true
real_data "$tmpdir/data" "$(scaled 16000000)"
nbdcopy "$tmpdir/data" "$uri"

say "texts"
nbdsh -c "$common" -c "algos = '${algos[*]}'.split()" -c - <<'END'
import os
disk = connect("zram0")
disk.pwrite(bytes(4096), 48 << 20)                  # zeroes
disk.pwrite(b"ABCDEFGH" * 512, (48 << 20) + 4096)   # one word
disk.pwrite(os.urandom(65536), 50 << 20)            # huge
disk.pwrite(b"xyz", 52 << 20)
disk.trim(8192, 48 << 20)
disk.pwrite(bytes(4096), 48 << 20)
disk.pread(65536, 0)
disk.shutdown()

formats = {
    "disksize": r"67108864\n",
    "initstate": r"1\n",
    "comp_algorithm": "".join(r"(%s|\[%s\]) " % (a, a) for a in algos) + r"\n",
    "algorithm_params": r"algo=[a-z0-9]+( level=-?\d+)?\n",
    "recomp_algorithm": "",
    "mm_stat": r"[ \d]{8}( [ \d]{8}){8}\n",
    "io_stat": r"[ \d]{8} [ \d]{8} 0 [ \d]{8}\n",
    "debug_stat": r"version: 1\n0        0\n",
    "block_state": r"( {0,11}\d{1,12} +\d+\.000000 [s.]\.[h.][i.][r.][n.]\n)+",
    "swap_safe": r"off( -[a-z]+){7}\n",
    "upkeep": r"now: waits: .*\nlast: nothing yet\ngained: 0 bytes, .*\n",
    "stats.json": r"\{.*\}\n",
}
readable = []
command("zram0 compact 1")
for line in command("help").splitlines():
    m = re.fullmatch(r"(\S+) +(0\d\d\d)  \S.*", line)
    if m and int(m[2], 8) & 0o444:
        readable.append(m[1])
assert len(readable) == 25, readable
for name in readable:
    if name == "block_state":
        # Longer than an answer can be.
        why = refused("show zram0 block_state", "ENOSPC") \
            if len(text("zram0/block_state")) > SIZE - 3 else ""
        assert not why or "read the export" in why, why
        shown = text("zram0/block_state")
    else:
        shown = command("show zram0 " + name)
    format = formats.get(name, r"\d+\n")
    assert re.fullmatch(format, shown), (name, shown[:200])
    # The other door.
    exported = text("zram0/" + name)
    assert exported == shown, (name, exported[:200], shown[:200])
assert text("zram0/comp_algorithm").count("[") == 1
END

say "attributes, JSON and metrics say the same"
nbdsh -c "$common" -c - <<'END'
def number(name):
    return int(text("zram0/" + name))
# What the writes before wanted goes back within a second.
for i in range(60):
    held = number("mem_used_total")
    time.sleep(1)
    if number("mem_used_total") == held:
        break
all = json.loads(text("stats.json"))
assert list(all) == ["version", "boot", "parallel", "devices"], all
assert all["version"] == "0.1" and all["parallel"] in (True, False)
with open("/proc/sys/kernel/random/boot_id") as f:
    boot = f.read().strip()
assert len(all["boot"]) == 16 and all["boot"] not in boot, all["boot"]
assert len(all["devices"]) == 1
d = json.loads(text("zram0/stats.json"))
d2 = all["devices"][0]
assert d == d2, (d, d2)
assert json.loads(connect("control").pread(SIZE, 0)) == all

keys = """name disksize page_size algorithm level streams connections
  mem_limit mem_used_total mem_used_max
  orig_data_size compr_data_size pages_stored same_pages zero_pages huge_pages
  huge_pages_since split_pages pages_compacted objects_moved bytes_moved
  recompressed_pages incompressible_pages recompress_tried recompress_done
  recompress_gained recompress_found recompress_handled
  reads writes read_bytes write_bytes zeroes trims notify_free failed_reads
  failed_writes corrupt merges_retried reserve_misses
  dictionaries dictionary_bytes dictionary_trainings dictionary_gain
  late_pages late_hits late_saved
  upkeep_rounds upkeep_tried upkeep_idle_pages upkeep_cold_pages
  upkeep_gained upkeep_cpu_ms
  memory codecs codings latency
  dictionary upkeep swap swap_reserve swap_safe""".split()
assert list(d) == keys, list(d)
assert list(d["memory"]) == \
    """segments directories free raw table codecs other ready
    ready_segments ready_raw ready_table""".split()
assert list(d["latency"]) == "read write zero trim".split()
for op in d["latency"].values():
    assert list(op) == \
        "count sum_ns mean_ns p50_ns p99_ns p999_ns buckets".split()
    buckets = [(int(b), n) for b, n in op["buckets"].items()]
    assert buckets == sorted(buckets) and 0 not in op["buckets"].values()
    assert sum(n for b, n in buckets) == op["count"]
    for fraction, key in (0.5, "p50_ns"), (0.99, "p99_ns"), (0.999, "p999_ns"):
        seen = 0
        for bound, n in buckets:
            seen += n
            if seen >= fraction * op["count"]:
                assert bound == op[key], (op, key)
                break
    assert op["mean_ns"] == op["sum_ns"] // max(op["count"], 1)
    assert op["p50_ns"] <= op["p99_ns"] <= op["p999_ns"]
    assert (op["count"] == 0) == (op["mean_ns"] == 0) == (op["p50_ns"] == 0)
strings = {"name", "algorithm", "dictionary", "swap"}
for k, v in d.items():
    assert isinstance(v, (str if k in strings else int, dict, list)), (k, v)

mm = [int(x) for x in text("zram0/mm_stat").split()]
assert mm == [d[k] for k in
    """orig_data_size compr_data_size mem_used_total mem_limit mem_used_max
    same_pages pages_compacted huge_pages huge_pages_since""".split()]
assert [int(x) for x in text("zram0/io_stat").split()] == \
    [d["failed_reads"], d["failed_writes"], 0, d["notify_free"]]
for node, key in ("num_reads", "reads"), ("num_writes", "writes"), \
        ("max_comp_streams", "streams"):
    assert number(node) == d[key], node
for node in "disksize", "orig_data_size", "compr_data_size", \
        "mem_used_total", "mem_used_max", "mem_limit", "failed_reads", \
        "failed_writes", "notify_free", "zero_pages":
    assert number(node) == d[node], node
assert number("invalid_io") == 0

# What was done to it.
assert d["orig_data_size"] == d["pages_stored"] * d["page_size"]
assert d["huge_pages"] >= 16 and d["trims"] >= 1 and d["notify_free"] >= 1
assert d["zero_pages"] >= 1 and d["same_pages"] >= d["zero_pages"]
for op, count in ("read", "reads"), ("write", "writes"), \
        ("zero", "zeroes"), ("trim", "trims"):
    assert d["latency"][op]["count"] == d[count], op
m = d["memory"]
assert m["segments"] + m["raw"] + m["table"] + m["codecs"] + m["other"] == \
    d["mem_used_total"]
assert m["directories"] + m["free"] < m["segments"]
assert m["raw"] >= d["huge_pages"] * 4096
assert m["ready_segments"] + m["ready_raw"] + m["ready_table"] == m["ready"]
for kind in "segments", "raw", "table":
    assert m["ready_" + kind] <= m[kind], (kind, m)

# Every slot counted again.
lines = text("zram0/block_state").splitlines()
assert len(lines) == d["pages_stored"]
assert sum("s" in l for l in lines) == d["same_pages"]
assert sum("h" in l for l in lines) == d["huge_pages"]
c = d["codecs"]
assert sum(x["pages"] for x in c.values()) == \
    d["pages_stored"] - d["same_pages"] - d["huge_pages"]
assert sum(x["bytes"] for x in c.values()) + d["huge_pages"] * 4096 == \
    d["compr_data_size"]
assert list(c) == [d["algorithm"]]

# Prometheus.
values, types, seen = {}, {}, []
for line in text("metrics").splitlines():
    if line.startswith("# "):
        what, name, rest = line[2:].split(" ", 2)
        if what == "TYPE":
            assert name not in types, name
            types[name] = rest
        else:
            assert what == "HELP" and rest.endswith("."), line
        seen.append(name)
    else:
        m = re.fullmatch(
            r'(nbdkit_zram_\w+)(?:\{device="zram0"(?:,([^}]*))?\})?'
            r' ([0-9.]+)', line)
        # One is the server's, all others a device's.
        assert m and ("{" in line) == (m[1] != "nbdkit_zram_parallel"), line
        name = re.sub("_(bucket|sum|count)$", "", m[1]) \
            if m[1] not in types else m[1]
        # All of one name stand together, under their head.
        assert seen[-1] == name and name in types, line
        assert (m[1], m[2]) not in values, line
        values[m[1], m[2]] = float(m[3]) if "." in m[3] else int(m[3])
def metric(name, labels=None):
    return values["nbdkit_zram_" + name, labels]
assert metric("parallel") == all["parallel"]
for name, type in types.items():
    assert type != "counter" or name.endswith("_total"), name
for name, key in (
    ("size_bytes", "disksize"), ("connections", "connections"),
    ("pages", "pages_stored"), ("orig_bytes", "orig_data_size"),
    ("compressed_bytes", "compr_data_size"),
    ("memory_used_bytes", "mem_used_total"),
    ("memory_used_max_bytes", "mem_used_max"),
    ("memory_limit_bytes", "mem_limit"), ("same_pages", "same_pages"),
    ("zero_pages", "zero_pages"), ("huge_pages", "huge_pages"),
    ("huge_pages_total", "huge_pages_since"), ("split_pages", "split_pages"),
    ("reads_total", "reads"), ("writes_total", "writes"),
    ("zeroes_total", "zeroes"), ("trims_total", "trims"),
    ("read_bytes_total", "read_bytes"), ("write_bytes_total", "write_bytes"),
    ("trimmed_pages_total", "notify_free"),
    ("failed_reads_total", "failed_reads"),
    ("failed_writes_total", "failed_writes"), ("corrupt_total", "corrupt"),
    ("merges_retried_total", "merges_retried"),
    ("reserve_misses_total", "reserve_misses"),
    ("dictionaries", "dictionaries"),
    ("dictionary_bytes", "dictionary_bytes"),
    ("dictionary_trainings_total", "dictionary_trainings"),
    ("dictionary_gain_per_mille", "dictionary_gain"),
    ("late_pages", "late_pages"), ("late_hits_pages_total", "late_hits"),
    ("late_saved_pages_total", "late_saved"),
    ("upkeep_rounds_total", "upkeep_rounds"),
    ("upkeep_tried_pages_total", "upkeep_tried"),
    ("upkeep_idle_pages_total", "upkeep_idle_pages"),
    ("upkeep_cold_pages_total", "upkeep_cold_pages"),
    ("upkeep_gained_bytes_total", "upkeep_gained"),
    ("swap_reserve_bytes", "swap_reserve"),
    ("compacted_segments_total", "pages_compacted"),
    ("compaction_moved_objects_total", "objects_moved"),
    ("compaction_moved_bytes_total", "bytes_moved")):
    assert metric(name) == d[key], (name, metric(name), d[key])
assert metric("info", 'algorithm="%s",level="%d",page_size="4096"' %
              (d["algorithm"], d["level"])) == 1
kinds = "segments", "raw", "table", "codecs", "other"
for kind in kinds:
    assert metric("memory_bytes", 'kind="%s"' % kind) == d["memory"][kind]
assert metric("memory_ready_bytes") == d["memory"]["ready"]
for op in d["latency"]:
    buckets = [(re.search(r'le="(.*)"', l)[1], v) for (n, l), v in
               values.items() if n.endswith("_bucket") and 'op="%s"' % op in l]
    assert 10 < len(buckets) < 40 and buckets[-1][0] == "+Inf"
    bounds = [float(b) for b, v in buckets]
    counts = [v for b, v in buckets]
    assert bounds == sorted(set(bounds)) and counts == sorted(counts), op
    count = metric("op_duration_seconds_count", 'op="%s"' % op)
    assert counts[-1] == count == d["latency"][op]["count"]
    total = metric("op_duration_seconds_sum", 'op="%s"' % op)
    mean = d["latency"][op]["mean_ns"] / 1e9
    assert abs(total - mean * count) < 1e-6 + 1e-9 * count
END

say "values"
nbdsh -c "$common" -c "algos = '${algos[*]}'.split()" -c - <<'END'
def both(name):
    shown = command("show zram0 " + name)
    assert text("zram0/" + name) == shown
    return shown
for value, bytes in ("1G", 1 << 30), ("1.5GiB", 3 << 29), \
        ("0x100000", 1 << 20), ("0100K", 64 << 10), ("0", 0):
    command("zram0 mem_limit " + value)
    assert both("mem_limit") == "%d\n" % bytes
for algo in algos:
    command("zram0 comp_algorithm " + algo)
    assert "[%s] " % algo in both("comp_algorithm")
    assert both("algorithm_params").startswith("algo=" + algo)
    if "level" in both("algorithm_params"):
        command("zram0 algorithm_params level=5")
        assert both("algorithm_params") == "algo=%s level=5\n" % algo
        command("zram0 algorithm_params algo=%s" % algo)
        assert "level=5" not in both("algorithm_params")
    # Written with this one, read whatever comes after.
    connect("zram0").pwrite(b"written with %5s " % algo.encode() * 227 + b".",
                            algos.index(algo) * 4096)
disk = connect("zram0")
for i, algo in enumerate(algos):
    assert disk.pread(4096, 4096 * i).startswith(
        b"written with %5s " % algo.encode())
disk.shutdown()
command("zram0 disksize 128M")
assert both("disksize") == "134217728\n"
assert connect("zram0").get_size() == 128 << 20
command("zram0 mem_used_max 0")
d = json.loads(text("zram0/stats.json"))
assert d["mem_used_max"] == d["mem_used_total"]
command("zram0 compact 1")
command("zram0 idle all")
lines = text("zram0/block_state").splitlines()
assert all(("i" in l) != ("s" in l) for l in lines)
connect("zram0").pread(4096, 0)
lines = text("zram0/block_state").splitlines()
assert "i" not in lines[0] and all("i" in l or "s" in l for l in lines[1:])
# Nothing is an hour old: all marks go.
command("zram0 idle 3600")
assert "i" not in text("zram0/block_state")
# Of pages of zeroes, which lie in runs, nobody knows.
boot = time.clock_gettime(time.CLOCK_BOOTTIME)
assert all(boot - 300 < float(l.split()[1]) <= boot
           for l in lines if "s" not in l)

say = refused("zram0 mem_limit 1GB")
assert "'1GB'" in say and "1.5G" in say and "not in KB" in say, say
say = refused("zram0 mem_limit 200%")
assert "'200%'" in say and "from 1% to 100%" in say, say
say = refused("zram0 comp_algorithm lzw")
assert "'lzw'" in say and algos[0] in say, say
say = refused("zram0 disksize 1M")
assert "zram0 disksize" in say and "holds data beyond 1048576" in say, say
refused("zram0 disksize 1000000")
refused("zram0 mm_stat 1")
refused("zram0 initstate 0")
refused("show zram0 reset")
assert both("disksize") == "134217728\n"

command("zram0 reset 1")
d = json.loads(text("zram0/stats.json"))
assert d["disksize"] == 128 << 20 and d["algorithm"] == algos[-1]
for key in "orig_data_size", "compr_data_size", "pages_stored", "reads", \
        "writes", "huge_pages", "same_pages", "huge_pages_since":
    assert d[key] == 0, (key, d[key])
assert text("zram0/block_state") == ""
command("zram0 disksize 1M")
assert both("disksize") == "1048576\n"
assert connect("zram0").pread(1 << 20, 0) == b"\0" * (1 << 20)
END
stop_nbdkit
