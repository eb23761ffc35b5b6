# SPDX-License-Identifier: Apache-2.0
# Sorts, hashes and counts, for a minute at most.
import time

end = time.monotonic() + 60
while time.monotonic() < end:
    numbers = [hash(str(i)) for i in range(20000)]
    numbers.sort()
    sum(n % 7 for n in numbers)
