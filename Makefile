# rumpgen: regenerate, build, test, demonstrate, measure.
#
#	make			generate out/ from syscalls.master and build everything
#	make check		every test, in every variant
#	make check-loaded	as an ordinary user, 1024 descriptors, beside a load
#	make check-long		again and again, for as long as LONG says
#	make check-distros	both of README's commands in fresh systems
#	make demo		the main job on real input, with a transcript
#	make fuzz		libFuzzer on all that reads from a peer
#	make bench		what it costs beside the bare limit
#	make install		PREFIX=/usr/local DESTDIR=
#
# All but install first see to the packages they need (make deps).
# A variant is one way to compile everything: V=default, clang, asan, tsan
# (and fuzz, for make fuzz only).

V ?=		default
OUT :=		out
B :=		$(OUT)/build/$(V)
PREFIX ?=	/usr/local
LUA :=		lua5.4
JOBS ?=		$(shell nproc)
SUBMAKE =	@$(MAKE) --no-print-directory -j$(JOBS)
MASTER :=	syscalls.master

PACKAGES :=	gcc clang libclang-rt-dev make libc6-dev \
		lua5.4 lua-lpeg lua-argparse lua-penlight lua-dkjson \
		lua-busted lua-check check libjansson-dev pkg-config mandoc g++ \
		libseccomp-dev

HARDEN :=		-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
			-fstack-protector-strong -fstack-clash-protection
CFLAGS_default :=	-O2 $(HARDEN)
CFLAGS_clang :=		-O2 $(HARDEN)
CFLAGS_quick :=		-O0
CFLAGS_asan :=		-O1 -fsanitize=address,undefined \
			-fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan :=		-O1 -fsanitize=thread
CFLAGS_fuzz :=		-O1 -fsanitize=fuzzer-no-link,address,undefined \
			-fno-sanitize-recover=all -DFUZZ_LIBFUZZER
ifneq ($(filter $(V),clang fuzz),)
CC :=		clang
else
CC :=		gcc
endif

CPPFLAGS :=	-D_GNU_SOURCE -Iruntime -Iruntime/include -I$(OUT)/include
CFLAGS :=	-std=gnu11 -g -fPIC -pthread -Wall -Wextra -Werror \
		$(CFLAGS_$(V))
LDFLAGS :=	-pthread -Wl,-z,relro,-z,now $(filter -fsanitize%,$(CFLAGS_$(V)))
LDPIE :=	-pie
ifeq ($(V),fuzz)
LDFLAGS :=	-pthread -fsanitize=fuzzer,address,undefined
endif
DEPFLAGS =	-MMD -MP -MF $@.d

# make Q= shows the commands.
Q :=		@
say =		@$(if $(Q),echo "  $(1)   $(2)",:)

# --- what there is, by room ---------------------------------------------
room =		$(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard $(1)/*.c)))
WIRE :=		$(call room,runtime/wire)
ABI :=		$(call room,runtime/abi)
SYSDESC :=	$(B)/obj/$(OUT)/trace/rump_sysdesc.o
STUBS :=	$(B)/obj/$(OUT)/client/rump_syscalls.o
TRACE :=	$(call room,runtime/trace) $(SYSDESC)
CLIENT :=	$(call room,runtime/client) $(STUBS)
SERVER :=	$(call room,runtime/server)
HOSTKERN :=	$(call room,runtime/hostkern) $(B)/obj/$(OUT)/server/rump_sysent.o
DAEMON :=	$(call room,runtime/rump_server)

CLIENT_A :=	$(B)/lib/librumpclient.a
CLIENT_SO :=	$(B)/lib/librumpclient.so.0
SERVER_A :=	$(B)/lib/librumpserver.a
SERVER_SO :=	$(B)/lib/librumpserver.so.0
# One object, not an archive: its handlers override weak symbols, and a linker
# does not search archives for those.
HOSTKERN_O :=	$(B)/lib/hostkern.o
RUMP_SERVER :=	$(B)/bin/rump_server

LIBS :=		$(CLIENT_A) $(CLIENT_SO) $(SERVER_A) $(SERVER_SO) $(HOSTKERN_O)

# Tests: tests/<room>/check_*.c is a program each, prog_*.c a program they
# start, any other .c a helper linked into every test of that room.  What
# takes longest is run first.
TEST_ROOMS :=	$(if $(filter default asan,$(V)),fault) \
		wire abi trace client server hostkern replay e2e fuzz
TEST_PROGS :=	$(foreach r,$(TEST_ROOMS),$(patsubst tests/%.c,$(B)/tests/%,\
		$(sort $(wildcard tests/$(r)/check_*.c))))
AUX_PROGS :=	$(foreach r,$(TEST_ROOMS),$(patsubst tests/%.c,$(B)/tests/%,\
		$(sort $(wildcard tests/$(r)/prog_*.c))))
GEN_TESTS :=	$(B)/tests/generated/check_stubs $(B)/tests/generated/check_dispatch
TESTLIB :=	$(call room,tests/lib)
EXAMPLES :=	$(patsubst %.c,$(B)/%,$(sort $(wildcard examples/client/*.c)))
BENCH :=	$(patsubst tests/bench/%.c,$(B)/bench/%,\
		$(sort $(wildcard tests/bench/bench_*.c)))

.DEFAULT_GOAL := all
MAKEFLAGS +=	--no-builtin-rules
.SUFFIXES:
.PHONY:		all generate build build-tests check check-lua check-c check-static \
		check-examples check-readme demo fuzz build-fuzz bench deps install clean
.DELETE_ON_ERROR:
.SECONDARY:

all:		deps
	$(SUBMAKE) build

build:		$(LIBS) $(RUMP_SERVER) $(EXAMPLES)

# --- packages -------------------------------------------------------------
# Nothing happens, and no network is needed, when they are all there.
deps:
	@tests/deps $(PACKAGES)

# --- generated code -------------------------------------------------------
GENERATED :=	$(OUT)/.generated
generate:	$(GENERATED)
$(GENERATED):	$(MASTER) $(wildcard gen/*.lua templates/*)
	$(LUA) gen/rumpgen.lua $(MASTER) -o $(OUT)
	@touch $@

# A rule each, so that what the generator left alone is not compiled again.
$(foreach p,client/%.c client/%.map server/%.c trace/%.c tests/%.c \
	include/rump/%.h,$(eval $(OUT)/$(p): $(GENERATED) ;))

# --- compiling ------------------------------------------------------------
# Changes when the flags do, and everything is compiled again.
FLAGS :=	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDPIE)
$(B)/flags:	FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@
.PHONY:		FORCE

$(B)/obj/%.o:	%.c $(B)/flags | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(CPPFLAGS) $(TESTCPPFLAGS) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<

$(B)/obj/tests/%.o: TESTCPPFLAGS = -I. -Itests \
	-DRUMPGEN_TOP='"$(CURDIR)"' -DRUMPGEN_BUILD='"$(CURDIR)/$(B)"'
$(B)/obj/$(OUT)/tests/%.o: TESTCPPFLAGS = -I. -Itests
$(B)/obj/examples/%.o: TESTCPPFLAGS = -DRUMPGEN_BUILD='"$(CURDIR)/$(B)"'

# What goes into a library is said here, so a change here remakes them.
$(B)/obj/librumpclient.o $(B)/obj/librumpserver.o $(CLIENT_A) $(CLIENT_SO) \
		$(SERVER_A) $(SERVER_SO): Makefile

archive =	@mkdir -p $(@D); rm -f $@; echo "  ar   $@"; $(AR) rcs $@ $(filter %.o,$^)
# One object that shows nothing but rump* names: a program of any kind is
# linked with it.  Apart from it what a program with a list of its own replaces
# (stubs, decode table), and the conversions, which both libraries have.
CLIENT_O :=	$(B)/obj/librumpclient.o
$(CLIENT_O):	$(filter-out $(SYSDESC) $(STUBS),$(CLIENT) $(WIRE) $(TRACE))
	@mkdir -p $(@D)
	$(call say,ld,$@)
	$(Q)$(LD) -r -o $@ $(filter %.o,$^)
	$(Q)objcopy --wildcard --keep-global-symbol='rump*' $@
$(CLIENT_A):	$(CLIENT_O) $(SYSDESC) $(STUBS) $(ABI)
	$(archive)
# One object whose inner names stay its own: kernels of all kinds are linked
# with it.
SERVER_O :=	$(B)/obj/librumpserver.o
$(SERVER_O):	$(SERVER)
	@mkdir -p $(@D)
	$(call say,ld,$@)
	$(Q)$(LD) -r -o $@ $(filter %.o,$^)
	$(Q)objcopy --localize-hidden $@
$(SERVER_A):	$(SERVER_O) $(WIRE) $(ABI)
	$(archive)
# Never unloaded: its connection is the process's, not a plug-in's.
$(CLIENT_SO):	$(CLIENT) $(WIRE) $(ABI) $(TRACE) $(OUT)/client/librumpclient.map
	@mkdir -p $(@D)
	$(call say,so,$@)
	$(Q)$(CC) -shared $(LDFLAGS) -Wl,-soname,$(@F) -Wl,-z,nodelete \
	    -Wl,--version-script=$(OUT)/client/librumpclient.map -Wl,-z,defs \
	    -o $@ $(filter %.o,$^)
	@ln -sf $(@F) $(@:.0=)
$(SERVER_SO):	$(SERVER) $(WIRE) $(ABI) runtime/server/librumpserver.map
	@mkdir -p $(@D)
	$(call say,so,$@)
	$(Q)$(CC) -shared $(LDFLAGS) -Wl,-soname,$(@F) \
	    -Wl,--version-script=runtime/server/librumpserver.map -Wl,-z,defs \
	    -o $@ $(filter %.o,$^)
	@ln -sf $(@F) $(@:.0=)
$(HOSTKERN_O):	$(HOSTKERN)
	@mkdir -p $(@D)
	$(call say,ld,$@)
	$(Q)$(LD) -r -o $@ $^

$(RUMP_SERVER):	$(DAEMON) $(HOSTKERN_O) $(SERVER_A)
	@mkdir -p $(@D)
	$(call say,ld,$@)
	$(Q)$(CC) $(LDFLAGS) $(LDPIE) -o $@ $^ -lrt -lseccomp

$(B)/examples/client/%: $(B)/obj/examples/client/%.o $(CLIENT_A)
	@mkdir -p $(@D)
	$(call say,ld,$@)
	$(Q)$(CC) $(LDFLAGS) $(LDPIE) -o $@ $^

# --- tests ----------------------------------------------------------------
CHECK_LIBS :=	-lcheck -lsubunit -lm -lrt -ljansson -lseccomp
define link-test
	@mkdir -p $(@D)
	$(call say,ld,$@)
	$(Q)$(CC) $(LDFLAGS) $(LDPIE) -o $@ $^ $(CHECK_LIBS)
endef

define test-room
HELPERS_$(1) :=	$$(patsubst %.c,$(B)/obj/%.o,$$(filter-out \
		tests/$(1)/check_% tests/$(1)/prog_%,$$(wildcard tests/$(1)/*.c)))
$(B)/tests/$(1)/check_%: $(B)/obj/tests/$(1)/check_%.o $$(HELPERS_$(1)) \
		$(TESTLIB) $(2) $(if $(3),$(3),$(CLIENT_A)) $(SERVER_A)
	$$(link-test)
$(B)/tests/$(1)/prog_%: $(B)/obj/tests/$(1)/prog_%.o $(CLIENT_A)
	$$(link-test)
endef
# test-room ROOM,EXTRA OBJECTS,INSTEAD OF librumpclient.a
$(foreach r,wire abi server e2e,$(eval $(call test-room,$(r),)))
$(foreach r,replay,$(eval $(call test-room,$(r),$(HOSTKERN_O))))
# The daemon's sandbox: the kernel's tests are in it.
SANDBOX :=	$(patsubst %,$(B)/obj/runtime/rump_server/%.o,landlock log \
		seccomp syscalls_allowed user)
$(eval $(call test-room,hostkern,$(HOSTKERN_O) $(SANDBOX)))
# The tracer's names are what the fuzzer chooses from.
$(eval $(call test-room,fuzz,$(HOSTKERN_O) $(B)/obj/runtime/trace/names.o \
	$(B)/obj/runtime/trace/line.o))
# Threads give way after unlocking.
$(B)/tests/fuzz/%: LDFLAGS += -Wl,--wrap=pthread_mutex_unlock
$(B)/tests/hostkern/check_beside: LDFLAGS += -Wl,--wrap=pthread_mutex_unlock
$(B)/tests/hostkern/check_beside: $(B)/obj/tests/fuzz/chaos.o
# The tracer's inside, which the library keeps to itself.
$(eval $(call test-room,trace,$(B)/obj/runtime/trace/names.o \
	$(B)/obj/runtime/trace/line.o))
# The client's inside, likewise; one test has sigwait functions of its own.
CLIENT_OBJS :=	$(CLIENT) $(WIRE) $(TRACE) $(ABI)
$(eval $(call test-room,client,,$(CLIENT_OBJS)))
$(B)/tests/client/check_signals_generic: \
		$(B)/obj/tests/client/check_signals_generic.o $(HELPERS_client) \
		$(TESTLIB) $(filter-out %/sigwait.o,$(CLIENT_OBJS))
	$(link-test)

# Everything that runs, in one object whose calls of the host are those of
# tests/fault/calls.c.
FAULT_O :=	$(B)/obj/fault.o
$(FAULT_O):	$(HOSTKERN_O) $(SERVER_O) $(CLIENT_O) $(SYSDESC) $(STUBS) \
		$(WIRE) $(ABI) tests/fault/calls.c
	$(call say,ld,$@)
	$(Q)sed -nE -e 's/^(CALL\([^,]*, |MOVE\(|VEC\(|MEMORY\()([a-z0-9_]+),.*/\2 fault_\2/p' \
	    -e 's/^fault_([a-z_]+)\(.*/\1 fault_\1/p' tests/fault/calls.c >$@.syms
	$(Q)$(LD) -r -o $@ $(filter %.o,$^)
	$(Q)objcopy --redefine-syms=$@.syms $@
FAULT_TESTS :=	$(patsubst %.c,$(B)/obj/%.o,$(filter-out %/prog_image.c,\
		$(wildcard tests/fault/*.c)))
$(B)/tests/fault/check_fault: $(FAULT_TESTS) $(TESTLIB) $(FAULT_O)
	$(link-test)
$(B)/tests/fault/prog_image: $(B)/obj/tests/fault/prog_image.o $(CLIENT_A)
	$(link-test)

$(B)/tests/server/check_sandbox: $(SANDBOX)

$(B)/tests/generated/check_stubs: $(B)/obj/$(OUT)/tests/check_stubs.o $(CLIENT_A)
	$(link-test)
$(B)/tests/generated/check_dispatch: $(B)/obj/$(OUT)/tests/check_dispatch.o \
		$(B)/obj/$(OUT)/server/rump_sysent.o $(SERVER_A)
	$(link-test)

# Everything a change must pass, each step whatever became of the others; the
# last line is the count.
VARIANTS ?=	default clang asan tsan
STEPS :=	check-lua check-static $(VARIANTS:%=variant:%) check-examples \
		check-install check-docs check-readme check-hardened $(MORE)
check:		deps
	$(SUBMAKE) $(GENERATED)
	@MAKE="$(MAKE)" tests/all $(STEPS)

# As an ordinary user with few descriptors on a busy machine; .ci/run has it as
# one more step (MORE).
check-loaded:	$(GENERATED)
	@tests/loaded

# What is too long for every day: the fuzzers for LONG seconds each in every
# variant that looks at memory or threads, and everything else ten times over.
LONG ?=		600
check-long:	deps
	@FUZZ_SECONDS=$(LONG) RUMPGEN_TEST_TIMEOUT=$$(($(LONG) * 20 + 3600)) \
	    MAKE="$(MAKE)" tests/all variant:asan variant:tsan \
	    $(foreach i,0 1 2 3 4 5 6 7 8 9,variant:default check-loaded)

check-distros:
	@tests/distros
.PHONY:		check-loaded check-long check-distros

check-lua:	$(GENERATED)
	luacheck --quiet --no-color gen tests/gen
	busted --lua=/usr/bin/$(LUA) -o plainTerminal tests/gen

check-static:	$(GENERATED)
	$(LUA) gen/rumpgen.lua $(MASTER) -o $(OUT) --check
	tests/headers $(CPPFLAGS)

build-tests:	build $(TEST_PROGS) $(AUX_PROGS) $(GEN_TESTS)
check-c:
	$(SUBMAKE) build-tests
	@tests/run $(V) $(TEST_PROGS) $(GEN_TESTS)

check-examples:	build
	@CC=$(CC) VARIANT_CFLAGS="$(CFLAGS_$(V))" examples/run $(B)

check-readme:
	@tests/readme

check-install:	build
	@tests/install

check-hardened:	build
	@tests/hardened $(B) $(filter-out $(B),$(wildcard $(OUT)/build/clang))

# The pages, and the table of calls that hostkern serves, are true.
SERVED =	$(LUA) gen/served.lua --object $(HOSTKERN_O) -o docs/served.md \
		$(MASTER) $(wildcard runtime/hostkern/*.c)
check-docs:	check-served
	@tests/man $(B)

check-served:	build
	@$(SERVED) --check || \
	    { echo "'make docs/served.md' remakes it" >&2; exit 1; }
docs/served.md:	build
	$(SERVED)
.PHONY:		check-install check-hardened check-docs check-served docs/served.md

# --- demonstration and measurement -----------------------------------------
demo:		deps
	$(SUBMAKE) build build-tests
	@examples/demo $(B)

# Each target for FUZZ_SECONDS (30), from inputs as the ordinary tests make.
fuzz:		deps
	$(SUBMAKE) V=default build-fuzz
	$(SUBMAKE) V=fuzz build-fuzz
	@tests/fuzz/run $(OUT)/build

build-fuzz:	$(filter $(B)/tests/fuzz/check_fuzz_%,$(TEST_PROGS))

bench:		deps
	$(SUBMAKE) build $(BENCH)
	@tests/bench/run $(B)

$(B)/bench/%:	$(B)/obj/tests/bench/%.o \
		$(patsubst %.c,$(B)/obj/%.o,$(filter-out tests/bench/bench_%,\
		$(wildcard tests/bench/*.c))) $(CLIENT_A) $(SERVER_A)
	@mkdir -p $(@D)
	$(call say,ld,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lm

# --- installation -----------------------------------------------------------
D :=		$(DESTDIR)$(PREFIX)
install:	build
	install -d "$(D)/bin" "$(D)/lib" "$(D)/include/rump" \
	    $(foreach s,1 3 5 7,"$(D)/share/man/man$(s)")
	install -m 755 $(RUMP_SERVER) "$(D)/bin"
	install -m 644 $(CLIENT_A) $(SERVER_A) "$(D)/lib"
	install -m 755 $(CLIENT_SO) $(SERVER_SO) "$(D)/lib"
	ln -sf librumpclient.so.0 "$(D)/lib/librumpclient.so"
	ln -sf librumpserver.so.0 "$(D)/lib/librumpserver.so"
	install -m 644 runtime/include/rump/*.h $(OUT)/include/rump/*.h \
	    "$(D)/include/rump"
	@set -e; for s in 1 3 5 7; do \
	    install -m 644 docs/man/*.$$s "$(D)/share/man/man$$s"; done
	@# The loader goes by a cache of what libraries there are.
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || \
	    PATH="$$PATH:/sbin:/usr/sbin" ldconfig

clean:
	rm -rf $(OUT)

%.d:	;
-include $(shell test -d $(B) && find $(B) -name '*.d')
