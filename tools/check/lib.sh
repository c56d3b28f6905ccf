# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Shared by the checks: each works on the tracked files, prints "file: problem"
# lines and fails if there is one.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
problems=$(mktemp)
trap 'rm -f "$problems"' EXIT

# files PATTERN...: tracked files ("*" matches "/", a folder all in it)
files() {
	local f pattern
	{ git ls-files 2>/dev/null || find . -type f ! -path './build/*' ! -path './.git/*' -printf '%P\n'; } |
		while read -r f; do
			for pattern; do
				# The pattern is meant as one.
				# shellcheck disable=SC2053
				if [[ $f == $pattern || $f == $pattern/* || $pattern == . ]] && [ -f "$f" ]; then
					echo "$f"
					break
				fi
			done
		done
}

# verdict: to be called last; problems are the lines of its input
verdict() {
	cat >"$problems"
	sort -u "$problems"
	[ ! -s "$problems" ]
}

need() { # TOOL GROUP
	command -v "$1" >/dev/null || {
		echo "$1 is missing: run tools/vm/setup $2"
		exit 1
	}
}
