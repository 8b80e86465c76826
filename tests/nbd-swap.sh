#!/usr/bin/env bash
# swap=true: each step is taken if there is the privilege for it, and
# refused by name, with what is lost, where there is none; the disk works in
# any case.  What the statistics say of it is true: looked at from outside.
# Whether the kernel can really swap to it is for tests/vm to say.
# SPDX-License-Identifier: BSD-3-Clause

# shellcheck source=functions.sh
source "$(dirname "$0")/functions.sh"
requires setpriv prlimit chrt

MiB=$((1024 * 1024))
# By this size the stacks of threads are told from other memory.
ulimit -s 8192

# What there is to see of a server, in Python: stats () and safe (name).
cat >"$tmpdir/look.py" <<'END'
import json, os, re
def text(name):
    h = nbd.NBD()
    h.connect_uri("nbd+unix:///%s?socket=%s" % (name, sock))
    return h.pread(h.get_size(), 0).decode()
def stats(name="zram0"):
    return json.loads(text(name + "/stats.json"))
def status(key):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(key + r":\s+(\d+) kB", f.read()).group(1))
def smaps(key):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(key + r":\s+(\d+) kB", f.read()).group(1))
# Each mapping: its mode and name, its size and what of it is resident, KiB.
def mappings():
    with open("/proc/%d/smaps" % pid) as f:
        text = f.read()
    return [(m[1], m[2], int(m[3]), int(m[4])) for m in re.finditer(
        r"^[0-9a-f]+-[0-9a-f]+ (....) .* \d+ *(.*)\nSize: +(\d+) kB"
        r"(?:\n(?!Rss).*)*\nRss: +(\d+) kB", text, re.M)]
def tasks():
    return [int(t) for t in os.listdir("/proc/%d/task" % pid)]
# Of connections that have just been closed some may be about to go.
def schedulers():
    s = set()
    for t in tasks():
        try:
            with open("/proc/%d/task/%d/comm" % (pid, t)) as f:
                if f.read() == "zram-reserve\n":
                    assert os.sched_getscheduler(t) == os.SCHED_OTHER
                    continue
            s.add((os.sched_getscheduler(t),
                   os.sched_getparam(t).sched_priority))
        except (ProcessLookupError, FileNotFoundError):
            pass
    return s
END

# look [SETUP]: run the Python on standard input with these.
look ()
{
  nbdsh -c "sock = '$sock'; pid = $pid; tmpdir = '$tmpdir'; seed = $seed" \
        -c "sanitized = $(sanitized && echo True || echo False)" \
        -c "${1:-0}" -c "$(cat "$tmpdir/look.py")" -c -
}

# capable NUMBER: have we this capability?
capable ()
{
  local caps
  caps=$(sed -n 's/^CapEff:\s*//p' /proc/self/status)
  [ $((0x$caps >> $1 & 1)) -eq 1 ]
}
ipc_lock=14 sys_nice=23 sys_resource=24

# hard LIMIT: the hard limit of ours, in bytes.
hard ()
{
  prlimit --noheadings --output HARD "--$1" | tr -d ' '
}

# The steps to be expected, in the order of the table.  A sanitizer has a
# malloc of its own, and its mlockall does nothing.
expect ()
{
  local locks=$1 schedules=$2 resources=$3
  local yes=() no=() step
  for step in oom flusher lock heap code realtime reserve; do
    case $step in
      oom|flusher) [ "$resources" = y ];;
      lock) [ "$locks" = y ] && ! sanitized;;
      heap) ! sanitized;;
      realtime) [ "$schedules" = y ];;
      *) true;;
    esac && yes+=("$step") || no+=("$step")
  done
  in_force=${yes[*]} not_in_force=${no[*]} may_lock=$locks
}

# Do warnings, statistics and the process itself say what we expect?
check_steps ()
{
  say "in force: $in_force; not: ${not_in_force:-none}"
  look "log = '$1'; may_lock = '$may_lock' == 'y'; yes = '$in_force'
no = '$not_in_force'" <<'END'
yes, no = yes.split(), no.split()
d = stats()
safe = d["swap_safe"]
print(safe)
assert [s for s in safe if s != "safe"] == sorted(
    yes + no, key="oom flusher lock heap code realtime reserve".split().index)
assert sorted(s for s in safe if safe[s] and s != "safe") == sorted(yes)
vital = {"flusher", "lock", "heap", "code", "realtime", "reserve"}
assert safe["safe"] == (vital <= set(yes))
assert d["swap"] == ("safe" if safe["safe"] else "unsafe")
assert d["memory"]["ready"] >= d["swap_reserve"] > 0
assert d["mem_used_total"] > d["swap_reserve"]
attribute = text("zram0/swap_safe").split()
assert attribute[0] == d["swap"]
assert [s for s in attribute[1:] if s[0] != "-"] == [s for s in safe
        if s in yes], attribute
assert sorted(s[1:] for s in attribute[1:] if s[0] == "-") == sorted(no)
metrics = text("metrics")
assert '\nnbdkit_zram_swap_safe{device="zram0"} %d\n' % safe["safe"] in metrics
for s in yes + no:
    assert '\nnbdkit_zram_swap_step{device="zram0",step="%s"} %d\n' % (
        s, s in yes) in metrics, s

# From outside.
assert (status("VmLck") > 0) == ("lock" in yes)
assert schedulers() == {(os.SCHED_RR, 1) if "realtime" in yes
                        else (os.SCHED_OTHER, 0)}
with open("/proc/%d/oom_score_adj" % pid) as f:
    assert (int(f.read()) == -1000) == ("oom" in yes)
if "lock" in yes:
    assert smaps("Locked") * 1024 > d["swap_reserve"]

heap = sum(m[3] for m in mappings() if m[1] == "[heap]")
assert (heap >= 4096) == ("heap" in yes), heap
libc = [m for m in mappings() if "/libc.so" in m[1] and m[0] == "r-xp"]
assert len(libc) == 1 and (libc[0][2] == libc[0][3]) == ("code" in yes), libc

# A thread has a stack of this size, and that has been touched by those
# that have served a request.
h = nbd.NBD()
h.connect_uri("nbd+unix:///?socket=" + sock)
h.pread(1, 0)
stacks = [m[3] for m in mappings() if m[2] == 8192 and m[0] == "rw-p"]
print("stacks:", stacks)
assert sanitized or max(stacks) >= 64

# One warning for each, which names it and what it takes.
if log:
    with open(log) as f:
        lines = f.read().splitlines()
    takes = {"oom": "CAP_SYS_RESOURCE", "flusher": "CAP_SYS_RESOURCE",
             "lock": "sanitizer" if may_lock else "CAP_IPC_LOCK",
             "heap": "malloc of glibc", "realtime": "CAP_SYS_NICE"}
    assert len(lines) == len(no), lines
    for s, line in zip([s for s in takes if s in no], lines):
        assert line.startswith("nbdkit: zram: warning: swap=true without "
                               + s + " ("), line
        assert takes[s] in line and "): " in line, line
END
}

# What it holds is right, and requests of all kinds work.
check_disk ()
{
  model "['$uri', '$uri']" "$(scaled 300)"
}

say "with the privileges that we have"
expect "$(capable $ipc_lock || [ "$(hard memlock)" = unlimited ] && echo y)" \
       "$(capable $sys_nice || [ "$(hard rtprio)" != 0 ] && echo y)" \
       "$(capable $sys_resource && echo y)"
full=$in_force
start_nbdkit "${plugin[@]}" size=512M swap=true swap-reserve=20M
check_steps "$tmpdir/server.log"
check_disk
stop_nbdkit

say "swap=false takes no step"
start_nbdkit "${plugin[@]}" size=512M
[ ! -s "$tmpdir/server.log" ]
look <<'END'
d = stats()
assert d["swap"] == "off" and d["swap_reserve"] == 0
assert not any(d["swap_safe"].values()) and len(d["swap_safe"]) == 8
assert text("zram0/swap_safe").startswith("off -oom ")
assert status("VmLck") == 0 and d["memory"]["ready"] == 0
assert schedulers() == {(os.SCHED_OTHER, 0)}
h = nbd.NBD()
h.connect_uri("nbd+unix:///?socket=" + sock)
h.pread(1, 0)
assert sanitized or max(m[3] for m in mappings() if m[2] == 8192) < 64
END
nbdsh -u "nbd+unix:///control?socket=$sock" -c - <<'END'
try:
    h.pwrite(b"hot_add size=1G swap=true", 0)
    assert False
except nbd.Error as e:
    assert e.errno == "EINVAL"
assert b"only if the server was started" in h.pread(200, 0)
END
stop_nbdkit

say "several disks: steps once, a reserve each that has it"
start_nbdkit "${plugin[@]}" size=512M device=zram0 swap=true \
             swap-reserve=8M device=zram1 device=zram2 swap=true
expected=$(wc -w <<<"$not_in_force")
[ "$(wc -l <"$tmpdir/server.log")" -eq "$expected" ] || fail "warnings"
look <<'END'
MiB = 1 << 20
for name, reserve in ("zram0", 8), ("zram1", 0), ("zram2", 16):
    d = stats(name)
    assert d["swap_reserve"] == reserve * MiB, d
    assert reserve * MiB <= d["memory"]["ready"] <= (reserve + 1) * MiB
    assert d["swap_safe"]["reserve"] == (d["swap"] != "off") == (reserve > 0)
    assert reserve or not any(d["swap_safe"].values())
c = nbd.NBD()
c.connect_uri("nbd+unix:///control?socket=" + sock)
c.pwrite(b"hot_add size=4G swap=true mem-limit=100M", 0)
assert c.pread(4, 0) == b"ok\n3"
# 1/32 of it would be 128M; but 64M, and no more than a quarter of the limit.
assert stats("zram3")["swap_reserve"] == 25 * MiB
END
stop_nbdkit

say "one step left out"
start_nbdkit -D zram.swap_skip=4 "${plugin[@]}" size=64M swap=true
grep -q 'without lock (left out by -D zram.swap_skip=4)' "$tmpdir/server.log"
look <<'END'
assert stats()["swap_safe"]["lock"] is False and status("VmLck") == 0
END
stop_nbdkit

# Root can become nobody; nobody is nobody already.  What nobody is to load
# must be where it can be read.
chmod 711 "$tmpdir"
mkdir "$tmpdir/nobody"
cp "$(realpath "$PLUGIN")" "$tmpdir/nobody/zramplugin.so"
as_nobody=()
if [ "$(id -u)" -eq 0 ]; then
  chown 65534:65534 "$tmpdir/nobody"
  as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
# What the server runs under must be the server of the test.
cat >"$tmpdir/start-as-nobody" <<END
#!/bin/bash
exec ${as_nobody[*]} prlimit --memlock=8388608:8388608 --rtprio=0:0 \
     $(command -v nbdkit) "\$@"
END
chmod +x "$tmpdir/start-as-nobody"
# nobody_nbdkit COMMAND ARGUMENT...
nobody_nbdkit ()
{
  sock=$tmpdir/nobody/sock uri="nbd+unix:///?socket=$tmpdir/nobody/sock"
  rm -f "$sock" "$tmpdir/nobody/pid"
  "$1" -f -P "$tmpdir/nobody/pid" -U "$sock" "${@:2}" \
    </dev/null >"$tmpdir/nobody.log" 2>&1 &
  pid=$!
  server_pid[nobody]=$pid
  for ((i = 0; i < 1000; i++)); do
    if [ -s "$tmpdir/nobody/pid" ]; then return 0; fi
    sleep 0.02
  done
  fail "the server of nobody does not serve"
}

say "without any privilege"
expect n n n
nobody_nbdkit "$tmpdir/start-as-nobody" \
              "$tmpdir/nobody/zramplugin.so" size=512M swap=true
check_steps "$tmpdir/nobody.log"
check_disk
stop_nbdkit nobody

# nbdkit takes the limits along when it becomes another user.
if [ "$(id -u)" -eq 0 ]; then
  say "nbdkit -u nobody"
  raises=$(capable $sys_resource && echo y || echo n)
  expect "$([ "$raises$(hard memlock)" = nunlimited ] && echo y ||
            echo "$raises")" \
         "$([ "$(hard rtprio)" != 0 ] && echo y || echo "$raises")" n
  nobody_nbdkit nbdkit -u nobody "$tmpdir/nobody/zramplugin.so" size=512M \
                swap=true
  check_steps "$tmpdir/nobody.log"
  check_disk
  stop_nbdkit nobody
fi

# warns_daemon LOG COMMAND...: start a daemon, wait until it serves, and
# compare what was said on the standard error with what is expected.
warns_daemon ()
{
  local sock=$tmpdir/nobody/daemon.sock file=$tmpdir/nobody/daemon.pid i
  rm -f "$sock" "$file"
  "$2" "--log=$1" -P "$file" -U "$sock" "${@:3}" \
    "$tmpdir/nobody/zramplugin.so" size=64M swap=true \
    </dev/null 2>"$tmpdir/daemon.log"
  for ((i = 0; i < 1000; i++)); do
    if [ -s "$file" ]; then break; fi
    sleep 0.02
  done
  daemon_pid=$(cat "$file")
  nbdsh -u "nbd+unix:///?socket=$sock" -c 'h.pread(1, 0)'
  sed -n 's/.* warning: swap=true without \([a-z]*\) (.*): .*/\1/p' \
      "$tmpdir/daemon.log" | paste -sd ' ' >"$tmpdir/warned"
  [ "$(cat "$tmpdir/warned")" = "$not_in_force" ] ||
    fail "$*: warned of: $(cat "$tmpdir/warned")"
  kill -TERM "$daemon_pid"
  for ((i = 0; i < 3000; i++)); do
    if ended "$daemon_pid"; then break; fi
    sleep 0.01
  done
  ended "$daemon_pid" || fail "the daemon still runs"
  daemon_pid=
}
# With --log=null a daemon has no standard error: what is seen was said
# before.  With the other it keeps it: nothing may be said again.
warns_terminal ()
{
  warns_daemon null "$@"
  warns_daemon stderr "$@"
}

say "what a daemon lacks is said before it goes to the background"
expect n n n
warns_terminal "$tmpdir/start-as-nobody"
if [ "$(id -u)" -eq 0 ]; then
  expect "$([ "$raises$(hard memlock)" = nunlimited ] && echo y ||
            echo "$raises")" \
         "$([ "$(hard rtprio)" != 0 ] && echo y || echo "$raises")" n
  for user in "-u nobody" "-unobody" "--user=65534"; do
    read -r -a words <<<"$user"
    warns_terminal nbdkit "${words[@]}"
  done
fi

# The daemon itself is locked, and is no larger for it than its reserve and
# 10 MiB, empty or not; and what is trimmed goes back though it is locked.
real_data "$tmpdir/data" $(($(scaled 64) * MiB))
for swap in false true; do
  say "a daemon with swap=$swap"
  sock=$tmpdir/daemon.sock uri="nbd+unix:///?socket=$sock"
  rm -f "$sock" "$tmpdir/daemon.pid"
  reserve=(swap-reserve=32M)
  [ $swap = true ] || reserve=()
  nbdkit -P "$tmpdir/daemon.pid" -U "$sock" "${plugin[@]}" size=1G \
         swap=$swap "${reserve[@]}"
  for ((i = 0; i < 1000; i++)); do
    if [ -s "$tmpdir/daemon.pid" ]; then break; fi
    sleep 0.01
  done
  pid=$(cat "$tmpdir/daemon.pid")
  daemon_pid=$pid
  look "swap = '$swap' == 'true'; locks = ' lock ' in ' $full '" <<'END'
import time
def wait_for(condition):
    for i in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never comes")
size = {}
h = nbd.NBD()
h.connect_uri("nbd+unix:///?socket=" + sock)
data = open(tmpdir + "/data", "rb").read()
def see(when):
    size[when] = smaps("Rss")
    locked = smaps("Locked")
    print("%s: %d KiB, %d locked" % (when, size[when], locked))
    # Shared pages count once for each process that has locked them.
    assert not locks or not swap or locked > size[when] * 0.7, when
    assert swap or locked == 0
see("empty")
n = 1 << 16
for at in range(0, len(data), n):
    h.pwrite(data[at:at + n], at)
if swap:
    wait_for(lambda: stats()["memory"]["ready"] >= 32 << 20)
time.sleep(1)
see("full")
d = stats()
assert d["reserve_misses"] == 0
assert d["mem_used_total"] > d["compr_data_size"] + d["swap_reserve"]
assert all(h.pread(n, at) == data[at:at + n] for at in range(0, len(data), n))
h.trim(1 << 30, 0)
if swap:
    wait_for(lambda: stats()["memory"]["ready"] <= 42 << 20)
time.sleep(1)
see("trimmed")
assert sanitized or size["full"] - size["trimmed"] > d["compr_data_size"] >> 11
with open(tmpdir + "/sizes", "a") as f:
    f.write(json.dumps(size) + "\n")
END
  kill -TERM "$pid"
  for ((i = 0; i < 3000; i++)); do
    if ended "$pid"; then break; fi
    sleep 0.01
  done
  ended "$pid" || fail "the daemon still runs"
  daemon_pid=
done
sanitized || python3 - "$tmpdir/sizes" <<'END'
import json, sys
without, swap = [json.loads(line) for line in open(sys.argv[1])]
for when in "empty", "full":
    more = swap[when] - without[when] - (32 << 10)
    print("%s: %d KiB more than without it and the reserve" % (when, more))
    assert more < 10 << 10
# Up to a quarter more than the reserve is kept when memory goes back.
assert swap["trimmed"] - without["trimmed"] < (42 << 10) + (10 << 10)
END

# No request waits for memory: no thread that serves any has a page fault,
# once it has served one.  Without swap=true there are some, or else this
# would not see any.
faults_with ()
{
  start_nbdkit -t 2 "${plugin[@]}" size=512M "$@"
  look <<'END'
import random, time
random.seed(seed)
def faults():
    n = {}
    for t in tasks():
        with open("/proc/%d/task/%d/stat" % (pid, t)) as f:
            name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
        if not name.startswith("zram-"):
            n[t] = int(rest.split()[7])
    return n
h = nbd.NBD()
h.connect_uri("nbd+unix:///?socket=" + sock)
page = [random.randbytes(700) + bytes(3396) for i in range(90)] + \
       [random.randbytes(4096) for i in range(10)]
def storm(n):
    for i in range(n):
        h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(random.choice(page))),
                     4096 * random.randrange(100000))
        h.aio_pread(nbd.Buffer(4096), 4096 * random.randrange(100000))
        while h.aio_in_flight() > 8:
            h.poll(-1)
    while h.aio_in_flight():
        h.poll(-1)
for at in range(0, 64):
    storm(20)
h.trim(1 << 28, 0)
total = 0
for i in range(10):
    time.sleep(0.1)
    before = faults()
    storm(400)
    h.trim(1 << 26, random.randrange(7) << 26)
    after = faults()
    total += sum(after[t] - before[t] for t in before)
print("%d faults" % total)
open(tmpdir + "/faults", "w").write(str(total))
END
  stop_nbdkit
  faults=$(cat "$tmpdir/faults")
}
if ! sanitized; then
  say "page faults with and without swap=true"
  faults_with
  [ "$faults" -gt 100 ] || fail "only $faults without swap=true"
  faults_with swap=true swap-reserve=64M
  [ "$faults" -eq 0 ] || fail "$faults with swap=true"
fi

# A line about a full disk is still written, though by another thread.
say "the log"
start_nbdkit "${plugin[@]}" size=512M swap=true mem-limit=16M
nbdsh -u "$uri" -c "seed = $seed" -c - <<'END'
import random
random.seed(seed)
errors = 0
for at in range(0, 64 << 20, 1 << 18):
    try:
        h.pwrite(random.randbytes(1 << 18), at)
    except nbd.Error as e:
        assert e.errno == "ENOSPC", e
        errors += 1
assert errors > 100
assert h.pread(1 << 18, 0) != bytes(1 << 18)
END
stop_nbdkit
[ "$(grep -c 'mem-limit is reached' "$tmpdir/server.log")" -eq 1 ] ||
  fail "not one line about mem-limit"
