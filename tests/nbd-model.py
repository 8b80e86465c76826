# Random requests of any alignment and length, compared with an array.
# SPDX-License-Identifier: BSD-3-Clause
#
# Run by nbdsh, with these variables set by "-c" before it:
#   uris         where the same disk is served; requests go to any of them
#   seed         of the random numbers
#   operations   how many
#   filtered     there is a filter in the way
#   faults       it fails some requests with EIO: try them again
#   trim_erases  what was trimmed reads as zeroes, to the byte
# The disk must be empty, and is read whole at the end.

import errno
import random

random.seed(seed)
handles = []
for uri in uris:
    handle = nbd.NBD()
    handle.connect_uri(uri)
    handles.append(handle)
h = handles[0]
size = h.get_size()
limit = min(300000, size)
model = bytearray(size)
text = b" ".join(b"%d" % random.randrange(1 << 30) for n in range(limit // 8))


def attempt(call, *args):
    while True:
        try:
            return call(*args)
        except nbd.Error as e:
            if not faults or e.errnum != errno.EIO:
                raise


# From one byte, biased to short ones and to powers of two.
def length():
    n = 1 << random.randrange(limit.bit_length())
    n += random.choice([0, 0, -1, 1, random.randrange(n + 1)])
    return max(1, min(n, limit))


def place(n):
    at = random.randrange(size)
    if random.random() < 0.5:
        at = at // 4096 * 4096 + random.choice([0, 0, -1, 1])
    if random.random() < 0.05:
        at = size - n
    return max(0, min(at, size - n))


# What no codec can shorten, one byte repeated, or text.
def data(n):
    kind = random.randrange(4)
    if kind == 0:
        return random.randbytes(n)
    if kind == 1:
        return random.choice([b"\0", b"\xff", b"a"]) * n
    return (text[random.randrange(len(text) // 2):] * 4)[:n]


def compare(handle, count, at, when):
    got = attempt(handle.pread, count, at)
    if got != model[at:at + count]:
        bad = [i for i in range(count) if got[i] != model[at + i]]
        raise AssertionError("%s: %d bytes read at %d, the first of %d wrong "
                             "ones at %d" % (when, count, at, len(bad),
                                             at + bad[0]))


done = {"write": 0, "zero": 0, "trim": 0, "read": 0}
zero_flags = [0, nbd.CMD_FLAG_NO_HOLE]
if h.can_fast_zero():
    zero_flags.append(nbd.CMD_FLAG_FAST_ZERO)
write_flags = [0, nbd.CMD_FLAG_FUA] if h.can_fua() else [0]
for n in range(operations):
    handle = random.choice(handles)
    count = length()
    at = place(count)
    what = random.random()
    if what < 0.35:
        model[at:at + count] = data(count)
        attempt(handle.pwrite, bytes(model[at:at + count]), at,
                random.choice(write_flags))
        done["write"] += 1
    elif what < 0.45 and h.can_zero():
        try:
            attempt(handle.zero, count, at, random.choice(zero_flags))
        except nbd.Error as e:
            # A filter may have no fast way, and must then do nothing.
            if not filtered or e.errnum != errno.ENOTSUP:
                raise
            attempt(handle.zero, count, at)
        model[at:at + count] = bytes(count)
        done["zero"] += 1
    elif what < 0.55 and h.can_trim():
        # This disk's trim erases; that of a filter on it need not.
        attempt(handle.trim, count, at)
        if trim_erases:
            model[at:at + count] = bytes(count)
        else:
            model[at:at + count] = attempt(handle.pread, count, at)
        done["trim"] += 1
    elif what < 0.57:
        if h.can_flush():
            attempt(handle.flush)
        if h.can_cache():
            attempt(handle.cache, count, at)
    else:
        compare(handle, count, at, "operation %d" % n)
        done["read"] += 1

step = 1 << 20
for at in range(0, size, step):
    compare(h, min(step, size - at), at, "at the end")
print(" ".join("%s %d" % pair for pair in done.items()))
for handle in handles:
    handle.shutdown()
