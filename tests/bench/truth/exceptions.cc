// SPDX-License-Identifier: Apache-2.0
// exceptions SECONDS [NAME,...] - what C++ makes of stacks; see bursts.h.
#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bursts.h"

extern "C" {

/* The unwinder of the language itself is at work, with destructors on its way. */
static FRAME void throw_deep(long depth, long units)
{
	std::string owned(40, 'x');

	if (depth > 1)
		throw_deep(depth - 1, units);
	else {
		burn(units);
		throw std::runtime_error(owned);
	}
	TOUCH(&owned);
}

static FRAME void path_throw(long units)
{
	for (long i = 0; i < units; i++) {
		try {
			throw_deep(10, 20);
		} catch (const std::runtime_error &error) {
			TOUCH(&error);
		}
	}
}

/* What runs while an exception is on its way: the frames below are still there. */
struct guard {
	long units;
	FRAME ~guard() noexcept
	{
		burn(units);
		AFTER_CALL();
	}
};

static FRAME void landing_inner(long units)
{
	guard one{ units };

	throw units;
}

static FRAME void path_landing(long units)
{
	try {
		landing_inner(units);
	} catch (long value) {
		TOUCH(&value);
	}
}

static FRAME void path_sort(long units)
{
	std::vector<int> items(64);

	for (long i = 0; i < units; i++) {
		for (int k = 0; k < 64; k++)
			items[k] = int((k * 2654435761U + unsigned(i)) % 1000);
		std::sort(items.begin(), items.end(), [](int a, int b) {
			burn(20);
			return a < b;
		});
	}
}
}

/* ---- calls through tables, and through a thunk that moves `this` -------------------------------- */
struct left {
	virtual ~left() = default;
	long padding = 1;
};
struct right {
	virtual ~right() = default;
	virtual void virtual_burn(long units) = 0;
};
struct both : left, right {
	FRAME void virtual_burn(long units) override
	{
		burn(units + padding);
		AFTER_CALL();
	}
};

extern "C" {

static FRAME void path_virtual(long units)
{
	static both object;
	right *seen = &object;

	TOUCH(&seen);
	seen->virtual_burn(units);
	AFTER_CALL();
}

static FRAME void path_function(long units)
{
	std::function<void(long)> function = [&](long n) {
		burn(n);
		AFTER_CALL();
	};

	TOUCH(&function);
	function(units);
	AFTER_CALL();
}
}

static const struct path paths[] = {
	{ "throw", 4, path_throw, "~~,burn,throw_deep*10,path_throw" },
	{ "landing", 3, path_landing,
	  "burn,guard::~guard,landing_inner,path_landing|~~,landing_inner,path_landing|~~,path_landing" },
	{ "sort", 3, path_sort, "burn,~*,path_sort|~~,path_sort" },
	{ "virtual", 2, path_virtual, "burn,both::virtual_burn,path_virtual" },
	{ "function", 2, path_function, "burn,~*,path_function|~~,path_function" },
};

int main(int argc, char **argv)
{
	int status = run_bursts(paths, sizeof(paths) / sizeof(*paths), argc, argv);

	AFTER_CALL();
	return status;
}
