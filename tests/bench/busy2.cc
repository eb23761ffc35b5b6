// SPDX-License-Identifier: Apache-2.0
// Half of the busy2 load: a chain of main, 30 functions and a leaf, built without frame pointers.
// busy2 SECONDS.  Of the time, 80 % go to plain frames, 10 % to a chain with alloca in four of its
// frames, 10 % to one whose frames are aligned to 64 bytes, one of them 8 KiB big.
#include <alloca.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

enum class Frames { plain, dynamic, aligned };

constexpr int depth = 30;
volatile std::uint64_t sink;

// About 0.1 ms, so that the way down and up again does not count.
[[gnu::noinline]] void leaf()
{
	std::uint64_t x = 88172645463325252;

	for (int i = 0; i < 40000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	sink = sink + x;
}

void touch(volatile char *memory, std::size_t size)
{
	memory[0] = 1;
	memory[size - 1] = 1;
}

// Each level does something after the call, so that no call becomes a jump.
template <Frames frames, int level> [[gnu::noinline]] void descend(int seed)
{
	if constexpr (frames == Frames::dynamic && level % 8 == 3) {
		touch(static_cast<char *>(alloca(seed + level)), seed + level);
	} else if constexpr (frames == Frames::aligned) {
		alignas(64) volatile char local[level == depth / 2 ? 8192 : 64];

		touch(local, sizeof(local));
	}
	if constexpr (level == depth)
		leaf();
	else
		descend<frames, level + 1>(seed + 1);
	sink = sink + seed;
}

} // namespace

int main(int argc, char **argv)
{
	std::time_t end = std::time(nullptr) + (argc > 1 ? std::strtol(argv[1], nullptr, 10) : 10);

	while (std::time(nullptr) < end) {
		for (int turn = 0; turn < 8; turn++)
			descend<Frames::plain, 1>(argc);
		descend<Frames::dynamic, 1>(argc);
		descend<Frames::aligned, 1>(argc);
	}
	return 0;
}
