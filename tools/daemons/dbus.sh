#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# D-Bus: credentials and descriptors over AF_UNIX.
# PACKAGES: dbus-daemon dbus-bin libglib2.0-bin python3-dbus python3-gi
. "$(dirname "$0")/lib.sh"

answers() {
	local pid
	dbus-daemon --session --nofork --address="unix:path=$PWD/bus" &
	up listens "$PWD/bus"
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$PWD/bus
	python3 "$top/tools/daemons/bus.py" &
	pid=$!
	up gdbus call --session -d org.example.Door -o / -m org.example.Door.Upper x
	gdbus call --session -d org.example.Door -o / -m org.example.Door.Upper "some text"
	gdbus call --session -d org.example.Door -o / -m org.example.Door.Upper "$(seq 10000)" | md5sum
	gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.GetConnectionUnixUser org.example.Door
	dbus-send --session --print-reply=literal --dest=org.example.Door / org.example.Door.Upper string:sent
	python3 "$top/tools/daemons/bus.py" ask
	wait $pid
}

compare 5 "$@"
