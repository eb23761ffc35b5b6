// SPDX-License-Identifier: Apache-2.0
/* One instruction at a time, as assemblers write it. */
#include "symbolizer/x86_instruction.h"

#include "tests/harness/test.h"

/* The instruction in @bytes, which end with it; length 0 if there is none. */
static struct x86_instruction read_all(const char *bytes, size_t size)
{
	struct x86_instruction instruction = { 0 };

	if (!x86_instruction_read(&instruction, (const uint8_t *)bytes, size) ||
	    instruction.length != size)
		instruction.length = 0;
	return instruction;
}

#define READ(bytes) read_all(bytes, sizeof(bytes) - 1)

struct expected {
	const char *bytes;
	uint8_t length;
	uint8_t kind;
	uint8_t destination;
	uint8_t source;
	int32_t offset;
};

TEST(what_moves_the_stack_pointer_is_seen)
{
	static const struct expected all[] = {
		{ "\x55", 1, X86_PUSH, 16, X86_RBP, 0 },
		{ "\x41\x57", 2, X86_PUSH, 16, 15, 0 },
		{ "\x68\x78\x56\x34\x12", 5, X86_PUSH, 16, 16, 0 },
		{ "\x6a\x01", 2, X86_PUSH, 16, 16, 0 },
		{ "\x41\xff\x72\xf8", 4, X86_PUSH, 16, 16, 0 },
		{ "\x5b", 1, X86_POP, X86_RBX, 16, 0 },
		{ "\x41\x5c", 2, X86_POP, 12, 16, 0 },
		{ "\xc9", 1, X86_LEAVE, 16, 16, 0 },
		{ "\x48\x83\xec\x18", 4, X86_MOVE, X86_RSP, X86_RSP, -24 },
		{ "\x48\x81\xec\x88\x01\x00\x00", 7, X86_MOVE, X86_RSP, X86_RSP, -0x188 },
		{ "\x48\x83\xc4\x18", 4, X86_MOVE, X86_RSP, X86_RSP, 24 },
		{ "\x48\x8d\x64\x24\xd8", 5, X86_MOVE, X86_RSP, X86_RSP, -40 },
		{ "\x48\x89\xe5", 3, X86_MOVE, X86_RBP, X86_RSP, 0 },
		{ "\x48\x8b\xec", 3, X86_MOVE, X86_RBP, X86_RSP, 0 },
		{ "\x48\x8d\x6c\x24\x10", 5, X86_MOVE, X86_RBP, X86_RSP, 16 },
		{ "\x4c\x8d\x54\x24\x08", 5, X86_MOVE, 10, X86_RSP, 8 },
		{ "\x48\x83\xe4\xe0", 4, X86_ALIGN, X86_RSP, X86_RSP, -32 },
		{ "\x48\x89\x5c\x24\x08", 5, X86_STORE, X86_RSP, X86_RBX, 8 },
		{ "\x48\x8b\x6d\xf0", 4, X86_LOAD, X86_RBP, X86_RBP, -16 },
		{ "\x48\x8b\x64\x24\x60", 5, X86_LOAD, X86_RSP, X86_RSP, 0x60 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct x86_instruction is = read_all(all[i].bytes, all[i].length);

		CHECK_EQ(is.length, all[i].length);
		CHECK_EQ(is.kind, all[i].kind);
		CHECK_EQ(is.destination, all[i].destination);
		CHECK_EQ(is.source, all[i].source);
		CHECK_EQ(is.offset, all[i].offset);
	}
}

TEST(where_code_goes_is_seen)
{
	CHECK_EQ(READ("\xc3").kind, X86_RETURN);
	CHECK_EQ(READ("\xf3\xc3").kind, X86_RETURN);
	CHECK_EQ(READ("\xc2\x08\x00").kind, X86_RETURN);
	CHECK_EQ(READ("\xeb\xfe").kind, X86_JUMP);
	CHECK_EQ(READ("\xeb\xfe").target, 0);
	CHECK_EQ(READ("\xe9\x10\x00\x00\x00").target, 21);
	CHECK_EQ(READ("\x74\x10").kind, X86_BRANCH);
	CHECK_EQ(READ("\x0f\x84\x10\x00\x00\x00").target, 22);
	CHECK_EQ(READ("\xe8\xfb\xff\xff\xff").kind, X86_CALL);
	CHECK_EQ(READ("\xe8\xfb\xff\xff\xff").target, 0);
	CHECK(!READ("\xff\x15\x00\x00\x00\x00").has_target);
	CHECK_EQ(READ("\xff\x15\x00\x00\x00\x00").kind, X86_CALL);
	CHECK_EQ(READ("\xff\xe0").kind, X86_JUMP_INDIRECT);
	CHECK(READ("\xff\x25\x00\x00\x00\x00").is_rip_relative);
	CHECK_EQ(READ("\xf4").kind, X86_STOP);
	CHECK_EQ(READ("\x0f\x0b").kind, X86_STOP);
	CHECK_EQ(READ("\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00").kind, X86_PADDING);
	CHECK_EQ(READ("\x66\x90").kind, X86_PADDING);
	CHECK_EQ(READ("\xcc").kind, X86_PADDING);
}

TEST(registers_that_get_another_value_are_seen)
{
	CHECK_EQ(READ("\x31\xed").written, 1 << X86_RBP);
	CHECK_EQ(READ("\x39\xe5").written, 0);                        /* cmp */
	CHECK_EQ(READ("\x48\x85\xed").written, 0);                    /* test */
	CHECK_EQ(READ("\x41\x0f\xb6\x2c\x24").written, 1 << X86_RBP); /* movzbl */
	CHECK_EQ(READ("\x48\x0f\x44\xdd").written, 1 << X86_RBX);     /* cmove */
	CHECK_EQ(READ("\xc4\xe2\x68\xf2\xe9").written, 1 << X86_RBP | 1 << X86_RDX);
	CHECK_EQ(READ("\xc5\xfd\xd7\xe8").written, 1 << X86_RBP);     /* vpmovmskb */
	CHECK_EQ(READ("\x66\x48\x0f\x7e\xc5").written, 1 << X86_RBP); /* movq to rbp */
	CHECK_EQ(READ("\xf3\x0f\x7e\xe8").written, 0);                /* movq to xmm5 */
	CHECK_EQ(READ("\x80\xcc\x0c").written, 1 << X86_RAX);         /* or $12,%ah */
	CHECK_EQ(READ("\x40\x80\xcc\x0c").written, 1 << X86_RSP);     /* or $12,%spl */
	CHECK_EQ(READ("\x88\xdd").written, 1 << X86_RCX);             /* mov %bl,%ch */
	CHECK_EQ(READ("\x8a\x2f").written, 1 << X86_RCX);             /* mov (%rdi),%ch */
	CHECK_EQ(READ("\xb7\x01").written, 1 << X86_RBX);             /* mov $1,%bh */
	CHECK_EQ(READ("\x0f\x94\xc4").written, 1 << X86_RAX);         /* sete %ah */
	CHECK_EQ(READ("\x83\xcc\x0c").written, 1 << X86_RSP);         /* or $12,%esp */
}

TEST(vectors_of_every_encoding_have_their_length)
{
	CHECK_EQ(READ("\xc5\xf8\x77").length, 3);                              /* vzeroupper */
	CHECK_EQ(READ("\xc4\xe3\x7d\x39\xc1\x01").length, 6);                  /* vextracti128 */
	CHECK_EQ(READ("\x62\xf1\x7c\x48\x10\x44\x24\x01").length, 8);          /* vmovups zmm */
	CHECK_EQ(READ("\x62\xf3\xfd\x48\x03\xc1\x02").length, 7);              /* valignq */
	CHECK_EQ(READ("\x8f\xe8\xf8\xa3\x2a\x10").length, 6);                  /* vpperm */
	CHECK_EQ(READ("\x66\x0f\x3a\x0f\xc1\x08").length, 6);                  /* palignr */
	CHECK_EQ(READ("\x66\x0f\x38\x00\x05\x00\x00\x00\x00").length, 9);      /* pshufb */
	CHECK_EQ(READ("\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08").length, 10); /* movabs */
	CHECK_EQ(READ("\x66\xc7\x44\x24\x08\x34\x12").length, 7);              /* movw */
	CHECK_EQ(READ("\xf6\x44\x24\x08\x01").length, 5);                      /* testb */
	CHECK_EQ(READ("\xf6\xd8").length, 2);                                  /* negb */
}

TEST(what_is_no_instruction_of_64_bit_code_is_refused)
{
	CHECK_EQ(READ("\x06").length, 0);
	CHECK_EQ(READ("\x9a\x00\x00\x00\x00").length, 0);
	CHECK_EQ(READ("\x48").length, 0);
	CHECK_EQ(READ("\xe8\x00\x00\x00").length, 0);
	CHECK_EQ(READ("").length, 0);
	CHECK_EQ(READ("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90").length,
		 0);
}
