# SPDX-License-Identifier: Apache-2.0
"""That the scorer tells right from wrong; prints what does not hold, exits with 1 if anything does not."""
import math
import sys

from score import Score, Truth, distance, plain

TRUTH = {
    "process_seconds": 10.0,
    "tail": "run_path,run_bursts,main",
    "paths": [
        {"name": "plain", "seconds": 6.0, "frames": "burn,inner,path_plain"},
        {"name": "deep", "seconds": 2.0, "frames": "burn,recurse*3,path_deep"},
        {"name": "sort", "seconds": 1.0, "frames": "burn,compare,~,path_sort"},
        {"name": "throw", "seconds": 0.5, "frames": "~~,burn,thrower,path_throw"},
        {"name": "thread", "seconds": 0.5, "frames": "burn,work_#,^"},
    ],
}
ROOTS = ("libc+0x1", "_start")
MAIN = ("run_path", "run_bursts", "main", *ROOTS)
# frames of user code, how it was cut, the path that it is exactly, or what is wrong with it
CASES = (
    (("burn", "inner", "path_plain", *MAIN), "", "plain"),
    (("inner", "path_plain", *MAIN), "", "plain"),
    (("path_plain", *MAIN), "", "plain"),
    (("burn", "path_plain", *MAIN), "", "missing"),
    (("burn", "inner", "path_plain", "run_bursts", "main", *ROOTS), "", "missing"),
    (("burn", "inner", "inner", "path_plain", *MAIN), "", "extra"),
    (("inner", "burn", "path_plain", *MAIN), "", "reordered"),
    (("burn", "inner"), "[truncated]", "cut"),
    (("burn", "inner"), "", "missing"),
    (("burn", "recurse", "recurse", "recurse", "path_deep", *MAIN), "", "deep"),
    (("recurse", "path_deep", *MAIN), "", "deep"),
    (("burn", "recurse", "recurse", "path_deep", *MAIN), "", "missing"),
    (("burn", "recurse", "recurse", "recurse", "recurse", "path_deep", *MAIN), "", "extra"),
    (("burn", "compare", "qsort_r", "qsort", "path_sort", *MAIN), "", "sort"),
    (("burn", "compare", "path_sort", *MAIN), "", "reordered"),
    (("unwinder", "thrower", "path_throw", *MAIN), "", "throw"),
    (("unwinder", "path_throw", *MAIN), "", "throw"),
    (("burn", "unwinder", "path_throw", *MAIN), "", "missing"),
    (("burn", "work_7", "clone"), "", "thread"),
    (("burn", "work_x", "clone"), "", "missing"),
    (("clock", "run_path", "run_bursts", "main", *ROOTS), "", "(between)"),
    (("loader", "_start"), "", "(between)"),
    (("loader",), "[no unwind info]", "cut"),
)


def main():
    broken = []
    for frames, mark, expected in CASES:
        score = Score(Truth(TRUTH), [(frames, mark, 1)])
        found = list(score.right_by_path) + list(score.classes)
        if found != [expected]:
            broken.append(f"{frames} {mark} is {found}, not {expected}")
    exact = {"plain": 60, "deep": 20, "sort": 10, "throw": 5, "thread": 5, "(between)": 0}
    tvd, floor = distance(Truth(TRUTH), exact, 100)
    shares = (0.6, 0.2, 0.1, 0.05, 0.05)
    if tvd > 1e-9 or abs(floor - sum(math.sqrt(2 * p * (1 - p) / (math.pi * 100)) for p in shares) / 2) > 1e-9:
        broken.append(f"the distance of the truth itself is {tvd}, its floor {floor}")
    tvd, _ = distance(Truth(TRUTH), {**exact, "plain": 50}, 100)
    if abs(tvd - 0.1) > 1e-9:
        broken.append(f"the distance with a tenth of all samples lost is {tvd}")
    for name, expected in (("f(int)", "f"), ("a::b::h0123456789abcdef", "a::b"), ("g.cold", "g"),
                           ("main.(*T).m", "main.(*T).m"), ("h [clone .cold]", "h"), ("[anonymous code]", "[anonymous code]")):
        if plain(name) != expected:
            broken.append(f"{name} is {plain(name)}")
    print(*broken, sep="\n")
    return not broken


sys.exit(0 if main() else 1)
