// SPDX-License-Identifier: Apache-2.0
/* Exceptions: through frames with something to destroy, rethrown, and caught far above. */
#include <stdexcept>

namespace
{
volatile int sink;

struct guard {
	~guard()
	{
		sink = sink + 1;
	}
};

__attribute__((noinline)) void thrower(int depth)
{
	guard here;

	if (depth)
		thrower(depth - 1);
	else
		throw std::runtime_error("thrown");
	sink = sink + 1;
}

__attribute__((noinline)) void rethrower()
{
	try {
		thrower(3);
	} catch (const std::exception &) {
		sink = sink + 2;
		throw;
	}
}
} // namespace

int main()
{
	try {
		rethrower();
	} catch (const std::runtime_error &error) {
		sink = sink + error.what()[0];
	}
	return 0;
}
