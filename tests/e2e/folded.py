# SPDX-License-Identifier: Apache-2.0
"""What is in a folded profile:  folded.py VERB FILE ARGUMENT...

total FILE                          prints the number of samples
count FILE COMM                     prints the samples of threads called COMM
leaf FILE FRAME                     prints the samples that were taken in FRAME itself
ends FILE COMM CHAIN PERCENT [MIN]  so many of COMM's samples, of which there are MIN (20) at least, end in
                                    exactly CHAIN; those in the kernel where they entered it
has FILE COMM CHAIN PERCENT [MIN]   ... contain CHAIN, which is "frame;frame", without a gap
paths FILE COMM CHAIN PERCENT       ... end in CHAIN or in a beginning of it
present FILE COMM PATTERN           a frame of COMM matches the whole pattern ("*": of anyone)
absent FILE COMM PATTERN            none does, though COMM has samples
comms FILE PATTERN                  every thread's name matches the whole pattern

A verb that claims something exits with 1 if it does not hold, and prints the figures in any case.
One sample may always be another, so that a percentage of few does not mean all of them.
"""
import collections
import re
import sys


def read(path):
    """The lines as (comm, frames, count)."""
    stacks = []
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            lines = file.read().removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"{path}: {error}")
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"([^;]*)((?:;[^;]+)*) ([1-9][0-9]*)", line)
        if not match:
            sys.exit(f"{path}:{number}: not a folded stack: {line!r}")
        stacks.append((match[1], match[2].split(";")[1:], int(match[3])))
    return stacks


def of_comm(stacks, comm):
    return [stack for stack in stacks if comm in ("*", stack[0])]


def total(stacks):
    return sum(count for _, _, count in stacks)


def share(stacks, comm, is_right, percent, least=20):
    """Claims that @is_right of so many percent of the samples; shows what the others are."""
    mine = of_comm(stacks, comm)
    right = [stack for stack in mine if is_right(stack[1])]
    whole = total(mine)
    print(f"{total(right)} of {whole} samples", end="")
    print(f" ({100 * total(right) / whole:.2f} %)" if whole else "")
    others = collections.Counter()
    for _, frames, count in mine:
        if not is_right(frames):
            others[";".join(frames[-8:])] += count
    for text, count in others.most_common(6):
        print(f"{count:7} ...{text}")
    wrong = whole - total(right)
    return whole >= int(least) and (wrong <= 1 or 100 * wrong <= (100 - float(percent)) * whole)


def user_part(frames):
    """What comes before an interrupt, a system call or a fault."""
    for i, frame in enumerate(frames):
        if frame.startswith(("asm_", "entry_SYSCALL", "[kernel]")):
            return frames[:i]
    return frames


def contains(frames, chain):
    return any(frames[i : i + len(chain)] == chain for i in range(len(frames)))


def matching(stacks, comm, pattern):
    return {frame for _, frames, _ in of_comm(stacks, comm) for frame in frames if re.fullmatch(pattern, frame)}


def main(verb, path, *arguments):
    stacks = read(path)
    if verb == "total":
        print(total(stacks))
        return True
    if verb == "count":
        print(total(of_comm(stacks, arguments[0])))
        return True
    if verb == "leaf":
        print(sum(count for _, frames, count in stacks if frames[-1:] == [arguments[0]]))
        return True
    if verb == "comms":
        names = {comm for comm, _, _ in stacks}
        print(*sorted(names), sep="\n")
        return bool(names) and all(re.fullmatch(arguments[0], name) for name in names)
    if verb in ("present", "absent"):
        found = matching(stacks, *arguments)
        print(*sorted(found)[:20], sep="\n")
        return bool(found) == (verb == "present") and total(of_comm(stacks, arguments[0])) > 0
    chain = arguments[1].split(";")
    is_right = {
        "ends": lambda frames: user_part(frames)[-len(chain) :] == chain,
        "has": lambda frames: contains(frames, chain),
        "paths": lambda frames: any(user_part(frames)[-n:] == chain[:n] for n in range(1, len(chain) + 1)),
    }[verb]
    return share(stacks, arguments[0], is_right, *arguments[2:])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
