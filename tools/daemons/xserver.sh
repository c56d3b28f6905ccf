#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An X server and clients over AF_UNIX, with pictures in shared memory.
# PACKAGES: xvfb x11-utils x11-apps
. "$(dirname "$0")/lib.sh"

answers() {
	Xvfb :7 -screen 0 640x480x24 -nolisten tcp -noreset 2>/dev/null &
	up listens /tmp/.X11-unix/X7
	export DISPLAY=:7
	xdpyinfo | grep -v 'resource\|base' | md5sum
	xwininfo -root | grep -E 'Width|Height|Depth'
	xwd -root | md5sum
	x11perf -repeat 1 -time 1 -noop -rect10 -shmput100 2>&1 | grep -c 'trep\|reps' || true
	ends %1
}

compare 3 "$@"
