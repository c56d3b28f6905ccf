#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Node: http, net over AF_UNIX, a cluster that passes its listener on.
# PACKAGES: nodejs curl
. "$(dirname "$0")/lib.sh"

answers() {
	big big
	node "$top/tools/daemons/node.js"
}

compare 10 "$@"
