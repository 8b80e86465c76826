#!/usr/bin/env bash
# The hook that looks at a commit refuses what it should and nothing else: bad
# things are committed in a repository made for it.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"
requires git

# Nothing of the user's, nor of a git that runs the tests.
unset "${!GIT_@}"
export HOME=$tmpdir GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@localhost
export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@localhost

spdx='SPDX-License-Identifier: BSD-3-Clause'
mkdir "$tmpdir/repository"
cd "$tmpdir/repository"
git init -q .
mkdir -p scripts/hooks lib
cp "$abs_top_srcdir/scripts/hooks/pre-commit" scripts/hooks/
# Its exceptions are of our sources; this repository has none of them.
sed '/^CIRCLES = \[/,/^\]/ { /^ /d }
     /^LONG_[A-Z]* = \[/,/^\]/ { /^ /d }' \
    "$abs_top_srcdir/scripts/structure" >scripts/structure
chmod +x scripts/hooks/pre-commit
git config core.hooksPath scripts/hooks
printf '/* %s */\nint one;\n' "$spdx" >lib/a.c
printf '# %s\ntext\n' "$spdx" >Makefile.am
printf 'No licence is named here.\n' >README.md

# commit: all that is in the working tree; what is said is in said.log.
commit ()
{
  git add -A
  git commit -qm test >"$tmpdir/said.log" 2>&1
}

taken ()
{
  commit || fail "refused: $1"
}

# refused REGEX WHAT: and then it is as before.
refused ()
{
  ! commit || fail "taken: $2"
  grep -Eq -- "$1" "$tmpdir/said.log" || fail "$2: no line matches $1"
  git reset -q --hard
  git clean -qfd
}

say "what is right"
taken "the first commit"
[ ! -s "$tmpdir/said.log" ] || fail "it says something"
printf 'int a80_%071d;\n' 0 >>lib/a.c
taken "a line of 80 columns"
git mv lib/a.c lib/b.c
taken "a file that moves"
git rm -q README.md
taken "a file that goes"

say "white space"
printf 'int two; \n' >>lib/b.c
refused '^lib/b.c:4: trailing whitespace' "a space at the end of a line"

say "lines of C"
printf '\tint two;\n' >>lib/b.c
refused '^lib/b.c:4: a tab' "a tab in C"
printf '\ttext\n' >>Makefile.am
taken "a tab in a Makefile"
printf 'int a81_%072d;\n' 0 >>lib/b.c
refused '^lib/b.c:4: 81 columns, at most 80' "a long line in C"
# What looks like the head of a diff is a line like others.
printf '++ b;\n++\t;\n' >>lib/b.c
refused '^lib/b.c:5: a tab' "a tab after a line that begins with ++"

say "the licence"
printf 'int two;\n' >lib/c.c
refused '^pre-commit: lib/c.c: .*no licence' "a file without SPDX line"
printf 'Nobody needs one here.\n' >README.md
taken "a manual without SPDX line"
printf 'int two;\n' >'lib/with space.c'
refused 'lib/with space.c: ' "a file with a space in its name"

say "scripts"
if command -v shellcheck >/dev/null; then
  printf '#!/bin/bash\n# %s\nrm $1\n' "$spdx" >lib/script
  refused 'SC2086' "a script that shellcheck does not like"
fi
printf '#!/bin/bash\n# %s\nrm "$1"\n' "$spdx" >lib/script
taken "a script that it likes"

say "what is staged, and not what is in the working tree"
printf 'int two; \n' >>lib/b.c
printf 'more\n' >>README.md
git add README.md
git commit -qm test 2>"$tmpdir/said.log" || fail "it looks at what is not staged"
git checkout -q lib/b.c
printf 'int two; \n' >>lib/b.c
git add lib/b.c
printf '/* %s */\n' "$spdx" >lib/b.c
! git commit -qm test 2>"$tmpdir/said.log" ||
  fail "it looks at the working tree"
git reset -q --hard

say "what is only warned of"
{ printf '/* %s */\nint\nlong_one (int n)\n{\n' "$spdx"
  yes '  n++;' | head -n 70 || :
  printf '}\n'; } >lib/long.c
taken "a long function"
grep -q 'warning: lib/long.c: long_one has 73 lines' "$tmpdir/said.log"
