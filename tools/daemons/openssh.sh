#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# OpenSSH: sshd with its separated privileges and sandbox, ssh, scp, shared connections.
# PACKAGES: openssh-server openssh-client openssh-sftp-server
. "$(dirname "$0")/lib.sh"

answers() {
	local ssh=(ssh -F "$PWD/client" server)
	big big
	user sshd
	user visitor /bin/sh
	mkdir -p /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f host
	ssh-keygen -q -t ed25519 -N '' -f key
	cat >server <<-C
		Port 2299
		ListenAddress 127.0.0.1
		HostKey $PWD/host
		AuthorizedKeysFile $PWD/key.pub
		StrictModes no
		UsePAM no
		Subsystem sftp /usr/lib/openssh/sftp-server
	C
	cat >client <<-C
		Host server
			HostName 127.0.0.1
			Port 2299
			User visitor
			IdentityFile $PWD/key
			UserKnownHostsFile $PWD/known
			StrictHostKeyChecking no
			LogLevel ERROR
	C
	/usr/sbin/sshd -D -f "$PWD/server" -E "$PWD/log" &
	up listens 2299
	"${ssh[@]}" 'echo hello; exit 7' || echo "status $?"
	"${ssh[@]}" 'md5sum; seq 100000' <big | md5sum
	scp -q -F client big server:"$PWD/copy"
	scp -q -F client server:"$PWD/copy" back
	md5sum <back
	echo "get copy third" | sftp -q -b - -F client "server:$PWD" | grep -v '^sftp>' || true
	md5sum <third
	# A second ssh hands its descriptors to the first.
	"${ssh[@]}" -M -S "$PWD/control" -fN
	up test -S control
	"${ssh[@]}" -S "$PWD/control" 'cat' <big | md5sum
	"${ssh[@]}" -S "$PWD/control" -O exit 2>/dev/null
	# The session itself is a program of the server's user.
	"${ssh[@]}" "python3 -c 'import socket; a, b = socket.socketpair(); a.send(b\"pair\"); print(b.recv(9))'"
	# A port of the client leads to the server's side.
	"${ssh[@]}" -f -L 2298:127.0.0.1:2299 -o ExitOnForwardFailure=yes 'sleep 60'
	timeout 5 bash -c 'head -c 7 </dev/tcp/127.0.0.1/2298'
	echo
}

compare 5 "$@"
