// SPDX-License-Identifier: Apache-2.0
/* bare KIND - calls one of the functions in bare_code.S, again and again; a minute at most. */
#include <string.h>
#include <unistd.h>

void bare_pushes(void);
void bare_moves(void);
void bare_aligned(void);
void bare_table(void);
void bare_random(void);

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} kinds[] = {
		{ "pushes", bare_pushes }, { "moves", bare_moves },   { "aligned", bare_aligned },
		{ "table", bare_table },   { "random", bare_random },
	};

	alarm(60);
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		while (!strcmp(argv[1], kinds[i].name))
			kinds[i].run();
	}
	return 2;
}
