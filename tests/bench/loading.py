#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How soon unwind tables are there.

usage: loading.py WICK DIRECTORY      DIRECTORY holds the programs load, call, chain, chain-static and spawner

Prints, and judges nothing:
  first sight  milliseconds from the first sample in a library that no process had mapped before to the moment when
               the kernel side has its table, while one program is busy on each CPU
  storms       fifty programs in turn, 20 ms of CPU each: stacks without a table when they run first, and after that
  start        CPU that wick used until the first sample, and in the first second, with what was compiled in it,
               without a cache of tables and with one
"""
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TABLE = re.compile(r"unwind table of (\S+): (\d+) rows, ([\d.]+) ms after first sight \(waited ([\d.]+), (.+) in ([\d.]+), ([\d.]+) of CPU\)")
RUNS = 5


def cpu_ms(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e6


class Recording:
    def __init__(self, wick, directory, *flags):
        self.folded = f"{directory}/x.folded"
        self.log = open(f"{directory}/log", "w+", encoding="utf-8")
        self.process = subprocess.Popen([wick, "record", "-v", "--all", "-d", "60s", "-o", self.folded, *flags], stderr=self.log)
        while "sampling" not in self.text():
            time.sleep(0.005)

    def text(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.log.close()
        return TABLE.findall(self.text())


def first_sights(wick, programs, directory):
    libraries = [("libc.so.6", "rand", None)]
    for name in ("libLLVM-14.so.1", "libLLVM-15.so.1", "libLLVM-16.so.1"):
        libraries.append((name, "LLVMGetGlobalContext", name))
    paths = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True, env={"PATH": "/sbin:/usr/sbin:/usr/bin:/bin"}).stdout
    for name, function, _ in libraries:
        found = re.search(rf"^\s*{re.escape(name)} .*x86-64.* => (\S+)$", paths, re.M)
        if not found:
            continue
        figures, works = [], []
        for run in range(RUNS):
            copy = f"{directory}/{run}-{name}"
            shutil.copyfile(found[1], copy)
            recording = Recording(wick, directory, "-F", "199")
            time.sleep(0.7)
            subprocess.run([f"{programs}/call", copy, function, "400"], check=True)
            time.sleep(0.5)
            for path, _, after, _, _, _, used in recording.stop():
                if path == copy:
                    figures.append(float(after))
                    works.append(float(used))
            os.unlink(copy)
        if figures:
            print(f"  {name:18} ready {statistics.median(figures):7.1f} ms after first sight (worst {max(figures):.1f}), compiled in {statistics.median(works):.1f} ms of CPU; {len(figures)} runs")
        if name.startswith("libLLVM") and figures:
            break


def storms(wick, programs, directory):
    for i in range(50):
        os.mkdir(f"{directory}/{i}")
        shutil.copy(f"{programs}/{'chain' if i % 2 else 'chain-static'}", f"{directory}/{i}/again")
        os.symlink("again", f"{directory}/{i}/first")
    recording = Recording(wick, directory, "-F", "999")
    for name in ("first", "again"):
        for i in range(50):
            subprocess.run([f"{programs}/spawner", "0.01", f"{directory}/{i}/{name}", "20"], check=True, stdout=subprocess.DEVNULL)
    recording.stop()
    for name in ("first", "again"):
        total = pending = exact = 0
        with open(recording.folded, encoding="utf-8") as file:
            for line in file:
                stack, count = line.rsplit(" ", 1)
                if not stack.startswith(name + ";"):
                    continue
                total += int(count)
                pending += int(count) if "[unwind table pending]" in stack else 0
                exact += int(count) if ";main;a;b;c" in stack else 0
        what = "run first" if name == "first" else "known"
        print(f"  fifty programs, {what:9} {total} samples, {100 * pending / max(total, 1):.1f} % without a table, {100 * exact / max(total, 1):.1f} % with main;a;b;c")


def start(wick, directory):
    cache = f"{directory}/cache"
    for title, flags in (("without a cache", []), ("an empty cache", ["--unwind-cache", cache]), ("with the cache", ["--unwind-cache", cache])):
        until_start, after, compiled, read = [], [], [], []
        for _ in range(1 if title == "an empty cache" else RUNS):
            recording = Recording(wick, directory, *flags)
            until_start.append(cpu_ms(recording.process.pid))
            time.sleep(1)
            after.append(cpu_ms(recording.process.pid))
            tables = recording.stop()
            compiled.append(sum(float(table[6]) for table in tables if table[4].startswith("compiled")))
            read.append(sum(float(table[6]) for table in tables if table[4] == "read"))
        print(f"  {title:16} {statistics.median(until_start):5.0f} ms of CPU until it samples, {statistics.median(after):5.0f} ms after a second; "
              f"tables compiled in {statistics.median(compiled):.0f} ms, read in {statistics.median(read):.0f} ms of CPU ({len(tables)} tables)")


def main():
    wick, programs = sys.argv[1:3]
    if os.geteuid():
        sys.exit("loading.py: needs root")
    loads = [subprocess.Popen([f"{programs}/load", "600"]) for _ in range(os.cpu_count())]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with tempfile.TemporaryDirectory() as directory:
            print(f"\nunwind tables; {os.cpu_count()} CPUs, one busy program on each; load average {os.getloadavg()[0]:.1f}")
            first_sights(wick, programs, directory)
            storms(wick, programs, directory)
            start(wick, directory)
    finally:
        for process in loads:
            process.kill()


main()
