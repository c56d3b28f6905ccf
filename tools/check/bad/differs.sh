#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A program that answers otherwise over doors
. "$(dirname "$0")/../../daemons/lib.sh"

answers() {
	echo "so far the same"
	echo "${LD_PRELOAD:+not} the same"
}

compare 0 "$@"
