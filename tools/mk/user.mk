# SPDX-License-Identifier: GPL-2.0-only
# User space: libraries, tools, benches, examples, unit tests, selftests.
#
# A unit test lib/tests/test_X.c says in comments of its own what it is made of:
#   // LINK: lib/preload/policy.c lib/foo.c    sources linked with it
#   // WRAP: open,ioctl                        functions replaced by __wrap_*
#   // LIBS: -ldl                              further libraries
O   := build/obj
# In 32 bit there are the library, the tests of doors and one of sockets: what a kernel
# of 64 bit has to serve, too.
O32 := build/obj32
# V=1 shows the commands.
Q := $(if $(V),,@)
short = $(if $(V),,@echo '  $(1) $@')
CFLAGS ?= -O2 -g
WARN   := -Wall -Wextra $(if $(WERROR),-Werror)
CPPFLAGS += -D_GNU_SOURCE -DDOOR_VERSION=\"$(VERSION)\" -Iinclude -Iinclude/uapi -Ilib
compile = $(CC) -std=gnu11 $(CFLAGS) $(WARN) $(CPPFLAGS) $(X_CPPFLAGS) -MMD -MP -fPIC -pthread
KSFT_DIR ?= $(DOOR_CACHE)/source-6.12/test-files/tools/testing/selftests

LIB_C     := $(wildcard lib/*.c)
PRELOAD_C := $(wildcard lib/preload/*.c)
DOOR_C    := $(wildcard tools/door/*.c)
BENCH_C   := $(wildcard tools/bench/*.c)
EXAMPLE_C := $(wildcard Documentation/examples/*.c)
UNIT_C    := $(wildcard lib/tests/test_*.c)
SELF_C    := $(wildcard selftests/*.c)
obj = $(patsubst %.c,$(or $(2),$(O))/%.o,$(1))

LIBDOOR  := $(if $(LIB_C),build/lib/libdoor.so.1)
LIB_OUT  := $(LIBDOOR) $(if $(LIB_C),build/lib/libdoor.so build/lib/libdoor.a) \
	$(if $(PRELOAD_C),build/lib/libdoor-preload.so)
TOOL_OUT := $(if $(DOOR_C),build/bin/door) $(patsubst tools/bench/%.c,build/bin/%,$(BENCH_C))
EXAMPLE_OUT := $(patsubst Documentation/examples/%.c,build/examples/%,$(EXAMPLE_C))
UNIT_OUT := $(patsubst lib/tests/%.c,build/unit/%,$(UNIT_C))
SELF_OUT := $(patsubst selftests/%.c,build/selftests/%,$(SELF_C)) \
	$(patsubst selftests/%.c,build/selftests/%-32,$(wildcard selftests/door_*.c selftests/sock_io.c))

lib: $(LIB_OUT)
tools: $(TOOL_OUT)
examples: $(EXAMPLE_OUT)
unit: $(UNIT_OUT)
selftests: $(SELF_OUT) $(LIB_OUT) $(TOOL_OUT)

$(O)/%.o: %.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call short,CC)
	$(Q)$(compile) -c -o $@ $<

$(O32)/%.o: %.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(call short,CC)
	$(Q)$(compile) -m32 -c -o $@ $<

# Not to be unloaded: threads and what runs at their end are in it.
# libdoor: $(1) = folder of the results, $(2) = of the objects, $(3) = -m32 or nothing
define libdoor
$(1)/libdoor.so.1: $(call obj,$(LIB_C),$(2)) lib/libdoor.map
	@mkdir -p $$(@D)
	$$(call short,LD)
	$(Q)$$(CC) $(3) $$(CFLAGS) $$(LDFLAGS) -shared -pthread -Wl,-z,defs,-z,nodelete -Wl,-soname,libdoor.so.1 \
		-Wl,--version-script=lib/libdoor.map -o $$@ $$(filter %.o,$$^)

$(1)/libdoor.so: $(1)/libdoor.so.1
	$(Q)ln -sfn libdoor.so.1 $$@
endef
$(eval $(call libdoor,build/lib,$(O)))
$(eval $(call libdoor,build/lib32,$(O32),-m32))

build/lib/libdoor.a: $(call obj,$(LIB_C))
	@mkdir -p $(@D)
	$(Q)$(RM) $@
	$(call short,AR)
	$(Q)$(AR) rcs $@ $^

# The interposer stands alone: it must load into programs that know no libdoor.
build/lib/libdoor-preload.so: $(call obj,$(PRELOAD_C)) $(wildcard lib/preload/preload.map)
	@mkdir -p $(@D)
	$(call short,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -pthread -Wl,-z,defs,-z,now -Wl,-soname,libdoor-preload.so \
		$(addprefix -Wl$(,)--version-script=,$(wildcard lib/preload/preload.map)) \
		-o $@ $(filter %.o,$^) -ldl

# Tools
NL = $(shell pkg-config --$(1) libnl-genl-3.0)
$(call obj,$(DOOR_C)): X_CPPFLAGS = $(call NL,cflags)
build/bin/door: $(call obj,$(DOOR_C))
	@mkdir -p $(@D)
	$(call short,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^ $(call NL,libs)

# Programs linked with libdoor: $(1) = source folder, $(2) = folder under build
LINK_DOOR = $(if $(LIB_C),-Lbuild/lib -ldoor -Wl$(,)-rpath$(,)'$$ORIGIN/../lib')
define programs
$(2)/%: $(O)/$(1)/%.o $(LIBDOOR) $(if $(LIB_C),build/lib/libdoor.so)
	@mkdir -p $$(@D)
	$$(call short,LD)
	$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -pthread -o $$@ $$< $$(LINK_DOOR)
endef
, := ,
$(eval $(call programs,tools/bench,build/bin))
$(eval $(call programs,Documentation/examples,build/examples))
$(eval $(call programs,selftests,build/selftests))

build/selftests/%-32: $(O32)/selftests/%.o build/lib32/libdoor.so
	@mkdir -p $(@D)
	$(call short,LD)
	$(Q)$(CC) -m32 $(CFLAGS) $(LDFLAGS) -pthread -o $@ $< \
		-Lbuild/lib32 -ldoor -Wl,-rpath,'$$ORIGIN/../lib32'

# kselftest_harness.h comes from Debian's linux-source package, by way of our own.
SELF_O := $(call obj,$(SELF_C)) $(call obj,$(SELF_C),$(O32))
$(SELF_O): X_CPPFLAGS = -Iselftests/harness -isystem $(KSFT_DIR)
$(SELF_O): | $(KSFT_DIR)/kselftest_harness.h
$(KSFT_DIR)/kselftest_harness.h:
	tools/vm/source test-files >/dev/null
	@[ -f "$@" ] || { echo "$@ is missing: set KSFT_DIR" >&2; exit 1; }

# Unit tests
says = $(shell sed -n 's|^[/ ]\*\{0,1\}/\{0,1\} *$(2): *\([^*]*\).*|\1|p' $(1))
define unit
build/unit/$(1): $(O)/lib/tests/$(1).o $(call obj,$(call says,lib/tests/$(1).c,LINK))
	@mkdir -p $$(@D)
	$$(call short,LD)
	$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -pthread -o $$@ $$^ -lcmocka -ldl \
		$(addprefix -Wl$(,)--wrap=,$(subst $(,), ,$(call says,lib/tests/$(1).c,WRAP))) \
		$(call says,lib/tests/$(1).c,LIBS)
endef
$(foreach t,$(UNIT_C:lib/tests/%.c=%),$(eval $(call unit,$(t))))

run-unit: $(UNIT_OUT)
	@for t in $(UNIT_OUT); do echo "# $$t"; CMOCKA_MESSAGE_OUTPUT=TAP timeout 600 $$t || exit 1; done

-include $(wildcard $(O)/*/*.d $(O)/*/*/*.d $(O32)/*/*.d)
.SECONDARY:
.PHONY: lib tools examples unit selftests run-unit
