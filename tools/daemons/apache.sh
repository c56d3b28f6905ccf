#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Apache with threads, as a server of files and before php-fpm over AF_UNIX; curl, ab.
# PACKAGES: apache2-bin apache2-utils php-fpm curl
. "$(dirname "$0")/lib.sh"

answers() {
	local m
	big big
	# shellcheck disable=SC2016
	echo '<?php echo "hello ", strlen(file_get_contents("php://input")), str_repeat("y", 200000);' >hello.php
	{
		for m in mpm_event authz_core proxy proxy_fcgi; do
			echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"
		done
		cat <<-C
			ServerName localhost
			Listen 127.0.0.1:8200
			PidFile $PWD/pid
			ErrorLog $PWD/err
			DocumentRoot $PWD
			User www-data
			Group www-data
			<FilesMatch "\.php$">
				SetHandler "proxy:unix:$PWD/php.sock|fcgi://localhost/"
			</FilesMatch>
		C
	} >apache.conf
	cat >php.conf <<-C
		[global]
		error_log = $PWD/php.err
		[www]
		user = www-data
		group = www-data
		listen = $PWD/php.sock
		listen.mode = 0666
		pm = static
		pm.max_children = 3
	C
	"$(echo /usr/sbin/php-fpm*)" -F -y "$PWD/php.conf" &
	apache2 -f "$PWD/apache.conf" -DFOREGROUND &
	up listens "$PWD/php.sock"
	up listens 8200
	curl -sS http://127.0.0.1:8200/big | md5sum
	curl -sS --data-binary @big http://127.0.0.1:8200/hello.php | md5sum
	ab -q -k -n 100 -c 10 http://127.0.0.1:8200/php.conf | grep -E '^(Complete|Failed) requests'
	ab -q -n 20 -c 5 http://127.0.0.1:8200/hello.php | grep -E '^(Complete|Failed) requests'
	apache2 -f "$PWD/apache.conf" -k graceful
	up curl -fsS http://127.0.0.1:8200/php.conf
	curl -sS http://127.0.0.1:8200/big | md5sum
	ends %2
	ends %1 QUIT
}

compare 30 "$@"
