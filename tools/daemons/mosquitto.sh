#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# mosquitto, a message broker, and its clients.
# PACKAGES: mosquitto mosquitto-clients
. "$(dirname "$0")/lib.sh"

answers() {
	big big
	printf 'listener 1899 127.0.0.1\nlistener 0 %s\nallow_anonymous true\nlog_type all\n' "$PWD/sock" >conf
	mosquitto -c conf 2>broker.log &
	up listens 1899
	mosquitto_sub -p 1899 -t numbers -q 2 -C 500 >numbers.got &
	mosquitto_sub --unix "$PWD/sock" -t file -q 1 -C 1 >file.got &
	up grep -q 'numbers (QoS 2)' broker.log
	up grep -q 'file (QoS 1)' broker.log
	mosquitto_pub -p 1899 -t file -q 1 -r -f big
	seq 500 | mosquitto_pub --unix "$PWD/sock" -t numbers -q 2 -l
	wait %2
	wait %3
	md5sum numbers.got file.got
	ends %1
}

compare 4 "$@"
