// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls: servers that live for seconds, clients that go on. Both are stopped,
 * interrupted and killed. And calls of clients that the machine does not let
 * run, which must not be anybody else's trouble.
 */
#include "call.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVERS 2
#define CLIENTS 4

static void draw_plan(struct server_plan *plan, struct rng *rng,
		      unsigned int id, bool unref)
{
	static const uint32_t attributes[] = {
		DOOR_ATTR_UNREF_MULTI, DOOR_ATTR_UNREF, 0, DOOR_ATTR_NO_CANCEL,
		DOOR_ATTR_NO_DEPLETION};

	*plan = (struct server_plan){.id = id,
				     .threads = 1 + rng_below(rng, 4),
				     .nervous = unref,
				     .attributes =
					     unref ? DOOR_ATTR_UNREF_MULTI
						   : rng_pick(rng, attributes)};
}

static void make_names(const struct round *r, unsigned int n)
{
	char path[128];

	while (n--) {
		door_path(path, sizeof(path), r, n);
		close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0666));
		if (chmod(path, 0666))
			return;
	}
}

/* Killed, and gone soon: nobody else has a say in that. */
static void end_server(struct round *r, pid_t pid)
{
	kill(pid, SIGKILL);
	if (!actor_wait(pid, 20000 * r->slow))
		oracle_fail(r,
			    "server %d was killed 20 s ago and has not ended",
			    pid);
}

static void run_clients(struct round *r, struct rng *rng, bool unref)
{
	struct client_plan visit = {
		.servers = SERVERS, .light = unref, .fickle = unref};
	pid_t server[SERVERS], client[CLIENTS];
	unsigned int clients = unref ? 1 : CLIENTS, i, who = 1000;
	struct server_plan plan;
	long long end;

	make_names(r, SERVERS);
	for (i = 0; i < SERVERS; i++) {
		draw_plan(&plan, rng, i, unref);
		server[i] = actor_start(r, who++, call_server, &plan);
	}
	for (i = 0; i < clients; i++)
		client[i] = actor_start(r, 100 + i, call_client, &visit);
	wait_for_count(r, &r->sh->answers, SERVERS);
	end = now_ms() + r->ms;
	while (now_ms() < end && !r->sh->failed) {
		if (unref)
			sleep_ms(500 + rng_below(rng, 1000 * r->slow));
		else
			chaos_signals(r, rng, client, clients,
				      500 + rng_below(rng, 3000 * r->slow));
		i = rng_below(rng, SERVERS);
		end_server(r, server[i]);
		draw_plan(&plan, rng, i, unref);
		server[i] = actor_start(r, who++, call_server, &plan);
	}
	r->sh->stop = 1;
	for (i = 0; i < SERVERS; i++)
		end_server(r, server[i]);
	for (i = 0; i < clients; i++)
		if (!actor_wait(client[i], 60000 * r->slow))
			oracle_fail(r,
				    "client %d waits for servers that are gone",
				    client[i]);
}

void run_calls(struct round *r, struct rng *rng)
{
	run_clients(r, rng, false);
}

/* Clients that come and go, of servers who are told each time, and end. */
void run_unref(struct round *r, struct rng *rng)
{
	run_clients(r, rng, true);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The last processor is for those who are not to get it. */
static int last_cpu(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) - 1;
}

static void hog(struct round *r, struct rng *rng, void *arg)
{
	volatile unsigned long n = 0;

	(void)r;
	(void)rng;
	(void)arg;
	pin(last_cpu());
	setpriority(PRIO_PROCESS, 0, -20);
	for (;;)
		n++;
}

static void starved_client(struct round *r, struct rng *rng, void *arg)
{
	struct sched_param p = {};

	pin(last_cpu());
	sched_setscheduler(0, SCHED_IDLE, &p);
	call_client(r, rng, arg);
}

/*
 * Clients that hardly run, of a server with few threads. Others are served all
 * the same, and whoever is killed ends.
 */
void run_starve(struct round *r, struct rng *rng)
{
	struct server_plan plan = {.threads = 1 + rng_below(rng, 2),
				   .calm = true,
				   .delay = 20 + rng_below(rng, 100)};
	pid_t server, client[3], hogs[2];
	struct client_plan visit = {.servers = 1, .light = true};
	unsigned int i;

	if (last_cpu() < 1)
		return;
	make_names(r, 1);
	server = actor_start(r, 10, call_server, &plan);
	for (i = 0; i < 3; i++)
		client[i] = actor_start(r, 100 + i, starved_client, &visit);
	wait_for_count(r, &r->sh->answers, 10);
	for (i = 0; i < 2; i++)
		hogs[i] = actor_start(r, 200 + i, hog, NULL);
	sleep_ms(rng_size(rng, 4000));
	end_server(r, server);
	r->sh->stop = 1;
	for (i = 0; i < 2; i++)
		kill(hogs[i], SIGKILL);
	for (i = 0; i < 3; i++)
		kill(client[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}
