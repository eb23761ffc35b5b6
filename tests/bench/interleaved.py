#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time that a tick takes in the kernel: wick beside another build, or another profiler.

usage: interleaved.py WICK BUSY2

Environment:
  BENCH_AGAINST       other wick binaries, separated by ":"
  BENCH_PEER          a command line that starts another profiler, at the same rate
  BENCH_PEER_PROGRAM  name of its perf_event program (native_tracer_entry)
  BENCH_RATE, BENCH_ROUNDS, BENCH_SLICES   19 samples a second, 10 rounds of 5 slices of a second
  BENCH_SHARE         slices in which the load had less of the machine are left out (90 %)
  BENCH_NICE          how all that runs here competes with the rest of the machine (-10)

Everyone samples the whole machine at once, and every second the kernel's statistics of each
program are read (bpf_stats_enabled): same load, same windows. Turns of a second each would not
do, since a profiler that is stopped still has its timer run its program, and one that is started
again has empty tables. A machine's speed drifts twofold within a minute, so the ratio is taken
slice by slice, and its median is what counts. A tick that follows another profiler's within a
few milliseconds finds the sampled process's pages in the cache; so every wick is started anew in
each round, in another order and at a random moment: who follows whom is left to chance.

What is counted is the whole program with all that it calls; a program that goes on by tail calls is
counted by the kernel in the one that was entered. The load is busy2: a C++ program 35 frames
deep, without frame pointers, and a Python one. Prints, and judges nothing.
"""
import json
import os
import random
import shlex
import signal
import statistics
import subprocess
import sys
import time

STATS = "/proc/sys/kernel/bpf_stats_enabled"
HERE = os.path.dirname(os.path.abspath(__file__))


class Profiler:
    """A profiler that runs, and its program's statistics as the kernel shows them."""

    def __init__(self, name, command, program):
        self.name, self.program = name, program
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.info = None
        self.at = (0, 0)

    def find(self, names):
        """Looks for the program among the descriptors of the process; a program's own says its id."""
        if self.info:
            return True
        directory = f"/proc/{self.process.pid}/fdinfo"
        for number in os.listdir(directory):
            path = f"{directory}/{number}"
            fields = read_fields(path)
            if "run_cnt" in fields and names.get(int(fields["prog_id"])) == self.program:
                self.info = path
                self.step()
                return True
        return False

    def step(self):
        """Runs of the program since the last step, and nanoseconds."""
        fields = read_fields(self.info)
        before, self.at = self.at, (int(fields["run_cnt"]), int(fields["run_time_ns"]))
        return self.at[0] - before[0], self.at[1] - before[1]

    def stop(self):
        """Ends it; the last line it has said."""
        self.process.send_signal(signal.SIGINT)
        try:
            said = self.process.communicate(timeout=20)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            said = self.process.communicate()[1]
        return (said.strip().splitlines() or [""])[-1]


def read_fields(path):
    try:
        with open(path) as file:
            return dict(line.split(":", 1) for line in file if ":" in line)
    except FileNotFoundError:
        return {}


def program_names():
    path = subprocess.run(["deploy/packages.sh", "bpftool"], capture_output=True, text=True, check=True).stdout.strip()
    shown = subprocess.run([path, "-j", "prog", "show"], capture_output=True, text=True, check=True).stdout
    return {program["id"]: program.get("name") for program in json.loads(shown)}


def wait_for_all(profilers):
    deadline = time.monotonic() + 60
    while waiting := [p for p in profilers if not p.find(program_names())]:
        if time.monotonic() > deadline or waiting[0].process.poll() is not None:
            sys.exit(f"interleaved.py: no program {waiting[0].program} of {waiting[0].name}")
        time.sleep(0.5)


def start_wicks(wicks, rate):
    """In any order, at any moment of a period; returned in the order given."""
    started = {}
    for path in random.sample(wicks, len(wicks)):
        time.sleep(random.random() / rate)
        command = [path, "record", "--all", "-F", str(rate), "-d", "1h", "-o", "/dev/null", "--format", "pprof"]
        started[path] = Profiler(path, command, "on_tick")
    return [started[path] for path in wicks]


def start_peer():
    """A list of one, or of none."""
    command = os.environ.get("BENCH_PEER")
    if not command:
        return []
    peer = Profiler("peer", shlex.split(command), os.environ.get("BENCH_PEER_PROGRAM", "native_tracer_entry"))
    wait_for_all([peer])
    time.sleep(5)  # it has its tables
    return [peer]


class Load:
    """The two programs of busy2, and how much of the machine they get."""

    def __init__(self, program):
        commands = ([program], [sys.executable, f"{HERE}/busy2.py"])
        self.processes = [subprocess.Popen([*command, "3600"]) for command in commands]
        self.used, self.when = 0.0, 0.0

    def step(self):
        """Share of the machine since the last step."""
        used, when = 0.0, time.monotonic()
        for process in self.processes:
            with open(f"/proc/{process.pid}/schedstat") as file:
                used += int(file.read().split()[0]) / 1e9
        share = (used - self.used) / (when - self.when) / os.cpu_count()
        self.used, self.when = used, when
        return share

    def stop(self):
        for process in self.processes:
            process.kill()


def measure_round(wicks, rate, slices, peers, load):
    """For each slice runs and nanoseconds of each profiler and the load's share; and what the wicks said at their end."""
    profilers = start_wicks(wicks, rate)
    try:
        wait_for_all(profilers)
        time.sleep(1)  # tables loaded
        for part in profilers + peers + [load]:
            part.step()
        times = []
        for _ in range(slices):
            time.sleep(1)
            times.append(([profiler.step() for profiler in profilers + peers], load.step()))
    finally:
        last_words = [profiler.stop() for profiler in profilers]
    return times, last_words


def quartiles(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{low:8.2f} {middle:8.2f} {high:8.2f}"


def report(names, slices, least_share):
    whole = [row for row, share in slices if share >= least_share and all(runs for runs, _ in row)]
    shares = sorted(share for _, share in slices)
    print(f"{len(whole)} slices of a second of {len(slices)}, the load had {100 * shares[0]:.0f} to {100 * shares[-1]:.0f} % of the machine")
    if len(whole) < 2:
        return
    print("microseconds a run: quartiles over slices, and mean of all")
    for i, name in enumerate(names):
        micros = [row[i][1] / row[i][0] / 1000 for row in whole]
        runs = sum(row[i][0] for row in whole)
        mean = sum(row[i][1] for row in whole) / runs / 1000
        print(f"  {quartiles(micros)}   mean {mean:6.2f}   {runs} runs   {name}")
    for i, name in enumerate(names[1:], 1):
        ratios = [row[0][1] / row[0][0] / (row[i][1] / row[i][0]) for row in whole]
        print(f"  {quartiles(ratios)}   ratio of {names[0]} to {name}")


def take_precedence(nice):
    """Before whatever else this machine does; where sessions compete, and not processes, this one too."""
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    if os.path.exists("/proc/self/autogroup"):
        if os.getpid() != os.getpgrp():
            os.setsid()
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(nice))


def measure(wicks, load, settings):
    peers = start_peer()
    slices, last_words = [], []
    try:
        for _ in range(settings["ROUNDS"]):
            more, last_words = measure_round(wicks, settings["RATE"], settings["SLICES"], peers, load)
            slices += more
    finally:
        for peer in peers:
            peer.stop()
    report(wicks + [peer.name for peer in peers], slices, settings["SHARE"] / 100)
    for path, words in zip(wicks, last_words):
        print(f"  {path}: {words}")


def main():
    wick, program = sys.argv[1:3]
    wicks = [wick] + [path for path in os.environ.get("BENCH_AGAINST", "").split(":") if path]
    settings = {key: int(os.environ.get(f"BENCH_{key}", default))
                for key, default in (("RATE", 19), ("ROUNDS", 10), ("SLICES", 5), ("SHARE", 90), ("NICE", -10))}
    if os.geteuid():
        sys.exit("interleaved.py: needs root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with open(STATS) as file:
        stats_before = file.read()
    take_precedence(settings["NICE"])
    load = Load(program)
    try:
        with open(STATS, "w") as file:
            file.write("1")
        print(f"{os.uname().release}, {os.cpu_count()} CPUs, busy2, {settings['RATE']} Hz", flush=True)
        measure(wicks, load, settings)
    finally:
        load.stop()
        with open(STATS, "w") as file:
            file.write(stats_before)


main()
