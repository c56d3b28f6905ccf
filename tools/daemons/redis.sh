#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# redis over TCP and AF_UNIX: its tools, and those of its own checks that are about
# connections, one by one.
# PACKAGES: redis-server redis-tools tcl
# SOURCES: redis
. "$(dirname "$0")/lib.sh"
LIMIT=1500

units="unit/protocol unit/auth unit/quit unit/pubsub unit/pubsubshard unit/networking
	unit/querybuf unit/pendingquerybuf unit/multi unit/introspection unit/limits
	unit/obuf-limits unit/wait unit/pause unit/tracking unit/client-eviction
	unit/replybufsize unit/shutdown unit/cluster/links integration/block-repl
	integration/replication-2 integration/redis-cli integration/redis-benchmark
	integration/failover integration/shutdown"

# outcomes LOG: each test's name and how it ended
outcomes() {
	sed -e 's/\x1b\[[0-9;]*m//g' "$1" | sed -nE -e 's/ \([0-9]+ ms\)$//' -e '/^\[(ok|err|exception|ignore|skip)\]/p'
}

# Of what fails because the machine is busy, the best of three counts.
own_checks() {
	local unit
	mkdir src
	ln -s /usr/bin/redis-* src
	cp -r /usr/src/redis/tests /usr/src/redis/runtest .
	for unit in $units; do
		[ -e "tests/$unit.tcl" ] || continue
		for _ in 1 2 3; do
			./runtest --clients 1 --single "$unit" >log 2>&1 && break
			outcomes log | grep -v '^\[ok' >&2 || tail -5 log >&2
		done
		outcomes log | sed "s|^|$unit: |"
	done
}

answers() {
	local to
	big big
	redis-server --bind 127.0.0.1 --port 6399 --unixsocket "$PWD/sock" --save '' >/dev/null &
	up listens 6399
	up listens "$PWD/sock"
	for to in "-h 127.0.0.1 -p 6399" "-s $PWD/sock"; do
		# shellcheck disable=SC2086,SC2094 # the second big is a key
		{
			redis-cli $to -x set big <big
			redis-cli $to get big | md5sum
			for i in $(seq 1000); do echo "rpush list $i"; done | redis-cli $to --pipe | tail -1
			redis-cli $to lrange list 0 -1 | md5sum
			redis-benchmark $to -q -n 2000 -P 4 -c 20 -t set,get,lpush | wc -l
			redis-cli $to flushall
		}
	done
	ends %1
	own_checks
}

compare 200 "$@"
