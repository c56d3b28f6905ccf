#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Programs that open connections by a name that is no file: bash's /dev/tcp, gawk's
# /inet, as clients of each other and of socat.
# PACKAGES: bash gawk socat
. "$(dirname "$0")/lib.sh"

answers() {
	big big
	socat -t 60 TCP-LISTEN:7001,bind=127.0.0.1,reuseaddr,fork EXEC:cat &
	up listens 7001
	# Both ways on one descriptor, and the end told by closing it for writing.
	exec 3<>/dev/tcp/127.0.0.1/7001
	echo "hello from bash" >&3
	exec 3>&-
	bash -c 'exec 3<>/dev/tcp/127.0.0.1/7001; cat big >&3 & timeout 60 head -c $(stat -c %s big) <&3' | md5sum
	gawk 'BEGIN {
		s = "/inet/tcp/0/127.0.0.1/7001"
		for (i = 0; i < 50; i++)
			print "line " i " from gawk" |& s
		close(s, "to")
		while ((s |& getline line) > 0)
			print line
		close(s)
	}'
	# gawk as the server.
	gawk 'BEGIN {
		s = "/inet/tcp/7002/0/0"
		while ((s |& getline line) > 0 && line != "bye")
			print "you said: " line |& s
		close(s)
	}' &
	up listens 7002
	bash -c 'exec 3<>/dev/tcp/127.0.0.1/7002
		for i in 1 2 3; do echo "$i" >&3; read -r line <&3; echo "$line"; done; echo bye >&3'
	wait $!
}

compare 3 "$@"
