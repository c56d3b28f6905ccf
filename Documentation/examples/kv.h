/* SPDX-License-Identifier: GPL-2.0-only */
/* What kv_client.c and kv_server.c say to each other. */
#ifndef KV_H
#define KV_H

enum { KV_GET, KV_PUT };

/* With KV_PUT goes one descriptor, with the answer to KV_GET comes one. */
struct kv_request {
	int op;
	char key[60];
};

/* An errno, 0 for success. */
struct kv_answer {
	int error;
};

#endif /* KV_H */
