#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The programs that use doors and sockets most, with one in so many of the
# module's allocations and accesses to user memory failing. What the programs
# say of it does not count; that they end does, and run.sh looks for bugs in the
# kernel's log and for objects left behind.
debug=/sys/kernel/debug
kinds=(failslab fail_page_alloc fail_usercopy)
tests=$(cd "$(dirname "$0")/../build/selftests" && pwd)
programs=(door_call door_desc door_pool door_stress door_unref netlink_stats
	sock_close sock_io sock_join sock_scm sock_splice sock_twin)
seconds=$((15 * ${SLOW:-1}))
n=0

set_all() { # FILE VALUE: in each kind that has it
	local kind
	for kind in "${kinds[@]}"; do
		[ ! -e "$debug/$kind/$1" ] || echo "$2" >"$debug/$kind/$1"
	done
}

# Only what has the module's code on its stack fails, and it does so silently.
prepare() {
	local start end
	read -r start end < <(awk '$4 == "[door]" && tolower($2) == "t" { print $1 }' /proc/kallsyms |
		sort | sed -n '1p; $p' | tr '\n' ' ')
	set_all require-start "0x$start"
	set_all require-end "0x$end"
	set_all stacktrace-depth 32
	set_all verbose 0
	set_all task-filter Y
	set_all ignore-gfp-wait N
	set_all ignore-gfp-highmem N
	set_all min-order 0
	set_all times -1
	set_all probability "$1"
}

# Its own time limits and deadlines are no concern here.
under_faults() {
	(
		echo 1 >/proc/self/make-it-fail
		exec timeout -k $((20 * ${SLOW:-1})) "$seconds" "$tests/$1" >/dev/null 2>&1
	)
	[ $? != 137 ]
}

echo "1..${#programs[@]}"
prepare 1
for program in "${programs[@]}"; do
	verdict=ok
	under_faults "$program" || verdict="not ok"
	n=$((n + 1))
	echo "$verdict $n $program under faults"
done
set_all probability 0
set_all task-filter N
