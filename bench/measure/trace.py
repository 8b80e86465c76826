# nbdkit-zram: what a real file system asks of its disk, asked again.
# SPDX-License-Identifier: BSD-3-Clause
#
# traces/NAME.xz has a request a line: r, w, t or z, the first page and how
# many.  They were recorded under a kernel (tests/vm/run trace, and then
# `bench/trace-keep'); there are no data in them.  What is written is pages of
# the corpus, another one each time that a page is written.
#
# Requests go out one after the other, so that all disks get the same order;
# what counts is the CPU time of the server.

import lzma
import mmap
import os
import socket
import statistics
import struct

from . import machine
from .speed import rotated, stop_all
from .targets import PAGE, Trouble, connect, make, receive

COMMANDS = {"r": 0, "w": 1, "t": 4, "z": 6}
NAMES = ("zram-zstd", "zram-lz4", "before-zstd", "before-lz4",
         "yardstick-zstd", "yardstick-lz4", "yardstick-none")
REPEATS = 3
DISK = 256 << 20


def requests(path):
    with lzma.open(path, "rt") as f:
        for line in f:
            op, page, count = line.split()
            yield op, int(page), int(count)


def prepare(path, corpus):
    """Each request, with the length of its answer and whether a disk need
    not be able to do it; and how many pages are written."""
    pages = len(corpus) // PAGE
    version, sent, written = {}, [], 0
    for op, page, count in requests(path):
        data = b""
        if op == "w":
            for p in range(page, page + count):
                version[p] = version.get(p, 0) + 1
                at = (p * 2654435761 + version[p] * 40503) % pages * PAGE
                data += corpus[at:at + PAGE]
            written += count
        sent.append((struct.pack(">IHHQQI", 0x25609513, 0, COMMANDS[op], 0,
                                 page * PAGE, count * PAGE) + data,
                     16 + (count * PAGE if op == "r" else 0), op in "tz"))
    return sent, written


def cpu_ns(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            total += int(f.read().split()[0])
    return total


def replay(target, sent):
    """Microseconds of the server's CPU."""
    with socket.socket(socket.AF_UNIX) as s:
        connect(s, target.path, "")
        start = cpu_ns(target.pid)
        for request, answer, may_fail in sent:
            s.sendall(request)
            if receive(s, answer)[4:8] != b"\0\0\0\0" and not may_fail:
                raise Trouble(f"{target.name}: a request failed")
        return (cpu_ns(target.pid) - start) / 1e3


def measure(bench, names, missing):
    path = os.path.join(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))), "traces", "ext4.xz")
    runs = {name: [] for name in bench.possible(
        [n for n in NAMES if n in names], missing)}
    with open(bench.corpus, "rb") as f:
        sent, written = prepare(path, mmap.mmap(f.fileno(), 0,
                                                prot=mmap.PROT_READ))
    result = {"requests": len(sent), "pages_written": written, "of": {}}
    for i in range(REPEATS):
        for name in rotated(list(runs), i):
            target = make(bench, name, DISK, label="-trace")
            try:
                target.start()
                us = replay(target, sent)
                runs[name].append((us, target.statistics()))
                machine.say(f"trace {name}: {us / written:.2f} us a page")
            finally:
                stop_all([target])
    floor = [us for us, _ in runs.get("yardstick-none", [])]
    for name, some in runs.items():
        us = statistics.median(us for us, _ in some)
        result["of"][name] = {
            "us_per_page": us / written,
            "over_memcpy": us / written - statistics.median(floor) / written
            if floor else None,
            "saved": some[0][1].get("late_saved"),
        }
    return result
