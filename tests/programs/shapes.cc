// SPDX-License-Identifier: Apache-2.0
// C++ names worth demangling: a namespace, a template, a const method, an operator. Runs until
// killed, a minute at most.
#include <cstdint>
#include <unistd.h>

namespace shapes
{

template <typename T> class Box
{
      public:
	explicit Box(T value) : value(value)
	{
	}
	__attribute__((noinline)) T churn(T seed) const;
	__attribute__((noinline)) T operator()(T seed) const
	{
		return churn(seed) + 1;
	}

      private:
	T value;
};

static volatile std::uint64_t sink;

template <typename T> T Box<T>::churn(T seed) const
{
	// gcc gives functions that call nothing no frame, whatever the flags, unless they ask.
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	for (int i = 0; i < 1000000; i++)
		seed = seed * 6364136223846793005 + value;
	sink = seed;
	return seed;
}

} // namespace shapes

int main()
{
	shapes::Box<unsigned long> box(1442695040888963407);

	alarm(60);
	for (;;)
		shapes::sink = box(shapes::sink) + 1;
}
