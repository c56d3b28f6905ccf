/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leaving a stream while others use it, giving memory back, and connecting to
 * somebody else. One end has two threads that receive, one that disconnects, and one
 * that connects to another peer and sends to it; the peer sends into the lane, and
 * the trimming worker frees the room of lanes that are empty or left. The code:
 * kmod/sock/leave.c, connect.c, door_graft_cut(), door_lane_trim(), taken_back(),
 * recv_once(), send_some().
 *
 * Memory is sequentially consistent: what is not under a lock is passed on by
 * release and acquire, and the one full barrier (gone, head) is in lane.pml.
 *
 * Claims: nobody touches room that has been freed; when the last reader says that it
 * is gone nobody takes bytes any more; head and tail only grow; what is sent after a
 * connection to another peer was made does not go into the lane of the first.
 *
 * Each BROKEN_ variant takes one thing away, and the model has to fail then.
 */
#define PUTS	3	/* writes of the peer */

/* Locks: of the end that leaves, and the peer's send lock. */
bool connect_lock, recv_lock, send_lock, peer_send;

inline lock(l)
{
	atomic { !l; l = true }
}

inline unlock(l)
{
	l = false
}

/* The graft's state, and who the socket beneath is connected to. */
mtype = { JOINED, PLAIN, TO_A, TO_NOBODY, TO_B };
mtype state = JOINED, socket = TO_A;

/* The lane in. */
byte head, tail;
bool gone, room;

/* What a reader that is inside relies on. */
byte inside;

inline copy_out()
{
	inside++;
	assert(room);
	/* ... a page fault may take its time here ... */
	assert(room);
	inside--
}

proctype receiver()
{
	byte h;

	lock(recv_lock);
#ifdef BROKEN_NO_SECOND_LOOK
	if
	:: true ->
#else
	if
	:: state == JOINED ->
#endif
		h = head;
		if
		:: h > tail ->
			assert(!gone);
			copy_out();
			assert(!gone);
			assert(h > tail);
			tail = h
		:: else
		fi
	:: else
	fi;
	unlock(recv_lock)
}

/* door_graft_cut() and door_leave() */
inline leave()
{
#ifndef BROKEN_LEAVE_WITHOUT_LOCKS
	lock(recv_lock);
	lock(send_lock);
#endif
	gone = true;
#ifndef BROKEN_LEAVE_WITHOUT_LOCKS
	unlock(send_lock);
	unlock(recv_lock)
#endif
}

proctype disconnecter()
{
#ifndef BROKEN_CONNECT_UNLOCKED
	lock(connect_lock);
#endif
	if
	:: socket == TO_A ->
		socket = TO_NOBODY;
		if
		:: atomic { state == JOINED -> state = PLAIN }; leave()
		:: else
		fi
	:: else
	fi;
#ifndef BROKEN_CONNECT_UNLOCKED
	unlock(connect_lock)
#endif
}

proctype connecter()
{
	lock(connect_lock);
	if
	:: socket == TO_NOBODY ->
#ifndef BROKEN_CONNECT_UNLOCKED
		/* door_connect_begin(): a stream is left first. */
		if
		:: atomic { state == JOINED -> state = PLAIN }; leave()
		:: else
		fi;
#endif
		socket = TO_B
	:: else
	fi;
	unlock(connect_lock);
	if
	:: socket == TO_B ->
		/* send_some() */
		lock(send_lock);
		assert(state != JOINED);
		unlock(send_lock)
	:: else
	fi
}

/* The peer: door_lane_put() and taken_back(). */
proctype writer()
{
	byte i;

	do
	:: i == PUTS -> break
	:: else ->
		lock(peer_send);
		if
		:: gone -> unlock(peer_send); break
		:: else
		fi;
		room = true;
		/* If gone is seen now: not sent, but the bytes stay where they are. */
		head++;
		unlock(peer_send);
		i++
	od
}

/* door_lane_trim() in the writer's place */
proctype trimmer()
{
	byte rounds;

	do
	:: rounds == PUTS -> break
	:: else ->
#ifndef BROKEN_TRIM_WITHOUT_LOCK
		lock(peer_send);
#endif
		if
		:: head == tail || gone ->
#ifndef BROKEN_TRIM_WITHOUT_LOCK
			assert(!inside);
#endif
			room = false
		:: else
		fi;
#ifndef BROKEN_TRIM_WITHOUT_LOCK
		unlock(peer_send);
#endif
		rounds++
	od
}

init
{
	atomic {
		run receiver();
		run receiver();
		run disconnecter();
		run connecter();
		run writer();
		run trimmer()
	}
}
