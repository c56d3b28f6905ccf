// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers: every way in which a program may put bytes into a socket and get
 * them out. What they do is the same to the stream; what returns an error has
 * done nothing.
 */
#include "transfer.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST (192 * 1024)

bool transfer_make(struct transfer *t, const struct round *r, int fd,
		   int family)
{
	char path[128];

	t->fd = fd;
	t->family = family;
	snprintf(path, sizeof(path), "%s/data.XXXXXX", r->dir);
	t->file = mkostemp(path, O_CLOEXEC);
	unlink(path);
	return t->file >= 0 && !pipe2(t->pipe, O_CLOEXEC) &&
	       region_make(&t->m, MOST);
}

static ssize_t send_vector(struct transfer *t, struct rng *rng, size_t len,
			   int flags)
{
	size_t cut = rng_below(rng, len + 1);
	struct iovec iov[] = {{t->m.mem, cut}, {t->m.mem + cut, len - cut}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	return sendmsg(t->fd, &msg, flags | MSG_NOSIGNAL);
}

/* A descriptor goes with the bytes, which makes them a message. */
static ssize_t send_rights(struct transfer *t, size_t len, int flags)
{
	struct iovec iov = {t->m.mem, len};
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &t->file, sizeof(int));
	return sendmsg(t->fd, &msg, flags | MSG_NOSIGNAL);
}

/* What the pipe has got and the socket has not is put back by reading it. */
static ssize_t send_pipe(struct transfer *t, size_t len)
{
	ssize_t n = write(t->pipe[1], t->m.mem, len < 4096 ? len : 4096), done;

	if (n <= 0)
		return n;
	done = splice(t->pipe[0], NULL, t->fd, NULL, n, 0);
	if (done < n &&
	    read(t->pipe[0], t->m.shadow, n - (done > 0 ? done : 0)) < 0)
		exit(3);
	return done;
}

/* The socket may take the file's pages themselves: nobody writes to them again.
 */
static ssize_t send_file(struct transfer *t, size_t len)
{
	int file = memfd_create("data", MFD_CLOEXEC);
	ssize_t n = -1;
	off_t at = 0;

	if (file < 0)
		return -1;
	if (pwrite(file, t->m.mem, len, 0) == (ssize_t)len)
		n = sendfile(t->fd, file, &at, len);
	close(file);
	return n;
}

/* Pages of its own, which nobody writes to again and which are soon gone. */
static ssize_t send_pages(struct transfer *t, struct rng *rng, size_t len)
{
	struct region m;
	ssize_t n;
	int err;

	if (!region_make(&m, len))
		exit(3);
	memcpy(m.mem, t->m.mem, len);
	if (rng_one_in(rng, 4))
		region_arm(&m, rng, len, rng_size(rng, 100));
	n = send(t->fd, m.mem, len, MSG_ZEROCOPY | MSG_NOSIGNAL);
	err = errno;
	region_free(&m);
	errno = err;
	return n;
}

/* Sends up to @most of the next bytes. Return: as send(). */
ssize_t transfer_out(struct transfer *t, struct rng *rng,
		     const struct stream *s, size_t most)
{
	size_t len = rng_size(rng, most < MOST ? most : MOST);
	unsigned int way = t->way ? t->way : 1 + rng_below(rng, TRANSFER_WAYS);
	struct pollfd p = {.fd = t->fd, .events = POLLOUT};
	int flags = 0;
	ssize_t n;

	stream_fill(s, t->m.mem, len);
	if (!t->way && rng_one_in(rng, 16)) {
		region_arm(&t->m, rng, len, rng_size(rng, 300));
		n = send(t->fd, t->m.mem, len, MSG_NOSIGNAL);
		region_disarm(&t->m);
		return n;
	}
	if (rng_one_in(rng, 8))
		flags |= MSG_MORE;
	switch (way) {
	case 1:
		return write(t->fd, t->m.mem, len);
	case 2:
	case 3:
		return send_vector(t, rng, len, flags);
	case 4:
		return send_pipe(t, len);
	case 5:
		return send_file(t, len);
	case 6:
		if (t->family == AF_UNIX)
			return send_rights(t, len, flags);
		break;
	case 7:
	case 8:
		poll(&p, 1, 1000);
		return send(t->fd, t->m.mem, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case 9:
		/* Urgent, but in line: in its place as any other byte. */
		if (t->family != AF_UNIX && rng_one_in(rng, 64))
			return send(t->fd, t->m.mem, 1, MSG_OOB | MSG_NOSIGNAL);
		break;
	case 10:
		if (t->family != AF_UNIX)
			return send_pages(t, rng, len);
	}
	return send(t->fd, t->m.mem, len, flags | MSG_NOSIGNAL);
}

static ssize_t receive_message(struct transfer *t, struct rng *rng, size_t len)
{
	size_t cut = rng_below(rng, len + 1);
	struct iovec iov[] = {{t->m.mem, cut}, {t->m.mem + cut, len - cut}};
	char control[512];
	struct msghdr msg = {.msg_iov = iov,
			     .msg_iovlen = 2,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(t->fd, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	int fd;

	for (c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg); c;
	     c = CMSG_NXTHDR(&msg, c)) {
		size_t i;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; CMSG_LEN(i * sizeof(int)) < c->cmsg_len; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			close(fd);
		}
	}
	return n;
}

static ssize_t receive_pipe(struct transfer *t, size_t len)
{
	ssize_t n = splice(t->fd, NULL, t->pipe[1], NULL,
			   len < 65536 ? len : 65536, 0);
	ssize_t done = 0, got;

	/* Before an urgent byte TCP says the same as at the end. */
	if (!n)
		return recv(t->fd, t->m.mem, len, 0);
	while (done < n) {
		got = read(t->pipe[0], t->m.mem + done, n - done);
		if (got <= 0)
			exit(3);
		done += got;
	}
	return n;
}

static ssize_t receive_stalled(struct transfer *t, struct rng *rng, size_t len)
{
	ssize_t n;

	region_arm(&t->m, rng, len, rng_size(rng, 300));
	n = recv(t->fd, t->m.mem, len, 0);
	region_disarm(&t->m);
	return n;
}

/* May a sender who is told this try again? */
bool transfer_goes_on(int err)
{
	return err == EAGAIN || err == EINTR || err == EFAULT || err == ENOBUFS;
}

/*
 * Receives something into t->m.mem. @taken: it is gone from the socket;
 * @visible: and can be looked at. Return: as recv().
 */
ssize_t transfer_in(struct transfer *t, struct rng *rng, bool *taken,
		    bool *visible)
{
	size_t len = rng_size(rng, MOST);
	struct pollfd p = {.fd = t->fd, .events = POLLIN};

	*taken = true;
	*visible = true;
	if (t->way)
		return recv(t->fd, t->m.mem, MOST, 0);
	if (rng_one_in(rng, 16))
		return receive_stalled(t, rng, len);
	switch (rng_below(rng, 9)) {
	case 0:
		return read(t->fd, t->m.mem, len);
	case 1:
	case 2:
		return receive_message(t, rng, len);
	case 3:
		return receive_pipe(t, len);
	case 4:
		*taken = false;
		return recv(t->fd, t->m.mem, len, MSG_PEEK);
	case 5:
		poll(&p, 1, 1000);
		return recv(t->fd, t->m.mem, len, MSG_DONTWAIT);
	case 6:
		if (len < 2048)
			return recv(t->fd, t->m.mem, len, MSG_WAITALL);
		break;
	case 7:
		if (t->family == AF_UNIX || !rng_one_in(rng, 8))
			break;
		*visible = false;
		return recv(t->fd, NULL, len, MSG_TRUNC);
	}
	return recv(t->fd, t->m.mem, len, 0);
}
