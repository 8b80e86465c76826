# nbdkit-zram: what was wanted, beside what came out.
# SPDX-License-Identifier: BSD-3-Clause
#
# Every goal is a ratio, a share or a bound, with the figure it is judged by.

import operator

from . import held, speed

SIGNS = {"<=": operator.le, ">=": operator.ge}


class Goals:
    def __init__(self, results):
        self.results, self.list = results, []
        self.summary = {(s["row"], s["target"]): s
                        for s in results.get("speed", {}).get("summary", ())}

    def add(self, what, sign, wanted, reached, form="{:.2f}"):
        """Nothing reached: it was not measured."""
        self.list.append({
            "what": what, "wanted": f"{sign} {form.format(wanted)}",
            "reached": None if reached is None else form.format(reached),
            "holds": None if reached is None else
            SIGNS[sign](reached, wanted)})

    def figure(self, row, target, key):
        return self.summary.get((row, target), {}).get(key)

    def extreme(self, pick, target, rows, key):
        """The worst of some rows, if all were measured."""
        figures = [self.figure(row, target, key) for row in rows]
        return None if None in figures else pick(figures)


YARDSTICK_CPU = {"write": {"zstd": 1.08, "lz4": 1.15},
                 "read": {"zstd": 1.10, "lz4": 1.10}}
PEER = {"write-32": {"zstd": 8, "lz4": 15}, "read-32": {"zstd": 3, "lz4": 6},
        "seq-write": {"zstd": 1.2, "lz4": 3}}


def yardstick(g):
    for op, limits in YARDSTICK_CPU.items():
        rows = [speed.grid_name(op, d, c) for d in (1, 32) for c in (1, 4)]
        for codec, limit in limits.items():
            for row in rows:
                g.add(f"{codec}: CPU time of the yardstick's, "
                      f"{speed.ROWS[row][0]}", "<=", limit,
                      g.figure(row, "zram-" + codec, "yardstick_cpu"))
            g.add(f"{codec}: throughput of the yardstick's, random {op}, the "
                  "worst of depths 1 and 32, 1 and 4 connections", ">=", 0.9,
                  g.extreme(min, "zram-" + codec, rows, "yardstick_rate"))


def peer(g):
    for row, limits in PEER.items():
        for codec, limit in limits.items():
            what = (f"{codec}: rate of nbdkit memory allocator=zstd's, "
                    f"{speed.ROWS[row][0]}")
            ceiling = g.figure(row, "yardstick-" + codec, "against_peer")
            if ceiling:
                what += f" (the yardstick's: {ceiling:.1f})"
            g.add(what, ">=", limit,
                  g.figure(row, "zram-" + codec, "against_peer"), "{:.1f}")


def scaling(g):
    cells = g.results.get("speed", {}).get("cells", {})
    for op in speed.OPS:
        for codec in ("lz4", "zstd"):
            reached, ceiling = (
                speed.ratio(cells, op + "-32x4", target, target, "iops",
                            op + "-pinned")
                for target in ("zram-" + codec, "yardstick-" + codec))
            what = (f"{codec}: rate of 4 connections over that of one with "
                    f"the server on one processor, {op}s, depth 32")
            if ceiling:
                what += f" (the yardstick's: {ceiling:.2f})"
            g.add(what, ">=", 1.5, reached)


def tails(g):
    for target in ("zram-lz4", "zram-zstd"):
        for row in ("churn", "churnx4"):
            kinds = g.figure(row, target, "kinds_p99.9_us")
            g.add(f"{target[5:]}: ms at p99.9 of the slowest kind of request, "
                  f"{speed.ROWS[row][0]}", "<=", 20,
                  max(kinds.values()) / 1e3 if kinds else None, "{:.1f}")


MEMORY = {"filled": 2, "overwritten": 3.5, "shifted": 3.5, "trimmed": 5}


def memory(g):
    results = g.results.get("held", {})
    for codec in ("lz4", "zstd"):
        ends = results.get("zram-" + codec, {}).get("ends", {})
        for phase, limit in MEMORY.items():
            over = ends.get(phase, {}).get("over")
            g.add(f"{codec}: per cent of memory over the compressed bytes, "
                  f"{phase}", "<=", limit,
                  None if over is None else 100 * over)
        less = held.against(results, "zram-" + codec, "kernel-lz4",
                            "overwritten")
        g.add(f"{codec}: per cent less memory than kernel zram with lz4, "
              "overwritten", ">=", 6 if codec == "lz4" else 40,
              None if less is None else 100 * less, "{:.1f}")


def ranges(g):
    r = g.results.get("ranges", {})
    for codec in ("lz4", "zstd"):
        for op in ("trim", "zero"):
            ms = r.get("empty", {}).get("zram-" + codec, {}).get(op)
            g.add(f"{codec}: ms to {op} 1 TiB of empty disk", "<=", 10,
                  ms if isinstance(ms, float) else None, "{:.1f}")
            us = r.get("written", {}).get("zram-" + codec, {}).get(
                op + "-1M", {}).get("server_us_per_page")
            g.add(f"{codec}: us of server CPU to {op} a page that was "
                  "written", "<=", 2, us)


def judge(results):
    g = Goals(results)
    for part, judges in (("speed", (yardstick, peer, scaling, tails)),
                         ("held", (memory,)), ("ranges", (ranges,))):
        if part in results:
            for judge_some in judges:
                judge_some(g)
    return g.list
