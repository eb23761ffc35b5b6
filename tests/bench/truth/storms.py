# SPDX-License-Identifier: Apache-2.0
"""Processes that live for milliseconds: how much of their CPU time is in the profile, with what stacks.

A storm is warmed up with the same files under other names, so that the figures are those of known files; the cold one
is not. What the kernel charged to the processes (rusage, exec and loader included) and what they themselves measured
from main() on is the truth.
"""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

import builds
from profiles import Cgroup, Wick, start_gated

CHAIN = ("burn", "brief_b", "brief_a", "main")
# title, milliseconds, binaries, processes a second, linked how, warmed up
STORMS = (
    ("20 ms, 2 binaries", 20, 2, 20, "pie", True),
    ("20 ms, 2 binaries, static", 20, 2, 20, "static", True),
    ("20 ms, 50 binaries in turn", 20, 50, 20, "pie", True),
    ("20 ms, 50 binaries, each seen first here", 20, 50, 20, "pie", False),
    ("5 ms, 2 binaries", 5, 2, 50, "pie", True),
    ("5 ms, 2 binaries, static", 5, 2, 50, "static", True),
    ("1 ms (loader only), 2 binaries", 1, 2, 100, "pie", True),
)


def compile_brief(link, directory):
    code, linked = builds.LINKS[link]
    output = f"{directory}/brief-{link}"
    subprocess.run(["gcc", *builds.C_FLAGS, *code, *linked, f"{builds.HERE}/brief.c", "-o", output], check=True)
    return output


def make_binaries(brief, count, directory):
    """Copies: files of their own."""
    names = [f"{directory}/b{number:02}" for number in range(count)]
    for name in names:
        shutil.copy(brief, name)
    return names


def run_storm(options, storm, names, directory):
    _, milliseconds, binaries, per_second, _, is_warm = storm
    count = max(int(options.seconds * 100 / max(milliseconds, 2)), 2 * binaries if is_warm else binaries)
    if not is_warm:
        count = binaries
    cgroup, wick, process = Cgroup(), None, None
    try:
        tool = f"{options.directory}/storm"
        warm = []
        for name in names if is_warm else []:
            warm.append(f"{directory}/w{os.path.basename(name)}")
            os.symlink(name, warm[-1])
        with open(f"{directory}/truth.json", "w+", encoding="ascii") as output:
            script = f'{tool} {2 * len(warm)} 50 20 {" ".join(warm)} >&2 && sleep 0.3; ' if warm else ""
            script += f'exec {tool} {count} {per_second} {milliseconds} {" ".join(names)}'
            process = start_gated(["sh", "-c", script], cgroup.path, output)
            wick = Wick(options.wick, cgroup.path, directory)
            process.communicate(b"go\n")
            wick.stop()
            output.seek(0)
            return json.load(output), wick.read(), wick.period
    finally:
        if wick and wick.process.poll() is None:
            wick.process.terminate()
            wick.process.wait()
        cgroup.remove()


def score(truth, stacks, names, period):
    """Shares of the CPU time charged: sampled at all, with whole stacks; and of that in main(), with the exact chain."""
    comms = {os.path.basename(name) for name in names}
    seconds, cut = collections.Counter(), collections.Counter()
    for frames, mark, count, comm in stacks:
        if comm not in comms and comm != "storm":
            continue
        is_brief = comm in comms
        seconds["present"] += count * period * is_brief
        seconds["marked" if mark else "whole"] += count * period * is_brief
        if mark and is_brief:
            seconds[mark] += count * period
            cut[mark, frames] += count
        own = [f for f in frames if f in CHAIN]
        if own and tuple(own) == CHAIN[-len(own):] and frames.index(own[-1]) == max(i for i, f in enumerate(frames) if f in CHAIN):
            seconds["exact"] += count * period
    return {
        "processes": truth["processes"],
        "present": seconds["present"] / truth["charged_seconds"],
        "whole": seconds["whole"] / max(seconds["present"], 1e-9),
        "exact": seconds["exact"] / truth["main_seconds"] if truth["main_seconds"] else 0,
        "cut": cut,
        "marks": {m: s / seconds["present"] for m, s in seconds.items() if m.startswith("[")},
    }


def measure(report, options):
    subprocess.run(["gcc", *builds.C_FLAGS, f"{builds.HERE}/storm.c", "-o", f"{options.directory}/storm"], check=True)
    report.text()
    report.head("processes of", "how many", "CPU time sampled", "of it with whole stacks", "main's time with the exact chain", "what was cut")
    for storm in STORMS[:1] + STORMS[2:5] if options.quick else STORMS:
        with tempfile.TemporaryDirectory(prefix="storm-", dir=options.directory) as directory:
            names = make_binaries(compile_brief(storm[4], directory), storm[2], directory)
            try:
                found = score(*run_storm(options, storm, names, directory)[:2], names, 1 / 999)
            except (OSError, ValueError) as error:
                print(f"{storm[0]}: {error}", file=sys.stderr)
                continue
        marks = ", ".join(f"{m} {100 * s:.1f} %" for m, s in sorted(found["marks"].items(), key=lambda i: -i[1]))
        for (mark, frames), count in found["cut"].most_common(options.wrong):
            print(f"    {count:6} {mark} {';'.join(frames[::-1])}")
        report.row(storm[0], str(found["processes"]), f"{100 * found['present']:.1f} %", f"{100 * found['whole']:.1f} %",
                   f"{100 * found['exact']:.1f} %", marks)
