# Every command with every flag and all kinds of lengths, to every kind of
# export: the answer must be one that the NBD specification allows, and the
# connection must go on; else the server must have hung up where it may.
# SPDX-License-Identifier: BSD-3-Clause
#
# nbd-matrix.py SOCKET EXPORT HOW...: HOW is oldstyle, simple, structured or
# meta (structured, with block status).

import itertools
import sys

from nbdraw import (CACHE, DF, FAST_ZERO, FLUSH, FUA, NO_HOLE, READ,
                    READ_ONLY, REP_ACK, REQ_ONE, STATUS, TRIM, WRITE, ZEROES,
                    Client, Closed)

EPERM, ENOMEM, EINVAL, ENOSPC, EOVERFLOW, ENOTSUP = 1, 12, 22, 28, 75, 95
MAX = 64 << 20
COMMANDS = {READ: "read", WRITE: "write", FLUSH: "flush", TRIM: "trim",
            CACHE: "cache", ZEROES: "write zeroes", STATUS: "block status",
            8: "resize", 9: "command 9", 0xFFFF: "command 65535"}
FLAGS = [FUA, NO_HOLE, DF, REQ_ONE, FAST_ZERO]
NEEDS = {FLUSH: 1 << 2, TRIM: 1 << 5, ZEROES: 1 << 6, CACHE: 1 << 10}
WRITES = (WRITE, TRIM, ZEROES)
ONLY_WITH = {NO_HOLE: ZEROES, FAST_ZERO: ZEROES, REQ_ONE: STATUS, DF: READ}

sock, export, *hows = sys.argv[1:]
# A command that is none must be refused, and so must zeroes.
mailbox = export == "control"
cases = 0


def allowed(c, command, flags, offset, length):
    """The errors that may be answered; 0 is none."""
    errors = set()
    if command not in COMMANDS or command > STATUS or flags > 31:
        errors.add(EINVAL)
    if any(flags & f and command != only for f, only in ONLY_WITH.items()):
        errors.add(EINVAL)
    if flags & DF and not c.structured or command == STATUS and not c.meta:
        errors.add(EINVAL)
    if flags & FUA and not c.flags & 1 << 3:
        errors.add(EINVAL)
    if command in NEEDS and not c.flags & NEEDS[command]:
        errors.add(EINVAL)
    if command in WRITES and c.flags & READ_ONLY:
        errors.add(EPERM)
    if command == FLUSH:
        if offset or length:
            errors.add(EINVAL)
    elif command <= STATUS and offset + length > c.size:
        errors |= {EINVAL} | ({ENOSPC} if command in WRITES else set())
    if command in (READ, WRITE) and length > MAX:
        errors |= {EINVAL, ENOMEM, EOVERFLOW}
    if mailbox and command in (WRITE, ZEROES):
        errors.add(ENOTSUP if flags & FAST_ZERO else EINVAL)
    if command != FLUSH and length == 0:        # unspecified
        return errors | {0, EINVAL, ENOSPC}
    if c.oldstyle and (command in NEEDS or flags & FUA):
        # nbdkit 1.32 tells the flags and then has forgotten them.
        return errors | {0, EINVAL}
    return errors or {0}


def check_extents(extents, flags, length):
    assert extents and all(n for n, _ in extents), extents
    total = sum(n for n, _ in extents)
    assert total - extents[-1][0] < length, (extents, length)
    if flags & REQ_ONE:
        assert len(extents) == 1 and total <= length, (extents, length)


def check(c, command, flags, offset, length):
    """One case, and a read of one byte to see that the connection lives."""
    global cases
    cases += 1
    data = bytes(length) if command == WRITE and length < 2 * MAX else b""
    what = (export, COMMANDS[command], hex(flags), offset, length)
    try:
        first = c.request(command, offset, length, flags, data)
        probe = c.request(READ, 0, 1 if c.size else 0)
        lengths = {probe: 1 if c.size else 0}
        if command == READ:
            lengths[first] = length
        answers = {}
        for _ in range(2):
            handle, error, result = c.reply(lengths)
            assert handle in (first, probe) and handle not in answers, what
            answers[handle] = error, result
    except Closed:
        # It may not want to read so much that it has no use for.
        assert command == WRITE and length > MAX, ("hung up", what)
        return False
    error, result = answers[first]
    expected = allowed(c, command, flags, offset, length)
    assert error in expected, (what, "answered", error, "not", expected)
    if command == READ and not error:
        assert len(result) == length, (what, len(result))
    if command == STATUS and not error:
        check_extents(result, flags, length)
    assert answers[probe][0] == 0 or not c.size, ("then", what, answers)
    return True


def ranges(size, few, huge):
    yield from ((0, 0), (0, 1), (max(size - 1, 0), 1), (size, 1),
                (max(size - 1, 0), 2), (size, 0))
    if few:
        yield from ((0, 512), (1 << 63, 1), ((1 << 64) - 1, 2),
                    (1, MAX * 2 + 1), (0, (1 << 32) - 1))
    if huge:
        yield from ((0, MAX), (0, MAX + 1))


def open_export(how):
    c = Client(sock)
    if how != "oldstyle":
        assert c.go(export, how != "simple", how == "meta") == REP_ACK
    return c


for how in hows:
    c = open_export(how)
    for command in COMMANDS:
        few = [0, *FLAGS, 0x20, 0x8000, 0xFFFF]
        many = [sum(s) for n in range(2, len(FLAGS) + 1)
                for s in itertools.combinations(FLAGS, n)]
        for flags in few + many:
            # Data takes time.
            huge = flags in few and (command not in (READ, WRITE)
                                     or how == hows[0] and flags <= FUA)
            for offset, length in ranges(c.size, flags in few, huge):
                if not check(c, command, flags, offset, length):
                    c.close()
                    c = open_export(how)
    c.close()
print(f"{export or 'the default export'}, {', '.join(hows)}: {cases} cases")
