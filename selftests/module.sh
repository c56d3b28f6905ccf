#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Loading, unloading, and being in use. run.sh says where the module is.
here=$(cd "$(dirname "$0")" && pwd)
module=${DOOR_MODULE:?}
n=0

t() { # WHAT COMMAND...: one test
	local what=$1 verdict=ok
	shift
	"$@" || verdict="not ok"
	n=$((n + 1))
	echo "$verdict $n $what"
}

loaded() { [ -d /sys/module/door ] && [ -c /dev/door ]; }
absent() { [ ! -d /sys/module/door ] && [ ! -e /dev/door ]; }
mode_is_0666() { [ "$(stat -c %a /dev/door)" = 666 ]; }
version_is_the_projects() {
	grep -qx "PACKAGE_VERSION=\"$(cat /sys/module/door/version)\"" "$here/../dkms.conf"
}
cannot_load_twice() { ! insmod "$module" 2>/dev/null && loaded; }
kept_by_an_open_file() {
	exec 3</dev/door
	! rmmod door 2>/dev/null && loaded
}
leaves_when_closed() {
	exec 3<&-
	rmmod door && absent
}
opening_fails_while_absent() { ! (exec 3</dev/door) 2>/dev/null; }
comes_and_goes() {
	for _ in {1..20}; do
		insmod "$module" && loaded && rmmod door && absent || return 1
	done
}
comes_back() { insmod "$module" && loaded; }

echo 1..9
t "loaded, with its device" loaded
t "the device is for everyone" mode_is_0666
t "one version everywhere" version_is_the_projects
t "it cannot be loaded twice" cannot_load_twice
t "an open file keeps it" kept_by_an_open_file
t "it leaves when the file is closed" leaves_when_closed
t "no device, no door" opening_fails_while_absent
t "20 times in and out" comes_and_goes
t "it comes back" comes_back
