# nbdkit-zram: a python process whose memory becomes part of a corpus.
# SPDX-License-Identifier: BSD-3-Clause
#
# Usage: python.py LIST FIRST MIB
# Parses the files in LIST, from number FIRST on, and keeps what it made of
# them until it is MIB big: syntax trees, words and where they were found,
# JSON, lines.  Then says "ready" and waits to be ended.

import ast
import collections
import json
import os
import re
import sys


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def digest(path, data, index):
    text = data.decode("utf-8", "replace")
    if path.endswith(".py"):
        return ast.parse(text)
    if path.endswith(".json"):
        return json.loads(text)
    for number, line in enumerate(text.splitlines()):
        for word in re.findall(r"\w+", line):
            index[word].append((path, number))
    return {"path": path, "lines": text.splitlines()}


def main():
    with open(sys.argv[1]) as f:
        names = f.read().split("\n")
    first, wanted = int(sys.argv[2]), int(sys.argv[3]) << 20
    names = names[first:] + names[:first]
    index, kept = collections.defaultdict(list), {}
    for path in names:
        if resident() >= wanted:
            break
        try:
            with open(path, "rb") as f:
                kept[path] = digest(path, f.read(), index)
        except (OSError, ValueError, SyntaxError, RecursionError):
            continue
    print("ready", flush=True)
    sys.stdin.read()


main()
