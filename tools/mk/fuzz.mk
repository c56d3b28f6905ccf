# SPDX-License-Identifier: GPL-2.0-only
# The fuzzer: a program for a virtual machine, and a module that dawdles.
FUZZ_C := $(wildcard tools/fuzz/*.c)
MINUTES ?= 3

tools: build/bin/fuzz

build/bin/fuzz: $(call obj,$(FUZZ_C))
	@mkdir -p $(@D)
	$(call short,LD)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread -o $@ $^

# SEED=N makes the same plan again, ROUND=N or N-M only a part of it, SCENARIO=A,B
# only these kinds of rounds. MODULE=X.ko fuzzes another module.
fuzz: KERNEL = debug
fuzz:
	@$(ready) tools
	@MINUTES="$(MINUTES)" SEED="$(SEED)" ROUND="$(ROUND)" SCENARIO="$(SCENARIO)" \
		MODULE="$(MODULE)" tools/fuzz/run $(KERNEL)

.PHONY: fuzz
