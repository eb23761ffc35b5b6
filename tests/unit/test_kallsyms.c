// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/kallsyms.h"

#include <errno.h>
#include <string.h>

#include "tests/harness/test.h"

static int read_text(struct kallsyms **out, const char *text)
{
	AUTO_FILE stream = fmemopen((void *)text, strlen(text), "r");

	return stream ? kallsyms_new_from_stream(out, stream) : -errno;
}

static struct kallsyms *kallsyms_of(const char *text)
{
	struct kallsyms *kallsyms = NULL;

	return read_text(&kallsyms, text) ? NULL : kallsyms;
}

static const char *name_at(const struct kallsyms *kallsyms, uint64_t address)
{
	struct kernel_symbol symbol;

	return kallsyms_find(kallsyms, address, &symbol) ? symbol.name : "";
}

static const char *module_at(const struct kallsyms *kallsyms, uint64_t address)
{
	struct kernel_symbol symbol;

	if (!kallsyms_find(kallsyms, address, &symbol))
		return "nothing";
	return symbol.module ? symbol.module : "kernel";
}

TEST(a_kernel_function_reaches_to_the_next_one)
{
	AUTO(kallsyms) kallsyms = kallsyms_of("ffffffff81000100 T first\n"
					      "ffffffff81000200 t second\n"
					      "ffffffff81000300 W third\n");

	CHECK(kallsyms);
	CHECK_EQ(kallsyms_count(kallsyms), 3);
	CHECK_STR(name_at(kallsyms, 0xffffffff810000ff), "");
	CHECK_STR(name_at(kallsyms, 0xffffffff81000100), "first");
	CHECK_STR(name_at(kallsyms, 0xffffffff810001ff), "first");
	CHECK_STR(name_at(kallsyms, 0xffffffff81000200), "second");
	CHECK_STR(name_at(kallsyms, 0xffffffff81000300), "third");
	CHECK_STR(module_at(kallsyms, 0xffffffff81000300), "kernel");
}

TEST(far_beyond_a_kernel_function_is_nothing)
{
	AUTO(kallsyms) kallsyms = kallsyms_of("ffffffff81000000 T _etext\n"
					      "ffffffffc0000000 t in_module\t[loop]\n");

	CHECK(kallsyms);
	CHECK_STR(name_at(kallsyms, 0xffffffff81001000), "_etext");
	CHECK_STR(name_at(kallsyms, 0xffffffffa0000000), "");
	CHECK_STR(name_at(kallsyms, 0xffffffffc0001000), "in_module");
	CHECK_STR(name_at(kallsyms, UINT64_MAX), "");
}

TEST(data_of_the_kernel_has_no_name)
{
	AUTO(kallsyms) kallsyms = kallsyms_of("ffffffff81000000 T text\n"
					      "ffffffff81000100 D data\n"
					      "ffffffff81000200 b bss\n"
					      "ffffffff81000300 A absolute\n"
					      "ffffffff81000400 i indirect\n");

	CHECK(kallsyms);
	CHECK_EQ(kallsyms_count(kallsyms), 1);
}

TEST(modules_and_bpf_programs_are_told_apart)
{
	AUTO(kallsyms) kallsyms =
		kallsyms_of("ffffffff81000000 T vfs_read\n"
			    "ffffffffc0100000 t nf_hook\t[nf_tables]\n"
			    "ffffffffc0100100 t nf_other\t[nf_tables]\n"
			    "ffffffffc0200000 t ftrace_trampoline\t[__builtin__ftrace]\n"
			    "ffffffffc0300000 t bpf_prog_6deef7357e7b4530_sd_fw_egress\t[bpf]\n");

	CHECK(kallsyms);
	CHECK_STR(module_at(kallsyms, 0xffffffff81000000), "kernel");
	CHECK_STR(module_at(kallsyms, 0xffffffffc0100010), "nf_tables");
	CHECK_STR(module_at(kallsyms, 0xffffffffc0100110), "nf_tables");
	CHECK_STR(name_at(kallsyms, 0xffffffffc0100110), "nf_other");
	CHECK_STR(module_at(kallsyms, 0xffffffffc0200000), "__builtin__ftrace");
	CHECK_STR(module_at(kallsyms, 0xffffffffc0300000), "bpf");
	CHECK_STR(name_at(kallsyms, 0xffffffffc0300010), "bpf_prog_6deef7357e7b4530_sd_fw_egress");
}

TEST(hidden_addresses_are_no_permission)
{
	struct kallsyms *kallsyms = NULL;

	CHECK_EQ(read_text(&kallsyms, "0000000000000000 T first\n0000000000000000 t second\n"),
		 -EPERM);
	CHECK(!kallsyms);
}

TEST(a_text_without_functions_is_no_kallsyms)
{
	struct kallsyms *kallsyms = NULL;

	CHECK_EQ(read_text(&kallsyms, "\n"), -ENOENT);
	CHECK_EQ(read_text(&kallsyms, "ffffffff81000000 D data\n"), -ENOENT);
	CHECK_EQ(read_text(&kallsyms, "no such file\n"), -ENOENT);
	CHECK(!kallsyms);
}

TEST(single_hidden_addresses_are_skipped)
{
	AUTO(kallsyms) kallsyms = kallsyms_of("0000000000000000 T hidden\n"
					      "ffffffff81000000 T shown\n");

	CHECK(kallsyms);
	CHECK_EQ(kallsyms_count(kallsyms), 1);
}

TEST(bogus_lines_are_skipped)
{
	AUTO(kallsyms) kallsyms = kallsyms_of("\n"
					      "garbage\n"
					      "ffffffff81000000\n"
					      "ffffffff81000000 \n"
					      "ffffffff81000000 T\n"
					      "ffffffff81000000 T \n"
					      "ffffffff81000000 Tname\n"
					      "ffffffff81000000 TT name\n"
					      "T ffffffff81000000 name\n"
					      " \t\r\n"
					      "ffffffff81000000 T good\n"
					      "ffffffff81000100 T other\t[\n"
					      "ffffffff81000200 T half\t[module\n"
					      "ffffffff81000300 T last ]x[\n");

	CHECK(kallsyms);
	CHECK_EQ(kallsyms_count(kallsyms), 4);
	CHECK_STR(name_at(kallsyms, 0xffffffff81000000), "good");
	CHECK_STR(module_at(kallsyms, 0xffffffff81000100), "kernel");
	CHECK_STR(module_at(kallsyms, 0xffffffff81000200), "module");
	CHECK_STR(module_at(kallsyms, 0xffffffff81000300), "kernel");
}

TEST(lines_may_end_in_crlf_and_the_last_in_nothing)
{
	AUTO(kallsyms) kallsyms = kallsyms_of("ffffffff81000000 T first\r\n"
					      "ffffffffc0000000 t second\t[loop]\r\n"
					      "ffffffffc0000100 t third\t[loop]");

	CHECK(kallsyms);
	CHECK_STR(name_at(kallsyms, 0xffffffff81000000), "first");
	CHECK_STR(module_at(kallsyms, 0xffffffffc0000000), "loop");
	CHECK_STR(name_at(kallsyms, 0xffffffffc0000100), "third");
	CHECK_STR(module_at(kallsyms, 0xffffffffc0000100), "loop");
}

TEST(absurdly_long_lines_are_skipped)
{
	enum {
		LONG = 100000
	};
	AUTO_STRING text = calloc(1, LONG + 200);
	AUTO(kallsyms) kallsyms = NULL;

	CHECK(text);
	strcpy(text, "ffffffff81000000 T before\nffffffff81000100 T ");
	memset(text + strlen(text), 'x', LONG);
	strcpy(text + strlen(text), "\nffffffff81000200 T after\n");
	kallsyms = kallsyms_of(text);
	CHECK(kallsyms);
	CHECK_EQ(kallsyms_count(kallsyms), 2);
	CHECK_STR(name_at(kallsyms, 0xffffffff81000100), "before");
	CHECK_STR(name_at(kallsyms, 0xffffffff81000200), "after");
}

TEST(of_several_kernel_names_the_usual_one_is_shown)
{
	AUTO(kallsyms) kallsyms = kallsyms_of("ffffffff81000000 T _stext\n"
					      "ffffffff81000000 T _text\n"
					      "ffffffff81000000 T srso_alias_untrain_ret\n"
					      "ffffffff81000100 t local\n"
					      "ffffffff81000100 T __global\n"
					      "ffffffff81000200 T __memcpy\n"
					      "ffffffff81000200 W memcpy\n"
					      "ffffffff81000300 T __pfx_padding\n"
					      "ffffffff81000300 T __code\n");

	CHECK(kallsyms);
	CHECK_EQ(kallsyms_count(kallsyms), 4);
	CHECK_STR(name_at(kallsyms, 0xffffffff81000000), "srso_alias_untrain_ret");
	CHECK_STR(name_at(kallsyms, 0xffffffff81000100), "__global");
	CHECK_STR(name_at(kallsyms, 0xffffffff81000200), "memcpy");
	CHECK_STR(name_at(kallsyms, 0xffffffff81000300), "__code");
}

TEST(kernel_functions_may_come_in_any_order)
{
	AUTO(kallsyms) kallsyms = kallsyms_of("ffffffffc0000000 t module_one\t[one]\n"
					      "ffffffff81000100 T second\n"
					      "ffffffffc0000100 t module_two\t[two]\n"
					      "ffffffff81000000 T first\n"
					      "ffffffffc0000200 t module_one_again\t[one]\n");

	CHECK(kallsyms);
	CHECK_STR(name_at(kallsyms, 0xffffffff81000080), "first");
	CHECK_STR(name_at(kallsyms, 0xffffffff81000180), "second");
	CHECK_STR(module_at(kallsyms, 0xffffffffc0000180), "two");
	CHECK_STR(module_at(kallsyms, 0xffffffffc0000280), "one");
}
