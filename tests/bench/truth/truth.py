#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How right profiles are: programs that know where their CPU time went, seen by wick and by perf at the same time.

usage: truth.py [--quick] [--seconds N] [--no-perf] [--only TEXT] [--wrong N] [--markdown FILE] WICK DIRECTORY

Runs each program (see builds.py) in a cgroup of its own, profiled in the same seconds by wick (999 Hz), perf with frame
pointers (999 Hz) and perf with copied stacks of 64 KB (199 Hz), and scores all three alike (see score.py). Prints a table
with a line for each program, one with a line for each kind of path, and one of short processes; judges nothing.

  --quick     the ten programs that differ most, three seconds each
  --only      programs whose name contains TEXT, "storm" for the short processes; PATH,... after a colon
              restricts the paths: --only "switches gcc:jit,coroutine"
  --wrong     show so many of the most frequent wrong stacks of each profile
  --markdown  write the tables there as well
  --check     for tests: exit 1 unless nearly all stacks of wick are exact, or say that they are not
"""
import argparse
import collections
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile

import builds
import storms
from profiles import Cgroup, Perf, Wick, start_gated
from score import Score, Truth


def steal_seconds():
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def run_row(options, command, row, directory, paths):
    """One program under all profilers: {profiler: Score}, and how much of the CPU time wick has."""
    cgroup = Cgroup()
    profilers = []
    try:
        with open(f"{directory}/truth.json", "w+", encoding="ascii") as output:
            process = start_gated([*command, str(options.seconds), *paths], cgroup.path, output)
            profilers.append(Wick(options.wick, cgroup.path, directory))
            if not options.no_perf:
                profilers += [Perf("fp", process.pid, directory), Perf("dwarf", process.pid, directory)]
            charged = cgroup.seconds()
            process.stdin.write(b"go\n")
            process.stdin.flush()
            if row.deleted:
                while os.readlink(f"/proc/{process.pid}/exe") != os.path.realpath(command[0]):
                    pass
                os.unlink(command[0])
            _, error = process.communicate()
            charged = cgroup.seconds() - charged
            for profiler in profilers:
                profiler.stop()
            if process.returncode:
                raise RuntimeError(f"exit {process.returncode}: {error.decode().strip()}")
            output.seek(0)
            truth = Truth(json.load(output))
    finally:
        for profiler in profilers:
            if profiler.process.poll() is None:
                profiler.process.send_signal(signal.SIGINT)
                profiler.process.wait()
        cgroup.remove()
    # Two clocks of the kernel that have nothing to do with each other in the program: the sum of what it read
    # around each burst, and what was charged to the process.
    # Go's runtime has threads of its own.
    if not (0.85 if row.toolchain == "go" else 0.95) < truth.path_seconds / truth.process_seconds < 1.001:
        raise RuntimeError(f"the paths' {truth.path_seconds:.3f} s are not the process's {truth.process_seconds:.3f} s")
    scores = {}
    for profiler in profilers:
        stacks = profiler.read()
        scores[profiler.name] = Score(truth, [s[:3] for s in stacks if s[3] != "sh"])
        if profiler.name == "wick":
            kept = sum(s[2] for s in stacks) * profiler.period / charged
    return scores, kept


# ---- tables ---------------------------------------------------------------------------------------
class Report:
    """Tables on the terminal as they grow, and as markdown at the end."""

    def __init__(self):
        self.lines = []

    def text(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def head(self, *titles):
        self.text("| " + " | ".join(titles) + " |")
        self.text("|" + "---|" * len(titles))

    def row(self, *cells):
        self.text("| " + " | ".join(cells) + " |")


def percent(part, whole):
    """Rounded down: 100 means all."""
    if not whole:
        return "-"
    value = int(10000 * part / whole) / 100
    return "100" if part == whole else f"{value:.2f}"


def ratio_cell(score):
    return f"{score.ratio():.2f}"


def program_cells(scores, kept):
    wick = scores["wick"]
    cells = [str(wick.total), percent(wick.exact, wick.total), ratio_cell(wick), percent(wick.whole - wick.false_whole, wick.total),
             str(wick.silent), f"{kept:.3f}"]
    for name in ("perf fp", "perf dwarf"):
        if name in scores:
            score = scores[name]
            cells += [percent(score.exact, score.total), ratio_cell(score)]
        else:
            cells += ["", ""]
    return cells


def wrong_lines(name, score, limit):
    for (kind, mark, frames), count in score.wrong.most_common(limit):
        shown = ";".join(short_frames(frames[::-1]))
        yield f"    {name} {count:6} {kind} {mark} {shown}"


def short_frames(frames):
    """Runs of equal frames as one."""
    result = []
    for frame in frames:
        name, _, times = result[-1].partition("*") if result else ("", "", "")
        if name == frame:
            result[-1] = f"{name}*{int(times or 1) + 1}"
        else:
            result.append(frame)
    return result


# A file's first samples may come before its table, and then follow the frame pointer.
ALLOWED_UNMARKED, ALLOWED_CUT, ALLOWED_PENDING = 0.001, 0.003, 0.03


def broken_claims(row, score):
    """What --check does not let pass."""
    if score.total < 500:
        yield f"{row.name}: {score.total} samples are too few"
    if score.silent > max(1, ALLOWED_UNMARKED * score.total):
        yield f"{row.name}: {score.silent} of {score.total} stacks are wrong and do not say so"
    pending = score.marks["[unwind table pending]"]
    if pending > ALLOWED_PENDING * score.total:
        yield f"{row.name}: {pending} of {score.total} stacks came before their table"
    if score.cut - pending > max(1, ALLOWED_CUT * score.total):
        yield f"{row.name}: {score.cut} of {score.total} stacks are cut"
    for path in set(score.wrong_by_path) - set(score.right_by_path) - {"?"}:
        yield f"{row.name}: no exact stack of path {path}"


def print_programs(report, options, rows, totals):
    report.head("program", "samples", "exact %", "TVD/floor", "whole %", "wrong unmarked", "kept", "perf fp: exact %", "TVD/floor",
                "perf dwarf: exact %", "TVD/floor")
    absent = []
    for row in rows:
        with tempfile.TemporaryDirectory(prefix="truth-", dir=options.directory) as directory:
            command = row.build(options.directory)
            if row.absent:
                absent.append(f"{row.name}: {row.absent}")
                continue
            try:
                scores, kept = run_row(options, command, row, directory, options.paths)
            except RuntimeError as error:
                absent.append(f"{row.name}: {error}")
                continue
        report.row(row.name, *program_cells(scores, kept))
        options.broken += broken_claims(row, scores["wick"])
        for name, score in scores.items():
            for line in wrong_lines(name, score, options.wrong):
                print(line)
            for path in set(score.right_by_path) | set(score.wrong_by_path):
                right = score.right_by_path[path]
                totals[path][name].append((row.name, right, right + score.wrong_by_path[path]))
    for line in absent:
        report.text(f"\nNot run: {line}")


def print_paths(report, totals):
    """Which kinds of frames are hard: over all programs, and in the worst of them."""
    report.text()
    report.head("path", "wick: exact %", "worst program", "perf fp: exact %", "perf dwarf: exact %")
    for path in sorted(totals):
        if path in ("?", "(between)"):
            continue
        cells = []
        for name in ("wick", "perf fp", "perf dwarf"):
            seen = [s for s in totals[path][name] if s[2]]
            cells.append(percent(sum(s[1] for s in seen), sum(s[2] for s in seen)))
            if name == "wick":
                worst = min(seen, key=lambda s: s[1] / s[2], default=None)
                cells.append(f"{percent(worst[1], worst[2])} {worst[0]}" if worst and worst[1] < worst[2] else "")
        report.row(path, *cells)


def conditions(options, steal, hz_line):
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo", encoding="utf-8") if l.startswith("model name")), "?")
    kernel = ".".join(platform.release().split(".")[:2])
    return (f"{os.cpu_count()} CPUs ({cpu}), Linux {kernel}, {hz_line}, {options.seconds:g} s of CPU time a program; "
            f"{steal:.1f} s stolen by the host meanwhile.")


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("wick")
    parser.add_argument("directory")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--no-perf", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--wrong", type=int, default=0)
    parser.add_argument("--markdown")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    options.seconds = options.seconds or (3 if options.quick else 10)
    options.only, _, paths = options.only.partition(":")
    options.broken = []
    options.paths = [paths] if paths else []
    os.makedirs(options.directory, exist_ok=True)
    options.directory = os.path.realpath(options.directory)
    return options


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if os.geteuid():
        sys.exit("truth.py: needs root")
    rows = [row for row in builds.rows() if options.only in row.name and (row.quick or not options.quick or options.only)]
    report, totals = Report(), collections.defaultdict(lambda: collections.defaultdict(list))
    steal = steal_seconds()
    if rows:
        print_programs(report, options, rows, totals)
        print_paths(report, totals)
    if re.search(options.only or "storm", "storms"):
        storms.measure(report, options)
    perf = subprocess.run(["perf", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    report.text()
    report.text(conditions(options, steal_seconds() - steal, f"wick and {perf} in the same seconds"))
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write("\n".join(report.lines) + "\n")
    if options.check:
        print(*options.broken, sep="\n")
        sys.exit(bool(options.broken) or not any(not row.absent for row in rows))


if __name__ == "__main__":
    main()
