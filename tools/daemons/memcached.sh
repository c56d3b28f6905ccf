#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# memcached over TCP and AF_UNIX; libmemcached's tools.
# PACKAGES: memcached libmemcached-tools
. "$(dirname "$0")/lib.sh"

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
}

compare 8 "$@"
