#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lighttpd, with requests passed on to gunicorn over AF_UNIX; curl, ab.
# PACKAGES: lighttpd gunicorn curl apache2-utils
. "$(dirname "$0")/lib.sh"

answers() {
	big big
	cat >app.py <<-P
		def app(environ, start):
		    n = len(environ["wsgi.input"].read())
		    start("200 OK", [("Content-Type", "text/plain")])
		    return [b"%s %d " % (environ["PATH_INFO"].encode(), n), b"x" * 300000]
	P
	cat >lighttpd.conf <<-C
		server.modules = ("mod_proxy")
		server.document-root = "$PWD"
		server.port = 8100
		server.bind = "127.0.0.1"
		\$HTTP["url"] =~ "^/app/" { proxy.server = ("" => (("host" => "$PWD/gunicorn.sock"))) }
	C
	gunicorn -w 2 -b "unix:$PWD/gunicorn.sock" --log-level warning app:app &
	lighttpd -D -f lighttpd.conf &
	up listens "$PWD/gunicorn.sock"
	up listens 8100
	curl -sS http://127.0.0.1:8100/big | md5sum
	curl -sS http://127.0.0.1:8100/app/get | md5sum
	curl -sS --data-binary @big http://127.0.0.1:8100/app/post | md5sum
	ab -q -k -n 100 -c 10 http://127.0.0.1:8100/lighttpd.conf | grep -E '^(Complete|Failed) requests'
	ab -q -n 20 -c 5 http://127.0.0.1:8100/app/ab | grep -E '^(Complete|Failed) requests'
	ends %2
	ends %1
}

compare 30 "$@"
