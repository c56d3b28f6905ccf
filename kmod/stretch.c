// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stretch: the random delay behind what stretch.h lists. Entered by every room
 * of a build with DOOR_STRETCH=y, with any lock held, in any state; sleeps only
 * where that changes nothing but the time. No lock: a number drawn twice is as
 * good as any other.
 */
#include "stretch.h"

#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

static unsigned int stretch_one_in;
module_param(stretch_one_in, uint, 0644);
MODULE_PARM_DESC(stretch_one_in, "one in so many places is followed by a delay (0: none)");

static unsigned int stretch_spin_us = 200;
module_param(stretch_spin_us, uint, 0644);
MODULE_PARM_DESC(stretch_spin_us, "longest delay where sleeping is not allowed (microseconds)");

static unsigned int stretch_sleep_us = 20000;
module_param(stretch_sleep_us, uint, 0644);
MODULE_PARM_DESC(stretch_sleep_us, "longest delay where it is (microseconds)");

static unsigned int stretch_sites = 1;
module_param(stretch_sites, uint, 0644);
MODULE_PARM_DESC(stretch_sites, "only one in so many of the places there are, by the seed");

static unsigned int stretch_seed = 1;
module_param(stretch_seed, uint, 0644);
MODULE_PARM_DESC(stretch_seed, "changes what is drawn, and which places");

static DEFINE_PER_CPU(u32, drawn);

/* Xorshift; another sequence on each processor and for each seed. */
static u32 draw(void)
{
	u32 x = raw_cpu_read(drawn);

	if (!x)
		x = (READ_ONCE(stretch_seed) + 1) * 2654435761U ^
		    (raw_smp_processor_id() + 1) * 40503U;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	raw_cpu_write(drawn, x);
	return x;
}

/* Long ones one time in four; else each power of two is as likely as another. */
static u32 duration(u32 most)
{
	u32 bits = 1 + draw() % (ilog2(most | 1) + 1);

	if (draw() % 4 == 0)
		return draw() % (most + 1);
	return min_t(u32, draw() & (BIT(bits) - 1), most);
}

/*
 * Whoever has said that it sleeps (its state), holds a spin lock or is inside an
 * RCU section keeps the processor.
 */
static bool may_sleep(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_COUNT) && preemptible() &&
	       !rcu_preempt_depth() && !READ_ONCE(current->__state);
}

/* Delays in few places, but often, go further than a few everywhere. */
static bool chosen(unsigned long place)
{
	u32 sites = READ_ONCE(stretch_sites);

	return sites < 2 || hash_long(place + READ_ONCE(stretch_seed), 16) % sites == 0;
}

/**
 * door_stretch - delay the caller now and then
 */
void door_stretch(void)
{
	u32 one_in = READ_ONCE(stretch_one_in);
	u32 us;

	if (likely(!one_in) || draw() % one_in || !chosen(_RET_IP_))
		return;
	if (may_sleep()) {
		us = duration(READ_ONCE(stretch_sleep_us));
		usleep_range(us, us + 1);
	} else {
		us = duration(min(READ_ONCE(stretch_spin_us), 1000U));
		udelay(us);
	}
}
