# nbdkit-zram: the machine that measures.
# SPDX-License-Identifier: BSD-3-Clause
#
# A run starts a dozen servers, mounts a tmpfs and makes zram devices, and
# must leave none of them behind, whatever happens to it.  So it runs in
# namespaces of its own, which the kernel takes away with their first
# process, and a janitor outside waits for its end and does the rest.

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_PDEATHSIG = 1

# Reads until its input ends, which is when nobody is left that could need
# what it removes.
JANITOR = """
trap '' INT TERM HUP
cat >/dev/null
for n in $(cat "$1/zram" 2>/dev/null); do
  for try in 1 2 3 4 5 6 7 8 9 10; do
    if echo "$n" 2>/dev/null >/sys/class/zram-control/hot_remove; then
      break
    fi
    sleep 1
  done
done
rm -rf "$1"
"""


def die(message):
    sys.exit(f"bench: {message}")


def say(message):
    print(f"bench: {message}", file=sys.stderr, flush=True)


# ---------------------------------------------------------------------
# A place of our own.

def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def on_signal(number, frame):
    sys.exit(128 + number)


def catch_signals():
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(s, on_signal)


def namespaces():
    """The command to go through, or nothing where that is not allowed."""
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child",
               "--mount-proc"]
    if os.geteuid() != 0:
        command.append("--map-root-user")
    r = subprocess.run(command + ["true"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return command if r.returncode == 0 else []


def run_inside(command):
    """Run a command, which gets "--scratch DIR" added, in namespaces, and
    clean up after it.  Its exit status."""
    scratch = tempfile.mkdtemp(prefix="zram-bench.")
    janitor = subprocess.Popen(["sh", "-c", JANITOR, "janitor", scratch],
                               stdin=subprocess.PIPE, start_new_session=True)
    inside = namespaces()
    if not inside:
        say("no namespaces here: peers that need a tmpfs are left out")
    child = None
    try:
        catch_signals()
        child = subprocess.Popen([*inside, *command, "--scratch", scratch],
                                 preexec_fn=end_with_parent)
        return child.wait()
    finally:
        if child and child.poll() is None:
            child.kill()
            child.wait()
        janitor.stdin.close()
        janitor.wait()


def mount_tmpfs(scratch):
    """A tmpfs that no one else sees: its directory, or why there is none."""
    if os.getpid() > 2:
        return None, "no mount namespace of its own is allowed here"
    path = os.path.join(scratch, "tmpfs")
    os.mkdir(path)
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g", "bench",
                        path], text=True, stderr=subprocess.PIPE)
    if r.returncode != 0:
        return None, "no tmpfs can be mounted: " + r.stderr.strip()
    return path, None


# ---------------------------------------------------------------------
# What the machine does.

def busy():
    """Seconds that all processors were busy, and were taken from us."""
    with open("/proc/stat") as f:
        t = [int(n) / os.sysconf("SC_CLK_TCK")
             for n in f.readline().split()[1:]]
    return t[0] + t[1] + t[2] + t[5] + t[6], t[7]


def memory_available():
    with open("/proc/meminfo") as f:
        for line in f:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return 0


# ---------------------------------------------------------------------
# What the machine is.

def output(*command):
    """The first line that a command prints, or nothing."""
    if not shutil.which(command[0]):
        return None
    r = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = r.stdout.strip().splitlines()
    return lines[0] if lines else None


def first_line(path, key):
    with open(path) as f:
        for line in f:
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return None


def system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return None


def plugin_says(plugin):
    """Its version, and those of the codecs it was built with."""
    r = subprocess.run(["nbdkit", "--dump-plugin", plugin], text=True,
                       stdout=subprocess.PIPE)
    pairs = dict(line.partition("=")[::2] for line in r.stdout.splitlines())
    found = {"version": pairs.get("version")}
    for codec in pairs.get("zram_codecs", "").split():
        found[codec] = pairs.get("zram_codec_" + codec)
    return found


def describe(plugin):
    return {
        "model": first_line("/proc/cpuinfo", "model name") or "?",
        "processors": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "virtual": output("systemd-detect-virt") or
        ("yes" if "hypervisor" in (first_line("/proc/cpuinfo", "flags")
                                   or "").split() else "no"),
        "system": system(),
        "kernel": platform.release(),
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC",
        "versions": {
            "nbdkit": output("nbdkit", "--version"),
            "nbd-server": output("nbd-server", "-V"),
            "qemu-nbd": output("qemu-nbd", "--version"),
            "gnuplot": output("gnuplot", "--version"),
            "plugin": plugin_says(plugin),
        },
    }
