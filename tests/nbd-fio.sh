#!/usr/bin/env bash
# fio writes and verifies at random with four jobs, each a connection, in
# whole pages and in sectors.
# SPDX-License-Identifier: BSD-3-Clause

source "$(dirname "$0")/functions.sh"
requires fio
fio --enghelp | grep -qw nbd || skip "this fio has no nbd engine"

each=$(scaled 32)
start_nbdkit "${plugin[@]}" size=$((4 * each))M
for rw in randwrite randrw write; do
  for bs in 4k-4k 512-64k; do
    say "$rw, $bs: $each MiB each"
    (cd "$tmpdir" &&
       fio --name=verify --ioengine=nbd --uri="$uri" \
           --rw=$rw --bsrange=$bs --size="${each}M" --iodepth=16 \
           --numjobs=4 --offset_increment="${each}M" --thread \
           --buffer_compress_percentage=60 --refill_buffers \
           --verify=crc32c --do_verify=1 --verify_fatal=1 \
           --output-format=json --output="$tmpdir/fio.log")
    # Four jobs, no errors, and they did write and read.
    python3 - "$tmpdir/fio.log" <<'END'
import json, sys
text = open(sys.argv[1]).read()
jobs = json.loads(text[text.index("{"):])["jobs"]
assert len(jobs) == 4, len(jobs)
for job in jobs:
    assert job["error"] == 0, job["error"]
    assert job["write"]["io_bytes"] > 0 and job["read"]["io_bytes"] > 0
END
  done
done
