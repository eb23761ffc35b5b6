// SPDX-License-Identifier: Apache-2.0
/*
 * Names addresses of one file as wick does, and says what it cost:
 *   symbols FILE [DEBUG_FILE [SUPPLEMENT [PACKAGE]]] <ADDRESSES >ANSWERS
 * ADDRESSES are ELF virtual addresses in hex, one a line. ANSWERS are in the form of llvm-symbolizer,
 * without demangling: function and file:line of each frame, innermost first, then an empty line.
 */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "symbolizer/symbolizer.h"

enum {
	MAX_ADDRESSES = 1000000,
	MAX_SEGMENTS = 64,
	HOT_ROUNDS = 50,
};

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of this program alone: what getrusage(2) says may be that of whoever started it. */
static long peak_kb(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long peak = 0;

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmHWM: %ld", &peak);
	if (status)
		fclose(status);
	return peak;
}

static int open_file(int argc, char **argv, int index)
{
	int fd = index < argc ? open(argv[index], O_RDONLY | O_CLOEXEC) : -1;

	if (index < argc && fd < 0) {
		perror(argv[index]);
		exit(2);
	}
	return fd;
}

static int open_split(void *context, const char *directory, const char *name)
{
	char path[8192];

	(void)context;
	snprintf(path, sizeof(path), "%s/%s", *name == '/' ? "" : directory, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static uint64_t to_offset(const Elf64_Phdr *segments, size_t count, uint64_t address)
{
	for (size_t i = 0; i < count; i++) {
		if (segments[i].p_type == PT_LOAD &&
		    address - segments[i].p_vaddr < segments[i].p_filesz)
			return address - segments[i].p_vaddr + segments[i].p_offset;
	}
	return UINT64_MAX;
}

static size_t read_segments(int fd, Elf64_Phdr *segments)
{
	Elf64_Ehdr header;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.e_phnum > MAX_SEGMENTS ||
	    pread(fd, segments, header.e_phnum * sizeof(*segments), (off_t)header.e_phoff) < 0)
		exit(2);
	return header.e_phnum;
}

static void print_answer(const struct symbol_answer *answer)
{
	for (size_t i = 0; i < answer->place_count; i++) {
		const struct symbol_place *place = &answer->places[i];

		for (uint32_t j = 0; j < place->line_count; j++) {
			const struct symbol_line *line = &answer->lines[place->first_line + j];

			printf("%s\n%s:%" PRIu32 "\n", line->system_name,
			       line->file ? line->file : "??", line->line);
		}
		printf("%s\n", place->line_count ? "" : "??\n??:0\n");
	}
}

static struct symbol_answer *ask(struct symbolizer *symbolizer, const struct symbol_files *files,
				 const uint64_t *offsets, size_t count)
{
	struct symbol_answer *answer;

	if (symbolizer_resolve_file(symbolizer, &answer, files, offsets, count))
		exit(1);
	return answer;
}

int main(int argc, char **argv)
{
	static uint64_t offsets[MAX_ADDRESSES];
	struct symbolizer_options options = { .cache_bytes = 256 << 20 };
	struct symbol_files files = SYMBOL_FILES(open_file(argc, argv, 1));
	Elf64_Phdr segments[MAX_SEGMENTS];
	AUTO(symbolizer) symbolizer = NULL;
	AUTO(symbol_answer) answer = NULL;
	size_t count = 0, segment_count;
	double start, cold, hot;
	uint64_t address;

	files.debug_fd = open_file(argc, argv, 2);
	files.supplement_fd = open_file(argc, argv, 3);
	files.package_fd = open_file(argc, argv, 4);
	files.open_split = open_split;
	segment_count = read_segments(files.fd, segments);
	while (count < MAX_ADDRESSES && scanf("%" SCNx64, &address) == 1)
		offsets[count++] = to_offset(segments, segment_count, address);

	start = cpu_seconds();
	if (symbolizer_new(&symbolizer, &options))
		return 1;
	answer = ask(symbolizer, &files, offsets, count);
	cold = cpu_seconds() - start;
	start = cpu_seconds();
	for (unsigned i = 0; i < HOT_ROUNDS; i++)
		symbol_answer_free(ask(symbolizer, &files, offsets, count));
	hot = (cpu_seconds() - start) / HOT_ROUNDS;
	print_answer(answer);
	fprintf(stderr, "cold_s=%.3f hot_us=%.3f peak_kb=%ld\n", cold,
		count ? hot / (double)count * 1e6 : 0, peak_kb());
	return 0;
}
