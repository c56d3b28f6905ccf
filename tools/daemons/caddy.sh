#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Caddy, a program in Go, which makes system calls of its own: it must work as ever.
# PACKAGES: caddy curl
. "$(dirname "$0")/lib.sh"

answers() {
	local port
	big big
	export HOME=$PWD
	printf '{\nadmin off\nauto_https off\n}\n:8400 {\nroot * %s\nfile_server\n}\n:8401 {\nreverse_proxy 127.0.0.1:8400\n}\n' "$PWD" >Caddyfile
	caddy run --config Caddyfile 2>log &
	up listens 8401
	for port in 8400 8401; do
		# curl has a socketpair of its own.
		DOOR_PRELOAD_DENY='unix:*' curl -sS http://127.0.0.1:$port/big | md5sum
	done
}

compare 0 "$@"
