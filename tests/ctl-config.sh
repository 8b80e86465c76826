#!/usr/bin/env bash
# Configuration files of nbdzramctl: what is wrong is refused, with its line.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

# nbdkit with our plugin, which is not installed.
bin=$tmpdir/path
mkdir "$bin"
cat >"$bin/nbdkit" <<END2
#!/bin/bash
words=()
for word; do
  case \$word in
    zram|*/nbdkit-zram-plugin.so) word=$(printf %q "$PLUGIN");;
  esac
  words+=("\$word")
done
exec $(command -v nbdkit) "\${words[@]}"
END2
chmod +x "$bin"/*
PATH=$bin:$PATH

printf 'size=1M\n' >"$tmpdir/x.conf"

say "wrong files"
# wrong PATTERN TEXT
wrong ()
{
  printf '%b' "$2" >"$tmpdir/wrong.conf"
  refused 1 "$1" serve --dry-run -u "$tmpdir/s" --config "$tmpdir/wrong.conf"
}
wrong 'wrong.conf:2: foo: must be KEY = VALUE' 'size=1G\nfoo\n'
wrong 'wrong.conf:1: Size: this is no key' 'Size=1G'
wrong 'wrong.conf:1: size has no value' 'size =  # 1G'
wrong 'wrong.conf:3: threads is set twice' 'threads=1\n\nthreads=2'
wrong 'size = 0%: a part' 'size=0%'
wrong 'size = 1001%: a part' 'size=1001%'
wrong 'size = x%: a part' 'size = x%'
wrong 'size = %: a part' 'size = %'
wrong 'threads = 0: must be' 'threads=0'
wrong 'max-clients = 4097: must be a number from 0 to 4096' 'max-clients=4097'
wrong 'max-clients = -1: must be' 'max-clients = -1'
wrong 'wrong.conf:1: .x1b: must be' '\x1b'
wrong "wrong.conf:2: there is a NUL byte" 'size=1G\nalgo=lz4\0000level=1\n'
wrong 'wrong.conf:2: limit: there is no such.*max-clients' 'size=1G\nlimit=3'
wrong 'must not be longer than' "$(head -c 1048577 /dev/zero | tr '\0' '#')"
mkfifo "$tmpdir/pipe"
for file in "$tmpdir/pipe" /dev/zero "$tmpdir"; do
  refused 1 "$file: must be a file" serve --dry-run -u /s --config "$file"
done
refused 2 '--mount-options .x1b' mount --mount-point /x --mount-options $'\e'
refused 2 '--mount-point /.x0a: must have' mount --mount-point $'/\n'
wrong 'too many' "$(printf 'k%d=v\\n' {1..1100})"
refused 1 'nonexistent: No such file' serve -u "$tmpdir/s" \
        --config /nonexistent
refused 2 'serve needs --config' serve
for uri in nbd://localhost nbd+unix:/// other://x ''; do
  refused 1 'serve needs -u' serve --config "$tmpdir/x.conf" -u "$uri"
done
status=0
printf 'size=1G\nalgo=nosuch' >"$tmpdir/wrong.conf"
ctl serve -u "$tmpdir/s" --config "$tmpdir/wrong.conf" 2>"$tmpdir/err" ||
  status=$?
is "what the plugin refuses" "$status" 1
grep -q nosuch "$tmpdir/err" || fail "the plugin does not say what"
printf 'swap-priority = high' >"$tmpdir/wrong.conf"
refused 1 'wrong.conf:1: swap-priority = high: must be' \
        swapon --config "$tmpdir/wrong.conf"

say "--check finds the line"
# checked PATTERN TEXT
checked ()
{
  printf '%b' "$2" >"$tmpdir/wrong.conf"
  refused 1 "wrong.conf$1" serve --check --config "$tmpdir/wrong.conf"
}
checked ':2: foo: must be KEY = VALUE' 'size=1G\nfoo\n'
checked ':3: foo=1: there is no such parameter' '# a\nsize=1M\nfoo=1\nalgo=lz4'
checked ":2: algo 'nosuch' is not known" 'level=1\nalgo=nosuch\nsize=1M'
checked ':3: level 99 is out of range' 'algo=zstd\nsize=1M\nlevel=99'
checked ':1: size=1: too small' 'size=1\nalgo=lz4'
checked ': how large' 'algo=lz4'
checked ':4: swap=maybe: ' 'size=1M\nmem-limit=1M\n\nswap=maybe\nfoo=1'
checked ':2: swap-priority = 99999: must be' 'size=1M\nswap-priority=99999'
checked ':1: nbd-timeout = x: must be' 'nbd-timeout=x\nsize=1M'
checked ':1: nbd-connections = 0: must' 'nbd-connections=0\nsize=1M'
checked ':1: nbd-device = sda: must be' 'nbd-device=sda\nsize=1M'
checked ':1: swap-discard = x: must be' 'swap-discard=x\nsize=1M'
checked ':2: mount-options = a.x1b: must be' 'size=1M\nmount-options=a\x1b'
checked ':2: threads = 65: must be' 'size=1M\nthreads=65'
first='device=zram0\nsize=1M\n'
second='\ndevice=zram1\nsize=1M\n'
checked ':3: .*level 99 is out of range' "${first}level=99$second"
checked ':3: foo=1: there is no such' "${first}foo=1$second"
checked ':5: .*size=7: too small' "${first}level=1\ndevice=zram1\nsize=7"
checked ':4: .*how large' "${first}level=1\ndevice=zram1"
# settings LEVEL: of 64 devices, with one level that may be wrong.
settings ()
{
  local i
  for ((i = 0; i < 64; i++)); do
    printf '%s\n' device=zram$i size=1M algo=zstd page-size=4K mem-limit=1M \
      track-access=false level=$((i == 40 ? $1 : 1))
  done >"$tmpdir/devices.conf"
}
settings 1
is "64 devices" "$(ctl serve --check --config "$tmpdir/devices.conf")" \
   "$tmpdir/devices.conf: OK"
settings 99
refused 1 'devices.conf:287: .*level 99' \
        serve --check --config "$tmpdir/devices.conf"
