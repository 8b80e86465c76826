#!/usr/bin/env bash
# Whatever a server says, nbdzramctl neither crashes nor lets it write to the
# terminal, and takes no more memory than is reasonable.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"

esc=$'\x1b'

# serve TEXT: as any export, whatever its name.
serve ()
{
  printf '%s' "$1" >"$tmpdir/answer"
  start_nbdkit file "$tmpdir/answer"
  export NBDZRAM_URI=$sock
}

# harmless ARGUMENT...: no control character, whatever the status but not
# that of a crash.
harmless ()
{
  local status=0
  timeout 60 "${ctl_words[@]}" "$@" >"$tmpdir/out" 2>&1 || status=$?
  [ "$status" -le 1 ] || fail "nbdzramctl $*: status $status"
  if tr -d '\n\t' <"$tmpdir/out" | grep -q '[^ -~]'; then
    fail "nbdzramctl $*: control characters"
  fi
}

# Commands come last: they are written to the file.
everything ()
{
  local words
  for words in "" "-b" "--output-all" "--raw --output-all" \
               "-J --output-all" "stat" "stat -J" "top --once --interval 0.1" \
               "zram0" "get zram0 x" "prometheus" "set zram0 a b" \
               "add size=1" "remove zram0"; do
    # shellcheck disable=SC2086
    harmless $words
  done
}

say "answers that are none"
for text in "" "x" "{" "[]" "{}" "null" "1e999" '{"devices":{}}' \
            '{"devices":[1]}' '{"devices":[null]}' '{"devices":[{}]}' \
            '{"devices":[{"name":1}]}' '{"devices":[[]]}' "${esc}[2J" \
            "ok" "ok${esc}" "error: ${esc}[2J" "error:" "okay"; do
  serve "$text"
  refused 1 'the server'
  everything
  stop_nbdkit
done

say "nesting"
serve "{\"devices\":$(printf '[%.0s' {1..10000})"
refused 1 'no JSON'
stop_nbdkit

say "devices without number, and members of one"
python3 -c 'print("{\"version\":\"0.1\",\"devices\":[" + ",".join(
  "{\"name\":\"zram%d\"}" % i for i in range(150000)) + "]}")' >"$tmpdir/many"
python3 -c 'print("{\"devices\":[{\"name\":\"zram0\",\"codecs\":{"
  + ",".join("\"c%d\":1" % i for i in range(300000)) + "}}]}")' \
  >"$tmpdir/members"
for f in many members; do
  start_nbdkit file "$tmpdir/$f"
  NBDZRAM_URI=$sock
  for words in "" stat "stat -J" "top --once --interval 0.1"; do
    # shellcheck disable=SC2086
    refused 1 'is no nbdkit zram: its answer has too many members' $words
  done
  stop_nbdkit
done

say "values of other types, and signs that move the cursor"
serve '{"version":[],"devices":[{"name":"\u001b[2J\u001b[31m\u009b\r\n\u0000x",
"algorithm":"\u001b]0;title\u0007","disksize":"1","page_size":{},"level":[],
"orig_data_size":-1,"compr_data_size":1e300,"mem_used_total":0,
"memory":7,"codecs":{"\u001b[2J":{"pages":-1,"bytes":null},"b":3},
"latency":{"read":[],"write":{"p99_ns":true}}},
{"name":"zram0","orig_data_size":18446744073709551615,"mem_used_total":1,
"mem_limit":1,"mem_used_max":99999999999999999999999,
"pages_stored":9223372036854775807,"reads":-9223372036854775808,
"memory":{"segments":1,"directories":18446744073709551615,"free":5},
"codecs":[],"codings":[7,[],null,{"algorithm":"\u001b[2J","level":"x",
"pages":{},"dictionary":1},{"algorithm":3,"level":-9223372036854775808,
"priority":-1,"bytes":18446744073709551615}],"recompress_tried":"x",
"recompress_found":18446744073709551615,
"latency":{"read":{"count":18446744073709551615,
"mean_ns":18446744073709551615,"p50_ns":18446744073709551615}}}]}'
ctl stat | grep -Fq '\x1b[2J\x1b[31m' || fail "a name is hidden"
everything
stop_nbdkit

say "long names"
serve "{\"devices\":[{\"name\":\"$(head -c 100000 /dev/zero | tr '\0' x)\"}]}"
everything
stop_nbdkit

say "more devices than there can be"
serve "{\"devices\":[$(printf '{"name":"zram%d"},' {1..2000}){\"name\":\"x\"}]}"
refused 1 'its answer has 2001 devices, more than 1024' top --once
everything
stop_nbdkit

say "a huge export"
start_nbdkit null 1T
NBDZRAM_URI=$sock
for words in "" stat "top --once"; do
  # shellcheck disable=SC2086
  refused 1 'is no nbdkit zram' $words
done
for words in "set zram0 a b" "get zram0 mm_stat" prometheus; do
  # shellcheck disable=SC2086
  refused 1 'is no nbdkit zram' $words
done
stop_nbdkit

say "a disk of somebody else's, of any size, is not written to"
for size in 4K 256K 1M; do
  start_nbdkit memory "$size"
  NBDZRAM_URI=$sock
  nbdsh -u "nbd+unix:///?socket=$sock" -c 'h.pwrite(b"precious" * 500, 0)'
  for words in "set zram0 mem_limit 1G" "add size=1G" "remove zram0" \
               "reset zram0" "compact zram0" "get zram0 mm_stat"; do
    # shellcheck disable=SC2086
    refused 1 'is no nbdkit zram' $words
  done
  nbdsh -u "nbd+unix:///?socket=$sock" \
        -c 'assert h.pread(4000, 0) == b"precious" * 500'
  stop_nbdkit
done

say "errors in the middle"
start_nbdkit --filter=error null 64K error-rate=100%
NBDZRAM_URI=$sock
refused 1 'reading' stat
everything
stop_nbdkit
