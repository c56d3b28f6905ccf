/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cancelling a server thread whose caller has given up: a client that makes
 * three calls and gives up any of them at any moment, a server thread, the
 * thread of its process that is told. The code:
 * lib/cancel.c, and door_answer_give(), abort_call() and door_serve_aborted() of
 * the module.
 *
 * Each critical section of thread->lock is one step, as is each exchange of the
 * word. The procedure may wait for its cancellation once its caller has given
 * up, so a request that gets lost is an invalid end state.
 *
 * The procedure begins with cancellation enabled or not and changes that as it
 * likes. The thread can be replaced or not.
 *
 * Claims: a request takes effect during the call that was given up, or in its
 * door_return(), and never waits for a later one; it is made only while the
 * thread exists; it is not lost where the thread is willing and lets it happen.
 *
 * Each BROKEN_ variant takes one thing away, and the model has to fail then.
 */
#define CALLS	3
#define NOBODY	0

/* Calls are numbered from 1. */
byte delivered;		/* the one that the thread has been given */
byte caller;		/* the call whose caller waits, or NOBODY */
byte gave_up;		/* the last call that was given up */
bool aborted;		/* th->aborted, about call delivered */
bool over;		/* no more calls */

/* lib/cancel.c */
#define IDLE	0
#define RUNS(n)	(n)
#define MARKED(n) (16 + (n))
#define WILLING	32
#define BARE(word) ((word) & 31)
byte word;
bool listed, alive, locked;
bool replaceable;

byte requested;		/* a request is pending, for this call */

proctype client()
{
	byte n = 1;

	do
	:: n <= CALLS && alive ->
		/* A thread that has parked, or none any more. */
		if
		:: atomic { delivered == NOBODY ->
			delivered = n;
			caller = n
		   }
		:: !alive -> break
		fi;
		/* The answer, or abort_call(). */
		if
		:: caller == NOBODY
		:: atomic {
			if
			:: caller == n ->
				caller = NOBODY;
				gave_up = n;
				aborted = true
			:: else
			fi
		   }
		fi;
		n++
	:: n > CALLS || !alive -> break
	od;
	over = true
}

inline request(n)
{
	atomic {
		if
		:: requested == NOBODY -> requested = n
		:: else
		fi
	}
}

/* A cancellation point of call n. */
#define CANCELLED (requested != NOBODY)
inline act(n)
{
	assert(requested == n && gave_up == n);
	goto exit
}

proctype server()
{
	byte n, was, will;
	bool lets;

	do
	::	/* RETURN: waits for the next */
		if
		:: atomic { delivered != NOBODY && n != delivered -> n = delivered }
		:: over && delivered == NOBODY -> goto exit
		fi;
		if
		:: lets = true
		:: lets = false
		fi;
		/* cancel_begin() */
		will = ((lets || replaceable) -> WILLING : 0);
		atomic { was = word; word = RUNS(n) + will }
#ifndef BROKEN_ARRIVAL_DOES_NOT_LOOK
		if
		:: was == MARKED(n) ->
			word = MARKED(n) + will;
			if
			:: will -> request(n)
			:: else
			fi
		:: else
		fi;
#endif
		/* The procedure */
		if
		:: lets = true
		:: lets = false
		fi;
		if
		:: true
		:: gave_up == n && will && lets -> CANCELLED
		fi;
		if
		:: CANCELLED && lets -> act(n)
		:: true
		fi;
		if
		:: lets = true
		:: lets = false
		fi;
		/* cancel_end() */
#ifdef BROKEN_END_LEAVES_WORD
		was = word;
#else
		atomic { was = word; word = IDLE }
#endif
#ifndef BROKEN_END_DOES_NOT_LOOK
		if
		:: BARE(was) == MARKED(n) && lets -> request(n); act(n)
#ifndef BROKEN_SPOILED_GOES_ON
		:: BARE(was) == MARKED(n) && !lets && (was & WILLING) ->
			/* Another is made; cancel_now() */
			request(n);
			act(n)
#endif
		:: else
		fi;
#endif
		/* door_answer_give() */
		atomic {
			caller = NOBODY;
#ifndef BROKEN_NOTICE_STAYS
			aborted = false;
#endif
			delivered = NOBODY;
			assert(requested == NOBODY)
		}
	od;
exit:
	/* forget() */
#ifndef BROKEN_FORGET_WITHOUT_LOCK
	atomic { !locked -> listed = false };
#endif
	alive = false
}

/* The thread that is told. */
proctype watch()
{
	byte n, was;
	bool mine;

end:	do
	::	/* take_notice() */
		atomic { aborted -> aborted = false; n = delivered };
		atomic { !locked -> locked = true };
		was = word;
		mine = false;
		if
		:: !listed
		:: else ->
			do
			:: was != IDLE && BARE(was) != RUNS(n) && BARE(was) < MARKED(0) ->
				break
			:: else ->
#ifdef BROKEN_MARK_BLINDLY
				atomic {
					word = MARKED(n) + (was & WILLING);
					mine = was == RUNS(n) + WILLING
				};
				break
#else
				atomic {
					if
					:: word == was ->
						word = MARKED(n) + (was & WILLING);
#ifdef BROKEN_ASKS_THE_UNWILLING
						mine = BARE(was) == RUNS(n);
#else
						mine = was == RUNS(n) + WILLING;
#endif
						was = MARKED(15)
					:: else -> was = word
					fi
				}
				if
				:: was == MARKED(15) -> break
				:: else
				fi
#endif
			od
		fi;
		if
		:: mine -> assert(alive); request(n)
		:: else
		fi;
		locked = false;
		d_step { n = 0; was = 0; mine = false }
	od
}

init
{
	atomic {
		alive = true;
		listed = true;
		if
		:: replaceable = true
		:: replaceable = false
		fi;
		run client();
		run server();
		run watch()
	}
}
