# nbdkit-zram: cells of load, gone round all disks again and again.
# SPDX-License-Identifier: BSD-3-Clause
#
# A cell is one kind of load on one disk for some tenths of a second.  All
# disks get a cell before any gets its next one: a machine that is busy for
# a while is so for all of them, and ratios are of neighbouring runs.

import statistics
import time

from . import machine
from .targets import TARGETS, Trouble, make

DEPTHS = (1, 4, 8, 32, 128)
CONNECTIONS = (1, 4)
OPS = {"write": "4 KiB random overwrite", "read": "4 KiB random read"}


def grid_name(op, depth, connections):
    return f"{op}-{depth}" + (f"x{connections}" if connections > 1 else "")


def all_rows():
    """What each is called in a table, and the load."""
    rows = {}
    for op, title in OPS.items():
        for connections in CONNECTIONS:
            for depth in DEPTHS:
                rows[grid_name(op, depth, connections)] = (
                    f"{title}, depth {depth}" + (
                        f", {connections} connections" if connections > 1
                        else ""),
                    f"--op {op} --depth {depth} --connections {connections}")
    rows["mix-32"] = ("4 KiB random, 70 % reads, depth 32",
                      "--op mix --depth 32")
    for op, title in (("write", "overwrite"), ("read", "read")):
        rows[op + "-pinned"] = (
            f"{OPS[op]}, depth 32, the server on one processor",
            f"--op {op} --depth 32")
        rows["seq-" + op] = (
            f"128 KiB sequential {title}, depth 8",
            f"--op {op} --pattern sequential --block 128k --depth 8")
    rows["zipf-32"] = ("4 KiB overwrite, zipf 0.99, depth 32",
                       "--op write --pattern zipf --depth 32")
    for connections, more in ((1, ""), (4, ", 4 connections")):
        rows["churn" + ("x4" if connections > 1 else "")] = (
            "reads, overwrites, 20 % trims: compaction runs; depth 32" + more,
            "--op mix --mix-read 40 --mix-trim 20 --depth 32 "
            f"--connections {connections}")
    return rows


ROWS = all_rows()


def cell(target, row, seconds, warmup):
    try:
        return one_cell(target, row, seconds, warmup)
    except Trouble as e:
        # On a machine that does much else, nothing may be done in time.
        machine.say(f"once more, longer: {e}")
        return one_cell(target, row, 10 * seconds, warmup)


def one_cell(target, row, seconds, warmup):
    before, start = machine.busy(), time.monotonic()
    r = target.load("--seconds", str(seconds), "--warmup", str(warmup),
                    *ROWS[row][1].split(), timeout=60 + 4 * seconds)
    after, elapsed = machine.busy(), time.monotonic() - start
    # Beside the measurement, in processors: the rest of the machine.  What
    # the client did before and after it is counted, too, as is the warm-up.
    used = (r["server_us_per_op"] + r["client_us_per_op"]) * r["iops"] / 1e6
    r["others"] = round(max(0, (after[0] - before[0]) / elapsed - used), 2)
    r["stolen"] = round((after[1] - before[1]) / elapsed, 2)
    return r


def rotated(things, by):
    """Not always the same one after the same other."""
    by %= len(things)
    return things[by:] + things[:by]


def start_all(bench, names, size, missing, fill=("--fill",), **more):
    """Start and fill what can be; why the others are not goes to missing."""
    started = []
    for name in names:
        try:
            target = make(bench, name, size, **more)
            started.append(target)
            target.start()
            if fill and not target.spec.get("empty"):
                target.fill(*fill)
        except (Trouble, OSError) as e:
            missing[name] = str(e)
            machine.say(f"{name} is left out: {e}")
            started.remove(target)
            target.stop()
    return started


def stop_all(targets):
    for t in targets:
        t.stop()


def measure(plan, repeats, seconds, warmup, deadline=None):
    """plan: pairs of a row and the targets it is for, with how often at
    most.  cells[row][target]: a list of runs."""
    cells = {row: {t.name: [] for t in targets} for row, targets, _ in plan}
    length = 0
    for i in range(repeats):
        start = time.monotonic()
        if deadline and start + length > deadline and i > 0:
            machine.say(f"no time for more than {i} of {repeats} repeats")
            break
        for row, targets, most in plan:
            if i >= most:
                continue
            for t in rotated(targets, i):
                try:
                    r = cell(t, row, seconds, warmup)
                except Trouble as e:
                    machine.say(f"no figure: {e}")
                    continue
                cells[row][t.name].append(r)
                machine.say(f"{i + 1}/{repeats} {row} {t.name}: "
                            f"{r['iops']:.0f}/s, "
                            f"{r['server_us_per_op']:.2f} us, "
                            f"others {r['others']}")
        length = time.monotonic() - start
    return cells


# ---------------------------------------------------------------------
# What comes out.

def summarise(runs):
    def median(get):
        return statistics.median(get(r) for r in runs)

    rates = [r["iops"] for r in runs]
    summary = {
        "runs": len(runs),
        "iops": median(lambda r: r["iops"]),
        "mb_per_s": median(lambda r: r["mb_per_s"]),
        "server_us_per_op": median(lambda r: r["server_us_per_op"]),
        "client_us_per_op": median(lambda r: r["client_us_per_op"]),
        "p50_us": median(lambda r: r["latency_us"]["p50"]),
        "p99_us": median(lambda r: r["latency_us"]["p99"]),
        "p99.9_us": median(lambda r: r["latency_us"]["p99.9"]),
        "spread": (max(rates) - min(rates)) / statistics.median(rates),
        "others": median(lambda r: r["others"]),
        "stolen": median(lambda r: r["stolen"]),
    }
    kinds = runs[0].get("kinds")
    if kinds:
        summary["kinds_p99.9_us"] = {
            k: median(lambda r: r["kinds"][k]["latency_us"]["p99.9"])
            for k in kinds}
    return summary


def ratio(cells, row, target, base, value, base_row=None):
    """Of neighbouring runs, so that what disturbs both cancels out."""
    a = cells.get(row, {}).get(target)
    b = cells.get(base_row or row, {}).get(base)
    if not a or not b or (row == (base_row or row) and target == base):
        return None
    return statistics.median(x[value] / y[value] for x, y in zip(a, b))


def analyse(cells, peer):
    result = []
    for row in cells:
        for target, runs in cells[row].items():
            if not runs:
                continue
            s = {"row": row, "target": target, **summarise(runs)}
            s["against_peer"] = ratio(cells, row, target, peer, "iops")
            base = TARGETS[target].get("yardstick")
            for key, value in (("yardstick_cpu", "server_us_per_op"),
                               ("yardstick_rate", "iops")):
                s[key] = ratio(cells, row, target, base, value)
            result.append(s)
    return result


# ---------------------------------------------------------------------
# As a table.

HEAD = ("", "rate", "x {}", "server us", "x yardstick", "rate x yardstick",
        "p50 us", "p99.9 us", "spread")


def figure(value, form):
    return "" if value is None else format(value, form)


def rate(s):
    if s["row"].startswith("seq"):
        return f"{s['mb_per_s']:.0f} MB/s"
    return f"{s['iops'] / 1000:.1f} k/s"


def tables(result, peer):
    lines = []
    for row in dict.fromkeys(s["row"] for s in result):
        lines += [f"\n{ROWS[row][0]}\n",
                  "| " + " | ".join(HEAD).format(peer) + " |",
                  "|---" + "|---:" * (len(HEAD) - 1) + "|"]
        for s in result:
            if s["row"] == row:
                lines.append("| " + " | ".join((
                    s["target"], rate(s), figure(s["against_peer"], ".1f"),
                    f"{s['server_us_per_op']:.2f}",
                    figure(s["yardstick_cpu"], ".2f"),
                    figure(s["yardstick_rate"], ".2f"),
                    f"{s['p50_us']:.0f}", f"{s['p99.9_us']:.0f}",
                    f"{s['spread']:.0%}")) + " |")
    return "\n".join(lines)
