# nbdkit-zram: trim and write-zeroes, and what size does to cost.
# SPDX-License-Identifier: BSD-3-Clause

import statistics

from . import machine
from .speed import rotated, start_all, stop_all
from .targets import PAGE, Trouble, make

TIB = 1 << 40
DATA = 32 << 20                 # what is trimmed or zeroed, when written
REPEATS = 3
EMPTY_PATIENCE = 10             # seconds

# Of an empty disk of 1 TiB: kernel zram's table for it would take 8 GiB, and
# a server that writes its zeroes would want the whole TiB.
EMPTY_TARGETS = ("zram-lz4", "zram-zstd", "memory-sparse", "memory-zstd")
WRITTEN_TARGETS = ("zram-lz4", "zram-zstd", "memory-sparse", "memory-zstd",
                   "nbd-server", "qemu-nbd", "kernel-lz4")
REQUESTS = (("4k", 4096), ("1M", 1 << 20))


# ---------------------------------------------------------------------
# Ranges.

def empty_disk(target, op):
    """Milliseconds for all of an empty disk."""
    r = target.load("--op", op, "--range", str(TIB), "--block", "2G",
                    "--pattern", "sequential", "--depth", "8",
                    "--count", str(TIB >> 31), corpus=False,
                    timeout=EMPTY_PATIENCE)
    return r["seconds"] * 1e3


def written(target, op, block):
    """Of what was just written; CPU time a page of 4 KiB."""
    target.fill("--range", str(DATA))
    r = target.load("--op", op, "--range", str(DATA), "--block", str(block),
                    "--pattern", "sequential", "--depth", "8",
                    "--count", str(DATA // block), corpus=False)
    pages = block // PAGE
    return {"server_us_per_page": r["server_us_per_op"] / pages,
            "mb_per_s": r["mb_per_s"]}


def medians(runs):
    return {k: statistics.median(r[k] for r in runs) for k in runs[0]}


def measure_empty(bench, missing):
    """What does not answer in time is not asked again."""
    result = {}
    targets = start_all(bench, bench.possible(EMPTY_TARGETS, missing), TIB,
                        missing, fill=(), label="-1T")
    try:
        for t in targets:
            times = {"trim": [], "zero": []}
            try:
                for _ in range(REPEATS):
                    for op in times:
                        times[op].append(empty_disk(t, op))
                result[t.name] = {op: statistics.median(v)
                                  for op, v in times.items()}
            except Trouble as e:
                result[t.name] = {op: f"more than {EMPTY_PATIENCE * 1000}"
                                  if op == "trim" else "not tried"
                                  for op in times}
                machine.say(str(e))
    finally:
        stop_all(targets)
    return result


def measure_written(bench, missing):
    runs = {}
    targets = start_all(bench, bench.possible(WRITTEN_TARGETS, missing),
                        4 << 30, missing, fill=(), label="-ranges")
    try:
        for i in range(REPEATS):
            machine.say(f"{i + 1}/{REPEATS} trim and write-zeroes")
            for op in ("trim", "zero"):
                for name, block in REQUESTS:
                    for t in rotated(targets, i):
                        runs.setdefault((t.name, op, name), []).append(
                            written(t, op, block))
    finally:
        stop_all(targets)
    result = {}
    for (name, op, block), r in runs.items():
        result.setdefault(name, {})[f"{op}-{block}"] = medians(r)
    return result


# ---------------------------------------------------------------------
# Growth.

ADDRESSES = (256 << 20, 4 << 30, 64 << 30, TIB)
AMOUNTS = (1 << 30, 8 << 30)


def growth_cells(points, repeats):
    """points: (label, target, options).  Interleaved, like all others."""
    runs = {label: {"write": [], "read": []} for label, _, _ in points}
    for i in range(repeats):
        for op in ("write", "read"):
            for label, target, options in rotated(points, i):
                machine.say(f"{i + 1}/{repeats} {op} {label}")
                r = target.load("--op", op, "--depth", "32", *options,
                                "--seconds", "0.4", "--warmup", "0.05")
                runs[label][op].append({
                    "iops": r["iops"],
                    "server_us_per_op": r["server_us_per_op"],
                    "p99.9_us": r["latency_us"]["p99.9"]})
    return runs


def point(target, label, runs):
    held, data = target.grown(), target.compressed()
    return {"target": target.name, "size": target.size,
            "held": held, "compressed": data, "over": held / data - 1,
            **{op: medians(r) for op, r in runs[label].items()}}


def grow(bench, wanted):
    """wanted: (codec's target, size of the disk, bytes of data)."""
    points, result = [], []
    try:
        for name, size, data in wanted:
            t = make(bench, name, size, label=f"-{size}-{data}")
            options = ["--range", str(data)]
            if data < size:
                options.append("--scatter")
            points.append((t.path, t, options))
            machine.say(f"{name}: {data >> 20} MiB in {size >> 20} MiB")
            t.start()
            t.fill(*options)
        runs = growth_cells(points, REPEATS)
        for (name, size, data), (label, t, _) in zip(wanted, points):
            result.append({"data": data, **point(t, label, runs)})
    finally:
        stop_all([t for _, t, _ in points])
    return result


def measure_growth(bench, full):
    """Codecs both by address; by data lz4, and zstd too if there is time
    for it."""
    address = [(name, size, min(bench.size, ADDRESSES[0]))
               for size in ADDRESSES for name in ("zram-lz4", "zram-zstd")]
    # The largest needs 3 GiB with lz4.
    amounts = [a for a in AMOUNTS if machine.memory_available() > a]
    data = [(name, size, size) for size in amounts
            for name in ("zram-lz4", *(("zram-zstd",) if full else ()))]
    by_address = grow(bench, address)
    # The smallest, full, is the first of both.
    return {"address": by_address,
            "data": [p for p in by_address if p["size"] == p["data"] and
                     p["target"] in {name for name, _, _ in data}] +
            grow(bench, data),
            "left_out": [a for a in AMOUNTS if a not in amounts]}


def measure(bench, missing, full):
    return {"empty": measure_empty(bench, missing),
            "written": measure_written(bench, missing),
            "growth": measure_growth(bench, full)}
