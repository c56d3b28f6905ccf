# SPDX-License-Identifier: GPL-2.0-only
# Figures: both measure in a virtual machine, see tools/bench and tools/demo.
bench:
	@$(ready) lib tools module-$(KERNEL)
	@tools/bench/run $(KERNEL)

demo:
	@tools/demo/run

.PHONY: bench demo
