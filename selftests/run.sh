#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh MODULE.ko [TEST...]    runs the selftests on this (test) machine
#
# TEST is the name of a program in build/selftests or of a script here, or a path;
# without any, all of them run. Each runs in a control group of its own, under a time
# limit, and the kernel's log is searched after each. The last line is
#   RESULT programs=N passed=N failed=N skipped=N
# and its absence means that the machine died.
#   SLOW=N   multiplies the time limits
#   LIMIT=N  is the time limit instead, in seconds
#   AGAIN=S  is how to run one test again, if not by "make check-one"
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=${here%/*}
module=$(realpath "${1:?module}")
shift
kernel=$(uname -r)
logs=$(mktemp -d)
programs=0 passed=0 failed=0 skipped=0
export DOOR_MODULE=$module

# limits_of NAME: its seconds and what it needs, from the settings
limits_of() {
	awk -v name="${1%-32}" '$1 == "default" { d = $2 } $1 == name { n = $2; need = $3 }
		END { print n ? n : d, need }' "$here/settings"
}

mark() { # writes a line into the kernel's log that later() can find
	mark="selftest $1 $RANDOM$RANDOM"
	echo "$mark" >/dev/kmsg
}

later() { # the kernel's log since the mark
	dmesg | awk -v mark="$mark" 'seen { print } index($0, mark) { seen = 1 }'
}

count() { # NAME PASSED FAILED SKIPPED SECONDS
	programs=$((programs + 1))
	passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
	echo "$1: $2 passed, $3 failed, $4 skipped ($5 s)"
}

# Where every process of a test hangs
show_stacks() {
	local pid
	while read -r pid; do
		echo "# process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		cat "/proc/$pid"/task/*/stack 2>/dev/null | sed 's/^/#   /'
	done <"$1/cgroup.procs"
}

# run_in GROUP SECONDS COMMAND...: output to stdout, status 124 when time is up
run_in() {
	local group=$1 seconds=$2 pid status=0 timer
	shift 2
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec setsid "$@" </dev/null
	) &
	pid=$!
	(
		sleep "$seconds"
		touch "$logs/late"
		show_stacks "$group"
		echo 1 >"$group/cgroup.kill"
	) &
	timer=$!
	wait $pid || status=$?
	kill $timer 2>/dev/null
	wait $timer 2>/dev/null
	[ ! -e "$logs/late" ] || status=124
	return $status
}

splats_in() { # prints the first bug in a piece of the kernel's log, if there is one
	grep -aEm1 -A60 -f <(sed /^#/d "$top/tools/vm/splats")
}

# alive: how many objects of each kind there are, by the module's own counters
alive() {
	"$top/build/bin/door" stat --json | sed 's|[{,]|\n|g' | awk -F'[":]+' '
		{ n[$2] = $3 }
		END {
			if (!("doors_created" in n && "streams_joined" in n))
				exit 1
			print n["doors_created"] - n["doors_destroyed"] " doors, " \
				n["streams_joined"] - n["streams_ended"] " streams"
		}'
}

# Freeing waits for grace periods, so an object may outlive its test by a moment.
# left_behind BEFORE: prints what is there now and was not before
left_behind() {
	local n end=$((SECONDS + 5 * ${SLOW:-1}))
	while :; do
		n=$(alive) || { echo "nobody knows: door stat fails"; return; }
		[ "$n" != "$1" ] && [ "$n" != "0 doors, 0 streams" ] || return 0
		[ $SECONDS -lt $end ] || break
		sleep 0.1
	done
	echo "$n, before: $1"
}

clean_up_group() {
	local group=$1 n
	n=$(wc -l <"$group/cgroup.procs")
	if [ "$n" -gt 0 ]; then
		echo "# $n processes were left behind"
		echo 1 >"$group/cgroup.kill"
	fi
	# The kernel lets a group go when its last process is gone.
	for n in {1..100}; do
		rmdir "$group" 2>/dev/null && break
		sleep 0.05
	done
	rm -f "$logs/late"
}

run_test() { # NAME PROGRAM
	local name=$1 log=$logs/$1 group=/sys/fs/cgroup/$1 status=0 start=$SECONDS p f s seconds need before
	read -r seconds need < <(limits_of "$name")
	if [ -n "$need" ] && [ ! -e "$need" ]; then
		echo "# SKIP $name: this kernel has no $need"
		count "$name" 0 0 1 0
		return
	fi
	seconds=${LIMIT:-$((seconds * ${SLOW:-1}))}
	mkdir -p "$group"
	before=$(alive)
	mark "$name"
	run_in "$group" "$seconds" "$2" >"$log" 2>&1 || status=$?
	clean_up_group "$group" >>"$log"
	[ $status != 124 ] || echo "# time is up ($seconds s)" >>"$log"
	read -r p f s < <("$top/tools/check/tap" STATUS=$status "$log")
	if later | splats_in >"$log.splat"; then
		f=$((f + 1))
	fi
	left_behind "$before" >"$log.left"
	if [ -s "$log.left" ]; then
		f=$((f + 1))
	fi
	if [ "$f" -gt 0 ]; then
		echo "---- $name on $kernel (exit status $status):"
		grep -avE '^(ok |#  *(RUN|OK) )' "$log" | tail -n 150
		sed 's/^/---- left behind: /' "$log.left"
		# Crashes of programs are there, too.
		echo "---- the kernel's log:"
		if [ -s "$log.splat" ]; then cat "$log.splat"; else later | tail -n 20; fi
		echo "---- only this one: ${AGAIN:-make check-one} TEST=$name KERNEL=${KERNEL:-6.12}"
		echo "---- by hand: make vm-shell KERNEL=${KERNEL:-6.12}, and there: ${2#"$top/"}"
	elif [ "$s" -gt 0 ]; then
		grep -i '# *skip' "$log"
	fi
	count "$name" "$p" "$f" "$s" $((SECONDS - start))
}

programs_in() { # "name path" of every test, or of those asked for
	local f name
	for f; do
		[[ $f != */* ]] || echo "$(basename "${f%.sh}") $f"
	done
	for f in "$top"/build/selftests/* "$here"/*.sh; do
		name=${f##*/}
		name=${name%.sh}
		[ "$name" != run ] || continue
		[ -x "$f" ] || continue
		if [ $# = 0 ] || [[ " $* " == *" $name "* ]]; then
			echo "$name $f"
		fi
	done
}

# Data races are wanted of the module's functions, not of the kernel's own.
look_for_races() {
	local kcsan=/sys/kernel/debug/kcsan function
	[ -e $kcsan ] || return 0
	echo whitelist >$kcsan
	awk '$4 == "[door]" && tolower($2) == "t" { print $3 }' /proc/kallsyms | while read -r function; do
		echo "!door:$function" >$kcsan
	done 2>/dev/null
	echo on >$kcsan
}

load() {
	mark load
	[ -d /sys/module/door ] || insmod "$module" || exit 1
	look_for_races
}

# Objects may still be on their way to the grave when the last test has ended.
unload() {
	local end=$((SECONDS + 10 * ${SLOW:-1}))
	mark unload
	until rmmod door 2>/dev/null || [ $SECONDS -ge $end ]; do
		sleep 0.1
	done
	if [ -d /sys/module/door ]; then
		echo "---- the module cannot be unloaded: $(rmmod door 2>&1)"
		count unload 0 1 0 10
	elif later | splats_in; then
		count unload 0 1 0 0
	else
		count unload 1 0 0 0
	fi
}

load
while read -r name program <&3; do
	run_test "$name" "$program"
done 3< <(programs_in "$@")
unload
echo "RESULT programs=$programs passed=$passed failed=$failed skipped=$skipped"
[ $failed = 0 ] && [ $programs -gt 1 ]
