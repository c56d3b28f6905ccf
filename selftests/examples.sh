#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The programs in Documentation/examples and the one in README.md do what they say.
top=$(cd "$(dirname "$0")/.." && pwd)
bin=$top/build/examples
n=0
dir=$(mktemp -d)
chmod 755 "$dir"
out=$dir/out
err=$dir/err
server=
trap 'stop; rm -rf "$dir"' EXIT

result() { # STATUS NAME: what the last command printed if it is not 0
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$out" "$err" "$dir/server"
	fi
}

runs() { # STATUS COMMAND...
	local want=$1 got=0
	shift
	"$@" >"$out" 2>"$err" || got=$?
	[ "$got" = "$want" ] || { echo "# exit status $got"; return 1; }
}

says() { # TEXT COMMAND...: prints this one line and nothing else
	runs 0 "${@:2}" && [ "$(cat "$out")" = "$1" ] && [ ! -s "$err" ]
}

refused() { # TEXT COMMAND...: fails with one line that ends in TEXT
	runs 1 "${@:2}" && [ ! -s "$out" ] && [ "$(wc -l <"$err")" = 1 ] && grep -q -- "$1\$" "$err"
}

start() { # SERVER ARGUMENTS...: and waits until it is ready
	"$bin/$1" "${@:2}" >"$dir/server" 2>&1 &
	server=$!
	until grep -qx ready "$dir/server"; do
		kill -0 $server 2>/dev/null || return 1
		sleep 0.05
	done
}

stop() {
	[ -n "$server" ] || return 0
	kill $server 2>/dev/null
	wait $server 2>/dev/null
	server=
}

as() { # UID COMMAND...
	setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}

: >"$dir/server"
start hello_server "$dir/hello"
result $? "hello: the server starts"
says "Hello, world!" "$bin/hello_client" "$dir/hello" world
result $? "hello: greets"
says "Hello, $(printf 'x%.0s' {1..64})!" "$bin/hello_client" "$dir/hello" "$(printf 'x%.0s' {1..200})"
result $? "hello: cuts long names"
says "Hello, you!" as 65534 "$bin/hello_client" "$dir/hello" you
result $? "hello: is there for everybody"
first=$server
start hello_server "$dir/hello" && kill $first && wait $first 2>/dev/null
says "Hello, again!" "$bin/hello_client" "$dir/hello" again
result $? "hello: a second server takes the name over"
stop
refused "No such device or address" "$bin/hello_client" "$dir/hello" nobody
result $? "hello: no server, no door"

start kv_server "$dir/kv"
result $? "kv: the server starts"
refused "nothing: No such file or directory" "$bin/kv_client" "$dir/kv" get nothing
result $? "kv: what is not there"
head -c 3000000 /dev/urandom >"$dir/value"
runs 0 "$bin/kv_client" "$dir/kv" put large <"$dir/value" &&
	runs 0 "$bin/kv_client" "$dir/kv" get large && cmp "$out" "$dir/value"
result $? "kv: 3 MB there and back"
runs 0 "$bin/kv_client" "$dir/kv" get large && cmp "$out" "$dir/value"
result $? "kv: a second time"
runs 0 "$bin/kv_client" "$dir/kv" put large <<<"small" && says small "$bin/kv_client" "$dir/kv" get large
result $? "kv: replaced"
runs 0 "$bin/kv_client" "$dir/kv" put empty </dev/null && says "" "$bin/kv_client" "$dir/kv" get empty
result $? "kv: no bytes at all"
[ "$(find "/proc/$server/fd" -lname '/memfd:value*' | wc -l)" = 2 ]
result $? "kv: the server has a descriptor for each value, and no more"
refused "Permission denied" as 65534 "$bin/kv_client" "$dir/kv" get large
result $? "kv: the file's permissions are the door's"
stop

says "30 calls by 6 clients, at most 2 at a time" "$bin/pool"
result $? "pool: two at a time"

start last_one_out "$dir/last"
result $? "last one out: the server starts"
# The shell has it open, and so has a process that will not say good-bye.
exec 3<"$dir/last"
sleep 1000 4<"$dir/last" 3<&- &
sleeper=$!
says "at your service" "$bin/hello_client" "$dir/last" me
result $? "last one out: serves"
exec 3<&-
says "at your service" "$bin/hello_client" "$dir/last" me
result $? "last one out: one client is still there"
kill -9 $sleeper
runs 0 wait $server && [ "$(tail -n 1 "$dir/server")" = "all gone" ]
result $? "last one out: ends when that is killed"
[ ! -e "$dir/last" ]
result $? "last one out: takes its name along"
server=

start bind_helper "$dir/bind" 1234
result $? "bind helper: starts"
says "uid 1234 listens on port 443" as 1234 "$bin/bind_client" "$dir/bind" 443
result $? "bind helper: the trusted user gets a socket"
refused "port 443: Operation not permitted" as 1235 "$bin/bind_client" "$dir/bind" 443
result $? "bind helper: another user does not"
refused "port 8080: Invalid argument" as 1234 "$bin/bind_client" "$dir/bind" 8080
result $? "bind helper: low ports only"
says "uid 0 listens on port 22" "$bin/bind_client" "$dir/bind" 22
result $? "bind helper: root may"
! grep -q . <(find "/proc/$server/fd" -lname 'socket:*')
result $? "bind helper: keeps no socket"
stop

# What README.md shows, compiled as it says, but against the tree.
awk '/^```c$/ { code = 1; next } /^```$/ { code = 0 } code' "$top/README.md" >"$dir/twice.c"
runs 0 cc -Wall -o "$dir/twice" "$dir/twice.c" -I"$top/include" -I"$top/include/uapi" \
	-L"$top/build/lib" -Wl,-rpath,"$top/build/lib" -ldoor && says 42 "$dir/twice"
result $? "README.md: the answer"
echo "1..$n"
