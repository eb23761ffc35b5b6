# SPDX-License-Identifier: Apache-2.0
"""Scores a profile against a truth printed by bursts.c, whose header explains the frames.

A profile is a list of stacks: (frames of user code, leaf first; how it was cut, or ""; count).

  exact    the frames are those of a path, down to main: none missing, extra, or in another order
  TVD      half the sum of |share in the profile - share of CPU time| over all paths; a stack belongs to
           a path if it is exact, so that what cannot be attributed is an error
  floor    the TVD that perfect sampling would have: of n samples a share p is off by
           sqrt(2 p (1 - p) / (pi n)) on average, so half the sum of that
  whole    the profiler says that the stack reaches the thread's first function (for perf, that says
           nothing: it does reach one)
"""
import collections
import functools
import math
import re

BETWEEN = "(between)"
MAX_ROOT_FRAMES = 8  # before main: those of the C library and of the language


def plain(name):
    """A function's name without arguments, hash and what compilers append to its parts."""
    name = re.sub(r" \[clone .*|@plt$", "", name)
    name = re.sub(r"::h[0-9a-f]{16}$|\[[0-9a-f]{12,16}\]", "", name)
    if name.startswith(("main.", "runtime.")):
        return name  # of Go, whose receivers are in parentheses
    name = re.sub(r"(\.(cold|part|isra|constprop|lto_priv)(\.\d+)?)+$", "", name)
    name = re.sub(r"^\(anonymous namespace\)::", "", name)
    return name.split("(")[0] if not name.startswith(("(", "[")) else name


def expand(text, tail):
    """One alternative: tokens from main to the leaf; whether others may lie on top; which token is the path's first."""
    words = text.split(",")
    if words[-1] == "^":
        words.pop()
    else:
        words += tail.split(",")
    on_top = words[0] == "~~"
    tokens = []
    for word in reversed(words[on_top:]):
        times = re.fullmatch(r"(.+)\*([0-9]+)", word)
        tokens += [times[1]] * int(times[2]) if times else [word]
    own_from = 0 if text.endswith("^") else len(tail.split(","))
    return tuple(tokens), on_top, own_from


class Path:
    def __init__(self, name, seconds, frames, tail):
        self.name, self.seconds = name, seconds
        self.alternatives = [expand(text, tail) for text in frames.split("|")]


class Truth:
    """What the program says of itself, and where its frames are exact."""

    def __init__(self, data):
        self.process_seconds = data["process_seconds"]
        tail = data["tail"]
        self.paths = [Path(p["name"], p["seconds"], p["frames"], tail) for p in data["paths"]]
        self.path_seconds = sum(path.seconds for path in self.paths)
        between = "|".join(["~~", *(data.get("between") or [])])
        self.paths.append(Path(BETWEEN, max(self.process_seconds - self.path_seconds, 0), between, tail))
        tokens = {t for path in self.paths for one, _, _ in path.alternatives for t in one if t[0] != "~"}
        self.own_names = {t for t in tokens if "#" not in t}
        self.own_pattern = re.compile("|".join(re.escape(t).replace(r"\#", "[0-9]") for t in tokens if "#" in t) or r"(?!)")
        self.tail = tail.split(",")
        self.match = functools.lru_cache(None)(self._match)

    def is_own(self, frame):
        return frame in self.own_names or self.own_pattern.fullmatch(frame) is not None

    def fits(self, token, frame):
        if token[0] == "~":
            return not self.is_own(frame)
        if "#" in token:
            return re.fullmatch(re.escape(token).replace(r"\#", "[0-9]"), frame) is not None
        return token == frame

    def _follow(self, alternative, frames):
        """Whether the frames, from main on, are the beginning of an alternative, or all of it."""
        tokens, on_top, own_from = alternative
        lowest = own_from + 1 if len(tokens) > own_from else 1
        at = {0}
        for frame in frames:
            after = set()
            for i in self._reachable(at, tokens):
                if i < len(tokens) and self.fits(tokens[i], frame):
                    after |= {i, i + 1} if tokens[i] in ("~", "~*") else {i + 1}
                if on_top and i >= lowest and not self.is_own(frame):
                    after.add(len(tokens))
            at = after
            if not at:
                return False
        return bool(at)

    @staticmethod
    def _reachable(at, tokens):
        result = set(at)
        for i in at:
            while i < len(tokens) and tokens[i] == "~*":
                i += 1
                result.add(i)
        return result

    def _match(self, stack):
        """The path of which the stack, leaf first, is an exact one, and the number of its root frames."""
        frames = stack[::-1]
        if not frames:
            return BETWEEN, 0  # the last of a process, whose memory is gone
        begins = [i for i, frame in enumerate(frames) if self.is_own(frame)]
        if not begins:
            return BETWEEN, len(frames)
        first = begins[0]
        for path in self.paths:
            for alternative in path.alternatives:
                tokens = alternative[0]
                if tokens and self.fits(tokens[0], frames[first]) and self._follow(alternative, frames[first:]):
                    is_told = path.name == BETWEEN or len(frames) - first > alternative[2]
                    if is_told and first <= MAX_ROOT_FRAMES:
                        return path.name, first
        if list(frames[first:]) == self.tail[::-1][: len(frames) - first]:
            return BETWEEN, first
        return None, first

    def differences(self, stack):
        """How a wrong stack differs from the path whose frames it has most of: missing, extra or reordered."""
        mine = collections.Counter(frame for frame in stack if self.is_own(frame))
        best = None
        for path in self.paths:
            for tokens, _, _ in path.alternatives:
                expected = collections.Counter(t for t in tokens if t[0] != "~")
                common = sum((mine & expected).values())
                missing, extra = sum((expected - mine).values()), sum((mine - expected).values())
                key = (extra + missing, -common)
                if best is None or key < best[0]:
                    best = (key, missing, extra)
        _, missing, extra = best
        if missing:
            return "missing"
        return "extra" if extra else "reordered"


class Score:
    """Counts of samples by what is right and wrong with them."""

    def __init__(self, truth, stacks):
        self.total = self.exact = self.whole = self.cut = self.silent = self.false_whole = 0
        self.classes = collections.Counter()
        self.by_path = collections.Counter()
        self.wrong = collections.Counter()
        self.wrong_by_path = collections.Counter()
        self.right_by_path = collections.Counter()
        self.marks = collections.Counter()
        self.nameless = 0  # without any function of the program
        for frames, mark, count in stacks:
            self._add(truth, frames, mark, count)
        self._limit_nameless(truth)
        self.tvd, self.floor = distance(truth, self.by_path, self.total)

    def _add(self, truth, frames, mark, count):
        self.total += count
        path, root_frames = truth.match(frames)
        if path == BETWEEN and mark and not any(truth.is_own(f) for f in frames):
            path = None # cut before it reached anything that is known
        if mark:
            self.marks[mark] += count
        else:
            self.whole += count
            self.false_whole += 0 if path else count
        if path:
            if frames and not any(truth.is_own(f) for f in frames):
                self.nameless += count
            self.exact += count
            self.by_path[path] += count
            self.right_by_path[path] += count
            return
        kind = "cut" if mark else truth.differences(frames)
        if mark:
            self.cut += count
        else:
            self.silent += count
        self.classes[kind] += count
        self.wrong[(kind, mark, frames)] += count
        self.wrong_by_path[self.likely_path(truth, frames)] += count

    def _limit_nameless(self, truth):
        """Such stacks are right only as far as the program spends time outside of its own functions."""
        share = truth.paths[-1].seconds / max(sum(path.seconds for path in truth.paths), 1e-9)
        excess = self.nameless - int(3 * share * self.total) - 20
        if excess <= 0:
            return
        self.exact -= excess
        self.by_path[BETWEEN] -= excess
        self.right_by_path[BETWEEN] -= excess
        self.silent += excess
        self.classes["missing"] += excess

    @staticmethod
    def likely_path(truth, frames):
        for path in truth.paths:
            for tokens, _, _ in path.alternatives:
                marker = next((t for t in tokens if t[0] != "~" and t not in truth.tail), None)
                if marker and marker in frames:
                    return path.name
        return "?"

    def percent(self, count):
        return 100 * count / self.total if self.total else 0.0

    def whole_percent(self):
        return self.percent(self.whole - self.false_whole)

    def ratio(self):
        return self.tvd / self.floor if self.floor else 0.0


def distance(truth, by_path, total):
    """Total variation distance of the paths' shares, and what sampling alone would make of it."""
    seconds = sum(path.seconds for path in truth.paths)
    if not total or not seconds:
        return 1.0, 0.0
    tvd = floor = 0.0
    attributed = 0
    for path in truth.paths:
        p = path.seconds / seconds
        attributed += by_path[path.name]
        tvd += abs(by_path[path.name] / total - p)
        floor += math.sqrt(2 * p * (1 - p) / (math.pi * total))
    tvd += (total - attributed) / total
    return tvd / 2, floor / 2
