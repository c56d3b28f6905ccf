/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call between a client and a server thread: two clients, one server thread,
 * signals to all of them, revocation, death of the server. The code, in kmod/door:
 * call.c, answer.c, pool.c, serve.c.
 *
 * Only client 0 gets signals and is lent memory. Each critical section of a lock is
 * one step. Sleeping is what the scheduler makes of it: a task sets its state, looks,
 * and sleeps if the state is still set; a wake-up resets the state and nothing else.
 * set_current_state() and wake-ups are full barriers, so memory is sequentially
 * consistent; the barrier left out is the look that comes before the state is set.
 *
 * Claims: nobody is asleep when all is said (no invalid end state); the server
 * never writes to a call that its client has left; a thread is in its pool once
 * at most, and then in its wait; one that leaves has no invocation; a client that copies results has the loan, or what
 * the server has kept for it; every page that was pinned is let go of.
 *
 * Each BROKEN_ variant takes one thing away, and the model has to fail then.
 */
#define CLIENTS	2
#define S	CLIENTS		/* the server thread among the tasks */
#define NOBODY	255
#define AWAY(c)	(CLIENTS + (c))	/* the call in a struct away */

#define RUNNING	0
#define INTERRUPTIBLE 1
byte state[CLIENTS + 1];
bool sig[CLIENTS + 1], fatal[CLIENTS + 1];

/* struct door_call: [c] on the stack of client c, [AWAY(c)] beside it. */
#define WAITING	0
#define RETURNED 1
#define ABORTED	2
byte call[2 * CLIENTS];
bool live[2 * CLIENTS], suspended[2 * CLIENTS], pages[2 * CLIENTS];
bool large[2 * CLIENTS], kept[2 * CLIENTS], err[2 * CLIENTS];

/* struct door_thread; struct door_pool: which call of a client is in the queue */
byte th_call = NOBODY;
bool delivered, lent, parked, revoked, waits;
byte queue[CLIENTS] = NOBODY;

byte pins, ended;

inline wake(t)
{
	state[t] = RUNNING
}

inline schedule(t)
{
	atomic {
		state[t] == RUNNING || (state[t] == INTERRUPTIBLE && sig[t]);
		state[t] = RUNNING
	}
}

/* pool.c: give(), the lock is held */
inline give(k)
{
	assert(th_call == NOBODY && !delivered && live[k]);
	th_call = k;
	delivered = true
}

/* door_pool_park(); the oldest, either of the two. The lock is held. */
inline park(busy)
{
	assert(!parked && waits);
	if
#ifndef BROKEN_PARK_WITHOUT_LOOK
	:: queue[0] != NOBODY -> give(queue[0]); queue[0] = NOBODY; busy = true
	:: queue[1] != NOBODY -> give(queue[1]); queue[1] = NOBODY; busy = true
	:: queue[0] == NOBODY && queue[1] == NOBODY -> parked = true
#else
	:: parked = true
#endif
	fi
}

/* door_answer_refuse() */
inline refuse(c)
{
	atomic {
		if
		:: queue[c] != NOBODY ->
			assert(live[queue[c]]);
			err[queue[c]] = true;
			call[queue[c]] = ABORTED;
			if
			:: !suspended[queue[c]] -> wake(c)
			:: else
			fi;
			queue[c] = NOBODY
		:: else
		fi
	}
}

inline revoke()
{
#ifndef BROKEN_REFUSE_BEFORE_FLAG
	revoked = true;
#endif
	refuse(0);
	refuse(1);
#ifdef BROKEN_REFUSE_BEFORE_FLAG
	revoked = true
#endif
}

/* call.c: await() */
inline await_end(c, k)
{
	do
	::
#ifndef BROKEN_CLIENT_LOOKS_FIRST
		state[c] = INTERRUPTIBLE;
#endif
		if
		:: call[k] != WAITING || sig[c] -> break
		:: else
		fi;
#ifdef BROKEN_CLIENT_LOOKS_FIRST
		state[c] = INTERRUPTIBLE;
#endif
		schedule(c)
	od;
	state[c] = RUNNING
}

/* suspend_queued(), suspend_delivered() */
inline suspend(c, k)
{
	atomic {
		if
		:: queue[c] == k ->
			live[c] = false;
			k = AWAY(c);
			live[k] = true;
#ifndef BROKEN_SUSPEND_LEAVES_QUEUE
			queue[c] = k;
#endif
			suspended[k] = true
		:: else
		fi
	}
	atomic {
		if
		:: k == c && call[k] == WAITING ->
			assert(th_call == k);
			live[c] = false;
			k = AWAY(c);
			live[k] = true;
			th_call = k;
			suspended[k] = true
		:: else
		fi
	}
}

inline abort_call(c, k)
{
#ifdef BROKEN_WITHDRAW_WITHOUT_LOCK
	if
	:: queue[c] == k -> queue[c] = NOBODY; err[k] = true; call[k] = ABORTED
	:: else
	fi;
#else
	atomic {
		if
		:: queue[c] == k ->
			queue[c] = NOBODY;
			err[k] = true;
			call[k] = ABORTED
		:: else
		fi
	}
#endif
	atomic {
		if
		:: call[k] == WAITING ->
			assert(th_call == k);
#ifndef BROKEN_ABORT_LEAVES_CALL
			th_call = NOBODY;
#endif
			err[k] = true;
			call[k] = ABORTED
		:: else
		fi
	}
}

/*
 * The thread's lock, and inside it the pool's: in between, the thread could neither
 * run nor leave, for as long as its client does not run.
 */
inline end_loan(k)
{
	atomic {
		if
		:: th_call == k ->
			th_call = NOBODY;
			lent = false;
			park(busy)
		:: else
		fi
	}
	if
	:: busy -> wake(S)
	:: else
	fi;
	busy = false;
	/* door_pages_unpin(): what has not been taken back */
	atomic {
		if
		:: pages[k] -> pages[k] = false; pins--
		:: else
		fi
	}
}

inline finish(k)
{
	assert(call[k] == RETURNED || call[k] == ABORTED);
#ifdef BROKEN_ERROR_BEFORE_STATE
	failed = err[k];
#endif
	if
	:: call[k] == ABORTED ->
#ifndef BROKEN_ERROR_BEFORE_STATE
		failed = err[k];
#endif
		assert(failed)
	/* Copies piece by piece, each under the thread's lock. */
	:: call[k] == RETURNED ->
		atomic { assert(!large[k] || pages[k] || kept[k] || err[k]) }
	fi;
	failed = false;
	if
	:: large[k] -> end_loan(k)
	:: else
	fi
}

proctype client(byte c)
{
	byte k;
	bool busy, failed;

	k = c;
	live[k] = true;
	/* door_pool_submit() */
#ifdef BROKEN_REVOKED_WITHOUT_LOCK
	if
	:: revoked -> goto gone
	:: else
	fi;
#endif
	atomic {
		if
#ifndef BROKEN_REVOKED_WITHOUT_LOCK
		:: revoked -> goto gone
		:: !revoked && parked -> parked = false; give(k); busy = true
		:: !revoked && !parked -> queue[c] = k
#else
		:: parked -> parked = false; give(k); busy = true
		:: !parked -> queue[c] = k
#endif
		fi
	}
	if
	:: busy -> wake(S)
	:: else
	fi;
	busy = false;
	await_end(c, k);
	if
	:: call[k] != WAITING -> finish(k); goto gone
	:: else
	fi;
	/* interrupted() */
	if
	:: !fatal[c] -> suspend(c, k)
	:: else
	fi;
	if
	:: k == c -> abort_call(c, k); finish(k); goto gone
	:: else
	fi;
	/* Away. It comes back, or abandons the call, or dies there. */
	if
	:: sig[c] = fatal[c];
		suspended[k] = false;
		await_end(c, k)
	:: true
	fi;
	abort_call(c, k);
	finish(k);
gone:	skip;
	d_step {
		live[c] = false;
		live[AWAY(c)] = false;
		state[c] = RUNNING;
		k = 0;
		ended++
	}
}

/* door_answer_fail() */
inline fail()
{
	atomic {
		k = th_call;
		th_call = NOBODY;
		lent = false;
		if
		:: k != NOBODY ->
			assert(live[k]);
			err[k] = true;
			call[k] = ABORTED;
			if
			:: !suspended[k] -> wake(k % CLIENTS)
			:: else
			fi
		:: else
		fi
	}
}

/* Keeps what has not been fetched, or cannot: then the client loses it. */
inline take_back()
{
	atomic {
		left = lent;
		if
		:: lent ->
			pages[th_call] = false;
			pins--;
			if
			:: kept[th_call] = true
			:: err[th_call] = true; call[th_call] = ABORTED
			fi;
#ifndef BROKEN_TAKE_BACK_LEAVES_CALL
			th_call = NOBODY;
#endif
			lent = false
		:: else
		fi
	}
	if
	:: left -> atomic { park(busy) }
	:: else
	fi;
	busy = false
}

proctype server()
{
	byte k, who;
	bool lend, interrupted, left, busy;

	do
	::	/* answer() and hand_over() */
		if
		:: th_call == 0 || th_call == AWAY(0) -> lend = true; pins++
		:: lend = false
		fi;
		delivered = false;
		who = NOBODY;
		waits = true;
		atomic {
			k = th_call;
			if
			:: k != NOBODY ->
				assert(live[k]);
				if
				:: !suspended[k] -> who = k % CLIENTS
				:: else
				fi;
				large[k] = lend;
				if
				:: lend -> pages[k] = true; lent = true
				:: else -> th_call = NOBODY
				fi;
				call[k] = RETURNED
			:: else ->
				if
				:: lend -> pins--; lend = false
				:: else
				fi
			fi
		}
		atomic {
			if
			:: !lend -> park(busy)
			:: else
			fi
		}
		if
		:: who != NOBODY -> wake(who)
		:: else
		fi;
		d_step { who = NOBODY; k = 0; lend = false; busy = false };
		/* await_loan() */
		do
		::	left = sig[S];
			state[S] = INTERRUPTIBLE;
			if
			:: !lent -> break
			:: else
			fi;
			if
			:: left -> take_back()
			:: !left -> schedule(S)
			:: !left -> take_back()	/* the time is up */
			fi
		od;
		/* await() */
		interrupted = false;
		do
		::	left = sig[S];
#ifdef BROKEN_SERVER_LOOKS_FIRST
			if
			:: delivered -> break
			:: else
			fi;
#endif
			state[S] = INTERRUPTIBLE;
#ifndef BROKEN_SERVER_LOOKS_FIRST
			if
			:: delivered -> break
			:: else
			fi;
#endif
			if
			:: left ->	/* door_pool_leave() */
				atomic {
#ifndef BROKEN_LEAVE_WHEN_GIVEN
					left = parked;
#endif
					parked = false
				}
			:: else
			fi;
			if
			:: left -> interrupted = true; assert(!delivered); break
			:: else
			fi;
			schedule(S)
		od;
		state[S] = RUNNING;
		waits = false;
		left = false;
		if
		:: fatal[S] -> break
		:: atomic { !fatal[S] && interrupted -> sig[S] = false }
		:: !fatal[S] && !interrupted	/* the procedure runs */
		fi
	od;
	/* thread_gone(), proc_gone() */
	fail();
	revoke();
	ended++
}

inline signal(t, kill)
{
	atomic {
		sig[t] = true;
		fatal[t] = fatal[t] || kill;
		if
		:: state[t] == INTERRUPTIBLE -> state[t] = RUNNING
		:: else
		fi
	}
}

proctype world()
{
	if
	:: signal(0, false)
	:: signal(0, true)
	:: true
	fi;
	if
	:: signal(S, false)
	:: revoke()
	:: true
	fi;
	/* The server lives until nobody needs it, or not so long. */
	if
	:: true -> ended == CLIENTS
	:: true
	fi;
	signal(S, true);
	ended == CLIENTS + 1;
	assert(pins == 0);
	assert(th_call == NOBODY && !parked && !lent)
}

init
{
	atomic {
		run server();
		run client(0);
		run client(1);
		run world()
	}
}
