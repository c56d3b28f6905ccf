#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nginx as a server of files and as a proxy, over TCP and AF_UNIX; curl, ab; a new
# configuration and a new program in the middle of it.
# PACKAGES: nginx-light curl apache2-utils
. "$(dirname "$0")/lib.sh"
LIMIT=160

# anew PORT: the new configuration is what answers there
anew() { [ "$(curl -sS "http://127.0.0.1:$1/")" = "hello again" ]; }

answers() {
	local url old line
	big big
	echo hello >index.html
	cat >nginx.conf <<-C
		worker_processes 2; pid $PWD/pid; error_log $PWD/err;
		events { worker_connections 512; }
		http { access_log off; sendfile on; keepalive_timeout 60s;
			upstream tcp { server 127.0.0.1:8081; keepalive 8; }
			upstream unix { server unix:$PWD/sock; keepalive 8; }
			proxy_http_version 1.1; proxy_set_header Connection "";
			server { listen 8080; root $PWD; }
			server { listen 8081; listen unix:$PWD/sock; root $PWD; sendfile off; }
			server { listen 8082; location / { proxy_pass http://tcp; } }
			server { listen 8083; location / { proxy_pass http://unix; proxy_buffering off; } } }
	C
	"$(command -v nginx)" -c "$PWD/nginx.conf"
	up listens 8083
	for url in 8080 8081 8082 8083; do
		url=http://127.0.0.1:$url
		curl -sS "$url/big" | md5sum
		curl -sS -r 1000000-1100000 "$url/big" | md5sum
		curl -sS -w '%{num_connects} %{http_code}\n' "$url/" "$url/" "$url/missing" | grep -v nginx
	done
	curl -sS --unix-socket sock http://x/big | md5sum
	ab -q -k -n 200 -c 10 http://127.0.0.1:8080/ | grep -E '^(Complete|Failed|Keep-Alive) requests'
	ab -q -n 100 -c 10 http://127.0.0.1:8082/ | grep -E '^(Complete|Failed) requests'
	ab -q -n 10 -c 5 http://127.0.0.1:8083/big | grep -E '^(Complete|Failed) requests'
	# A new configuration: workers that are no longer wanted finish what they have begun.
	echo hello again >again.html
	exec 3<>/dev/tcp/127.0.0.1/8082
	printf 'GET /big HTTP/1.0\r\n\r\n' >&3
	read -r line <&3
	echo "$line"
	sed -i 's/root/index again.html; root/' nginx.conf
	kill -HUP "$(cat pid)"
	up anew 8080
	up anew 8083
	sed '1,/^\r$/d' <&3 | md5sum
	exec 3>&-
	# A new program takes over the sockets of the old one.
	old=$(cat pid)
	kill -USR2 "$old"
	up test -e pid.oldbin
	up test -s pid
	kill -QUIT "$old"
	up test ! -e pid.oldbin
	curl -sS http://127.0.0.1:8083/big | md5sum
	kill -TERM "$(cat pid)"
	up test ! -e pid
}

compare 100 "$@"
