# wick: one Makefile, never recursive, everything it makes below $(O).  `make help` lists the verbs.
O    ?= build
SAN  ?=
V    ?= 0

CC      ?= cc
CLANG   ?= $(firstword $(foreach c,clang clang-14 clang-15 clang-16 clang-17 clang-18 clang-19,$(shell command -v $(c))) clang)
PROTOC_C ?= protoc-c
FORMAT  ?= $(firstword $(foreach c,clang-format-14 clang-format,$(shell command -v $(c))) clang-format)
TIDY    ?= $(firstword $(foreach c,clang-tidy-14 clang-tidy,$(shell command -v $(c))) clang-tidy)
BPFTOOL ?= $(shell deploy/packages.sh bpftool)

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
ARCH    := $(shell uname -m)

ifeq ($(V),1)
say =
else
say = @printf '  %-7s %s\n' '$(1)' '$(patsubst $(O)/%,%,$(2))';
endif

WARNINGS = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
           -Wwrite-strings -Wundef -Wimplicit-fallthrough
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
CFLAGS  ?= -O2 -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE $(CFLAGS) $(WARNINGS) $(SANFLAGS) -fstack-protector-strong \
             -ffunction-sections -I. -isystem $(O)/gen
ALL_LDFLAGS = $(LDFLAGS) $(SANFLAGS) -Wl,--gc-sections -Wl,-z,relro,-z,now

# A library is linked statically where its archive is installed, so that the binary can be copied.
archive = $(shell f=$$($(CC) -print-file-name=lib$(1).a); [ "$$f" != lib$(1).a ] && echo -l:lib$(1).a || echo -l$(1))
LIBS := $(foreach l,bpf elf protobuf-c iberty lzma zstd z,$(call archive,$(l)))
# elfutils from 0.190 on links zstd into libelf.
LIBS += $(if $(filter -l:libelf.a,$(LIBS)),$(if $(shell nm $$($(CC) -print-file-name=libelf.a) 2>/dev/null | grep -m1 'U ZSTD_'),-lzstd))

BPF_ARCH   = $(if $(filter aarch64,$(ARCH)),arm64,x86)
BPF_CFLAGS = -std=gnu11 -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Werror \
             -Wno-unused-function -I. -idirafter /usr/include/$(shell $(CC) -dumpmachine) -idirafter /usr/include

# ---- what there is -------------------------------------------------------------------------------
SOURCES   := $(wildcard agent/base/*.c agent/*.c symbolizer/*.c pprof/*.c)
OBJECTS   := $(SOURCES:%.c=$(O)/%.o) $(O)/gen/profile.pb-c.o $(O)/pprof/flame_page.o
LIBRARY   := $(filter-out $(O)/agent/main.o,$(OBJECTS))
UNIT      := $(patsubst %.c,$(O)/%.o,$(wildcard tests/unit/*.c tests/harness/*.c))
NATIVE    := $(patsubst %.c,$(O)/%.o,$(wildcard tests/replay/kernel/*.c))
REPLAY    := $(patsubst %.c,$(O)/%.o,$(wildcard tests/replay/*.c)) $(NATIVE) $(O)/tests/harness/test.o
BPF_TESTS := $(patsubst %.c,$(O)/%.o,$(wildcard tests/bpf/test_*.c)) $(O)/tests/harness/test.o
KERNEL_TESTS := $(patsubst %.c,$(O)/%.o,$(wildcard tests/kernels/test_*.c)) $(O)/tests/harness/test.o

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all deps deps-test deps-kernels deps-bench deps-bench-symbols deps-fuzz fuzz run test test-kernels test-all check check-asan check-replay check-bpf check-e2e check-kernels bench bench-truth bench-system bench-symbols lint format install clean help

all: $(O)/wick

help:
	@echo 'make            build $(O)/wick'
	@echo 'make deps       install what the build needs (asks for root)'
	@echo 'make run        deps, build, and a 10 s profile of this machine: wick.html, wick.pb.gz'
	@echo 'make test       install what the tests need, build, run every test'
	@echo '  check  check-asan  check-replay  check-bpf  check-e2e    one kind of test at a time'
	@echo 'make test-kernels   wick on other kernels, from 5.10 to the newest, emulated (some minutes)'
	@echo 'make test-all   both, with one sum: what CI runs'
	@echo 'make fuzz       a minute of libFuzzer each on CFI, DWARF and Go tables and the unwinder (FUZZ_SECONDS=60)'
	@echo 'make bench      cost and accuracy of wick beside perf, or another profiler, in the same run (15 minutes), and:'
	@echo '  bench-truth   accuracy against programs that know their own truth  (TRUTH="--quick", see tests/bench/truth/truth.py)'
	@echo '  bench-system  how many stacks of installed programs are whole, one by one  (PROGRAMS="perl nginx")'
	@echo '  bench-symbols  names, lines and inlined functions beside llvm-symbolizer, addr2line and eu-addr2line'
	@echo 'make lint       style, static analysis, who may include whom'
	@echo 'make format     clang-format 14 over all C sources'
	@echo 'make install    to $$DESTDIR$$PREFIX/bin (/usr/local)     make clean   remove $(O)'
	@echo 'O=dir  another place for the results     SAN=address,undefined  sanitizers     V=1  every command     ORACLE=all  check without sampling'

deps:
	@deploy/packages.sh install build
deps-test:
	@deploy/packages.sh install build test

# ---- build ---------------------------------------------------------------------------------------
# One probe a tree: a missing package is named before the first compile error.
$(O)/.packages: deploy/packages.sh
	@deploy/packages.sh check build
	@mkdir -p $(@D) && touch $@

$(O)/wick: $(OBJECTS)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(O)/%.o: %.c | $(O)/.packages
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MD -MP -c $< -o $@

$(O)/agent/version.o: CFLAGS += -DWICK_VERSION='"$(VERSION)"'
$(O)/agent/version.o: $(O)/.version
$(O)/.version: FORCE
	@mkdir -p $(@D); echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
FORCE:

$(O)/%.bpf.o: %.bpf.c | $(O)/.packages
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# Linked once more by bpftool: the skeleton then carries no debug sections it does not need.
$(O)/gen/%.skel.h: $(O)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)$(BPFTOOL) gen object $(@:.skel.h=.linked.o) $< && $(BPFTOOL) gen skeleton $(@:.skel.h=.linked.o) name $*_bpf >$@
$(O)/gen/%.skel.h: $(O)/tests/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)$(BPFTOOL) gen object $(@:.skel.h=.linked.o) $< && $(BPFTOOL) gen skeleton $(@:.skel.h=.linked.o) name $*_bpf >$@

$(O)/gen/profile.pb-c.c: pprof/profile.proto | $(O)/.packages
	@mkdir -p $(@D)
	$(call say,PROTO,$<)$(PROTOC_C) --c_out=$(@D) -I$(<D) $(<F)
$(O)/gen/profile.pb-c.h: $(O)/gen/profile.pb-c.c ;
$(O)/gen/%.o: $(O)/gen/%.c
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# -MD and not -MMD above: the generated headers are found as system headers, which -MMD leaves out.

# The page is carried as bytes by flame_page.S; the assembler's .incbin is no header dependency.
$(O)/pprof/flame_page.o: pprof/flame_page.S pprof/flame_page.html
	@mkdir -p $(@D)
	$(call say,AS,$<)$(CC) $(ALL_CFLAGS) -c $< -o $@

# First build only; from then on the .d files know.
$(O)/agent/sampler.o $(O)/agent/sampler_programs.o: | $(O)/gen/sampler.skel.h
$(O)/pprof/encode_pprof.o $(O)/tests/unit/test_format_pprof.o: | $(O)/gen/profile.pb-c.h
-include $(shell find $(O) -name '*.d' 2>/dev/null)

# ---- run, test, bench ----------------------------------------------------------------------------
SUDO = $(if $(filter 0,$(shell id -u)),,sudo)

run: deps
	@$(MAKE) --no-print-directory all
	$(SUDO) $(O)/wick record --all -d 10s --top 10 -o wick.html -o wick.pb.gz

# libdw is the oracle of the CFI tests; it and libelf must be of one kind, shared.
UNIT_LIBS = $(subst -l:libelf.a,-lelf,$(LIBS)) -ldw
$(O)/tests/unit/run: $(UNIT) $(NATIVE) $(LIBRARY)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(UNIT_LIBS) -o $@
$(O)/tests/bpf/run: $(BPF_TESTS) $(LIBRARY)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

# The kernel side for user space: found before libbpf's are the headers of tests/replay/kernel.
$(O)/tests/replay/kernel/%.o: CFLAGS += -Itests/replay/kernel -fno-strict-aliasing -Wno-unknown-pragmas
$(O)/tests/replay/run: $(REPLAY) $(LIBRARY)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(UNIT_LIBS) -o $@

# The programs whose every instruction is replayed: name, source, compiler and flags.
define REPLAY_PROGRAM
REPLAY_PROGRAMS += $(O)/tests/replay/$(1)
$(O)/tests/replay/$(1): tests/replay/programs/$(2)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$(3) $$< -o $$@
endef
$(eval $(call REPLAY_PROGRAM,shapes,shapes.c,$(CC) -O2))
$(eval $(call REPLAY_PROGRAM,shapes-static,shapes.c,$(CC) -O2 -static))
$(eval $(call REPLAY_PROGRAM,shapes-static-pie,shapes.c,$(CC) -O2 -static-pie))
$(eval $(call REPLAY_PROGRAM,shapes-O0,shapes.c,$(CC) -O0 -static))
$(eval $(call REPLAY_PROGRAM,shapes-O3,shapes.c,$(CC) -O3 -fcf-protection -static))
$(eval $(call REPLAY_PROGRAM,shapes-clang,shapes.c,$(CLANG) -O2 -static))
$(eval $(call REPLAY_PROGRAM,shapes-frame-pointers,shapes.c,$(CC) -O1 -static -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-asynchronous-unwind-tables))
$(eval $(call REPLAY_PROGRAM,shapes-musl,shapes.c,musl-gcc -O2 -static))
$(eval $(call REPLAY_PROGRAM,thread,thread.c,$(CC) -O2 -static -pthread))
$(eval $(call REPLAY_PROGRAM,throw,throw.cc,$(CXX) -O2 -static-pie))

$(patsubst %.c,$(O)/%.o,$(wildcard tests/bpf/test_*.c)): | $(patsubst tests/bpf/%.bpf.c,$(O)/gen/%.skel.h,$(wildcard tests/bpf/*.bpf.c))
$(O)/tests/kernels/run: $(KERNEL_TESTS) $(LIBRARY)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

# ORACLE=all: every function of the large libraries that are compared with libdw, not a sample of them.
check: $(O)/tests/unit/run
	@$(if $(filter all,$(ORACLE)),WICK_CFI_ALL=1) tests/run.sh unit $(O)/tests/unit/run
check-asan:
	@$(MAKE) --no-print-directory O=$(O)/asan SAN=address,undefined $(O)/asan/tests/unit/run
	@tests/run.sh unit-asan $(O)/asan/tests/unit/run
check-replay: $(O)/tests/replay/run $(REPLAY_PROGRAMS)
	@tests/run.sh replay $(O)/tests/replay/run
check-bpf: $(O)/tests/bpf/run
	@tests/run.sh bpf $(SUDO) $(O)/tests/bpf/run
check-e2e: $(O)/wick $(O)/tests/bench/symbols
	@tests/run.sh e2e $(SUDO) tests/e2e/run.sh $(O)
check-kernels: $(O)/wick $(O)/tests/bpf/run $(O)/tests/kernels/run
	@tests/run.sh kernels tests/kernels/run.sh $(O)
deps-kernels:
	@deploy/packages.sh install build kernels
test-kernels: deps-kernels
	@$(MAKE) --no-print-directory check-kernels
SUITES = lint tests/lint/run.sh -- unit $(O)/tests/unit/run -- unit-asan $(O)/asan/tests/unit/run \
	  -- replay $(O)/tests/replay/run -- bpf $(SUDO) $(O)/tests/bpf/run -- e2e $(SUDO) tests/e2e/run.sh $(O)
test: deps-test
	@$(MAKE) --no-print-directory $(O)/wick $(O)/tests/bench/symbols $(O)/tests/unit/run $(O)/tests/bpf/run $(O)/tests/replay/run $(REPLAY_PROGRAMS)
	@$(MAKE) --no-print-directory O=$(O)/asan SAN=address,undefined $(O)/asan/tests/unit/run
	@tests/run.sh $(SUITES)
# Where the packages for it cannot be had, the other kernels are skipped, with the reason.
test-all: deps-test
	-@deploy/packages.sh install kernels
	@$(MAKE) --no-print-directory $(O)/wick $(O)/tests/bench/symbols $(O)/tests/unit/run $(O)/tests/bpf/run $(O)/tests/replay/run $(REPLAY_PROGRAMS) $(O)/tests/kernels/run
	@$(MAKE) --no-print-directory O=$(O)/asan SAN=address,undefined $(O)/asan/tests/unit/run
	@tests/run.sh $(SUITES) -- kernels tests/kernels/run.sh $(O)

# With frame pointers, so that perf's and wick's stacks have the same length.
$(O)/tests/bench/load: tests/bench/load.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -fno-omit-frame-pointer $< -o $@
# As distributions build them.
$(O)/tests/bench/call: tests/bench/call.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $< -o $@ -ldl
$(O)/tests/bench/chain $(O)/tests/bench/spawner: $(O)/tests/bench/%: tests/programs/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -D_GNU_SOURCE $(CFLAGS) $< -o $@
$(O)/tests/bench/chain-static: tests/programs/chain.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -D_GNU_SOURCE $(CFLAGS) -static $< -o $@
# Without frame pointers, as most programs of the world are.
$(O)/tests/bench/busy2: tests/bench/busy2.cc
	@mkdir -p $(@D)
	$(call say,CXX,$<)$(CXX) -O2 -g -std=gnu++17 -Wall -Wextra -Werror -fomit-frame-pointer $< -o $@
BENCH_PROGRAMS = $(addprefix $(O)/tests/bench/,load call chain chain-static spawner busy2)
$(O)/tests/bench/symbols: $(O)/tests/bench/symbols.o $(LIBRARY)
	$(call say,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $^ $(LIBS) -o $@
deps-bench:
	@deploy/packages.sh install build bench
# What has debug information to look up; a distribution may lack some of it.
deps-bench-symbols:
	@deploy/packages.sh install bench-symbols || true
bench-symbols: deps-bench-symbols
	@$(MAKE) --no-print-directory $(O)/tests/bench/symbols
	python3 tests/bench/symbols.py $(O)
bench: deps-bench
	@$(MAKE) --no-print-directory all $(BENCH_PROGRAMS)
	$(SUDO) python3 tests/bench/cost.py $(O)/wick $(O)/tests/bench/load
	$(SUDO) python3 tests/bench/loading.py $(O)/wick $(O)/tests/bench
	$(addsuffix  -E,$(SUDO)) python3 tests/bench/interleaved.py $(O)/wick $(O)/tests/bench/busy2
	@$(MAKE) --no-print-directory bench-truth
	@$(MAKE) --no-print-directory bench-system
	@$(MAKE) --no-print-directory bench-symbols

# The compilers of the one who calls, also where sudo would not find them.
TRUTH ?=
bench-truth: deps-bench
	@$(MAKE) --no-print-directory all
	$(SUDO) env PATH="$$PATH" HOME="$$HOME" python3 tests/bench/truth/truth.py $(TRUTH) --markdown $(O)/truth.md $(O)/wick $(O)/tests/bench/truth

# Those of the programs in tests/bench/system/loads that are installed; PROGRAMS chooses.
SYSTEM_SECONDS ?= 10
$(O)/tests/bench/reaper: tests/bench/system/reaper.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -D_GNU_SOURCE $< -o $@
bench-system:
	@deploy/packages.sh install build bench-system
	@$(MAKE) --no-print-directory all $(O)/tests/bench/reaper
	$(SUDO) python3 tests/bench/system/run.py $(O)/wick $(O)/tests/bench/reaper -s $(SYSTEM_SECONDS) $(PROGRAMS)

# A bounded time of libFuzzer under ASan and UBSan for each; what it finds is left in $(O)/tests/fuzz.
FUZZ_SECONDS ?= 60
FUZZ_LIBRARY = $(wildcard symbolizer/*.c agent/base/*.c)
FUZZ_UNWIND  = $(wildcard tests/replay/kernel/*.c) agent/unwind_memory.c agent/rule_dictionary.c agent/extent_pool.c agent/vdso.c
FUZZ = $(CLANG) -std=gnu17 -D_GNU_SOURCE -O1 -g $(1) -I. -fsanitize=fuzzer,address,undefined $(filter-out bpf/%,$(filter %.c,$^)) $(LIBS) -o $@
$(O)/tests/fuzz/fuzz_cfi $(O)/tests/fuzz/fuzz_dwarf $(O)/tests/fuzz/fuzz_go: $(O)/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_LIBRARY) $(wildcard symbolizer/*.h)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)$(call FUZZ)
$(O)/tests/fuzz/fuzz_unwind: tests/fuzz/fuzz_unwind.c $(FUZZ_UNWIND) $(FUZZ_LIBRARY) $(wildcard symbolizer/*.h agent/*.h bpf/*)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)$(call FUZZ,-Itests/replay/kernel -fno-strict-aliasing -Wno-unknown-pragmas)
deps-fuzz:
	@deploy/packages.sh install build fuzz
fuzz: deps-fuzz
	@$(MAKE) --no-print-directory $(addprefix $(O)/tests/fuzz/fuzz_,cfi dwarf go unwind)
	@for target in cfi dwarf go unwind; do \
		mkdir -p $(O)/tests/fuzz/new_$$target; \
		(cd $(O)/tests/fuzz && ./fuzz_$$target -max_len=16384 -timeout=5 -max_total_time=$(FUZZ_SECONDS) \
			-print_final_stats=1 new_$$target $(CURDIR)/tests/fuzz/corpus/$$target) || exit 1; \
	done

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
lint:
	@CLANG_FORMAT=$(FORMAT) CLANG_TIDY=$(TIDY) O=$(O) tests/lint/run.sh --all
format:
	$(FORMAT) -i $(C_FILES)

PREFIX ?= /usr/local
install: all
	install -D -m 755 $(O)/wick $(DESTDIR)$(PREFIX)/bin/wick
clean:
	rm -rf $(O)
