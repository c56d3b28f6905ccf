# SPDX-License-Identifier: GPL-2.0-only
# The only file people call; what the kernel's own build reads is in Kbuild.
# Everything made for user space lands in build/ and is found by wildcard, so a
# new source file needs no line here.
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
KDIR    ?= /lib/modules/$(shell uname -r)/build
PREFIX  ?= /usr/local
DOOR_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/door
export DOOR_CACHE
KERNELS ?= 6.1 6.12
KERNEL  ?= 6.12

help:
	@echo "Doors $(VERSION)"
	@echo
	@echo "Build:"
	@echo "  make all                  libraries, tools, unit tests, examples"
	@echo "  make module [KDIR=...]    door.ko against the kernel headers in KDIR"
	@echo "  make modules [KERNELS=\"$(KERNELS)\"]   the same in build/kmod-KERNEL/, for virtual machines"
	@echo "  make lib | tools | unit | selftests | examples"
	@echo "  make setup                what building and testing need (apt; root or sudo)"
	@echo "Run:"
	@echo "  make demo                 redis over TCP, AF_UNIX and doors; sets itself up"
	@echo "  make bench                instructions per round trip of every transport"
	@echo "  make bench BENCH=doors    calls of doors: sizes, how to copy, many clients"
	@echo "  make vm-shell [KERNEL=6.12]   a shell in a virtual machine with the module loaded"
	@echo "Test:"
	@echo "  make check-fast           builds, unit tests and static checks, on this machine"
	@echo "  make check                the same, slower static checks, selftests on $(KERNELS), suites"
	@echo "  make check-vm KERNELS=... selftests on these kernels only"
	@echo "  make check-kernels        selftests on 6.1, 6.12 and 7.3"
	@echo "  make check-debug          selftests on a kernel that looks for bugs (built on first use)"
	@echo "  make check-debug-quick    some of them, as far as they fit into a CI run"
	@echo "  make coverage             which lines of the module the selftests reach [TEST=...]"
	@echo "  make fuzz [MINUTES=3] [SEED=n]   random programs against a module that dawdles, KERNEL=debug"
	@echo "  make check-races          selftests on a kernel that looks for data races"
	@echo "  make check-mutants        do the tests notice a line that is gone? [TEST=pattern]"
	@echo "  make check-harness        does the test machine notice bugs made on purpose?"
	@echo "  make check-daemons [TEST=nginx]   nginx, PostgreSQL and many more, plain and over doors"
	@echo "  make check-every-kernel   the module against the headers of all kernels Debian has"
	@echo "  make check-hosts [HOSTS=trixie]   demo and check on fresh machines of Debian 12 and 13"
	@echo "  make check-compat         of these, the suites that programs bring along"
	@echo "  make check-one TEST=NAME [KERNEL=6.12]   one selftest program in a virtual machine"
	@echo "Install (root):"
	@echo "  make install              libraries, headers, tools [PREFIX=$(PREFIX)]"
	@echo "  make uninstall"
	@echo "  make dkms-install         the module, through dkms"
	@echo "  make dkms-remove"
	@echo "Other:"
	@echo "  make run-unit             build and run the unit tests"
	@echo "  make clean"

all: lib tools unit examples

module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# What runs things sets the machine up first: nothing before that can be built.
ready = tools/vm/setup && $(MAKE) --no-print-directory

# A kernel is what tools/vm/kernel understands: 6.1, 6.12, 7.3, debug, ...
modules: $(KERNELS:%=module-%)

module-%:
	+tools/vm/module $* build/kmod-$*

vm-shell:
	@$(ready) lib tools selftests module-$(KERNEL)
	-tools/vm/run -I -i build/kmod-$(KERNEL)/door.ko $(KERNEL) -- bash -i

setup:
	tools/vm/setup

# Every verification is a stage of tools/check/all; these name useful sets.
FAST   = build unit fast $(KERNELS:%=module:%)
check-fast:
	@tools/check/all $(FAST)

check:
	@tools/check/all $(FAST) slow $(KERNELS:%=vm:%) compat-short:$(KERNEL)

check-vm:
	@tools/check/all build $(foreach k,$(KERNELS),module:$(k) vm:$(k))

check-kernels: KERNELS = 6.1 6.12 7.3
check-kernels: check-vm

check-debug:
	@tools/check/all build debug-kernel harness vm:debug fuzz:debug

# Data races: a kernel of its own, built on first use.
check-races:
	@tools/vm/debug-kernel kcsan
	@tools/check/all build vm:kcsan

# Would the tests notice if a line were gone? [TEST=pattern]
check-mutants:
	@$(ready) lib tools examples selftests
	@tools/check/mutants $(TEST)

# What finds most in a third of the time.
DEBUG_QUICK = door_args door_call door_create door_cred door_death door_desc door_fault \
	door_pool door_stress door_unref netlink_stats preload_calls sock_death sock_fault \
	sock_join sock_scm module
check-debug-quick:
	@BUGS="uaf locks leak warn" TESTS="$(DEBUG_QUICK)" tools/check/all build debug-kernel harness vm:debug

check-harness:
	@tools/check/all debug-kernel harness

coverage:
	@$(ready) lib tools examples selftests
	@tools/vm/debug-kernel kcsan
	@tools/check/coverage $(TEST)

# Programs that people run: not part of the rest, because they take their time.
check-daemons:
	@TESTS="$(TEST)" tools/check/all build daemons:$(KERNEL)

# The module against kernels that are not run
check-every-kernel:
	@tools/check/all every-kernel

# What README.md promises, on machines that have nothing yet
check-hosts:
	@HOSTS="$(HOSTS)" tools/check/all hosts

check-compat:
	@tools/check/all build compat:$(KERNEL)

check-one:
	@$(ready) lib tools examples selftests module-$(KERNEL)
	@$(RM) build/results; tools/check/selftests build/results $(KERNEL) $(TEST)

clean:
	$(RM) -r build
	-@[ ! -d "$(KDIR)" ] || $(MAKE) -s -C $(KDIR) M=$(CURDIR) clean

include tools/mk/user.mk
include tools/mk/install.mk
include tools/mk/bench.mk
include tools/mk/fuzz.mk

.DEFAULT_GOAL := help
.PHONY: help all module modules vm-shell setup check check-fast \
	check-vm check-kernels check-debug check-debug-quick check-harness coverage \
	check-races check-mutants check-daemons check-compat check-every-kernel \
	check-hosts check-one clean
