# SPDX-License-Identifier: Apache-2.0
"""What is in a pprof profile, by a decoder of its own:  pprof.py VERB FILE ARGUMENT...

total FILE               prints the number of samples
comments FILE            prints the comments
pids FILE                prints the processes that have samples
build-id FILE BINARY     prints the build id that BINARY has there
names FILE NAME          prints the functions in the mapping whose file is called NAME
lines FILE NAME          prints the places in the mapping whose file is called NAME, as
                         function@file:line of the innermost inlined function, then its caller, ...
types FILE HZ            claims the types, period, and time of a CPU profile at HZ that ended just now
ids FILE                 ... that ids go from 1 without a gap, that what is referred to is there
samples FILE             ... that each sample has locations, a count, and the time that goes with it
locations FILE           ... that each location has a function with a name, and no two are alike
labels FILE              ... that each sample has pid, tid and comm
addresses FILE BINARY FUNCTION...
                         ... that every location of these functions in BINARY lies in their symbols

A verb that claims something prints what is wrong, and exits with 1 if anything is.
"""
import collections
import gzip
import os
import subprocess
import sys
import time

# Field numbers and kinds of profile.proto: i number, s bytes, * repeated, {} message.
VALUE_TYPE = {1: ("type", "i"), 2: ("unit", "i")}
LABEL = {1: ("key", "i"), 2: ("str", "i"), 3: ("num", "i"), 4: ("num_unit", "i")}
SAMPLE = {1: ("location_id", "i*"), 2: ("value", "i*"), 3: ("label", LABEL)}
MAPPING = {
    1: ("id", "i"),
    2: ("memory_start", "i"),
    3: ("memory_limit", "i"),
    4: ("file_offset", "i"),
    5: ("filename", "i"),
    6: ("build_id", "i"),
    7: ("has_functions", "i"),
    8: ("has_filenames", "i"),
    9: ("has_line_numbers", "i"),
    10: ("has_inline_frames", "i"),
}
LINE = {1: ("function_id", "i"), 2: ("line", "i"), 3: ("column", "i")}
LOCATION = {1: ("id", "i"), 2: ("mapping_id", "i"), 3: ("address", "i"), 4: ("line", LINE), 5: ("is_folded", "i")}
FUNCTION = {1: ("id", "i"), 2: ("name", "i"), 3: ("system_name", "i"), 4: ("filename", "i"), 5: ("start_line", "i")}
PROFILE = {
    1: ("sample_type", VALUE_TYPE),
    2: ("sample", SAMPLE),
    3: ("mapping", MAPPING),
    4: ("location", LOCATION),
    5: ("function", FUNCTION),
    6: ("string_table", "s*"),
    7: ("drop_frames", "i"),
    8: ("keep_frames", "i"),
    9: ("time_nanos", "i"),
    10: ("duration_nanos", "i"),
    11: ("period_type", VALUE_TYPE),
    12: ("period", "i"),
    13: ("comment", "i*"),
    14: ("default_sample_type", "i"),
    15: ("doc_url", "i"),
}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def decode(data, schema):
    """A message as a dict; numbers default to 0, and messages are always lists."""
    message = {name: [] if isinstance(kind, dict) or kind[-1] == "*" else 0 for name, kind in schema.values()}
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number not in schema or wire not in (0, 2):
            sys.exit(f"unexpected field {number} of wire type {wire}")
        name, kind = schema[number]
        value, at = varint(data, at)
        if wire == 2:
            value, at = data[at : at + value], at + value
        if isinstance(kind, dict):
            message[name].append(decode(value, kind))
        elif kind == "s*":
            message[name].append(value.decode("utf-8"))  # strictly
        elif kind == "i*" and wire == 2:
            end, position = len(value), 0
            while position < end:
                one, position = varint(value, position)
                message[name].append(one)
        elif kind == "i*":
            message[name].append(value)
        else:
            message[name] = value
    return message


class Profile:
    def __init__(self, path):
        try:
            with gzip.open(path) as file:
                self.__dict__.update(decode(file.read(), PROFILE))
        except (OSError, UnicodeDecodeError) as error:
            sys.exit(f"{path}: {error}")
        self.functions = {function["id"]: function for function in self.function}
        self.mappings = {mapping["id"]: mapping for mapping in self.mapping}

    def text(self, index):
        return self.string_table[index]

    def type_of(self, value_type):
        return self.text(value_type["type"]), self.text(value_type["unit"])

    def names(self, location):
        return [self.text(self.functions[line["function_id"]]["name"]) for line in location["line"]]

    def places(self, location):
        for line in location["line"]:
            function = self.functions[line["function_id"]]
            file = os.path.basename(self.text(function["filename"]))
            yield f"{self.text(function['name'])}@{file}:{line['line']}"


def wrong_types(profile, hz):
    types = [profile.type_of(one) for one in profile.sample_type]
    if types != [("samples", "count"), ("cpu", "nanoseconds")]:
        yield f"sample types {types}"
    if [profile.type_of(one) for one in profile.period_type] != [("cpu", "nanoseconds")]:
        yield "period type"
    if profile.period != 10**9 // int(hz):
        yield f"period {profile.period}"
    ago = time.time() - (profile.time_nanos + profile.duration_nanos) / 1e9
    if profile.duration_nanos <= 0 or not -1 < ago < 120:
        yield f"ended {ago} s ago, after {profile.duration_nanos} ns"


def wrong_ids(profile):
    for name in ("mapping", "location", "function"):
        ids = [item["id"] for item in getattr(profile, name)]
        if ids != list(range(1, len(ids) + 1)):
            yield f"{name} ids are not 1 to {len(ids)}"
    if profile.string_table[:1] != [""] or len(set(profile.string_table)) != len(profile.string_table):
        yield "string table does not begin with an empty string, or repeats itself"
    used = {name: set() for name in ("mapping", "location", "function")}
    for sample in profile.sample:
        used["location"].update(sample["location_id"])
    for location in profile.location:
        used["function"].update(line["function_id"] for line in location["line"])
        used["mapping"].update({location["mapping_id"]} - {0})
    for name, ids in used.items():
        if ids != {item["id"] for item in getattr(profile, name)}:
            yield f"what is referred to and what is there differ: {name}"


def wrong_samples(profile):
    if not profile.sample:
        yield "no samples"
    for sample in profile.sample:
        count, *rest = sample["value"]
        if not sample["location_id"] or count <= 0 or rest != [count * profile.period]:
            yield f"sample {sample}"


def wrong_locations(profile):
    seen = collections.Counter()
    for location in profile.location:
        if not location["line"] or not all(profile.names(location)):
            yield f"location without a name: {location}"
        if location["address"] == 0 and location["mapping_id"]:
            yield f"location without an address: {location}"
        seen[location["mapping_id"], location["address"], str(location["line"])] += 1
    for key, count in seen.items():
        if count > 1:
            yield f"location {key} appears {count} times"


def wrong_labels(profile):
    for sample in profile.sample:
        labels = {profile.text(label["key"]): label for label in sample["label"]}
        if set(labels) != {"pid", "tid", "comm"}:
            yield f"labels {set(labels)}"
        elif labels["pid"]["num"] <= 0 or labels["tid"]["num"] <= 0 or labels["comm"]["str"] == 0:
            yield f"values of labels {labels}"


def wrong_addresses(profile, binary, *functions):
    ranges = {}
    for line in subprocess.check_output(["nm", "-S", binary], text=True).splitlines():
        words = line.split()
        if len(words) == 4:
            ranges[words[3]] = range(int(words[0], 16), int(words[0], 16) + int(words[1], 16))
    found = set()
    for location in profile.location:
        mapping = profile.mappings.get(location["mapping_id"])
        if not mapping or profile.text(mapping["filename"]) != os.path.realpath(binary):
            continue
        for name in profile.names(location):
            if name in functions:
                found.add(name)
                if location["address"] not in ranges[name]:
                    yield f"{name} at {location['address']:#x}, and not in {ranges[name]}"
    if found != set(functions):
        yield f"of {functions} only {found}"


CLAIMS = {
    "types": wrong_types,
    "ids": wrong_ids,
    "samples": wrong_samples,
    "locations": wrong_locations,
    "labels": wrong_labels,
    "addresses": wrong_addresses,
}


def main(verb, path, *arguments):
    profile = Profile(path)
    if verb == "total":
        print(sum(sample["value"][0] for sample in profile.sample))
    elif verb == "comments":
        print(*[profile.text(comment) for comment in profile.comment], sep="\n")
    elif verb == "pids":
        labels = [label for sample in profile.sample for label in sample["label"]]
        pids = {label["num"] for label in labels if profile.text(label["key"]) == "pid"}
        print(*sorted(pids), sep="\n")
    elif verb == "names":
        for location in profile.location:
            mapping = profile.mappings.get(location["mapping_id"])
            if mapping and os.path.basename(profile.text(mapping["filename"])) == arguments[0]:
                print(*profile.names(location), sep="\n")
    elif verb == "lines":
        for location in profile.location:
            mapping = profile.mappings.get(location["mapping_id"])
            if mapping and os.path.basename(profile.text(mapping["filename"])) == arguments[0]:
                print(*profile.places(location))
    elif verb == "build-id":
        for mapping in profile.mapping:
            if profile.text(mapping["filename"]) == os.path.realpath(arguments[0]):
                print(profile.text(mapping["build_id"]))
    else:
        wrong = list(CLAIMS[verb](profile, *arguments))
        print(*wrong[:20], sep="\n")
        return not wrong
    return True


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
