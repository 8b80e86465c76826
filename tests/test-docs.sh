#!/usr/bin/env bash
# The manuals, --help, --dump-plugin, nbdkit's shell completion and what the
# plugin takes must agree.  All manuals are sound, and name each other rightly.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"
requires podchecker pod2man

man=${MANUALS:-$abs_top_srcdir/man}
pods=("$man"/*.pod)
[ ${#pods[@]} -ge 5 ] || fail "there are too few manuals in $man"
for pod in "${pods[@]}"; do
  podchecker -warnings "$pod" 2>"$tmpdir/podchecker.log" ||
    fail "podchecker"
  grep -q 'pod syntax OK' "$tmpdir/podchecker.log" || fail "podchecker: $pod"
  ! grep -q 'WARNING' "$tmpdir/podchecker.log" || fail "podchecker warns: $pod"
done

nbdkit --help "$PLUGIN" >"$tmpdir/help"
nbdkit --dump-plugin "$PLUGIN" >"$tmpdir/dump"

# same WHAT FILE FILE
same ()
{
  diff -u "$2" "$3" || fail "$1 differ"
}

# section NAME: the lines of a section, of the first manual that has it.
section ()
{
  awk -v name="$1" '
    FNR == 1 && found { exit }
    /^=head1 / { on = ($0 == "=head1 " name); found += on }
    on' "$man/nbdkit-zram-plugin.pod" "$man/nbdkit-zram-control.pod"
}

say "references"
# L<NAME(N)/SECTION> and L</SECTION>: our pages by their own number, and
# sections that there are.
declare -A number=([nbdkit-zram-plugin]=1 [nbdzramctl]=1 [nbdkit-zram-swap]=7
                   [nbdkit-zram-control]=7 [nbdkit-zram.service]=8)
references=0
for pod in "${pods[@]}"; do
  this=$(basename "$pod" .pod)
  [ -n "${number[$this]}" ] || fail "in which section is $this?"
  while IFS=/ read -r page where; do
    name=${page%%(*}
    case ${name:=$this} in
      nbdkit-zram*|nbdzramctl*) ;;
      *) continue;;
    esac
    [ "$name" = "$this" ] || [ "$page" = "$name(${number[$name]})" ] ||
      fail "$this refers to $page"
    [ -z "$where" ] || grep -Fxq "=head1 $where" "$man/$name.pod" ||
      fail "$this: $name has no section $where"
    references=$((references + 1))
  done < <(tr '\n' ' ' <"$pod" | grep -Eo 'L<[^>|]*>' | sed 's/^L<//; s/>$//')
done
[ "$references" -ge 50 ] || fail "too few references are understood"
# Each page leads to all others.
for pod in "${pods[@]}"; do
  for name in "${!number[@]}"; do
    [ "$name" = "$(basename "$pod" .pod)" ] ||
      sed -n '/^=head1 SEE ALSO/,$p' "$pod" |
      grep -Fq "L<$name(${number[$name]})>" ||
      fail "SEE ALSO of $pod lacks $name(${number[$name]})"
  done
done

say "parameters"
# As nbdkit's completion finds them (bash-completion/completions/nbdkit).
grep -E '^[-a-z0-9]+=' "$tmpdir/help" | sed 's/=.*//' >"$tmpdir/help-keys"
section PARAMETERS | sed -n 's/^=item B<\([^>]*\)=>.*/\1/p' | uniq \
  >"$tmpdir/manual-keys"
same "--help and the manual" "$tmpdir/help-keys" "$tmpdir/manual-keys"
section SYNOPSIS | grep -Eo '[-a-z]+\]?=' | tr -d ']=' >"$tmpdir/synopsis-keys"
same "the manual and its synopsis" \
     "$tmpdir/manual-keys" "$tmpdir/synopsis-keys"
nbdkit_refuses 'no such parameter' "$PLUGIN" no-such=1
sed -n 's/.*there are //p' "$tmpdir/refused.log" | tr -d ' ' | tr , '\n' \
  >"$tmpdir/table-keys"
same "--help and the plugin" "$tmpdir/help-keys" "$tmpdir/table-keys"
[ "$(wc -l <"$tmpdir/help-keys")" -ge 5 ] || fail "too few parameters"
if grep -n '.\{80\}' "$tmpdir/help" | grep -v '(/'; then
  fail "--help is wider than 79 columns"
fi

say "shell completion"
# nbdkit's completer as it is, in a shell made up for it: "nbdkit zram " is
# typed, and Tab.
completer=/usr/share/bash-completion/completions/nbdkit
if [ -e "$completer" ]; then
  mkdir "$tmpdir/path"
  cat >"$tmpdir/path/nbdkit" <<END
#!/bin/sh
[ "\$1 \$2" = "zram --help" ] && exec cat "$tmpdir/help"
END
  chmod +x "$tmpdir/path/nbdkit"
  # shellcheck disable=SC2016
  PATH=$tmpdir/path:$PATH bash --norc -c '
    _init_completion () { words=(nbdkit zram ""); prev=zram; cur=; }
    source "$1"
    _nbdkit
    printf "%s\n" "${COMPREPLY[@]%=}"
  ' bash "$completer" >"$tmpdir/completed"
  same "--help and what is completed" "$tmpdir/help-keys" "$tmpdir/completed"
fi

say "attributes"
# The table of the manual against that of the plugin, which help prints.
start_nbdkit "$PLUGIN" size=1M
nbdsh -u "nbd+unix:///control?socket=$sock" -c - <<'END' >"$tmpdir/control-help"
h.pwrite(b"help", 0)
print(h.pread(1 << 18, 0).decode().rstrip())
END
stop_nbdkit
sed -nE 's/^([a-z_.]+) +(0[0-7]{3})  (.*)/\1 \2 \3/p' "$tmpdir/control-help" \
  >"$tmpdir/plugin-attributes"
section ATTRIBUTES | sed -nE 's/^ ([a-z_.]+) +(0[0-7]{3})  (.*)/\1 \2 \3/p' \
  >"$tmpdir/manual-attributes"
[ "$(wc -l <"$tmpdir/plugin-attributes")" -ge 20 ] ||
  fail "help shows too few attributes"
same "the attributes of the plugin and the manual" \
     "$tmpdir/plugin-attributes" "$tmpdir/manual-attributes"
# Those that can be written are explained there, in the same order.
awk '$2 ~ /2|6/ { print $1 }' "$tmpdir/plugin-attributes" | sort \
  >"$tmpdir/plugin-writable"
section ATTRIBUTES | sed -n 's/^=item //p' | sort >"$tmpdir/manual-writable"
same "what can be written, and what the manual explains" \
     "$tmpdir/plugin-writable" "$tmpdir/manual-writable"

say "commands"
# All that help shows at the beginning of a line is in the manual.
awk '/^$/ { n++ } n == 1 && /^[A-Za-z]/ { print $1 }' \
    "$tmpdir/control-help" >"$tmpdir/plugin-commands"
section CONTROL | sed '/^=head2/,$d' |
  sed -nE 's/^=item (C<)?([A-Za-z_]+).*/\2/p' >"$tmpdir/manual-commands"
same "the commands of the plugin and the manual" \
     "$tmpdir/plugin-commands" "$tmpdir/manual-commands"
section CONTROL | sed -nE 's/^=item C<control=([a-z]+)>$/\1/p' |
  sort >"$tmpdir/manual-control"
nbdkit_refuses 'must be' "$PLUGIN" size=1M control=no-such
sed -n 's/.*must be //p' "$tmpdir/refused.log" | sed 's/, \| or /\n/g' |
  sort >"$tmpdir/plugin-control"
same "the values of control=" "$tmpdir/plugin-control" "$tmpdir/manual-control"

say "codecs"
section CODECS | sed -n 's/^=item B<\([^>]*\)>$/\1/p' >"$tmpdir/manual-codecs"
read -r -a codecs < <(sed -n 's/^zram_codecs=//p' "$tmpdir/dump")
for codec in "${codecs[@]}"; do
  grep -qx "$codec" "$tmpdir/manual-codecs" ||
    fail "the manual does not know the codec $codec"
  grep -q "^ *${codec}[, ]*\(also called.*\)\?\((default)\)\?$" \
       "$tmpdir/help" || fail "--help does not show the codec $codec"
  grep -q "^zram_codec_$codec=[0-9]" "$tmpdir/dump" ||
    fail "--dump-plugin has no version of $codec"
  section CODECS |
    awk "/^=item B<$codec>/ { on = 1; next } /^=item/ { on = 0 } on" |
    tr '\n' ' ' >"$tmpdir/about-codec"
  # Its levels, default and other name, as --help gives them.
  if grep -q "^ *$codec  *has no levels" "$tmpdir/help"; then
    grep -q 'no levels' "$tmpdir/about-codec" ||
      fail "$codec: the manual does not say that it has no levels"
  else
    n='\([-0-9]*\)'
    read -r from to default < <(
      sed -n "s/^ *$codec  *$n to $n ($n).*/\1 \2 \3/p" "$tmpdir/help")
    if ! grep -Eq "evels?,? $from to $to," "$tmpdir/about-codec" ||
       ! grep -Eq "default (is )?${default}[;.]" "$tmpdir/about-codec"; then
      fail "$codec: the manual has other levels than $from to $to ($default)"
    fi
  fi
  alias=$(sed -n "s/^ *$codec, also called \([^ ]*\).*/\1/p" "$tmpdir/help")
  [ -z "$alias" ] ||
    grep -q "C<$alias> is another name for it" "$tmpdir/about-codec" ||
    fail "$codec: the manual does not know its other name, $alias"
done

say "--dump-plugin"
section 'DUMP-PLUGIN OUTPUT' | sed -n 's/^=item //p' |
  sed 's/[A-Z]<\([^>]*\)>/\1/g; s/=.*//' >"$tmpdir/manual-dump"
# A name of a codec stands for NAME.
sed -n 's/^\(zram_[a-z0-9_]*\)=.*/\1/p' "$tmpdir/dump" |
  sed -E "s/^(zram_codec_)($(paste -sd '|' "$tmpdir/manual-codecs"))/\1NAME/" |
  awk '!seen[$0]++' >"$tmpdir/dump-keys"
sort "$tmpdir/manual-dump" >"$tmpdir/manual-dump.sorted"
sort "$tmpdir/dump-keys" >"$tmpdir/dump-keys.sorted"
same "--dump-plugin and the manual" \
     "$tmpdir/dump-keys.sorted" "$tmpdir/manual-dump.sorted"
