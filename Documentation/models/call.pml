/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call between a client and a server thread: two clients, one server thread,
 * signals to all of them, revocation, death of the server. The code:
 * kmod/call.c, kmod/pool.c, kmod/serve.c.
 *
 * Only client 0 gets signals, is lent memory, and has an argument that may not
 * be copied. Each critical section of a lock is one step. Sleeping is what the
 * scheduler makes of it: a task sets its state, looks, and sleeps if the state is
 * still set; a wake-up resets the state and nothing else. set_current_state() and
 * wake-ups are full barriers, so memory is sequentially consistent; the barrier
 * left out is the look that comes before the state is set.
 *
 * Claims: nobody is asleep when all is said (no invalid end state); the server
 * never writes to a call that its client has left; a thread is in its pool once
 * at most; a client that copies results still has the loan; every page that was
 * pinned is let go of.
 *
 * Each BROKEN_ variant takes one thing away, and the model has to fail then.
 */
#define CLIENTS	2
#define S	CLIENTS		/* the server thread among the tasks */
#define NOBODY	255
#define PENDING(c) (CLIENTS + (c))	/* the call in a struct door_pending */

#define RUNNING	0
#define INTERRUPTIBLE 1
#define UNINTERRUPTIBLE 2
byte state[CLIENTS + 1];
bool sig[CLIENTS + 1], fatal[CLIENTS + 1];

/* struct door_call: [c] on the stack of client c, [PENDING(c)] beside it. */
#define NEW	0
#define DELIVERED 1
#define RETURNED 2
#define ABORTED	3
byte call[2 * CLIENTS];
bool live[2 * CLIENTS], suspended[2 * CLIENTS], pages[2 * CLIENTS];
bool err[2 * CLIENTS];

/* struct door_thread, struct door_pool, struct queued */
byte th_call = NOBODY;
bool delivered, lent, parked, revoked;
bool waiting[CLIENTS], got[CLIENTS], refused[CLIENTS];

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

/* door_pool_park(); the first of the waiting clients or another one */
inline park()
{
	atomic {
		assert(!parked);
		if
		:: waiting[0] -> waiting[0] = false; got[0] = true; wake(0)
		:: waiting[1] -> waiting[1] = false; got[1] = true; wake(1)
		:: !waiting[0] && !waiting[1] -> parked = true
		fi
	}
}

inline give_back()
{
	park();
#ifndef BROKEN_GIVE_BACK_WITHOUT_WAKE
	if
	:: sig[S] -> wake(S)
	:: else
	fi
#endif
}

/* door_pool_refuse() */
inline refuse(c)
{
	atomic {
		if
		:: waiting[c] -> waiting[c] = false; refused[c] = true; wake(c)
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

/* call.c: await(); the caller has set its state */
inline await_answer(c, k)
{
	do
	:: call[k] != DELIVERED || sig[c] -> break
	:: else ->
#ifdef BROKEN_CLIENT_LOOKS_FIRST
		state[c] = INTERRUPTIBLE;
#endif
		schedule(c);
#ifndef BROKEN_CLIENT_LOOKS_FIRST
		state[c] = INTERRUPTIBLE
#endif
	od;
	state[c] = RUNNING
}

inline abort_call(k)
{
	atomic {
		if
		:: call[k] == DELIVERED ->
#ifndef BROKEN_ABORT_LEAVES_CALL
			th_call = NOBODY;
#endif
			err[k] = true;
			call[k] = ABORTED
		:: else
		fi
	}
}

inline end_loan(k)
{
	atomic {
		back = th_call == k;
		if
		:: back -> th_call = NOBODY; lent = false
		:: else
		fi;
#ifdef BROKEN_PARK_TWICE
		back = true;
#endif
		pages[k] = false;
		pins--
	}
	if
	:: back -> give_back()
	:: else
	fi;
	back = false
}

inline finish(k)
{
	assert(call[k] == RETURNED || call[k] == ABORTED);
#ifdef BROKEN_FORGET_LOAN
	if
	:: call[k] == ABORTED -> goto gone
	:: else
	fi;
#endif
#ifdef BROKEN_ERROR_BEFORE_STATE
	failed = err[k];
#endif
	if
	:: call[k] == ABORTED ->
#ifndef BROKEN_ERROR_BEFORE_STATE
		failed = err[k];
#endif
		assert(failed)
	:: else
	fi;
	failed = false;
	/* Copies piece by piece, each under th->lock if its state is right. */
	if
	:: pages[k] ->
		atomic { assert(call[k] != RETURNED || (lent && th_call == k)) };
		end_loan(k)
	:: else
	fi
}

proctype client(byte c)
{
	byte k;
	bool back, failed;

	/* door_pool_take() */
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
		:: !revoked && parked -> parked = false
		:: !revoked && !parked -> waiting[c] = true
#else
		:: parked -> parked = false
		:: !parked -> waiting[c] = true
#endif
		fi
	}
	k = c;
	if
	:: !waiting[c] && !got[c] && !refused[c] -> goto reserved
	:: else
	fi;
	do
	::	state[c] = INTERRUPTIBLE;
		if
		:: got[c] || refused[c] -> break
		:: else
		fi;
		if
		:: sig[c] ->
			atomic {
				if
				:: waiting[c] -> waiting[c] = false; goto gone
				:: else
				fi
			}
		:: else
		fi;
		schedule(c)
	od;
	state[c] = RUNNING;
	if
	:: refused[c] -> goto gone
	:: else
	fi;
reserved:
	/* The argument may be in no state to be copied. */
	if
	:: c == 0 -> give_back(); goto gone
	:: true
	fi;
	/* deliver() */
	atomic {
		live[k] = true;
		call[k] = DELIVERED;
		assert(th_call == NOBODY);
		th_call = k
	}
#ifndef BROKEN_CLIENT_LOOKS_FIRST
	state[c] = INTERRUPTIBLE;
#endif
	delivered = true;
	wake(S);
	await_answer(c, k);
	if
	:: call[k] != DELIVERED -> finish(k); goto gone
	:: else
	fi;
	/* interrupted(): suspend(), unless it is to die */
	atomic {
		if
		:: !fatal[c] && call[k] == DELIVERED ->
			k = PENDING(c);
			live[k] = true;
			call[k] = DELIVERED;
			suspended[k] = true;
			th_call = k;
			live[c] = false
		:: else
		fi
	}
	if
	:: k == c -> abort_call(k); finish(k); goto gone
	:: else
	fi;
	/* Away. It comes back, or abandons the call, or dies there. */
	if
	:: sig[c] = fatal[c];
		suspended[k] = false;
		state[c] = INTERRUPTIBLE;
		await_answer(c, k)
	:: true
	fi;
	abort_call(k);
	finish(k);
gone:	skip;
	d_step {
		live[c] = false;
		live[PENDING(c)] = false;
		state[c] = RUNNING;
		call[c] = NEW;
		call[PENDING(c)] = NEW;
		err[c] = false;
		err[PENDING(c)] = false;
		suspended[PENDING(c)] = false;
		got[c] = false;
		refused[c] = false;
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

proctype server()
{
	byte k, who;
	bool lend, interrupted, left;

	do
	::	/* answer() and hand_over() */
		if
		:: th_call == 0 || th_call == PENDING(0) -> lend = true; pins++
		:: lend = false
		fi;
		delivered = false;
		who = NOBODY;
		atomic {
			k = th_call;
			if
			:: k != NOBODY ->
				assert(live[k]);
				if
				:: !suspended[k] -> who = k % CLIENTS
				:: else
				fi;
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
		if
		:: !lend -> park()
		:: else
		fi;
		if
		:: who != NOBODY -> wake(who)
		:: else
		fi;
		d_step { who = NOBODY; k = 0; lend = false };
		/* serve.c: await() */
		interrupted = false;
		do
		::	left = sig[S];
#ifdef BROKEN_SERVER_LOOKS_FIRST
			if
			:: delivered -> break
			:: else
			fi;
#endif
			if
			:: left -> state[S] = UNINTERRUPTIBLE
			:: else -> state[S] = INTERRUPTIBLE
			fi;
#ifndef BROKEN_SERVER_LOOKS_FIRST
			if
			:: delivered -> break
			:: else
			fi;
#endif
			if
			:: left ->	/* door_pool_leave() */
				atomic {
					left = parked;
					parked = false
				}
			:: else
			fi;
			if
			:: left -> interrupted = true; break
			:: else
			fi;
			if
			:: !lent -> schedule(S)
			:: lent ->	/* or the time is up: take_back() */
				if
				:: schedule(S)
				:: atomic {
					left = lent;
					if
					:: lent ->
						err[th_call] = true;
						call[th_call] = ABORTED;
						th_call = NOBODY;
						lent = false
					:: else
					fi
				}
				if
				:: left -> park()
				:: else
				fi
				fi
			fi
		od;
		state[S] = RUNNING;
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
	:: ended == CLIENTS
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
