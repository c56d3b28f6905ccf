#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# memcached over TCP and AF_UNIX: libmemcached's tools and its test, and those of
# memcached's own checks that are about connections and commands.
# PACKAGES: memcached libmemcached-tools
# SOURCES: memcached
. "$(dirname "$0")/lib.sh"
LIMIT=600

# Left out: what needs a build of its own (TLS, proxy, extstore), and what only fills memory.
own="00-startup 64bit ascii-auth binary-get bogus-commands cas conn-limits daemonize flags
	flush-all getandtouch idle-timeout incrdecr issue_3 issue_14 issue_22 issue_29 issue_42
	issue_50 issue_61 issue_67 issue_68 issue_70 issue_104 issue_108 issue_152 issue_163
	issue_183 issue_192 item_size_max malicious-commands metaget multiversioning noreply
	quit shutdown stats stats-conns stats-detail strtol-testing touch udp watcher
	watcher_connid"
own_unix="unixsocket binary-get cas issue_22 issue_42 noreply quit stats watcher"

# outcomes LOG: how many have passed, which have not
outcomes() { echo "$(grep -c '^ok ' "$1") passed, failed:$(sed -nE 's/^not ok ([0-9]+).*/ \1/p' "$1" | tr -d '\n')"; }

# own_checks OPTION NAME...: with a server that says it has no OPTION. Of what fails
# because the machine is busy, the best of three counts.
own_checks() {
	local name status
	# They expect a build that is still in its folder, and of the kind that tests time.
	cat >memcached-debug <<-C
		#!/bin/bash
		[ "\$1" != -h ] || exec grep -v -e '$1' "$PWD/help"
		exec /usr/bin/memcached "\${@/#relaxed_privileges/no_hashexpand}"
	C
	for name in "${@:2}"; do
		[ -e "t/$name.t" ] || continue
		for _ in 1 2 3; do
			status=0
			timeout $((60 * ${SLOW:-1})) perl -It/lib "t/$name.t" >log 2>&1 || status=$?
			[ $status != 0 ] || break
			grep -v '^ok' log | tail -5 >&2
		done
		echo "$name: $(outcomes log), exit status $status"
	done
}

answers() {
	local server
	big big
	head -c 700000 big >value
	memcached -u nobody -p 11211 -l 127.0.0.1 &
	up listens 11211
	memcached -u nobody -s "$PWD/sock" -a 777 &
	up listens "$PWD/sock"
	for server in 127.0.0.1:11211 "$PWD/sock"; do
		memccp --servers="$server" value
		memccat --servers="$server" value | md5sum
		memcstat --servers="$server" | grep -E 'curr_items|total_items|cmd_[gs]et'
		memcrm --servers="$server" value
		memcexist --servers="$server" value || echo "gone: $?"
	done
	memccapable -h 127.0.0.1 -p 11211 -a 2>&1 | sort
	ends %1
	ends %2
	cp -r /usr/src/memcached/t .
	memcached -h >help
	# The first argument is how long it may take.
	cat >timedrun <<-'C'
		#!/bin/bash
		exec "${@:2}"
	C
	touch memcached-debug
	chmod +x timedrun memcached-debug
	# shellcheck disable=SC2086
	{
		own_checks unix-socket $own
		own_checks ' ^' $own_unix
	}
}

compare 40 "$@"
