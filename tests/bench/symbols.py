# SPDX-License-Identifier: Apache-2.0
"""wick's symbolizer beside llvm-symbolizer, addr2line and eu-addr2line, in the same run:  symbols.py BUILD_DIR

With FILEs behind BUILD_DIR nothing is measured: it fails unless 99.5 % of the addresses in each of these have the same frames
as llvm-symbolizer says.

2,000 random addresses in the functions of each file that has debug information here: libjvm (Debian's
openjdk-17-dbg), the same with its sections not compressed, and libc (libc6-dbg). CPU time and peak memory of each
process, which for others than wick is that of this script (60 MB) at least; hot is what an address costs when it was
asked before. Answers are compared with llvm-symbolizer's: functions,
files, lines and inlined functions of every frame.
"""
import bisect
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile

ADDRESSES = 2000
REPEATS = 3  # of the whole list, in one more run of each tool, for the hot figure
DEBUG = "/usr/lib/debug/.build-id"
# Where one address has several symbols either is right; llvm takes the file of code without lines from the symbol
# before it in the table, which we leave unknown.
EXPLAINED = ("another symbol of the same address", "no line, and the file by llvm's guess")


def symbols_of(path):
    """Functions as (address, size, name), from .symtab."""
    out = subprocess.run(["readelf", "-sW", path], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        word = line.split()
        if len(word) >= 8 and word[3] in ("FUNC", "IFUNC", "NOTYPE") and word[6] != "UND":
            yield int(word[1], 16), int(word[2], 0), word[7].split("@")[0], word[3]


def random_addresses(symbols):
    ranges = sorted({(start, size) for start, size, _, kind in symbols if size and kind == "FUNC"})
    ends, total = [], 0
    for _, size in ranges:
        total += size
        ends.append(total)
    generator = random.Random(5)
    addresses = []
    for _ in range(ADDRESSES):
        at = generator.randrange(total)
        start, size = ranges[bisect.bisect_right(ends, at)]
        addresses.append(start + size - (ends[bisect.bisect_right(ends, at)] - at))
    return addresses


def run(command, addresses):
    """Standard output and error, CPU seconds, and peak memory in MB."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write("".join(f"{address:#x}\n" for address in addresses).encode())
        given.seek(0)
        child = subprocess.Popen(command, stdin=given, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        if status:
            sys.exit(f"{command[0]} failed")
        out.seek(0)
        err.seek(0)
        texts = [file.read().decode(errors="replace") for file in (out, err)]
    return *texts, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def parse(text, has_column):
    answers = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line]
        frames = []
        for name, place in zip(lines[::2], lines[1::2]):
            frames.append((name, place.rsplit(":", 1)[0] if has_column else place))
        answers.append(frames)
    return answers


def difference(ours, theirs, aliases):
    """The class of what differs, or None."""
    if ours == theirs:
        return None
    if len(ours) != len(theirs):
        return "number of frames"
    if any(a[0] != b[0] for a, b in zip(ours[:-1], theirs[:-1])):
        return "name of an inlined function"
    names = [frames[-1][0].split("@")[0] for frames in (ours, theirs)]
    if names[0] != names[1] and not aliases.get(names[0], set()) & aliases.get(names[1], set()):
        return "name of the function"
    if [frame[1] for frame in ours] != [frame[1] for frame in theirs]:
        return "no line, and the file by llvm's guess" if ours[-1][1] == "??:0" else "file or line"
    return "another symbol of the same address"


def compare(ours, theirs, symbols):
    aliases = collections.defaultdict(set)
    for address, _, name, _ in symbols:
        aliases[name].add(address)
    return collections.Counter(
        filter(None, (difference(a, b, aliases) for a, b in zip(ours, theirs)))
    )


def peers(path):
    for name in ("llvm-symbolizer-19", "llvm-symbolizer-16", "llvm-symbolizer"):
        if shutil.which(name):
            yield name, [name, "--no-demangle", f"--obj={path}"]
            break
    for name in ("addr2line", "eu-addr2line"):
        if shutil.which(name):
            yield name, [name, "-i", "-f", "-e", path]


def row(name, cold, hot, peak, equal=""):
    print(f"  {name:20} {cold:8.2f} s {hot:10.2f} us {peak:8.0f} MB  {equal}")


def bench(title, wick, path, debug_file):
    symbols = list(symbols_of(debug_file))
    addresses = random_addresses(symbols)
    print(f"{title}: {ADDRESSES} addresses, cold, hot for each address, peak memory, equal to llvm-symbolizer")
    out, err, _, _ = run([wick, path, debug_file], addresses)
    figures = dict(word.split("=") for word in err.split())
    ours, theirs = parse(out, False), None
    rows = []
    for name, command in peers(debug_file):
        answer, _, cold, memory = run(command, addresses)
        _, _, longer, _ = run(command, addresses * (1 + REPEATS))
        rows.append((name, cold, (longer - cold) / (REPEATS * ADDRESSES) * 1e6, memory))
        if name.startswith("llvm"):
            theirs = parse(answer, True)
    equal = ""
    if theirs:
        classes = compare(ours, theirs, symbols)
        wrong = sum(count for text, count in classes.items() if text not in EXPLAINED)
        equal = f"{100 - 100 * wrong / ADDRESSES:.2f} %"
    row("wick", float(figures["cold_s"]), float(figures["hot_us"]), int(figures["peak_kb"]) / 1024, equal)
    for figure in rows:
        row(*figure)
    if theirs:
        for text, count in classes.most_common():
            print(f"    {count:4} {text}")


def check(wick, path):
    symbols = list(symbols_of(path))
    addresses = random_addresses(symbols)
    ours = parse(run([wick, path], addresses)[0], False)
    theirs = parse(run(next(peers(path))[1], addresses)[0], True)
    classes = compare(ours, theirs, symbols)
    wrong = sum(count for text, count in classes.items() if text not in EXPLAINED)
    inlined = sum(len(frames) > 1 for frames in ours)
    print(f"{path}: {ADDRESSES} addresses, {inlined} with inlined functions, {wrong} differ, {dict(classes)}")
    return wrong <= ADDRESSES * 0.005


def debug_file_of(path):
    notes = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True, check=False).stdout
    for line in notes.splitlines():
        if "Build ID:" in line:
            build_id = line.split()[-1]
            return f"{DEBUG}/{build_id[:2]}/{build_id[2:]}.debug"
    return ""


def library(name, *candidates):
    for path in candidates:
        path = os.path.realpath(path)
        if os.path.exists(path) and os.path.exists(debug_file_of(path)):
            return path, debug_file_of(path)
    print(f"{name}: left out, its debug information is not installed")
    return None


def main(build):
    wick = os.path.join(build, "tests/bench/symbols")
    java = os.path.dirname(os.path.dirname(os.path.realpath(shutil.which("java") or "/")))
    libjvm = library("libjvm", f"{java}/lib/server/libjvm.so", "/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so")
    libc = library("libc", "/lib/x86_64-linux-gnu/libc.so.6")
    if libjvm:
        bench("libjvm, compressed by zlib", wick, *libjvm)
        with tempfile.TemporaryDirectory() as directory:
            plain = os.path.join(directory, "libjvm.debug")
            subprocess.run(["objcopy", "--decompress-debug-sections", libjvm[1], plain], check=True)
            bench("libjvm, not compressed", wick, libjvm[0], plain)
    if libc:
        bench("libc, compressed by zlib", wick, *libc)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if len(sys.argv) == 2:
        main(sys.argv[1])
    elif not all([check(os.path.join(sys.argv[1], "tests/bench/symbols"), path) for path in sys.argv[2:]]):
        sys.exit(1)
