#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Java: threads with blocking sockets, NIO with epoll, AF_UNIX channels, an HTTP server.
# PACKAGES: openjdk-17-jdk-headless|openjdk-21-jdk-headless|openjdk-25-jdk-headless
. "$(dirname "$0")/lib.sh"

answers() {
	PATH=$PATH:$(echo /usr/lib/jvm/*/bin | tr ' ' :)
	java -Xshare:auto -XX:TieredStopAtLevel=1 "$top/tools/daemons/Sockets.java"
}

compare 12 "$@"
