#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vsftpd, with connections both ways and a privileged process beside each; curl.
# PACKAGES: vsftpd curl
. "$(dirname "$0")/lib.sh"

answers() {
	local how
	user ftp
	mkdir -p files/upload /run/vsftpd/empty
	big files/big
	chmod 777 files/upload
	chmod 755 . files
	cat >conf <<-C
		listen=YES
		listen_address=127.0.0.1
		listen_port=2121
		background=NO
		anonymous_enable=YES
		anon_root=$PWD/files
		anon_upload_enable=YES
		write_enable=YES
		no_anon_password=YES
		seccomp_sandbox=NO
		pasv_address=127.0.0.1
		connect_from_port_20=NO
	C
	vsftpd "$PWD/conf" &
	up listens 2121
	for how in --ftp-pasv "--ftp-port 127.0.0.1" --disable-epsv; do
		# shellcheck disable=SC2086
		curl -sS $how ftp://127.0.0.1:2121/big | md5sum
		# shellcheck disable=SC2086
		curl -sS $how -T files/big "ftp://127.0.0.1:2121/upload/$RANDOM"
		# shellcheck disable=SC2086
		curl -sS $how -l ftp://127.0.0.1:2121/
	done
	md5sum files/upload/* | cut -d' ' -f1
}

compare 12 "$@"
