# nbdkit-zram: the plots, drawn by gnuplot.
# SPDX-License-Identifier: BSD-3-Clause
#
# A plot is a list of panels, a panel a list of curves; one function turns
# them into a script.  What was not measured is not drawn.

import os
import subprocess

from . import machine
from .speed import CONNECTIONS, DEPTHS, OPS, grid_name
from .targets import label

# Of a disk in every plot: ours are strong, yardsticks dashed.
STYLES = {
    "zram-lz4": ("#d62728", 3, 1), "zram-zstd": ("#1f77b4", 3, 1),
    "yardstick-lz4": ("#d62728", 1.5, 2),
    "yardstick-zstd": ("#1f77b4", 1.5, 2),
    "memory-zstd": ("#2ca02c", 2, 1), "memory-sparse": ("#8c8c8c", 1.5, 1),
    "memory-malloc": ("#bcbd22", 1.5, 1), "nbd-server": ("#9467bd", 1.5, 1),
    "qemu-nbd": ("#17becf", 1.5, 1), "kernel-lz4": ("#ff7f0e", 2, 1),
    "kernel-lzo-rle": ("#8c564b", 2, 1), "null": ("#444444", 1.5, 3),
}
OTHER = ("#000000", 1.5, 1)


# Short, for the key.
NAMES = {
    "yardstick-lz4": "lz4 alone in a plugin",
    "yardstick-zstd": "zstd alone in a plugin",
    "memory-zstd": "memory allocator=zstd",
    "memory-malloc": "memory allocator=malloc",
    "nbd-server": "nbd-server on tmpfs", "qemu-nbd": "qemu-nbd on tmpfs",
    "kernel-lz4": "kernel zram lz4", "kernel-lzo-rle": "kernel zram lzo-rle",
    "null": "nbdkit null",
}


def name_of(target):
    return NAMES.get(target, label(target))


class Plot:
    """Panels below one key, which the first of them has."""
    KEY, BELOW = 70, 55         # pixels for the key, and for an axis

    def __init__(self, columns, rows, width, height):
        self.columns, self.rows = columns, rows
        self.width, self.height = width, height
        self.lines = []
        self.curves = 0

    def panel(self, title, settings, curves):
        """curves: (title, points, colour, width, dash, with)."""
        drawn = [c for c in curves if c[1]]
        if not drawn:
            return
        self.lines += ["set key off" if self.curves else "set key on",
                       f'set title "{title}" offset 0,-0.6', *settings]
        self.curves += len(drawn)
        for i, c in enumerate(drawn):
            self.lines += [f"$c{i} << EOD",
                           *(" ".join(f"{v:.6g}" for v in p) for p in c[1]),
                           "EOD"]
        self.lines.append("plot " + ", ".join(
            f'$c{i} using 1:2 with {c[5]} lc rgb "{c[2]}" lw {c[3]} '
            f'dt {c[4]} pt 7 ps 0.4 title "{c[0]}"'
            for i, c in enumerate(drawn)))

    def write(self, path):
        top = 1 - (self.KEY + 25) / self.height
        bottom = self.BELOW / self.height
        script = [
            f"set terminal svg size {self.width},{self.height} font "
            '"sans,11" background rgb "white"',
            f'set output "{path}"',
            'set grid lt 1 lw 0.5 lc rgb "#cccccc"',
            "set key at screen 0.5, screen 0.995 center top maxrows 3 "
            "samplen 2 Left reverse",
            f"set multiplot layout {self.rows},{self.columns} "
            f"margins 0.08,0.98,{bottom:.3f},{top:.3f} spacing "
            f"0.1,{(self.BELOW + 25) / self.height:.3f}",
            *self.lines, "unset multiplot"]
        r = subprocess.run(["gnuplot"], input="\n".join(script) + "\n",
                           text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        if r.returncode != 0:
            machine.die(f"gnuplot cannot draw {path}: {r.stdout}")


def style(name):
    return (*STYLES.get(name, OTHER), "lines")


def by_depth(results, key, scale, unit, path):
    summary = {(s["row"], s["target"]): s
               for s in results["speed"]["summary"]}
    names = [n for n in STYLES
             if (grid_name("write", 8, 1), n) in summary]
    plot = Plot(2, 2, 960, 760)
    for connections in CONNECTIONS:
        for op, title in OPS.items():
            curves = []
            for n in names:
                points = [(d, summary[row, n][key] * scale)
                          for d in DEPTHS
                          for row in [grid_name(op, d, connections)]
                          if (row, n) in summary]
                curves.append((name_of(n), points, *style(n)[:3],
                               "linespoints"))
            plot.panel(
                f"{title}, {connections} connection"
                + ("s" if connections > 1 else ""),
                ["set logscale xy", f'set ylabel "{unit}"',
                 "set autoscale y noextend",
                 'set xlabel "depth of each connection"',
                 f"set xrange [1:{DEPTHS[-1]}]",
                 "set xtics (" + ", ".join(str(d) for d in DEPTHS) + ")"],
                curves)
    if plot.curves:
        plot.write(path)
        return True
    return False


def memory(results, path):
    held = results["held"]
    size = results["size"]
    if not held:
        return False
    phases = list(next(iter(held.values()))["ends"])
    plot = Plot(2, 1, 960, 480)
    tics = ", ".join(f'"{p}" {i + 1}' for i, p in enumerate(phases))
    common = [f"set xtics ({tics}) rotate by 15 right",
              f"set xrange [0:{len(phases)}]"]
    curves = [(name_of(n), thin([(t, h / size) for t, h in r["samples"]]),
               *style(n)) for n, r in held.items()]
    plot.panel("memory held, of the data written at first",
               [*common, 'set yrange [0:*]', 'set ylabel "part"'], curves)
    bars = [(name_of(n), [(i + 1, 100 * e["over"])
                        for i, e in enumerate(r["ends"].values())],
             *style(n)[:3], "linespoints")
            for n, r in held.items() if "over" in r["ends"]["filled"]]
    plot.panel("memory over the compressed bytes, at the end of each",
               [*common, "set logscale y", "set yrange [0.5:200]",
                'set ylabel "per cent"'], bars)
    plot.write(path)
    return True


def thin(points, most=120):
    """A point each pixel or two is enough."""
    step = max(1, len(points) // most)
    return points[::step]


CODEC_COLOURS = {"lz4": "#d62728", "lz4hc": "#ff7f0e", "lzo": "#8c564b",
                 "zstd": "#1f77b4", "deflate": "#2ca02c"}


def codec_curves(cases, speed):
    """A curve for a codec and level, over the page sizes."""
    grouped = {}
    for c in cases:
        name = c["codec"] + (f" {c['level']}" if c["level"] else "")
        grouped.setdefault((name, c["codec"]), []).append(
            (speed(c), c["ratio"]))
    return [(name, points, CODEC_COLOURS.get(codec, "#000000"), 1.5,
             1 + [n for n, c in grouped if c == codec].index(name),
             "linespoints") for (name, codec), points in grouped.items()]


def codecs(results, path):
    loops = [c for c in results["codecs"]["loops"] if c["codec"] != "copy"]
    plugin = results["codecs"]["plugin"]
    plot = Plot(2, 2, 960, 860)
    axes = ["set logscale x", 'set xlabel "MB/s"', 'set ylabel "ratio"']
    for title, cases, speed in (
            ("compress, in a loop", loops,
             lambda c: c["page_size"] / c["compress_us"]),
            ("decompress, in a loop", loops,
             lambda c: c["page_size"] / c["decompress_us"]),
            ("write pages at random, through the plugin", plugin,
             lambda c: c["write"]["mb_per_s"]),
            ("read pages at random, through the plugin", plugin,
             lambda c: c["read"]["mb_per_s"])):
        plot.panel(title, axes, codec_curves(cases, speed))
    plot.write(path)
    return True


def growth(results, path):
    plot = Plot(2, 1, 960, 420)
    for kind, key, title in (("address", "size", "256 MiB of data on a disk "
                              "of so many GiB"),
                             ("data", "data", "a disk of so many GiB, full")):
        curves = []
        points = results["ranges"]["growth"][kind]
        for n in ("zram-lz4", "zram-zstd"):
            for op, dash in (("write", 1), ("read", 2)):
                curves.append((f"{name_of(n)}, {op}", [
                    (p[key] / (1 << 30), p[op]["server_us_per_op"])
                    for p in points if p["target"] == n],
                    STYLES[n][0], 2, dash, "linespoints"))
        plot.panel(title, ["set logscale x 4", 'set xlabel "GiB"',
                           'set ylabel "us of server CPU a request"',
                           "set yrange [0:*]"],
                   curves)
    plot.write(path)
    return True


# What can be drawn: of which part, and how.
FIGURES = {
    "throughput.svg": ("speed", lambda r, p: by_depth(
        r, "iops", 1e-3, "thousand a second", p)),
    "latency.svg": ("speed", lambda r, p: by_depth(
        r, "p99.9_us", 1, "us at p99.9", p)),
    "memory.svg": ("held", memory),
    "codecs.svg": ("codecs", codecs),
    "growth.svg": ("ranges", growth),
}


def draw(results, directory):
    results["plots"] = []
    for name, (part, figure) in FIGURES.items():
        path = os.path.join(directory, name)
        if part in results and figure(results, path):
            results["plots"].append(name)
        elif os.path.exists(path):
            os.unlink(path)
