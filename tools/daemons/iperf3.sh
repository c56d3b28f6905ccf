#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# iperf3: many streams in both directions, a fixed number of bytes.
# PACKAGES: iperf3
. "$(dirname "$0")/lib.sh"

answers() {
	local options
	iperf3 -s -B 127.0.0.1 >/dev/null &
	up listens 5201
	for options in "" "-R" "-P 4" "-Z" "-R -l 1000"; do
		# shellcheck disable=SC2086
		iperf3 -c 127.0.0.1 -n 20M $options -J | python3 -c '
import json, sys
end = json.load(sys.stdin)["end"]
print(end["sum_sent"]["bytes"] >= 20 << 20, len(end["streams"]))'
	done
}

compare 13 "$@"
