#!/usr/bin/env bash
# Parameters: what is wrong is refused before serving, with exactly one
# line that quotes it and says what would be right; what is right is taken
# for what it means.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"

# refused REGEX PARAMETER...: the one line must match it.
refused ()
{
  local regex=$1
  shift
  nbdkit_refuses "^nbdkit: error: .*$regex" "$PLUGIN" "$@"
  if [ "$(wc -l <"$tmpdir/refused.log")" -ne 1 ]; then
    cat "$tmpdir/refused.log"
    fail "$*: more than one line"
  fi
}

# accepted PARAMETER...: it serves, and is silent.  The log is in $log.
accepted ()
{
  start_nbdkit -n accepted "$PLUGIN" "$@"
  log=$(cat "$tmpdir/accepted.log")
  size=$(nbdinfo --size "$uri")
  preferred=$(nbdsh -u "$uri" -c 'print(h.get_block_size(nbd.SIZE_PREFERRED))')
  stop_nbdkit accepted
}

silent ()
{
  accepted "$@"
  [ -z "$log" ] || fail "$*: says: $log"
}

ram=$(($(getconf _PHYS_PAGES) * $(getconf PAGESIZE)))
first_codec=$(codecs | cut -d ' ' -f 1)
[ -n "$first_codec" ] || fail "no codecs"

has_codec ()
{
  [[ " $(codecs) " = *" $1 "* ]]
}

say "size"
refused 'size=SIZE is required'
refused 'size=SIZE is required' "algo=$first_codec"
refused 'size=: .*missing' size=
refused 'size=0: .*multiple of 512 up to 16T' size=0
refused 'size=511: .*multiple of 512 up to 16T' size=511
refused 'size=513: .*multiple of 512.* 512 and 1024$' size=513
refused 'size=1000000: .* 999936 and 1000448$' size=1000000
refused 'size=1KB: .* 512 and 1024$' size=1KB
for bad in big -1 +1 ' 1' '1 ' 1.5 .5G 1.G 1Gi 0x1000 K '1 G' 50%; do
  refused "size=${bad//+/\\+}: not understood; .*multiple of 512 up to 16T" \
          "size=$bad"
done
for bad in 17592186044928 17T 16777217M 8E 16E 1000000000000000000000 \
           36028797018963968s 18446744073709551616 99999999999999999999E; do
  refused "size=$bad: .*maximum is 16T" "size=$bad"
done
refused 'size=2G: given twice; the first was 1G' size=1G size=2G
refused 'size=1G: given twice; the first was 1G' 1G size=1G

say "sizes that work mean what nbdkit means"
for good in 512 1s 1536b 3K 5m 2G 1t 16T 17592186044416 00000000000000001k; do
  silent "size=$good"
  start_nbdkit -n peer memory "size=$good"
  peer=$(nbdinfo --size "$uri")
  stop_nbdkit peer
  [ "$size" = "$peer" ] || fail "size=$good is $size bytes, should be $peer"
done
silent 1M
[ "$size" = 1048576 ] || fail "1M is $size"

say "and sizes that nbdkit does not know"
while read -r good bytes; do
  silent "$good"
  [ "$size" = "$bytes" ] || fail "size=$good is $size bytes, not $bytes"
done <<'END'
1.5G 1610612736
1GiB 1073741824
2kib 2048
512MB 512000000
010K 10240
1.3G 1395864064
0.5M 524288
END

say "algo and level"
for bad in lzw ZSTD zstd1 "$first_codec " -; do
  refused "algo '$bad' is not known: there are $first_codec" \
          size=1M "algo=$bad"
done
refused 'algo=: .*missing' size=1M algo=
refused 'algo=.*: given twice' size=1M "algo=$first_codec" "algo=$first_codec"
for bad in high 1.5 0x1 - + ' 1' 1K --1; do
  refused "level=${bad//+/\\+}: not a whole number" size=1M "level=$bad"
done
refused 'level=: .*missing' size=1M level=
refused 'level=2: given twice; the first was 1' size=1M level=1 level=2
nbdkit --dump-plugin "$PLUGIN" >"$tmpdir/dump"
for algo in $(codecs); do
  levels=$(sed -n "s/^zram_codec_${algo}_levels=//p" "$tmpdir/dump")
  if [ -z "$levels" ]; then
    refused "$algo has no levels" size=1M "algo=$algo" level=1
    silent size=1M "algo=$algo"
    continue
  fi
  from=${levels%..*} to=${levels#*..}
  below=$((from - 1)) above=$((to + 1))
  # The level first: its range is known only once all is read.
  refused "$below.*$algo.*$from to $to" size=1M "level=$below" "algo=$algo"
  refused "$above.*$algo.*$from to $to" size=1M "algo=$algo" "level=$above"
  for bad in 99999999999999999999 -99999999999999999999 2147483648; do
    refused "level=$bad: .*$algo.*$from to $to" \
            size=1M "algo=$algo" "level=$bad"
  done
  silent size=1M "level=$from" "algo=$algo"
  silent size=1M "algo=$algo" "level=$to"
done
if has_codec lzo; then silent size=1M algo=lzo-rle; fi
if has_codec deflate; then silent size=1M algo=842 level=+2; fi
if has_codec zstd; then silent size=1M algo=zstd level=-1; fi

say "a level with the algorithm"
for bad in zstd: zstd:x zstd:1.5 zstd:3:3 "$first_codec: 1"; do
  refused "algo=$bad: .*colon.*whole number" size=1M "algo=$bad"
done
refused "algo 'lzw' is not known" size=1M algo=lzw:3
# level_is LEVEL PARAMETER...
level_is ()
{
  local level=$1
  shift
  start_nbdkit -n level "$PLUGIN" "$@"
  nbdcopy "nbd+unix:///zram0/algorithm_params?socket=$sock" - |
    cat >"$tmpdir/level"
  stop_nbdkit level
  grep -q " level=$level\$" "$tmpdir/level" ||
    fail "$*: $(cat "$tmpdir/level"), not level $level"
}
if has_codec zstd; then
  refused 'level=5: contradicts algo=zstd:3$' size=1M algo=zstd:3 level=5
  refused 'algo=zstd:3: contradicts level=5$' size=1M level=5 algo=zstd:3
  refused 'level 23 .*zstd: .*to 22' size=1M algo=zstd:23
  refused 'algo=zstd:99999999999: .*zstd.* to 22' size=1M algo=zstd:99999999999
  level_is 3 size=1M algo=zstd:3
  level_is -5 size=1M algo=zstd:-5 level=-5
  # A device's own word counts more.
  level_is 3 size=1M level=5 device=zram0 algo=zstd:3
  level_is 5 size=1M algo=zstd:3 device=zram0 level=5
  level_is 3 size=1M algo=zstd:3 device=zram0
  level_is 1 size=1M algo=zstd:3 device=zram0 algo=zstd
fi

say "page-size"
for bad in 5000 2K 2048 128K 12K 0 4097 6000 18446744073709551616 16E; do
  refused "page-size=$bad: .*power of two from 4K to 64K" \
          size=1M "page-size=$bad"
done
for bad in 4Ki big -4096 4.K; do
  refused "page-size=$bad: not understood; .*power of two from 4K to 64K" \
          size=1M "page-size=$bad"
done
refused 'page-size=: .*missing' size=1M page-size=
refused 'page-size=4K: given twice; the first was 8K' \
        size=1M page_size=8K page-size=4K
silent size=1M
[ "$preferred" = 4096 ] || fail "the default page is $preferred"
for good in 4K 8K 16K 32K 65536 4KiB 0.0625M; do
  silent size=1M page_size="$good"
  [ $((preferred / 1024))K = "$good" ] || [ "$preferred" = "$good" ] ||
    [ "$good $preferred" = '4KiB 4096' ] ||
    [ "$good $preferred" = '0.0625M 65536' ] ||
    fail "page-size=$good: pages of $preferred"
done

say "mem-limit"
refused 'mem-limit=0: must be .*from 1% to 100%' size=1M mem-limit=0
for bad in 0% 101% 12.5% -1% % 5%% 5%5 1000000000000000000000% ' 5%'; do
  refused "mem-limit=$bad: .*whole number from 1% to 100%" \
          size=1M "mem-limit=$bad"
done
for bad in 1.5 much -1 1Gi; do
  refused "mem-limit=$bad: not understood; .*from 1% to 100%" \
          size=1M "mem-limit=$bad"
done
refused 'mem-limit 1024 is too small' size=1M mem-limit=1K
for bad in 8E 9223372036854775808 99999999999999999999E; do
  refused "mem-limit=$bad: too large; must be" size=1M "mem-limit=$bad"
done
refused 'mem-limit=: .*missing' size=1M mem-limit=
refused 'mem-limit=2G: given twice; the first was 50%' \
        size=1M mem-limit=50% mem_limit=2G
for good in 64M 1% 100% "$ram"; do
  silent size=1M mem-limit="$good"
done
# limited_to BYTES PARAMETER: what the plugin made of it.
limited_to ()
{
  start_nbdkit -n limited -v "$PLUGIN" size=1M "$2"
  stop_nbdkit limited
  grep -q "memory limit $1\$" "$tmpdir/limited.log" ||
    fail "$2 is not $1 bytes"
}
limited_to $((64 << 20)) mem-limit=64M
limited_to $((3 << 29)) mem-limit=1.5GiB
limited_to 64000000 mem-limit=64MB
limited_to $((ram / 100)) mem-limit=1%
limited_to $((ram * 37 / 100)) mem-limit=37%
limited_to "$ram" mem-limit=100%
limited_to 0 algo="$first_codec"
accepted size=1M mem_limit=$((ram + 4096))
[[ $log =~ ^"nbdkit: zram: warning: mem-limit=$((ram + 4096)): more than the" &&
   $log != *$'\n'* ]] || fail "no warning above the RAM, but: $log"

say "swap and swap-reserve"
refused 'swap=maybe: .*true or false' size=1G swap=maybe
refused 'swap-reserve=64M: only with swap=true' size=1G swap-reserve=64M
refused 'swap-reserve=64M: only with swap=true' \
        size=1G swap=no swap_reserve=64M
refused 'swap-reserve=65M: larger than the disk, size=64M' \
        size=64M swap=1 swap-reserve=65M
refused 'swap-reserve=51M: more than half of mem-limit=100M' \
        size=1G swap=1 swap-reserve=51M mem-limit=100M
refused 'swap-reserve=10%: not understood; must be from 0' \
        size=1G swap=1 swap-reserve=10%
refused 'swap-reserve=17T: too large' size=1G swap=1 swap-reserve=17T
refused 'device=zram1: swap-reserve=1M: only with swap=true' \
        size=1G swap=1 device=zram0 device=zram1 swap=0 swap-reserve=1M

say "late"
refused 'late=x: not understood; must be off, or from one page to 1G' \
        size=1G late=x
refused 'late=2G: too large; must be off, or from one page to 1G' \
        size=1G late=2G
refused 'late=32K: less than a page, which has 65536 bytes' \
        size=1G late=32K page-size=64K
refused 'late=4M: must be off with swap=true' size=1G late=4M swap=true
refused 'late=33M: more than half of mem-limit=64M' \
        size=1G late=33M mem-limit=64M
refused 'device=zram1: late=4M: must be off with swap=true' \
        size=1G device=zram0 device=zram1 late=4M swap=true
silent size=1G late=32M mem-limit=64M
silent size=1G late=0
# late_hits MIN MAX PARAMETER...: so many of 50 writes of one page hit it while
# it waits to be compressed.
late_hits ()
{
  local min=$1 max=$2
  shift 2
  start_nbdkit -n late "$PLUGIN" "$@"
  nbdsh -u "$uri" -c "min, max = $min, $max" -c "uri = '$uri'" -c - <<'END'
import json
for i in range(50):
    h.pwrite(b"%08d" % i + b"text" * 1022, 4096)
stats = nbd.NBD()
stats.connect_uri(uri.replace("/?", "/zram0/stats.json?"))
hits = json.loads(stats.pread(stats.get_size(), 0))["late_hits"]
assert min <= hits <= max, hits
END
  stop_nbdkit late
}
late_hits 20 49 size=64M
late_hits 20 49 size=64M late=64K
late_hits 0 0 size=64M late=off
late_hits 0 0 size=16K
late_hits 20 49 size=64M mem-limit=16M

say "keys"
refused 'disksize=1G: .*size, algo, level, page-size, mem-limit, ' disksize=1G
for key in Size sizes siz pagesize page__size mem-limi; do
  refused "$key=1: there is no such parameter" size=1M "$key=1"
done
# What it is given may be shown on a terminal.
refused "algo '\\\\x1b\[31m\\\\x0a\\\\xff\\\\x5c' is not known" \
        size=1M algo=$'\e[31m\n\xff\\'
refused 'size=9{156}\.\.\.: .*maximum is 16T' \
        size="$(printf '9%.0s' {1..1000})"

