#!/usr/bin/env bash
# The manual of nbdzramctl, --help and the completions of the shells know the
# same commands, options and columns; the completions complete.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=ctl-functions.sh
source "$(dirname "$0")/ctl-functions.sh"
requires podchecker

pod=${MANUAL:-$abs_top_srcdir/man/nbdzramctl.pod}
completions=$abs_top_srcdir/ctl/completions

podchecker "$pod" 2>"$tmpdir/podchecker.log" || fail "podchecker"
! grep -q 'WARNING' "$tmpdir/podchecker.log" || fail "podchecker warns"

ctl --help >"$tmpdir/help"
! grep -n '.\{80\}' "$tmpdir/help" || fail "--help is wider than 79 columns"

# same WHAT FILE FILE
same ()
{
  [ -s "$2" ] || fail "$1: nothing to compare"
  diff -u "$2" "$3" || fail "$1 differ"
}
section ()
{
  awk -v name="$1" '/^=head1 / { on = ($0 == "=head1 " name) } on' "$pod"
}
help_section ()
{
  sed -n "/^$1:/,/^\$/p" "$tmpdir/help"
}

say "commands"
help_section Commands | sed -n 's/^  \([a-z]*\) .*/\1/p' >"$tmpdir/commands"
section COMMANDS | sed -n 's/^=item B<\([a-z]*\)>.*/\1/p' | uniq |
  diff -u "$tmpdir/commands" - || fail "commands of --help and manual differ"

say "options"
help_section Options | sed -n 's/^ *\(-., \)\?\(--[-a-z]*\).*/\1\2/p' \
  >"$tmpdir/options"
section OPTIONS | sed -n 's/^=item B<\(-[-a-zA-Z]*\)>.*/&/p' |
  sed 's/^=item //; s/[A-Z]<\([^>]*\)>/\1/g; s/ [A-Z].*//' |
  diff -u "$tmpdir/options" - || fail "options of --help and manual differ"

say "columns"
help_section Columns | sed -n 's/^ *\([-A-Z0-9]*\)  \(.*\)/\1 \2/p' \
  >"$tmpdir/columns"
section COLUMNS | awk '
  /^=item/ { gsub (/^=item B<|>$/, ""); name = $0; getline; getline
             sub (/\.$/, ""); print name " " tolower (substr ($0, 1, 1)) substr ($0, 2) }
' >"$tmpdir/manual-columns"
awk '{ name = $1; $1 = ""; sub (/^ /, "")
       print name " " tolower (substr ($0, 1, 1)) substr ($0, 2) }' \
    "$tmpdir/columns" >"$tmpdir/help-columns"
same "columns" "$tmpdir/help-columns" "$tmpdir/manual-columns"

say "exit statuses and default places"
for word in '/nbdkit-zram/nbdkit.sock' 'nbd://localhost' 'NBDZRAM_URI'; do
  grep -Fq "$word" "$tmpdir/help" || fail "--help has no $word"
  grep -Fq "$word" "$pod" || fail "the manual has no $word"
done

say "completions know them"
for f in bash/nbdzramctl fish/nbdzramctl.fish zsh/_nbdzramctl; do
  for word in $(cat "$tmpdir/commands") \
              $(grep -o -- '--[-a-z]*' "$tmpdir/options"); do
    case $f in
      fish/*) word=${word/#--/-l };;
    esac
    grep -Eq -- "(^|[^-a-z])$word([^-a-z]|\$)" "$completions/$f" ||
      fail "$f does not know $word"
  done
done

start_nbdkit "${plugin[@]}" size=1M
export NBDZRAM_URI=$sock
ctl add size=1M >/dev/null
ctl get zram0 | sed 's/ .*//' | sort >"$tmpdir/attributes"
mkdir "$tmpdir/path"
printf '#!/bin/sh\nexec %s "$@"\n' "${ctl_words[*]@Q}" \
  >"$tmpdir/path/nbdzramctl"
chmod +x "$tmpdir/path/nbdzramctl"
PATH=$tmpdir/path:$PATH

# What can be written, and with what, as the server says it.
nbdsh -u "nbd+unix:///control?socket=$sock" -c '
h.pwrite(b"help\n", 0)
for line in h.pread(h.get_size(), 0).decode().splitlines():
    words = line.split()
    if len(words) > 2 and words[1] in ("0200", "0644"):
        print(words[0])' | sort >"$tmpdir/writable"
[ -s "$tmpdir/writable" ] || fail "help of the server is not understood"

# complete_bash WORD...: what there is for the last one.  bash takes words
# apart at = and : before it asks.
complete_bash ()
{
  bash --norc -c '
    source "$1"
    shift
    compopt () { :; }
    COMP_WORDBREAKS="=:" COMP_LINE="$*" COMP_WORDS=()
    for word; do
      while [[ $word =~ ^([^=:]+)[=:] || $word =~ ^([=:]+)[^=:] ]]; do
        COMP_WORDS+=("${BASH_REMATCH[1]}") word=${word#"${BASH_REMATCH[1]}"}
      done
      COMP_WORDS+=("$word")
    done
    COMP_POINT=${#COMP_LINE} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _nbdzramctl
    printf "%s\n" "${COMPREPLY[@]}"
  ' bash "$completions/bash/nbdzramctl" nbdzramctl "$@" | sort
}
complete_fish ()
{
  # An argument in quotes is a word, and the last may be empty.
  local last=${*: -1}
  HOME=$tmpdir fish --no-config -c "
    source $completions/fish/nbdzramctl.fish
    complete -C'nbdzramctl ${*:1:$#-1} $last'" 2>"$tmpdir/fish.err" |
    cut -f 1 | sort
}
# zsh completes only for a terminal; so it gets one.
complete_zsh ()
{
  python3 - "$tmpdir" "$completions/zsh" "$@" <<'END' | sort -u
import os, pty, re, select, sys, time
tmp, functions, words = sys.argv[1], sys.argv[2], sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(HOME=tmp, TERM="dumb", COLUMNS="200", LINES="100")
    os.execlp("zsh", "zsh", "-f", "-i")
def send(text): os.write(fd, text.encode())
def read(until, seconds=20):
    data, end = b"", time.time() + seconds
    while not re.search(until, data) and time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try: data += os.read(fd, 65536)
            except OSError: break
    return data.decode(errors="replace").replace("\r", "")
send("PS1= RPS1= PS2=; unsetopt zle_bracketed_paste; LISTMAX=0\n"
     "fpath=(%s $fpath); autoload -U compinit; compinit -u -d ~/dump\n"
     "zstyle ':completion:*' list-separator '@'\n"
     "bindkey '^I' list-choices; stty -echo; print REA''DY\n" % functions)
read(b"READY")
send("nbdzramctl " + " ".join(words) + "\t")
# After a list comes the line anew; a bell says that there is none.
out = read(rb"nbdzramctl[^\n]*\n[^\0]*nbdzramctl|\a")
send("\x03exit\n")
os.close(fd)
os.waitpid(pid, 0)
out = out.split("nbdzramctl", 1)[-1]
for line in out.split("\nnbdzramctl", 1)[0].splitlines()[1:]:
    for word in re.split(r"  +|\t", line.split(" @ ")[0].split(" -- ")[0]):
        for w in word.split():
            print(w)
END
}

# offers SHELL FILE WORD...: at least the words of the file.
offers ()
{
  local shell=$1 file=$2
  shift 2
  "complete_$shell" "$@" >"$tmpdir/offered"
  if [ -n "$(comm -23 "$file" "$tmpdir/offered")" ]; then
    cat "$tmpdir/offered"
    fail "$shell: \"$*\" is not completed with $(comm -23 "$file" \
          "$tmpdir/offered" | paste -sd ' ')"
  fi
}
printf '%s\n' zram0 zram1 >"$tmpdir/devices"
sort "$tmpdir/commands" >"$tmpdir/commands.sorted"
cut -d ' ' -f 1 "$tmpdir/columns" | sort >"$tmpdir/column-names"
for shell in bash fish zsh; do
  if ! command -v $shell >/dev/null; then
    say "there is no $shell: its completion is not tried"
    continue
  fi
  say "completion: $shell"
  offers $shell "$tmpdir/commands.sorted" ''
  offers $shell "$tmpdir/devices" ''
  offers $shell "$tmpdir/devices" get ''
  offers $shell "$tmpdir/devices" remove zram
  offers $shell "$tmpdir/devices" top zram
  offers $shell "$tmpdir/attributes" get zram1 ''
  offers $shell "$tmpdir/writable" set zram1 ''
  offers $shell "$tmpdir/devices" -u "$sock" get ''
  [ $shell = zsh ] || offers $shell "$tmpdir/column-names" -o ''
done

# Values, whatever stands before them.
# chooses VALUE... -- WORD...
chooses ()
{
  local shell values=()
  while [ "$1" != -- ]; do
    values+=("$1")
    shift
  done
  shift
  printf '%s\n' "${values[@]}" | sort >"$tmpdir/values"
  for shell in bash fish zsh; do
    command -v $shell >/dev/null || continue
    "complete_$shell" "$@" | sed 's/.*[,=:]//' | sort >"$tmpdir/offered"
    if [ -n "$(comm -23 "$tmpdir/values" "$tmpdir/offered")" ]; then
      cat "$tmpdir/offered"
      fail "$shell: \"$*\" is not completed with $(comm -23 \
            "$tmpdir/values" "$tmpdir/offered" | paste -sd ' ')"
    fi
  done
}
say "completion: values"
read -r -a codecs < <(codecs)
chooses "${codecs[@]}" -- add size=1G algo=
chooses "${codecs[@]}" -- -a ''
chooses "${codecs[@]}" -- estimate -a zstd:3,
chooses "${codecs[@]}" -- set zram0 comp_algorithm ''
chooses 1 3 22 -- add algo=zstd:
chooses 3 12 -- -a lz4hc:
chooses true false -- add swap=
chooses 4K 64K -- add page-size=
chooses idle huge huge_idle -- set zram0 recompress type=
chooses 1 2 3 -- set zram0 recomp_algorithm priority=
chooses all -- set zram0 idle ''
chooses 1 force -- set zram0 reset ''
chooses both once pages none -- swapon --discard ''
chooses 0 100 32767 -- swapon --priority ''

say "completion: the parameters that a device has"
ctl add size=1M no-such=1 2>"$tmpdir/err" || :
sed 's/.*there are //; s/, /\n/g' "$tmpdir/err" | sed 's/$/=/' | sort \
  >"$tmpdir/keys"
[ "$(wc -l <"$tmpdir/keys")" -ge 8 ] || fail "$(cat "$tmpdir/err")"
for shell in bash fish zsh; do
  if command -v $shell >/dev/null; then
    offers $shell "$tmpdir/keys" add ''
  fi
done

say "completion: a server that does not answer"
python3 - "$tmpdir/mute.sock" <<'END' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(64)
time.sleep(60)
END
mute=$!
for ((i = 0; i < 200; i++)); do
  if [ -S "$tmpdir/mute.sock" ]; then break; fi
  sleep 0.05
done
for shell in bash fish; do
  if command -v $shell >/dev/null; then
    SECONDS=0
    "complete_$shell" -u "$tmpdir/mute.sock" get '' >/dev/null
    [ $SECONDS -lt 40 ] || fail "$shell waits for the server"
  fi
done
kill $mute
wait $mute || :

offers bash <(echo zram1) get zram1
is "bash: only what fits" "$(complete_bash get zram1)" zram1
is "bash: the end of a list" "$(complete_bash -o NAME,REA)" \
   "NAME,READ-BYTES
NAME,READ-P50
NAME,READ-P99
NAME,READS"
