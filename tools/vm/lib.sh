# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Shared by the scripts of this folder.
set -euo pipefail
# shellcheck disable=SC2034
VM=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Where depmod is; ordinary users do not have it in their PATH.
PATH=$PATH:/usr/sbin:/sbin
export DOOR_CACHE=${DOOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/door}

# is_line NAME: the name of a line of kernels, as 6.12. Where its newest is to be had
# is looked up when it is fetched.
is_line() { [[ $1 =~ ^[0-9]+\.[0-9]+$ ]]; }

say() { echo "${0##*/}: $*" >&2; }
die() {
	say "$1"
	exit "${2:-1}"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		sudo "$@"
	else
		die "this needs root ('$*'): run it as root, or install and allow sudo"
	fi
}

# need_disk DIR MIB: says so before a download fails half way
need_disk() {
	local free
	mkdir -p "$1"
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] || die "$1 has $free MiB free, this needs $2 MiB (DOOR_CACHE moves it elsewhere)"
}

# locked NAME COMMAND...: two runs never fill the same part of the cache at once
locked() {
	local fd
	mkdir -p "$DOOR_CACHE"
	exec {fd}>"$DOOR_CACHE/.lock-$1"
	flock "$fd"
	shift
	"$@"
	exec {fd}>&-
}

# What the cache has is made aside, and gets its name when it is whole. A folder also
# keeps a count of what it then had, by which one that was damaged later is noticed.
#
# seal NEW NAME [KEY]: NEW is whole and becomes NAME; KEY says what it was made from
seal() {
	tally "$1" "${3:-}" >"$1.tally"
	mv "$1.tally" "$1/.complete"
	# Not even a power cut shall leave the name without the contents.
	sync -f "$1/.complete"
	# Whoever uses the old one misses it for a moment only.
	rm -rf "$2.old"
	[ ! -e "$2" ] || mv -T "$2" "$2.old"
	mv -T "$1" "$2"
	rm -rf "$2.old"
}

# whole NAME [KEY]: is it there as it was sealed, and made from KEY?
whole() {
	[ -f "$1/.complete" ] || return 1
	[ "$(cat "$1/.complete")" = "$(tally "$1" "${2:-}")" ] || {
		say "$1 is not what it was, or is to be: made anew"
		return 1
	}
}

tally() {
	find "$1" -type f ! -name .complete -printf '%s\n' | awk -v key="$2" '
		{ n++; size += $1 } END { printf "%d files, %.0f bytes %s\n", n, size, key }'
}
