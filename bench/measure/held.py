# nbdkit-zram: memory held, over time.
# SPDX-License-Identifier: BSD-3-Clause
#
# Each disk is filled, overwritten three times at random with pages of the
# same corpus, overwritten with pages of another one, loses a random half of
# its pages, and is left alone; what it holds is sampled all the while.  Over
# the bytes of the compressed pages alone where these are known.
#
# Time has no part in the result, so several disks run beside each other,
# the slow one with as much time as all the others have.

import math
import threading
import time

from . import machine
from .targets import Kernel, Trouble, make

INTERVAL = 0.05                 # seconds between samples
SETTLE = 3                      # seconds that a disk has to tidy up
IDLE = 3                        # and at the end
SLOW = "memory-zstd"


def phases(pages, image, depth):
    """A name, and what to ask of load; nothing: be idle."""
    churn = ("--op", "write", "--depth", depth, "--count")
    return (
        ("filled", ("--fill", "--count", "1", "--depth", "1"), None),
        ("overwritten", (*churn, str(3 * pages)), None),
        ("shifted", (*churn, str(3 * pages), "--seed", "1"), image),
        # So many that each page has a chance of one half to be hit.
        ("trimmed", ("--op", "trim", "--depth", depth, "--seed", "2",
                     "--count", str(int(pages * math.log(2)))), False),
        ("idle", None, None),
    )


class Sampler(threading.Thread):
    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.samples = target, []
        self.over = threading.Event()
        self.begin = time.monotonic()

    def run(self):
        while not self.over.wait(INTERVAL):
            self.samples.append((time.monotonic() - self.begin,
                                 self.target.grown()))

    def stop(self):
        self.over.set()
        self.join()


def settled(target):
    """What is held once there is nothing more to do: the keeper works when
    the disk is idle, and other servers may have threads that do."""
    time.sleep(SETTLE)
    return target.grown()


def one(bench, name, image):
    """What a disk holds: at the end of each phase, and all samples, their
    time counted in phases."""
    target = make(bench, name, bench.size, label="-held")
    pages = bench.size // 4096
    # One thread with the kernel's, for the same order of pages.
    depth = "1" if isinstance(target, Kernel) else "8"
    ends, samples = {}, []
    try:
        target.start()
        for number, (phase, options, corpus) in enumerate(
                phases(pages, image, depth)):
            sampler = Sampler(target)
            sampler.start()
            if options:
                # A disk that reads as zeroes where it was never written.
                target.load(*options, "--range", str(bench.size),
                            corpus=corpus)
            else:
                time.sleep(IDLE)
            sampler.stop()
            length = time.monotonic() - sampler.begin
            samples += [(number + t / length, held)
                        for t, held in sampler.samples]
            ends[phase] = at_end(target)
    finally:
        target.stop()
    return {"ends": ends, "samples": samples,
            "memory_of": target.memory_of}


def at_end(target):
    r = {"held": settled(target)}
    if hasattr(target, "compressed"):
        r["compressed"] = target.compressed()
        r["over"] = r["held"] / r["compressed"] - 1
        r["statistics"] = target.statistics()
    return r


def measure(bench, names, missing, image):
    results = {}

    def some(waiting):
        while waiting:
            name = waiting.pop(0)
            machine.say(f"memory of {name}")
            try:
                results[name] = one(bench, name, image)
            except (Trouble, OSError) as e:
                missing.setdefault(name, str(e))
                machine.say(f"{name} is left out: {e}")

    slow = [n for n in names if n == SLOW]
    others = [n for n in names if n != SLOW]
    threads = [threading.Thread(target=some, args=(waiting,))
               for waiting in (slow, others, others)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return {n: results[n] for n in names if n in results}


def against(results, ours, kernel, phase):
    """How much less ours holds than the kernel's, of the same pages."""
    try:
        return 1 - (results[ours]["ends"][phase]["held"] /
                    results[kernel]["ends"][phase]["held"])
    except KeyError:
        return None
