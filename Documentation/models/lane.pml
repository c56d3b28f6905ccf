/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sleeping and waking on a lane: one writer, one reader, a lane of LIMIT bytes,
 * and an end that either of them may bring about. The code: kmod/sock/lane.c,
 * door_send_msg() and room_now(), door_recv_msg() and wake_writer(),
 * send_lane() and door_lane_leave().
 *
 * Memory is that of x86: each process has a store buffer, first in first out,
 * that is emptied at any time; MB() waits until it is empty; a load finds the
 * process's own latest store first. Store-release and load-acquire are plain
 * there. Locks are weaker here than on x86: taking one is no full barrier, as
 * the kernel's memory model says. What the scheduler does with its own barriers
 * (the sleeper's state and WQ_FLAG_WOKEN, kernel/sched/wait.c) is one step.
 *
 * Claims: each byte arrives, in order, once; nobody is asleep when all is said
 * (no invalid end state); a byte that was accepted and not read has made the end
 * of the connection a reset; no circle without a byte moved (progress).
 *
 * Each BROKEN_ variant takes one thing away, and the model has to fail then.
 */
/* Bytes that the writer sends. */
#ifdef SMALL
#define TOTAL	4
#else
#define TOTAL	7
#endif
#define LIMIT	3	/* room in the lane; also of the ring of bytes here */
#define WRITABLE(used) ((used) <= LIMIT - LIMIT / 3)

#define W	0
#define R	1

/* What both look at. RING + i holds a byte. */
#define HEAD	0
#define TAIL	1
#define NOSPACE	2
#define GONE	3	/* DOOR_DETOUR_GONE */
#define SHUT	4	/* the writer's end is shut down: sk_shutdown, DOOR_DETOUR_ENDED */
#define QUEUE	5	/* + W, + R: that process is in its wait queue */
#define RING	7
#define VARS	10	/* RING + LIMIT */

byte mem[VARS];
byte own[2 * VARS];	/* latest value in the process's store buffer ... */
byte pending[2 * VARS];	/* ... if there are so many stores of it */
chan buffer[2] = [6] of { byte, byte };

bool asleep[2], woken[2];

/* What really happened. */
byte accepted;	/* bytes that send() has reported as sent */
byte taken;
bool reset;	/* the reader's close was a reset */
bool over[2];

#define READ(p, v) (pending[(p) * VARS + (v)] -> own[(p) * VARS + (v)] : mem[v])

inline WRITE(p, v, x)
{
	atomic {
		buffer[p] ! v, x;
		own[(p) * VARS + (v)] = x;
		pending[(p) * VARS + (v)]++
	}
}

inline MB(p)
{
	empty(buffer[p])
}

/* One of these for each process. */
proctype drain(byte p)
{
	byte v, x;

end:	do
	:: atomic {
		buffer[p] ? v, x;
		mem[v] = x;
		pending[p * VARS + v]--;
		v = 0;
		x = 0
	}
	od
}

/* door_ready_wake(): barrier, look at the queue, wake who is in it. */
inline wake(me, other)
{
	MB(me);
	atomic {
		if
		:: READ(me, QUEUE + other) ->
			woken[other] = true;
			asleep[other] = false
		:: else
		fi
	}
}

/* add_wait_queue() and what follows it. */
inline enqueue(me)
{
	WRITE(me, QUEUE + me, 1);
#ifndef BROKEN_QUEUE_WITHOUT_BARRIER
	MB(me);
#endif
	queued = true
}

/* wait_woken(): smp_store_mb() on both sides of the sleep. */
inline wait_woken(me)
{
	MB(me);
	atomic {
		if
		:: !woken[me] -> asleep[me] = true
		:: else
		fi
	}
	!asleep[me];
	MB(me);
	woken[me] = false
}

inline dequeue(me)
{
	if
	:: queued -> WRITE(me, QUEUE + me, 0); queued = false
	:: else
	fi
}

proctype writer()
{
	byte head, tail, n, i;
	bool queued;

	do
	:: accepted == TOTAL -> break
	:: else ->
		/* door_ready_detours(): then the socket answers. */
		if
		:: READ(W, GONE) -> break
		:: else
		fi;
		/* door_lane_put() */
		tail = READ(W, TAIL);
		n = LIMIT - (head - tail);
		if
		:: n > TOTAL - accepted -> n = TOTAL - accepted
		:: else
		fi;
		if
		:: n ->
#ifdef BROKEN_HEAD_BEFORE_BYTES
			WRITE(W, HEAD, head + n);
#endif
			i = 0;
			do
			:: i < n ->
				WRITE(W, RING + (head + i) % LIMIT, head + i + 1);
				i++
			:: else -> break
			od;
			i = 0;
			head = head + n;
#ifndef BROKEN_HEAD_BEFORE_BYTES
			WRITE(W, HEAD, head);
#endif
			/* send_lane() */
#ifndef BROKEN_SEND_WITHOUT_BARRIER
			MB(W);
#endif
#ifndef BROKEN_SEND_WITHOUT_LOOK
			if
			:: READ(W, GONE) ->
				/* taken_back(): all, unless it has read of it. */
#ifdef BROKEN_TAKE_BACK_ALL
				tail = head - n;
#else
				tail = READ(W, TAIL);
#endif
				if
				:: tail > head - n -> accepted = accepted + n
				:: else	/* The bytes stay where they are. */
				fi;
				break
			:: else
			fi;
#endif
progress_put:		accepted = accepted + n;
			wake(W, R)
		:: else
		fi;
		if
		:: accepted == TOTAL -> break
		:: else
		fi;
		/* room_now() */
		WRITE(W, NOSPACE, 1);
#ifndef BROKEN_NOSPACE_WITHOUT_BARRIER
		MB(W);
#endif
#ifndef BROKEN_NOSPACE_WITHOUT_LOOK
		tail = READ(W, TAIL);
		if
		:: head - tail < LIMIT || READ(W, GONE) -> goto again
		:: else
		fi;
#endif
		if
		:: queued -> wait_woken(W)
		:: else -> enqueue(W)
		fi;
again:		skip
	od;
	dequeue(W);
	/* shutdown(): sock_def_wakeup() has a barrier of its own. */
	WRITE(W, SHUT, 1);
	MB(W);
	wake(W, R);
	over[W] = true
}

/* door_lane_leave(), and waking the writer after it. */
inline close_reader()
{
	WRITE(R, GONE, 1);
#ifndef BROKEN_GONE_WITHOUT_BARRIER
	MB(R);
#endif
	reset = READ(R, HEAD) != tail;
	wake(R, W)
}

proctype reader()
{
	byte head, tail, n;
	bool queued, ended;

	do
	::	/* recv_once(), or quiet(): door_base_ended() before the lane */
#ifndef BROKEN_END_AFTER_LANE
		ended = READ(R, SHUT);
#endif
		head = READ(R, HEAD);
#ifdef BROKEN_END_AFTER_LANE
		ended = READ(R, SHUT);
#endif
		if
		:: head != tail ->
			/* Any number up to what there is. */
			n = 1;
			do
			:: n < head - tail -> n++
			:: break
			od;
			do
			:: n ->
				assert(READ(R, RING + tail % LIMIT) == tail + 1);
				tail++;
				n--
			:: else -> break
			od;
			WRITE(R, TAIL, tail);
progress_take:		taken = tail;
			/* wake_writer() */
#ifndef BROKEN_TAIL_WITHOUT_BARRIER
			MB(R);
#endif
			if
			:: READ(R, NOSPACE) ->
				head = READ(R, HEAD);
				if
				:: WRITABLE(head - tail) ->
					WRITE(R, NOSPACE, 0);
					wake(R, W)
				:: else
				fi
			:: else
			fi;
			/* The end of recv(); the program may have had enough. */
			dequeue(R);
			if
			:: true
			:: close_reader(); goto done
			fi
		:: else ->
			if
			:: ended ->
				/* End of file: there was nothing more. */
				assert(READ(R, HEAD) == tail);
				close_reader();
				goto done
			:: !ended && queued -> wait_woken(R)
			:: !ended && !queued -> enqueue(R)
#ifdef BROKEN_SLEEP_WITHOUT_LOOK
				; wait_woken(R)
#endif
			fi
		fi
	od;
done:	dequeue(R);
	over[R] = true
}

/* Nothing that send() has accepted is lost in silence. */
proctype auditor()
{
	over[W] && over[R] && empty(buffer[W]) && empty(buffer[R]);
	assert(taken <= accepted);
	assert(taken == accepted || reset)
}

init
{
	atomic {
		run drain(W);
		run drain(R);
		run writer();
		run reader();
		run auditor()
	}
}
