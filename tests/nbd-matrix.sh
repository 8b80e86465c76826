#!/usr/bin/env bash
# Every command with every flag on every kind of export, by a client that
# does not care what it was told the export can do.  See nbd-matrix.py.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
export PYTHONDONTWRITEBYTECODE=1

# matrix EXPORT HOW...
matrix ()
{
  python3 "$tests_dir/nbd-matrix.py" "$sock" "$@" ||
    fail "$1: see above"
}

texts=(zram0/mm_stat zram0/block_state zram0/stats.json stats.json metrics)

# So large that 2^32 - 1 bytes are within it.
start_nbdkit "${plugin[@]}" size=8G control=rw
for name in '' "${texts[@]}" control; do
  matrix "$name" simple structured meta
done
stop_nbdkit

start_nbdkit "${plugin[@]}" size=8G control=ro
matrix control simple meta
stop_nbdkit

start_nbdkit -r "${plugin[@]}" size=8G control=rw
for name in '' zram0/mm_stat control; do
  matrix "$name" simple meta
done
stop_nbdkit

start_nbdkit -o "${plugin[@]}" size=8G
matrix '' oldstyle
stop_nbdkit
