# nbdkit-zram: what bench/run and bench/compare have in common.
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import os
import sys

from . import machine
from .targets import why_not

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def names(known):
    """A list of known names, for argparse."""
    def split(text):
        chosen = text.split(",")
        unknown = set(chosen) - set(known)
        if unknown:
            raise argparse.ArgumentTypeError(
                ", ".join(unknown) + ": choose among " + ", ".join(known))
        return chosen
    return split


def common_options(parser):
    parser.add_argument("--corpus", required=True,
                        help="pages to write: see capture")
    parser.add_argument("--build", default=HERE,
                        help="where load and yardstick.so were built; "
                        "zramplugin.so may be one above")
    parser.add_argument("--before", metavar="PLUGIN",
                        help="a zramplugin.so of before a change, for the "
                        "targets before-lz4 and before-zstd")
    parser.add_argument("--server-cpus",
                        help="pin servers, as for taskset -c")
    parser.add_argument("--client-cpus", help="pin the client")
    parser.add_argument("--scratch", help=argparse.SUPPRESS)


class Bench:
    """What a run has: its options, and a directory of its own."""

    def __init__(self, args):
        self.build, self.corpus = args.build, os.path.abspath(args.corpus)
        self.before = args.before
        self.server_cpus, self.client_cpus = args.server_cpus, args.client_cpus
        self.scratch = args.scratch
        self.tmpfs, self.no_tmpfs = machine.mount_tmpfs(self.scratch)
        # A whole number of what the load generator fills with.
        self.size = os.path.getsize(self.corpus) & -(128 << 10)
        for name in ("load", "yardstick.so", "zramplugin.so"):
            self.built(name)

    def built(self, name):
        """A file of the build, where make leaves it; before.so is the
        plugin of another."""
        if name == "before.so" and self.before:
            return os.path.abspath(self.before)
        for place in ("", ".libs", ".."):
            path = os.path.join(self.build, place, name)
            if os.path.exists(path):
                return os.path.abspath(path)
        machine.die(f"{name} is not in {self.build}: build it first")

    def one_cpu(self):
        return str(min(os.sched_getaffinity(0)))

    def possible(self, wanted, missing):
        """Those that can run here; the others go to missing."""
        for name in wanted:
            why = why_not(self, name)
            if why:
                missing[name] = why
                machine.say(f"{name} is left out: {why}")
        return [name for name in wanted if name not in missing]


def main(args, inside):
    """Run a function of the options in namespaces of their own."""
    if not os.path.exists(args.corpus):
        machine.die(f"{args.corpus}: there is no such file: see capture")
    if args.scratch:
        machine.catch_signals()
        inside(args)
    else:
        sys.exit(machine.run_inside([sys.executable, *sys.argv]))
