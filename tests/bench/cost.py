#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What sampling costs: wick beside perf, in the same seconds, on the same load.

usage: cost.py WICK LOAD [SECONDS]

For each rate both profilers record the whole machine at once while one LOAD program per CPU is
busy with a chain of 30 functions. Prints, and judges nothing:
  BPF        time in the sampler's program per run, and its share of the machine
  CPU        of the profiler's process while it samples, and for its whole run, names included
  PSS, maps  memory of the process at the end of sampling, and of its BPF maps
  start      from exec to the first sample in the window, and CPU used until then
Machines are noisy: compare within a row, and repeat before believing a small difference.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

STATS = "/proc/sys/kernel/bpf_stats_enabled"


def cpu_seconds(pid):
    """CPU time of all threads of a process so far, from the scheduler's nanoseconds."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def pss_mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def bpftool(*words):
    path = subprocess.run(["deploy/packages.sh", "bpftool"], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run([path, "-j", *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def tick_program(pid):
    """The sampler's program among those that the process holds open."""
    ids = set()
    for number in os.listdir(f"/proc/{pid}/fdinfo"):
        with open(f"/proc/{pid}/fdinfo/{number}") as file:
            ids |= {int(line.split()[1]) for line in file if line.startswith("prog_id:")}
    return next(p for p in bpftool("prog", "show") if p["id"] in ids and p.get("name") == "on_tick")


def map_mib(program):
    ids = set(program.get("map_ids", []))
    return sum(m.get("bytes_memlock", 0) for m in bpftool("map", "show") if m["id"] in ids) / 2**20


def start_wick(wick, rate, seconds, directory):
    return subprocess.Popen(
        [wick, "record", "--all", "-F", str(rate), "-d", str(seconds), "-o", f"{directory}/wick.pb.gz"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def start_perf(rate, seconds, directory):
    return subprocess.Popen(
        ["perf", "record", "-q", "-a", "-e", "cpu-clock", "-F", str(rate), "-g",
         "-o", f"{directory}/perf.data", "--", "sleep", str(seconds)],
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def total_cpu(process):
    """Waits, and returns the CPU seconds of its whole life, children included."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def measure(wick, rate, seconds, directory):
    wick_process = start_wick(wick, rate, seconds, directory)
    perf_process = start_perf(rate, seconds, directory)
    time.sleep(2)
    program = tick_program(wick_process.pid)
    first = {"wick": cpu_seconds(wick_process.pid), "perf": cpu_seconds(perf_process.pid)}
    time.sleep(seconds - 4)
    again = tick_program(wick_process.pid)
    row = {
        "runs": again["run_cnt"] - program["run_cnt"],
        "ns": again["run_time_ns"] - program["run_time_ns"],
        "window": seconds - 4,
        "maps": map_mib(again),
    }
    for name, process in (("wick", wick_process), ("perf", perf_process)):
        row[name] = {"sampling": cpu_seconds(process.pid) - first[name], "pss": pss_mib(process.pid)}
    row["wick"]["whole"] = total_cpu(wick_process)
    row["perf"]["whole"] = total_cpu(perf_process)
    row["quality"] = wick_process.stderr.read().strip().splitlines()[-1]
    return row


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if theirs else "-"


def print_row(rate, row):
    wick, perf = row["wick"], row["perf"]
    minute = 60 / row["window"]
    print(f"\n{rate} Hz, {row['window']} s window, {row['runs']} samples")
    print(f"  BPF per sample          {row['ns'] / max(row['runs'], 1) / 1000:8.2f} us"
          f"   {100 * row['ns'] / 1e9 / row['window'] / os.cpu_count():.3f} % of the machine")
    for title, key, scale in (("CPU while sampling, s/min", "sampling", minute), ("CPU of the whole run, s", "whole", 1), ("PSS, MiB", "pss", 1)):
        ours, theirs = wick[key] * scale, perf[key] * scale
        print(f"  {title:24} wick {ours:7.3f}   perf {theirs:7.3f}   wick/perf {ratio(ours, theirs)}")
    print(f"  BPF maps, MiB            wick {row['maps']:7.3f}")
    print(f"  {row['quality']}")


def measure_start(wick, directory):
    """The shortest recording that has a sample: all of it, from exec to the file."""
    figures = []
    for _ in range(5):
        begin = time.monotonic()
        process = subprocess.Popen([wick, "record", "--all", "-v", "-d", "50ms", "-F", "999", "-o", f"{directory}/start.pb.gz"],
                                   stderr=subprocess.PIPE, text=True)
        first = None
        for line in process.stderr:
            if "first sample" in line and first is None:
                first = (time.monotonic() - begin, cpu_seconds(process.pid))
        process.wait()
        if first:
            figures.append(first)
    figures.sort()
    if figures:
        wall, cpu = figures[len(figures) // 2]
        print(f"\nstart, median of {len(figures)}: first sample after {wall:.3f} s and {cpu:.2f} s of CPU")


def main():
    wick, load = sys.argv[1:3]
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 24
    if os.geteuid():
        sys.exit("cost.py: needs root")
    with open(STATS) as file:
        stats_before = file.read()
    loads = [subprocess.Popen([load, "600"]) for _ in range(os.cpu_count())]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with open(STATS, "w") as file:
            file.write("1")
        print(f"{os.uname().release}, {os.cpu_count()} CPUs, one busy program on each; "
              f"{subprocess.run(['perf', '--version'], capture_output=True, text=True, check=False).stdout.strip()}")
        with tempfile.TemporaryDirectory() as directory:
            measure_start(wick, directory)
            for rate in (19, 99):
                print_row(rate, measure(wick, rate, seconds, directory))
    finally:
        for process in loads:
            process.kill()
        with open(STATS, "w") as file:
            file.write(stats_before)


main()
