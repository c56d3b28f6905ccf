#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Listeners made by others: systemd's socket activation, inetd, supervisord.
# PACKAGES: systemd xinetd supervisor socat
. "$(dirname "$0")/lib.sh"

answers() {
	local port
	big big
	systemd-socket-activate -l 127.0.0.1:9201 python3 -c '
import socket
l = socket.socket(fileno=3)
while True:
    c, _ = l.accept()
    with c:
        c.sendall(c.recv(100)[::-1])' 2>/dev/null &
	systemd-socket-activate --inetd --accept -l 127.0.0.1:9202 sort -n 2>/dev/null &
	cat >xinetd.conf <<-C
		service sorter
		{
			type = UNLISTED
			port = 9203
			bind = 127.0.0.1
			socket_type = stream
			protocol = tcp
			wait = no
			user = root
			server = /usr/bin/sort
			server_args = -n
		}
	C
	xinetd -dontfork -f "$PWD/xinetd.conf" -pidfile "$PWD/xinetd.pid" 2>/dev/null &
	cat >supervisord.conf <<-C
		[supervisord]
		logfile = $PWD/log
		pidfile = $PWD/pid
		[unix_http_server]
		file = $PWD/control
		[supervisorctl]
		serverurl = unix://$PWD/control
		[rpcinterface:supervisor]
		supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
		[fcgi-program:echo]
		socket = tcp://127.0.0.1:9204
		command = python3 -c "import socket; l = socket.socket(fileno=0); [c.sendall(c.recv(100).upper()) for c, _ in iter(l.accept, 0)]"
	C
	/usr/bin/supervisord -n -c supervisord.conf >/dev/null 2>&1 &
	for port in 9201 9202 9203 9204; do up listens $port; done
	for _ in 1 2 3; do echo "some text" | socat -t 60 STDIO TCP:127.0.0.1:9201; done
	for port in 9202 9203; do
		for _ in 1 2; do tac big | socat -t 60 STDIO TCP:127.0.0.1:$port | md5sum; done
	done
	up supervisorctl -c supervisord.conf status echo
	echo "some text" | socat -t 60 STDIO,ignoreeof!!TCP:127.0.0.1:9204 STDIO | head -1 || true
}

compare 5 "$@"
