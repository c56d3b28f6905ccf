#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Python: http.server, asyncio, multiprocessing with descriptors, a listener handed down.
# PACKAGES: python3 curl
. "$(dirname "$0")/lib.sh"

answers() {
	big big
	python3 -m http.server -b 127.0.0.1 8000 >/dev/null 2>&1 &
	up listens 8000
	curl -sS http://127.0.0.1:8000/big | md5sum
	curl -sS -o /dev/null -w '%{http_code}\n' http://127.0.0.1:8000/missing
	python3 "$top/tools/daemons/python.py"
}

compare 10 "$@"
