/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#pragma once

#include <linux/types.h>

/*
 * abi - the contract between the programs in the kernel and the agent.
 *
 * The only header that both sides include. Records travel through one ring buffer, begin with
 * a type, are exactly as long as what they hold, and come in the byte order of the machine.
 */

/* ---- frames: one u64 each ------------------------------------------------------------------
 *
 * The top four bits are the kind. A kernel address has them set by nature. The place is already
 * the one to look up: one byte back for a return address, so that it lies in the call.
 */
#define ABI_FRAME_KIND_SHIFT  60
#define ABI_FRAME_ANONYMOUS   0ULL /* code that no file backs (JIT): the address */
#define ABI_FRAME_FILE        1ULL /* an executable and an offset into its file */
#define ABI_FRAME_VDSO        2ULL /* the offset into the vDSO image */
#define ABI_FRAME_UNKNOWN     3ULL /* in a file that could not be given an id: the address */
#define ABI_FRAME_ADDRESS     4ULL /* where frame pointers lead: the address, nothing more is known */
#define ABI_FRAME_KERNEL      15ULL /* the address itself */
#define ABI_FRAME_OFFSET_BITS 34    /* 16 GiB of file */
#define ABI_FRAME_ID_BITS     26

/* ---- sizes --------------------------------------------------------------------------------- */
#define ABI_COMM_BYTES        16          /* TASK_COMM_LEN */
#define ABI_NAME_BYTES        64          /* of a file name, NUL included */
#define ABI_MAX_KERNEL_FRAMES 127         /* kernel.perf_event_max_stack, as it is by default */
#define ABI_MAX_USER_FRAMES   1024        /* the limit is set below it before load */
#define ABI_MAX_EXECUTABLES   8192        /* distinct files known to the kernel side at one time */
#define ABI_MAX_TARGETS       8192        /* processes that a filter can name */
#define ABI_MAX_IMAGES        8192        /* processes whose program is remembered, see abi_image */
#define ABI_CODE_CACHE_BITS   7           /* log2 of the mappings that each CPU remembers */
#define ABI_RULE_CACHE_BITS   9           /* log2 of the rules that each CPU remembers */
#define ABI_REQUEST_PERIOD_NS 20000000ULL /* between two requests to open the same file */
_Static_assert(ABI_FRAME_OFFSET_BITS + ABI_FRAME_ID_BITS == ABI_FRAME_KIND_SHIFT, "one word");

/* ---- catalogues: one line an entry, so that index and name cannot drift ---------------------- */

/* Why a sample was lost: taken = exported + the sum of these. */
#define ABI_DROPS(X)                  \
	X(RING_FULL, "ring_full")     \
	X(WINDOW_FULL, "window_full") \
	X(BAD_RECORD, "bad_record")

/* How a stack ended, and the frame that says so where it is not whole. */
#define ABI_VERDICTS(X)                                         \
	X(WHOLE, "whole", "")                                   \
	X(CHAIN_END, "chain_end", "[no unwind info]")           \
	X(PENDING, "table_pending", "[unwind table pending]")   \
	X(DEPTH_LIMIT, "depth_limit", "[truncated]")            \
	X(NO_UNWIND_INFO, "no_unwind_info", "[no unwind info]") \
	X(UNREADABLE, "unreadable_stack", "[unreadable stack]") \
	X(COMPAT, "32_bit_code", "[32-bit code]")               \
	X(UNMAPPED, "unknown_mapping", "[unknown mapping]")

/* What the kernel side counts besides drops. */
#define ABI_COUNTS(X)                                                        \
	X(TICKS, "ticks")                 /* timer interrupts seen */        \
	X(IDLE, "idle")                   /* of them, on an idle CPU */      \
	X(FILTERED, "filtered")           /* of them, not of the target */   \
	X(TAKEN, "taken")                 /* samples: the rest */            \
	X(EVENTS_LOST, "events_lost")     /* executable events, ring full */ \
	X(IDS_EXHAUSTED, "ids_exhausted") /* files that got no id */

enum abi_drop {
#define X(name, ...) ABI_DROP_##name,
	ABI_DROPS(X)
#undef X
	ABI_DROP_KINDS
};
enum abi_verdict {
#define X(name, ...) ABI_VERDICT_##name,
	ABI_VERDICTS(X)
#undef X
	ABI_VERDICT_KINDS
};
enum abi_count {
#define X(name, ...) ABI_COUNT_##name,
	ABI_COUNTS(X)
#undef X
	ABI_COUNT_KINDS
};

/* One for each CPU. */
struct abi_counters {
	__u64 counts[ABI_COUNT_KINDS];
	__u64 drops[ABI_DROP_KINDS];
};

/* ---- records ------------------------------------------------------------------------------- */
#define ABI_RECORD_SAMPLE     1
#define ABI_RECORD_EXECUTABLE 2

#define ABI_STACK_KERNEL_CUT 1 /* flag: the kernel part is not complete */
#define ABI_STACK_PENDING    2 /* flag: a file's unwind table was not there yet */

/*
 * Followed by kernel_frames and then user_frames words, leaf first. Two stacks are equal if all
 * their bytes are, frames included.
 */
struct abi_stack {
	__u16 kernel_frames;
	__u16 user_frames;
	__u8 verdict; /* enum abi_verdict, of the user part */
	__u8 flags;
	__u16 padding;
};
_Static_assert(sizeof(struct abi_stack) == 8, "compared bytewise: no hidden padding");

#define ABI_STACK_FRAMES(stack) ((const __u64 *)((stack) + 1))

/* The frames of its stack follow it. */
struct abi_sample {
	__u32 type;
	__u32 cpu;
	__u64 time_ns;   /* CLOCK_MONOTONIC */
	__u64 cgroup_id; /* in the hierarchy that the agent chose */
	__u32 tgid;      /* process and thread id in the initial pid namespace */
	__u32 tid;
	char comm[ABI_COMM_BYTES]; /* the thread's name, any bytes, NUL-padded */
	struct abi_stack stack;
};
_Static_assert(sizeof(struct abi_sample) == 56, "frames follow on an 8-byte boundary");

/*
 * What makes a file the same file. Survives the reuse of an inode (generation, ctime), rewriting
 * in place (ctime), btrfs subvolumes, which share device and inode numbers (ctime), and overlayfs,
 * where it names the file underneath.
 */
struct abi_file {
	__u64 inode;
	__u64 ctime_ns;
	__u64 size;
	__u32 device;
	__u32 generation;
};
_Static_assert(sizeof(struct abi_file) == 32, "hashed bytewise: no hidden padding");

/* Where in the unwind memory a file's table is. Nowhere if page_count is 0. */
struct abi_unwind_table {
	__u32 pages;           /* word of its first page */
	__u32 first_page;      /* number of that page in the file */
	__u32 page_count : 27; /* more than the largest unwind memory has words for */
	__u32 page_shift : 5;  /* log2 of the bytes of the file that a page stands for */
	__u32 check;           /* of the file: ABI_FILE_CHECK */
};

/*
 * An entry may be given to another file while it is read: whoever copies one believes the copy if
 * this is right in it.
 */
#define ABI_FILE_CHECK(file) ((__u32)((file)->inode * 31 + (file)->ctime_ns * 7 + (file)->device))

/* How far the agent is with a file. */
enum abi_ready {
	ABI_READY_NO,      /* not opened: ask for it */
	ABI_READY_PENDING, /* opened; its unwind table is on its way, or had to make room */
	ABI_READY_YES,     /* has its unwind table, or there is none to be had */
};

struct abi_executable {
	__u64 asked_ns;                /* when the agent was last asked to open it */
	__u32 id;                      /* 1 and up; never given twice */
	__u32 ready;                   /* enum abi_ready, set by the agent */
	struct abi_unwind_table table; /* its check is the entry's */
};
_Static_assert(sizeof(struct abi_executable) == 32, "shared through a map");

/* What is known of a process where stacks are followed by frame pointers alone. */
struct abi_image {
	__u64 start_ns; /* when it executed its program, CLOCK_MONOTONIC; 0: not known */
	__u64 is_sampled;
};

/* ---- unwind tables -----------------------------------------------------------------------------
 *
 * Unwind memory is an array of 8-byte words. A page stands for some bytes of a file, as many as
 * hold eight rows or more on average, so that all files search as little and no index takes more
 * than a byte for each row. It is a word with the number of its first row and, in the upper half,
 * how many rows begin in it. Two rows share a word; row n is in half n % 2 of word n / 2. A row is the low bits of the offset at which it begins to hold, and a rule.
 * The rule at an offset is that of the last row at or before it, which may lie before the page:
 * the rows of a file stand one behind the other.
 */
#define ABI_PAGE_MIN_SHIFT   6
#define ABI_PAGE_MAX_SHIFT   15
#define ABI_PAGE_MEAN_ROWS   8
#define ABI_PAGE_COUNT_SHIFT 32
#define ABI_ROW_OFFSET_BITS  16
#define ABI_ROW_SEARCH_STEPS 16    /* a page has at most 32,768 rows, one for each byte */
#define ABI_MAX_RULES        32768 /* 1 MiB; 5,000 serve a whole distribution */
#define ABI_RULE_NONE        0     /* the first rule: follow the frame pointer */

/*
 * Almost every row's rule is of one shape, and stands in the row itself in place of a rule's number: the
 * return address just below the cfa, which is some words above the stack pointer or the frame
 * pointer; rbp and rbx each as they were, or saved a few words below the return address.
 */
#define ABI_COMPACT_RULE       0x8000 /* this bit says that it is one */
#define ABI_COMPACT_BY_FP      0x4000 /* the cfa is above the frame pointer */
#define ABI_COMPACT_BX_SHIFT   11     /* words below the return address; 0: as it was */
#define ABI_COMPACT_FP_SHIFT   8
#define ABI_COMPACT_SAVED_MASK 7
#define ABI_COMPACT_CFA_MASK   0xff /* words */
_Static_assert(ABI_MAX_RULES <= ABI_COMPACT_RULE, "a number and a compact rule differ by one bit");

/* How the frame before a call is found; see symbolizer/unwind_table.h for what each means. */
enum abi_rule_cfa {
	ABI_CFA_NONE,
	ABI_CFA_END,
	ABI_CFA_REGISTER,
	ABI_CFA_DEREF,
	ABI_CFA_INDEXED,
	ABI_CFA_PLT,
	ABI_CFA_SIGNAL,
	ABI_CFA_GO,
};

/* What a step of Go's runtime is, in bx_saved of its rule. */
enum abi_rule_go {
	ABI_GO_REGISTER,
	ABI_GO_INTERRUPT,
	ABI_GO_SAVED,
	ABI_GO_RESUME,
	ABI_GO_CALL,
};

enum abi_rule_saved {
	ABI_SAVED_SAME,
	ABI_SAVED_AT_CFA,
	ABI_SAVED_REGISTER,
	ABI_SAVED_UNDEFINED,
	ABI_SAVED_AT_REGISTER,
};

struct abi_rule {
	__u8 cfa; /* enum abi_rule_cfa */
	__u8 cfa_register;
	__u8 fp_saved; /* enum abi_rule_saved */
	__u8 ra_saved;
	__u8 bx_saved;
	__u8 saved_base;
	__u8 cfa_index;
	__u8 cfa_scale;
	__s32 cfa_offset;
	__s32 cfa_addend;
	__s32 fp_offset;
	__s32 ra_offset;
	__s32 bx_offset;
	__u32 is_guess; /* made from code: what it leads to must be behind a call */
};
_Static_assert(sizeof(struct abi_rule) == 32, "one for each entry of a map, two in a cache line");

/* "Open this file while you can": sent when a file is seen that is not ready. */
struct abi_executable_event {
	__u32 type;
	__u32 id;
	__u32 tid; /* a thread that maps it, in the initial pid namespace */
	__u32 padding;
	__u64 time_ns; /* when it was seen; CLOCK_MONOTONIC */
	__u64 start;   /* of the mapping, names it in /proc/TID/map_files */
	__u64 end;
	struct abi_file file;
	char name[ABI_NAME_BYTES]; /* last part of its path, NUL-terminated */
};
_Static_assert(sizeof(struct abi_executable_event) == 136, "no hidden padding");

/* ---- the agent's self-test ---------------------------------------------------------------------- */
#define ABI_LOOKUPS 256 /* that can be asked at a time */

/* An address of the agent's own, written by it, and the mapping that the kernel side finds there. */
struct abi_lookup {
	__u64 addr;
	__u64 start; /* this and all that follows stays as it was where there is no mapping */
	__u64 end;
	__u64 flags;          /* of the kernel: VM_READ and so on */
	__u64 file_offset;    /* of start; untouched like file where no file backs it */
	struct abi_file file; /* what it shows */
};
_Static_assert(sizeof(struct abi_lookup) == 72, "shared through a map");
