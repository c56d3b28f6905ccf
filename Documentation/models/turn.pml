/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which bytes go over the socket and which through the lane, and how the reader
 * finds their order: the join with early data, the change to the lane by
 * position, and messages that go over the socket later. The code:
 * kmod/sock/turn.c, base.c; send_some(), recv_some().
 *
 * Memory is sequentially consistent: writer and reader only ever pass things on
 * here (store-release, load-acquire, locks), which no machine reorders; what
 * does need a full barrier is in lane.pml. The socket takes its time: bytes that
 * have been sent arrive later, as TCP's may; AF_UNIX is the case in which they
 * do so at once. Positions in both count from 0.
 *
 * Claims: each byte arrives, in order, once; nobody is left waiting (no invalid
 * end state); no circle without a byte moved (progress).
 *
 * Each BROKEN_ variant takes one thing away, and the model has to fail then.
 */
#ifdef SMALL
#define TOTAL	4
#else
#define TOTAL	5
#endif
#define NONE	255
#define MOST	3	/* most bytes that the reader asks for */

byte base[TOTAL], lane[TOTAL];
byte sent, arrived, copied;	/* write_seq, rcv_nxt, copied_seq */
byte head, tail;
byte news;			/* wake-ups of the reader */

/* The turns in the order of their birth; [0] is the one a lane is born with. */
byte turns = 1, first;
byte at[TOTAL + 1], base_end[TOTAL + 1];
bool closed[TOTAL + 1];
byte turn_at;

/* g->stream of the two ends. The accepted socket cannot be used before both. */
bool accepted_joined, client_joined;
bool client_writes;
#define WRITER_JOINED	(client_writes -> client_joined : accepted_joined)
#define READER_JOINED	(client_writes -> accepted_joined : client_joined)

proctype accept()
{
	accepted_joined = true;
	client_joined = true
}

proctype network()
{
end:	do
	:: atomic { arrived < sent -> arrived++; news++ }
	od
}

inline send_base()
{
	atomic { base[sent] = i + 1; sent++ }
}

/* door_turn_open(), under lane->lock */
inline open_turn()
{
	atomic {
		at[turns] = head;
		if
		:: first == turns -> turn_at = head
		:: else
		fi;
		turns++
	};
	is_open = true
}

proctype writer()
{
	byte i;
	bool is_open = true, joined;

	client_writes || client_joined;
	do
	:: i == TOTAL -> break
	:: else ->
		joined = WRITER_JOINED;
		if
		:: !joined -> send_base()
		:: joined ->	/* exotic: a turn */
#ifdef BROKEN_OPEN_LATE
			send_base();
#endif
			if
			:: !is_open -> open_turn()
			:: else
			fi;
#ifndef BROKEN_OPEN_LATE
			send_base()
#else
			skip
#endif
		:: joined ->	/* send_lane() */
			if
			:: is_open ->
				is_open = false;
#ifndef BROKEN_CLOSED_BEFORE_END
				base_end[turns - 1] = sent;
				closed[turns - 1] = true
#else
				closed[turns - 1] = true;
				base_end[turns - 1] = sent
#endif
			:: else
			fi;
			lane[head] = i + 1;
			atomic { head++; news++ }
		fi;
progress_put:	i++
	od
}

/* door_base_turn(): sets turn to NONE or to the one the reader stands at. */
inline current_turn()
{
	do
	:: turn_at != tail -> turn = NONE; break
	:: turn_at == tail ->
		turn = first;
		if
		:: !closed[turn] -> break
#ifndef BROKEN_POP_WHEN_CLOSED
		:: closed[turn] && base_end[turn] > copied -> break
		:: closed[turn] && base_end[turn] <= copied ->
#else
		:: closed[turn] ->
#endif
			atomic {	/* lane->lock */
				first++;
				if
				:: first < turns -> turn_at = at[first]
				:: else -> turn_at = NONE
				fi
			}
		fi
	od
}

inline expect(x)
{
	assert(x == got + 1);
	got++
}

/* The base operation: what has arrived, up to n bytes. */
inline recv_base(n)
{
	k = n;
	do
	:: k && copied < arrived ->
		atomic { expect(base[copied]); copied++; k-- }
	:: else -> break
	od;
	k = 0
}

/* door_base_recv_turn(): the snapshot, then the looks. */
inline recv_turn()
{
#ifndef BROKEN_SNAPSHOT_LATE
	limit = arrived - copied;
#endif
	if
	:: READER_JOINED -> current_turn()
	:: else -> turn = NONE - 1
	fi;
	if
	:: turn < NONE - 1 && closed[turn] -> limit = base_end[turn] - copied
	:: else ->
#ifdef BROKEN_SNAPSHOT_LATE
		limit = arrived - copied
#else
		skip
#endif
	fi;
	if
	:: turn == NONE || !limit
	:: else ->
		if
		:: limit < want -> recv_base(limit)
		:: else -> recv_base(want)
		fi
	fi;
	limit = 0
}

/* door_lane_take() */
inline take()
{
	end_at = head;
#ifndef BROKEN_TAKE_PAST_TURN
	if
	:: turn_at < end_at -> end_at = turn_at
	:: else
	fi;
#endif
	k = want;
	do
	:: k && tail < end_at ->
		expect(lane[tail]);
		tail++;
		k--
	:: else -> break
	od;
	k = 0;
	end_at = 0
}

proctype reader()
{
	byte got, had, seen, turn, limit, want, k, end_at;

	!client_writes || client_joined;
	do
	:: got == TOTAL -> break
	:: else ->
		seen = news;
		had = got;
		want = 1;
		do
		:: want < MOST -> want++
		:: break
		od;
		/* recv_some() */
		if
		:: !READER_JOINED -> recv_turn()
		:: else ->
			current_turn();
			if
			:: turn != NONE -> recv_turn()
			:: else
			fi;
			if
			:: got == had && turn == NONE -> take()
			:: else
			fi
		fi;
		turn = 0;
		if
		:: got > had ->
progress_take:		skip
		:: else -> seen != news	/* asleep */
		fi
	od
}

init
{
	atomic {
		if
		:: client_writes = true
		:: client_writes = false
		fi;
		run network();
		run accept();
		run writer();
		run reader()
	}
}
