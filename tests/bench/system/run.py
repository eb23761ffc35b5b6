#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many stacks of real programs are whole: every installed program of loads/, one after the other.

usage: run.py WICK REAPER [-s SECONDS] [-F HZ] [-v] [PROGRAM...]

For each program, samples of the threads that are its own, the share of them that is whole, and
that of each mark which ends the others; and how much of the CPU time of all processes of the
load the samples explain. -v adds what stands beside the marks, and the roots of whole stacks. Prints, and judges nothing.

A file in loads/ says in its head what it needs and which threads (by name) are the program's, and has
run SECONDS and, if something is to be made before, prepare; both run in an empty directory.
"""
import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SHELL = '. "$(dirname "$0")/loads/$1.sh"; if [ "$2" = run ] || command -v prepare >/dev/null; then "$2" "$3"; fi'
MARKS = ("[no unwind info]", "[unwind table pending]", "[truncated]", "[unreadable stack]", "[32-bit code]")
NOT_INSTALLED = 77
# Where PostgreSQL and others install what is not for everyone's PATH.
os.environ["PATH"] += ":/usr/sbin:/sbin" + "".join(f":{path}" for path in pathlib.Path("/").glob("usr/lib/postgresql/*/bin"))


def head(name, field):
    found = re.search(rf"^# {field}: (.*)$", (HERE / "loads" / f"{name}.sh").read_text(), re.M)
    return found[1] if found else ""


def shell(name, verb, seconds):
    return ["sh", "-c", SHELL, str(HERE / "run.py"), name, verb, str(seconds)]


def read_folded(path):
    """Lines as (thread name, frames, count)."""
    for line in path.read_text(errors="replace").splitlines():
        stack, count = line.rsplit(" ", 1)
        frames = stack.split(";")
        yield frames[0], frames[1:], int(count)


def record(name, arguments, work):
    """(folded stacks, CPU seconds of the load), or None if it cannot run here."""
    quiet = {"cwd": work / "load", "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    (work / "load").mkdir(mode=0o755)
    with open(work / "log", "wb") as log:
        done = subprocess.run(shell(name, "prepare", 0), stderr=log, **quiet, check=False)
        if done.returncode:
            return None
        command = [arguments.wick, "record", "-F", arguments.frequency, "-o", work / "folded", "--format", "folded", "--"]
        command += [arguments.reaper, work / "cpu", *shell(name, "run", arguments.seconds)]
        subprocess.run(command, stderr=log, **quiet, check=False, timeout=arguments.seconds * 10 + 120)
    return list(read_folded(work / "folded")), float((work / "cpu").read_text())


def print_details(stacks):
    unwhole, roots = collections.Counter(), collections.Counter()
    for _, frames, count in stacks:
        if frames and frames[0] in MARKS:
            unwhole[f"{frames[0]} {'; '.join(frames[1:4])} ... {'; '.join(frames[-2:])}"] += count
        elif frames:
            roots[frames[0]] += count
    for text, count in unwhole.most_common(12):
        print(f"    {count:7}  {text}")
    print("    roots:", ", ".join(f"{root} {count}" for root, count in roots.most_common(25)))


def print_program(name, arguments, stacks, cpu):
    threads = head(name, "threads")
    mine = [stack for stack in stacks if re.fullmatch(threads, stack[0])]
    samples = sum(count for _, _, count in mine)
    marks = collections.Counter()
    for _, frames, count in mine:
        if frames and frames[0] in MARKS:
            marks[frames[0]] += count
    explained = sum(count for _, _, count in stacks) / float(arguments.frequency)
    if not samples or not cpu:
        print(f"{name:22} no samples")
        return
    share = [f"{mark} {100 * count / samples:.2f} %" for mark, count in marks.most_common()]
    whole = 100 * (1 - sum(marks.values()) / samples)
    print(f"{name:22} {samples:7} samples  {whole:7.3f} % whole  CPU explained {100 * explained / cpu:6.1f} %  {', '.join(share)}")
    if arguments.verbose:
        print_details(mine)
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2])
    parser.add_argument("wick")
    parser.add_argument("reaper")
    parser.add_argument("-s", "--seconds", type=int, default=10)
    parser.add_argument("-F", "--frequency", default="997")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path, help="copy folded stacks to this directory")
    parser.add_argument("programs", nargs="*")
    arguments = parser.parse_intermixed_args()
    arguments.wick, arguments.reaper = map(os.path.realpath, (arguments.wick, arguments.reaper))
    for name in arguments.programs or sorted(path.stem for path in (HERE / "loads").glob("*.sh")):
        missing = [tool for tool in head(name, "needs").split() if not shutil.which(tool)]
        if missing:
            print(f"{name:22} not installed: {' '.join(missing)}")
            continue
        with tempfile.TemporaryDirectory(prefix="wick-system.", ignore_cleanup_errors=True) as path:
            work = pathlib.Path(path)
            work.chmod(0o755)
            try:
                result = record(name, arguments, work)
            except (OSError, ValueError, subprocess.TimeoutExpired) as error:
                print(f"{name:22} failed: {error}\n{(work / 'log').read_text(errors='replace')[-600:]}")
                continue
            if not result:
                print(f"{name:22} cannot be prepared here: {(work / 'log').read_text(errors='replace')[-300:]}")
                continue
            if arguments.keep:
                shutil.copy(work / "folded", arguments.keep / f"{name}.folded")
                shutil.copy(work / "log", arguments.keep / f"{name}.log")
            print_program(name, arguments, *result)


if __name__ == "__main__":
    main()
