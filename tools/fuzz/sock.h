/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sockets of the fuzzer: addresses, marks, and streams that say what they are.
 * A stream begins with a header, and each byte after it follows from the header
 * and its place, so that a reader knows at once if it gets a byte of another
 * connection, one too many, one too few, or of no connection at all.
 */
#ifndef FUZZ_SOCK_H
#define FUZZ_SOCK_H

#include "fuzz.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define STREAM_MAGIC 0x5eedf00dU

/**
 * struct header - what a stream begins with
 * @dest: the server it goes to or comes from; @back: it comes from there
 */
struct header {
	uint32_t magic;
	uint16_t dest;
	uint16_t back;
	uint32_t conn;
	uint32_t check;
};

/**
 * struct stream - a writer's or a reader's place in a stream
 * @known: the header is complete
 */
struct stream {
	struct header hdr;
	uint64_t key;
	uint64_t pos;
};

void stream_begin(struct stream *s, const struct round *r, unsigned int dest,
		  bool back, uint32_t conn);
void stream_fill(const struct stream *s, void *buf, size_t n);
bool stream_is(const struct stream *s, const void *buf, size_t n);
bool stream_meet(struct stream *s, const struct round *r, const void *buf,
		 size_t n);
void stream_describe(char *to, size_t size, const struct stream *s,
		     const void *buf, size_t n);

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	socklen_t len;
};

/* Nothing is marked: whatever is found then, is wrong with the fuzzer. */
extern bool sockets_plain;

int door_device(void);
void mark_listen(int fd);
void mark_connect(int fd, const struct addr *a);
bool mark_pair(int a, int b);
bool is_joined(int fd);
int listener_make(struct addr *a, int family, bool marked);
bool pair_make(struct rng *rng, int family, int fd[2]);
int disconnect(int fd);
void set_int(int fd, int level, int name, int value);
void set_timeout(int fd, int name, unsigned int ms);

#endif /* FUZZ_SOCK_H */
