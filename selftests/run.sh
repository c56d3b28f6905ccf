#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh MODULE.ko [TEST...]    runs the selftests on this (test) machine
#
# TEST is the name of a program in build/selftests or of a script here, or a path;
# NAME:CASE is one test of a program. Without any, all of them run. Each program runs in a
# control group of its own, under a time limit, and the kernel's log is searched after
# each. The last line is
#   RESULT programs=N passed=N failed=N skipped=N
# and its absence means that the machine died.
#   SLOW=N      multiplies the time limits
#   LIMIT=N     is the time limit instead, in seconds
#   USUAL=N     how slow the machine is, if that is known
#   HASTE=1     all ends with the first failure
#   ENOUGH=N    no test begins after so many seconds: those left out are skipped
#   CRASHES=DIR is where the cores of what crashed in a test that failed are kept
#   AGAIN=S     is how to run one test again, if not by "make check-one"
#
# Time limits are for what hangs. They count from the last thing that a program said,
# are longer on a machine that shows at the start that it is slow, and longer still if
# it has become slower when one is over. The programs see that in SLOW.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=${here%/*}
module=$(realpath "${1:?module}")
shift
kernel=$(uname -r)
logs=$(mktemp -d)
programs=0 passed=0 failed=0 skipped=0 left=''
export DOOR_MODULE=$module SLOW=${SLOW:-1}
haste=${HASTE:-}

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

# slowness: how much slower than an idle, emulated CPU of some years ago this machine
# is now, by a loop and by messages between two processes; from 1 to 6.
slowness() {
	local i from=${EPOCHREALTIME/./} mid loop turns
	for ((i = 0; i < 4000; i++)); do :; done
	mid=${EPOCHREALTIME/./}
	coproc cat
	for ((i = 0; i < 100; i++)); do
		echo >&"${COPROC[1]}"
		read -r -u "${COPROC[0]}"
	done
	loop=$(((mid - from) / 150000)) turns=$(((${EPOCHREALTIME/./} - mid) / 100000))
	kill "$COPROC_PID"
	i=$((loop > turns ? loop : turns))
	echo $((i < 1 ? 1 : i > 6 ? 6 : i))
}

# guard GROUP LOG SECONDS: ends what has said nothing for so long, or goes on for ten
# times as long whatever it says
guard() {
	local size=-1 now began=$SECONDS heard=$SECONDS limit=$3 longer
	while :; do
		sleep 1
		now=$(stat -c %s "$2")
		[ "$now" = "$size" ] || { size=$now heard=$SECONDS; }
		if [ -n "$haste" ] && { grep -aq '^not ok ' "$2" || later | splats_in >/dev/null; }; then
			echo 1 >"$1/cgroup.kill"
			return
		fi
		[ $((SECONDS - heard)) -ge "$limit" ] || [ $((SECONDS - began)) -ge $((10 * limit)) ] || continue
		longer=$((LIMIT ? 0 : $3 * $(slowness) / usual))
		[ $longer -gt "$limit" ] || break
		limit=$longer
	done
	echo "$limit" >"$logs/late"
	show_stacks "$1" >>"$2"
	echo 1 >"$1/cgroup.kill"
}

# run_in GROUP SECONDS LOG COMMAND...: output to LOG, status 124 when time is up
run_in() {
	local group=$1 seconds=$2 log=$3 pid status=0 guard
	shift 3
	: >"$log"
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		ulimit -S -c 131072
		# In haste, each result is to be seen at once.
		exec setsid ${haste:+stdbuf -oL} "$@" </dev/null
	) >>"$log" 2>&1 &
	pid=$!
	guard "$group" "$log" "$seconds" &
	guard=$!
	wait $pid || status=$?
	kill $guard 2>/dev/null
	wait $guard 2>/dev/null
	[ ! -e "$logs/late" ] || status=124
	return $status
}

# Freed memory that somebody has written to is noticed when it is given out again, in
# another test or never. A kernel that fills it with a pattern can look at once.
look_at_freed_memory() {
	local cache
	for cache in /sys/kernel/slab/kmalloc-*; do
		[ "$(cat "$cache/poison" 2>/dev/null)" = 1 ] || continue
		echo 1 >"$cache/validate"
	done
}

splats_in() { # prints the first bug in a piece of the kernel's log, if there is one
	grep -aEm1 -A200 -f <(sed /^#/d "$top/tools/vm/splats")
}

# alive: how many objects of each kind there are, by the module's own counters, and what
# users are charged for, as far as it is not 0
alive() {
	"$top/build/bin/door" stat --json | sed 's|[{,]|\n|g' | awk -F'[":}]+' '
		function is(what, n) { if (n != 0) said = said (said ? ", " : "") n " " what }
		{ n[$2] = $3 }
		$2 == "held" { held = 1 }
		held && $3 != "" { is($2, $3) }
		END {
			if (!("doors_created" in n && "streams_joined" in n && "objects" in n))
				exit 1
			is("doors", n["doors_created"] - n["doors_destroyed"])
			is("streams", n["streams_joined"] - n["streams_ended"])
			print said ? said : "nothing"
		}'
}

# Freeing waits for grace periods, so an object may outlive its test by a moment.
# left_behind BEFORE: prints what is there now and was not before
left_behind() {
	local n end=$((SECONDS + (haste ? 5 : 20) * SLOW))
	while :; do
		n=$(alive) || { echo "nobody knows: door stat fails"; return; }
		[ "$n" != "$1" ] && [ "$n" != nothing ] || return 0
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
	for n in {1..1200}; do
		rmdir "$group" 2>/dev/null && break
		sleep 0.05
	done
}

# What the test's processes died of: the kernel writes a record of each that ended.
deaths() {
	perl -e 'binmode STDIN; while (read STDIN, $_, 64) {
		my ($status, $pid, $name) = (unpack "CCvVVVVVVVv8Z16", $_)[3, 6, 18];
		next unless $status && $status != 9 && $status != 15;
		printf "---- ended badly: %s, process %d: %s\n", $name, $pid, $status & 127 ?
			"signal " . ($status & 127) . ($status & 128 ? ", core dumped" : "") : "exit status " . ($status >> 8);
	}' <"$logs/records" | tail -n 20
}

# keep_cores NAME: the first three, if they are small when packed
keep_cores() {
	local core n=0 to
	for core in "$cores"/*; do
		[ -f "$core" ] || continue
		n=$((n + 1))
		[ $n -le 3 ] || break
		gzip -1 "$core"
		to="kept nowhere"
		if [ -n "${CRASHES:-}" ] && [ "$(stat -c %s "$core.gz")" -lt 16777216 ]; then
			to=$CRASHES/$1.${core##*/}.gz
			cp "$core.gz" "$to"
		fi
		echo "---- core of ${core##*/}: $to"
	done
}

# report NAME PROGRAM STATUS: what there is to know of a test that failed
report() {
	local log=$logs/$1 lines=20
	echo "---- $1 on $kernel (exit status $3):"
	grep -avE '^(ok |#  *(RUN|OK) )' "$log" | tail -n 150
	[ ! -e "$log.left" ] || sed 's/^/---- left behind: /' "$log.left"
	deaths
	[ -z "$(ls "$cores")" ] || lines=80
	keep_cores "$1"
	# The registers of what crashed are there, too.
	echo "---- the kernel's log:"
	if [ -s "$log.splat" ]; then cat "$log.splat"; else later | tail -n $lines; fi
	echo "---- only this one: ${AGAIN:-make check-one} TEST=$1 KERNEL=${KERNEL:-6.12}"
	echo "---- by hand: make vm-shell KERNEL=${KERNEL:-6.12}, and there: ${2#"$top/"}"
}

run_test() { # NAME PROGRAM [OPTIONS...]
	local name=$1 log=$logs/$1 group=/sys/fs/cgroup/$1 status=0 start=$SECONDS p f s seconds need before
	read -r seconds need < <(limits_of "$name")
	if [ -n "$need" ] && [ ! -e "$need" ]; then
		echo "# SKIP $name: this kernel has no $need"
		count "$name" 0 0 1 0
		return
	fi
	seconds=${LIMIT:-$((seconds * SLOW))}
	mkdir -p "$group"
	: >"$logs/records"
	rm -f "$cores"/* "$logs/late"
	before=$(alive)
	mark "$name"
	run_in "$group" "$seconds" "$log" "${@:2}" || status=$?
	clean_up_group "$group" >>"$log"
	[ $status != 124 ] || echo "# time is up ($(cat "$logs/late") s without a word)" >>"$log"
	look_at_freed_memory
	read -r p f s < <("$top/tools/check/tap" STATUS=$status "$log")
	if later | splats_in >"$log.splat"; then
		f=$((f + 1))
	fi
	if [ "$f" = 0 ] || [ -z "$haste" ]; then
		left_behind "$before" >"$log.left"
	fi
	if [ -s "$log.left" ]; then
		f=$((f + 1))
	fi
	if [ "$f" -gt 0 ]; then
		report "$name" "$2" $status
	elif [ "$s" -gt 0 ]; then
		grep -i '# *skip' "$log"
	fi
	count "$name" "$p" "$f" "$s" $((SECONDS - start))
}

programs_in() { # "name path options" of every test, or of those asked for
	local f name t options
	for f; do
		[[ $f != */* ]] || echo "$(basename "${f%.sh}") $f"
	done
	for f in "$top"/build/selftests/* "$here"/*.sh; do
		name=${f##*/}
		name=${name%.sh}
		[ "$name" != run ] || continue
		[ -x "$f" ] || continue
		options=
		for t; do
			[[ $t != "$name":* ]] || options="$options -t ${t#*:}"
		done
		if [ $# = 0 ] || [ -n "$options" ] || [[ " $* " == *" $name "* ]]; then
			echo "$name $f$options"
		fi
	done
}

# Nothing but the module is watched, and it is looked at as often as an emulated machine
# bears: one access in so many, for so many microseconds.
look_for_races() {
	[ -e /sys/kernel/debug/kcsan ] || return 0
	echo 20 >/sys/module/kcsan/parameters/skip_watch
	echo 300 >/sys/module/kcsan/parameters/udelay_task
	echo 60 >/sys/module/kcsan/parameters/udelay_interrupt
	echo on >/sys/kernel/debug/kcsan
}

load() {
	mark load
	[ -d /sys/module/door ] || insmod "$module" || exit 1
	look_for_races
}

# Objects may still be on their way to the grave when the last test has ended.
unload() {
	local end=$((SECONDS + (haste ? 5 : 30) * SLOW))
	mark unload
	until rmmod door 2>/dev/null || [ $SECONDS -ge $end ]; do
		sleep 0.1
	done
	look_at_freed_memory
	if [ -d /sys/module/door ]; then
		echo "---- the module cannot be unloaded: $(rmmod door 2>&1)"
		count unload 0 1 0 10
	elif later | splats_in; then
		count unload 0 1 0 0
	else
		count unload 1 0 0 0
	fi
}

# record FILE: the kernel writes 64 bytes there of every process that ends; not every
# kernel can.
record() {
	: >"$logs/records"
	perl -e 'syscall(163, $ARGV[0]) == 0 or exit 1' "$logs/records" ||
		echo "# this kernel keeps no account of what processes end with"
}

load
record
cores=$logs/cores
mkdir -m 1777 "$cores"
chmod 755 "$logs"
echo "$cores/%e.%p.signal-%s" >/proc/sys/kernel/core_pattern
usual=${USUAL:-$(slowness)}
[ "$usual" = 1 ] || echo "# this machine is $usual times slower than an idle one: so much longer are time limits"
SLOW=$((SLOW * usual))
LIMIT=${LIMIT:-}
while read -r name program options <&3; do
	if [ -n "${ENOUGH:-}" ] && [ $SECONDS -ge "$ENOUGH" ]; then
		left="$left $name"
		skipped=$((skipped + 1)) programs=$((programs + 1))
		continue
	fi
	# One word per option is meant here.
	# shellcheck disable=SC2086
	run_test "$name" "$program" $options
	[ $failed = 0 ] || [ -z "$haste" ] || break
done 3< <(programs_in "$@")
[ -z "$left" ] || echo "# no time left for:$left"
unload
echo "RESULT programs=$programs passed=$passed failed=$failed skipped=$skipped"
[ $failed = 0 ] && [ $programs -gt 1 ]
