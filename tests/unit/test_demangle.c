// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/demangle.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "tests/harness/test.h"

struct pair {
	const char *mangled;
	const char *readable;
};

static const struct pair mangled_names[] = {
	{ "_Z3foov", "foo" },
	{ "_ZN3foo3barEv", "foo::bar" },
	{ "_ZN3FooC1Ev", "Foo::Foo" },
	{ "_ZN3FooC2ERKS_", "Foo::Foo" },
	{ "_ZN3FooD0Ev", "Foo::~Foo" },
	{ "_ZN3FooplERKS_", "Foo::operator+" },
	{ "_ZN3FoocvbEv", "Foo::operator bool" },
	{ "_ZN3FooclEv", "Foo::operator()" },
	{ "_ZN3FooixEm", "Foo::operator[]" },
	{ "_ZNK3FoodeEv", "Foo::operator*" },
	{ "_ZN3FooptEv", "Foo::operator->" },
	{ "_ZlsRSoRK3Foo", "operator<<" },
	{ "_Znwm", "operator new" },
	{ "_ZdaPv", "operator delete[]" },
	{ "_Z3mapIiEiT_", "map<int>" },
	{ "_Z3maxIdET_S0_S0_", "max<double>" },
	{ "_Z1fILi5EEvv", "f<5>" },
	{ "_Z1fILb1EEvv", "f<true>" },
	{ "_Z1fIJiidEEvDpT_", "f<int, int, double>" },
	{ "_Z1fIPFviEEvT_", "f<void (*)(int)>" },
	{ "_ZNSt6vectorIiSaIiEE9push_backERKi",
	  "std::vector<int, std::allocator<int> >::push_back" },
	{ "_ZNSt3mapISsiSt4lessISsESaISt4pairIKSsiEEEixERS3_",
	  "std::map<std::string, int, std::less<std::string>, std::allocator<std::pair<std::string const, int> > >::operator[]" },
	{ "_ZNKSt8functionIFvvEEclEv", "std::function<void ()>::operator()" },
	{ "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE6appendEPKc",
	  "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::append" },
	{ "_ZNSsC1EPKc",
	  "std::basic_string<char, std::char_traits<char>, std::allocator<char> >::basic_string" },
	{ "_ZNSo5writeEPKcl", "std::ostream::write" },
	{ "_ZNSaIcEC1Ev", "std::allocator<char>::allocator" },
	{ "_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo" },
	{ "_ZN1a12_GLOBAL__N_11b3fooEv", "a::(anonymous namespace)::b::foo" },
	{ "_ZZN3foo3barEvENKUlvE_clEv", "foo::bar()::{lambda()#1}::operator()" },
	{ "_ZZN3foo3barEvENKUliE0_clEi", "foo::bar()::{lambda(int)#2}::operator()" },
	{ "_ZN3fooUt_3barEv", "foo::{unnamed type#1}::bar" },
	{ "_ZZ4mainE1x", "main::x" },
	{ "_ZZ4mainEN5Local3runEv", "main::Local::run" },
	{ "_ZN3foo3barB5cxx11Ev", "foo::bar[abi:cxx11]" },
	{ "_ZL6hiddenv", "hidden" },
	{ "_Z4mainiPPc", "main" },
	{ "_ZNKR3Foo3barEv", "Foo::bar" },
	{ "_ZNO3Foo3barEv", "Foo::bar" },
	{ "_ZN3FooIiE3barIdEEvT_", "Foo<int>::bar<double>" },
	{ "_ZThn8_N3Foo3barEv", "non-virtual thunk to Foo::bar()" },
	{ "_ZTv0_n24_N3Foo3barEv", "virtual thunk to Foo::bar()" },
	{ "_ZGVZ3foovE1x", "guard variable for foo()::x" },
	{ "_ZTV3Foo", "vtable for Foo" },
	{ "_Z1fIiEDTcl1gfp_ilEEET_", "f<int>" },
	{ "_Z3foov.cold", "foo" },
	{ "_ZN3foo3barEv.constprop.0", "foo::bar" },
	{ "_ZN3foo3barEv.isra.0.cold", "foo::bar" },
	{ "_ZN3foo3barEv.part.3", "foo::bar" },
	{ "_ZN3foo3barEv.llvm.1234567890", "foo::bar" },
	{ "_ZN3foo3barEv.resume", "foo::bar" },
	{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad" },
	{ "_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$3fmt17h1a2b3c4d5e6f7089E",
	  "<alloc::string::String as core::fmt::Display>::fmt" },
	{ "_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
	  "std::rt::lang_start::{{closure}}" },
	{ "_ZN4core3ptr85drop_in_place$LT$std..rt..lang_start$LT$$LP$$RP$$GT$..$u7b$$u7b$closure$u7d$$u7d$$GT$17h0123456789abcdefE",
	  "core::ptr::drop_in_place<std::rt::lang_start<()>::{{closure}}>" },
	{ "_ZN4core3ptr13drop_in_place17h0123456789abcdefE.llvm.42", "core::ptr::drop_in_place" },
	{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
	{ "_RNvNtCs1_4core3fmt5write", "core::fmt::write" },
	{ "_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>" },
	{ "_RNCINvC1a4mainmE0B3_", "a::main::<u32>::{closure#0}" },
	{ "_RNvYmNtC1a1T1f", "<u32 as a::T>::f" },
	{ "_RNvXs_C1aNtB4_3FooNtNtC4core3fmt5Debug3fmt", "<a::Foo as core::fmt::Debug>::fmt" },
	{ "_RINvC1a1fAhj8_E", "a::f::<[u8; 8]>" },
	{ "_RINvC1a1fDNtB2_1TEL_E", "a::f::<dyn a::T>" },
	{ "_RINvC1a1fFUKCmEuE", "a::f::<unsafe extern \"C\" fn(u32)>" },
	{ "_RINvC1a1fFG_RL0_eEuE", "a::f::<for<'a> fn(&'a str)>" },
	{ "_RNvC7mycrateu8gdel_5qa", "mycrate::gödel" },
	{ "_RINvC1a1fKb1_Kcd_Kan5_E", "a::f::<true, '\\r', -5>" },
	{ "_RNvNtCsjrHSEGnQ3l9_3std2fs24buffer_capacity_required",
	  "std::fs::buffer_capacity_required" },
	{ "_RNvC1a1b.llvm.9", "a::b" },
};

TEST(mangled_names_become_readable)
{
	char buffer[DEMANGLED_MAX + 1];

	for (size_t i = 0; i < sizeof(mangled_names) / sizeof(*mangled_names); i++)
		CHECK_STR(demangle(mangled_names[i].mangled, buffer), mangled_names[i].readable);
}

TEST(other_names_stay_as_they_are)
{
	static const char *const names[] = {
		"",
		"_",
		"_Z",
		"_ZN",
		"_ZZ",
		"_R",
		"_RN",
		"__Z",
		"main",
		"_start",
		"__libc_start_main",
		"main.cold",
		"foo.constprop.0",
		"memcpy",
		"_Z3foo_bar",
		"_Z3fooXYZ",
		"_Zebra",
		"_Z3fooi_extra",
		"_ZN3fooE.",
		"___Z3foov",
		"_RUBBISH",
		"_Rust_function",
		"_RNv",
		"_GLOBAL__sub_I_main.cpp",
		"$s4main3fooyyF",
		"_D3foo3barFZv",
		"Java_org_x_Y_run",
		"main.(*T).Run",
		"runtime.mcall",
		"go.uber.org/zap.(*Logger).Info",
		"@",
		"@version",
		"gopkg.in/yaml%2ev3.Unmarshal",
		"bpf_prog_6deef7357e7b4530_sd_fw_egress",
		"caml_main",
		"_ZN",
		"_ZNv",
		"_Z1",
		"_Z999999999999foo",
		"_Z-1a",
		"\xff\xfe",
		"_Z\x80",
	};
	char buffer[DEMANGLED_MAX + 1];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CHECK(demangle(names[i], buffer) == names[i]);
}

TEST(a_symbol_version_is_no_part_of_the_name)
{
	char buffer[DEMANGLED_MAX + 1];

	CHECK_STR(demangle("memcpy@@GLIBC_2.14", buffer), "memcpy");
	CHECK_STR(demangle("memcpy@GLIBC_2.2.5", buffer), "memcpy");
	CHECK_STR(demangle("_Z3foov@@LIBFOO_1", buffer), "foo");
	CHECK_STR(demangle("_RNvC1a1b@@V", buffer), "a::b");
}

/* Room for names that no compiler writes. */
enum {
	TEXT_BYTES = 2 * 1024 * 1024
};

struct text {
	char *bytes;
	size_t size;
};

static void text_free(struct text *text)
{
	free(text->bytes);
}

#define TEXT(name)                                               \
	__attribute__((cleanup(text_free))) struct text name = { \
		.bytes = calloc(1, TEXT_BYTES),                  \
	}

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	size_t left = TEXT_BYTES - text->size;
	va_list args;
	int size;

	va_start(args, format);
	size = text->bytes ? vsnprintf(text->bytes + text->size, left, format, args) : -1;
	va_end(args);
	if (size < 0 || (size_t)size >= left)
		abort();
	text->size += (size_t)size;
}

static void repeat(struct text *text, const char *piece, size_t times)
{
	while (times--)
		add(text, "%s", piece);
}

static bool stays_raw(const struct text *text)
{
	char buffer[DEMANGLED_MAX + 1];

	return demangle(text->bytes, buffer) == text->bytes;
}

TEST(names_that_are_too_long_stay_raw)
{
	TEXT(long_rust);
	TEXT(long_version);
	TEXT(huge);

	add(&long_rust, "_RNvC1a5000_");
	repeat(&long_rust, "x", 5000);
	CHECK(stays_raw(&long_rust));
	add(&long_version, "memcpy@@");
	repeat(&long_version, "x", 5000);
	CHECK(stays_raw(&long_version));
	add(&huge, "_Z1000000");
	for (int i = 0; i < 10000; i++)
		repeat(&huge, "0123456789", 10);
	add(&huge, "v");
	CHECK(stays_raw(&huge));
}

TEST(the_longest_name_that_fits_is_readable)
{
	char buffer[DEMANGLED_MAX + 1];
	TEXT(longest);

	add(&longest, "_RNvC1a4080_");
	repeat(&longest, "x", 4080);
	CHECK_EQ(strlen(demangle(longest.bytes, buffer)), 3 + 4080);
}

static const char base_36[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char base_62[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* A reference to what came before, as both manglings write it: S_, S0_, ... and B_, B0_, ... */
static void add_reference(struct text *text, char letter, const char *digits, size_t number)
{
	size_t base = strlen(digits);

	add(text, "%c", letter);
	if (number > base)
		add(text, "%c", digits[(number - 1) / base]);
	if (number)
		add(text, "%c", digits[(number - 1) % base]);
	add(text, "_");
}

/* y<y<y<x, x>, y<x, x>>, ...>: each level is twice as long as the one in it. */
static void add_doubling(struct text *text, size_t levels, size_t first)
{
	repeat(text, "1yI", levels);
	add(text, "1x");
	for (size_t i = 0; i < levels; i++) {
		add_reference(text, 'S', base_36, first + levels + i);
		add(text, "E");
	}
}

TEST(a_few_doublings_are_written_out)
{
	char buffer[DEMANGLED_MAX + 1];
	TEXT(name);

	add(&name, "_Z1fI");
	add_doubling(&name, 3, 1);
	add(&name, "Evv");
	CHECK_STR(demangle(name.bytes, buffer),
		  "f<y<y<y<x, x>, y<x, x> >, y<y<x, x>, y<x, x> > > >");
}

TEST(sixty_doublings_stay_raw)
{
	static const char *const starts[] = { "_Z1f", "_Z1fI", "_ZN1fI", "_Z1fIJ" };
	static const char *const ends[] = { "", "Evv", "E1gEv", "EEvDpT_" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		TEXT(name);

		add(&name, "%s", starts[i]);
		add_doubling(&name, 60, i > 0);
		add(&name, "%s", ends[i]);
		/* Without parameters the first of them is short again. */
		CHECK(i == 0 || stays_raw(&name));
	}
}

TEST(doublings_that_are_only_searched_stay_raw)
{
	static const char *const starts[] = { "_Z1fIDp", "_Z1fIDpR", "_Z1fIDpT_I", "_Z1fIXsZ" };
	static const char *const ends[] = { "Evv", "Evv", "EEvv", "EEvv" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		TEXT(name);

		add(&name, "%s", starts[i]);
		add_doubling(&name, 60, 1);
		add(&name, "%s", ends[i]);
		CHECK(stays_raw(&name));
	}
}

TEST(conversions_that_are_parsed_twice_at_each_level_stay_raw)
{
	TEXT(name);

	add(&name, "_ZN1Acv");
	repeat(&name, "T_I", 60);
	add(&name, "i");
	repeat(&name, "E", 60);
	add(&name, "Ev");
	CHECK(stays_raw(&name));
}

TEST(rust_names_that_refer_to_themselves_stay_raw)
{
	static const char *const names[] = {
		"_RNvB_1a",        "_RNvNvB_1a1a",     "_RYuB_",
		"_RINvC1a1bB7_E",  "_RINvC1a1bKB8_E",  "_RINvC1a1bDB8_EL_E",
		"_RINvC1a1bRB7_E", "_RINvC1a1bRRB7_E", "_RINvC1a1bTuB7_EE",
	};
	char buffer[DEMANGLED_MAX + 1];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CHECK(demangle(names[i], buffer) == names[i]);
}

TEST(rust_names_with_countless_lifetimes_stay_raw)
{
	static const char *const names[] = {
		"_RINvC1a1bFGzzzzzzzzzz_EuE",
		"_RMINvC1a1bFGzzzzzzzzzz_EuEu",
		"_RMINvC1a1bDGzzzzzzzzzz_EL_Eu",
	};
	char buffer[DEMANGLED_MAX + 1];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CHECK(demangle(names[i], buffer) == names[i]);
}

/* ((x, x), (x, x)), ...: with names that are decoded to Unicode while the output is full. */
TEST(rust_names_that_double_stay_raw)
{
	static const char *const leaves[] = { "u", "TuuE", "C1a", "Cu8gdel_5qa" };

	for (size_t leaf = 0; leaf < sizeof(leaves) / sizeof(*leaves); leaf++) {
		TEXT(name);
		size_t before = strlen("INvC1a1b"), here;

		add(&name, "_RINvC1a1b%s", leaves[leaf]);
		for (int i = 0; i < 60; i++, before = here) {
			here = name.size - strlen("_R");
			add(&name, "T");
			add_reference(&name, 'B', base_62, before);
			add_reference(&name, 'B', base_62, before);
			add(&name, "E");
		}
		add(&name, "E");
		CHECK(stays_raw(&name));
	}
}

TEST(deeply_nested_names_stay_raw)
{
	static const struct {
		const char *start, *open, *middle, *close, *end;
	} nests[] = {
		{ "_Z1f", "P", "i", "", "" },           { "_Z1fI", "1gI", "i", "E", "Evv" },
		{ "_Z1f", "PF", "v", "E", "" },         { "_Z", "N", "1a", "E", "v" },
		{ "_Z", "Z", "1fv", "E1x", "" },        { "_Z1fIX", "ng", "Li1E", "", "Evv" },
		{ "_Z1fIJ", "J", "i", "E", "EEvDpT_" }, { "_R", "Nv", "C1a", "1b", "" },
		{ "_RINvC1a1b", "R", "u", "", "E" },    { "_RINvC1a1b", "FKC", "", "Eu", "E" },
		{ "_R", "Y", "u", "C1a", "" },
	};

	for (size_t i = 0; i < sizeof(nests) / sizeof(*nests); i++) {
		TEXT(name);

		add(&name, "%s", nests[i].start);
		repeat(&name, nests[i].open, 2000);
		add(&name, "%s", nests[i].middle);
		repeat(&name, nests[i].close, 2000);
		add(&name, "%s", nests[i].end);
		CHECK(stays_raw(&name));
	}
}
