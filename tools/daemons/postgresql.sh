#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# PostgreSQL over TCP and AF_UNIX; psql, pgbench, also with a connection for each
# transaction, 100 MB copied both ways.
# PACKAGES: postgresql
. "$(dirname "$0")/lib.sh"
LIMIT=400

sleeps() {
	[ "$("${sql[@]}" -c "select count(*) from pg_stat_activity where wait_event = 'PgSleep'")" = 1 ]
}

answers() {
	local host sql mode
	PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
	user postgres
	chown postgres .
	if [ ! -d ../data ]; then
		install -d -o postgres ../data
		as postgres initdb -D ../data -A trust -N >/dev/null
	fi
	cp -a ../data data
	as postgres pg_ctl -D data -l log -o "-c fsync=off -c wal_level=minimal -c max_wal_senders=0 -k $PWD" -w -t $((60 * ${SLOW:-1})) start | tail -1
	big big
	for _ in {1..23}; do cat big; done >hundred
	echo "select sum(g) from generate_series(1, 100) g;" >question
	for host in "$PWD" 127.0.0.1; do
		sql=(psql -U postgres -h "$host" -At)
		"${sql[@]}" -c "select md5(string_agg(g::text, ',')) from generate_series(1, 20000) g"
		# What was made in the same transaction needs no log.
		"${sql[@]}" -c begin -c "create table t (line text)" -c "\\copy t from hundred" -c commit
		"${sql[@]}" -c "\\copy t to stdout" | md5sum
		"${sql[@]}" -c "drop table t"
		# A cancel request is a connection of its own.
		"${sql[@]}" -c "select pg_sleep(600)" 2>&1 &
		up sleeps
		kill -INT $!
		wait $! || echo "status $?"
		for mode in simple prepared; do
			pgbench -U postgres -h "$host" -n -f question -c 4 -j 2 -t 20 -M $mode postgres 2>&1 |
				grep -E 'processed|failed'
		done
		pgbench -U postgres -h "$host" -n -f question -C -c 4 -j 2 -t 20 postgres 2>&1 |
			grep -E 'processed|failed'
		pgbench -U postgres -h "$host" -i -q postgres 2>&1 | grep -c 'done in'
		pgbench -U postgres -h "$host" -c 4 -j 2 -t 20 postgres 2>&1 | grep -E 'processed|failed'
	done
	as postgres pg_ctl -D data -m fast -w stop | tail -1
}

compare 20 "$@"
