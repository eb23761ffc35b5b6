# SPDX-License-Identifier: Apache-2.0
# Half of the busy2 load: Python functions five deep above a hot one.  busy2.py SECONDS
import sys
import time


def hot(n):
    x = 1
    for i in range(n):
        x = (x * 31 + i) & 0xFFFF
    return x


def lvl4(n):
    return hot(n) + 1


def lvl3(n):
    return lvl4(n) + 1


def lvl2(n):
    return lvl3(n) + 1


def lvl1(n):
    return lvl2(n) + 1


def lvl0(n):
    return lvl1(n) + 1


def main():
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        lvl0(20000)


main()
