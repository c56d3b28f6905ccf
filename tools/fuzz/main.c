// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzzer: rounds of scenarios until the time is over or something is found.
 * Everything that is random follows from the seed and the number of the round,
 *so that "-s SEED -r ROUND" does one of them again; only the timing is the
 *machine's.
 *
 *	fuzz [-t SECONDS] [-s SEED] [-r FIRST[-LAST]] [-S SCENARIO,...] [-x
 *SLOW]
 *
 * With -p sockets stay what they are, and there is nothing to be found with
 *them. Runs as root on a test machine with the module loaded. Exit status 1:
 *found something.
 */
#include "fuzz.h"
#include "sock.h"
#include "watch.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GROUPS "/sys/fs/cgroup/fuzz"
#define PARAMS "/sys/module/door/parameters/"

static const struct scenario scenarios[] = {
	{"reconnect", 4, 9000, run_reconnect}, {"stream", 3, 5000, run_stream},
	{"calls", 3, 6000, run_calls},	       {"unref", 2, 6000, run_unref},
	{"hostile", 3, 4000, run_hostile},     {"starve", 1, 1000, run_starve},
	{"sockmap", 1, 3000, run_sockmap},     {"ends", 2, 3000, run_ends},
};

#define N_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static struct {
	uint64_t seed;
	unsigned int seconds;
	unsigned int first;
	unsigned int last;
	unsigned int slow;
	const char *chosen;
} opt = {.seconds = 120, .last = -1, .slow = 1};

static long long started;
static long long joined; /* streams, since the module was loaded */

static bool is_chosen(const char *name)
{
	size_t len = strlen(name);
	const char *p = opt.chosen;

	while (p && (p = strstr(p, name))) {
		if ((p == opt.chosen || p[-1] == ',') &&
		    (!p[len] || p[len] == ','))
			return true;
		p += len;
	}
	return !opt.chosen;
}

static const struct scenario *draw_scenario(struct rng *rng)
{
	unsigned int sum = 0, i;
	uint64_t n;

	for (i = 0; i < N_SCENARIOS; i++)
		sum += is_chosen(scenarios[i].name) ? scenarios[i].weight : 0;
	if (!sum) {
		fprintf(stderr, "fuzz: no such scenario: %s\n", opt.chosen);
		exit(2);
	}
	n = rng_below(rng, sum);
	for (i = 0;; i++) {
		if (!is_chosen(scenarios[i].name))
			continue;
		if (n < scenarios[i].weight)
			return &scenarios[i];
		n -= scenarios[i].weight;
	}
}

/*
 * How much the module dawdles, if it is one that does: a little everywhere, or
 * a lot in some places.
 */
static void set_stretch(struct rng *rng)
{
	static const struct {
		unsigned int one_in, sites, sleep_us;
	} ways[] = {{0, 1, 0},	     {100, 1, 2000},  {300, 1, 20000},
		    {30, 1, 20000},  {10, 4, 20000},  {4, 4, 300000},
		    {4, 8, 300000},  {2, 8, 500000},  {2, 16, 500000},
		    {2, 16, 500000}, {1, 32, 500000}, {1, 32, 500000}};
	static const unsigned int spin_us[] = {20, 200, 1000};
	unsigned int way = rng_below(rng, sizeof(ways) / sizeof(ways[0]));

	write_to(PARAMS "stretch_seed", "%u",
		 (unsigned int)rng_below(rng, 1 << 30));
	write_to(PARAMS "stretch_spin_us", "%u", rng_pick(rng, spin_us));
	write_to(PARAMS "stretch_sleep_us", "%u", ways[way].sleep_us);
	write_to(PARAMS "stretch_sites", "%u", ways[way].sites);
	write_to(PARAMS "stretch_one_in", "%u", ways[way].one_in);
}

static void enter(const struct round *r)
{
	char path[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	snprintf(path, sizeof(path), "%s/cgroup.procs", r->group);
	if (!write_to(path, "0"))
		_exit(3);
}

/* The scenario in a process of its own, watched. */
static void run_scenario(struct round *r, const struct scenario *sc,
			 struct rng *rng)
{
	long long end = now_ms() + r->ms + 120000 * r->slow, next = 0;
	struct rng stretch = rng_of(r->seed, 2);
	char line[200];
	pid_t pid = fork();

	if (!pid) {
		enter(r);
		sc->run(r, rng);
		_exit(0);
	}
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (watch_log(line, sizeof(line)))
			oracle_fail(r, "the kernel's log: %s", line);
		if (r->sh->failed)
			break;
		if (now_ms() >= next) {
			set_stretch(&stretch);
			next = now_ms() + 2000;
		}
		if (now_ms() >= end) {
			oracle_fail(r, "the scenario does not end");
			break;
		}
		sleep_ms(20);
	}
	if (r->sh->failed)
		show_stacks(r->group);
	r->sh->shown = 1;
	if (!group_end(r->group, 30000 * r->slow)) {
		oracle_fail(r, "processes that were killed 30 s ago live on");
		show_stacks(r->group);
	}
	waitpid(pid, NULL, WNOHANG);
}

/* What lies in the round's folder goes, the folder stays. */
static void sweep(const char *dir)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "rm -rf %s/*", dir);
	if (system(cmd))
		perror(cmd);
}

static void check_afterwards(struct round *r)
{
	long long end = now_ms() + 20000 * r->slow;
	char text[200], line[200];
	bool none = false;

	sweep(r->dir);
	while (!r->sh->failed) {
		if (!objects_alive(text, sizeof(text), &none, &joined))
			oracle_fail(r, "door stat does not answer");
		else if (none)
			break;
		else if (now_ms() >= end)
			oracle_fail(r, "left behind: %s", text);
		sleep_ms(50);
	}
	if (watch_log(line, sizeof(line)))
		oracle_fail(r, "the kernel's log: %s", line);
}

static void report(const struct round *r, const struct scenario *sc)
{
	char line[200];

	sleep_ms(1000);
	watch_log(line, sizeof(line));
	printf("FOUND after %lld s: seed %llu, round %u, scenario %s\n"
	       "  %s\n"
	       "  again: SEED=%llu ROUND=%u SCENARIO=%s\n"
	       "  the kernel's log:\n",
	       (now_ms() - started) / 1000, (unsigned long long)opt.seed,
	       r->number, sc->name, r->sh->sentence,
	       (unsigned long long)opt.seed, r->number,
	       opt.chosen ? opt.chosen : "");
	watch_tail();
	fflush(stdout);
}

/* Return: false if something has been found. */
static bool one_round(struct shared *sh, const char *dir, unsigned int number)
{
	struct round r = {.seed = mix64(opt.seed ^ mix64(number)),
			  .number = number,
			  .slow = opt.slow,
			  .dir = dir,
			  .sh = sh};
	struct rng rng = rng_of(r.seed, 0);
	const struct scenario *sc = draw_scenario(&rng);
	char group[64], prey[80];
	long long begin = now_ms(), before = joined;

	memset(sh, 0, sizeof(*sh));
	sh->judge = getpid();
	snprintf(group, sizeof(group), GROUPS "/%u", number);
	mkdir(group, 0755);
	r.group = group;
	r.ms = (sc->ms / 2 + rng_below(&rng, sc->ms)) * opt.slow;
	printf("round %u: %s\n", number, sc->name);
	fflush(stdout);
	run_scenario(&r, sc, &rng);
	write_to(PARAMS "stretch_one_in", "0");
	check_afterwards(&r);
	printf("  %lld ms: %llu connections, %lld joined, %llu calls, %llu "
	       "answers, "
	       "%llu notices, %llu bytes\n",
	       now_ms() - begin, (unsigned long long)sh->begun, joined - before,
	       (unsigned long long)sh->calls, (unsigned long long)sh->answers,
	       (unsigned long long)sh->notices, (unsigned long long)sh->bytes);
	fflush(stdout);
	snprintf(prey, sizeof(prey), "%s/prey", group);
	rmdir(prey);
	rmdir(group);
	if (sh->failed)
		report(&r, sc);
	return !sh->failed;
}

static void parse(int argc, char **argv)
{
	char *dash;
	int c;

	opt.seed = mix64(time(NULL)) >> 32;
	while ((c = getopt(argc, argv, "pt:s:r:S:x:")) != -1) {
		switch (c) {
		case 'p':
			sockets_plain = true;
			break;
		case 't':
			opt.seconds = atoi(optarg);
			break;
		case 's':
			opt.seed = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			opt.first = atoi(optarg);
			dash = strchr(optarg, '-');
			opt.last =
				dash ? (unsigned int)atoi(dash + 1) : opt.first;
			break;
		case 'S':
			opt.chosen = optarg;
			break;
		case 'x':
			opt.slow = atoi(optarg);
			break;
		default:
			exit(2);
		}
	}
}

static void prepare(char *dir)
{
	if (!watch_init("tools/vm/splats") || !mkdtemp(dir) ||
	    chmod(dir, 0777)) {
		perror("fuzz");
		exit(2);
	}
	signal(SIGPIPE, SIG_IGN);
	write_to("/proc/sys/vm/unprivileged_userfaultfd", "1");
	write_to("/proc/sys/net/ipv4/tcp_fastopen", "%d", 0x603);
	mkdir(GROUPS, 0755);
	write_to("/sys/fs/cgroup/cgroup.subtree_control", "+cpu");
	write_to(GROUPS "/cgroup.subtree_control", "+cpu");
}

int main(int argc, char **argv)
{
	/* Not in /tmp: on an overlay, where closing a file does something. */
	char dir[] = "/var/lib/fuzz.XXXXXX";
	struct shared *sh;
	unsigned int n;
	bool ok = true;

	parse(argc, argv);
	prepare(dir);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		return 2;
	started = now_ms();
	printf("seed %llu\n", (unsigned long long)opt.seed);
	for (n = opt.first; ok && n <= opt.last; n++) {
		if (opt.last == -1U &&
		    now_ms() - started >= opt.seconds * 1000LL)
			break;
		ok = one_round(sh, dir, n);
	}
	if (ok)
		printf("nothing found in %lld s: seed %llu, %u rounds\n",
		       (now_ms() - started) / 1000,
		       (unsigned long long)opt.seed, n - opt.first);
	rmdir(dir);
	return !ok;
}
