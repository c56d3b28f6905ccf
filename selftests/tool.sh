#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The door tool, as people and scripts call it: output, exit status, messages.
top=$(cd "$(dirname "$0")/.." && pwd)
door=$top/build/bin/door
library=$top/build/lib/libdoor-preload.so
n=0
out=$(mktemp)
err=$(mktemp)
trap 'rm -f "$out" "$err"' EXIT

result() { # STATUS NAME: what the last command printed if it is not 0
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$out" "$err"
	fi
}

runs() { # STATUS COMMAND...
	local want=$1 got=0
	shift
	"$@" >"$out" 2>"$err" || got=$?
	[ "$got" = "$want" ] || { echo "# exit status $got"; return 1; }
}

fails() { # STATUS TEXT COMMAND...: and says TEXT in one line to standard error
	local text=$2
	runs "$1" "${@:3}" && [ "$(wc -l <"$err")" = 1 ] && grep -qF -- "$text" "$err"
}

runs 0 "$door" --version && grep -qx "door [0-9.]*" "$out"
result $? "--version"
runs 0 "$door" help && [ ! -s "$err" ] && grep -q "door run" "$out"
result $? "help goes to standard output"
runs 2 "$door" && [ ! -s "$out" ] && grep -q "^usage" "$err"
result $? "no command is wrong usage"
runs 2 "$door" nonsense && grep -q "^door: nonsense: no such command" "$err"
result $? "unknown command"

runs 0 "$door" stat && [ ! -s "$err" ] && grep -q "^socket pairs joined  *[0-9]*$" "$out" &&
	grep -q "^  peer not marked  *[0-9]*$" "$out"
result $? "stat"
runs 0 "$door" stat --json && [ "$(wc -l <"$out")" = 1 ] && grep -q '"streams_joined":[0-9]*,' "$out"
result $? "stat --json"
python3 -m json.tool <"$out" >/dev/null 2>"$err"
result $? "stat --json is JSON"
fails 2 "unexpected argument" "$door" stat more
result $? "stat with an argument"
runs 2 "$door" stat --nonsense
result $? "stat with an option"
# shellcheck disable=SC2016
to_full='exec "$@" >/dev/full'
fails 1 "standard output: No space left" sh -c "$to_full" - "$door" stat --json &&
	fails 1 "standard output: No space left" sh -c "$to_full" - "$door" ls
result $? "output that cannot be written is a failure"
fails 2 "which files?" "$door" detach && fails 1 "no door is attached" "$door" detach /etc/passwd &&
	fails 1 "No such file" "$door" detach /nonsense
result $? "detach without a door"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
runs 0 "${nobody[@]}" "$door" stat
result $? "stat for everybody"

runs 7 "$door" run -q -- sh -c 'exit 7'
result $? "run returns the command's status"
runs 0 env -u LD_PRELOAD "$door" run env && grep -qx "LD_PRELOAD=$library" "$out" && [ ! -s "$err" ]
result $? "run sets LD_PRELOAD and says nothing"
runs 0 env LD_PRELOAD=libm.so.6 "$door" run env && grep -qx "LD_PRELOAD=libm.so.6:$library" "$out"
result $? "run appends to LD_PRELOAD"
runs 0 "$door" run "$door" run env && grep -qx "LD_PRELOAD=$library" "$out"
result $? "run within run"
runs 0 "$door" run -d env && grep -qx "DOOR_DEBUG=1" "$out"
result $? "run -d"
chmod 600 /dev/door
fails 0 "/dev/door: may not be opened" "${nobody[@]}" "$door" run true
result $? "run without permission warns"
chmod 666 /dev/door
fails 127 "no-such-command" "$door" run no-such-command
result $? "run of a missing command"
fails 126 "Permission denied" "$door" run /etc/passwd
result $? "run of a file that is no command"
fails 2 "no command" "$door" run
result $? "run of nothing"

fails 2 "not a process number" "$door" ls -p x
result $? "ls -p of no number"
fails 1 "999999" "$door" ls -p 999999
result $? "ls -p of no process"
"$door" run python3 -c '
import socket, subprocess, sys, os
a, b = socket.socketpair()
l = subprocess.run([sys.argv[1], "ls", "-p", str(os.getpid())], capture_output=True, text=True)
sys.stdout.write(l.stdout)
sys.exit(l.returncode)' "$door" >"$out" 2>"$err" && [ "$(grep -c "door-stream:" "$out")" = 2 ]
result $? "ls shows both ends of a pair"

"$door" run python3 -c '
import os, socket, subprocess, sys
a, b = socket.socketpair()
open("/proc/self/comm", "wb").write(b"a\33[2Jb\302\233")
l = subprocess.run([sys.argv[1], "ls", "-p", str(os.getpid())], capture_output=True)
sys.stdout.buffer.write(l.stdout)' "$door" >"$out" 2>"$err" && grep -qF " a?[2Jb?? " "$out" && ! grep -q "$(printf '\33')" "$out"
result $? "ls shows no control characters"

long=$(mktemp -d)/$(printf 'd%0200d/' 1 2 3)
mkdir -p "$long"
path=$long$(printf 'n\303\266\33[2J\302\233door-id:')
"$top/build/examples/hello_server" "$path" >"$out" 2>"$err" &
server=$!
until grep -qx ready "$out" || ! kill -0 $server 2>/dev/null; do sleep 0.05; done
runs 0 env LC_ALL=C.UTF-8 "$door" ls -p $server && grep -qF "door-name:	$long$(printf 'n\303\266')?[2J??door-id:" "$out" &&
	runs 0 env LC_ALL=C "$door" ls -p $server && grep -qF "door-name:	${long}n???[2J??door-id:" "$out" &&
	[ "$(grep -c " door-[a-z]*:	" "$out")" = 4 ] && [ "$(grep -c " name  door-name:	" "$out")" = 1 ]
result $? "ls shows names of any length in the user's language"
kill $server
wait $server 2>/dev/null
rm -rf "${long%%/d0*}"

trace=/sys/kernel/tracing
traced() { # TEXT...: what the instance's buffer has to hold
	local text
	for text; do grep -qE "$text" "$out" || return 1; done
}
if [ ! -d $trace/events/door ]; then
	result 1 "the tracepoints are there"
else
	mkdir $trace/instances/selftest && echo 1 >$trace/instances/selftest/events/door/enable
	"$door" run python3 -c 'import socket
a, b = socket.socketpair()
l = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(l.getsockname())
s = l.accept()' >/dev/null 2>"$err"
	"$top/build/bin/doorbench" -n 10 -s 64 door >/dev/null 2>>"$err"
	cat $trace/instances/selftest/trace >"$out"
	rmdir $trace/instances/selftest
	traced "door_join: family=unix" "door_join: family=inet" "door_call: door=[0-9]+ size=[0-9]+ server=[0-9]+" \
		"door_return: size=[0-9]+"
	result $? "joins, calls and returns are traced"
fi

# shellcheck disable=SC2016
rmmod_test='for i in $(seq 50); do rmmod door 2>/dev/null && break; sleep 0.1; done; [ ! -d /sys/module/door ]'
if sh -c "$rmmod_test"; then
	fails 3 "the door module is not loaded" "$door" stat
	result $? "stat without the module"
	fails 0 "/dev/door" "$door" run true
	result $? "run without the module warns"
	runs 0 "$door" run -q true && [ ! -s "$err" ]
	result $? "run -q without the module does not"
	runs 0 "$door" run -d -q python3 -c 'import socket; socket.socketpair()' && grep -q "plain: no /dev/door" "$err"
	result $? "DOOR_DEBUG says that there is no module"
	insmod "$DOOR_MODULE"
else
	result 1 "the module can be unloaded"
fi
echo "1..$n"
