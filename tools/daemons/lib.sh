# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A script of this folder runs a real program and its clients. It names its Debian
# packages ("# PACKAGES: ..."), has a function answers() and ends with
#
#   compare LEAST "$@"
#
# answers() is run twice in a folder of its own, plain and under "door run"; what it
# prints must be the same, its exit status 0. It must stop at the first error (set -e
# is on) and need not stop what it starts, unless it wants to show how that ends.
# At least LEAST pairs of sockets must have been joined in the second run, none in the
# first, and no stream may be left when the processes are gone. The verdicts are TAP, for
# selftests/run.sh.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
self=$(realpath "$0")
door=$top/build/bin/door
here=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C.UTF-8

# The unpacked packages, over this (test) machine's own files.
lay_over() {
	local d
	[ -n "${DAEMONS:-}" ] && [ ! -d /run/daemons ] || return 0
	for d in "$DAEMONS"/*; do
		d=${d##*/}
		mkdir -p "/run/daemons/$d.up" "/run/daemons/$d.work" "/$d"
		mount -t overlay overlay -o "lowerdir=$DAEMONS/$d:/$d,upperdir=/run/daemons/$d.up,workdir=/run/daemons/$d.work" "/$d"
	done
}

# user NAME [SHELL]: as the package's own script would have made it
user() {
	id "$1" >/dev/null 2>&1 && return
	echo "$1:x:$((700 + RANDOM % 99)):65534::/:${2:-/usr/sbin/nologin}" >>/etc/passwd
}

# as USER COMMAND...
as() { setpriv --reuid "$1" --regid "$(id -g "$1")" --clear-groups -- "${@:2}"; }

# up COMMAND...: waits until it succeeds
up() {
	local end=$((SECONDS + 60 * ${SLOW:-1}))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "not up in time: $*" >&2; return 1; }
		sleep 0.1
	done
}

# listens PORT | PATH | @NAME: something listens there
listens() {
	case $1 in
	[/@]*) awk -v name="$1" '$8 == name && $4 == "00010000" { n++ } END { exit !n }' /proc/net/unix ;;
	*) cat /proc/net/tcp /proc/net/tcp6 | awk -v port=":$(printf %04X "$1")" \
		'$4 == "0A" && substr($2, length($2) - 4) == port { n++ } END { exit !n }' ;;
	esac
}

# ends PID [SIGNAL]: stops a process of ours and prints its exit status
ends() {
	local status=0
	kill -s "${2:-TERM}" "$1"
	wait "$1" || status=$?
	echo "exit status $status"
}

# big NAME: a file to move about, of a size that no buffer holds; the same each time
big() { [ -e "$1" ] || seq -f '%.0f some text that makes it longer' 120000 >"$1"; }

counter() { "$door" stat --json | grep -oE "\"$1\":[0-9]+" | cut -d: -f2; }
alive() { [ "$(counter streams_joined)" != "$(counter streams_ended)" ]; }

# hangs GROUP: where its processes are
hangs() {
	local pid
	while read -r pid; do
		echo "$pid $(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-60): $(sed 's/^[^ ]* //' "/proc/$pid/stack" | head -4 | tr '\n' ' ')"
	done <"$1/cgroup.procs"
}

# words MODE: says how far it has come, whenever it has: whoever hangs says nothing
words() {
	local lines said=0
	while sleep 5; do
		lines=$(wc -l <"$work/$1.out")
		[ "$lines" = "$said" ] || echo "# $1: $lines lines"
		said=$lines
	done
}

# run MODE COMMAND...: answers() in a control group; MODE.out, and the pairs it joined
run() {
	local mode=$1 before status=0 end words
	shift
	before=$(counter streams_joined)
	mkdir -p "$work/$mode" "$here/$mode"
	chmod 755 "$work"
	chmod 1777 "$work/$mode"
	: >"$work/$mode.out"
	words "$mode" &
	words=$!
	(
		echo "$BASHPID" >"$here/$mode/cgroup.procs"
		cd "$work/$mode"
		exec timeout $((${LIMIT:-80} * ${SLOW:-1})) "$@" "$self" answers
	) >"$work/$mode.out" 2>"$work/$mode.err" </dev/null || status=$?
	kill "$words"
	wait "$words" 2>/dev/null || true
	[ $status != 124 ] || hangs "$here/$mode" >>"$work/$mode.err"
	echo 1 >"$here/$mode/cgroup.kill"
	end=$((SECONDS + 10 * ${SLOW:-1}))
	until rmdir "$here/$mode" 2>/dev/null; do sleep 0.05; done
	while alive && [ $SECONDS -lt $end ]; do sleep 0.05; done
	echo "exit status $status" >>"$work/$mode.out"
	joined=$(($(counter streams_joined) - before))
	left=$(alive && echo yes || echo no)
}

tests=0
result() { # OK TEXT
	tests=$((tests + 1))
	if [ "$1" = yes ]; then echo "ok $tests - $2"; else echo "not ok $tests - $2"; fi
}

is() { if "$@"; then echo yes; else echo no; fi; }

show() { # what a run printed
	sed 's/^/# /' "$work/$1.out" | tail -40
	sed "s/^/# $1: /" "$work/$1.err" | tail -20
}

# compare LEAST [ARGUMENTS]: LEAST pairs of sockets have to be joined, 0 for none at all
compare() {
	local least=$1 verdict
	if [ "${2:-}" = answers ]; then
		answers
		exit
	fi
	lay_over
	work=$(mktemp -d)
	run plain env
	result "$(is grep -qx "exit status 0" <(tail -1 "$work/plain.out"))" "without doors"
	result "$(is [ "$joined" = 0 ])" "no doors without \"door run\" ($joined)"
	run doors "$door" run -q
	verdict=$(is cmp -s "$work/plain.out" "$work/doors.out")
	result "$verdict" "the same answers over doors ($(wc -l <"$work/doors.out") lines)"
	if [ "$least" = 0 ]; then
		result "$(is [ "$joined" = 0 ])" "runs without doors ($joined)"
	else
		result "$(is [ "$joined" -ge "$least" ])" "sockets were joined ($joined pairs)"
	fi
	result "$(is [ "$left" = no ])" "no stream is left"
	if [ "$verdict" = no ] || ! grep -qx "exit status 0" <(tail -1 "$work/plain.out"); then
		show plain
		diff "$work/plain.out" "$work/doors.out" | sed 's/^/# /' | head -40 || true
		sed 's/^/# doors: /' "$work/doors.err" | tail -40
	fi
	rm -rf "$work"
	echo "1..$tests"
}
