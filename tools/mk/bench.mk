# SPDX-License-Identifier: GPL-2.0-only
# Figures: both measure in a virtual machine, see tools/bench and tools/demo.
# BENCH=doors looks at calls of doors alone: sizes, how to copy, many clients.
BENCH ?= all
bench:
	@$(ready) lib tools module-$(KERNEL)
	@tools/bench/run $(KERNEL) $(BENCH)

demo:
	@tools/demo/run

.PHONY: bench demo
