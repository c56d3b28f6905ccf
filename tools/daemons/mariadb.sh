#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# MariaDB over TCP and AF_UNIX.
# PACKAGES: mariadb-server-core mariadb-client-core
. "$(dirname "$0")/lib.sh"

answers() {
	local sql where
	user mysql
	chown mysql . ..
	[ -d ../data ] || mariadb-install-db --no-defaults --user=mysql --datadir="$(realpath ..)/data" \
		--auth-root-authentication-method=normal --skip-test-db >/dev/null
	cp -a ../data data
	mariadbd --no-defaults --user=mysql --datadir="$PWD/data" --socket="$PWD/sock" --port=3399 \
		--bind-address=127.0.0.1 --innodb-flush-log-at-trx-commit=0 2>log &
	up listens 3399
	big big
	for where in "--socket=$PWD/sock" "--host=127.0.0.1 --port=3399"; do
		sql="mariadb --no-defaults $where --local-infile -N -u root"
		$sql -e "create database d; create table d.t (line text)"
		$sql -e "load data local infile '$PWD/big' into table d.t"
		$sql --quick -e "select line from d.t" | md5sum
		$sql -e "select count(*), md5(group_concat(seq)) from seq_1_to_1000" mysql
		$sql -e "select connection_id() into @c; select sleep(0); show tables in d; drop database d"
		for _ in {1..5}; do $sql -e "select 1"; done | uniq -c
	done
	$sql -e shutdown
	wait %1
}

compare 16 "$@"
