#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# OpenBSD's nc on both ends, over TCP and AF_UNIX, with descriptors passed on.
# PACKAGES: netcat-openbsd
. "$(dirname "$0")/lib.sh"

answers() {
	local nc=nc.openbsd
	big big
	$nc -N -l 127.0.0.1 9100 <big >got &
	up listens 9100
	tac big | $nc -N 127.0.0.1 9100 | md5sum
	wait %1
	md5sum <got
	$nc -N -U -l "$PWD/sock" <big >got &
	up listens "$PWD/sock"
	tac big | $nc -N -U "$PWD/sock" | md5sum
	wait $!
	md5sum <got
	$nc -z -v 127.0.0.1 9100 2>&1 || echo "refused: $?"
}

compare 2 "$@"
