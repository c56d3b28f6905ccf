#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# socat: bytes through TCP, AF_UNIX and abstract names, programs behind sockets.
# PACKAGES: socat
. "$(dirname "$0")/lib.sh"

# through NAME LISTENER CONNECTOR: a file there and back, the connection half closed
through() {
	socat -t 60 "$2" SYSTEM:"md5sum; cat big" &
	up listens "$1"
	socat -t 60 STDIO "$3" <big | md5sum
	wait $!
}

answers() {
	big big
	through 9001 TCP-LISTEN:9001,reuseaddr TCP:127.0.0.1:9001
	through 9002 TCP6-LISTEN:9002,reuseaddr "TCP6:[::1]:9002"
	through "$PWD/sock" "UNIX-LISTEN:$PWD/sock" "UNIX-CONNECT:$PWD/sock"
	through @name ABSTRACT-LISTEN:name ABSTRACT-CONNECT:name
	# The program has the socket itself as its input and output.
	socat TCP-LISTEN:9003,reuseaddr,fork EXEC:"sort -n",nofork &
	up listens 9003
	for _ in 1 2 3; do
		seq 5000 -1 1 | socat -t 60 STDIO TCP:127.0.0.1:9003 | md5sum
	done
	socat TCP-LISTEN:9004,reuseaddr,fork TCP:127.0.0.1:9003 &
	up listens 9004
	seq 5000 -1 1 | socat -t 60 STDIO TCP:127.0.0.1:9004 | md5sum
}

compare 10 "$@"
