# nbdkit-zram: how disks are measured; bench/run and bench/compare use it.
# SPDX-License-Identifier: BSD-3-Clause
#
#   machine.py   the machine: what it is, what else it does, and a place of
#                our own on it that leaves nothing behind
#   targets.py   the disks: ours, the peers, the yardsticks
#   speed.py     cells of load, interleaved
#   held.py      memory over time
#   trace.py     what a file system asked for, asked again
#   codecs.py    ratio against speed
#   ranges.py    trim, write-zeroes, and growth with size
#   goals.py     what was wanted, beside what came out
#   report.py    results.md
#   plots.py     the plots, by gnuplot
