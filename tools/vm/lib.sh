# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Shared by the scripts of this folder.
set -euo pipefail
# shellcheck disable=SC2034
VM=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Where depmod is; ordinary users do not have it in their PATH.
PATH=$PATH:/usr/sbin:/sbin
export DOOR_CACHE=${DOOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/door}

# Where each kernel comes from: name, suite, suite of the host tools it needs.
# Everything else about it (its exact version) is looked up when it is fetched.
kernel_suite() {
	case $1 in
	6.1) echo bookworm ;;
	6.12) echo bookworm-backports ;;
	7.3) echo trixie-backports ;;
	*) return 1 ;;
	esac
}

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
