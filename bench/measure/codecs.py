# nbdkit-zram: how small against how fast, for codecs, levels, page sizes.
# SPDX-License-Identifier: BSD-3-Clause
#
# Twice: the codecs in a loop, which is what no disk can pass, and the same
# through the plugin and a socket.

import json
import statistics
import subprocess

from . import machine
from .targets import Trouble, make

CODECS = ("lz4:1", "lz4:8", "lz4hc:9", "lzo", "zstd:-5", "zstd:-1", "zstd:1",
          "zstd:3", "zstd:9", "deflate:1", "deflate:6")
PAGES = (4096, 8192, 16384, 32768, 65536)
PLUGIN_PAGES = (4096, 16384, 65536)
SAMPLE_MIB = 16
PLUGIN_RANGE = "64M"
REPEATS = 3


def run_loops(bench, cases):
    r = subprocess.run([bench.built("codecs"), bench.corpus,
                        str(min(SAMPLE_MIB, bench.size >> 20)), *cases],
                       text=True, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in r.stdout.splitlines()]


def loops(bench):
    """Medians of interleaved runs of every case."""
    cases = ["copy"] + [f"{c}@{p}" for c in CODECS for p in PAGES]
    runs = []
    for i in range(REPEATS):
        machine.say(f"{i + 1}/{REPEATS} codecs in a loop")
        runs.append(run_loops(bench, cases))
    result = []
    for same in zip(*runs):
        r = dict(same[0])
        for key in ("compress_us", "decompress_us"):
            r[key] = statistics.median(s[key] for s in same)
        result.append(r)
    return result


def one(bench, codec, page):
    """A disk with this codec: what it holds, how fast it is."""
    algo, _, level = codec.partition(":")
    target = make(bench, "zram", bench.size, label=f"-{codec}-{page}",
                  options=["algo=" + algo, f"page-size={page}",
                           *(["level=" + level] if level else [])])
    base = ("--block", str(page), "--range", PLUGIN_RANGE, "--depth", "8")
    try:
        target.start()
        target.fill(*base)
        r = {"codec": algo, "level": level, "page_size": page,
             "orig": target.statistics()["orig_data_size"],
             "held": target.grown()}
        for op in ("write", "read"):
            cell = target.load(*base, "--op", op, "--seconds", "0.3",
                               "--warmup", "0.05")
            r[op] = {"mb_per_s": cell["mb_per_s"], "iops": cell["iops"],
                     "server_us_per_op": cell["server_us_per_op"]}
    finally:
        target.stop()
    r["ratio"] = r["orig"] / r["held"]
    return r


def through_plugin(bench):
    result = []
    for page in PLUGIN_PAGES:
        for codec in CODECS:
            machine.say(f"{codec} of {page >> 10} KiB through the plugin")
            try:
                result.append(one(bench, codec, page))
            except Trouble as e:
                machine.say(str(e))
    return result


def measure(bench):
    return {"loops": loops(bench), "plugin": through_plugin(bench),
            "sample_mib": SAMPLE_MIB, "plugin_range": PLUGIN_RANGE}
