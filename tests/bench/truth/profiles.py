# SPDX-License-Identifier: Apache-2.0
"""Profilers, and their profiles as stacks: (frames of user code, leaf first; how it was cut, or ""; count)."""
import collections
import os
import re
import select
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))
import pprof  # noqa: E402  the decoder that the tests have, which is not wick's own code
from score import plain  # noqa: E402

WICK_HZ = 999
PERF_HZ = {"fp": 999, "dwarf": 199}
MARKS = {"[no unwind info]", "[unwind table pending]", "[truncated]", "[unreadable stack]", "[32-bit code]"}
KERNEL_BEGIN = 0xFFFF800000000000


class Wick:
    """wick record on a cgroup."""

    name = "wick"

    def __init__(self, wick, cgroup, directory, hz=WICK_HZ):
        self.file = f"{directory}/wick.pb.gz"
        self.process = subprocess.Popen(
            [wick, "record", "-v", "--inlines", "off", "--cgroup", cgroup, "-F", str(hz), "-d", "3600", "-o", self.file],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if "debug: sampling" in line:
                return
        sys.exit("wick does not sample:\n" + "".join(self.said))

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.said += self.process.stderr.readlines()
        status = self.process.wait()
        if status not in (0, 3):
            sys.exit(f"wick ended with {status}:\n" + "".join(self.said))
        self.quality = next((l.strip() for l in reversed(self.said) if "samples:" in l), "")

    def read(self):
        profile = pprof.Profile(self.file)
        self.period = profile.period / 1e9
        return list(wick_stacks(profile))


def wick_stacks(profile):
    """Yields (frames, mark, count, comm)."""
    names, kernel = {}, set()
    for location in profile.location:
        names[location["id"]] = [plain(name) for name in profile.names(location)]
        mapping = profile.mappings.get(location["mapping_id"])
        if location["address"] >= KERNEL_BEGIN or (mapping and profile.text(mapping["filename"]).startswith("[kernel")):
            kernel.add(location["id"])
    for sample in profile.sample:
        ids = sample["location_id"]
        begin = next((i for i, one in enumerate(ids) if one not in kernel), len(ids))
        frames = [name for one in ids[begin:] for name in names[one]]
        mark = frames.pop() if frames and frames[-1] in MARKS else ""
        if begin and frames and frames[0] in MARKS:
            frames.pop(0)  # of the kernel's part
        comm = next((profile.text(l["str"]) for l in sample["label"] if profile.text(l["key"]) == "comm"), "")
        yield tuple(frames), mark, sample["value"][0], comm


class Perf:
    """perf record on a process and its children, as a referee."""

    def __init__(self, kind, pid, directory):
        self.kind, self.name = kind, f"perf {kind}"
        self.file = f"{directory}/perf.{kind}.data"
        self.period = 1 / PERF_HZ[kind]
        graph = "fp" if kind == "fp" else "dwarf,65528"
        ours, theirs = os.pipe(), os.pipe()
        self.control = ours[1]
        self.process = subprocess.Popen(
            ["perf", "record", "-q", "-B", "-N", "-e", "cpu-clock", "-F", str(PERF_HZ[kind]), "--call-graph", graph,
             "-m", "512" if kind == "fp" else "4096", "-D", "-1", f"--control=fd:{ours[0]},{theirs[1]}", "-p", str(pid), "-o", self.file],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(ours[0], theirs[1]))
        os.close(ours[0])
        os.close(theirs[1])
        os.write(self.control, b"enable\n")
        if not select.select([theirs[0]], [], [], 20)[0] or not os.read(theirs[0], 16).startswith(b"ack"):
            sys.exit("perf record does not start")
        os.close(theirs[0])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait()
        os.close(self.control)

    def read(self):
        script = subprocess.run(
            ["perf", "script", "-i", self.file, "--no-inline", "--max-stack", "1024", "-F", "comm,ip,sym,dso"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace", check=False).stdout
        counted = collections.Counter(perf_stacks(script))
        return [(*stack[:2], count, stack[2]) for stack, count in counted.items()]


PERF_FRAME = re.compile(r"\s+([0-9a-f]+) (.*) \((.*)\)$")


def perf_stacks(script):
    """Yields (frames, mark, comm); perf marks nothing, so that what does not reach a root is said to be cut here."""
    for block in script.split("\n\n"):
        comm, *lines = block.strip("\n").split("\n")
        if not lines:
            continue
        frames, last = [], ""
        for line in lines:
            match = PERF_FRAME.match(line)
            if not match or int(match[1], 16) >= KERNEL_BEGIN:
                continue
            file = os.path.basename(match[3].removesuffix(" (deleted)"))
            last = plain(match[2]) if match[2] != "[unknown]" else f"{file}+0x{match[1]}"
            frames.append(last)
        is_root = re.fullmatch(r"_start|__?clone3?|clone3?|__start_context|runtime\.goexit.*|(libc|ld-).*\+0x.*", last)
        yield tuple(frames), "" if is_root else "(ends early)", comm.strip()


def start_gated(command, cgroup, output):
    """A process of the cgroup that begins with the command when a line is written to it."""
    gate = 'echo $$ >"$0/cgroup.procs" && read -r go && exec "$@"'
    process = subprocess.Popen(["sh", "-c", gate, cgroup, *command], stdin=subprocess.PIPE, stdout=output,
                               stderr=subprocess.PIPE)
    end = time.monotonic() + 10
    while True:
        with open(f"{cgroup}/cgroup.procs", encoding="ascii") as file:
            if str(process.pid) in file.read().split():
                return process
        if time.monotonic() > end or process.poll() is not None:
            sys.exit("a process cannot enter its cgroup")
        time.sleep(0.01)


class Cgroup:
    """A control group below the one that this process is in, removed at the end; v2, which counts CPU time anywhere."""

    def __init__(self):
        mounts = [line.split() for line in open("/proc/self/mounts", encoding="utf-8")]
        root = next((m[1] for m in mounts if m[2] == "cgroup2"), None)
        if not root:
            sys.exit("no cgroup2 file system is mounted")
        own = next(l.strip()[3:] for l in open("/proc/self/cgroup", encoding="utf-8") if l.startswith("0::"))
        self.path = f"{root}{own.rstrip('/')}/wick-truth-{os.getpid()}"
        os.mkdir(self.path)

    def seconds(self):
        with open(f"{self.path}/cpu.stat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e6

    def remove(self):
        """With what is left in it, if the bench itself was ended."""
        with open(f"{self.path}/cgroup.procs", encoding="ascii") as file:
            for pid in file.read().split():
                os.kill(int(pid), signal.SIGKILL)
        for _ in range(100):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.05)
