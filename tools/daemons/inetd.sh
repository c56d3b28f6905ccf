#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Programs whose input and output are a connection, or a listener with somebody
# waiting: the inetds of OpenBSD and of GNU, with what they answer themselves, and
# tcpserver. xinetd is in activation.sh.
# PACKAGES: openbsd-inetd
# PACKAGES: inetutils-inetd
# PACKAGES: ucspi-tcp socat netbase
. "$(dirname "$0")/lib.sh"

# clients NAME: of a sort and a cat for each connection, and of one that takes its own
clients() {
	for _ in 1 2; do
		tac big | socat -t 60 STDIO TCP:127.0.0.1:9301 | md5sum
		socat -t 60 STDIO TCP:127.0.0.1:9302 <big | md5sum
		echo "some text for $1" | socat -t 60 STDIO TCP:127.0.0.1:9303
	done
}

# internal: what an inetd answers itself, with a process or without
internal() {
	socat -t 60 STDIO TCP:127.0.0.1:echo <big | md5sum
	socat -t 60 STDIO TCP:127.0.0.1:discard <big | md5sum
	exec 3<>/dev/tcp/127.0.0.1/chargen
	head -c 74000 <&3 | md5sum
	exec 3>&-
}

answers() {
	local name port
	big big
	cat >waiter <<-'C'
		#!/usr/bin/python3
		import socket
		c, _ = socket.socket(fileno=0).accept()
		c.sendall(c.recv(100).upper())
	C
	chmod 755 waiter
	cat >inetd.conf <<-C
		127.0.0.1:9301 stream tcp nowait root /usr/bin/sort sort -n
		127.0.0.1:9302 stream tcp nowait root /usr/bin/cat cat
		127.0.0.1:9303 stream tcp wait root $PWD/waiter waiter
		127.0.0.1:echo stream tcp nowait root internal
		127.0.0.1:discard stream tcp nowait root internal
		127.0.0.1:chargen stream tcp nowait root internal
	C
	for name in "inetd -i" "inetutils-inetd -d -p"; do
		# shellcheck disable=SC2086
		$name "$PWD/inetd.conf" &
		for port in 9301 9302 9303 7 9 19; do up listens $port; done
		clients "$name"
		internal
		kill $!
		wait $! || echo "status $?"
	done
	tcpserver -H -R -l 0 127.0.0.1 9301 sort -n &
	tcpserver -H -R -l 0 127.0.0.1 9302 cat &
	tcpserver -H -R -l 0 127.0.0.1 9303 tr a-z A-Z &
	for port in 9301 9302 9303; do up listens $port; done
	clients tcpserver
}

compare 24 "$@"
