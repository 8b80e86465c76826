# nbdkit-zram: the disks that are measured beside each other.
# SPDX-License-Identifier: BSD-3-Clause
#
# One table says how each is started; a class a way of serving says how its
# memory is counted.  Whatever cannot be run here is named with the reason,
# so that a table without a peer says why.

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

from . import machine

PAGE = 4096
KERNEL_METADATA = 32            # bytes a page of the disk, beside zsmalloc


class Trouble(Exception):
    """A disk that does not do what it is asked."""


# ---------------------------------------------------------------------
# An NBD export, read whole: enough of a client for that.

def receive(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise Trouble("the server ended the connection")
        data += part
    return data


def connect(s, path, name):
    """Ready for requests; the size of the export."""
    s.settimeout(20)
    s.connect(path)
    receive(s, 18)
    s.sendall(struct.pack(">IQIII", 3, 0x49484156454f5054, 7,
                          len(name) + 6, len(name)) +
              name.encode() + b"\0\0")
    size, kind = 0, 3
    while kind != 1:
        _, _, kind, length = struct.unpack(">QIII", receive(s, 20))
        data = receive(s, length)
        if kind >> 31:
            raise Trouble(f"the export {name} is refused")
        if kind == 3 and data[:2] == b"\0\0":
            size = struct.unpack(">Q", data[2:10])[0]
    return size


def read_export(path, name):
    with socket.socket(socket.AF_UNIX) as s:
        size = connect(s, path, name)
        s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 0, 0, size))
        receive(s, 16)
        return receive(s, size)


# ---------------------------------------------------------------------
# What all of them do.

class Target:
    memory_of = "resident size"

    def __init__(self, bench, name, size, label="", options=(), cpus=None):
        self.bench, self.name, self.size = bench, name, size
        self.options, self.cpus = list(options), cpus
        self.spec = TARGETS[name]
        self.base = 0
        self.path = os.path.join(bench.scratch, name + label)

    def start(self):
        """Serve; what it holds from here on is the disk's."""
        self.serve()
        self.warm_up()
        self.base = self.held() - self.spec.get("preallocated", 0) * self.size
        return self

    def warm_up(self):
        """Let every thread of a server have had a request, and so a buffer:
        reads of nothing."""

    def where(self):
        """How load reaches it."""
        return ["--socket", self.path, "--server-pid", str(self.pid)]

    def load(self, *options, corpus=None, timeout=None):
        command = [self.bench.built("load"), *self.where(), *options]
        if corpus is not False:
            command += ["--corpus", corpus or self.bench.corpus]
        if self.spec.get("empty"):
            command.append("--allow-zeroes")
        try:
            r = subprocess.run(pinned(self.bench.client_cpus, command),
                               text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Trouble(f"{self.name}: more than {timeout} s for " +
                          " ".join(options))
        if r.returncode != 0:
            raise Trouble(f"{self.name}: {r.stderr.strip()}: " +
                          " ".join(command))
        return json.loads(r.stdout)

    def fill(self, *options):
        return self.load("--fill", "--count", "1", *options)

    def grown(self):
        """Bytes held for the disk."""
        return self.held() - self.base

    def statistics(self):
        """What it says of itself: nothing, mostly."""
        return {}


def pinned(cpus, command):
    return (["taskset", "-c", cpus] if cpus else []) + command


def resident(pid):
    """Bytes of a process and its children."""
    total = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            for line in f:
                if line.startswith("Rss:"):
                    total = int(line.split()[1]) << 10
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                total += sum(resident(int(c)) for c in f.read().split())
    except (OSError, ValueError):
        pass
    return total


# ---------------------------------------------------------------------
# Servers.

class Server(Target):
    pid = None
    export = ""

    def command(self):
        return [self.bench.built(w) if w.endswith(".so") else
                w.replace("SOCKET", self.path).replace("SIZE", str(self.size))
                for w in self.spec["command"]] + self.options

    def serve(self):
        self.log = open(self.path + ".log", "w+")
        self.process = subprocess.Popen(
            pinned(self.cpus or self.bench.server_cpus, self.command()),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=machine.end_with_parent)
        self.pid = self.process.pid
        self.wait()

    def warm_up(self):
        self.load("--op", "read", "--block", "128k", "--count", "512",
                  "--range", "64M", "--allow-zeroes", corpus=False)

    def alive(self):
        return self.process.poll() is None

    def wait(self):
        for _ in range(500):
            if not self.alive():
                break
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(self.path)
                return
            except OSError:
                time.sleep(0.02)
        self.log.seek(0)
        raise Trouble(f"{self.name} does not serve: {self.log.read()}")

    def stop(self):
        if not self.pid:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.pid = None
        if os.path.exists(self.path):
            os.unlink(self.path)

    def held(self):
        return resident(self.pid)


class Ours(Server):
    def statistics(self):
        text = read_export(self.path, "zram0/stats.json").decode()
        return json.loads(text.rstrip("\0 \n"))

    def compressed(self):
        mm_stat = read_export(self.path, "zram0/mm_stat").split()
        return int(mm_stat[1])


class OnTmpfs(Server):
    """The data are a file's: blocks of the tmpfs, beside the process."""
    memory_of = "blocks of the tmpfs and resident size"

    def serve(self):
        self.file = os.path.join(self.bench.tmpfs, os.path.basename(self.path))
        with open(self.file, "w") as f:
            f.truncate(self.size)
        super().serve()

    def command(self):
        return [w.replace("FILE", self.file) for w in super().command()]

    def held(self):
        return super().held() + os.stat(self.file).st_blocks * 512

    def stop(self):
        super().stop()
        if os.path.exists(self.file):
            os.unlink(self.file)


class NbdServer(OnTmpfs):
    """Makes a daemon of itself, and listens on a port whatever one says."""

    def command(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        with open(self.path + ".conf", "w") as f:
            f.write(f"[generic]\nunixsock = {self.path}\n"
                    f"listenaddr = 127.0.0.1\nport = {port}\n"
                    f"[disk]\nexportname = {self.file}\n"
                    "flush = true\ntrim = true\n")
        return super().command()

    def where(self):
        return super().where() + ["--export", "disk"]

    def serve(self):
        super().serve()
        # The first client may come before the file is written.
        for _ in range(100):
            with open(self.path + ".pid") as f:
                text = f.read().strip()
            if text:
                break
            time.sleep(0.02)
        self.process.wait(10)
        self.pid = int(text)

    def alive(self):
        return self.process.poll() in (None, 0)

    def stop(self):
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGTERM)
            except OSError:
                pass
        super().stop()


# ---------------------------------------------------------------------
# The kernel's zram.

CONTROL = "/sys/class/zram-control/"


class Kernel(Target):
    memory_of = "mem_used_total and 32 bytes a page"
    number = None

    def sys(self, name):
        return f"/sys/block/zram{self.number}/{name}"

    def put(self, name, value):
        with open(self.sys(name), "w") as f:
            f.write(str(value))

    def serve(self):
        with open(CONTROL + "hot_add") as f:
            self.number = int(f.read())
        # For the janitor, if nobody else removes it.
        with open(os.path.join(self.bench.scratch, "zram"), "a") as f:
            f.write(f"{self.number}\n")
        self.put("comp_algorithm", self.spec["algorithm"])
        self.put("disksize", self.size)
        self.device = f"/dev/zram{self.number}"
        with open(self.sys("dev")) as f:
            major, minor = map(int, f.read().split(":"))
        if not os.path.exists(self.device):
            self.device = self.path
            os.mknod(self.device, 0o600 | 0o060000, os.makedev(major, minor))

    def where(self):
        return ["--device", self.device]

    def statistics(self):
        names = ("orig_data_size", "compr_data_size", "mem_used_total",
                 "mem_limit", "mem_used_max", "same_pages",
                 "pages_compacted", "huge_pages", "huge_pages_since")
        with open(self.sys("mm_stat")) as f:
            return dict(zip(names, map(int, f.read().split())))

    def held(self):
        return self.statistics()["mem_used_total"]

    def grown(self):
        return self.held() + self.size // PAGE * KERNEL_METADATA

    def compressed(self):
        return self.statistics()["compr_data_size"]

    def compact(self):
        self.put("compact", 1)

    def stop(self):
        if self.number is None:
            return
        for _ in range(50):
            try:
                with open(CONTROL + "hot_remove", "w") as f:
                    f.write(str(self.number))
                break
            except OSError:
                time.sleep(0.1)
        self.number = None


# ---------------------------------------------------------------------
# The table.

NBDKIT = ["nbdkit", "-f", "-U", "SOCKET"]


OURS = NBDKIT + ["zramplugin.so", "size=SIZE"]


def ours(algo, *more):
    return {"class": Ours, "yardstick": "yardstick-" + algo,
            "command": OURS + ["algo=" + algo, *more]}


def yardstick(algo):
    return {"class": Server, "command": NBDKIT + ["yardstick.so", "size=SIZE",
                                                  "algo=" + algo]}


def models(algo):
    """One way and the other, whatever nbdkit is there."""
    return {f"zram-{algo}-{name}": ours(algo, "parallel=" + value)
            for name, value in (("serialized", "off"), ("parallel", "on"))}


def before(algo):
    """The same disk of an older build: see --before."""
    return {"class": Ours, "yardstick": "yardstick-" + algo, "command":
            NBDKIT + ["before.so", "size=SIZE", "algo=" + algo]}


def memory(allocator):
    return {"class": Server, "command": NBDKIT + ["memory", "size=SIZE",
                                                  "allocator=" + allocator]}


def kernel(algorithm):
    return {"class": Kernel, "algorithm": algorithm}


TARGETS = {
    "zram": {"class": Ours, "command": OURS},
    "zram-lz4": ours("lz4"),
    "zram-zstd": ours("zstd"),
    "zram-zstd-plain": ours("zstd", "dictionary=off"),
    "zram-lzo": ours("lzo"),
    "zram-lz4-prompt": ours("lz4", "late=off"),
    **models("lz4"),
    **models("zstd"),
    "before-lz4": before("lz4"),
    "before-zstd": before("zstd"),
    "memory-zstd": memory("zstd"),
    "memory-sparse": memory("sparse"),
    "memory-malloc": dict(memory("malloc"), preallocated=1),
    "nbd-server": {"class": NbdServer, "command": [
        "nbd-server", "-C", "SOCKET.conf", "-p", "SOCKET.pid"]},
    "qemu-nbd": {"class": OnTmpfs, "command": [
        "qemu-nbd", "-k", "SOCKET", "-f", "raw", "-t", "-e", "0", "-x", "",
        "--discard=unmap", "--cache=writeback", "--aio=threads", "FILE"]},
    "kernel-lz4": kernel("lz4"),
    "kernel-lzo-rle": kernel("lzo-rle"),
    "yardstick-lz4": yardstick("lz4"),
    "yardstick-zstd": yardstick("zstd"),
    "yardstick-lzo": yardstick("lzo"),
    "yardstick-none": yardstick("none"),
    "null": {"class": Server, "empty": True,
             "command": NBDKIT + ["null", "size=SIZE"]},
}
MEANING = {
    "memory-zstd": "nbdkit memory allocator=zstd",
    "memory-sparse": "nbdkit memory",
    "memory-malloc": "nbdkit memory allocator=malloc",
    "nbd-server": "nbd-server, a file on a tmpfs",
    "qemu-nbd": "qemu-nbd, a raw file on a tmpfs",
    "kernel-lz4": "kernel zram lz4, no socket",
    "kernel-lzo-rle": "kernel zram lzo-rle, no socket",
    "yardstick-lz4": "lz4 in a plugin and nothing else",
    "yardstick-zstd": "zstd in a plugin and nothing else",
    "yardstick-lzo": "lzo in a plugin and nothing else",
    "yardstick-none": "memcpy in a plugin and nothing else",
    "null": "nbdkit null: no data at all",
}


def label(name):
    """What a table or plot calls it."""
    return MEANING.get(name, name.replace("zram-", "nbdkit-zram "))


def why_not(bench, name):
    """Why a target cannot be run here; None if it can."""
    spec = TARGETS[name]
    cls = spec["class"]
    if "before.so" in spec.get("command", ()) and not bench.before:
        return "no plugin of before was named: see --before"
    if cls is Kernel:
        return why_no_kernel(spec["algorithm"])
    if not shutil.which(spec["command"][0]):
        return f"{spec['command'][0]} is not installed"
    if issubclass(cls, OnTmpfs) and not bench.tmpfs:
        return bench.no_tmpfs
    return None


def why_no_kernel(algorithm):
    if not os.path.exists(CONTROL + "hot_add"):
        return "the kernel has no zram (modprobe zram)"
    if os.geteuid() != 0 or not os.access(CONTROL + "hot_add", os.R_OK):
        return "only root may make zram devices"
    devices = [d for d in os.listdir("/sys/block")
               if re.fullmatch(r"zram\d+", d)]
    if devices:
        with open(f"/sys/block/{devices[0]}/comp_algorithm") as f:
            if algorithm not in f.read().replace("[", " ").replace(
                    "]", " ").split():
                return f"the kernel's zram has no {algorithm}"
    return None


def make(bench, name, size, **more):
    return TARGETS[name]["class"](bench, name, size, **more)
