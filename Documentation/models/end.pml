/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a TCP stream, in one direction: told through the lane behind the bytes,
 * and by the socket's own FIN or reset, which arrives at any moment or, if the network
 * drops everything, never. The code: kmod/sock/end.c, op_shutdown(), op_release(),
 * recv_once() and tell_end(), op_poll().
 *
 * Not here: a reset behind a FIN, of which a receiver hears nothing, and
 * TCP_USER_TIMEOUT, which ends both directions as a reset does.
 *
 * The writer may send a byte of the socket's own first, as a turn; it then puts bytes
 * into the lane, and ends, by a FIN or by a reset. The reader either blocks in recv(),
 * or polls, asks for the socket's error and receives without waiting.
 *
 * Steps are as the processor orders them: the bits of the detour are set by locked
 * instructions, full barriers; what lane.pml says of store buffers is not said again.
 *
 * Claims: the end is seen, also if no packet arrives (no invalid end state); no byte is
 * left behind it; a reset is told, once; nothing that poll says is untrue; who is told
 * of a FIN has had what the socket carried.
 *
 * Each BROKEN_ variant takes one thing away, and the model has to fail then.
 */
#define BYTES	2

#define OWN	1	/* packets: a byte of the socket's own */
#define FIN	2
#define RST	3

chan net = [3] of { byte };
bool drops;		/* the network drops all */

/* The lane, and what the writer's end has sent over the socket. */
byte head, tail, at;	/* at: lane->end */
bool word, word_reset;	/* DOOR_DETOUR_ENDED, DOOR_DETOUR_RESET */
byte own;
bool resets;

/* The reader's socket. */
byte arrived;		/* rcv_nxt */
bool shut, err, closed;	/* RCV_SHUTDOWN, sk_err, TCP_CLOSE */
bool told;		/* graft->reset_told */
bool queued, asleep, woken;

inline wake()
{
	atomic {
		if
		:: queued -> woken = true; asleep = false
		:: else
		fi
	}
}

proctype network()
{
end:	do
	:: net ? OWN -> arrived++; wake()
	:: net ? FIN -> atomic { arrived++; shut = true }; wake()
	:: net ? RST ->
		atomic {
			if
			:: !closed -> err = true; closed = true; shut = true
			:: else	/* No such connection. */
			fi
		}
		wake()
	od
}

inline packet(p)
{
	if
	:: drops
	:: else -> net ! p
	fi
}

/* door_end_write() */
inline end_write()
{
#ifdef BROKEN_WORD_BEFORE_PLACE
	word = true;
#endif
	at = own;
#ifdef BROKEN_WORD_BEFORE_REASON
	word = true;
#endif
	word_reset = resets;
#ifndef BROKEN_PACKETS_ONLY
	word = true
#endif
}

proctype writer()
{
	byte last;

	/* What is dropped of this is lost, and what is behind it waits. */
	if
	:: !drops -> own = 1; net ! OWN
	:: true
	fi;
	if
	:: last = 0
	:: last = 1
	:: last = BYTES
	fi;
#ifdef BROKEN_END_BEFORE_BYTES
	end_write();
#endif
	do
	:: head < last -> head++; wake()
	:: else -> break
	od;
#ifdef BROKEN_WAKE_BEFORE_WORD
	wake();
#endif
	/* shutdown() sends its FIN first, close() writes first. */
	if
	:: packet((resets -> RST : FIN)); end_write()
	:: end_write(); packet((resets -> RST : FIN))
	fi;
#ifndef BROKEN_WAKE_BEFORE_WORD
	wake()
#endif
}

byte errors;		/* how often the program has been told of one */

/* door_end_has_come(): notice() on the way; and door_base_ended() */
inline has_ended(r)
{
	r = false;
	if
	:: word ->
		if
		:: word_reset ->
			atomic {
				if
				:: !told ->
					told = true;
					err = err || !closed
				:: else
				fi
			}
			r = true
		:: else ->
#ifdef BROKEN_WITHOUT_PLACE
			r = true
#else
			r = at <= arrived
#endif
		fi
	:: else
	fi;
	r = r || err || shut || closed
}

/* door_end_take_reset(): tcp_abort(), of which it may have been told */
inline take_reset()
{
	skip;
#ifndef BROKEN_RESET_COMES_AGAIN
	atomic {
		if
		:: word_reset && !closed ->
			err = !(told && !err);
			closed = true;
			shut = true
		:: else
		fi
	}
#endif
}

inline tell_error()
{
	err = false;
	errors++;
	assert(resets && errors == 1)
}

proctype reader()
{
	byte got, looks;	/* bytes of the socket's own; looks after the end */
	bool ended, over, polls, in;

	if
	:: polls = true
	:: polls = false
	fi;
	do
	:: looks == 2 -> break
	:: else ->
		in = false;
		if
		:: polls ->
			/* op_poll() */
			has_ended(in);
			take_reset();
			in = in || (arrived > got && !shut) || (got >= own && head > tail);
			/* getsockopt(SO_ERROR) */
			atomic {
				if
				:: err -> tell_error()
				:: else
				fi
			}
		:: else
		fi;
		/* recv_once() */
#ifndef BROKEN_END_AFTER_LANE
		has_ended(ended);
#endif
		if
		:: got < own && arrived > got -> got++
		:: got == own && head > tail ->
			assert(!over || resets);
			tail++
		:: else ->
#ifdef BROKEN_END_AFTER_LANE
			has_ended(ended);
#endif
			if
			:: ended ->
				/* tell_end() */
				take_reset();
				atomic {
					if
					:: err -> tell_error()
					:: else ->
						/* End of file */
						assert(!resets || errors == 1);
						assert(got == own || resets);
						assert(tail == head || got < own);
						over = true;
						looks++
					fi
				}
			:: !ended && !polls && !queued -> queued = true
			:: !ended && !polls && queued ->
				atomic {
					if
					:: woken -> woken = false
					:: else -> asleep = true
					fi
				}
				!asleep;
				woken = false
			:: !ended && polls ->
				assert(!in);
				if
				:: !queued -> queued = true
				:: else ->
					atomic {
						if
						:: woken
						:: else -> asleep = true
						fi
					}
					!asleep;
					woken = false
				fi
			fi
		fi
	od
}

init
{
	atomic {
		if
		:: drops = true
		:: drops = false
		fi;
		if
		:: resets = true
		:: resets = false
		fi;
		run network();
		run writer();
		run reader()
	}
}
