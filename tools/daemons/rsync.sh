#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# rsync and its daemon.
# PACKAGES: rsync
. "$(dirname "$0")/lib.sh"

answers() {
	local i
	mkdir served
	big served/big
	for i in {1..200}; do echo "file $i" >"served/$i"; done
	cat >rsyncd.conf <<-C
		port = 8730
		address = 127.0.0.1
		use chroot = yes
		uid = root
		gid = root
		pid file = $PWD/pid
		log file = $PWD/log
		[served]
		path = $PWD/served
		read only = no
	C
	rsync --daemon --no-detach --config=rsyncd.conf &
	up listens 8730
	rsync -a rsync://127.0.0.1:8730/served/ copy
	diff -r served copy && echo same
	head -c 100000 /dev/zero >>copy/big
	rsync -az --stats copy/ rsync://127.0.0.1:8730/served/ | grep -E '^(Number of regular files trans|Literal data)'
	diff -r served copy && echo same
	ends %1
}

compare 2 "$@"
