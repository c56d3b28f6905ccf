#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# git daemon and git: clone, push.
# PACKAGES: git
. "$(dirname "$0")/lib.sh"

answers() {
	export HOME=$PWD GIT_AUTHOR_DATE="@1 +0000" GIT_COMMITTER_DATE="@1 +0000"
	git config --global user.name me
	git config --global user.email me@example.org
	git config --global init.defaultBranch main
	git init -q work
	big work/big
	git -C work add big
	git -C work commit -q -m one
	git clone -q --bare work served.git
	git daemon --export-all --enable=receive-pack --base-path="$PWD" --listen=127.0.0.1 --port=9418 &
	up listens 9418
	git clone -q git://127.0.0.1/served.git copy
	md5sum <copy/big
	head -c 300000 copy/big | tac >copy/second
	git -C copy add second
	git -C copy commit -q -m two
	git -C copy push -q
	git -C served.git log --format='%h %s'
	git ls-remote git://127.0.0.1/served.git
}

compare 3 "$@"
