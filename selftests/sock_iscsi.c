// SPDX-License-Identifier: GPL-2.0-only
/*
 * A socket that a program hands to the kernel's iSCSI initiator, which does not
 * ask whether it has a user, takes the place of sk_user_data, and reads TCP's
 * own queue. What is sent from then on, either way, goes over the socket.
 */
#include "sock_test.h"
#include "stats_test.h"
#include <linux/netlink.h>

#define K (&variant->k)

/* As in the kernel's own scsi/iscsi_if.h; in its arms, only what is used here.
 */
#define UEVENT_CREATE_SESSION 11
#define UEVENT_DESTROY_SESSION 12
#define UEVENT_CREATE_CONN 13
#define UEVENT_DESTROY_CONN 14
#define UEVENT_BIND_CONN 15
#define UEVENT_STOP_CONN 18
#define UEVENT_SEND_PDU 19
#define KEVENT_RECV_PDU 101
#define STOP_CONN_TERM 1

struct uevent {
	uint32_t type;
	uint32_t iferror;
	uint64_t transport;
	union {
		struct {
			uint32_t cmdsn;
			uint16_t cmds_max;
			uint16_t depth;
		} session;
		struct {
			uint32_t sid;
			uint32_t cid;
			uint64_t fd;
			uint32_t leading;
		} conn;
		struct {
			uint32_t sid;
			uint32_t cid;
			uint32_t hdr_size;
			uint32_t data_size;
		} pdu;
		struct {
			uint32_t sid;
			uint32_t cid;
			uint64_t handle;
			uint32_t flag;
		} stop;
		uint64_t room[3];
	} u;
	union {
		int ret;
		uint32_t sid;
		uint64_t room[2];
	} r;
};

#define PDU 48

/**
 * struct initiator - the kernel's, as we talk to it
 * @nl: netlink
 * @handle: of the transport
 * @sid: the session
 * @buf: the last message
 */
struct initiator {
	int nl;
	uint64_t handle;
	uint32_t sid;
	char buf[4096];
};

/* The next message of this type; NULL if none comes. */
static struct uevent *hear(struct initiator *in, uint32_t type)
{
	struct uevent *ev = NLMSG_DATA((struct nlmsghdr *)in->buf);
	ssize_t n;

	do {
		n = recv(in->nl, in->buf, sizeof(in->buf), 0);
		if (n < (ssize_t)(NLMSG_HDRLEN + sizeof(*ev)))
			return NULL;
	} while (ev->type != type);
	return ev;
}

static struct uevent *say(struct initiator *in, struct uevent *ev,
			  const void *more, size_t len)
{
	struct nlmsghdr h = {.nlmsg_len = NLMSG_HDRLEN + sizeof(*ev) + len,
			     .nlmsg_type = ev->type,
			     .nlmsg_flags = NLM_F_REQUEST};
	struct iovec iov[3] = {
		{&h, NLMSG_HDRLEN}, {ev, sizeof(*ev)}, {(void *)more, len}};

	ev->transport = in->handle;
	if (writev(in->nl, iov, 3) != (ssize_t)h.nlmsg_len)
		return NULL;
	return hear(in, ev->type);
}

static bool start(struct initiator *in)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = 1};
	FILE *f;

	(void)!system("modprobe -q iscsi_tcp 2>/dev/null");
	f = fopen("/sys/class/iscsi_transport/tcp/handle", "r");
	if (!f || fscanf(f, "%lu", &in->handle) != 1)
		return false;
	fclose(f);
	in->nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ISCSI);
	setopt_ms(in->nl, SO_RCVTIMEO, WAIT_MS);
	return !bind(in->nl, (void *)&a, sizeof(a));
}

/* Hands the socket over; the kernel's answer. */
static int take_over(struct initiator *in, int fd)
{
	struct uevent ev = {.type = UEVENT_CREATE_SESSION,
			    .u.session = {1, 32, 32}};
	struct uevent *answer = say(in, &ev, NULL, 0);

	if (!answer)
		return -1;
	in->sid = answer->r.sid;
	ev = (struct uevent){.type = UEVENT_CREATE_CONN, .u.conn.sid = in->sid};
	if (!say(in, &ev, NULL, 0))
		return -2;
	ev = (struct uevent){
		.type = UEVENT_BIND_CONN,
		.u.conn = {.sid = in->sid, .fd = (uint64_t)fd, .leading = 1}};
	answer = say(in, &ev, NULL, 0);
	return answer ? answer->r.ret : -3;
}

static void stop(struct initiator *in)
{
	struct uevent ev = {.type = UEVENT_STOP_CONN,
			    .u.stop = {.sid = in->sid, .flag = STOP_CONN_TERM}};

	say(in, &ev, NULL, 0);
	ev = (struct uevent){.type = UEVENT_DESTROY_CONN,
			     .u.conn.sid = in->sid};
	say(in, &ev, NULL, 0);
	ev = (struct uevent){.type = UEVENT_DESTROY_SESSION,
			     .u.conn.sid = in->sid};
	say(in, &ev, NULL, 0);
	close(in->nl);
}

/* Notices (asynchronous messages) of the target arrive at the initiator. */
static void notices_arrive(struct __test_metadata *_metadata,
			   struct initiator *in, int target)
{
	uint8_t pdu[PDU];
	struct uevent *ev;

	for (int i = 0; i < 20; i++) {
		fill(pdu, i, sizeof(pdu));
		pdu[0] = 0x32; /* asynchronous message */
		pdu[1] = 0x80;
		memset(pdu + 4, 0, 4); /* no data */
		memset(pdu + 16, 0xff, 4);
		ASSERT_EQ(PDU, send(target, pdu, PDU, MSG_NOSIGNAL));
		ev = hear(in, KEVENT_RECV_PDU);
		ASSERT_NE(NULL, ev)
		{
			TH_LOG("notice %d", i);
		}
		EXPECT_EQ(0, memcmp(pdu, ev + 1, PDU));
	}
}

TEST_F_TIMEOUT(link_tcp, iscsi, 60)
{
	struct uevent login = {.type = UEVENT_SEND_PDU, .u.pdu.hdr_size = PDU};
	uint8_t pdu[PDU] = {0x43}, got[PDU] = {0}; /* a login, immediate */
	struct stats before, after;
	struct initiator in;
	struct uevent *ev;

	if (!start(&in))
		SKIP(return, "no iSCSI");
	/* Used before that, and empty. */
	ASSERT_TRUE(send_all(self->cli, 0, 5000));
	ASSERT_TRUE(recv_all(self->srv, 0, 5000));
	ASSERT_TRUE(send_all(self->srv, 0, 5000));
	ASSERT_TRUE(recv_all(self->cli, 0, 5000));
	ASSERT_EQ(0, take_over(&in, self->cli));
	login.u.pdu.sid = in.sid;
	ASSERT_TRUE(kind_plain(K) || get_stats(&before));
	ev = say(&in, &login, pdu, PDU);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(0, ev->r.ret);
	ASSERT_EQ(PDU, recv(self->srv, got, PDU, MSG_WAITALL));
	EXPECT_EQ(0x43, got[0]);
	/* Over the socket: the initiator waits for room in its own way. */
	ASSERT_TRUE(kind_plain(K) || get_stats(&after));
	if (kind_joined(K))
		EXPECT_GE(C(after, BASE_MESSAGES),
			  C(before, BASE_MESSAGES) + 1);
	notices_arrive(_metadata, &in, self->srv);
	stop(&in);
	EXPECT_EQ(0, recv(self->srv, got, PDU, 0));
}

SOCK_TEST_MAIN
