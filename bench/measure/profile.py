# nbdkit-zram: where the CPU time of a server goes.
# SPDX-License-Identifier: BSD-3-Clause
#
# perf looks some thousand times a second at what the server executes.  The
# shares, times the CPU time of a request that load counted meanwhile, say
# what the socket costs, what the codec, and what is left that a better disk
# could save.

import os
import shutil
import subprocess
import threading
import time

from . import machine, speed
from .targets import Trouble

TARGETS = ("zram-lz4", "zram-zstd", "yardstick-lz4", "yardstick-zstd", "null")
ROWS = ("write-32", "read-32", "write-32x4", "read-32x4")
AHEAD = 0.5                     # for the server to start its threads
FREQUENCY = 5000                # samples a second of CPU time
# The first that a name of a shared object begins with.
PLACES = (
    ("[kernel", "kernel"), ("[unknown", "kernel"), ("[vdso]", "kernel"),
    ("nbdkit-zram", "plugin"), ("zramplugin", "plugin"),
    ("yardstick", "plugin"), ("nbdkit", "nbdkit"),
    ("liblz4", "codec"), ("libzstd", "codec"),
    ("", "libc"),
)
COLUMNS = ("kernel", "nbdkit", "codec", "plugin", "libc")


def why_not():
    if not shutil.which("perf"):
        return "there is no perf; on Debian: apt-get install linux-perf"
    r = subprocess.run(["perf", "stat", "-e", "cpu-clock", "true"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       text=True)
    if r.returncode != 0:
        return "perf may not: " + " ".join(r.stderr.split())[:200]
    with open("/proc/sys/kernel/perf_event_paranoid") as f:
        if os.geteuid() != 0 and int(f.read()) > 1:
            return "perf may not look at the kernel"
    return None


def place(name):
    return next(p for start, p in PLACES if name.startswith(start))


def shares(data):
    """Of each place, from what perf recorded."""
    r = subprocess.run(["perf", "report", "-i", data, "--stdio", "-q",
                        "--sort", "dso", "-F", "overhead,dso", "-t", ";"],
                       text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    found = dict.fromkeys(COLUMNS, 0)
    for line in r.stdout.splitlines():
        percent, _, name = (s.strip() for s in line.partition(";"))
        if percent.endswith("%"):
            found[place(name)] += float(percent[:-1]) / 100
    if not 0.9 < sum(found.values()) < 1.1 or not found["kernel"]:
        raise Trouble("perf recorded nothing, or not the kernel: "
                      + r.stderr.strip())
    return found


def one(bench, target, row, seconds):
    """On a busy machine perf may begin when the load has ended."""
    for longer in (1, 5):
        try:
            return sample(bench, target, row, longer * seconds)
        except Trouble as e:
            machine.say(f"once more, longer: {e}")
    return sample(bench, target, row, 20 * seconds)


def sample(bench, target, row, seconds):
    data = os.path.join(bench.scratch, "perf.data")
    cells = []
    load = threading.Thread(target=lambda: cells.append(
        speed.cell(target, row, AHEAD + seconds, 0.2)))
    load.start()
    time.sleep(AHEAD)
    r = subprocess.run(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY),
         "-p", str(target.pid), "-o", data, "--", "sleep", str(seconds)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    load.join()
    if r.returncode != 0:
        raise Trouble("perf record: " + r.stderr.strip())
    if not cells:
        raise Trouble(f"{target.name}: no load to look at")
    us = cells[0]["server_us_per_op"]
    return {"row": row, "target": target.name, "server_us_per_op": us,
            "us": {p: us * s for p, s in shares(data).items()}}


def measure(bench, names, missing, seconds):
    why = why_not()
    if why:
        missing["profile"] = why
        return []
    targets = speed.start_all(bench, [n for n in TARGETS if n in names],
                              bench.size, missing, label="-profile")
    try:
        return [one(bench, t, row, seconds) for row in ROWS for t in targets]
    finally:
        speed.stop_all(targets)
