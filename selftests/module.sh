#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Loading, unloading, and being in use. run.sh says where the module is.
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../build
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
# fails STATUS COMMAND...: prints nothing but one line about why
fails() {
	local want=$1 got=0 out err=/tmp/module.err
	shift
	out=$("$@" 2>$err) || got=$?
	[ "$got" = "$want" ] && [ -z "$out" ] && [ "$(wc -l <$err)" = 1 ] && return
	echo "# $*: status $got, says: $out $(cat $err)"
	return 1
}
tool_says_so() { fails 3 "$build/bin/door" ls && fails 3 "$build/bin/door" stat; }
# What README.md shows, too
programs_say_so() {
	awk '/^```c$/ { code = 1; next } /^```$/ { code = 0 } code' "$here/../README.md" >/tmp/twice.c
	cc -o /tmp/twice /tmp/twice.c -I"$here/../include" -I"$here/../include/uapi" -L"$build/lib" \
		-Wl,-rpath,"$build/lib" -ldoor && fails 1 /tmp/twice && fails 1 "$build/examples/pool" &&
		fails 1 "$build/examples/hello_server" /tmp/hello && fails 1 "$build/examples/kv_server" /tmp/kv &&
		fails 1 "$build/examples/last_one_out" /tmp/last && fails 1 "$build/examples/bind_helper" /tmp/bind 0
}
opening_fails_while_absent() { ! (exec 3</dev/door) 2>/dev/null; }
comes_and_goes() {
	for _ in {1..20}; do
		insmod "$module" && loaded && rmmod door && absent || return 1
	done
}
# As soon as may be after a pair was joined; the timer that looks after it has 2 s.
leaves_no_timer() {
	"$build/selftests/sock_pair" -t joined >/dev/null || return 1
	for _ in {1..100}; do
		rmmod door 2>/dev/null && break
		sleep 0.1
	done
	absent && sleep 3 && comes_back
}
comes_back() { insmod "$module" && loaded; }

echo 1..12
t "loaded, with its device" loaded
t "the device is for everyone" mode_is_0666
t "one version everywhere" version_is_the_projects
t "it cannot be loaded twice" cannot_load_twice
t "an open file keeps it" kept_by_an_open_file
t "it leaves when the file is closed" leaves_when_closed
t "no device, no door" opening_fails_while_absent
t "the tool says so" tool_says_so
t "and so do programs" programs_say_so
t "20 times in and out" comes_and_goes
t "it comes back" comes_back
t "no timer of its stays behind" leaves_no_timer
