# SPDX-License-Identifier: Apache-2.0
"""Whether the stacks of tests/programs/paths.go can be:  go_paths.py FILE COMM PROGRAM [MIN]

A stack is right if it begins where threads and goroutines begin, has no frame in brackets, every frame
is called by the one before it, as the disassembled program says (a caller that is lost, or one too
many, shows, since few functions call through pointers), and recursion is as deep as it is known to be.
It is whole if it begins right. Prints the figures; exits with 1 if fewer than 99.8 % are right or
99.9 % whole, or there are fewer samples than MIN. One sample may always be another.
"""
import collections
import re
import subprocess
import sys

import folded

# What comes in between two instructions, so that any function may seem to call it.
INTERRUPTS = ("runtime.sigreturn", "runtime.asyncPreempt", "runtime.sigpanic", "__restore_rt", "gogo", "runtime.gogo")
HANDLERS = ("runtime.sigtramp", "runtime.cgoSigtramp")
# A goroutine that was dropped leaves morestack as the first.
ROOTS = ("runtime.goexit", "runtime.mstart", "runtime.rt0_go", "runtime.mcall", "_rt0_amd64_linux", "runtime.morestack")
# main.down calls itself a hundred times before it calls main.leaf, main.grow so often or 20 times.
DEPTHS = {"main.down": (101,), "main.grow": (101, 21)}


class Calls:
    """Which function of a program may call which."""

    def __init__(self, program):
        self.direct = collections.defaultdict(set)
        self.jumps = collections.defaultdict(set)
        self.indirect = set()  # these may call anything
        self.indirect_jumps = set()
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], check=True,
                              capture_output=True, text=True).stdout
        # Go's own table, whose names wick takes, does not tell the wrappers of the two calling conventions apart.
        text = text.replace(".abi0", "").replace(".abiinternal", "")
        function = None
        for line in text.split("\n"):
            start = re.fullmatch(r"[0-9a-f]+ <(.*)>:", line)
            if start:
                function = start[1]
                self.direct[function] |= set()
            elif function:
                self.add(function, line.rpartition("\t")[2])

    def add(self, function, instruction):
        match = re.match(r"(call|jmp|j[a-z]+)\s+(.*)", instruction)
        if not match:
            return
        to = re.search(r"<(.*?)(\+0x[0-9a-f]+)?>$", match[2])
        if match[1] == "call":
            if "*" in match[2]:
                self.indirect.add(function)
            elif to:
                self.direct[function].add(to[1])
        elif "*" in match[2]:
            self.indirect_jumps.add(function)
        elif to and to[1] != function and not to[2]:
            self.jumps[function].add(to[1])

    def reached(self, caller):
        """What is entered by a call in @caller, jumps at the end of the called included."""
        todo, seen = list(self.direct[caller]), set()
        anything = caller in self.indirect
        while todo:
            function = todo.pop()
            if function in seen:
                continue
            seen.add(function)
            anything = anything or function in self.indirect_jumps or function not in self.direct
            todo += self.jumps[function]
        return seen, anything

    def may_call(self, caller, callee):
        if callee.startswith(INTERRUPTS + HANDLERS) or caller not in self.direct:
            return True
        if re.match(r"libc\.so[^+]*\+", callee):
            return True  # the C library's return from a signal handler has no name without its debug file
        seen, anything = self.reached(caller)
        return anything or callee in seen


def is_whole(frames):
    if not frames or any(frame.startswith("[") and frame.endswith("]") for frame in frames):
        return False
    # Of threads that C has made: the C library's function, with or without a name.
    return frames[0].startswith(ROOTS) or bool(re.match(r"libc|ld-|_start|start_thread|clone|__clone", frames[0]))


def are_calls(frames, calls):
    return all(calls.may_call(a, b) for a, b in zip(frames, frames[1:]) if not a.startswith(ROOTS[0]))


def is_deep_enough(frames):
    for name, depths in DEPTHS.items():
        found = [i for i, frame in enumerate(frames) if frame == name]
        if found and "main.leaf" in frames and frames.index("main.leaf") == found[-1] + 1:
            if found[-1] - found[0] + 1 != len(found) or len(found) not in depths:
                return False
        if len(found) > max(depths):
            return False
    return True


def main(path, comm, program, least="1000"):
    calls = Calls(program)
    stacks = folded.of_comm(folded.read(path), comm)
    counts = collections.Counter()
    wrong = collections.Counter()
    for _, frames, count in stacks:
        frames = folded.user_part(frames)
        if not frames:
            counts["kernel only"] += count
            continue
        counts["all"] += count
        whole = is_whole(frames)
        counts["whole"] += count * whole
        right = whole and are_calls(frames, calls) and is_deep_enough(frames)
        counts["right"] += count * right
        if not right:
            wrong[";".join(frames[:3] + ["..."] + frames[-9:] if len(frames) > 12 else frames)] += count
    total = counts["all"]
    print(f"{total} samples, {counts['right']} right", end="")
    print(f" ({100 * counts['right'] / total:.2f} %), {100 * counts['whole'] / total:.2f} % whole" if total else "")
    for text, count in wrong.most_common(12):
        print(f"{count:7} {text}")
    return (total >= int(least) and total - counts["right"] <= max(1, 0.002 * total)
            and total - counts["whole"] <= max(1, 0.001 * total))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
