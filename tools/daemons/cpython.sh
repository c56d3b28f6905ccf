#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# CPython's own tests of sockets and of what stands on them, one by one.
# PACKAGES: python3 ^libpython3[.0-9]*-testsuite$
. "$(dirname "$0")/lib.sh"
LIMIT=900

short="test_socket test_select test_poll test_epoll test_selectors test_socketserver"
long="test_asyncio.test_events test_asyncio.test_base_events test_asyncio.test_selector_events
	test_asyncio.test_sock_lowlevel test_asyncio.test_streams test_asyncio.test_unix_events
	test_asyncio.test_server test_asyncio.test_sendfile test_asyncio.test_subprocess
	test_asyncio.test_buffered_proto test_asyncio.test_sslproto test_asyncio.test_ssl
	test_ssl test_httpservers test_httplib test_ftplib test_smtplib test_smtpd test_poplib
	test_imaplib test_telnetlib test_nntplib test_asyncore test_asynchat test_urllib2_localnet
	test_xmlrpc test_docxmlrpc test_wsgiref test_multiprocessing_fork test_multiprocessing_spawn
	test_multiprocessing_forkserver test_signal test_subprocess test_pty test_timeout"

answers() {
	local module have=()
	read -ra modules <<<"$short"
	[ -n "${COMPAT_SHORT:-}" ] || mapfile -t -O "${#modules[@]}" modules < <(tr -s '[:space:]' '\n' <<<"$long")
	# They come and go with the versions.
	for module in "${modules[@]}"; do
		if python3 -c "import importlib.util as u, sys; sys.exit(not u.find_spec('test.$module'))" 2>/dev/null; then
			have+=("$module")
		fi
	done
	python3 "$top/tools/daemons/cpython.py" "${have[@]}"
}

compare 100 "$@"
