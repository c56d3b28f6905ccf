#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# TLS: openssl's server, stunnel at both ends of a connection; curl.
# PACKAGES: openssl stunnel4 curl python3
. "$(dirname "$0")/lib.sh"

answers() {
	big big
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert -days 30 -subj /CN=localhost 2>/dev/null
	cat key cert >pem
	openssl s_server -accept 127.0.0.1:4433 -cert cert -key key -quiet -WWW &
	up listens 4433
	for _ in 1 2 3; do
		curl -sS --cacert cert --resolve localhost:4433:127.0.0.1 https://localhost:4433/big | md5sum
	done
	cat >stunnel.conf <<-C
		foreground = yes
		debug = err
		[server]
		accept = 127.0.0.1:4441
		connect = $PWD/sock
		cert = $PWD/pem
		[client]
		client = yes
		accept = 127.0.0.1:4442
		connect = 127.0.0.1:4441
	C
	python3 -c '
import http.server, socketserver, sys
class Server(socketserver.ThreadingUnixStreamServer):
    def get_request(self):
        return self.socket.accept()[0], ("unix", 0)
Server(sys.argv[1], http.server.SimpleHTTPRequestHandler).serve_forever()' "$PWD/sock" 2>/dev/null &
	stunnel4 stunnel.conf 2>log &
	up listens 4442
	up listens "$PWD/sock"
	for _ in 1 2 3; do curl -sS http://127.0.0.1:4442/big | md5sum; done
}

compare 9 "$@"
