/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_PEERS_H
#define FUZZ_PEERS_H

#include "sock.h"

#define PEERS_MAX 4

/**
 * struct peers - servers of one family, each a process
 * @self: which one the process is
 * @once: clients use a socket for one connection only
 */
struct peers {
	unsigned int n;
	unsigned int self;
	bool once;
	int family;
	struct addr addr[PEERS_MAX];
	int fd[PEERS_MAX];
	pid_t pid[PEERS_MAX];
};

bool peers_start(struct round *r, struct peers *p);

#endif /* FUZZ_PEERS_H */
