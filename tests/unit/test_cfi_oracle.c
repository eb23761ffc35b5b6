// SPDX-License-Identifier: Apache-2.0
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <glob.h>
#include <string.h>

#include "agent/base/array.h"
#include "symbolizer/unwind_table.h"
#include "tests/harness/test.h"
#include "tests/replay/kernel/native_sampler.h"
#include "tests/unit/cfi_oracle.h"

/*
 * Every row of real libraries against libdw: at its first, middle and last byte and one more, the caller's
 * stack pointer, return address, rbp and rbx are the same, or the reason is listed here. Ours are
 * those of the compiled rule, and those of a step that the kernel side makes by the packed table.
 */
#define BASE 0x10000000000ULL /* where the file is mapped for that, all of it */

enum {
	SAMPLED_FUNCTIONS = 12000, /* of a larger file, unless WICK_CFI_ALL is set */
	PLT_ENTRY = 16,            /* bytes: within it, the rule looks at the place itself */
};

enum outcome {
	EQUAL,
	ROOT,      /* equal too: there is no caller */
	GAP,       /* equal too: after the end of a function */
	FP_LOST,   /* rbp's expression has no rule; the rest is equal */
	BX_LOST,   /* the same for rbx */
	NO_RETURN, /* the return address is said to stay in rip, which cannot be; no rule */
	NO_RULE,   /* the cfa's expression has no rule */
	NO_ORACLE, /* libdw evaluates what we do not */
	DIFFERENT, /* never */
	OUTCOMES,
};

static const char *const outcome_names[OUTCOMES] = {
	"equal",   "root",      "gap",       "rbp lost", "rbx lost", "no return address",
	"no rule", "no oracle", "DIFFERENT",
};

struct counts {
	size_t functions;
	size_t places;
	size_t outcomes[OUTCOMES];
};

struct corpus {
	const struct unwind_table *table;
	Dwarf_CFI *cfi;
	Dwarf *dwarf;
	Dwarf_CFI *debug_cfi; /* .debug_frame, which fills gaps; borrowed from dwarf, may be NULL */
	Elf *elf;
	struct counts counts;
};

static bool same(struct cfi_value a, struct cfi_value b)
{
	return a.is_known == b.is_known && (!a.is_known || a.value == b.value);
}

static enum outcome compare(const struct cfi_caller *ours, const struct cfi_caller *theirs)
{
	if (!ours->is_found)
		return theirs->has_no_return ? NO_RETURN : NO_RULE;
	if (ours->is_root || theirs->is_root)
		return ours->is_root && theirs->is_root ? ROOT : DIFFERENT;
	if (!theirs->sp.is_known)
		return NO_ORACLE;
	if (!same(ours->sp, theirs->sp) || !same(ours->ra, theirs->ra))
		return DIFFERENT;
	if (!same(ours->fp, theirs->fp))
		return ours->fp.is_known ? DIFFERENT : FP_LOST;
	/* Of rbx, libdw knows only what the file says; the ABI says that it keeps its value. */
	if (!theirs->bx.is_known)
		return ours->bx_is_same ? EQUAL : DIFFERENT;
	if (!same(ours->bx, theirs->bx))
		return ours->bx.is_known ? DIFFERENT : BX_LOST;
	return EQUAL;
}

static uint64_t offset_of(Elf *elf, uint64_t address)
{
	size_t count = 0;
	GElf_Phdr segment;

	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &segment); i++) {
		if (segment.p_type == PT_LOAD && address - segment.p_vaddr < segment.p_filesz)
			return address - segment.p_vaddr + segment.p_offset;
	}
	return UINT64_MAX;
}

static void compare_at(struct corpus *corpus, Dwarf_Frame *frame, uint64_t address)
{
	uint64_t offset = offset_of(corpus->elf, address);
	const struct unwind_rule *rule = unwind_table_find(corpus->table, offset);
	enum outcome worst = EQUAL;

	for (uint64_t seed = 0; seed < 2; seed++) {
		struct cfi_machine machine = cfi_machine_at(seed, address);
		struct cfi_caller ours = cfi_caller_by_rule(&machine, rule);
		struct cfi_caller theirs = cfi_caller_by_libdw(&machine, frame);
		struct cfi_caller stepped = cfi_caller_by_kernel(&machine, rule, BASE + offset);
		enum outcome outcome = compare(&ours, &theirs);

		if (outcome > worst)
			worst = outcome;
		if (compare(&stepped, &theirs) != outcome)
			worst = DIFFERENT;
	}
	if (worst == DIFFERENT && corpus->counts.outcomes[DIFFERENT] < 5)
		printf("# differs from libdw at 0x%llx\n", (unsigned long long)address);
	corpus->counts.places++;
	corpus->counts.outcomes[worst]++;
}

/*
 * After the end of a function nothing is known, neither here nor there, but by .debug_frame. What
 * libdw finds in that is right, but it does not find all: readelf sees more in Go programs.
 */
static void compare_gap(struct corpus *corpus, uint64_t address)
{
	const struct unwind_rule *rule =
		unwind_table_find(corpus->table, offset_of(corpus->elf, address));
	Dwarf_Frame *frame;

	if (corpus->debug_cfi && !dwarf_cfi_addrframe(corpus->debug_cfi, address, &frame)) {
		compare_at(corpus, frame, address);
		free(frame);
		return;
	}
	corpus->counts.places++;
	if (!rule || rule->cfa == UNWIND_RULE_NONE || corpus->debug_cfi) {
		corpus->counts.outcomes[GAP]++;
		return;
	}
	corpus->counts.outcomes[DIFFERENT]++;
	printf("# a rule after the end at 0x%llx\n", (unsigned long long)address);
}

static bool is_computed(const struct corpus *corpus, uint64_t address)
{
	const struct unwind_rule *rule =
		unwind_table_find(corpus->table, offset_of(corpus->elf, address));

	return rule && rule->cfa == UNWIND_RULE_PLT;
}

static void compare_row(struct corpus *corpus, Dwarf_Frame *frame, uint64_t start, uint64_t end)
{
	uint64_t size = end - start;

	/* The linker's own code comes in entries of one row. */
	for (uint64_t i = 0; is_computed(corpus, start) && i < 2 * PLT_ENTRY && i < size; i++)
		compare_at(corpus, frame, start + i);
	compare_at(corpus, frame, start);
	compare_at(corpus, frame, start + size / 2);
	compare_at(corpus, frame, start + start * 0x9e3779b97f4a7c15ULL % size);
	compare_at(corpus, frame, end - 1);
}

/* Walks libdw's rows from the start of a function to its end. */
static void compare_function(struct corpus *corpus, uint64_t address, uint64_t limit)
{
	corpus->counts.functions++;
	while (address < limit) {
		Dwarf_Frame *frame;
		Dwarf_Addr start, end;
		bool is_signal;

		if (dwarf_cfi_addrframe(corpus->cfi, address, &frame)) {
			compare_gap(corpus, address);
			return;
		}
		dwarf_frame_info(frame, &start, &end, &is_signal);
		if (end > address)
			compare_row(corpus, frame, address, end);
		free(frame);
		if (end <= address)
			return;
		address = end;
	}
}

/* The linker's sorted table of function starts, which our code never looks at. */
static bool find_search_table(Elf *elf, GElf_Phdr *ret_segment)
{
	size_t count = 0;

	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, ret_segment); i++) {
		if (ret_segment->p_type == PT_GNU_EH_FRAME)
			return true;
	}
	return false;
}

/* The starts of functions, ascending; owned by the caller. */
struct starts {
	uint64_t *items;
	size_t count, capacity;
};

static bool add_listed_starts(Elf *elf, struct starts *starts)
{
	GElf_Phdr segment;
	Elf_Data *data = NULL;
	const int32_t *words;

	if (find_search_table(elf, &segment))
		data = elf_getdata_rawchunk(elf, (int64_t)segment.p_offset, segment.p_filesz,
					    ELF_T_WORD);
	if (!data || data->d_size < 12 || memcmp(data->d_buf, "\1\x1b\3\x3b", 4) != 0)
		return false;
	words = data->d_buf;
	for (size_t i = 0; i < (size_t)words[2]; i++) {
		uint64_t start = segment.p_vaddr + (uint64_t)(int64_t)words[3 + 2 * i];

		if (array_add(starts, start))
			return false;
	}
	return true;
}

static int by_address(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Static programs have no such table, but symbols. */
static bool add_symbols(Elf *elf, struct starts *starts)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
			if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx &&
			    array_add(starts, symbol.st_value))
				return false;
		}
	}
	if (starts->count)
		qsort(starts->items, starts->count, sizeof(*starts->items), by_address);
	return starts->count;
}

/* All, or with a fixed seed as many as a test has time for. */
static bool is_wanted(size_t count, uint64_t start)
{
	return count <= SAMPLED_FUNCTIONS || getenv("WICK_CFI_ALL") ||
	       (start ^ start >> 17) * 0x9e3779b97f4a7c15ULL % count < SAMPLED_FUNCTIONS;
}

static bool compare_all(struct corpus *corpus)
{
	struct starts starts = { 0 };
	bool is_found =
		add_listed_starts(corpus->elf, &starts) || add_symbols(corpus->elf, &starts);

	for (size_t i = 0; is_found && i < starts.count; i++) {
		uint64_t next = i + 1 < starts.count ? starts.items[i + 1] : UINT64_MAX;

		if (next > starts.items[i] && is_wanted(starts.count, starts.items[i]))
			compare_function(corpus, starts.items[i], next);
	}
	free(starts.items);
	return is_found;
}

/* The file in the kernel side's tables, and all of it mapped as code. */
static bool load(const struct unwind_table *table)
{
	struct native_mapping mapping = { .start = BASE,
					  .end = BASE + (1ULL << 32),
					  .is_executable = true };

	native_clear();
	return !native_add_table(table, &mapping.file) && !native_set_mappings(&mapping, 1);
}

static void print(const char *path, const struct counts *counts)
{
	printf("# %s: %zu functions, %zu places", path, counts->functions, counts->places);
	for (size_t i = 0; i < OUTCOMES; i++) {
		if (counts->outcomes[i])
			printf(", %zu %s", counts->outcomes[i], outcome_names[i]);
	}
	printf("\n");
}

static bool agrees_with_libdw(const char *path)
{
	static const struct unwind_options defaults;
	AUTO(unwind_table) table = NULL;
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct corpus corpus = { 0 };
	bool is_done;

	if (fd < 0 || unwind_table_compile(&table, fd, &defaults) || !load(table))
		return false;
	elf_version(EV_CURRENT);
	corpus.table = table;
	corpus.elf = elf_begin(fd, ELF_C_READ, NULL);
	corpus.cfi = corpus.elf ? dwarf_getcfi_elf(corpus.elf) : NULL;
	corpus.dwarf = corpus.elf ? dwarf_begin_elf(corpus.elf, DWARF_C_READ, NULL) : NULL;
	corpus.debug_cfi = corpus.dwarf ? dwarf_getcfi(corpus.dwarf) : NULL;
	is_done = corpus.cfi && compare_all(&corpus);
	print(path, &corpus.counts);
	dwarf_end(corpus.dwarf);
	dwarf_cfi_end(corpus.cfi);
	elf_end(corpus.elf);
	return is_done && corpus.counts.places && !corpus.counts.outcomes[DIFFERENT] &&
	       corpus.counts.outcomes[NO_RULE] * 10000 <= corpus.counts.places;
}

/* Whether all files of a pattern agree; those that a machine does not have are no matter. */
static bool all_agree(const char *pattern)
{
	bool is_good = true;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return true;
	for (size_t i = 0; i < found.gl_pathc; i++)
		is_good &= agrees_with_libdw(found.gl_pathv[i]);
	globfree(&found);
	return is_good;
}

TEST(every_place_of_libc_is_as_libdw_says)
{
	CHECK(all_agree("/usr/lib*/x86_64-linux-gnu/libc.so.6"));
	CHECK(all_agree("/usr/lib64/libc.so.6"));
}

TEST(every_place_of_libstdcxx_is_as_libdw_says)
{
	CHECK(all_agree("/usr/lib/x86_64-linux-gnu/libstdc++.so.6"));
	CHECK(all_agree("/usr/lib64/libstdc++.so.6"));
}

TEST(every_place_of_libcrypto_is_as_libdw_says)
{
	CHECK(all_agree("/usr/lib/x86_64-linux-gnu/libcrypto.so.[13]*"));
	CHECK(all_agree("/usr/lib64/libcrypto.so.[13]"));
}

TEST(every_place_of_python_is_as_libdw_says)
{
	CHECK(all_agree("/usr/lib/x86_64-linux-gnu/libpython3.*.so.1"));
	CHECK(all_agree("/usr/lib64/libpython3.*.so.1.0"));
	CHECK(all_agree("/usr/bin/python3"));
}

TEST(every_place_of_the_dynamic_loader_and_small_libraries_is_as_libdw_says)
{
	CHECK(all_agree("/lib64/ld-linux-x86-64.so.2"));
	CHECK(all_agree("/usr/lib*/x86_64-linux-gnu/libm.so.6"));
	CHECK(all_agree("/usr/lib*/x86_64-linux-gnu/libgcc_s.so.1"));
	CHECK(all_agree("/usr/lib*/x86_64-linux-gnu/libssl.so.[13]*"));
	CHECK(all_agree("/usr/lib64/lib[ms]*[ml].so.[1-9]"));
}

TEST(every_place_of_programs_is_as_libdw_says)
{
	CHECK(all_agree("/usr/bin/perl"));
	CHECK(all_agree("/usr/bin/openssl"));
	CHECK(all_agree("/bin/bash"));
}

TEST(places_of_libjvm_and_libllvm_are_as_libdw_says)
{
	CHECK(all_agree("/usr/lib/jvm/java-[0-9][0-9]-*/lib/server/libjvm.so"));
	CHECK(all_agree("/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1"));
}

/* Without a search table; of glibc, and of musl, which says nothing but of what the compiler adds. */
TEST(every_place_of_static_programs_is_as_libdw_says)
{
	static const char *const compilers[] = { "cc", "musl-gcc" };
	char path[] = "/tmp/wick-static-XXXXXX", command[128];
	AUTO_FD fd = mkstemp(path);
	bool is_good = fd >= 0;

	for (size_t i = 0; is_good && i < 2; i++) {
		FILE *shell;

		snprintf(command, sizeof(command), "%s -static -O2 -w -x c -o %s - 2>/dev/null",
			 compilers[i], path);
		shell = popen(command, "w");
		if (!shell)
			break;
		fputs("int main(void) { return printf(\"%f\", 1.5); }", shell);
		if (!pclose(shell))
			is_good &= agrees_with_libdw(path);
	}
	unlink(path);
	CHECK(is_good);
}

TEST(every_place_of_this_program_is_as_libdw_says)
{
	CHECK(agrees_with_libdw("/proc/self/exe"));
}

/* For larger corpora: WICK_CFI_FILES is a pattern of files. */
TEST(every_place_of_files_asked_for_is_as_libdw_says)
{
	const char *pattern = getenv("WICK_CFI_FILES");

	CHECK(!pattern || all_agree(pattern));
}
