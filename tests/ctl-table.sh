#!/usr/bin/env bash
# The table of nbdzramctl is zramctl's, byte for byte; JSON and raw output can
# be read by programs.
# SPDX-License-Identifier: BSD-3-Clause
#
# The numbers come from a file that nbdkit serves as any export, and, for the
# real zramctl, from a /sys made up in a mount namespace.

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"
requires jq

say "seed $seed"
devices=12
python3 - "$seed" "$devices" "$tmpdir" <<'END'
import json, random, sys
seed, n, d = sys.argv[1:]
rng = random.Random(int(seed))
size = lambda: rng.getrandbits(rng.randrange(1, 45))
devices = []
with open(d + "/kernel", "w") as kernel:
    for i in range(int(n)):
        v = {"name": "zram%d" % i, "disksize": max(size(), 1),
             "algorithm": rng.choice(["zstd", "lz4", "lz4hc", "lzo"]),
             "streams": 2, "orig_data_size": size(),
             "compr_data_size": size(), "mem_used_total": size(),
             "mem_limit": size(), "mem_used_max": size()}
        devices.append(v)
        print(v["disksize"], "[%s]" % v["algorithm"], v["orig_data_size"],
              v["compr_data_size"], v["mem_used_total"], v["mem_limit"],
              v["mem_used_max"], 0, 0, 0, 0, file=kernel)
json.dump({"version": "0.1", "devices": devices}, open(d + "/json", "w"))
END
start_nbdkit file "$tmpdir/json"
export NBDZRAM_URI=$sock

cat >"$tmpdir/fake" <<'END'
set -e
export PATH=/usr/sbin:/sbin:$PATH
mount -t tmpfs none /sys
mount -t tmpfs none /dev
mkdir -p /sys/devices /sys/dev/block /sys/block
n=0
while read -r disksize algorithm stat; do
  dir=/sys/devices/zram$n
  mkdir $dir
  echo 253:$n >$dir/dev
  echo "$disksize" >$dir/disksize
  echo 1 >$dir/initstate
  echo "$algorithm" >$dir/comp_algorithm
  echo "$stat" >$dir/mm_stat
  echo 2 >$dir/max_comp_streams
  ln -s ../../devices/zram$n /sys/dev/block/253:$n
  ln -s ../devices/zram$n /sys/block/zram$n
  mknod /dev/zram$n b 253 $n
  n=$((n + 1))
done <"$1"
shift
exec "$@"
END

# same_as_zramctl OPTION...: after the names, which begin with /dev/ there.
# It lists devices as they come.
same_as_zramctl ()
{
  # Raw output has nothing to align, and zramctl leaves empty cells empty.
  local empty=
  [[ " $* " != *" --raw "* ]] || empty='s/ $/ -/'
  unshare -m bash "$tmpdir/fake" "$tmpdir/kernel" zramctl "$@" |
    sed 's|^NAME      *|NAME |; s|^/dev/\(zram[0-9]*\) *|\1 |' |
    sed "$empty" | sort >"$tmpdir/theirs"
  ctl "$@" | sed 's/^\(NAME\|zram[0-9]*\) */\1 /' | sort >"$tmpdir/ours"
  [ "$(wc -l <"$tmpdir/theirs")" -ge "$devices" ] || fail "zramctl $*"
  diff "$tmpdir/theirs" "$tmpdir/ours" || fail "nbdzramctl $* differs"
}
if command -v zramctl >/dev/null && unshare -m true 2>/dev/null; then
  say "as zramctl"
  same_as_zramctl
  same_as_zramctl -b
  same_as_zramctl -n
  same_as_zramctl --raw
  same_as_zramctl -n --raw -b
  same_as_zramctl -o NAME,disksize,Data,MEM-LIMIT
  same_as_zramctl -b --output NAME,COMPR,TOTAL,MOUNTPOINT
else
  say "not compared with zramctl: it needs root"
fi

say "alignment of the first column"
ctl -o name,streams | awk '{ print length($0) }' | sort -u >"$tmpdir/lengths"
[ "$(wc -l <"$tmpdir/lengths")" -eq 1 ] || fail "lines of different lengths"

say "raw: a word for each column, also where there is nothing"
is "raw" "$(ctl -n --raw -o name,reads,mountpoint,streams zram0)" "zram0 - - 2"
is "not raw" "$(ctl -n -o name,reads,streams zram0 | tr -s ' ')" "zram0 2"

say "JSON"
is "bytes" "$(ctl -J -b -o name,data,mem-limit,algorithm |
                jq -c '.devices | map([.name, .data, ."mem-limit",
                                       .algorithm])')" \
   "$(jq -c '.devices | map([.name, .orig_data_size, .mem_limit,
                             .algorithm])' "$tmpdir/json")"
is "human sizes are strings" \
   "$(ctl -J -o data | jq -r '.devices[0].data | type')" string
is "what is unknown is null" \
   "$(ctl -J -o reads,mountpoint zram0 | jq -c '.devices[0]')" \
   '{"reads":null,"mountpoint":null}'
is "all columns" "$(ctl -J --output-all zram1 | jq '.devices[0] | length')" \
   "$(ctl --help | sed -n '/^Columns:/,/^$/p' | grep -c '^  ')"
is "more columns" "$(ctl -o +reads zram0 | head -n 1 | tr -s ' ')" \
   "NAME ALGORITHM DISKSIZE DATA COMPR TOTAL STREAMS MOUNTPOINT READS"
stop_nbdkit

say "no device"
echo '{"version":"0.1","devices":[]}' >"$tmpdir/json"
start_nbdkit file "$tmpdir/json"
is "table" "$(ctl)" ""
is "JSON" "$(ctl -J | jq -c .)" '{"devices":[]}'
