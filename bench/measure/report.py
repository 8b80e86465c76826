# nbdkit-zram: results.md.
# SPDX-License-Identifier: BSD-3-Clause
#
# Tables of what results.json holds, in the order of what a reader asks:
# where was this, what was wanted, and then every figure.

import statistics

from . import profile, speed
from .held import SLOW
from .targets import label


def table(head, rows):
    return "\n".join([
        "| " + " | ".join(head) + " |",
        "|---" + "|---:" * (len(head) - 1) + "|",
        *("| " + " | ".join(str(c) for c in row) + " |" for row in rows)])


def mib(n):
    return f"{n / (1 << 20):.1f}".removesuffix(".0")


def size_name(n):
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")):
        if n >= unit:
            return f"{n / unit:g} {name}"
    return str(n)


def hardware(m):
    return (f"{m['model']}, {m['processors']} processors"
            + (" of a virtual machine" if m["virtual"] not in (
                None, "no", "none") else "")
            + f", {m['memory'] / (1 << 30):.0f} GiB, {m['system']}, Linux "
            f"{m['kernel']}, {m['date']}")


def where(results):
    m = results["machine"]
    lines = [hardware(m) + ".", f"\n    {results['command']}\n",
             "; ".join(v for v in m["versions"].values()
                       if isinstance(v, str)) + "; the plugin: " + ", ".join(
                           f"{k} {v}" for k, v in
                           m["versions"]["plugin"].items()) + ".",
             f"\nPages: {mib(results['size'])} MiB of the memory of real "
             "processes (bench/capture); every buffer written is taken "
             "from them."]
    for name, why in results["missing"].items():
        lines.append(f"\nLeft out: {label(name)}: {why}.")
    for part, why in results["failed"].items():
        lines.append(f"\n**Failed**: {part}: {why}.")
    return "\n".join(lines)


def goals(results):
    answers = {True: "yes", False: "**no**", None: "not measured"}
    return "## What was wanted\n\n" + table(
        ["", "wanted", "reached", "holds"],
        [(g["what"], g["wanted"], g["reached"] or "", answers[g["holds"]])
         for g in results["goals"]])


# ---------------------------------------------------------------------

def speeds(results):
    part = results["speed"]
    summary = part["summary"]
    runs = [s["runs"] for s in summary]
    text = [
        "## Speed\n\nMedians of interleaved runs of "
        f"{results['seconds']} s, {min(runs)} to {max(runs)} of each. "
        "\"x\" are medians of ratios of neighbouring runs. Other work on the "
        f"machine: {statistics.median(s['others'] for s in summary):.2f} "
        "processors, taken by the hypervisor: "
        f"{statistics.median(s['stolen'] for s in summary):.2f}.\n"
        "\nKernel zram is driven through its block device by one thread a "
        "request, with O_DIRECT, since it works in the thread that asks; its "
        "CPU time is that of these threads. At depths above the number of "
        "processors they wait for a processor and not for zram: its median "
        "latency there is that of a request that was not interrupted, its "
        "99.9th percentile the scheduler's.",
        speed.tables(summary, "memory-zstd")]
    tails = [s for s in summary if "kinds_p99.9_us" in s and
             s["row"].startswith("churn")]
    if tails:
        text.append("\nMilliseconds at p99.9 while compaction runs, and what "
                    "it moved in all of this:\n\n" + table(
                        ["", "load", "read", "write", "trim", "MiB moved"],
                        [(s["target"], speed.ROWS[s["row"]][0],
                          *(f"{s['kinds_p99.9_us'][k] / 1e3:.2f}"
                            for k in ("read", "write", "trim")),
                          mib(part["moved_by_compaction"][s["target"]])
                          if s["target"] in part["moved_by_compaction"]
                          else "") for s in tails]))
    return "\n".join(text)


def memory(results):
    held = results["held"]
    if not held:
        return ""
    phases = list(next(iter(held.values()))["ends"])

    def cell(end):
        over = f" ({end['over']:+.1%})" if "over" in end else ""
        return mib(end["held"]) + over

    text = [
        "## Memory\n\nMiB held after each phase, and over the compressed "
        "bytes alone. What is counted is the growth of the resident size of "
        "the server over what it was when empty and each of its threads had "
        "had a request, with blocks of the tmpfs for servers of a file; for kernel zram mem_used_total and 32 bytes "
        "of metadata a page. Filled: once, in order. Overwritten: three "
        "times, at random, with the same corpus. Shifted: three times, at "
        "random, with pages of an ext4 image of files. Trimmed: a random "
        "half, in pages. Idle: some seconds later.\n",
        table(["", *phases],
              [(label(n), *(cell(e) for e in r["ends"].values()))
               for n, r in held.items()])]
    if SLOW in held:
        text.append("\nmemory allocator=zstd compresses 32 KiB at once, so "
                    "its compressed bytes are others, and it does not tell "
                    "them.")
    kernels = [(n, r) for n, r in held.items() if n.startswith("kernel")]
    if kernels:
        names = ("orig_data_size", "compr_data_size", "mem_used_total",
                 "same_pages", "huge_pages", "pages_compacted")
        text.append("\nmm_stat, the kernel's beside ours:\n")
        text.append(table(["", "after", *names], [
            (label(n), p, *(r["ends"][p]["statistics"][k] for k in names))
            for n, r in held.items() if "statistics" in r["ends"][phases[0]]
            for p in phases]))
    return "\n".join(text)


def codecs(results):
    part = results["codecs"]
    through = {(c["codec"], c["level"] and int(c["level"]), c["page_size"]): c
               for c in part["plugin"]}
    rows = []
    for c in part["loops"]:
        p = through.get((c["codec"], c["level"] or "", c["page_size"]))
        rows.append((
            c["codec"] + (f" {c['level']}" if c["level"] else ""),
            c["page_size"] >> 10, f"{c['ratio']:.2f}",
            f"{c['compress_us']:.2f}", f"{c['decompress_us']:.2f}",
            *((f"{p['ratio']:.2f}", f"{p['write']['mb_per_s']:.0f}",
               f"{p['read']['mb_per_s']:.0f}",
               f"{p['write']['server_us_per_op']:.1f}",
               f"{p['read']['server_us_per_op']:.1f}")
              if p else ("",) * 5)))
    return (
        "## Codecs\n\nLeft, the codecs in a loop over "
        f"{part['sample_mib']} MiB of pages in random order, one thread: the "
        "limit of what is physically possible. Right, the same through the "
        "plugin, requests of a page at depth 8 on one connection, and the "
        "ratio with all memory held, which on these "
        f"{part['plugin_range']} includes the codec's contexts.\n\n" + table(
            ["", "page KiB", "ratio", "compress us", "decompress us",
             "held ratio", "write MB/s", "read MB/s", "write server us",
             "read server us"], rows))


def ranges(results):
    r = results["ranges"]

    def ms(value):
        return f"{value:.1f}" if isinstance(value, float) else value

    text = ["## Trim and write-zeroes\n\nAll of an empty disk of 1 TiB in "
            "requests of 2 GiB, milliseconds (kernel zram would need a table "
            "of 8 GiB for it; servers of a file are left out, because one "
            "that writes its zeroes would want all of the TiB):\n",
            table(["", "trim", "write zeroes"],
                  [(label(n), ms(v["trim"]), ms(v["zero"]))
                   for n, v in r["empty"].items()]),
            "\nPages just written, us of server CPU a page of 4 KiB, by the "
            "size of the requests:\n"]
    columns = ("trim-4k", "trim-1M", "zero-4k", "zero-1M")
    text.append(table(
        ["", *(c.replace("-", " ") for c in columns)],
        [(label(n), *(f"{v[c]['server_us_per_page']:.3f}" for c in columns))
         for n, v in r["written"].items()]))
    text.append("\n## Growth\n\nRandom requests of 4 KiB, depth 32; data "
                "smaller than the disk are scattered over all of it.\n")
    text.append(table(
        ["", "disk", "data", "write server us", "read server us",
         "write k/s", "read k/s", "MiB held", "over compressed"],
        [(label(p["target"]), size_name(p["size"]), size_name(p["data"]),
          f"{p['write']['server_us_per_op']:.2f}",
          f"{p['read']['server_us_per_op']:.2f}",
          f"{p['write']['iops'] / 1e3:.1f}", f"{p['read']['iops'] / 1e3:.1f}",
          mib(p["held"]), f"{p['over']:+.1%}")
         for p in [*r["growth"]["address"],
                   *(p for p in r["growth"]["data"]
                     if p not in r["growth"]["address"])]]))
    for amount in r["growth"]["left_out"]:
        text.append(f"\n{size_name(amount)} of data are left out: this "
                    "machine has not the memory.")
    return "\n".join(text)


def traces(results):
    part = results["trace"]
    return (
        "## A file system's requests\n\nWhat ext4 asked for under a "
        "database, a tree of files that is edited, and files made of them, "
        f"asked again, one request after the other: {part['requests']} "
        f"requests, {part['pages_written']} pages written. Microseconds of "
        "the server's CPU a page written; over what it takes to copy the "
        "pages only; and pages that were never compressed.\n\n" + table(
            ["", "us a page", "over memcpy", "never compressed"],
            [(label(n), f"{v['us_per_page']:.2f}",
              "" if v["over_memcpy"] is None else f"{v['over_memcpy']:.2f}",
              "" if v["saved"] is None else
              f"{v['saved'] / part['pages_written']:.1%}")
             for n, v in part["of"].items()]))


def profiles(results):
    part = results["profile"]
    if not part:
        return ""
    return (
        "## Where the time goes\n\nMicroseconds of the server's CPU time a "
        "request, by what was executed as perf saw it: the kernel (socket, "
        "copying, waking threads; locks that have to wait), nbdkit, the "
        "codec's library, the plugin itself, and libc, whose copying and "
        "locks are the plugin's as well as nbdkit's.\n\n" + table(
            ["", "load", "all", *profile.COLUMNS],
            [(label(p["target"]), speed.ROWS[p["row"]][0],
              f"{p['server_us_per_op']:.1f}",
              *(f"{p['us'][c]:.2f}" for c in profile.COLUMNS))
             for p in part]))


def markdown(results):
    parts = [("speed", speeds), ("held", memory), ("codecs", codecs),
             ("ranges", ranges), ("trace", traces), ("profile", profiles)]
    took = results["took_seconds"]
    return "\n\n".join([
        "# nbdkit-zram, measured", where(results), goals(results),
        *(f"![{n}]({n})" for n in results["plots"]),
        *(write(results) for part, write in parts if part in results),
        f"All of it took {took // 60} min {took % 60} s."]) + "\n"
